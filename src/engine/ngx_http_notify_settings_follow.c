
/*
 * The number of the last change is asked for; all is read where it is another
 * one than what has been copied.
 */

#include "ngx_http_notify_settings_follow.h"
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_SETTINGS_FOLLOW_EVERY  5000     /* ms */


static void ngx_http_notify_settings_follow_timer(ngx_event_t *ev);
static ngx_http_notify_redis_handler_t
    ngx_http_notify_settings_follow_version;
static void ngx_http_notify_settings_follow_copy(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_settings_follow_copied(
    const ngx_http_notify_settings_result_t *result, void *data);


void
ngx_http_notify_settings_follow_init(ngx_http_notify_feed_t *feed)
{
    if (feed->channel->part == 0) {
        return;
    }

    ngx_http_notify_timer_idle(&feed->settings_timer,
                               ngx_http_notify_settings_follow_timer, feed,
                               feed->log);

    ngx_add_timer(&feed->settings_timer, 1000);
}


void
ngx_http_notify_settings_follow_exit(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_stop(&feed->settings_timer);
}


static void
ngx_http_notify_settings_follow_timer(ngx_event_t *ev)
{
    ngx_http_notify_feed_t     *feed;
    ngx_http_notify_channel_t  *first;
    ngx_http_notify_command_t  *command;

    feed = ev->data;

    if (feed->leaving) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_NOTIFY_SETTINGS_FOLLOW_EVERY);

    if (feed->leases[0].state != NGX_HTTP_NOTIFY_LEASE_JOINED) {
        feed->settings_version = 0;
        return;
    }

    first = feed->channel->parts[0];

    command = ngx_http_notify_command_start(first->redis, "HGET",
                                      ngx_http_notify_settings_follow_version,
                                      feed);

    ngx_http_notify_command_key(command, &first->keys, "settings");
    ngx_http_notify_command_text(command, "ver");

    (void) ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_settings_follow_version(ngx_http_notify_resp_t *resp,
    void *data)
{
    ngx_http_notify_feed_t *feed = data;

    ngx_int_t  version;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return;
    }

    version = ngx_atoi(resp->str.data, resp->str.len);

    if (version > 0 && version != feed->settings_version) {
        feed->settings_asked = version;
        ngx_http_notify_settings_follow_copy(feed);
    }
}


static void
ngx_http_notify_settings_follow_copy(ngx_http_notify_feed_t *feed)
{
    ngx_pool_t                        *pool;
    ngx_http_notify_settings_copy_t    copy;
    ngx_http_notify_settings_write_t   write;

    pool = ngx_create_pool(1024, feed->log);
    if (pool == NULL) {
        return;
    }

    ngx_http_notify_setting_copy(feed->channel, &copy);

    if (ngx_http_notify_setting_names(pool, feed->channel, &write) == NGX_OK) {
        write.now = ngx_http_notify_feed_time();

        (void) ngx_http_notify_settings_copy(&copy, &write,
                                       ngx_http_notify_settings_follow_copied,
                                       feed);
    }

    ngx_destroy_pool(pool);
}


static void
ngx_http_notify_settings_follow_copied(
    const ngx_http_notify_settings_result_t *result, void *data)
{
    ngx_http_notify_feed_t *feed = data;

    if (result->status == NGX_HTTP_NOTIFY_SETTINGS_OK) {
        feed->settings_version = feed->settings_asked;
    }
}
