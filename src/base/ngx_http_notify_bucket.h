/*
 * A token bucket: a rate with a burst.  Milliseconds of ngx_current_msec;
 * no timers.
 */

#ifndef _NGX_HTTP_NOTIFY_BUCKET_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BUCKET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_uint_t   rate;          /* tokens per 1,000 seconds; 0: no limit */
    ngx_uint_t   burst;         /* tokens at most, >= 1 */
} ngx_http_notify_bucket_conf_t;

typedef struct {
    ngx_msec_t   last;
    int64_t      level;         /* in thousandths of a thousandth of a token */
} ngx_http_notify_bucket_t;


/* with so many tokens, but no more than it holds */
void ngx_http_notify_bucket_init(ngx_http_notify_bucket_t *bucket,
    const ngx_http_notify_bucket_conf_t *conf, ngx_uint_t tokens);
/* takes a token and returns 0, or the milliseconds to wait for one */
ngx_msec_t ngx_http_notify_bucket_take(ngx_http_notify_bucket_t *bucket,
    const ngx_http_notify_bucket_conf_t *conf);
/* the same of n tokens, all or none; more than it holds are never there */
ngx_msec_t ngx_http_notify_bucket_take_n(ngx_http_notify_bucket_t *bucket,
    const ngx_http_notify_bucket_conf_t *conf, ngx_uint_t n);


#endif /* _NGX_HTTP_NOTIFY_BUCKET_H_INCLUDED_ */
