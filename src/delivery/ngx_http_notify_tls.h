/*
 * TLS of a subscription's own: whom it trusts, its client certificate, the name
 * that its endpoint's certificate is for.
 */

#ifndef _NGX_HTTP_NOTIFY_TLS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_call_conf.h"


typedef struct {
    ngx_str_t    ca;            /* PEM texts, or empty */
    ngx_str_t    certificate;
    ngx_str_t    key;
    ngx_str_t    server_name;   /* or empty: the URL's host */
} ngx_http_notify_tls_t;


/* of a member `tls`; NULL: all are empty */
void ngx_http_notify_tls_read(const ngx_http_notify_json_t *object,
    ngx_http_notify_tls_t *tls);

/*
 * A copy of the profile's state with a context of its own, which goes with the
 * pool.  NGX_DECLINED: *reason says what of *member cannot be used; NGX_ERROR:
 * memory.
 */
ngx_int_t ngx_http_notify_tls_state(ngx_pool_t *pool,
    const ngx_http_notify_call_conf_t *conf, const ngx_http_notify_tls_t *tls,
    ngx_http_notify_call_state_t **state, const char **member,
    const char **reason);


#endif /* _NGX_HTTP_NOTIFY_TLS_H_INCLUDED_ */
