/*
 * What came of a subscription's calls, and how long they took: counts of a span
 * of time, as they are kept in "stats:<id>", and the percentiles of these.
 */

#ifndef _NGX_HTTP_NOTIFY_LATENCIES_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LATENCIES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_LATENCIES_BUCKETS  25
#define NGX_HTTP_NOTIFY_LATENCIES_SPAN     300000   /* ms, of the finer ones */
#define NGX_HTTP_NOTIFY_LATENCIES_SPANS    12       /* an hour of them */
#define NGX_HTTP_NOTIFY_LATENCIES_HOURS    168      /* seven days */
/* of its text */
#define NGX_HTTP_NOTIFY_LATENCIES_LEN                                         \
    ((2 + NGX_HTTP_NOTIFY_LATENCIES_BUCKETS) * (NGX_INT64_LEN + 1))


typedef struct {
    uint64_t    succeeded;
    uint64_t    failed;
    uint64_t    buckets[NGX_HTTP_NOTIFY_LATENCIES_BUCKETS];
} ngx_http_notify_latencies_t;


void ngx_http_notify_latencies_add(ngx_http_notify_latencies_t *l,
    ngx_uint_t success, ngx_msec_t latency);
void ngx_http_notify_latencies_sum(ngx_http_notify_latencies_t *sum,
    const ngx_http_notify_latencies_t *l);

/* "succeeded failed n:count n:count", to at most _LEN bytes; the end of it */
u_char *ngx_http_notify_latencies_print(u_char *p,
    const ngx_http_notify_latencies_t *l);
/* NGX_DECLINED: it is not what _print writes */
ngx_int_t ngx_http_notify_latencies_parse(const ngx_str_t *text,
    ngx_http_notify_latencies_t *l);

/* milliseconds, within a bucket as if evenly spread; of no calls 0 */
ngx_uint_t ngx_http_notify_latencies_percentile(
    const ngx_http_notify_latencies_t *l, ngx_uint_t percent);


#endif /* _NGX_HTTP_NOTIFY_LATENCIES_H_INCLUDED_ */
