
/*
 * A subscriber's way from a queued event to a settled one.  Runs within one
 * worker and one turn; every state that outlives the worker is an operation
 * of the commit.
 */

#include "ngx_http_notify_dispatch.h"
#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_line.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_push.h"
#include "ngx_http_notify_queue.h"
#include "ngx_http_notify_redeliver.h"
#include "ngx_http_notify_retry.h"
#include "ngx_http_notify_tail.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_window.h"


#define NGX_HTTP_NOTIFY_DISPATCH_OWED  16   /* calls in a row */


static ngx_event_t *ngx_http_notify_dispatch_timer(ngx_event_t *ev,
    ngx_event_handler_pt handler, ngx_http_notify_feed_t *feed);
static ngx_int_t ngx_http_notify_dispatch_owed(
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_dispatch_owe(ngx_http_notify_subscriber_t *s,
    ngx_uint_t *owed);
static void ngx_http_notify_dispatch_queue(ngx_http_notify_subscriber_t *s);
static ngx_uint_t ngx_http_notify_dispatch_reads(
    ngx_http_notify_subscriber_t *s);
static ngx_int_t ngx_http_notify_dispatch_may(ngx_http_notify_subscriber_t *s,
    ngx_uint_t *probe);
static ngx_int_t ngx_http_notify_dispatch_room(
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_dispatch_skip(ngx_http_notify_subscriber_t *s);
static ngx_http_notify_delivery_t *ngx_http_notify_dispatch_call(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_event_t *event,
    ngx_uint_t attempt);
static void ngx_http_notify_dispatch_refused(ngx_http_notify_delivery_t *d);
static void ngx_http_notify_dispatch_result(
    const ngx_http_notify_call_result_t *result, void *data);
static void ngx_http_notify_dispatch_settle(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);
static void ngx_http_notify_dispatch_judge(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);
static void ngx_http_notify_dispatch_wake_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_notify_dispatch_init(ngx_http_notify_feed_t *feed)
{
    ngx_queue_init(&feed->waiting);
    ngx_queue_init(&feed->calls);
    ngx_queue_init(&feed->discarded);

    ngx_http_notify_dispatch_timer(&feed->pass_timer,
                                   ngx_http_notify_window_pass,
                                   feed);
    ngx_http_notify_dispatch_timer(&feed->resume,
                                   ngx_http_notify_dispatch_wait_handler,
                                   feed);
    return NGX_OK;
}


void
ngx_http_notify_dispatch_exit(ngx_http_notify_feed_t *feed)
{
    if (feed->pass_timer.timer_set) {
        ngx_del_timer(&feed->pass_timer);
    }

    if (feed->resume.timer_set) {
        ngx_del_timer(&feed->resume);
    }

    if (feed->resume.posted) {
        ngx_delete_posted_event(&feed->resume);
    }

    /* the calls of the subscribers, which are gone by now */

    (void) ngx_http_notify_dispatch_cut(feed);
}


static ngx_event_t *
ngx_http_notify_dispatch_timer(ngx_event_t *ev, ngx_event_handler_pt handler,
    ngx_http_notify_feed_t *feed)
{
    ev->handler = handler;
    ev->data = feed;
    ev->log = feed->log;
    ev->cancelable = 1;

    return ev;
}


void
ngx_http_notify_dispatch_pump(ngx_http_notify_subscriber_t *s)
{
    if (!s->located || ngx_http_notify_subscriber_is_paused(s)) {
        return;
    }

    /* no more often than there are pages */

    do {
        ngx_http_notify_dispatch_queue(s);

    } while (s->behind && s->queued < NGX_HTTP_NOTIFY_SUBSCRIBER_HUNGRY / 8
             && ngx_http_notify_dispatch_reads(s)
             && ngx_http_notify_tail_behind(s) == NGX_OK);

    /* what the queue has left */

    while (ngx_http_notify_dispatch_owed(s) == NGX_OK
           && ngx_http_notify_redeliver_run(s) == NGX_OK)
    {
        /* void */
    }

    while (ngx_http_notify_retry_start(s) == NGX_OK) {
        /* void */
    }
}


/*
 * The queue, what is due of the retry set, and a redelivery share the calls:
 * each call of one is owed to those that could have made it.  NGX_AGAIN: there
 * was no room for one that was owed.
 */

static ngx_int_t
ngx_http_notify_dispatch_owed(ngx_http_notify_subscriber_t *s)
{
    ngx_int_t  rc;

    rc = NGX_OK;

    while (s->owed && rc == NGX_OK) {
        rc = ngx_http_notify_retry_start(s);
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    rc = NGX_OK;

    while (s->redeliver_owed && rc == NGX_OK) {
        rc = ngx_http_notify_redeliver_run(s);
    }

    return (rc == NGX_AGAIN) ? NGX_AGAIN : NGX_OK;
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
    ngx_uint_t                   probe;
    ngx_http_notify_event_t     *event;
    ngx_http_notify_delivery_t  *d;

    while (s->queued && ngx_http_notify_dispatch_owed(s) == NGX_OK
           && s->queued)
    {
        event = s->ring[s->ring_head];

        if (event->session_id.len) {
            rc = ngx_http_notify_presence(s, event);

            if (rc == NGX_AGAIN) {
                break;
            }

            if (rc == NGX_DECLINED) {

                /* who is connected has seen it */

                ngx_http_notify_subscriber_tally(s,
                                            NGX_HTTP_NOTIFY_METRICS_SKIPPED);
                ngx_http_notify_log_unref(ngx_http_notify_queue_pop(s));
                ngx_http_notify_subscriber_touch(s);
                continue;
            }
        }

        if (s->provider != NULL
            && ngx_http_notify_push_admit(s, event) != NGX_OK)
        {
            ngx_http_notify_log_unref(ngx_http_notify_queue_pop(s));
            ngx_http_notify_subscriber_touch(s);
            continue;
        }

        probe = 0;
        rc = ngx_http_notify_dispatch_may(s, &probe);

        if (rc == NGX_ABORT) {
            ngx_http_notify_dispatch_skip(s);
            continue;
        }

        if (rc != NGX_OK) {
            break;
        }

        d = ngx_http_notify_dispatch_call(s, event, 1);

        if (d == NULL) {
            ngx_http_notify_dispatch_wait(s);
            break;
        }

        (void) ngx_http_notify_queue_pop(s);     /* d has the reference */

        d->windowed = 1;
        d->probe = probe;

        if (probe) {
            ngx_http_notify_breaker_probe(&s->breaker, 1);
        }

        ngx_queue_insert_tail(&s->window, &d->link);
        s->nwindow++;

        ngx_http_notify_dispatch_owe(s, &s->owed);
        ngx_http_notify_dispatch_owe(s, &s->redeliver_owed);

        if (d->call == NULL) {
            ngx_http_notify_dispatch_refused(d);
            continue;
        }

        d->queued = 1;
        ngx_queue_insert_tail(&s->lease->feed->calls, &d->call_link);

        if (!s->lease->feed->pass_timer.timer_set) {
            ngx_add_timer(&s->lease->feed->pass_timer,
                          NGX_HTTP_NOTIFY_SUBSCRIBER_PASS);
        }
    }
}


/* while it is held there is no use in reading, but to drop */

static ngx_uint_t
ngx_http_notify_dispatch_reads(ngx_http_notify_subscriber_t *s)
{
    ngx_int_t  rc;

    rc = ngx_http_notify_dispatch_held(s);

    if (rc == NGX_DECLINED) {
        return s->profile != NULL && s->profile->retry.nsteps == 0
               && s->breaker.state == NGX_HTTP_NOTIFY_BREAKER_OPEN;
    }

    return rc == NGX_DONE ? s->nretry == 0
                          : s->nretry < NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY;
}


void
ngx_http_notify_dispatch_work(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_retry_look(s);
    ngx_http_notify_dispatch_pump(s);
}


/*
 * NGX_OK: start a first attempt; NGX_AGAIN: not now, something will pump
 * again; NGX_ABORT: it is not to be made at all (breaker open, retry off).
 */

static ngx_int_t
ngx_http_notify_dispatch_may(ngx_http_notify_subscriber_t *s,
    ngx_uint_t *probe)
{
    ngx_int_t  rc;

    if (s->profile != NULL && s->profile->retry.nsteps == 0
        && s->breaker.state == NGX_HTTP_NOTIFY_BREAKER_OPEN
        && ngx_http_notify_breaker_ask(&s->breaker,
                                       ngx_http_notify_subscriber_now())
           == NGX_AGAIN)
    {
        return NGX_ABORT;
    }

    rc = ngx_http_notify_dispatch_held(s);

    if (rc == NGX_DECLINED
        || (rc == NGX_OK && s->nretry >= NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY))
    {
        ngx_http_notify_queue_clear(s);
        ngx_http_notify_subscriber_touch(s);
        return NGX_AGAIN;
    }

    if (rc == NGX_DONE && s->nretry) {

        /* the probe is the one that waits longest */

        ngx_http_notify_retry_look(s);
        return NGX_AGAIN;
    }

    *probe = (rc == NGX_DONE);

    if (s->in_flight >= s->limit
        || s->nwindow + s->unacked >= 2 * s->limit)
    {
        return NGX_AGAIN;
    }

    if (s->profile != NULL && s->profile->strict
        && (s->nwindow || s->nretry))
    {
        return NGX_AGAIN;
    }

    return ngx_http_notify_dispatch_room(s);
}


/* for one more call in this worker, and at this subscriber's rate */

static ngx_int_t
ngx_http_notify_dispatch_room(ngx_http_notify_subscriber_t *s)
{
    ngx_msec_t  delay;

    if (!ngx_http_notify_lease_trusted(s->lease->feed)
        || ngx_http_notify_call_room() == 0)
    {
        ngx_http_notify_dispatch_wait(s);
        return NGX_AGAIN;
    }

    if (s->provider == NULL
        && ngx_http_notify_call_share_room(s->share) == 0)
    {
        ngx_http_notify_dispatch_wait_share(s);
        ngx_http_notify_subscriber_tally(s, NGX_HTTP_NOTIFY_METRICS_CROWDED);
        return NGX_AGAIN;
    }

    delay = ngx_http_notify_bucket_take(&s->bucket, &s->rate);

    if (delay) {
        ngx_http_notify_dispatch_wake(s, delay);
        return NGX_AGAIN;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_dispatch_held(ngx_http_notify_subscriber_t *s)
{
    uint64_t   now;
    ngx_int_t  rc;

    now = ngx_http_notify_subscriber_now();

    if (s->paused) {
        if (s->paused > now) {
            ngx_http_notify_dispatch_wake(s, s->paused - now);
            return NGX_DECLINED;
        }

        s->paused = 0;
        ngx_http_notify_subscriber_touch(s);
    }

    rc = ngx_http_notify_breaker_ask(&s->breaker, now);

    if (rc == NGX_AGAIN) {
        if (s->breaker.state == NGX_HTTP_NOTIFY_BREAKER_OPEN) {
            ngx_http_notify_dispatch_wake(s, s->breaker.until - now);
        }

        return NGX_DECLINED;
    }

    if (s->gap) {

        /* the cool-down is over: what was dropped in it is on record */

        (void) ngx_http_notify_commit_dropped(s);
        s->gap = 0;
        ngx_http_notify_subscriber_touch(s);
    }

    return rc;
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

    ngx_http_notify_dispatch_wake(s, s->breaker.until
                                     - ngx_http_notify_subscriber_now());
}


void
ngx_http_notify_dispatch_wake(ngx_http_notify_subscriber_t *s, uint64_t delay)
{
    ngx_msec_t  timer;

    timer = (ngx_msec_t) ngx_min(delay, 3600000) + 1;

    if (s->timer.timer_set) {
        if ((ngx_msec_int_t) (s->timer.timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) timer)
        {
            return;
        }

        ngx_del_timer(&s->timer);
    }

    s->timer.handler = ngx_http_notify_dispatch_wake_handler;
    s->timer.data = s;
    s->timer.log = s->lease->feed->log;
    s->timer.cancelable = 1;

    ngx_add_timer(&s->timer, timer);
}


static void
ngx_http_notify_dispatch_wake_handler(ngx_event_t *ev)
{
    /* also when nothing is to be done: a gap is closed by it */

    (void) ngx_http_notify_dispatch_held(ev->data);

    ngx_http_notify_dispatch_work(ev->data);
}


ngx_int_t
ngx_http_notify_dispatch_start(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t attempt, uint64_t first,
    ngx_uint_t retry, ngx_uint_t probe)
{
    ngx_http_notify_delivery_t  *d;

    if (s->in_flight >= s->limit || s->unacked >= 2 * s->limit
        || ngx_http_notify_subscriber_is_paused(s)
        || ngx_http_notify_dispatch_room(s) != NGX_OK)
    {
        return NGX_AGAIN;
    }

    d = ngx_http_notify_dispatch_call(s, event, attempt);

    if (d == NULL) {
        ngx_http_notify_dispatch_wait(s);
        return NGX_AGAIN;
    }

    ngx_http_notify_log_ref(event);

    d->first = first ? first : d->first;
    d->retry = retry;
    d->redelivered = !retry;
    d->probe = probe;

    if (probe) {
        ngx_http_notify_breaker_probe(&s->breaker, 1);
    }

    ngx_queue_insert_tail(&s->others, &d->link);

    if (retry) {
        s->owed -= (s->owed != 0);

    } else {
        s->redeliver_owed -= (s->redeliver_owed != 0);
        ngx_http_notify_dispatch_owe(s, &s->owed);
    }

    if (d->call == NULL) {
        ngx_http_notify_dispatch_refused(d);
    }

    return NGX_OK;
}


/* the delivery takes over a reference to the event */

static ngx_http_notify_delivery_t *
ngx_http_notify_dispatch_call(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t attempt)
{
    ngx_http_notify_feed_t      *feed;
    ngx_http_notify_target_t    *target;
    ngx_http_notify_delivery_t  *d;

    feed = s->lease->feed;

    d = ngx_calloc(sizeof(ngx_http_notify_delivery_t), feed->log);
    if (d == NULL) {
        return NULL;
    }

    d->feed = feed;
    d->lease = s->lease;
    d->subscriber = s;
    d->event = event;
    d->id = event->id;
    d->attempt = attempt;
    d->version = s->doc->version;
    d->first = ngx_http_notify_subscriber_now();
    d->started = ngx_current_msec;

    target = s->provider ? ngx_http_notify_push_target(d) : s->target;

    if (target != NULL) {
        d->call = ngx_http_notify_call_start(target, event,
                                             &feed->channel->name,
                                             feed->channel->hops, attempt, 0,
                                             ngx_http_notify_dispatch_result,
                                             d);
        if (d->call == NULL) {
            ngx_free(d);
            return NULL;
        }
    }

    s->in_flight++;
    s->lease->active++;
    feed->active++;

    ngx_http_notify_subscriber_tally(s, NGX_HTTP_NOTIFY_METRICS_ATTEMPTS);
    ngx_http_notify_subscriber_touch(s);

    return d;
}


/* the subscription cannot be called as it is: an attempt that failed */

static void
ngx_http_notify_dispatch_refused(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_call_result_t  result;

    ngx_memzero(&result, sizeof(ngx_http_notify_call_result_t));

    result.verdict = NGX_HTTP_NOTIFY_CALL_BLOCKED;
    result.error = d->subscriber->reason;
    result.retry_after = -1;

    if (result.error == NULL) {
        result.error = "not allowed";
    }

    ngx_http_notify_dispatch_settle(d, &result);
}


static void
ngx_http_notify_dispatch_result(const ngx_http_notify_call_result_t *result,
    void *data)
{
    ngx_http_notify_delivery_t *d = data;

    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;
    feed = d->feed;

    d->call = NULL;

    ngx_http_notify_dispatch_settle(d, result);

    if (s != NULL) {

        /* behind those that have waited longer */

        if (s->provider == NULL && !ngx_queue_empty(&s->share->waiting)) {
            ngx_http_notify_dispatch_wait_share(s);

        } else if (ngx_queue_empty(&feed->waiting)) {
            ngx_http_notify_dispatch_work(s);

        } else {
            ngx_http_notify_dispatch_line_up(s);
        }
    }

    ngx_http_notify_dispatch_resume(feed);
}


static void
ngx_http_notify_dispatch_settle(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_metrics_e      counter;
    ngx_http_notify_subscriber_t  *s;

    feed = d->feed;
    s = d->subscriber;

    if (d->queued) {
        ngx_queue_remove(&d->call_link);
    }

    feed->active--;

    switch (result->verdict) {

    case NGX_HTTP_NOTIFY_CALL_OK:
        counter = NGX_HTTP_NOTIFY_METRICS_DELIVERED;
        break;

    case NGX_HTTP_NOTIFY_CALL_NO_RESOLVER:
        counter = NGX_HTTP_NOTIFY_METRICS_NO_RESOLVER;
        break;

    default:
        counter = NGX_HTTP_NOTIFY_METRICS_FAILED;
    }

    ngx_http_notify_metrics_observe(feed->channel->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_CALL,
                                    (uint64_t) result->latency * 1000);

    if (s == NULL) {
        feed->counts[counter]++;
        ngx_http_notify_log_unref(d->event);
        ngx_free(d);
        ngx_http_notify_commit_soon(feed, 0);
        return;
    }

    ngx_http_notify_subscriber_tally(s, counter);

    s->in_flight--;
    s->lease->active--;

    ngx_http_notify_attempts_add(d, result);
    ngx_http_notify_dispatch_judge(d, result);

    ngx_http_notify_log_unref(d->event);
    d->event = NULL;
    d->done = 1;

    if (d->windowed) {
        ngx_http_notify_window_close(s);

    } else {
        ngx_http_notify_retry_forget(s, &d->id);
        ngx_queue_remove(&d->link);
        ngx_free(d);
        s->unacked++;
    }

    ngx_http_notify_subscriber_touch(s);
}


static void
ngx_http_notify_dispatch_judge(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    uint64_t                       now;
    ngx_int_t                      rc;
    ngx_uint_t                     ok;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;
    ok = (result->verdict == NGX_HTTP_NOTIFY_CALL_OK);
    now = ngx_http_notify_subscriber_now();
    rc = NGX_OK;

    if (d->probe) {
        ngx_http_notify_breaker_probe(&s->breaker, 0);
    }

    ngx_http_notify_push_result(d, result);

    if (s->profile != NULL && d->version >= s->moved) {
        rc = ngx_http_notify_breaker_result(&s->breaker, &s->profile->breaker,
                                            ok, result->status, d->probe, now);
    }

    if (rc == NGX_AGAIN) {
        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_line(s, d->event, d->node), 0,
                      "notify dispatch: breaker of subscription \"%V\" opened, "
                      "last failure: %s, status %ui",
                      &s->node.str, result->error, result->status);
        ngx_http_notify_tenants_add(d->feed->channel->metrics,
                                    &s->doc->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_OPENED, 1);
        ngx_http_notify_dispatch_wake(s, s->breaker.until - now);

    } else if (rc == NGX_DONE) {
        ngx_log_error(NGX_LOG_NOTICE,
                      ngx_http_notify_line(s, d->event, d->node), 0,
                      "notify dispatch: breaker of subscription \"%V\" closed",
                      &s->node.str);
        ngx_http_notify_ops_events_recovered(s, d->event);
        s->release = 1;
    }

    if (!ok) {
        (void) ngx_http_notify_retry_failed(d, result);
        return;
    }

    if (!d->redelivered) {
        ngx_http_notify_metrics_observe(d->feed->channel->metrics,
                                        NGX_HTTP_NOTIFY_METRICS_DELAY,
                                        now > d->id.ms
                                        ? (now - d->id.ms) * 1000 : 0);
    }

    if (s->nretry >= NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY) {
        s->release = 1;
    }

    if (d->retry || d->redelivered) {
        (void) ngx_http_notify_commit_done(s, &d->id, d->retry);

        if (d->retry && s->nretry) {
            s->nretry--;
        }
    }
}


void
ngx_http_notify_dispatch_discard(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q, *lists[2];
    ngx_http_notify_delivery_t  *d;

    lists[0] = &s->window;
    lists[1] = &s->others;

    for (i = 0; i < 2; i++) {

        while (!ngx_queue_empty(lists[i])) {
            q = ngx_queue_head(lists[i]);
            d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

            ngx_queue_remove(q);

            if (d->done) {
                ngx_free(d);
                continue;
            }

            if (d->queued) {
                ngx_queue_remove(&d->call_link);
            }

            d->queued = 1;
            ngx_queue_insert_tail(&s->lease->feed->discarded, &d->call_link);

            d->subscriber = NULL;
            s->lease->active--;
        }
    }

    s->in_flight = 0;
    s->nwindow = 0;
}


ngx_uint_t
ngx_http_notify_dispatch_cut(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                   n;
    ngx_queue_t                 *q;
    ngx_http_notify_delivery_t  *d;

    for (n = 0; !ngx_queue_empty(&feed->discarded); n++) {
        q = ngx_queue_head(&feed->discarded);
        d = ngx_queue_data(q, ngx_http_notify_delivery_t, call_link);

        ngx_queue_remove(q);
        feed->active--;

        ngx_http_notify_call_abort(d->call);
        ngx_http_notify_log_unref(d->event);
        ngx_free(d);
    }

    return n;
}
