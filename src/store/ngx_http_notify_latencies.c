/*
 * Counts of calls by their latency.  Knows neither calls nor subscriptions.
 */

#include "ngx_http_notify_latencies.h"


/* milliseconds, up to and with; no call takes longer than a day */
static const ngx_uint_t
    ngx_http_notify_latencies_bounds[NGX_HTTP_NOTIFY_LATENCIES_BUCKETS] =
{
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000,
    1500, 2000, 3000, 5000, 10000, 30000, 86400000
};


static ngx_int_t ngx_http_notify_latencies_number(u_char **p, u_char *last,
    uint64_t *n);


void
ngx_http_notify_latencies_add(ngx_http_notify_latencies_t *l,
    ngx_uint_t success, ngx_msec_t latency)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_LATENCIES_BUCKETS - 1; i++) {
        if (latency <= ngx_http_notify_latencies_bounds[i]) {
            break;
        }
    }

    l->buckets[i]++;

    if (success) {
        l->succeeded++;

    } else {
        l->failed++;
    }
}


void
ngx_http_notify_latencies_sum(ngx_http_notify_latencies_t *sum,
    const ngx_http_notify_latencies_t *l)
{
    ngx_uint_t  i;

    sum->succeeded += l->succeeded;
    sum->failed += l->failed;

    for (i = 0; i < NGX_HTTP_NOTIFY_LATENCIES_BUCKETS; i++) {
        sum->buckets[i] += l->buckets[i];
    }
}


u_char *
ngx_http_notify_latencies_print(u_char *p,
    const ngx_http_notify_latencies_t *l)
{
    ngx_uint_t  i;

    p = ngx_sprintf(p, "%uL %uL", l->succeeded, l->failed);

    for (i = 0; i < NGX_HTTP_NOTIFY_LATENCIES_BUCKETS; i++) {
        if (l->buckets[i]) {
            p = ngx_sprintf(p, " %ui:%uL", i, l->buckets[i]);
        }
    }

    return p;
}


ngx_int_t
ngx_http_notify_latencies_parse(const ngx_str_t *text,
    ngx_http_notify_latencies_t *l)
{
    u_char    *p, *last;
    uint64_t   bucket, n;

    ngx_memzero(l, sizeof(ngx_http_notify_latencies_t));

    p = text->data;
    last = p + text->len;

    if (ngx_http_notify_latencies_number(&p, last, &l->succeeded) != NGX_OK
        || ngx_http_notify_latencies_number(&p, last, &l->failed) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    while (p < last) {

        if (ngx_http_notify_latencies_number(&p, last, &bucket) != NGX_OK
            || ngx_http_notify_latencies_number(&p, last, &n) != NGX_OK
            || bucket >= NGX_HTTP_NOTIFY_LATENCIES_BUCKETS)
        {
            return NGX_DECLINED;
        }

        l->buckets[bucket] += n;
    }

    return NGX_OK;
}


/* and the character behind it */

static ngx_int_t
ngx_http_notify_latencies_number(u_char **p, u_char *last, uint64_t *n)
{
    off_t    value;
    u_char  *begin;

    begin = *p;

    while (*p < last && **p >= '0' && **p <= '9') {
        (*p)++;
    }

    value = ngx_atoof(begin, *p - begin);

    if (value == NGX_ERROR) {
        return NGX_DECLINED;
    }

    if (*p < last) {
        (*p)++;
    }

    *n = value;

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_latencies_percentile(const ngx_http_notify_latencies_t *l,
    ngx_uint_t percent)
{
    uint64_t    all, rank, below;
    ngx_uint_t  i, least, most;

    all = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_LATENCIES_BUCKETS; i++) {
        all += l->buckets[i];
    }

    if (all == 0) {
        return 0;
    }

    rank = (all * percent + 99) / 100;
    below = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_LATENCIES_BUCKETS - 1; i++) {
        if (below + l->buckets[i] >= rank) {
            break;
        }

        below += l->buckets[i];
    }

    least = i ? ngx_http_notify_latencies_bounds[i - 1] : 0;
    most = ngx_http_notify_latencies_bounds[i];

    if (i == NGX_HTTP_NOTIFY_LATENCIES_BUCKETS - 1) {
        return least;
    }

    return least + (most - least) * (rank - below) / l->buckets[i];
}
