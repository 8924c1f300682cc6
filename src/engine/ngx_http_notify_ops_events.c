
/*
 * Published in the background, with a key where the same thing may be noticed
 * twice.  A bounded number is under way; what comes beyond it, or is refused,
 * is in the error log only.
 */

#include "ngx_http_notify_block.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_log_publish.h"
#include "ngx_http_notify_log_state.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_line.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_OPS_EVENTS_PENDING  1000
#define NGX_HTTP_NOTIFY_OPS_EVENTS_DIGEST  32


/* a cursor that had to jump, until it is known whether over anything */
typedef struct {
    ngx_pool_t              *pool;
    ngx_http_notify_feed_t  *feed;
    ngx_http_notify_id_t     from;
    ngx_http_notify_id_t     to;
    ngx_str_t                id;
} ngx_http_notify_ops_events_jump_t;


static ngx_http_notify_redis_handler_t  ngx_http_notify_ops_events_trimmed;
static void ngx_http_notify_ops_events_lost(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_ops_events_jump_t *jump);
static ngx_pool_t *ngx_http_notify_ops_events_begin(
    ngx_http_notify_subscriber_t *s, const ngx_http_notify_event_t *cause,
    ngx_http_notify_json_t **data);
static ngx_int_t ngx_http_notify_ops_events_text(ngx_http_notify_json_t *data,
    const char *name, const char *text);
static ngx_int_t ngx_http_notify_ops_events_time(ngx_http_notify_json_t *data,
    const char *name, uint64_t time);
static void ngx_http_notify_ops_events_end(ngx_http_notify_subscriber_t *s,
    ngx_pool_t *pool, const char *type, const ngx_str_t *key,
    const ngx_http_notify_json_t *data);
static void ngx_http_notify_ops_events_published(
    const ngx_http_notify_log_published_t *published, void *data);


static ngx_uint_t  ngx_http_notify_ops_events_pending;


static ngx_command_t  ngx_http_notify_ops_events_commands[] = {

    { ngx_string("operator_events"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      ngx_http_notify_block_field(ngx_http_notify_channel_t, operator_events),
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_ops_events_module =
    ngx_http_notify_block_module(ngx_http_notify_ops_events_commands);


void
ngx_http_notify_ops_events_disabled(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *cause, const char *reason)
{
    ngx_str_t                key;
    ngx_pool_t              *pool;
    ngx_http_notify_json_t  *data;
    u_char                   buf[NGX_INT64_LEN];

    if (s->doc->internal) {
        return;                 /* the target of a channel is not disabled */
    }

    data = NULL;

    pool = ngx_http_notify_ops_events_begin(s, cause, &data);
    if (pool == NULL) {
        return;
    }

    if (ngx_http_notify_ops_events_text(data, "reason", reason) != NGX_OK) {
        ngx_destroy_pool(pool);
        return;
    }

    /* all calls that are under way may end with a 410 */

    key.data = buf;
    key.len = ngx_sprintf(buf, "%uL", s->doc->version) - buf;

    ngx_http_notify_ops_events_end(s, pool, "notify.subscription.disabled",
                                   &key, data);
}


void
ngx_http_notify_ops_events_failing(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *cause, ngx_uint_t percent)
{
    ngx_str_t                key;
    ngx_pool_t              *pool;
    ngx_http_notify_json_t  *data;
    u_char                   buf[2 * NGX_INT64_LEN + 1];

    pool = ngx_http_notify_ops_events_begin(s, cause, &data);
    if (pool == NULL) {
        return;
    }

    if (ngx_http_notify_ops_events_time(data, "failingSince", s->failing)
        != NGX_OK
        || ngx_http_notify_json_set_integer(data, "percent", percent)
           != NGX_OK
        || ngx_http_notify_ops_events_time(data, "disabledAt",
                                  s->failing + s->profile->disable_after)
           != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return;
    }

    key.data = buf;
    key.len = ngx_sprintf(buf, "%uL %ui", s->failing, percent) - buf;

    ngx_http_notify_ops_events_end(s, pool, "notify.subscription.failing",
                                   &key, data);
}


void
ngx_http_notify_ops_events_recovered(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *cause)
{
    ngx_pool_t              *pool;
    ngx_http_notify_json_t  *data;

    pool = ngx_http_notify_ops_events_begin(s, cause, &data);

    if (pool != NULL) {
        ngx_http_notify_ops_events_end(s, pool, "notify.subscription.recovered",
                                       NULL, data);
    }
}


void
ngx_http_notify_ops_events_given_up(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result, const char *reason)
{
    ngx_int_t                rc;
    ngx_str_t                text, key;
    ngx_pool_t              *pool;
    ngx_http_notify_json_t  *data;
    u_char                   buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];
    u_char                   name[NGX_HTTP_NOTIFY_ID_LEN + NGX_INT64_LEN + 1];

    pool = ngx_http_notify_ops_events_begin(d->subscriber, d->event, &data);

    if (pool == NULL) {
        return;
    }

    text.data = buf;
    text.len = ngx_http_notify_id_event(buf, &d->id) - buf;

    rc = ngx_http_notify_json_set_string(data, "event", &text);
    rc |= ngx_http_notify_json_set_string(data, "eventType", &d->event->type);
    rc |= ngx_http_notify_ops_events_text(data, "reason", reason);
    rc |= ngx_http_notify_json_set_integer(data, "attempts", d->attempt);

    rc |= result->status
          ? ngx_http_notify_json_set_integer(data, "status", result->status)
          : ngx_http_notify_json_set_null(data, "status");

    if (result->error != NULL) {
        rc |= ngx_http_notify_ops_events_text(data, "error", result->error);
    }

    if (rc != NGX_OK) {
        ngx_destroy_pool(pool);
        return;
    }

    /* a worker that takes a dead one's place may do it again */

    key.data = name;
    key.len = ngx_sprintf(name, "%uL-%uL %uL", d->id.ms, d->id.seq, d->first)
              - name;

    ngx_http_notify_ops_events_end(d->subscriber, pool,
                                   "notify.delivery.given_up", &key, data);
}


void
ngx_http_notify_ops_events_overtaken(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to)
{
    ngx_pool_t                         *pool;
    ngx_http_notify_feed_t             *feed;
    ngx_http_notify_ops_events_jump_t  *jump;

    feed = s->lease->feed;

    jump = ngx_http_notify_memory_pool(&pool, 512,
        sizeof(ngx_http_notify_ops_events_jump_t), feed->log);
    if (jump == NULL) {
        return;
    }

    jump->pool = pool;
    jump->feed = feed;
    jump->from = *from;
    jump->to = *to;
    jump->id.len = s->node.str.len;
    jump->id.data = ngx_pstrdup(pool, &s->node.str);

    if (jump->id.data != NULL
        && ngx_http_notify_log_state_ask(feed->redis, &feed->channel->keys,
                                         ngx_http_notify_ops_events_trimmed,
                                         jump)
           == NGX_OK)
    {
        return;
    }

    ngx_destroy_pool(pool);
}


/* trim.lua notes the last one that went: nothing behind `from`, nothing lost */

static void
ngx_http_notify_ops_events_trimmed(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_ops_events_jump_t  *jump = data;

    ngx_http_notify_log_state_t    state;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_subscriber_find(jump->feed, &jump->id);

    if (s != NULL
        && ngx_http_notify_log_state_parse(resp, &state) == NGX_OK
        && ngx_http_notify_id_compare(&state.deleted, &jump->from) > 0)
    {
        ngx_http_notify_ops_events_lost(s, jump);
    }

    ngx_destroy_pool(jump->pool);
}


static void
ngx_http_notify_ops_events_lost(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_ops_events_jump_t *jump)
{
    ngx_str_t                key;
    ngx_pool_t              *pool;
    ngx_http_notify_json_t  *data;
    u_char                   buf[NGX_HTTP_NOTIFY_ID_LEN];

    ngx_log_error(NGX_LOG_WARN, ngx_http_notify_line(s, NULL, NULL), 0,
                  "notify operator: subscription \"%V\" was overtaken by the "
                  "retention", &s->node.str);

    ngx_http_notify_tenants_add(jump->feed->channel->metrics,
                                &s->doc->tenant,
                                NGX_HTTP_NOTIFY_METRICS_EXPIRED, 1);
    (void) ngx_http_notify_operation_gap(s, &jump->from, &jump->to);
    ngx_http_notify_subscriber_touch(s);

    pool = ngx_http_notify_ops_events_begin(s, NULL, &data);

    if (pool == NULL) {
        return;
    }

    if (ngx_http_notify_ops_events_time(data, "from", jump->from.ms) != NGX_OK
        || ngx_http_notify_ops_events_time(data, "to", jump->to.ms) != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return;
    }

    key.data = buf;
    key.len = ngx_http_notify_id_print(buf, &jump->from) - buf;

    ngx_http_notify_ops_events_end(s, pool, "notify.subscription.overtaken",
                                   &key, data);
}


/* NULL: no event is to be published */

static ngx_pool_t *
ngx_http_notify_ops_events_begin(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *cause, ngx_http_notify_json_t **data)
{
    ngx_pool_t              *pool;
    ngx_http_notify_feed_t  *feed;

    feed = s->lease->feed;

    if (!feed->channel->operator_events
        || (cause != NULL && ngx_http_notify_channel_reserved(&cause->type)))
    {
        return NULL;
    }

    if (ngx_http_notify_ops_events_pending
        >= NGX_HTTP_NOTIFY_OPS_EVENTS_PENDING)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_http_notify_line(s, NULL, NULL), 0,
                      "notify operator: too many events under way, one of "
                      "subscription \"%V\" is not published", &s->node.str);
        return NULL;
    }

    pool = ngx_create_pool(1024, feed->log);
    if (pool == NULL) {
        return NULL;
    }

    *data = ngx_http_notify_json_new_object(pool);

    if (*data == NULL
        || ngx_http_notify_json_set_string(*data, "subscription",
                                           &s->node.str)
           != NGX_OK
        || (s->doc->name.len
            && ngx_http_notify_json_set_string(*data, "name", &s->doc->name)
               != NGX_OK))
    {
        ngx_destroy_pool(pool);
        return NULL;
    }

    return pool;
}


static ngx_int_t
ngx_http_notify_ops_events_text(ngx_http_notify_json_t *data, const char *name,
    const char *text)
{
    ngx_str_t  value;

    value = ngx_http_notify_text(text);

    return ngx_http_notify_json_set_string(data, name, &value);
}


static ngx_int_t
ngx_http_notify_ops_events_time(ngx_http_notify_json_t *data, const char *name,
    uint64_t time)
{
    ngx_str_t  value;
    u_char     buf[NGX_HTTP_NOTIFY_ID_TIME_LEN];

    value.data = buf;
    value.len = ngx_http_notify_id_time(buf, time) - buf;

    return ngx_http_notify_json_set_string(data, name, &value);
}


/* takes over the pool; with a key, what is the same within a day is one */

static void
ngx_http_notify_ops_events_end(ngx_http_notify_subscriber_t *s,
    ngx_pool_t *pool, const char *type, const ngx_str_t *key,
    const ngx_http_notify_json_t *data)
{
    ngx_str_t                    parts[3];
    ngx_http_notify_feed_t      *feed;
    ngx_http_notify_channel_t   *channel;
    ngx_http_notify_log_entry_t  entry;
    u_char                       digest[NGX_HTTP_NOTIFY_OPS_EVENTS_DIGEST];

    feed = s->lease->feed;

    /* the target's are the default tenant's, wherever it was called from */

    channel = ngx_http_notify_channel_of(feed->channel, &s->doc->tenant);

    ngx_memzero(&entry, sizeof(ngx_http_notify_log_entry_t));

    entry.event.time = ngx_http_notify_feed_time();
    entry.event.tenant = s->doc->tenant;
    entry.event.type = ngx_http_notify_text(type);

    if (ngx_http_notify_json_dump(pool, data, 0, &entry.event.data) != NGX_OK)
    {
        goto done;
    }

    if (key != NULL) {
        parts[0] = entry.event.type;
        parts[1] = s->node.str;
        parts[2] = *key;

        if (ngx_http_notify_id_digest(parts, 3, digest) != NGX_OK) {
            goto done;
        }

        entry.key.data = digest;
        entry.key.len = sizeof(digest);
        entry.body = entry.key;
    }

    if (ngx_http_notify_log_publish(channel->redis, &channel->keys, NULL,
                                    &entry, 1, channel->max_size,
                                    ngx_http_notify_ops_events_published, feed)
        != NULL)
    {
        ngx_http_notify_ops_events_pending++;
    }

done:

    ngx_destroy_pool(pool);
}


static void
ngx_http_notify_ops_events_published(
    const ngx_http_notify_log_published_t *published, void *data)
{
    ngx_http_notify_feed_t  *feed = data;

    ngx_http_notify_ops_events_pending--;

    if (published->status != NGX_HTTP_NOTIFY_LOG_OK) {
        ngx_log_error(NGX_LOG_WARN, feed->log, 0,
                      "notify operator: an event of channel \"%V\" could not "
                      "be published", &feed->channel->name);
        return;
    }

    ngx_http_notify_metrics_add(feed->channel->metrics,
                                published->repeated
                                ? NGX_HTTP_NOTIFY_METRICS_REPEATED
                                : NGX_HTTP_NOTIFY_METRICS_PUBLISHED, 1);
}
