
/*
 * Written as a client's PATCH would be, on the version that is known here: a
 * change that was made meanwhile holds.
 */

#include "ngx_http_notify_disable.h"
#include "ngx_http_notify_gate.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_line.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_disable_written(
    const ngx_http_notify_subscriptions_result_t *result, void *data);


void
ngx_http_notify_disable(ngx_http_notify_subscriber_t *s,
    const char *reason)
{
    ngx_str_t                              text;
    ngx_pool_t                            *pool;
    ngx_http_notify_feed_t                *feed;
    ngx_http_notify_json_t                *json;
    ngx_http_notify_subscriptions_write_t  write;

    feed = s->lease->feed;

    /* the target of a channel follows its setting, nothing else */

    if (ngx_http_notify_subscriber_is_ending(s) || s->doc->internal) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_http_notify_line(s, NULL, NULL), 0,
                  "notify retry: subscription \"%V\" is disabled: %s",
                  &s->node.str, reason);

    pool = ngx_create_pool(4096, feed->log);
    if (pool == NULL) {
        return;
    }

    json = ngx_http_notify_json_copy(pool, s->doc->document);
    if (json == NULL) {
        goto done;
    }

    text = ngx_http_notify_text(reason);

    if (ngx_http_notify_json_set_bool(json, "enabled", 0) != NGX_OK
        || ngx_http_notify_json_set_string(json, "reason", &text) != NGX_OK)
    {
        goto done;
    }

    ngx_memzero(&write, sizeof(ngx_http_notify_subscriptions_write_t));

    write.id = s->node.str;
    write.tenant = s->doc->tenant;
    write.expected = s->doc->version;
    write.document = json;
    write.followed = 1;
    write.uid = ngx_http_notify_json_get_string(json, "uid");

    if (ngx_http_notify_subscriptions_write(feed->redis, &feed->channel->keys,
                                            &write,
                                            ngx_http_notify_disable_written,
                                            feed)
        == NGX_OK)
    {
        /* starts nothing until the change comes back by the log */

        ngx_http_notify_gate_pause(s, ngx_http_notify_feed_now() + 5000);
        s->giving_up = 1;
    }

done:

    ngx_destroy_pool(pool);
}


static void
ngx_http_notify_disable_written(
    const ngx_http_notify_subscriptions_result_t *result, void *data)
{
    ngx_http_notify_feed_t  *feed = data;

    if (result->status != NGX_HTTP_NOTIFY_SUBSCRIPTIONS_OK
        && result->status != NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANGED
        && result->status != NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NOT_FOUND)
    {
        ngx_log_error(NGX_LOG_ERR, feed->log, 0,
                      "notify retry: could not disable subscription \"%V\" "
                      "of channel \"%V\", will try at its next failure",
                      &result->id, &feed->channel->name);
    }
}
