
/*
 * The clocks of a feed and the event that makes it work.
 */

#include "ngx_http_notify_feed.h"
#include "ngx_http_notify_timer.h"


static void ngx_http_notify_feed_commit_handler(ngx_event_t *ev);


/* of the worker: a channel that could use all calls takes turns with others */
static ngx_queue_t  ngx_http_notify_feeds_crowded = {
    &ngx_http_notify_feeds_crowded, &ngx_http_notify_feeds_crowded
};


uint64_t
ngx_http_notify_feed_time(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


/*
 * When the clock is set back, this time goes on with the monotonic clock until
 * the other one has caught up, so nothing waits longer than it was to.
 */

uint64_t
ngx_http_notify_feed_now(void)
{
    uint64_t  now;

    static uint64_t    last;
    static ngx_msec_t  last_msec;

    now = ngx_http_notify_feed_time();

    if (last) {
        last += (ngx_msec_t) (ngx_current_msec - last_msec);
    }

    last = ngx_max(last, now);
    last_msec = ngx_current_msec;

    return last;
}


void
ngx_http_notify_feed_init(ngx_http_notify_feed_t *feed,
    ngx_event_handler_pt turn)
{
    feed->clock = ngx_http_notify_feed_now();
    feed->clock_msec = ngx_current_msec;

    ngx_queue_init(&feed->waiting);
    ngx_queue_init(&feed->pass);
    ngx_queue_init(&feed->finished);
    ngx_queue_init(&feed->dirty);
    ngx_queue_init(&feed->calls);
    ngx_queue_init(&feed->discarded);

    ngx_rbtree_init(&feed->subscribers, &feed->sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_http_notify_timer_idle(&feed->turn, turn, feed, feed->log);

    ngx_http_notify_timer_idle(&feed->commit_timer,
                               ngx_http_notify_feed_commit_handler, feed,
                               feed->log);
}


void
ngx_http_notify_feed_exit(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_stop(&feed->commit_timer);

    ngx_http_notify_feed_uncrowd(feed);

    ngx_http_notify_timer_stop(&feed->turn);

    if (feed->turn.posted) {
        ngx_delete_posted_event(&feed->turn);
    }
}


void
ngx_http_notify_feed_post(ngx_http_notify_feed_t *feed)
{
    feed->again = 1;

    if (feed->working) {
        ngx_http_notify_feed_post_next(feed);
        return;
    }

    ngx_post_event(&feed->turn, &ngx_posted_events);
}


void
ngx_http_notify_feed_post_next(ngx_http_notify_feed_t *feed)
{
    ngx_post_event(&feed->turn, &ngx_posted_next_events);
}


void
ngx_http_notify_feed_post_later(ngx_http_notify_feed_t *feed, ngx_msec_t delay)
{
    if (feed->turn.timer_set) {
        if ((ngx_msec_int_t) (feed->turn.timer.key - ngx_current_msec)
            <= (ngx_msec_int_t) delay)
        {
            return;
        }

        ngx_del_timer(&feed->turn);
    }

    ngx_add_timer(&feed->turn, delay);
}


void
ngx_http_notify_feed_crowd(ngx_http_notify_feed_t *feed)
{
    if (!feed->crowded) {
        feed->crowded = 1;
        ngx_queue_insert_tail(&ngx_http_notify_feeds_crowded,
                              &feed->room_link);
    }
}


void
ngx_http_notify_feed_uncrowd(ngx_http_notify_feed_t *feed)
{
    if (feed->crowded) {
        feed->crowded = 0;
        ngx_queue_remove(&feed->room_link);
    }
}


ngx_http_notify_feed_t *
ngx_http_notify_feed_crowded(void)
{
    if (ngx_queue_empty(&ngx_http_notify_feeds_crowded)) {
        return NULL;
    }

    return ngx_queue_data(ngx_queue_head(&ngx_http_notify_feeds_crowded),
                          ngx_http_notify_feed_t, room_link);
}


ngx_uint_t
ngx_http_notify_feed_number(ngx_http_notify_feed_t *feed)
{
    return ++feed->serial;
}


void
ngx_http_notify_feed_join(ngx_http_notify_feed_t *feed)
{
    feed->joins = 1;
    ngx_http_notify_feed_post(feed);
}


void
ngx_http_notify_feed_commit_soon(ngx_http_notify_feed_t *feed, ngx_uint_t now)
{
    ngx_msec_t  since, delay;

    if (now) {
        feed->commits = 1;
        feed->committed = ngx_current_msec;

        if (!feed->working) {
            ngx_http_notify_feed_post(feed);
        }

    } else if (!feed->commit_timer.timer_set) {
        since = ngx_current_msec - feed->committed;
        delay = NGX_HTTP_NOTIFY_FEED_COMMIT;

        if (since < NGX_HTTP_NOTIFY_FEED_COMMIT_EVERY) {
            delay = ngx_max(delay, NGX_HTTP_NOTIFY_FEED_COMMIT_EVERY - since);
        }

        ngx_add_timer(&feed->commit_timer, delay);
    }
}


static void
ngx_http_notify_feed_commit_handler(ngx_event_t *ev)
{
    ngx_http_notify_feed_commit_soon(ev->data, 1);
}


void
ngx_http_notify_feed_hungry(ngx_http_notify_feed_t *feed)
{
    if (feed->tail_state == NGX_HTTP_NOTIFY_FEED_TAIL_PAUSES
        && !feed->working)
    {
        ngx_http_notify_feed_post(feed);
    }
}


ngx_uint_t
ngx_http_notify_feed_trusted(const ngx_http_notify_feed_t *feed)
{
    return feed->renewed != 0
           && (ngx_msec_int_t) (ngx_current_msec - feed->renewed)
              < NGX_HTTP_NOTIFY_FEED_TRUST;
}


/* by the monotonic clock: a clock that jumps purges nothing */

uint64_t
ngx_http_notify_feed_horizon(const ngx_http_notify_feed_t *feed)
{
    uint64_t  now;

    now = feed->clock + (ngx_msec_t) (ngx_current_msec - feed->clock_msec);

    return now > feed->channel->retention ? now - feed->channel->retention : 0;
}
