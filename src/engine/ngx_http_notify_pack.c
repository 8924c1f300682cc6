
/*
 * One segment after the other: its entries are read, compressed in steps, and
 * put in their place by a script that checks that they are still what was read.
 * Whatever fails leaves them where they are.
 */

#include "ngx_http_notify_pack.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_segment.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_PACK_PAUSE    5         /* ms, between two segments */
#define NGX_HTTP_NOTIFY_PACK_AGAIN    1000      /* ms, after a failure */
#define NGX_HTTP_NOTIFY_PACK_FORMER   10000     /* ms */
#define NGX_HTTP_NOTIFY_PACK_FIRST    64        /* entries of a read */
/* a smaller one is no gain */
#define NGX_HTTP_NOTIFY_PACK_EVENTS   10
#define NGX_HTTP_NOTIFY_PACK_BYTES    4096


typedef struct ngx_http_notify_pack_s  ngx_http_notify_pack_t;

struct ngx_http_notify_pack_s {
    ngx_http_notify_feed_t     *feed;
    ngx_http_notify_segment_t  *segment;    /* NULL: nothing to do */
    ngx_event_t                 timer;
    uint64_t                    before;     /* epoch ms: these are read */
    ngx_uint_t                  count;      /* entries to ask for */
    size_t                      packed;     /* bytes of the segment */
    size_t                      erased_len;
    u_char                      erased[NGX_INT64_LEN];
    unsigned                    deflating:1;
    unsigned                    full:1;     /* more may follow at once */
    unsigned                    former:1;   /* was said */
};


static void ngx_http_notify_pack_timer(ngx_event_t *ev);
static void ngx_http_notify_pack_idle(ngx_http_notify_pack_t *pack);
static ngx_int_t ngx_http_notify_pack_read(ngx_http_notify_pack_t *pack);
static ngx_http_notify_redis_handler_t  ngx_http_notify_pack_erased;
static ngx_http_notify_redis_handler_t  ngx_http_notify_pack_entries;
static ngx_int_t ngx_http_notify_pack_add(ngx_http_notify_pack_t *pack,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_pack_deflate(ngx_http_notify_pack_t *pack);
static ngx_int_t ngx_http_notify_pack_write(ngx_http_notify_pack_t *pack,
    const ngx_str_t *value);
static ngx_http_notify_redis_handler_t  ngx_http_notify_pack_written;


ngx_int_t
ngx_http_notify_pack_init(ngx_http_notify_feed_t *feed, ngx_pool_t *pool)
{
    ngx_http_notify_pack_t  *pack;

    if (feed->channel->compress == 0) {
        return NGX_OK;
    }

    pack = ngx_pcalloc(pool, sizeof(ngx_http_notify_pack_t));
    if (pack == NULL) {
        return NGX_ERROR;
    }

    pack->feed = feed;
    pack->count = NGX_HTTP_NOTIFY_PACK_FIRST;

    ngx_http_notify_timer_idle(&pack->timer, ngx_http_notify_pack_timer, pack,
                               feed->log);

    feed->pack = pack;

    ngx_http_notify_pack_idle(pack);

    return NGX_OK;
}


void
ngx_http_notify_pack_exit(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_pack_t  *pack;

    pack = feed->pack;

    if (pack == NULL) {
        return;
    }

    ngx_http_notify_pack_idle(pack);

    ngx_http_notify_timer_stop(&pack->timer);
}


static void
ngx_http_notify_pack_timer(ngx_event_t *ev)
{
    ngx_http_notify_feed_t  *feed;
    ngx_http_notify_pack_t  *pack;

    pack = ev->data;
    feed = pack->feed;

    if (feed->leaving) {
        return;
    }

    if (feed->leases[0].state != NGX_HTTP_NOTIFY_LEASE_JOINED
        || !ngx_http_notify_feed_trusted(feed))
    {
        ngx_http_notify_pack_idle(pack);
        return;
    }

    if (pack->deflating) {
        ngx_http_notify_pack_deflate(pack);
        return;
    }

    if (ngx_http_notify_pack_read(pack) != NGX_OK) {
        ngx_http_notify_pack_idle(pack);
    }
}


/* nothing is to be done for some time */

static void
ngx_http_notify_pack_idle(ngx_http_notify_pack_t *pack)
{
    ngx_msec_t  interval;

    if (pack->segment) {
        ngx_http_notify_segment_destroy(pack->segment);
        pack->segment = NULL;
    }

    pack->deflating = 0;

    interval = (ngx_msec_t) ngx_min(pack->feed->channel->compress / 4, 10000);

    ngx_add_timer(&pack->timer, interval);
}


/* whether one was erased after it was read is told by what is asked before */

static ngx_int_t
ngx_http_notify_pack_read(ngx_http_notify_pack_t *pack)
{
    ngx_http_notify_feed_t     *feed;
    ngx_http_notify_command_t  *command;

    feed = pack->feed;

    pack->before = ngx_http_notify_feed_horizon(feed)
                   + feed->channel->retention - feed->channel->compress;

    command = ngx_http_notify_command_start(feed->redis, "HGET",
                                            ngx_http_notify_pack_erased,
                                            pack);

    ngx_http_notify_command_key(command, &feed->channel->keys, "seg");
    ngx_http_notify_command_text(command, "erased");

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        return NGX_ERROR;
    }

    command = ngx_http_notify_command_start(feed->redis, "XRANGE",
                                            ngx_http_notify_pack_entries,
                                            pack);

    ngx_http_notify_command_key(command, &feed->channel->keys, "log");
    ngx_http_notify_command_text(command, "-");
    ngx_http_notify_command_text(command, "+");
    ngx_http_notify_command_text(command, "COUNT");
    ngx_http_notify_command_number(command, pack->count);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_pack_erased(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_pack_t *pack = data;

    pack->erased_len = 0;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        pack->erased_len = ngx_min(resp->str.len, sizeof(pack->erased));
        ngx_memcpy(pack->erased, resp->str.data, pack->erased_len);
    }
}


static void
ngx_http_notify_pack_entries(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_pack_t *pack = data;

    if (ngx_http_notify_resp_is_error(resp, NGX_HTTP_NOTIFY_RESP_LARGE)
        && pack->count > 2)
    {
        pack->count = ngx_max(pack->count / 8, 2);
        ngx_add_timer(&pack->timer, NGX_HTTP_NOTIFY_PACK_PAUSE);
        return;
    }

    if (ngx_http_notify_script_verdict(pack->feed->redis, resp, "pack")
        != NGX_OK)
    {
        ngx_add_timer(&pack->timer, NGX_HTTP_NOTIFY_PACK_AGAIN);
        return;
    }

    switch (ngx_http_notify_pack_add(pack, resp)) {

    case NGX_OK:
        pack->deflating = 1;
        ngx_add_timer(&pack->timer, 1);
        return;

    case NGX_AGAIN:
        ngx_add_timer(&pack->timer, NGX_HTTP_NOTIFY_PACK_PAUSE);
        return;

    default:
        ngx_http_notify_pack_idle(pack);
    }
}


/*
 * NGX_AGAIN: more have to be read; NGX_DECLINED: it is not worth it yet.  The
 * last entry of the log stays there.
 */

static ngx_int_t
ngx_http_notify_pack_add(ngx_http_notify_pack_t *pack,
    ngx_http_notify_resp_t *resp)
{
    ngx_int_t             rc;
    ngx_uint_t            i, n;
    ngx_http_notify_id_t  id;

    if (resp->nelts < 2
        || ngx_http_notify_log_entry_id(resp->elts[0], &id) != NGX_OK
        || id.ms >= pack->before)
    {
        return NGX_DECLINED;
    }

    if (pack->segment == NULL) {
        pack->segment = ngx_http_notify_segment_create(pack->feed->log);
        if (pack->segment == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_http_notify_segment_reset(pack->segment);
    rc = NGX_OK;

    for (i = 0; i < resp->nelts - 1; i++) {

        if (ngx_http_notify_log_entry_id(resp->elts[i], &id) != NGX_OK
            || id.ms >= pack->before)
        {
            break;
        }

        rc = ngx_http_notify_segment_add(pack->segment, resp->elts[i]);
        if (rc != NGX_OK) {
            break;
        }
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    n = ngx_http_notify_segment_events(pack->segment);
    pack->full = (rc == NGX_DECLINED);

    if (pack->full) {
        pack->count = ngx_min(n + n / 4 + 2,
                              NGX_HTTP_NOTIFY_SEGMENT_EVENTS + 1);
        return NGX_OK;
    }

    if (i == resp->nelts - 1 && resp->nelts >= pack->count
        && pack->count <= NGX_HTTP_NOTIFY_SEGMENT_EVENTS)
    {
        pack->count = ngx_min(2 * pack->count,
                              NGX_HTTP_NOTIFY_SEGMENT_EVENTS + 1);
        return NGX_AGAIN;
    }

    if ((n < NGX_HTTP_NOTIFY_PACK_EVENTS
         && ngx_http_notify_segment_bytes(pack->segment)
            < NGX_HTTP_NOTIFY_PACK_BYTES)
        || ngx_http_notify_segment_first(pack->segment)->ms
           + pack->feed->channel->compress > pack->before)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_http_notify_pack_deflate(ngx_http_notify_pack_t *pack)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_segment_deflate(pack->segment, &value);

    if (rc == NGX_AGAIN) {
        ngx_add_timer(&pack->timer, 1);
        return;
    }

    pack->deflating = 0;

    if (rc == NGX_OK) {
        rc = ngx_http_notify_pack_write(pack, &value);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_pack_idle(pack);
    }
}


static ngx_int_t
ngx_http_notify_pack_write(ngx_http_notify_pack_t *pack,
    const ngx_str_t *value)
{
    ngx_str_t                    name;
    ngx_http_notify_id_t         behind;
    ngx_http_notify_feed_t      *feed;
    ngx_http_notify_command_t   *command;
    const ngx_http_notify_id_t  *first, *last;
    u_char                       text[NGX_HTTP_NOTIFY_SEGMENT_NAME];

    feed = pack->feed;

    first = ngx_http_notify_segment_first(pack->segment);
    last = ngx_http_notify_segment_last(pack->segment);
    behind = ngx_http_notify_id_after(last);

    name.data = text;
    name.len = ngx_http_notify_segment_name(text, last, first) - text;

    command = ngx_http_notify_command_script(feed->redis,
                                             &ngx_http_notify_script_pack,
                                             ngx_http_notify_pack_written,
                                             pack);

    ngx_http_notify_command_key(command, &feed->channel->keys, "log");
    ngx_http_notify_command_key(command, &feed->channel->keys, "leases");
    ngx_http_notify_command_key(command, &feed->channel->keys, "workers");

    ngx_http_notify_command_arg(command, &feed->owner);
    ngx_http_notify_command_number(command, feed->leases[0].epoch);
    ngx_http_notify_command_printf(command, "%*s", pack->erased_len,
                                   pack->erased);
    ngx_http_notify_command_id(command, first);
    ngx_http_notify_command_id(command, last);
    ngx_http_notify_command_id(command, &behind);
    ngx_http_notify_command_arg(command, &name);
    ngx_http_notify_command_arg(command, value);
    ngx_http_notify_command_number(command,
                          ngx_http_notify_segment_events(pack->segment));
    ngx_http_notify_command_number(command,
                          ngx_http_notify_segment_bytes(pack->segment));

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        return NGX_ERROR;
    }

    pack->packed = value->len;

    return NGX_OK;
}


static void
ngx_http_notify_pack_written(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_pack_t *pack = data;

    ngx_int_t  metrics;

    if (ngx_http_notify_script_verdict(pack->feed->redis, resp, "pack")
        != NGX_OK)
    {
        ngx_add_timer(&pack->timer, NGX_HTTP_NOTIFY_PACK_AGAIN);
        return;
    }

    if (ngx_http_notify_script_says(resp, "ok")) {
        metrics = pack->feed->channel->metrics;

        ngx_http_notify_metrics_add(metrics,
                          NGX_HTTP_NOTIFY_METRICS_SEGMENTS, 1);
        ngx_http_notify_metrics_add(metrics,
                          NGX_HTTP_NOTIFY_METRICS_COMPRESSED,
                          ngx_http_notify_segment_events(pack->segment));
        ngx_http_notify_metrics_add(metrics,
                          NGX_HTTP_NOTIFY_METRICS_COMPRESSED_BYTES,
                          ngx_http_notify_segment_bytes(pack->segment));
        ngx_http_notify_metrics_add(metrics,
                          NGX_HTTP_NOTIFY_METRICS_SEGMENT_BYTES, pack->packed);

        pack->former = 0;

        if (!pack->full) {
            ngx_http_notify_pack_idle(pack);
            return;
        }

        ngx_add_timer(&pack->timer, NGX_HTTP_NOTIFY_PACK_PAUSE);
        return;
    }

    if (ngx_http_notify_script_says(resp, "former")) {

        if (!pack->former) {
            pack->former = 1;
            ngx_log_error(NGX_LOG_NOTICE, pack->feed->log, 0,
                          "notify pack: the log of channel \"%V\" is not "
                          "compressed while a worker of an older version "
                          "reads it", &pack->feed->channel->name);
        }

        ngx_add_timer(&pack->timer, NGX_HTTP_NOTIFY_PACK_FORMER);
        return;
    }

    ngx_add_timer(&pack->timer, NGX_HTTP_NOTIFY_PACK_AGAIN);
}
