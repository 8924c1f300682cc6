
/*
 * A subscriber's way from a queued event to a settled one, within one worker
 * and one turn.  What outlives the worker is an operation of the commit.
 */

#include "ngx_http_notify_dispatch.h"
#include "ngx_http_notify_dispatch_line.h"
#include "ngx_http_notify_gate.h"
#include "ngx_http_notify_gather.h"
#include "ngx_http_notify_health.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_outcome.h"
#include "ngx_http_notify_pace.h"
#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_push.h"
#include "ngx_http_notify_queue.h"
#include "ngx_http_notify_range.h"
#include "ngx_http_notify_redeliver.h"
#include "ngx_http_notify_retry.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_tallies.h"
#include "ngx_http_notify_window.h"


#define NGX_HTTP_NOTIFY_DISPATCH_OWED  16   /* calls in a row */
#define NGX_HTTP_NOTIFY_DISPATCH_OPEN  4096 /* events, in batches */


typedef enum {
    NGX_HTTP_NOTIFY_DISPATCH_STARTED = 0,
    NGX_HTTP_NOTIFY_DISPATCH_NO_ROOM,   /* it waits for that */
    NGX_HTTP_NOTIFY_DISPATCH_NOTHING    /* to start now */
} ngx_http_notify_dispatch_e;


static ngx_http_notify_dispatch_e ngx_http_notify_dispatch_owed(
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_dispatch_owe(ngx_http_notify_subscriber_t *s,
    ngx_uint_t *owed);
static void ngx_http_notify_dispatch_queue(ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_dispatch_parked(ngx_http_notify_subscriber_t *s);
static ngx_int_t ngx_http_notify_dispatch_admit(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_event_t *event);
static ngx_uint_t ngx_http_notify_dispatch_may_read(
    ngx_http_notify_subscriber_t *s);
static ngx_uint_t ngx_http_notify_dispatch_may_start(
    ngx_http_notify_subscriber_t *s, ngx_uint_t *probe);
static ngx_uint_t ngx_http_notify_dispatch_room(
    ngx_http_notify_subscriber_t *s);
static ngx_uint_t ngx_http_notify_dispatch_open_max(
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_dispatch_skip(ngx_http_notify_subscriber_t *s);
static ngx_http_notify_dispatch_e ngx_http_notify_dispatch_retry(
    ngx_http_notify_subscriber_t *s);
static ngx_http_notify_dispatch_e ngx_http_notify_dispatch_redelivery(
    ngx_http_notify_subscriber_t *s);
static ngx_http_notify_delivery_t *ngx_http_notify_dispatch_again(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_event_t *event,
    ngx_uint_t line, ngx_uint_t attempt, ngx_uint_t probe);
static void ngx_http_notify_dispatch_added(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_delivery_t *d);
static ngx_http_notify_delivery_t *ngx_http_notify_dispatch_call(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_event_t *event,
    ngx_uint_t line, ngx_uint_t attempt, ngx_uint_t probe);


void
ngx_http_notify_dispatch(ngx_http_notify_subscriber_t *s)
{
    /* also when there is nothing to start: a gap is closed by it */

    (void) ngx_http_notify_gate(s);

    /* a time in which it was not called is none in which it failed */

    if (s->failing && s->doc->paused_until > ngx_http_notify_feed_now()) {
        ngx_http_notify_health_reset(s);
        ngx_http_notify_subscriber_touch(s);
    }

    ngx_http_notify_retry_look(s);
    ngx_http_notify_tallies_look(s);

    ngx_http_notify_dispatch_parked(s);

    if (ngx_http_notify_subscriber_is_paused(s)) {
        return;
    }

    /* no more often than there are pages */

    do {
        if (!ngx_http_notify_gather_waits(s)) {
            ngx_http_notify_dispatch_queue(s);
        }

    } while (s->behind
             && s->queued < ngx_max(NGX_HTTP_NOTIFY_SUBSCRIBER_HUNGRY / 8,
                                    ngx_http_notify_subscriber_batch(s))
             && ngx_http_notify_dispatch_may_read(s)
             && ngx_http_notify_range_read(s) == NGX_OK);

    /* what the queue has left */

    while (ngx_http_notify_dispatch_owed(s) == NGX_HTTP_NOTIFY_DISPATCH_STARTED
           && ngx_http_notify_dispatch_redelivery(s)
              == NGX_HTTP_NOTIFY_DISPATCH_STARTED)
    {
        /* void */
    }

    while (ngx_http_notify_dispatch_retry(s)
           == NGX_HTTP_NOTIFY_DISPATCH_STARTED)
    {
        /* void */
    }

    ngx_http_notify_gather_start(s);
}


/*
 * The queue, what is due of the retry set, and a redelivery share the calls:
 * each call of one is owed to those that could have made it.  STARTED: as far
 * as there were any.
 */

static ngx_http_notify_dispatch_e
ngx_http_notify_dispatch_owed(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_dispatch_e  rc;

    rc = NGX_HTTP_NOTIFY_DISPATCH_STARTED;

    while (s->owed && rc == NGX_HTTP_NOTIFY_DISPATCH_STARTED) {
        rc = ngx_http_notify_dispatch_retry(s);
    }

    if (rc == NGX_HTTP_NOTIFY_DISPATCH_NO_ROOM) {
        return rc;
    }

    rc = NGX_HTTP_NOTIFY_DISPATCH_STARTED;

    while (s->redeliver_owed && rc == NGX_HTTP_NOTIFY_DISPATCH_STARTED) {
        rc = ngx_http_notify_dispatch_redelivery(s);
    }

    return (rc == NGX_HTTP_NOTIFY_DISPATCH_NO_ROOM)
           ? rc : NGX_HTTP_NOTIFY_DISPATCH_STARTED;
}


static void
ngx_http_notify_dispatch_owe(ngx_http_notify_subscriber_t *s, ngx_uint_t *owed)
{
    if (*owed < NGX_HTTP_NOTIFY_DISPATCH_OWED
        && (owed == &s->owed ? ngx_http_notify_retry_due(s)
                             : s->redelivery != NULL))
    {
        (*owed)++;
    }
}


static void
ngx_http_notify_dispatch_queue(ngx_http_notify_subscriber_t *s)
{
    ngx_int_t                    rc;
    ngx_uint_t                   line, probe;
    ngx_http_notify_event_t     *event;
    ngx_http_notify_delivery_t  *d;

    while (s->queued
           && ngx_http_notify_dispatch_owed(s)
              == NGX_HTTP_NOTIFY_DISPATCH_STARTED
           && s->queued)
    {
        event = s->ring[s->ring_head];

        rc = ngx_http_notify_dispatch_admit(s, event);

        if (rc == NGX_AGAIN) {
            break;
        }

        if (rc == NGX_DECLINED) {
            ngx_http_notify_log_unref(ngx_http_notify_queue_pop(s));
            ngx_http_notify_subscriber_touch(s);
            continue;
        }

        if (ngx_http_notify_gate_drops(s)) {
            ngx_http_notify_dispatch_skip(s);
            continue;
        }

        if (!ngx_http_notify_dispatch_may_start(s, &probe)) {
            break;
        }

        rc = ngx_http_notify_dispatch_line(s, event, &line);

        if (rc == NGX_DECLINED) {
            ngx_http_notify_log_unref(ngx_http_notify_queue_pop(s));
            continue;
        }

        if (rc == NGX_DONE) {
            (void) ngx_http_notify_queue_pop(s);
            continue;
        }

        if (rc != NGX_OK || !ngx_http_notify_dispatch_room(s)) {
            break;
        }

        d = ngx_http_notify_dispatch_call(s, event, line, 1, probe);

        if (d == NULL) {
            break;
        }

        (void) ngx_http_notify_queue_pop(s);     /* d has the reference */

        ngx_http_notify_window_add(s, d);

        ngx_http_notify_dispatch_owe(s, &s->owed);
        ngx_http_notify_dispatch_owe(s, &s->redeliver_owed);

        if (d->call == NULL && d->head == NULL) {
            ngx_http_notify_outcome_refused(d);
            continue;
        }

        ngx_http_notify_window_watch(d);
        ngx_http_notify_dispatch_added(s, d);
    }
}


/* those whose line has become free: where they cannot go now they wait with
 * all others of it */

static void
ngx_http_notify_dispatch_parked(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_delivery_t  *d;

    while ((d = ngx_http_notify_window_parked(s)) != NULL) {

        if (d->erased || s->target == NULL
            || ngx_http_notify_subscriber_is_paused(s)
            || ngx_http_notify_subscriber_batch(s) > 1
            || ngx_http_notify_order_first(s, d->line) != NULL
            || ngx_http_notify_gate(s) != NGX_HTTP_NOTIFY_GATE_OPEN)
        {
            if (ngx_http_notify_window_unpark(d) != NGX_OK) {
                return;
            }

            continue;
        }

        if (s->in_flight >= s->limit || !ngx_http_notify_dispatch_room(s)
            || ngx_http_notify_order_begin(s, d->line) != NGX_OK)
        {
            return;
        }

        d->version = s->doc->version;
        d->first = ngx_http_notify_feed_now();
        d->started = ngx_current_msec;
        d->call = ngx_http_notify_call_start(s->target, d->event, NULL,
                                             &d->feed->channel->name,
                                             d->feed->channel->hops, 1, 0,
                                             ngx_http_notify_outcome_result,
                                             d);
        if (d->call == NULL) {
            ngx_http_notify_order_end(s, d->line);
            ngx_http_notify_run_queue_wait_room(s);
            return;
        }

        ngx_http_notify_window_start(d);
        ngx_http_notify_subscriber_tally(s, NGX_HTTP_NOTIFY_METRICS_ATTEMPTS);
        ngx_http_notify_subscriber_touch(s);
    }
}


/* NGX_DECLINED: it is not to be sent; NGX_AGAIN: it is not known yet */

static ngx_int_t
ngx_http_notify_dispatch_admit(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event)
{
    ngx_int_t  rc;

    if (event->session_id.len) {
        rc = ngx_http_notify_presence(s, event);

        if (rc == NGX_DECLINED) {

            /* a session that is connected has seen it */

            ngx_http_notify_subscriber_tally(s,
                                             NGX_HTTP_NOTIFY_METRICS_SKIPPED);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return s->provider ? ngx_http_notify_push_admit(s, event) : NGX_OK;
}


/* while no call may start there is no use in reading, but to drop */

static ngx_uint_t
ngx_http_notify_dispatch_may_read(ngx_http_notify_subscriber_t *s)
{
    switch (ngx_http_notify_gate(s)) {

    case NGX_HTTP_NOTIFY_GATE_OPEN:
        return s->nretry < NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY
               || ngx_http_notify_order_again(s, &s->read);

    case NGX_HTTP_NOTIFY_GATE_PROBE:
        return s->nretry == 0 || ngx_http_notify_order_again(s, &s->read);

    default: /* NGX_HTTP_NOTIFY_GATE_SHUT */
        return ngx_http_notify_gate_drops(s);
    }
}


/* of a first attempt; where it may not, something makes the subscriber ready */

static ngx_uint_t
ngx_http_notify_dispatch_may_start(ngx_http_notify_subscriber_t *s,
    ngx_uint_t *probe)
{
    ngx_uint_t              again;
    ngx_http_notify_gate_e  gate;

    gate = ngx_http_notify_gate(s);
    again = ngx_http_notify_order_again(s, &s->ring[s->ring_head]->id);

    if (gate == NGX_HTTP_NOTIFY_GATE_SHUT
        || (gate == NGX_HTTP_NOTIFY_GATE_OPEN && !again
            && s->nretry >= NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY))
    {
        ngx_http_notify_queue_clear(s);
        ngx_http_notify_subscriber_touch(s);
        return 0;
    }

    *probe = (gate == NGX_HTTP_NOTIFY_GATE_PROBE);

    if (*probe && s->nretry && !again) {

        /* the probe is the one that waits longest */

        ngx_http_notify_retry_look(s);
        return 0;
    }

    if (s->gather == NULL
        && ((s->in_flight >= s->limit && !again)
            || s->nwindow + s->unacked
               >= ngx_http_notify_dispatch_open_max(s)))
    {
        ngx_http_notify_pace_reached(s);
        return 0;
    }

    /* those of one call have their order in it */

    if (s->profile != NULL && s->profile->strict
        && ((s->nwindow && s->gather == NULL) || s->nretry))
    {
        return 0;
    }

    return 1;
}


/* what may be done and not committed */

static ngx_uint_t
ngx_http_notify_dispatch_open_max(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t  n;

    n = 2 * s->limit * ngx_http_notify_subscriber_batch(s);

    return ngx_max(2 * s->limit, ngx_min(n, NGX_HTTP_NOTIFY_DISPATCH_OPEN));
}


/* for one more call in this worker, and at this subscriber's rate */

static ngx_uint_t
ngx_http_notify_dispatch_room(ngx_http_notify_subscriber_t *s)
{
    ngx_msec_t  delay;

    if (s->gather != NULL) {
        return 1;
    }

    if (!ngx_http_notify_feed_trusted(s->lease->feed)
        || ngx_http_notify_call_room() == 0)
    {
        ngx_http_notify_run_queue_wait_room(s);
        return 0;
    }

    if (s->provider == NULL
        && ngx_http_notify_call_share_room(s->share) == 0)
    {
        ngx_http_notify_run_queue_wait_share(s);
        ngx_http_notify_subscriber_tally(s, NGX_HTTP_NOTIFY_METRICS_CROWDED);
        return 0;
    }

    delay = ngx_http_notify_bucket_take(&s->bucket, &s->rate);

    if (delay) {
        ngx_http_notify_run_queue_wait_time(s, delay);
        return 0;
    }

    return 1;
}


/* the event at the head is dropped, and the interval grows by it */

static void
ngx_http_notify_dispatch_skip(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_event_t  *event;

    if (!s->gap) {
        s->gap_from = ngx_http_notify_id_before(&s->ring[s->ring_head]->id);
        s->gap = 1;
    }

    event = ngx_http_notify_queue_pop(s);

    s->gap_to = event->id;

    if (s->provider != NULL) {
        ngx_http_notify_push_held(s, event);

    } else {
        ngx_http_notify_subscriber_tally(s, NGX_HTTP_NOTIFY_METRICS_DROPPED);
    }

    ngx_http_notify_log_unref(event);
    ngx_http_notify_subscriber_touch(s);

    ngx_http_notify_run_queue_wait_time(s, s->breaker.until
                                           - ngx_http_notify_feed_now());
}


static ngx_http_notify_dispatch_e
ngx_http_notify_dispatch_retry(ngx_http_notify_subscriber_t *s)
{
    ngx_int_t                    rc;
    ngx_uint_t                   line;
    ngx_http_notify_id_t         id;
    ngx_http_notify_retry_t      next;
    ngx_http_notify_delivery_t  *d;

    if (ngx_http_notify_retry_next(s, &next) != NGX_OK) {
        return NGX_HTTP_NOTIFY_DISPATCH_NOTHING;
    }

    id = next.event->id;

    rc = ngx_http_notify_dispatch_line_retry(s, &next, &line);

    if (rc == NGX_DECLINED) {
        s->owed -= (s->owed != 0);
        ngx_http_notify_retry_forget(s, &id);

        return NGX_HTTP_NOTIFY_DISPATCH_STARTED;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_NOTIFY_DISPATCH_NO_ROOM;
    }

    d = ngx_http_notify_dispatch_again(s, next.event, line, next.attempt,
                                       next.probe);
    if (d == NULL) {
        return NGX_HTTP_NOTIFY_DISPATCH_NO_ROOM;
    }

    d->first = next.first ? next.first : d->first;
    d->retry = 1;

    s->owed -= (s->owed != 0);

    if (d->call == NULL && d->head == NULL) {
        ngx_http_notify_outcome_refused(d);

    } else {
        ngx_http_notify_dispatch_added(s, d);
    }

    ngx_http_notify_retry_forget(s, &id);

    return NGX_HTTP_NOTIFY_DISPATCH_STARTED;
}


static ngx_http_notify_dispatch_e
ngx_http_notify_dispatch_redelivery(ngx_http_notify_subscriber_t *s)
{
    ngx_int_t                    rc;
    ngx_uint_t                   line, probe;
    ngx_http_notify_event_t     *event;
    ngx_http_notify_delivery_t  *d;

    if (ngx_http_notify_redeliver_next(s, &event, &probe) != NGX_OK) {
        return NGX_HTTP_NOTIFY_DISPATCH_NOTHING;
    }

    rc = ngx_http_notify_dispatch_line_redelivery(s, event, &line);

    if (rc == NGX_DECLINED) {
        s->redeliver_owed -= (s->redeliver_owed != 0);
        ngx_http_notify_redeliver_started(s);

        return NGX_HTTP_NOTIFY_DISPATCH_STARTED;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_NOTIFY_DISPATCH_NO_ROOM;
    }

    d = ngx_http_notify_dispatch_again(s, event, line, 1, probe);
    if (d == NULL) {
        return NGX_HTTP_NOTIFY_DISPATCH_NO_ROOM;
    }

    d->redelivered = 1;

    s->redeliver_owed -= (s->redeliver_owed != 0);
    ngx_http_notify_dispatch_owe(s, &s->owed);

    ngx_http_notify_redeliver_started(s);

    if (d->call == NULL && d->head == NULL) {
        ngx_http_notify_outcome_refused(d);

    } else {
        ngx_http_notify_dispatch_added(s, d);
    }

    return NGX_HTTP_NOTIFY_DISPATCH_STARTED;
}


/* takes its own reference to the event; NULL: no room now, or no memory */

static ngx_http_notify_delivery_t *
ngx_http_notify_dispatch_again(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t line, ngx_uint_t attempt,
    ngx_uint_t probe)
{
    ngx_http_notify_delivery_t  *d;

    if (s->gather == NULL
        && (s->in_flight >= s->limit
            || s->unacked >= ngx_http_notify_dispatch_open_max(s)))
    {
        ngx_http_notify_pace_reached(s);
        return NULL;
    }

    if (ngx_http_notify_subscriber_is_paused(s)
        || !ngx_http_notify_dispatch_room(s))
    {
        return NULL;
    }

    d = ngx_http_notify_dispatch_call(s, event, line, attempt, probe);
    if (d == NULL) {
        return NULL;
    }

    ngx_http_notify_log_ref(event);
    ngx_queue_insert_tail(&s->resends, &d->link);

    return d;
}


/* it is in the subscriber's lists: a probe, or a full batch, goes at once */

static void
ngx_http_notify_dispatch_added(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_delivery_t *d)
{
    if (s->gather != NULL
        && (d->probe || ngx_http_notify_batch_full(s->gather)))
    {
        ngx_http_notify_gather_start(s);
    }
}


/* the delivery takes over a reference to the event */

static ngx_http_notify_delivery_t *
ngx_http_notify_dispatch_call(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t line, ngx_uint_t attempt,
    ngx_uint_t probe)
{
    ngx_http_notify_feed_t      *feed;
    ngx_http_notify_target_t    *target;
    ngx_http_notify_delivery_t  *d;

    feed = s->lease->feed;

    d = ngx_calloc(sizeof(ngx_http_notify_delivery_t), feed->log);
    if (d == NULL) {
        ngx_http_notify_run_queue_wait_room(s);
        return NULL;
    }

    d->feed = feed;
    d->lease = s->lease;
    d->subscriber = s;
    d->event = event;
    d->id = event->id;
    d->attempt = attempt;
    d->probe = probe;
    d->line = line;
    d->version = s->doc->version;
    d->first = ngx_http_notify_feed_now();
    d->started = ngx_current_msec;

    if (line && ngx_http_notify_order_begin(s, line) != NGX_OK) {
        ngx_free(d);
        ngx_http_notify_run_queue_wait_room(s);
        return NULL;
    }

    target = s->provider ? ngx_http_notify_push_target(d) : s->target;

    if (target != NULL && ngx_http_notify_subscriber_batch(s) > 1) {
        if (ngx_http_notify_gather_add(s, d) != NGX_OK) {
            ngx_http_notify_order_end(s, line);
            ngx_free(d);
            return NULL;
        }

    } else if (target != NULL) {
        d->call = ngx_http_notify_call_start(target, event, NULL,
                                             &feed->channel->name,
                                             feed->channel->hops, attempt, 0,
                                             ngx_http_notify_outcome_result,
                                             d);

        if (s->provider) {
            ngx_http_notify_push_started(d, target);
        }

        if (d->call == NULL) {
            ngx_http_notify_order_end(s, line);
            ngx_free(d);
            ngx_http_notify_run_queue_wait_room(s);
            return NULL;
        }
    }

    if (probe) {
        ngx_http_notify_breaker_probe(&s->breaker, 1);
    }

    ngx_http_notify_delivery_began(d);
    ngx_http_notify_subscriber_tally(s, NGX_HTTP_NOTIFY_METRICS_ATTEMPTS);
    ngx_http_notify_subscriber_touch(s);

    return d;
}
