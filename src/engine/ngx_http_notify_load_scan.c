
/*
 * HSCAN over the subscriptions of the channel, taking those of leased shards.
 * What changes meanwhile comes by the change log, whose position is older.
 */

#include "ngx_http_notify_load_scan.h"
#include "ngx_http_notify_lifecycle.h"
#include "ngx_http_notify_load_lease.h"
#include "ngx_http_notify_load.h"


/* of a page: as many as are about so large, after a small first one */
#define NGX_HTTP_NOTIFY_LOAD_SCAN_COUNT  500
#define NGX_HTTP_NOTIFY_LOAD_SCAN_FIRST  16
#define NGX_HTTP_NOTIFY_LOAD_SCAN_BYTES  (1024 * 1024)


static void ngx_http_notify_load_scan_anchor(ngx_http_notify_feed_t *feed);
static ngx_int_t ngx_http_notify_load_scan_last(ngx_http_notify_load_t *load,
    const char *kind);
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_scan_anchored;
static void ngx_http_notify_load_scan_next(ngx_http_notify_feed_t *feed,
    const ngx_str_t *cursor);
static void ngx_http_notify_load_scan_failed(ngx_http_notify_feed_t *feed);
static ngx_uint_t ngx_http_notify_load_scan_count(ngx_uint_t count,
    const ngx_http_notify_resp_t *fields);
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_scan_reply;
static void ngx_http_notify_load_scan_take(ngx_http_notify_feed_t *feed,
    const ngx_str_t *id, const ngx_str_t *document);
static void ngx_http_notify_load_scan_done(ngx_http_notify_feed_t *feed);


void
ngx_http_notify_load_scan(ngx_http_notify_feed_t *feed)
{
    ngx_str_t  cursor;

    if (feed->scanning) {
        feed->rescan = 1;
        return;
    }

    feed->scanning = 1;
    feed->rescan = 0;

    if (!feed->anchored) {
        ngx_http_notify_load_scan_anchor(feed);
        return;
    }

    ngx_str_set(&cursor, "0");
    feed->scan_count = NGX_HTTP_NOTIFY_LOAD_SCAN_FIRST;

    ngx_http_notify_load_scan_next(feed, &cursor);
}


/* where the log and the change log end before anything is read */

static void
ngx_http_notify_load_scan_anchor(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_load_t  *load;

    load = ngx_http_notify_load_create(&feed->leases[0], NULL);

    if (load != NULL) {
        load->serial = ngx_http_notify_redis_generation(feed->redis);

        if (ngx_http_notify_load_scan_last(load, "log") == NGX_OK) {
            (void) ngx_http_notify_load_scan_last(load, "subs:log");
            return;
        }

        ngx_http_notify_load_free(load);
    }

    feed->scanning = 0;
    ngx_http_notify_redis_reset(feed->redis, "no memory");
}


static ngx_int_t
ngx_http_notify_load_scan_last(ngx_http_notify_load_t *load, const char *kind)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(load->feed->redis, "XREVRANGE",
                                            ngx_http_notify_load_scan_anchored,
                                            load);

    ngx_http_notify_command_key(command, &load->feed->channel->keys, kind);
    ngx_http_notify_command_text(command, "+");
    ngx_http_notify_command_text(command, "-");
    ngx_http_notify_command_text(command, "COUNT");
    ngx_http_notify_command_text(command, "1");

    return ngx_http_notify_load_ask(load, command);
}


static void
ngx_http_notify_load_scan_anchored(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    ngx_str_t                version;
    ngx_http_notify_id_t     id;
    ngx_http_notify_feed_t  *feed;
    ngx_http_notify_resp_t  *entry;

    feed = load->feed;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY
        || load->serial != ngx_http_notify_redis_generation(feed->redis))
    {
        load->failed = 1;

        if (resp != NULL && resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
            ngx_log_error(NGX_LOG_ERR, feed->log, 0,
                          "notify load: the log of channel \"%V\" cannot be "
                          "read: \"%V\"", &feed->channel->name, &resp->str);
        }
    }

    load->expected--;

    if (!load->failed) {
        id.ms = 0;
        id.seq = 0;

        entry = ngx_http_notify_resp_at(resp, 0);

        if (entry != NULL) {
            (void) ngx_http_notify_log_entry_id(entry, &id);
        }

        if (load->expected) {
            feed->end = id;
            return;
        }

        feed->changes = id;
        feed->version = 0;

        if (entry != NULL) {
            version = ngx_http_notify_load_field(entry, "ver");
            feed->version = ngx_max(ngx_atoi(version.data, version.len), 0);
        }

        feed->anchored = 1;
        feed->scanning = 0;

        ngx_http_notify_load_free(load);
        ngx_http_notify_load_scan(feed);

        return;
    }

    if (load->expected) {
        return;
    }

    if (load->serial == ngx_http_notify_redis_generation(feed->redis)) {
        ngx_http_notify_load_scan_failed(feed);
    }

    ngx_http_notify_load_free(load);
}


static void
ngx_http_notify_load_scan_next(ngx_http_notify_feed_t *feed,
    const ngx_str_t *cursor)
{
    ngx_http_notify_load_t     *load;
    ngx_http_notify_command_t  *command;

    /* any lease: a scan is void when the connection it began on is */

    load = ngx_http_notify_load_create(&feed->leases[0], cursor);
    if (load == NULL) {
        feed->scanning = 0;
        return;
    }

    load->serial = ngx_http_notify_redis_generation(feed->redis);

    command = ngx_http_notify_command_start(feed->redis, "HSCAN",
                                            ngx_http_notify_load_scan_reply,
                                            load);

    ngx_http_notify_command_key(command, &feed->channel->keys, "subs");
    ngx_http_notify_command_arg(command, cursor);
    ngx_http_notify_command_text(command, "COUNT");
    ngx_http_notify_command_number(command, feed->scan_count);

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_http_notify_load_free(load);
        ngx_http_notify_redis_reset(feed->redis, "no memory");
    }
}


static void
ngx_http_notify_load_scan_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    ngx_uint_t               i;
    ngx_http_notify_feed_t  *feed;
    ngx_http_notify_resp_t  *cursor, *fields;

    feed = load->feed;

    if (resp == NULL
        || load->serial != ngx_http_notify_redis_generation(feed->redis))
    {
        goto done;      /* a new connection begins anew */
    }

    if (ngx_http_notify_resp_is_error(resp, NGX_HTTP_NOTIFY_RESP_LARGE)
        && feed->scan_count > 1)
    {
        feed->scan_count = 1;
        ngx_http_notify_load_scan_next(feed, &load->id);
        goto done;
    }

    cursor = ngx_http_notify_resp_at(resp, 0);
    fields = ngx_http_notify_resp_at(resp, 1);

    if (cursor == NULL || cursor->type != NGX_HTTP_NOTIFY_RESP_STRING
        || fields == NULL || fields->type != NGX_HTTP_NOTIFY_RESP_ARRAY)
    {
        ngx_log_error(NGX_LOG_ERR, feed->log, 0,
                      "notify load: no subscriptions of channel \"%V\": "
                      "\"%V\"", &feed->channel->name, &resp->str);
        ngx_http_notify_load_scan_failed(feed);
        goto done;
    }

    for (i = 0; i + 1 < fields->nelts; i += 2) {
        ngx_http_notify_load_scan_take(feed, &fields->elts[i]->str,
                                  &fields->elts[i + 1]->str);
    }

    feed->scan_count = ngx_http_notify_load_scan_count(feed->scan_count,
                                                       fields);

    if (cursor->str.len == 1 && cursor->str.data[0] == '0') {
        ngx_http_notify_load_scan_done(feed);

    } else {
        ngx_http_notify_load_scan_next(feed, &cursor->str);
    }

done:

    ngx_http_notify_load_free(load);
}


/* for a next page of about the size it may have */

static ngx_uint_t
ngx_http_notify_load_scan_count(ngx_uint_t count,
    const ngx_http_notify_resp_t *fields)
{
    size_t      size;
    ngx_uint_t  i;

    size = 1;

    for (i = 0; i < fields->nelts; i++) {
        size += fields->elts[i]->str.len;
    }

    if (size > NGX_HTTP_NOTIFY_LOAD_SCAN_BYTES) {
        count = count * NGX_HTTP_NOTIFY_LOAD_SCAN_BYTES / size;
        return ngx_max(count, 1);
    }

    if (size < NGX_HTTP_NOTIFY_LOAD_SCAN_BYTES / 4) {
        count *= 4;
    }

    return ngx_min(count, NGX_HTTP_NOTIFY_LOAD_SCAN_COUNT);
}


/* the connection is not only ours: the leases are claimed and read again */

static void
ngx_http_notify_load_scan_failed(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i;

    feed->scanning = 0;
    feed->rescan = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_SCAN) {
            ngx_http_notify_lease_break(&feed->leases[i]);
        }
    }
}


static void
ngx_http_notify_load_scan_take(ngx_http_notify_feed_t *feed,
    const ngx_str_t *id, const ngx_str_t *document)
{
    ngx_http_notify_lease_t         *lease;
    ngx_http_notify_subscription_t  *doc;

    lease = &feed->leases[ngx_http_notify_keys_shard_of(id)];

    if (lease->state != NGX_HTTP_NOTIFY_LEASE_SCAN) {
        return;
    }

    doc = ngx_http_notify_subscriptions_parse(&feed->channel->keys, document,
                                              feed->log);

    if (doc != NULL) {
        (void) ngx_http_notify_lifecycle_put(lease, doc, NULL);
    }
}


static void
ngx_http_notify_load_scan_done(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i;

    feed->scanning = 0;

    if (feed->rescan) {

        /* leases came while it ran: all that are not loaded go round again */

        ngx_http_notify_load_scan(feed);
        return;
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_SCAN) {
            feed->leases[i].state = NGX_HTTP_NOTIFY_LEASE_LOAD;
            ngx_http_notify_load_lease(&feed->leases[i]);
        }
    }
}
