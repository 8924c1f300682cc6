/*
 * notify_verify twilio: the address of a call and the sorted fields of its
 * form.
 */

#ifndef _NGX_HTTP_NOTIFY_VERIFY_TWILIO_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_VERIFY_TWILIO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_verify.h"


/*
 * The two parts that are signed of a call: its URL, and its form's fields.
 * NGX_DECLINED, with the reason: its body cannot be signed; NGX_ERROR.
 */
ngx_int_t ngx_http_notify_verify_twilio(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify, const ngx_str_t *body,
    ngx_str_t *parts, const char **reason);
/* The fields of a form as they are signed: sorted, each once, name and value
 * side by side.  NGX_DECLINED: they are too many. */
ngx_int_t ngx_http_notify_verify_twilio_form(ngx_pool_t *pool,
    const ngx_str_t *form, ngx_str_t *text);
/* bodySHA256 of a URL's query; NGX_DECLINED: it has none, or two */
ngx_int_t ngx_http_notify_verify_twilio_hash(const ngx_str_t *url,
    ngx_str_t *hash);
/* The same URL with its port, or the scheme's, or without one; from pool. */
ngx_int_t ngx_http_notify_verify_twilio_port(ngx_pool_t *pool,
    const ngx_str_t *url, ngx_uint_t port, ngx_str_t *other);


#endif /* _NGX_HTTP_NOTIFY_VERIFY_TWILIO_H_INCLUDED_ */
