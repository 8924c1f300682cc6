/*
 * Gauges of the engine: what a worker has of each channel, measured once a
 * second.  Numbers of all subscribers are set when the walk has been through
 * all shards.  Changes nothing.
 */

#include "ngx_http_notify_gauges.h"
#include "ngx_http_notify_delivery.h"


#define NGX_HTTP_NOTIFY_GAUGES_STEP  2000   /* subscribers, roughly */


static void ngx_http_notify_gauges_walk(ngx_http_notify_feed_t *feed);
static ngx_uint_t ngx_http_notify_gauges_shard(
    ngx_http_notify_feed_gauges_t *gauges, ngx_http_notify_lease_t *lease,
    uint64_t now);
static uint64_t ngx_http_notify_gauges_lag(ngx_http_notify_subscriber_t *s,
    uint64_t now);


void
ngx_http_notify_gauges(ngx_http_notify_feed_t **feeds, ngx_uint_t n)
{
    ngx_int_t                       channel;
    ngx_uint_t                      i, subscriptions, queued, active, behind;
    ngx_http_notify_feed_gauges_t   sum, *last;

    subscriptions = 0;
    queued = 0;
    active = 0;
    behind = 0;

    ngx_memzero(&sum, sizeof(ngx_http_notify_feed_gauges_t));

    for (i = 0; i < n; i++) {
        ngx_http_notify_gauges_walk(feeds[i]);

        subscriptions += feeds[i]->nsubscribers;
        queued += feeds[i]->queued;
        active += feeds[i]->active;
        behind += feeds[i]->behind + feeds[i]->full;

        last = &feeds[i]->measured;
        sum.open += last->open;
        sum.retrying += last->retrying;
        sum.lag = ngx_max(sum.lag, last->lag);
    }

    channel = feeds[0]->channel->metrics;

    ngx_http_notify_metrics_set(channel, NGX_HTTP_NOTIFY_METRICS_SUBSCRIPTIONS,
                                subscriptions);
    ngx_http_notify_metrics_set(channel, NGX_HTTP_NOTIFY_METRICS_QUEUED,
                                queued);
    ngx_http_notify_metrics_set(channel, NGX_HTTP_NOTIFY_METRICS_IN_FLIGHT,
                                active);
    ngx_http_notify_metrics_set(channel, NGX_HTTP_NOTIFY_METRICS_BEHIND,
                                behind);
    ngx_http_notify_metrics_set(channel, NGX_HTTP_NOTIFY_METRICS_OPEN,
                                sum.open);
    ngx_http_notify_metrics_set(channel, NGX_HTTP_NOTIFY_METRICS_RETRYING,
                                sum.retrying);
    ngx_http_notify_metrics_set(channel, NGX_HTTP_NOTIFY_METRICS_LAG, sum.lag);
}


static void
ngx_http_notify_gauges_walk(ngx_http_notify_feed_t *feed)
{
    uint64_t                        now;
    ngx_uint_t                      n;
    ngx_http_notify_feed_gauges_t  *gauges;

    gauges = &feed->gauges;

    now = ngx_http_notify_feed_now();
    n = 0;

    while (n < NGX_HTTP_NOTIFY_GAUGES_STEP) {

        n += ngx_http_notify_gauges_shard(gauges,
                                          &feed->leases[gauges->shard], now);

        if (++gauges->shard < NGX_HTTP_NOTIFY_KEYS_SHARDS) {
            continue;
        }

        feed->measured = *gauges;

        ngx_memzero(gauges, sizeof(ngx_http_notify_feed_gauges_t));
        break;
    }
}


static ngx_uint_t
ngx_http_notify_gauges_shard(ngx_http_notify_feed_gauges_t *gauges,
    ngx_http_notify_lease_t *lease, uint64_t now)
{
    uint64_t                       lag;
    ngx_uint_t                     n;
    ngx_queue_t                   *q;
    ngx_http_notify_subscriber_t  *s;

    if (lease->state == NGX_HTTP_NOTIFY_LEASE_NONE) {
        return 0;
    }

    n = 0;

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);
        n++;

        if (s->state != NGX_HTTP_NOTIFY_SUBSCRIBER_ACTIVE) {
            continue;
        }

        gauges->retrying += s->nretry;

        if (s->breaker.state != NGX_HTTP_NOTIFY_BREAKER_CLOSED) {
            gauges->open++;
        }

        lag = ngx_http_notify_gauges_lag(s, now);
        gauges->lag = ngx_max(gauges->lag, lag);
    }

    return n;
}


/* the age of the oldest event that waits for its first attempt to end */

static uint64_t
ngx_http_notify_gauges_lag(ngx_http_notify_subscriber_t *s, uint64_t now)
{
    ngx_http_notify_id_t         id;
    ngx_http_notify_delivery_t  *d;

    d = ngx_http_notify_delivery_first(s);

    if (d != NULL) {
        id = d->id;

    } else if (s->queued) {
        id = s->ring[s->ring_head]->id;

    } else if (s->behind
               && ngx_http_notify_id_compare(&s->read,
                                             &s->lease->feed->position) < 0)
    {
        id = s->read;

    } else {
        return 0;
    }

    return now > id.ms ? now - id.ms : 0;
}
