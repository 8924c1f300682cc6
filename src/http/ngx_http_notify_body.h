/*
 * A request's body, once it has been read: its text, and its members by name,
 * $notify_body_NAME.
 */

#ifndef _NGX_HTTP_NOTIFY_BODY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BODY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


extern ngx_module_t  ngx_http_notify_body_module;


/*
 * The whole body in one piece, empty where there is none; a slice of the
 * request's or pool memory.  NGX_DECLINED: longer than limit, or not all there;
 * NGX_ERROR: memory, or its file cannot be read.
 */
ngx_int_t ngx_http_notify_body(ngx_http_request_t *r, size_t limit,
    ngx_str_t *text);
/*
 * That by which a request or subrequest is judged: its own, or the client's.
 * NGX_ABORT: nobody has read it before this subrequest.
 */
ngx_int_t ngx_http_notify_body_here(ngx_http_request_t *r, size_t limit,
    ngx_str_t *text);
/* As ngx_http_read_client_request_body(), before what serves the location has
 * said how it needs the body. */
ngx_int_t ngx_http_notify_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler);
/* notify_body_size of the location */
size_t ngx_http_notify_body_size(ngx_http_request_t *r);

/* the media type, its case and parameters ignored (RFC 9110, 8.3) */
ngx_uint_t ngx_http_notify_body_is(ngx_http_request_t *r, const char *type);

/* The request waits for something else than its client, whose body is read:
 * one that leaves is noticed (by a main request).  NGX_ERROR: the connection is
 * of no use. */
ngx_int_t ngx_http_notify_body_wait(ngx_http_request_t *r);
/* ... no longer, from outside of its events; it may be gone afterwards */
void ngx_http_notify_body_go_on(ngx_http_request_t *r);

/* A field of an urlencoded form, decoded, its name's case ignored.
 * NGX_DECLINED: there is none; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_body_field(ngx_http_request_t *r,
    const ngx_str_t *form, const ngx_str_t *name, ngx_str_t *value);

/* A string's text, any other value's JSON, in its place; NGX_DECLINED: null */
ngx_int_t ngx_http_notify_body_plain(ngx_pool_t *pool, ngx_str_t *value);
/* A variable's value, a copy that may stand in a header: control characters
 * become spaces.  NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_body_value(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, const ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_BODY_H_INCLUDED_ */
