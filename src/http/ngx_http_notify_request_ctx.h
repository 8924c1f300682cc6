/*
 * Contexts that a redirect does not take away: each is the data of a cleanup
 * in the pool that a client's request and its subrequests have together, and
 * is found by the handler of that cleanup.
 */

#ifndef _NGX_HTTP_NOTIFY_REQUEST_CTX_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REQUEST_CTX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* a zeroed one, which becomes the module's context; NULL: memory */
void *ngx_http_notify_request_ctx_create(ngx_http_request_t *r,
    ngx_module_t *module, size_t size, ngx_pool_cleanup_pt handler);
/* the latest one, or the one made before `previous`; NULL: there is none */
void *ngx_http_notify_request_ctx_next(ngx_http_request_t *r,
    ngx_pool_cleanup_pt handler, const void *previous);


#endif /* _NGX_HTTP_NOTIFY_REQUEST_CTX_H_INCLUDED_ */
