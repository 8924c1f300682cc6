
/*
 * What the change log says of a subscription of a leased shard: its document
 * and cursor are read again, by themselves.  One that cannot be followed makes
 * its shard be read anew.
 */

#include "ngx_http_notify_load_change.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_health.h"
#include "ngx_http_notify_lifecycle.h"
#include "ngx_http_notify_load.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_page.h"
#include "ngx_http_notify_queue.h"
#include "ngx_http_notify_redeliver.h"
#include "ngx_http_notify_redelivery.h"
#include "ngx_http_notify_retry.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_sync_registry.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_load_change_follow(ngx_http_notify_feed_t *feed,
    ngx_int_t version);
static void ngx_http_notify_load_change_apply(ngx_http_notify_feed_t *feed,
    const ngx_str_t *id, const ngx_str_t *op, const ngx_str_t *version,
    const ngx_str_t *event);
static void ngx_http_notify_load_change_erased(
    ngx_http_notify_subscriber_t *s, const ngx_str_t *event);
static void ngx_http_notify_load_change_one(ngx_http_notify_lease_t *lease,
    const ngx_str_t *id);
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_change_document;
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_change_open;
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_change_cursor;


void
ngx_http_notify_load_change(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_resp_t *entries)
{
    ngx_str_t                op, version, id, event;
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *entry;

    for (i = 0; i < entries->nelts; i++) {
        entry = entries->elts[i];

        (void) ngx_http_notify_log_entry_id(entry, &feed->changes);

        id = ngx_http_notify_load_field(entry, "id");
        op = ngx_http_notify_load_field(entry, "op");
        version = ngx_http_notify_load_field(entry, "ver");
        event = ngx_http_notify_load_field(entry, "event");

        ngx_http_notify_load_change_follow(feed, ngx_atoi(version.data,
                                                          version.len));

        if (id.data != NULL) {
            ngx_http_notify_load_change_apply(feed, &id, &op, &version,
                                              &event);
        }

        if (ngx_http_notify_load_field(entry, "sync").len) {
            ngx_http_notify_sync_registry_changed(feed->channel);
        }
    }
}


/* each change has the next version: were there more than the log keeps? */

static void
ngx_http_notify_load_change_follow(ngx_http_notify_feed_t *feed,
    ngx_int_t version)
{
    if (feed->version && version > feed->version + 1) {

        ngx_log_error(NGX_LOG_WARN, feed->log, 0,
                      "notify load: channel \"%V\" has lost changes %i to %i "
                      "of subscriptions, all are read again",
                      &feed->channel->name, feed->version + 1, version - 1);

        ngx_http_notify_lease_break_all(feed);
        ngx_http_notify_sync_registry_changed(feed->channel);
    }

    if (version > 0) {
        feed->version = version;
    }
}


static void
ngx_http_notify_load_change_apply(ngx_http_notify_feed_t *feed,
    const ngx_str_t *id, const ngx_str_t *op, const ngx_str_t *version,
    const ngx_str_t *event)
{
    ngx_http_notify_load_t        *load;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_subscriber_t  *s;

    lease = &feed->leases[ngx_http_notify_keys_shard_of(id)];

    if (lease->state == NGX_HTTP_NOTIFY_LEASE_NONE || lease->broken
        || (lease->state == NGX_HTTP_NOTIFY_LEASE_DRAIN && !lease->placed))
    {
        return;
    }

    s = ngx_http_notify_subscriber_find(feed, id);

    if (ngx_http_notify_text_is(op, "erase")) {

        if (s != NULL && !ngx_http_notify_subscriber_is_loading(s)) {
            ngx_http_notify_load_change_erased(s, event);
        }

        return;
    }

    if (ngx_http_notify_text_is(op, "replay")
        || ngx_http_notify_text_is(op, "due"))
    {
        if (s == NULL) {

            /* what is on its way may have been read before that */

            load = ngx_http_notify_load_find(lease, id);

            if (load != NULL) {
                load->open = 1;
            }

        } else if (ngx_http_notify_subscriber_is_loading(s)) {
            s->asked = 1;

        } else if (op->len == 3) {
            ngx_http_notify_retry_added(s);
            ngx_http_notify_run_queue_ready(s);

        } else if (ngx_atoi(version->data, version->len) > s->redelivered) {

            /* one that was read with the subscriber is under way, or done */

            ngx_http_notify_redeliver_load(s);
        }

        return;
    }

    if (s != NULL) {
        if (ngx_http_notify_text_is(op, "del")) {
            ngx_http_notify_lifecycle_drop(s);

        } else {
            ngx_http_notify_lifecycle_change(s,
                           ngx_max(ngx_atoi(version->data, version->len), 0));
        }
    }

    /* after a deletion, too: a document that was asked for may yet arrive */

    ngx_http_notify_load_change_one(lease, id);
}


/* an event is no more: what waits is read from the log, or its set, again */

static void
ngx_http_notify_load_change_erased(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *event)
{
    ngx_http_notify_id_t  id;

    ngx_http_notify_queue_clear(s);
    ngx_http_notify_page_clear(&s->lease->feed->pages);
    ngx_http_notify_retry_again(s);

    if (ngx_http_notify_id_parse(event, &id) == NGX_OK) {
        ngx_http_notify_delivery_erased(s, &id);
        ngx_http_notify_order_erased(s, &id);
        ngx_http_notify_redelivery_erased(s, &id);
    }

    ngx_http_notify_subscriber_touch(s);
    ngx_http_notify_run_queue_ready(s);
}


void
ngx_http_notify_load_change_again(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_load_change_one(s->lease, &s->node.str);
    ngx_http_notify_lifecycle_drop(s);
}


static void
ngx_http_notify_load_change_one(ngx_http_notify_lease_t *lease,
    const ngx_str_t *id)
{
    ngx_http_notify_keys_t     *keys;
    ngx_http_notify_load_t     *load;
    ngx_http_notify_command_t  *command;

    keys = &lease->feed->channel->keys;

    load = ngx_http_notify_load_create(lease, id);
    if (load == NULL) {
        goto done;
    }

    command = ngx_http_notify_command_start(lease->feed->redis, "HGET",
                                         ngx_http_notify_load_change_document,
                                         load);

    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_arg(command, id);

    if (ngx_http_notify_load_ask(load, command) != NGX_OK) {
        goto done;
    }

    command = ngx_http_notify_command_start(lease->feed->redis, "EXISTS",
                                            ngx_http_notify_load_change_open,
                                            load);

    ngx_http_notify_command_key_of(command, keys, "retry", id);
    ngx_http_notify_command_key_of(command, keys, "replay", id);

    if (ngx_http_notify_load_ask(load, command) != NGX_OK) {
        goto done;
    }

    command = ngx_http_notify_command_start(lease->feed->redis, "HMGET",
                                           ngx_http_notify_load_change_cursor,
                                           load);

    ngx_http_notify_command_key_shard(command, keys, "cursor", lease->shard);
    ngx_http_notify_command_arg(command, id);
    ngx_http_notify_former_add_field(command, id);
    ngx_http_notify_health_add_field(command, id);

    (void) ngx_http_notify_load_ask(load, command);

done:

    if (load == NULL || load->failed) {

        /* a change that cannot be followed: the shard is read again */

        if (load != NULL && load->expected == 0) {
            ngx_http_notify_load_free(load);
        }

        ngx_http_notify_lease_break(lease);
    }
}


static void
ngx_http_notify_load_change_document(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    if (resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        load->doc = ngx_http_notify_subscriptions_parse(
                        &load->feed->channel->keys, &resp->str,
                        load->feed->log);

    } else if (resp->type == NGX_HTTP_NOTIFY_RESP_NIL) {
        load->gone = 1;
    }
}


/* whether it has anything to send again: most that are new have not */

static void
ngx_http_notify_load_change_open(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    if (resp->type != NGX_HTTP_NOTIFY_RESP_INTEGER || resp->integer) {
        load->open = 1;
    }
}


static void
ngx_http_notify_load_change_cursor(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    ngx_uint_t                     open;
    ngx_http_notify_resp_t        *cursor, *former, *health;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    lease = load->lease;

    if (load->gone) {
        s = ngx_http_notify_subscriber_find(load->feed, &load->id);
        ngx_http_notify_load_free(load);

        if (s != NULL) {
            ngx_http_notify_lifecycle_drop(s);
        }

        return;
    }

    cursor = ngx_http_notify_resp_at(resp, 0);
    former = ngx_http_notify_resp_at(resp, 1);

    health = ngx_http_notify_resp_at(resp, 2);

    if (health == NULL && load->doc != NULL) {
        ngx_destroy_pool(load->doc->pool);
        load->doc = NULL;
    }

    if (load->doc == NULL) {

        /* no memory, or not what was asked for: the shard is read again */

        ngx_http_notify_lease_break(lease);
    }

    open = load->open;

    s = load->doc ? ngx_http_notify_lifecycle_put(lease, load->doc,
                                                   &cursor->str)
                  : NULL;

    ngx_http_notify_load_free(load);

    if (s == NULL) {
        return;
    }

    ngx_http_notify_former_set(&s->former, &former->str, s->lease->feed->log);

    if (!ngx_http_notify_subscriber_is_loading(s)) {
        ngx_http_notify_run_queue_ready(s);
        return;
    }

    if (lease->state < NGX_HTTP_NOTIFY_LEASE_READ) {

        /* it is located with its lease */

        s->asked = s->asked || open;
        return;
    }

    ngx_http_notify_health_set(s, &health->str);
    ngx_http_notify_lifecycle_locate(s, &cursor->str);
    ngx_http_notify_subscriber_touch(s);

    if (open) {
        ngx_http_notify_retry_expect(s, ngx_http_notify_feed_now());
        ngx_http_notify_redeliver_load(s);
    }

    ngx_http_notify_run_queue_ready(s);
}
