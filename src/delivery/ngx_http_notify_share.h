/*
 * How many of a worker's calls a tenant's endpoints hold, and may hold.  A
 * share is one of a channel and tenant, counted: it lives as long as somebody
 * refers to it.  Knows nothing of subscriptions.
 */

#ifndef _NGX_HTTP_NOTIFY_SHARE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SHARE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_metrics.h"


typedef struct {
    ngx_rbtree_node_t   node;
    ngx_str_t           tenant;
    const void         *channel;    /* compared only */
    ngx_int_t           metrics;    /* the channel's number there */
    ngx_uint_t          percent;
    ngx_uint_t          references;
    ngx_uint_t          held;       /* calls under way */
    ngx_queue_t         link;       /* among those that somebody waits for */
    ngx_queue_t         waiting;    /* whoever waits; of the layer above */
    ngx_queue_t         dirty_link;
    ngx_uint_t          dirty;      /* unsigned  dirty:1; counts are not 0 */
    ngx_uint_t          counts[NGX_HTTP_NOTIFY_METRICS_N];  /* the tenant's,
                                       since they were flushed */
} ngx_http_notify_share_t;


/* NULL: memory; the percent of the last one that asked holds */
ngx_http_notify_share_t *ngx_http_notify_share_get(const void *channel,
    ngx_int_t metrics, const ngx_str_t *tenant, ngx_uint_t percent,
    ngx_log_t *log);
/* may be NULL */
void ngx_http_notify_share_release(ngx_http_notify_share_t *share);

/*
 * How many more calls it may start where there may be `all` and are `active`:
 * its percent of those that the others do not hold, so that some are always
 * left.  The default tenant has all of them while nobody else has a share.
 */
ngx_uint_t ngx_http_notify_share_room(const ngx_http_notify_share_t *share,
    ngx_uint_t all, ngx_uint_t active);

/* Counts for the tenant alone; all that was counted goes into the zone. */
void ngx_http_notify_share_count(ngx_http_notify_share_t *share,
    ngx_http_notify_metrics_e counter);
void ngx_http_notify_share_flush(void);

/* shares that somebody waits for, by `link` */
ngx_queue_t *ngx_http_notify_share_crowded(void);

void ngx_http_notify_share_init_process(void);


#endif /* _NGX_HTTP_NOTIFY_SHARE_H_INCLUDED_ */
