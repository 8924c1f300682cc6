/*
 * The token bucket: arithmetic on its owner's state, exact in integers.
 * Must not know what a token is taken for.
 */

#include "ngx_http_notify_bucket.h"


/*
 * A level's unit is a millionth of a token: a rate is given in tokens per a
 * million milliseconds, so a millisecond brings as many units as the rate.
 */
#define NGX_HTTP_NOTIFY_BUCKET_TOKEN  1000000
#define NGX_HTTP_NOTIFY_BUCKET_MAX    (INT64_MAX / 2)


static int64_t
ngx_http_notify_bucket_full(const ngx_http_notify_bucket_conf_t *conf)
{
    uint64_t  burst;

    burst = ngx_max(conf->burst, 1);
    burst = ngx_min(burst, NGX_HTTP_NOTIFY_BUCKET_MAX
                           / NGX_HTTP_NOTIFY_BUCKET_TOKEN);

    return (int64_t) burst * NGX_HTTP_NOTIFY_BUCKET_TOKEN;
}


void
ngx_http_notify_bucket_init(ngx_http_notify_bucket_t *bucket,
    const ngx_http_notify_bucket_conf_t *conf, ngx_uint_t tokens)
{
    int64_t  full;

    full = ngx_http_notify_bucket_full(conf);

    bucket->last = ngx_current_msec;
    bucket->level = (tokens < (uint64_t) full / NGX_HTTP_NOTIFY_BUCKET_TOKEN)
                        ? (int64_t) tokens * NGX_HTTP_NOTIFY_BUCKET_TOKEN
                        : full;
}


ngx_msec_t
ngx_http_notify_bucket_take(ngx_http_notify_bucket_t *bucket,
    const ngx_http_notify_bucket_conf_t *conf)
{
    return ngx_http_notify_bucket_take_n(bucket, conf, 1);
}


ngx_msec_t
ngx_http_notify_bucket_take_n(ngx_http_notify_bucket_t *bucket,
    const ngx_http_notify_bucket_conf_t *conf, ngx_uint_t n)
{
    int64_t         full, rate, wanted, missing;
    ngx_msec_int_t  elapsed;

    if (conf->rate == 0) {
        return 0;
    }

    rate = (int64_t) ngx_min((uint64_t) conf->rate,
                             NGX_HTTP_NOTIFY_BUCKET_MAX);
    full = ngx_http_notify_bucket_full(conf);

    /* of several workers, one's clock may be a tick behind */

    elapsed = (ngx_msec_int_t) (ngx_current_msec - bucket->last);

    if (elapsed > 0) {
        bucket->last = ngx_current_msec;
        bucket->level = (elapsed > (full - bucket->level) / rate)
                            ? full : bucket->level + elapsed * rate;
    }

    /* the configuration may have changed since */

    bucket->level = ngx_min(bucket->level, full);

    wanted = ((uint64_t) n > (uint64_t) full / NGX_HTTP_NOTIFY_BUCKET_TOKEN)
                 ? full + 1 : (int64_t) n * NGX_HTTP_NOTIFY_BUCKET_TOKEN;

    if (bucket->level >= wanted) {
        bucket->level -= wanted;
        return 0;
    }

    missing = wanted - bucket->level;

    return (ngx_msec_t) (missing / rate + (missing % rate != 0));
}
