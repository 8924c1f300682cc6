/*
 * A subscriber's window: its first attempts, in the order of the log.  The
 * cursor stands before the first that is not done.
 */

#include "ngx_http_notify_window.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_WINDOW_PASS  1000   /* ms, then the cursor passes */


static void ngx_http_notify_window_timer(ngx_event_t *ev);
static void ngx_http_notify_window_close(ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_window_overtake(ngx_http_notify_delivery_t *d);
static void ngx_http_notify_window_leave(ngx_http_notify_delivery_t *d);


void
ngx_http_notify_window_init(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_idle(&feed->pass_timer, ngx_http_notify_window_timer,
                               feed, feed->log);
}


void
ngx_http_notify_window_exit(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_stop(&feed->pass_timer);
}


ngx_http_notify_id_t
ngx_http_notify_window_cursor(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_id_t         id;
    ngx_http_notify_delivery_t  *d;

    d = ngx_http_notify_delivery_first(s);

    if (d != NULL) {
        id = ngx_http_notify_id_before(&d->id);

    } else if (s->gap) {
        id = s->gap_from;

    } else if (s->queued) {
        id = ngx_http_notify_id_before(&s->ring[s->ring_head]->id);

    } else if (s->behind) {
        id = s->read;

    } else {
        id = s->lease->position;

        if (ngx_http_notify_id_compare(&id, &s->start) < 0) {
            id = s->start;
        }
    }

    return id;
}


ngx_uint_t
ngx_http_notify_window_passed(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    if (s->queued) {
        return ngx_http_notify_id_compare(id, &s->ring[s->ring_head]->id) < 0;
    }

    if (s->behind) {
        return ngx_http_notify_id_compare(id, &s->read) <= 0;
    }

    return ngx_http_notify_id_compare(id, &s->lease->position) <= 0
           || ngx_http_notify_id_compare(id, &s->start) <= 0;
}


void
ngx_http_notify_window_add(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_delivery_t *d)
{
    d->windowed = 1;

    ngx_queue_insert_tail(&s->window, &d->link);
    s->nwindow++;
}


void
ngx_http_notify_window_watch(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_feed_t  *feed;

    feed = d->feed;

    d->queued = 1;
    ngx_queue_insert_tail(&feed->calls, &d->call_link);

    ngx_http_notify_timer_start(&feed->pass_timer,
                                NGX_HTTP_NOTIFY_WINDOW_PASS);
}


ngx_int_t
ngx_http_notify_window_line_up(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line)
{
    ngx_http_notify_delivery_t  *d;

    d = ngx_calloc(sizeof(ngx_http_notify_delivery_t), s->lease->feed->log);
    if (d == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_operation_line_up(s, id, line) != NGX_OK) {
        ngx_free(d);
        return NGX_ERROR;
    }

    /* it takes its place, so that no more than others comes twice */

    d->subscriber = s;
    d->id = *id;

    ngx_http_notify_window_add(s, d);
    ngx_http_notify_window_settle(d);

    return NGX_OK;
}


/* it is under way for its lease, which does not leave it behind */

ngx_int_t
ngx_http_notify_window_park(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t line)
{
    ngx_http_notify_feed_t      *feed;
    ngx_http_notify_delivery_t  *d;

    feed = s->lease->feed;

    d = ngx_calloc(sizeof(ngx_http_notify_delivery_t), feed->log);
    if (d == NULL) {
        return NGX_ERROR;
    }

    d->feed = feed;
    d->lease = s->lease;
    d->subscriber = s;
    d->event = event;
    d->id = event->id;
    d->attempt = 1;
    d->line = line;
    d->started = ngx_current_msec;
    d->parked = 1;

    ngx_http_notify_order_park(s, line, &d->park_link);

    s->lease->active++;
    feed->active++;

    ngx_http_notify_window_add(s, d);
    ngx_http_notify_window_watch(d);

    return NGX_OK;
}


ngx_http_notify_delivery_t *
ngx_http_notify_window_parked(ngx_http_notify_subscriber_t *s)
{
    ngx_queue_t  *q;

    q = ngx_http_notify_order_ready(s);

    return q ? ngx_queue_data(q, ngx_http_notify_delivery_t, park_link) : NULL;
}


void
ngx_http_notify_window_start(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_order_unpark(d->subscriber, d->line, &d->park_link);

    d->parked = 0;
    d->subscriber->in_flight++;

    if (d->queued) {
        ngx_queue_remove(&d->call_link);
    }

    ngx_http_notify_window_watch(d);
}


ngx_int_t
ngx_http_notify_window_unpark(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    if (!d->erased
        && ngx_http_notify_operation_line_up(s, &d->id, d->line) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_order_unpark(s, d->line, &d->park_link);
    d->parked = 0;

    if (d->queued) {
        ngx_queue_remove(&d->call_link);
        d->queued = 0;
    }

    d->feed->active--;
    d->lease->active--;

    ngx_http_notify_log_unref(d->event);
    d->event = NULL;

    ngx_http_notify_window_settle(d);
    ngx_http_notify_subscriber_touch(s);

    return NGX_OK;
}


void
ngx_http_notify_window_settle(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    d->done = 1;

    if (d->windowed) {
        ngx_http_notify_window_close(s);
        return;
    }

    ngx_queue_remove(&d->link);
    ngx_free(d);

    s->unacked++;
}


/* what is done at the head of the window moves the cursor */

static void
ngx_http_notify_window_close(ngx_http_notify_subscriber_t *s)
{
    ngx_queue_t                 *q;
    ngx_http_notify_delivery_t  *d;

    while (!ngx_queue_empty(&s->window)) {
        q = ngx_queue_head(&s->window);
        d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

        if (!d->done) {
            break;
        }

        ngx_queue_remove(q);
        ngx_free(d);

        s->nwindow--;
        s->unacked++;
    }
}


/*
 * A call that takes longer than a second is written down as one to be tried
 * again, and the cursor passes it: it delays no other event and is not lost.
 */

static void
ngx_http_notify_window_timer(ngx_event_t *ev)
{
    ngx_msec_int_t                 left;
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_delivery_t    *d;
    ngx_http_notify_subscriber_t  *s;

    feed = ev->data;

    while (!ngx_queue_empty(&feed->calls)) {
        d = ngx_queue_data(ngx_queue_head(&feed->calls),
                           ngx_http_notify_delivery_t, call_link);

        left = (ngx_msec_int_t) (d->started + NGX_HTTP_NOTIFY_WINDOW_PASS
                                 - ngx_current_msec);
        if (left > 0) {
            ngx_add_timer(&feed->pass_timer, (ngx_msec_t) left);
            return;
        }

        ngx_queue_remove(&d->call_link);
        d->queued = 0;

        s = d->subscriber;

        if (s != NULL && d->windowed && !ngx_http_notify_subscriber_is_ending(s)
            && !(s->profile != NULL && s->profile->strict))
        {
            if (d->parked) {
                (void) ngx_http_notify_window_unpark(d);

            } else {
                ngx_http_notify_window_overtake(d);
            }

            ngx_http_notify_run_queue_ready(s);
        }
    }
}


static void
ngx_http_notify_window_overtake(ngx_http_notify_delivery_t *d)
{
    uint64_t                       due;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    if (s->profile == NULL) {
        return;
    }

    if (s->provider != NULL) {

        /* should this worker not live to see the result, it is lost */

        ngx_http_notify_window_leave(d);
        return;
    }

    /* should this worker not live to see the result */

    due = ngx_http_notify_feed_now() + s->profile->call.timeout + 1000;

    if (ngx_http_notify_operation_retry(s, &d->id, d->line, due,
                                        d->attempt - 1, d->first, 0)
        != NGX_OK)
    {
        return;
    }

    s->nretry++;
    d->retry = 1;

    ngx_http_notify_window_leave(d);
}


/* the cursor waits for it no longer */

static void
ngx_http_notify_window_leave(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    ngx_queue_remove(&d->link);
    ngx_queue_insert_tail(&s->resends, &d->link);
    d->windowed = 0;
    s->nwindow--;

    ngx_http_notify_window_close(s);
    ngx_http_notify_subscriber_touch(s);
}
