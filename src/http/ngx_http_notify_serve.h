/*
 * The directives that answer a location by themselves: a location has one of
 * them, and no proxy_pass or the like, whatever the order they stand in.
 */

#ifndef _NGX_HTTP_NOTIFY_SERVE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SERVE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* of a setter: NGX_CONF_OK, or the error */
char *ngx_http_notify_serve(ngx_conf_t *cf, ngx_http_handler_pt handler);

/* whether the request is answered by one of these directives */
ngx_uint_t ngx_http_notify_serve_is(ngx_http_request_t *r);


#endif /* _NGX_HTTP_NOTIFY_SERVE_H_INCLUDED_ */
