
/*
 * HSCAN over the subscriptions of the channel, taking those of leased buckets;
 * then, in one pipeline a lease, its position, cursors and due retries.  What
 * changes meanwhile comes by the change log, whose position is older.
 */

#include "ngx_http_notify_load_internal.h"
#include "ngx_http_notify_dispatch.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_redeliver.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_subscriptions.h"
#include "ngx_http_notify_tail.h"


/* of a page: as many as are about so large, after a small first one */
#define NGX_HTTP_NOTIFY_LOAD_COUNT  500
#define NGX_HTTP_NOTIFY_LOAD_FIRST  16
#define NGX_HTTP_NOTIFY_LOAD_BYTES  (1024 * 1024)


static void ngx_http_notify_load_anchor(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_load_anchored(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_load_scan_next(ngx_http_notify_feed_t *feed,
    const ngx_str_t *cursor);
static void ngx_http_notify_load_scan_failed(ngx_http_notify_feed_t *feed);
static ngx_uint_t ngx_http_notify_load_scan_count(ngx_uint_t count,
    const ngx_http_notify_resp_t *fields);
static void ngx_http_notify_load_scan_reply(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_load_take(ngx_http_notify_feed_t *feed,
    const ngx_str_t *id, const ngx_str_t *document);
static void ngx_http_notify_load_scanned(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_load_lease(ngx_http_notify_lease_t *lease);
static void ngx_http_notify_load_position(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_load_cursors(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_load_due(ngx_http_notify_resp_t *resp, void *data);
static void ngx_http_notify_load_replays(ngx_http_notify_resp_t *resp,
    void *data);


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
        ngx_http_notify_load_anchor(feed);
        return;
    }

    ngx_str_set(&cursor, "0");
    feed->scan_count = NGX_HTTP_NOTIFY_LOAD_FIRST;

    ngx_http_notify_load_scan_next(feed, &cursor);
}


/* where the log and the change log end before anything is read */

static void
ngx_http_notify_load_anchor(ngx_http_notify_feed_t *feed)
{
    ngx_str_t                argv[6];
    ngx_pool_t              *pool;
    ngx_http_notify_load_t  *load;

    pool = ngx_create_pool(512, feed->log);
    load = ngx_http_notify_load_create(&feed->leases[0], NULL);

    if (pool == NULL || load == NULL) {
        goto failed;
    }

    load->serial = ngx_http_notify_redis_generation(feed->redis);

    ngx_str_set(&argv[0], "XREVRANGE");
    ngx_str_set(&argv[2], "+");
    ngx_str_set(&argv[3], "-");
    ngx_str_set(&argv[4], "COUNT");
    ngx_str_set(&argv[5], "1");

    argv[1] = ngx_http_notify_keys_name(pool, &feed->channel->keys, "log",
                                        NULL);

    if (ngx_http_notify_load_ask(load, argv, 6, ngx_http_notify_load_anchored)
        != NGX_OK)
    {
        goto failed;
    }

    argv[1] = ngx_http_notify_keys_name(pool, &feed->channel->keys,
                                        "subs:log", NULL);

    (void) ngx_http_notify_load_ask(load, argv, 6,
                                    ngx_http_notify_load_anchored);

    ngx_destroy_pool(pool);

    return;

failed:

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    if (load != NULL) {
        ngx_http_notify_load_free(load);
    }

    feed->scanning = 0;
    ngx_http_notify_redis_reset(feed->redis, "no memory");
}


static void
ngx_http_notify_load_anchored(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t *load = data;

    ngx_str_t                version;
    ngx_http_notify_id_t     id;
    ngx_http_notify_feed_t  *feed;
    ngx_http_notify_resp_t  *entry;

    feed = load->feed;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY
        || load->serial != ngx_http_notify_redis_generation(feed->redis))
    {
        load->failed = 1;
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

    if (resp != NULL
        && load->serial == ngx_http_notify_redis_generation(feed->redis))
    {
        ngx_log_error(NGX_LOG_ERR, feed->log, 0,
                      "notify load: the log of channel \"%V\" cannot be read: "
                      "\"%V\"", &feed->channel->name, &resp->str);
        ngx_http_notify_redis_reset(feed->redis, "log unreadable");
    }

    ngx_http_notify_load_free(load);
}


static void
ngx_http_notify_load_scan_next(ngx_http_notify_feed_t *feed,
    const ngx_str_t *cursor)
{
    u_char                   count[NGX_INT_T_LEN];
    ngx_str_t                argv[5];
    ngx_pool_t              *pool;
    ngx_http_notify_load_t  *load;

    /* any lease: a scan is void when the connection it began on is */

    load = ngx_http_notify_load_create(&feed->leases[0], cursor);
    if (load == NULL) {
        feed->scanning = 0;
        return;
    }

    load->serial = ngx_http_notify_redis_generation(feed->redis);

    pool = ngx_create_pool(512, feed->log);
    if (pool == NULL) {
        ngx_http_notify_load_free(load);
        ngx_http_notify_redis_reset(feed->redis, "no memory");
        return;
    }

    ngx_str_set(&argv[0], "HSCAN");
    argv[1] = ngx_http_notify_keys_name(pool, &feed->channel->keys, "subs",
                                        NULL);
    argv[2] = *cursor;
    ngx_str_set(&argv[3], "COUNT");
    argv[4].data = count;
    argv[4].len = ngx_sprintf(count, "%ui", feed->scan_count) - count;

    if (argv[1].data == NULL
        || ngx_http_notify_redis_submit(feed->redis, argv, 5, 0,
                                        ngx_http_notify_load_scan_reply, load)
           == NULL)
    {
        ngx_http_notify_load_free(load);
        ngx_http_notify_redis_reset(feed->redis, "no memory");
    }

    ngx_destroy_pool(pool);
}


static void
ngx_http_notify_load_scan_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t *load = data;

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
        ngx_http_notify_load_take(feed, &fields->elts[i]->str,
                                  &fields->elts[i + 1]->str);
    }

    feed->scan_count = ngx_http_notify_load_scan_count(feed->scan_count,
                                                       fields);

    if (cursor->str.len == 1 && cursor->str.data[0] == '0') {
        ngx_http_notify_load_scanned(feed);

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

    if (size > NGX_HTTP_NOTIFY_LOAD_BYTES) {
        count = count * NGX_HTTP_NOTIFY_LOAD_BYTES / size;
        return ngx_max(count, 1);
    }

    if (size < NGX_HTTP_NOTIFY_LOAD_BYTES / 4) {
        count *= 4;
    }

    return ngx_min(count, NGX_HTTP_NOTIFY_LOAD_COUNT);
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
            ngx_http_notify_lease_drop(&feed->leases[i]);
        }
    }
}


static void
ngx_http_notify_load_take(ngx_http_notify_feed_t *feed, const ngx_str_t *id,
    const ngx_str_t *document)
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
        (void) ngx_http_notify_subscriber_put(lease, doc, NULL);
    }
}


static void
ngx_http_notify_load_scanned(ngx_http_notify_feed_t *feed)
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


ngx_http_notify_load_t *
ngx_http_notify_load_create(ngx_http_notify_lease_t *lease, const ngx_str_t *id)
{
    size_t                   len;
    ngx_queue_t             *q;
    ngx_http_notify_load_t  *load, *before;

    len = id ? id->len : 0;

    load = ngx_calloc(sizeof(ngx_http_notify_load_t) + len, lease->feed->log);
    if (load == NULL) {
        return NULL;
    }

    load->feed = lease->feed;
    load->lease = lease;
    load->serial = lease->serial;
    load->id.len = len;
    load->id.data = (u_char *) load + sizeof(ngx_http_notify_load_t);

    ngx_queue_init(&load->link);

    if (id == NULL) {
        return load;
    }

    ngx_memcpy(load->id.data, id->data, len);

    /* what these will say may have changed before an event that is read now */

    for (q = ngx_queue_head(&lease->loads);
         q != ngx_queue_sentinel(&lease->loads);
         q = ngx_queue_next(q))
    {
        before = ngx_queue_data(q, ngx_http_notify_load_t, link);

        if (before->id.len == len
            && ngx_memcmp(before->id.data, id->data, len) == 0)
        {
            before->older = 1;
        }
    }

    ngx_queue_insert_tail(&lease->loads, &load->link);

    return load;
}


void
ngx_http_notify_load_free(ngx_http_notify_load_t *load)
{
    ngx_queue_remove(&load->link);
    ngx_free(load);
}


ngx_uint_t
ngx_http_notify_load_void(ngx_http_notify_load_t *load,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t  stale;

    if (ngx_http_notify_script_verdict(load->feed->redis, resp, "load")
        != NGX_OK)
    {
        load->failed = 1;
    }

    stale = load->failed || load->older
            || load->lease->serial != load->serial
            || (load->lease->state == NGX_HTTP_NOTIFY_LEASE_DRAIN
                && !load->lease->placed)
            || (load->id.len == 0
                && load->lease->state != NGX_HTTP_NOTIFY_LEASE_LOAD);

    if (--load->expected == 0 && stale) {

        if (load->failed && load->lease->serial == load->serial) {
            /* a new claim loads it again */

            ngx_http_notify_lease_drop(load->lease);
        }

        if (load->doc != NULL) {
            ngx_destroy_pool(load->doc->pool);
        }

        ngx_http_notify_load_free(load);
    }

    return stale;
}


ngx_int_t
ngx_http_notify_load_ask(ngx_http_notify_load_t *load, ngx_str_t *argv,
    ngx_uint_t argc, ngx_http_notify_redis_handler_pt handler)
{
    if (argv[1].data == NULL
        || ngx_http_notify_redis_submit(load->feed->redis, argv, argc, 0,
                                        handler, load)
           == NULL)
    {
        load->failed = 1;
        return NGX_ERROR;
    }

    load->expected++;

    return NGX_OK;
}


static void
ngx_http_notify_load_lease(ngx_http_notify_lease_t *lease)
{
    ngx_str_t                argv[5];
    ngx_pool_t              *pool;
    ngx_http_notify_keys_t  *keys;
    ngx_http_notify_load_t  *load;

    keys = &lease->feed->channel->keys;

    pool = ngx_create_pool(1024, lease->feed->log);
    if (pool == NULL) {
        ngx_http_notify_lease_drop(lease);
        return;
    }

    load = ngx_http_notify_load_create(lease, NULL);
    if (load == NULL) {
        ngx_destroy_pool(pool);
        ngx_http_notify_lease_drop(lease);
        return;
    }

    ngx_str_set(&argv[0], "GET");
    argv[1] = ngx_http_notify_keys_shard(pool, keys, "pos", lease->shard);

    if (ngx_http_notify_load_ask(load, argv, 2, ngx_http_notify_load_position)
        != NGX_OK)
    {
        goto done;
    }

    ngx_str_set(&argv[0], "HGETALL");
    argv[1] = ngx_http_notify_keys_shard(pool, keys, "cursor", lease->shard);

    if (ngx_http_notify_load_ask(load, argv, 2, ngx_http_notify_load_cursors)
        != NGX_OK)
    {
        goto done;
    }

    ngx_str_set(&argv[0], "SMEMBERS");
    argv[1] = ngx_http_notify_keys_shard(pool, keys, "replays",
                                         lease->shard);

    if (ngx_http_notify_load_ask(load, argv, 2, ngx_http_notify_load_replays)
        != NGX_OK)
    {
        goto done;
    }

    ngx_str_set(&argv[0], "ZRANGE");
    argv[1] = ngx_http_notify_keys_shard(pool, keys, "due", lease->shard);
    ngx_str_set(&argv[2], "0");
    ngx_str_set(&argv[3], "-1");
    ngx_str_set(&argv[4], "WITHSCORES");

    (void) ngx_http_notify_load_ask(load, argv, 5, ngx_http_notify_load_due);

done:

    ngx_destroy_pool(pool);

    if (load->expected == 0) {
        ngx_http_notify_load_free(load);
        ngx_http_notify_lease_drop(lease);
    }
}


static void
ngx_http_notify_load_position(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t *load = data;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    /* a bucket that nobody ever had begins with the log; its subscriptions
     * have cursors of their own */

    load->lease->position.ms = 0;
    load->lease->position.seq = 0;

    load->lease->placed = resp->type == NGX_HTTP_NOTIFY_RESP_STRING
                          && ngx_http_notify_id_parse(&resp->str,
                                                      &load->lease->position)
                             == NGX_OK;
}


static void
ngx_http_notify_load_cursors(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t *load = data;

    u_char                        *p;
    ngx_str_t                      word;
    ngx_uint_t                     i, found;
    ngx_http_notify_id_t           id;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    lease = load->lease;
    found = lease->placed;

    for (i = 0; !lease->placed && i + 1 < resp->nelts; i += 2) {

        /* nothing is to be read for anybody before the first of the cursors */

        word = resp->elts[i + 1]->str;
        p = ngx_strlchr(word.data, word.data + word.len, ' ');

        if (p != NULL) {
            word.len = p - word.data;
        }

        if (ngx_http_notify_subscriber_find(lease->feed, &resp->elts[i]->str)
            != NULL
            && ngx_http_notify_id_parse(&word, &id) == NGX_OK
            && (!found
                || ngx_http_notify_id_compare(&id, &lease->position) < 0))
        {
            lease->position = id;
            found = 1;
        }
    }

    lease->placed = found;

    for (i = 0; i + 1 < resp->nelts; i += 2) {
        word = resp->elts[i]->str;

        if (word.len <= sizeof(NGX_HTTP_NOTIFY_FORMER_WORD) - 1) {
            continue;
        }

        word.len -= sizeof(NGX_HTTP_NOTIFY_FORMER_WORD) - 1;

        if (ngx_strncmp(word.data + word.len, NGX_HTTP_NOTIFY_FORMER_WORD,
                        sizeof(NGX_HTTP_NOTIFY_FORMER_WORD) - 1)
            != 0)
        {
            continue;
        }

        s = ngx_http_notify_subscriber_find(lease->feed, &word);

        if (s != NULL && !s->located) {
            ngx_http_notify_subscriber_former(s, &resp->elts[i + 1]->str);
        }
    }

    for (i = 0; i + 1 < resp->nelts; i += 2) {
        s = ngx_http_notify_subscriber_find(lease->feed, &resp->elts[i]->str);

        if (s != NULL && !s->located) {
            ngx_http_notify_subscriber_locate(s, &resp->elts[i + 1]->str);
        }
    }
}


static void
ngx_http_notify_load_replays(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t *load = data;

    ngx_uint_t                     i;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    for (i = 0; i < resp->nelts; i++) {
        s = ngx_http_notify_subscriber_find(load->feed, &resp->elts[i]->str);

        if (s != NULL) {
            ngx_http_notify_redeliver_load(s);
        }
    }
}


static void
ngx_http_notify_load_due(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t *load = data;

    ngx_str_t                      none;
    ngx_int_t                      due;
    ngx_uint_t                     i;
    ngx_queue_t                   *q;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    lease = load->lease;

    ngx_http_notify_load_free(load);

    for (i = 0; i + 1 < resp->nelts; i += 2) {
        s = ngx_http_notify_subscriber_find(lease->feed, &resp->elts[i]->str);
        due = ngx_atoi(resp->elts[i + 1]->str.data,
                       resp->elts[i + 1]->str.len);

        if (s != NULL && due != NGX_ERROR) {
            s->nretry = 1;          /* at least; the first look will tell */
            s->due = s->due ? ngx_min(s->due, (uint64_t) due) : (uint64_t) due;
        }
    }

    ngx_str_null(&none);

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        if (!s->located) {
            ngx_http_notify_subscriber_locate(s, &none);
        }
    }

    ngx_http_notify_tail_join(lease);

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        if (s->asked) {
            s->asked = 0;
            s->nretry = 1;
            s->due = ngx_http_notify_subscriber_now();
            ngx_http_notify_redeliver_load(s);
        }

        ngx_http_notify_dispatch_work(s);
    }
}
