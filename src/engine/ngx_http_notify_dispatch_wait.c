/*
 * Subscribers that may not call now: those that wait for room in the worker, in
 * the feed's queue, and those that wait for calls of their own tenant to end,
 * in its share's.  Knows no event.
 */

#include "ngx_http_notify_dispatch.h"
#include "ngx_http_notify_lease.h"


#define NGX_HTTP_NOTIFY_DISPATCH_WAIT_MS  10    /* then there may be room */


static void ngx_http_notify_dispatch_wait_ended(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_dispatch_wait_again(ngx_http_notify_feed_t *feed);


void
ngx_http_notify_dispatch_wait(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_dispatch_line_up(s);
    ngx_http_notify_dispatch_wait_again(s->lease->feed);
}


void
ngx_http_notify_dispatch_line_up(ngx_http_notify_subscriber_t *s)
{
    if (!s->waiting) {
        s->waiting = 1;
        ngx_queue_insert_tail(&s->lease->feed->waiting, &s->wait_link);
    }
}


/* for calls of its tenant to end, behind those that have waited longer */

void
ngx_http_notify_dispatch_wait_share(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_share_t  *share;

    if (s->waiting) {
        return;
    }

    share = s->share;

    if (ngx_queue_empty(&share->waiting)) {
        ngx_queue_insert_tail(ngx_http_notify_share_crowded(), &share->link);
    }

    s->waiting = 1;
    s->crowded = 1;
    ngx_queue_insert_tail(&share->waiting, &s->wait_link);

    feed = s->lease->feed;

    if (!feed->resume.timer_set) {
        ngx_add_timer(&feed->resume, NGX_HTTP_NOTIFY_DISPATCH_WAIT_MS);
    }
}


/* as many as their tenants may call line up with all others */

static void
ngx_http_notify_dispatch_wait_ended(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                     room;
    ngx_queue_t                   *q, *next;
    ngx_http_notify_share_t       *share;
    ngx_http_notify_subscriber_t  *s;

    for (q = ngx_queue_head(ngx_http_notify_share_crowded());
         q != ngx_queue_sentinel(ngx_http_notify_share_crowded());
         q = next)
    {
        next = ngx_queue_next(q);
        share = ngx_queue_data(q, ngx_http_notify_share_t, link);

        if (share->channel != feed->channel) {
            continue;
        }

        /* it may be that calls end of which the engine is not told */

        if (!feed->resume.timer_set) {
            ngx_add_timer(&feed->resume, NGX_HTTP_NOTIFY_DISPATCH_WAIT_MS);
        }

        for (room = ngx_http_notify_call_share_room(share);
             room && !ngx_queue_empty(&share->waiting);
             room--)
        {
            s = ngx_queue_data(ngx_queue_head(&share->waiting),
                               ngx_http_notify_subscriber_t, wait_link);

            ngx_http_notify_dispatch_leave(s);
            ngx_http_notify_dispatch_line_up(s);
        }
    }
}


void
ngx_http_notify_dispatch_leave(ngx_http_notify_subscriber_t *s)
{
    if (!s->waiting) {
        return;
    }

    ngx_queue_remove(&s->wait_link);
    s->waiting = 0;

    if (s->crowded) {
        s->crowded = 0;

        if (ngx_queue_empty(&s->share->waiting)) {
            ngx_queue_remove(&s->share->link);
        }
    }
}


/* a renewed lease resumes by itself */

static void
ngx_http_notify_dispatch_wait_again(ngx_http_notify_feed_t *feed)
{
    if (!ngx_http_notify_lease_trusted(feed)) {
        return;
    }

    if (ngx_http_notify_call_room() == 0
        && ngx_http_notify_call_next_turn())
    {
        ngx_post_event(&feed->resume, &ngx_posted_next_events);

    } else if (!feed->resume.timer_set) {

        /* no memory; or all calls are of other channels */

        ngx_add_timer(&feed->resume, NGX_HTTP_NOTIFY_DISPATCH_WAIT_MS);
    }
}


void
ngx_http_notify_dispatch_resume(ngx_http_notify_feed_t *feed)
{
    ngx_queue_t                    all, *q;
    ngx_http_notify_subscriber_t  *s;

    ngx_http_notify_dispatch_wait_ended(feed);

    if (ngx_queue_empty(&feed->waiting)) {
        return;
    }

    /* each once a pass: those that still find no room wait at the end again */

    ngx_queue_init(&all);
    ngx_queue_add(&all, &feed->waiting);
    ngx_queue_init(&feed->waiting);

    while (!ngx_queue_empty(&all)) {

        if (ngx_http_notify_call_room() == 0) {
            ngx_queue_add(&all, &feed->waiting);
            ngx_queue_init(&feed->waiting);
            ngx_queue_add(&feed->waiting, &all);

            ngx_http_notify_dispatch_wait_again(feed);
            return;
        }

        q = ngx_queue_head(&all);
        ngx_queue_remove(q);

        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, wait_link);
        s->waiting = 0;

        ngx_http_notify_dispatch_work(s);
    }
}


void
ngx_http_notify_dispatch_wait_handler(ngx_event_t *ev)
{
    ngx_http_notify_dispatch_resume(ev->data);
}
