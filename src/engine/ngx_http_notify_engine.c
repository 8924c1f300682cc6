
/*
 * A feed for each partition of each channel, from the start of a worker to its
 * exit, measured once a second.  On QUIT a watcher, an idle "connection" that
 * nginx closes first of all, makes the feeds leave: they start nothing more,
 * finish, commit, and give their leases back.
 */

#include "ngx_http_notify_engine.h"
#include "ngx_http_notify_delivery.h"
#include "ngx_http_notify_delivery_log.h"
#include "ngx_http_notify_gauges.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_match.h"
#include "ngx_http_notify_outbox.h"
#include "ngx_http_notify_ownership.h"
#include "ngx_http_notify_pack.h"
#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_push_server.h"
#include "ngx_http_notify_retention.h"
#include "ngx_http_notify_settings_follow.h"
#include "ngx_http_notify_tail.h"
#include "ngx_http_notify_timer.h"
#include "ngx_http_notify_turn.h"
#include "ngx_http_notify_window.h"


#define NGX_HTTP_NOTIFY_ENGINE_MEASURE  1000    /* milliseconds */


static ngx_http_notify_feed_t *ngx_http_notify_engine_feed(ngx_cycle_t *cycle,
    ngx_http_notify_channel_t *channel, const ngx_str_t *owner);
static void ngx_http_notify_engine_free(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_engine_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static ngx_int_t ngx_http_notify_engine_watch(ngx_cycle_t *cycle);
static void ngx_http_notify_engine_quit(ngx_event_t *ev);
static void ngx_http_notify_engine_measure(ngx_event_t *ev);


typedef struct {
    ngx_http_notify_feed_t  **feeds;
    ngx_uint_t                n;
    ngx_connection_t         *watcher;
    ngx_http_notify_redis_t  *redis;
    ngx_event_t               measure;
    ngx_connection_t          dumb;         /* of the timer, for its log */
} ngx_http_notify_engine_t;


static ngx_http_notify_engine_t  ngx_http_notify_engine;


ngx_int_t
ngx_http_notify_engine_init_process(ngx_cycle_t *cycle, ngx_array_t *parts,
    ngx_http_notify_redis_t *redis, const ngx_str_t *owner)
{
    ngx_uint_t                   i;
    ngx_http_notify_feed_t      *feed;
    ngx_http_notify_channel_t  **part;

    ngx_http_notify_engine.feeds = ngx_pcalloc(cycle->pool,
                         parts->nelts * sizeof(ngx_http_notify_feed_t *));
    if (ngx_http_notify_engine.feeds == NULL) {
        return NGX_ERROR;
    }

    part = parts->elts;

    if (parts->nelts
        && ngx_http_notify_push_server_init_process(cycle,
                                                    part[0]->providers)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < parts->nelts; i++) {
        feed = ngx_http_notify_engine_feed(cycle, part[i], owner);
        if (feed == NULL) {
            return NGX_ERROR;
        }

        ngx_http_notify_engine.feeds[ngx_http_notify_engine.n++] = feed;
    }

    ngx_http_notify_engine.redis = redis;
    ngx_http_notify_engine.dumb.fd = (ngx_socket_t) -1;
    ngx_http_notify_timer_idle(&ngx_http_notify_engine.measure,
                               ngx_http_notify_engine_measure,
                               &ngx_http_notify_engine.dumb, cycle->log);

    ngx_http_notify_engine_measure(&ngx_http_notify_engine.measure);

    return ngx_http_notify_engine_watch(cycle);
}


void
ngx_http_notify_engine_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t  i;

    for (i = 0; i < ngx_http_notify_engine.n; i++) {
        ngx_http_notify_engine_free(ngx_http_notify_engine.feeds[i]);
    }

    ngx_http_notify_engine.n = 0;

    ngx_http_notify_timer_stop(&ngx_http_notify_engine.measure);

    ngx_http_notify_push_server_exit_process();

    if (ngx_http_notify_engine.watcher != NULL) {
        ngx_http_notify_engine.watcher->fd = (ngx_socket_t) -1;
        ngx_free_connection(ngx_http_notify_engine.watcher);
        ngx_http_notify_engine.watcher = NULL;
    }
}


void
ngx_http_notify_engine_stats(const ngx_http_notify_channel_t *channel,
    ngx_http_notify_engine_stats_t *stats)
{
    ngx_uint_t               i, n;
    ngx_http_notify_feed_t  *feed;

    ngx_memzero(stats, sizeof(ngx_http_notify_engine_stats_t));

    for (n = 0; n < ngx_http_notify_engine.n; n++) {
        feed = ngx_http_notify_engine.feeds[n];

        if (feed->channel->parts != channel->parts) {
            continue;
        }

        for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
            if (feed->leases[i].state != NGX_HTTP_NOTIFY_LEASE_NONE) {
                stats->shards++;
            }
        }

        stats->subscriptions += feed->nsubscribers;
        stats->in_flight += feed->active;
        stats->queued += feed->queued;
        stats->behind += feed->behind;
        stats->tailing |= ngx_http_notify_tail_follows(feed);
    }
}


static ngx_http_notify_feed_t *
ngx_http_notify_engine_feed(ngx_cycle_t *cycle,
    ngx_http_notify_channel_t *channel, const ngx_str_t *owner)
{
    ngx_http_notify_feed_t  *feed;

    feed = ngx_pcalloc(cycle->pool, sizeof(ngx_http_notify_feed_t));
    if (feed == NULL) {
        return NULL;
    }

    feed->channel = channel;
    feed->redis = channel->redis;
    feed->log = cycle->log;
    feed->owner = *owner;

    ngx_http_notify_feed_init(feed, ngx_http_notify_turn);
    ngx_http_notify_ownership_init(feed);
    ngx_http_notify_window_init(feed);

    if (ngx_http_notify_lease_init(feed, cycle->pool) != NGX_OK) {
        return NULL;
    }

    feed->match = ngx_http_notify_match_create(channel, cycle->log);
    if (feed->match == NULL) {
        return NULL;
    }

    ngx_http_notify_retention_init(feed);
    ngx_http_notify_settings_follow_init(feed);

    if (ngx_http_notify_pack_init(feed, cycle->pool) != NGX_OK
        || ngx_http_notify_presence_init(feed) != NGX_OK
        || ngx_http_notify_tail_init(feed) != NGX_OK
        || ngx_http_notify_redis_on_state(feed->redis,
                                          ngx_http_notify_engine_state, feed)
           != NGX_OK)
    {
        ngx_http_notify_engine_free(feed);
        return NULL;
    }

    return feed;
}


static void
ngx_http_notify_engine_free(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_tail_exit(feed);
    ngx_http_notify_pack_exit(feed);
    ngx_http_notify_retention_exit(feed);
    ngx_http_notify_settings_follow_exit(feed);
    ngx_http_notify_ownership_exit(feed);
    ngx_http_notify_window_exit(feed);

    /* the calls of the subscribers, which are gone by now */

    (void) ngx_http_notify_delivery_abort(feed);
    ngx_http_notify_delivery_log_exit(feed->channel);

    ngx_http_notify_presence_exit(feed);
    ngx_http_notify_feed_exit(feed);
    ngx_http_notify_match_destroy(feed->match);
}


/* nothing that was learned by one connection is trusted on the next */

static void
ngx_http_notify_engine_state(ngx_http_notify_redis_t *redis, ngx_uint_t up,
    void *data)
{
    ngx_http_notify_feed_t  *feed = data;

    if (up) {
        ngx_http_notify_ownership_claim(feed);

    } else {
        ngx_http_notify_ownership_drop_all(feed);
    }
}


static ngx_int_t
ngx_http_notify_engine_watch(ngx_cycle_t *cycle)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(0, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    /* not -1, which nginx passes over; never a descriptor either */

    c->fd = (ngx_socket_t) -2;
    c->idle = 1;
    c->read->handler = ngx_http_notify_engine_quit;
    c->read->log = cycle->log;
    c->write->log = cycle->log;

    ngx_http_notify_engine.watcher = c;

    return NGX_OK;
}


static void
ngx_http_notify_engine_quit(ngx_event_t *ev)
{
    ngx_uint_t         i;
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close) {
        return;
    }

    c->fd = (ngx_socket_t) -1;
    ngx_free_connection(c);

    ngx_http_notify_engine.watcher = NULL;

    for (i = 0; i < ngx_http_notify_engine.n; i++) {
        ngx_http_notify_ownership_leave(ngx_http_notify_engine.feeds[i]);
    }
}


static void
ngx_http_notify_engine_measure(ngx_event_t *ev)
{
    ngx_uint_t                i, ready, pending;
    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_redis_t  *redis;

    redis = ngx_http_notify_engine.redis;
    ready = ngx_http_notify_redis_ready(redis);
    pending = ngx_http_notify_redis_pending(redis);

    for (i = 0; i < ngx_http_notify_engine.n; i++) {
        feed = ngx_http_notify_engine.feeds[i];

        if (feed->channel->part == 0) {
            ngx_http_notify_gauges(&ngx_http_notify_engine.feeds[i],
                                   feed->channel->partitions);
        }

        /* in a cluster each has its own */

        if (feed->redis != redis) {
            ready = ready && ngx_http_notify_redis_ready(feed->redis);
            pending += ngx_http_notify_redis_pending(feed->redis);
        }
    }

    ngx_http_notify_outbox_measure();

    ngx_http_notify_metrics_set(NGX_HTTP_NOTIFY_METRICS_ALL,
                                NGX_HTTP_NOTIFY_METRICS_WORKERS, 1);
    ngx_http_notify_metrics_set(NGX_HTTP_NOTIFY_METRICS_ALL,
                                NGX_HTTP_NOTIFY_METRICS_REDIS, ready);
    ngx_http_notify_metrics_set(NGX_HTTP_NOTIFY_METRICS_ALL,
                                NGX_HTTP_NOTIFY_METRICS_PENDING, pending);
    ngx_http_notify_metrics_beat();

    ngx_add_timer(ev, NGX_HTTP_NOTIFY_ENGINE_MEASURE);
}
