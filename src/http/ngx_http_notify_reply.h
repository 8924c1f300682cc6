/*
 * Answers of our own: fields of the header, and a body in one piece.  All of
 * it lives as long as the request.
 */

#ifndef _NGX_HTTP_NOTIFY_REPLY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REPLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


ngx_int_t ngx_http_notify_reply_header(ngx_http_request_t *r,
    const char *name, const ngx_str_t *value);
ngx_int_t ngx_http_notify_reply_header_text(ngx_http_request_t *r,
    const char *name, const char *value);

/* what the phase returns, or what finalizes the request */
ngx_int_t ngx_http_notify_reply_not_allowed(ngx_http_request_t *r);
ngx_int_t ngx_http_notify_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, const ngx_str_t *body);


#endif /* _NGX_HTTP_NOTIFY_REPLY_H_INCLUDED_ */
