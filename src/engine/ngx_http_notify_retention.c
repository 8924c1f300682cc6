
/*
 * What is too old leaves the log, as seen by a clock that no jump moves.
 */

#include "ngx_http_notify_retention.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_RETENTION_AGAIN  2      /* ms */


static void ngx_http_notify_retention_trim(ngx_event_t *ev);
static ngx_http_notify_redis_handler_t  ngx_http_notify_retention_trimmed;


void
ngx_http_notify_retention_init(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_idle(&feed->trim_timer,
                               ngx_http_notify_retention_trim, feed,
                               feed->log);

    ngx_add_timer(&feed->trim_timer, 1000);
}


void
ngx_http_notify_retention_exit(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_stop(&feed->trim_timer);
}


void
ngx_http_notify_retention_overtaken(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_resp_t *resp, const ngx_http_notify_id_t *from)
{
    ngx_http_notify_id_t  horizon, first;

    horizon.ms = ngx_http_notify_feed_horizon(s->lease->feed);
    horizon.seq = 0;

    if (from->ms == 0 || ngx_http_notify_id_compare(from, &horizon) >= 0) {
        return;
    }

    if (resp->nelts
        && (ngx_http_notify_log_entry_id(resp->elts[0], &first) != NGX_OK
            || ngx_http_notify_id_compare(&first, &horizon) < 0))
    {
        return;
    }

    /* whether anything was there, Redis knows: the tail may have been pausing,
     * and so not have seen it either */

    ngx_http_notify_ops_events_overtaken(s, from, &horizon);
}


static void
ngx_http_notify_retention_trim(ngx_event_t *ev)
{
    ngx_msec_t                  interval;
    ngx_http_notify_id_t        id;
    ngx_http_notify_feed_t     *feed;
    ngx_http_notify_command_t  *command;

    feed = ev->data;

    interval = (ngx_msec_t) ngx_min(feed->channel->retention / 10, 60000);

    if (!feed->leaving) {
        ngx_add_timer(ev, ngx_max(interval, 100));
    }

    if (feed->leases[0].state != NGX_HTTP_NOTIFY_LEASE_JOINED
        || !ngx_http_notify_feed_trusted(feed))
    {
        return;
    }

    id.ms = ngx_http_notify_feed_horizon(feed);
    id.seq = 0;

    command = ngx_http_notify_command_script(feed->redis,
                                             &ngx_http_notify_script_trim,
                                             ngx_http_notify_retention_trimmed,
                                             feed);

    ngx_http_notify_command_key(command, &feed->channel->keys, "log");
    ngx_http_notify_command_id(command, &id);

    (void) ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_retention_trimmed(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_feed_t  *feed = data;

    /* a whole slice has gone; what has become too old since then waits */

    if (resp != NULL
        && ngx_http_notify_script_verdict(feed->redis, resp, "retention")
           == NGX_OK
        && resp->integer > 0 && !feed->leaving)
    {
        ngx_add_timer(&feed->trim_timer, NGX_HTTP_NOTIFY_RETENTION_AGAIN);
    }
}
