
/*
 * One script a pass and channel.  While shards are missing the passes come
 * quickly, then every three seconds.  A worker trusts its leases for seven
 * seconds of its own monotonic clock, three less than Redis keeps them.
 */

#include "ngx_http_notify_ownership.h"
#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_delivery.h"
#include "ngx_http_notify_lifecycle.h"
#include "ngx_http_notify_load_scan.h"
#include "ngx_http_notify_log_publish.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_tail.h"
#include "ngx_http_notify_tallies.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_OWNERSHIP_TTL     10000     /* milliseconds */
#define NGX_HTTP_NOTIFY_OWNERSHIP_RENEW   3000
#define NGX_HTTP_NOTIFY_OWNERSHIP_LEAVE   60000     /* of an exiting worker */
#define NGX_HTTP_NOTIFY_OWNERSHIP_ALONE   5000      /* the same without Redis */
#define NGX_HTTP_NOTIFY_OWNERSHIP_CLOSED  1000      /* and without calls */
#define NGX_HTTP_NOTIFY_OWNERSHIP_QUICK   200       /* with shards missing */


static void ngx_http_notify_ownership_timer(ngx_event_t *ev);
static void ngx_http_notify_ownership_call(ngx_http_notify_feed_t *feed,
    const char *verb);
static ngx_http_notify_redis_handler_t  ngx_http_notify_ownership_reply;
static void ngx_http_notify_ownership_update(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_ownership_drain(ngx_http_notify_lease_t *lease);
static void ngx_http_notify_ownership_shrink(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_ownership_drain_all(ngx_http_notify_feed_t *feed);
static ngx_uint_t ngx_http_notify_ownership_owned(ngx_http_notify_feed_t *feed);
static ngx_uint_t ngx_http_notify_ownership_settled(
    ngx_http_notify_lease_t *lease);
static void ngx_http_notify_ownership_leaving(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_ownership_alone(ngx_http_notify_feed_t *feed);


void
ngx_http_notify_ownership_init(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_idle(&feed->lease_timer,
                               ngx_http_notify_ownership_timer, feed,
                               feed->log);
}


void
ngx_http_notify_ownership_exit(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_ownership_drop_all(feed);

    ngx_http_notify_timer_stop(&feed->lease_timer);
}


void
ngx_http_notify_ownership_claim(ngx_http_notify_feed_t *feed)
{
    if (feed->leaving) {
        return;
    }

    feed->fresh = 1;

    ngx_http_notify_ownership_call(feed, "fresh");
}


void
ngx_http_notify_ownership_drop_all(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i;

    feed->positioned = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state != NGX_HTTP_NOTIFY_LEASE_NONE) {
            ngx_http_notify_lifecycle_drop_lease(&feed->leases[i]);
        }
    }

    ngx_http_notify_tail_reset(feed);

    feed->position.ms = 0;
    feed->position.seq = 0;
    feed->anchored = 0;
    feed->claiming = 0;
    feed->drained = 0;          /* its shards are still its own in Redis */
    feed->scanning = 0;
    feed->rescan = 0;
    feed->renewed = 0;
}


static void
ngx_http_notify_ownership_timer(ngx_event_t *ev)
{
    ngx_http_notify_feed_t  *feed;

    feed = ev->data;

    if (feed->leaving) {
        ngx_http_notify_ownership_leaving(feed);
        return;
    }

    ngx_http_notify_ownership_call(feed, feed->fresh ? "fresh" : "take");
}


static void
ngx_http_notify_ownership_call(ngx_http_notify_feed_t *feed, const char *verb)
{
    ngx_uint_t                  i;
    ngx_http_notify_command_t  *command;

    if (!feed->leaving) {
        ngx_add_timer(&feed->lease_timer,
                      ngx_http_notify_ownership_owned(feed) < feed->share
                      || feed->share == 0
                      ? NGX_HTTP_NOTIFY_OWNERSHIP_QUICK
                      : NGX_HTTP_NOTIFY_OWNERSHIP_RENEW);
    }

    if (feed->claiming || !ngx_http_notify_redis_ready(feed->redis)) {
        return;
    }

    command = ngx_http_notify_command_script(feed->redis,
                                             &ngx_http_notify_script_lease,
                                             ngx_http_notify_ownership_reply,
                                             feed);

    ngx_http_notify_command_key(command, &feed->channel->keys, "leases");
    ngx_http_notify_command_key(command, &feed->channel->keys, "workers");

    ngx_http_notify_command_arg(command, &feed->owner);
    ngx_http_notify_command_number(command, NGX_HTTP_NOTIFY_OWNERSHIP_TTL);
    ngx_http_notify_command_number(command, NGX_HTTP_NOTIFY_KEYS_SHARDS);
    ngx_http_notify_command_text(command, verb);
    ngx_http_notify_command_number(command, feed->channel->part);
    ngx_http_notify_command_number(command, feed->channel->partitions);

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_DRAIN
            && ngx_http_notify_ownership_settled(&feed->leases[i]))
        {
            feed->leases[i].back = 1;
            ngx_http_notify_command_number(command, i);
        }
    }

    if (ngx_http_notify_redis_send(command) == NGX_OK) {
        feed->claiming = 1;
        feed->draining = feed->leaving;
        feed->asked = ngx_current_msec;
    }
}


static void
ngx_http_notify_ownership_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_feed_t  *feed = data;

    feed->claiming = 0;

    if (resp == NULL) {
        return;
    }

    if (resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY || resp->nelts < 2) {
        (void) ngx_http_notify_script_verdict(feed->redis, resp, "lease");
        feed->refused = ngx_http_notify_resp_is_error(resp, "CLUSTERDOWN")
                        || ngx_http_notify_resp_is_error(resp, "MISCONF")
                        || ngx_http_notify_resp_is_error(resp, "NOREPLICAS");
        return;
    }

    feed->refused = 0;
    feed->fresh = 0;
    feed->renewed = feed->asked ? feed->asked : 1;

    ngx_http_notify_ownership_update(feed, resp);

    if (feed->leaving) {

        /* an answer from before may have brought shards */

        ngx_http_notify_ownership_drain_all(feed);
        feed->drained = feed->draining;
        return;
    }

    ngx_add_timer(&feed->lease_timer,
                  ngx_http_notify_ownership_owned(feed) < feed->share
                  || resp->elts[1]->integer
                  ? NGX_HTTP_NOTIFY_OWNERSHIP_QUICK
                  : NGX_HTTP_NOTIFY_OWNERSHIP_RENEW);

    ngx_http_notify_ownership_shrink(feed);
    ngx_http_notify_commit_positions(feed);

    ngx_http_notify_feed_join(feed);
}


static void
ngx_http_notify_ownership_update(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *resp)
{
    uint64_t                  epochs[NGX_HTTP_NOTIFY_KEYS_SHARDS];
    ngx_uint_t                i, gained;
    ngx_http_notify_lease_t  *lease;

    feed->share = resp->elts[0]->integer;

    ngx_memzero(epochs, sizeof(epochs));

    for (i = 2; i + 1 < resp->nelts; i += 2) {
        if (resp->elts[i]->integer >= 0
            && resp->elts[i]->integer < NGX_HTTP_NOTIFY_KEYS_SHARDS)
        {
            epochs[resp->elts[i]->integer] = resp->elts[i + 1]->integer;
        }
    }

    gained = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        lease = &feed->leases[i];

        if (lease->state != NGX_HTTP_NOTIFY_LEASE_NONE
            && lease->epoch != epochs[i])
        {
            /* given back, lost, or lost and won again */

            if (!lease->back) {
                ngx_log_error(NGX_LOG_NOTICE, feed->log, 0,
                              "notify lease: bucket %ui of channel \"%V\" is "
                              "lost", i, &feed->channel->name);
            }

            ngx_http_notify_lifecycle_drop_lease(lease);
        }

        if (epochs[i] == 0 || lease->state != NGX_HTTP_NOTIFY_LEASE_NONE) {
            continue;
        }

        lease->state = NGX_HTTP_NOTIFY_LEASE_SCAN;
        lease->epoch = epochs[i];
        lease->serial = ngx_http_notify_feed_number(feed);
        gained = 1;
    }

    if (gained) {
        ngx_http_notify_load_scan(feed);

    } else if (feed->channel->partitions > 1
               && ngx_http_notify_ownership_owned(feed) == 0)
    {
        /* there is nobody to read the log for */

        ngx_http_notify_tail_exit(feed);
    }
}


/* more workers have come: the surplus is drained, then given back */

static void
ngx_http_notify_ownership_shrink(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_NONE
            || feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_DRAIN)
        {
            continue;
        }

        if (n < feed->share) {
            n++;
            continue;
        }

        ngx_http_notify_ownership_drain(&feed->leases[i]);
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_DRAIN) {
            ngx_add_timer(&feed->lease_timer, NGX_HTTP_NOTIFY_OWNERSHIP_QUICK);
            return;
        }
    }
}


/* what is not loaded yet has nothing to be settled, nor to be written */

static void
ngx_http_notify_ownership_drain(ngx_http_notify_lease_t *lease)
{
    ngx_queue_t                   *q;
    ngx_http_notify_subscriber_t  *s;

    if (lease->state < NGX_HTTP_NOTIFY_LEASE_READ) {

        while (!ngx_queue_empty(&lease->subscribers)) {
            q = ngx_queue_head(&lease->subscribers);
            s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

            ngx_http_notify_lifecycle_drop(s);
        }
    }

    lease->state = NGX_HTTP_NOTIFY_LEASE_DRAIN;

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        ngx_http_notify_tallies_look(s);
    }
}


static void
ngx_http_notify_ownership_drain_all(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state != NGX_HTTP_NOTIFY_LEASE_NONE
            && feed->leases[i].state != NGX_HTTP_NOTIFY_LEASE_DRAIN)
        {
            ngx_http_notify_ownership_drain(&feed->leases[i]);
        }
    }
}


static ngx_uint_t
ngx_http_notify_ownership_owned(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state != NGX_HTTP_NOTIFY_LEASE_NONE) {
            n++;
        }
    }

    return n;
}


static ngx_uint_t
ngx_http_notify_ownership_settled(ngx_http_notify_lease_t *lease)
{
    /* what Redis refuses of this worker it may take of the next */

    return lease->active == 0
           && (lease->stuck || !ngx_http_notify_commit_pending(lease));
}


void
ngx_http_notify_ownership_leave(ngx_http_notify_feed_t *feed)
{
    feed->leaving = 1;
    feed->leave = ngx_current_msec;

    ngx_http_notify_ownership_drain_all(feed);

    /* not cancelable: it keeps the exiting worker until it has left */

    ngx_http_notify_timer_stop(&feed->lease_timer);

    feed->lease_timer.cancelable = 0;

    ngx_http_notify_ownership_leaving(feed);
}


/*
 * Each shard goes as soon as it is settled, the others are renewed meanwhile:
 * only the subscribers of its shard wait for the slowest call of this worker.
 */

static void
ngx_http_notify_ownership_leaving(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                i, settled;
    ngx_http_notify_lease_t  *lease;

    if (!feed->channel->partition->open) {

        /* it has no shards, and never had */

        feed->left = 1;
    }

    if (ngx_http_notify_ownership_owned(feed) == 0 && feed->drained
        && ngx_http_notify_redis_ready(feed->redis)
        && ngx_http_notify_redis_pending(feed->redis) == 0
        && ngx_http_notify_redis_pending(feed->channel->publishes) == 0
        && !ngx_http_notify_log_publish_held(feed->redis)
        && !ngx_http_notify_log_publish_held(feed->channel->publishes))
    {
        /* nor does a client's request wait, which nginx would not wait for */

        feed->left = 1;
    }

    if ((ngx_msec_int_t) (ngx_current_msec - feed->leave)
        > NGX_HTTP_NOTIFY_OWNERSHIP_LEAVE)
    {
        feed->left = 1;
    }

    if (!feed->left) {
        ngx_http_notify_ownership_alone(feed);
    }

    if (feed->left) {
        return;
    }

    settled = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        lease = &feed->leases[i];

        if (lease->state == NGX_HTTP_NOTIFY_LEASE_DRAIN
            && ngx_http_notify_ownership_settled(lease))
        {
            settled = 1;
        }
    }

    if (settled || !feed->drained
        || (ngx_msec_int_t) (ngx_current_msec - feed->renewed)
           > NGX_HTTP_NOTIFY_OWNERSHIP_RENEW)
    {
        ngx_http_notify_ownership_call(feed, "drain");
    }

    ngx_http_notify_feed_commit_soon(feed, 1);

    ngx_add_timer(&feed->lease_timer, 20);
}


/*
 * Without Redis the leases run out by themselves.  The results of calls under
 * way were forgotten with the connection, so these are made again in any case.
 */

static void
ngx_http_notify_ownership_alone(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  n;

    if (ngx_http_notify_redis_ready(feed->redis)
        && (!feed->refused || feed->active))
    {
        feed->alone = 0;
        return;
    }

    if (!feed->alone) {
        feed->alone = 1;
        feed->away = ngx_current_msec;
    }

    /* it may be back at once, and clients are to be told that it is not */

    if ((ngx_msec_int_t) (ngx_current_msec - feed->away)
        < (feed->active ? NGX_HTTP_NOTIFY_OWNERSHIP_ALONE
                        : NGX_HTTP_NOTIFY_OWNERSHIP_CLOSED))
    {
        return;
    }

    n = ngx_http_notify_delivery_abort(feed);

    ngx_log_error(NGX_LOG_WARN, feed->log, 0,
                  "notify lease: channel \"%V\" is left without Redis, "
                  "%ui calls under way are cut; what is not committed is "
                  "sent again", &feed->channel->name, n);

    feed->left = 1;
}
