
/*
 * Subscribers that share the feed's room wait in its queue.  A subscriber whose
 * tenant has all the calls it may have waits in the queue of its share.
 */

#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_RUN_QUEUE_WAIT  10      /* ms, then there may be room */


static void ngx_http_notify_run_queue_timer(ngx_event_t *ev);
static void ngx_http_notify_run_queue_shares(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_run_queue_room(ngx_http_notify_feed_t *feed);


void
ngx_http_notify_run_queue_ready(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_run_queue_wait(s);
    ngx_http_notify_feed_post(s->lease->feed);
}


void
ngx_http_notify_run_queue_finish(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_run_queue_leave(s);

    s->waits = NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_END;
    ngx_queue_insert_tail(&s->lease->feed->finished, &s->wait_link);

    ngx_http_notify_feed_post(s->lease->feed);
}


void
ngx_http_notify_run_queue_wait(ngx_http_notify_subscriber_t *s)
{
    if (s->waits == NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_NOT) {
        s->waits = NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_RUN;
        ngx_queue_insert_tail(&s->lease->feed->waiting, &s->wait_link);
    }
}


void
ngx_http_notify_run_queue_wait_room(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_run_queue_wait(s);
    ngx_http_notify_run_queue_room(s->lease->feed);
}


/* after those of its tenant that have waited longer */

void
ngx_http_notify_run_queue_wait_share(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_share_t  *share;

    if (s->waits != NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_NOT) {
        return;
    }

    share = s->share;

    if (ngx_queue_empty(&share->waiting)) {
        ngx_queue_insert_tail(ngx_http_notify_share_crowded(), &share->link);
    }

    s->waits = NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_SHARE;
    ngx_queue_insert_tail(&share->waiting, &s->wait_link);

    ngx_http_notify_feed_post_later(s->lease->feed,
                                    NGX_HTTP_NOTIFY_RUN_QUEUE_WAIT);
}


void
ngx_http_notify_run_queue_wait_time(ngx_http_notify_subscriber_t *s,
    uint64_t delay)
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

    ngx_http_notify_timer_idle(&s->timer, ngx_http_notify_run_queue_timer, s,
                               s->lease->feed->log);

    ngx_add_timer(&s->timer, timer);
}


static void
ngx_http_notify_run_queue_timer(ngx_event_t *ev)
{
    ngx_http_notify_run_queue_ready(ev->data);
}


void
ngx_http_notify_run_queue_leave(ngx_http_notify_subscriber_t *s)
{
    if (s->waits == NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_NOT) {
        return;
    }

    ngx_queue_remove(&s->wait_link);

    if (s->waits == NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_SHARE
        && ngx_queue_empty(&s->share->waiting))
    {
        ngx_queue_remove(&s->share->link);
    }

    s->waits = NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_NOT;
}


void
ngx_http_notify_run_queue_cancel(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_timer_stop(&s->timer);
}


void
ngx_http_notify_run_queue_begin(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_feed_t  *first;

    ngx_http_notify_run_queue_shares(feed);

    first = ngx_http_notify_feed_crowded();

    feed->yields = (first != NULL && first != feed
                    && !(ngx_queue_empty(&feed->pass)
                         && ngx_queue_empty(&feed->waiting)));

    if (feed->yields) {
        ngx_http_notify_feed_crowd(feed);
        ngx_http_notify_feed_post(first);

        /* that one may start nothing, and no call end that tells */

        ngx_http_notify_feed_post_later(feed, NGX_HTTP_NOTIFY_RUN_QUEUE_WAIT);
        return;
    }

    ngx_http_notify_feed_uncrowd(feed);

    if (!ngx_queue_empty(&feed->pass)) {
        return;
    }

    feed->again = 0;

    ngx_queue_add(&feed->pass, &feed->waiting);
    ngx_queue_init(&feed->waiting);
}


/* as many as their tenants may call line up with all others */

static void
ngx_http_notify_run_queue_shares(ngx_http_notify_feed_t *feed)
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

        /* the engine is not told of the end of all calls of a share */

        ngx_http_notify_feed_post_later(feed, NGX_HTTP_NOTIFY_RUN_QUEUE_WAIT);

        for (room = ngx_http_notify_call_share_room(share);
             room && !ngx_queue_empty(&share->waiting);
             room--)
        {
            s = ngx_queue_data(ngx_queue_head(&share->waiting),
                               ngx_http_notify_subscriber_t, wait_link);

            ngx_http_notify_run_queue_leave(s);
            ngx_http_notify_run_queue_wait(s);
        }
    }
}


ngx_http_notify_subscriber_t *
ngx_http_notify_run_queue_next(ngx_http_notify_feed_t *feed)
{
    ngx_queue_t                   *q;
    ngx_http_notify_subscriber_t  *s;

    if (feed->yields || ngx_queue_empty(&feed->pass)
        || ngx_http_notify_call_room() == 0)
    {
        return NULL;
    }

    q = ngx_queue_head(&feed->pass);
    s = ngx_queue_data(q, ngx_http_notify_subscriber_t, wait_link);

    ngx_http_notify_run_queue_leave(s);

    return s;
}


void
ngx_http_notify_run_queue_end(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_feed_t  *first;

    if (feed->yields) {
        return;
    }

    if (!ngx_queue_empty(&feed->pass) && ngx_http_notify_call_room() == 0) {
        ngx_http_notify_feed_crowd(feed);
    }

    first = ngx_http_notify_feed_crowded();

    if (first != NULL && first != feed && ngx_http_notify_call_room()) {
        ngx_http_notify_feed_post(first);
    }

    if (ngx_queue_empty(&feed->pass)) {

        /* what only waits for room is not told: else this would not end */

        if (feed->again && !ngx_queue_empty(&feed->waiting)) {
            ngx_http_notify_feed_post_next(feed);
        }

        return;
    }

    if (ngx_http_notify_call_room()) {
        ngx_http_notify_feed_post_next(feed);

    } else {
        ngx_http_notify_run_queue_room(feed);
    }
}


/* a renewed lease posts the turn by itself */

static void
ngx_http_notify_run_queue_room(ngx_http_notify_feed_t *feed)
{
    if (!ngx_http_notify_feed_trusted(feed)) {
        return;
    }

    if (ngx_http_notify_call_room() == 0
        && ngx_http_notify_call_next_turn())
    {
        ngx_http_notify_feed_post_next(feed);
        return;
    }

    /* no memory; or all calls are of other channels */

    ngx_http_notify_feed_post_later(feed, NGX_HTTP_NOTIFY_RUN_QUEUE_WAIT);
}


ngx_http_notify_subscriber_t *
ngx_http_notify_run_queue_finished(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_subscriber_t  *s;

    if (ngx_queue_empty(&feed->finished)) {
        return NULL;
    }

    s = ngx_queue_data(ngx_queue_head(&feed->finished),
                       ngx_http_notify_subscriber_t, wait_link);

    ngx_http_notify_run_queue_leave(s);

    return s;
}
