/*
 * Publishing for a request: what it publishes, the rate of its tenant, and the
 * answer when Redis has the events.
 */

#ifndef _NGX_HTTP_NOTIFY_API_PUBLISH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_PUBLISH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_log_publish.h"


/* api->data of a request that publishes */
typedef struct {
    ngx_uint_t                       many;      /* answer with an array */
    ngx_uint_t                       again;     /* status of what was there */
    ngx_uint_t                       n;         /* events of the body */
    ngx_http_notify_log_entry_t     *entries;   /* n */
    ngx_uint_t                       hops;
    ngx_http_notify_event_t          trace;     /* nothing else of it */
    ngx_str_t                        key;       /* Idempotency-Key */
    ngx_http_notify_crypto_hmac_t   *hmac;
} ngx_http_notify_api_publish_t;


/* takes them of publish_rate; NGX_DECLINED: 429 has been sent */
ngx_int_t ngx_http_notify_api_publish_rate(ngx_http_notify_api_t *api);
/* hops and trace of the request; NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_publish_headers(ngx_http_notify_api_t *api);
/* 32 hex digits of a digest, from pool */
ngx_int_t ngx_http_notify_api_publish_digest(ngx_pool_t *pool,
    const ngx_str_t *parts, ngx_uint_t n, ngx_str_t *digest);
/* publishes, and answers */
void ngx_http_notify_api_publish(ngx_http_notify_api_t *api);


#endif /* _NGX_HTTP_NOTIFY_API_PUBLISH_H_INCLUDED_ */
