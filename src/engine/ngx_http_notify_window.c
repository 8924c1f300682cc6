/*
 * A subscriber's window: its first attempts, in the order of the log.  The
 * cursor stands before the first that is not done.  Must not know what a
 * result means.
 */

#include "ngx_http_notify_window.h"
#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_dispatch.h"


static void ngx_http_notify_window_overtake(ngx_http_notify_delivery_t *d);
static void ngx_http_notify_window_leave(ngx_http_notify_delivery_t *d);


/* what is done at the head of the window moves the cursor */

void
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
 * again, and the cursor passes it: it holds up nobody and is not lost.
 */

void
ngx_http_notify_window_pass(ngx_event_t *ev)
{
    ngx_msec_int_t                 left;
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_delivery_t    *d;
    ngx_http_notify_subscriber_t  *s;

    feed = ev->data;

    while (!ngx_queue_empty(&feed->calls)) {
        d = ngx_queue_data(ngx_queue_head(&feed->calls),
                           ngx_http_notify_delivery_t, call_link);

        left = (ngx_msec_int_t) (d->started + NGX_HTTP_NOTIFY_SUBSCRIBER_PASS
                                 - ngx_current_msec);
        if (left > 0) {
            ngx_add_timer(&feed->pass_timer, (ngx_msec_t) left);
            return;
        }

        ngx_queue_remove(&d->call_link);
        d->queued = 0;

        s = d->subscriber;

        if (s != NULL && d->windowed && !s->disabled
            && !(s->profile != NULL && s->profile->strict))
        {
            ngx_http_notify_window_overtake(d);
            ngx_http_notify_dispatch_pump(s);
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

    due = ngx_http_notify_subscriber_now() + s->profile->call.timeout + 1000;

    if (ngx_http_notify_commit_retry(s, &d->id, due, d->attempt - 1, d->first,
                                     0)
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
    ngx_queue_insert_tail(&s->others, &d->link);
    d->windowed = 0;
    s->nwindow--;

    ngx_http_notify_window_close(s);
    ngx_http_notify_subscriber_touch(s);
}
