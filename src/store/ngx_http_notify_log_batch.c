/*
 * The calls of publish.lua: those that gather until the turn ends, and those
 * that Redis has not answered.  A call is made of strings in RESP from the
 * beginning, so that an event is copied once.  Lives as long as the worker.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_http_notify_log_batch.h"
#include "ngx_http_notify_script.h"


/* with more of them Redis would begin later, and gain nothing */
#define NGX_HTTP_NOTIFY_LOG_BATCH_EVENTS   16
#define NGX_HTTP_NOTIFY_LOG_BATCH_BYTES    (64 * 1024)

/* without the command, its script, and their number of keys */
#define NGX_HTTP_NOTIFY_LOG_BATCH_STRINGS  (NGX_HTTP_NOTIFY_RESP_MAX_ARGC - 3)
/* of these in a call without events */
#define NGX_HTTP_NOTIFY_LOG_BATCH_HEAD     6
/* the longest kind of key: "settings" */
#define NGX_HTTP_NOTIFY_LOG_BATCH_KIND     8

/* of an event, for publish.lua */
#define NGX_HTTP_NOTIFY_LOG_BATCH_MORE     1
#define NGX_HTTP_NOTIFY_LOG_BATCH_KEY      2
#define NGX_HTTP_NOTIFY_LOG_BATCH_VALUE    4
#define NGX_HTTP_NOTIFY_LOG_BATCH_FLAG     8    /* the factor of its flag */
#define NGX_HTTP_NOTIFY_LOG_BATCH_REQUEST  32
#define NGX_HTTP_NOTIFY_LOG_BATCH_STRING   64


typedef struct {
    u_char                         *start;
    u_char                         *last;
    u_char                         *end;
    ngx_uint_t                      n;          /* strings */
} ngx_http_notify_log_batch_text_t;

typedef struct {
    ngx_queue_t                     queue;
    ngx_http_notify_redis_t        *redis;
    const ngx_http_notify_keys_t   *keys;
    size_t                          max_size;
    ngx_queue_t                     publishes;
    ngx_http_notify_log_batch_pt    handler;
    ngx_uint_t                      n;          /* events */
    ngx_http_notify_log_batch_text_t  names;
    ngx_http_notify_log_batch_text_t  args;
} ngx_http_notify_log_batch_t;

/* what a publish takes of a call, at most */
typedef struct {
    size_t                          names;
    size_t                          args;
    ngx_uint_t                      strings;    /* of both */
} ngx_http_notify_log_batch_room_t;


static ngx_int_t ngx_http_notify_log_batch_room(
    ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_batch_room_t *room);
static ngx_http_notify_log_batch_t *ngx_http_notify_log_batch_find(
    const ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys);
static ngx_uint_t ngx_http_notify_log_batch_fits(
    ngx_http_notify_log_batch_t *batch, ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_batch_room_t *room);
static ngx_http_notify_log_batch_t *ngx_http_notify_log_batch_create(
    ngx_http_notify_log_batch_ctx_t *ctx,
    const ngx_http_notify_log_publisher_t *publisher,
    ngx_http_notify_log_batch_room_t *room);
static ngx_int_t ngx_http_notify_log_batch_put(
    ngx_http_notify_log_batch_t *batch, ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_batch_room_t *room);
static void ngx_http_notify_log_batch_entry(
    ngx_http_notify_log_batch_t *batch,
    const ngx_http_notify_log_entry_t *entry, ngx_uint_t more);
static ngx_int_t ngx_http_notify_log_batch_send(
    ngx_http_notify_log_batch_t *batch);
static void ngx_http_notify_log_batch_event(ngx_event_t *ev);
static void ngx_http_notify_log_batch_answer(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_log_batch_free(ngx_http_notify_log_batch_t *batch);
static ngx_int_t ngx_http_notify_log_batch_reserve(
    ngx_http_notify_log_batch_text_t *text, size_t size);
static void ngx_http_notify_log_batch_name(ngx_http_notify_log_batch_t *batch,
    const char *kind, const ngx_str_t *name);
static void ngx_http_notify_log_batch_string(
    ngx_http_notify_log_batch_t *batch, const ngx_str_t *string);
static void ngx_http_notify_log_batch_number(
    ngx_http_notify_log_batch_t *batch, uint64_t n);


/* of the worker; at most one gathers for a log */

static ngx_queue_t  ngx_http_notify_log_batch_open = {
    &ngx_http_notify_log_batch_open, &ngx_http_notify_log_batch_open
};

static ngx_queue_t  ngx_http_notify_log_batch_sent = {
    &ngx_http_notify_log_batch_sent, &ngx_http_notify_log_batch_sent
};

/* could not be sent, and are told of it in the next turn */

static ngx_queue_t  ngx_http_notify_log_batch_failed = {
    &ngx_http_notify_log_batch_failed, &ngx_http_notify_log_batch_failed
};

static ngx_event_t  ngx_http_notify_log_batch_ev;


ngx_int_t
ngx_http_notify_log_batch_add(ngx_http_notify_log_batch_ctx_t *ctx)
{
    ngx_http_notify_log_batch_t       *batch;
    ngx_http_notify_log_batch_room_t   room;

    if (ngx_http_notify_log_batch_room(ctx, &room) != NGX_OK) {
        return NGX_ERROR;
    }

    batch = ngx_http_notify_log_batch_find(ctx->redis, ctx->keys);

    if (batch && !ngx_http_notify_log_batch_fits(batch, ctx, &room)) {

        if (ngx_http_notify_log_batch_send(batch) != NGX_OK) {
            return NGX_ERROR;
        }

        batch = NULL;
    }

    if (batch == NULL) {
        batch = ngx_http_notify_log_batch_create(ctx, NULL, &room);
        if (batch == NULL) {
            return NGX_ERROR;
        }

        ngx_queue_insert_tail(&ngx_http_notify_log_batch_open, &batch->queue);
    }

    if (ngx_http_notify_log_batch_put(batch, ctx, &room) != NGX_OK) {
        return NGX_ERROR;
    }

    if (batch->n < NGX_HTTP_NOTIFY_LOG_BATCH_EVENTS
        || ngx_http_notify_log_batch_send(batch) != NGX_OK)
    {
        ngx_http_notify_log_batch_ev.handler = ngx_http_notify_log_batch_event;
        ngx_http_notify_log_batch_ev.log = ngx_cycle->log;

        ngx_post_event(&ngx_http_notify_log_batch_ev, &ngx_posted_events);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_log_batch_numbered(ngx_http_notify_log_batch_ctx_t *ctx,
    const ngx_http_notify_log_publisher_t *publisher)
{
    ngx_http_notify_log_batch_t       *batch;
    ngx_http_notify_log_batch_room_t   room;

    if (ngx_http_notify_log_batch_room(ctx, &room) != NGX_OK) {
        return NGX_ERROR;
    }

    batch = ngx_http_notify_log_batch_find(ctx->redis, ctx->keys);

    if (batch && ngx_http_notify_log_batch_send(batch) != NGX_OK) {
        return NGX_ERROR;
    }

    batch = ngx_http_notify_log_batch_create(ctx, publisher, &room);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_log_batch_put(batch, ctx, &room) != NGX_OK
        || ngx_http_notify_log_batch_send(batch) != NGX_OK)
    {
        /* the publish is the caller's */

        ngx_queue_init(&batch->publishes);
        ngx_http_notify_log_batch_free(batch);

        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_log_batch_held(const ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys)
{
    return ngx_http_notify_log_batch_find(redis, keys) != NULL;
}


void
ngx_http_notify_log_batch_exit(void)
{
    ngx_uint_t    i;
    ngx_queue_t  *q, *queues[3];

    queues[0] = &ngx_http_notify_log_batch_open;
    queues[1] = &ngx_http_notify_log_batch_sent;
    queues[2] = &ngx_http_notify_log_batch_failed;

    for (i = 0; i < 3; i++) {
        while (!ngx_queue_empty(queues[i])) {
            q = ngx_queue_head(queues[i]);

            ngx_http_notify_log_batch_free(
                ngx_queue_data(q, ngx_http_notify_log_batch_t, queue));
        }
    }

    if (ngx_http_notify_log_batch_ev.posted) {
        ngx_delete_posted_event(&ngx_http_notify_log_batch_ev);
    }
}


/* NGX_ERROR: no command is that long */

static ngx_int_t
ngx_http_notify_log_batch_room(ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_batch_room_t *room)
{
    size_t                              name, number;
    ngx_uint_t                          i, strings;
    const ngx_http_notify_log_entry_t  *entry;

    name = ngx_http_notify_resp_string_size(ctx->keys->prefix.len + 1
                                           + NGX_HTTP_NOTIFY_LOG_BATCH_KIND);
    number = ngx_http_notify_resp_string_size(NGX_INT64_LEN);

    room->names = 0;
    room->args = 0;
    room->strings = 0;

    for (i = 0; i < ctx->n; i++) {
        entry = &ctx->entries[i];

        room->args += number
                      + ngx_http_notify_log_entry_size(&entry->event,
                                                       &strings);
        room->strings += 1 + strings;

        if (entry->request.len) {
            room->names += name + entry->request.len;
            room->args += ngx_http_notify_resp_string_size(entry->print.len);
            room->strings += 2;
        }

        if (entry->key.len) {
            room->names += name + entry->key.len;
            room->args += ngx_http_notify_resp_string_size(entry->body.len);
            room->strings += 2;
        }

        if (entry->last.len) {
            room->names += name + entry->last.len;
            room->args += number
                          + ngx_http_notify_resp_string_size(
                                entry->value.len);
            room->strings += 3;
        }
    }

    return room->strings <= NGX_HTTP_NOTIFY_LOG_BATCH_STRINGS
                            - NGX_HTTP_NOTIFY_LOG_BATCH_HEAD
           ? NGX_OK : NGX_ERROR;
}


/* the newest are asked for most */

static ngx_http_notify_log_batch_t *
ngx_http_notify_log_batch_find(const ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys)
{
    ngx_queue_t                  *q;
    ngx_http_notify_log_batch_t  *batch;

    for (q = ngx_queue_last(&ngx_http_notify_log_batch_open);
         q != ngx_queue_sentinel(&ngx_http_notify_log_batch_open);
         q = ngx_queue_prev(q))
    {
        batch = ngx_queue_data(q, ngx_http_notify_log_batch_t, queue);

        if (batch->redis == redis && (keys == NULL || batch->keys == keys)) {
            return batch;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_notify_log_batch_fits(ngx_http_notify_log_batch_t *batch,
    ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_batch_room_t *room)
{
    return batch->max_size == ctx->max_size
           && batch->handler == ctx->handler
           && batch->n + ctx->n <= NGX_HTTP_NOTIFY_LOG_BATCH_EVENTS
           && (batch->args.last - batch->args.start) + room->args
              <= NGX_HTTP_NOTIFY_LOG_BATCH_BYTES
           && batch->names.n + batch->args.n + room->strings
              <= NGX_HTTP_NOTIFY_LOG_BATCH_STRINGS;
}


static ngx_http_notify_log_batch_t *
ngx_http_notify_log_batch_create(ngx_http_notify_log_batch_ctx_t *ctx,
    const ngx_http_notify_log_publisher_t *publisher,
    ngx_http_notify_log_batch_room_t *room)
{
    size_t                        names, args;
    ngx_http_notify_log_batch_t  *batch;

    static ngx_str_t  none = ngx_null_string;

    batch = ngx_calloc(sizeof(ngx_http_notify_log_batch_t), ngx_cycle->log);
    if (batch == NULL) {
        return NULL;
    }

    batch->redis = ctx->redis;
    batch->keys = ctx->keys;
    batch->max_size = ctx->max_size;
    batch->handler = ctx->handler;

    ngx_queue_init(&batch->queue);
    ngx_queue_init(&batch->publishes);

    names = 3 * ngx_http_notify_resp_string_size(ctx->keys->prefix.len + 1
                                           + NGX_HTTP_NOTIFY_LOG_BATCH_KIND)
            + (publisher ? publisher->name.len : 0);

    args = 3 * ngx_http_notify_resp_string_size(NGX_INT64_LEN);

    if (ngx_http_notify_log_batch_reserve(&batch->names, names + room->names)
        != NGX_OK
        || ngx_http_notify_log_batch_reserve(&batch->args, args + room->args)
           != NGX_OK)
    {
        ngx_http_notify_log_batch_free(batch);
        return NULL;
    }

    ngx_http_notify_log_batch_name(batch, "log", NULL);
    ngx_http_notify_log_batch_name(batch, "settings", NULL);
    ngx_http_notify_log_batch_number(batch, ctx->max_size);

    if (publisher) {
        ngx_http_notify_log_batch_name(batch, "from", &publisher->name);
        ngx_http_notify_log_batch_number(batch, publisher->first);
        ngx_http_notify_log_batch_number(batch, publisher->done);

    } else {
        ngx_http_notify_log_batch_string(batch, &none);
        ngx_http_notify_log_batch_string(batch, &none);
    }

    return batch;
}


static ngx_int_t
ngx_http_notify_log_batch_put(ngx_http_notify_log_batch_t *batch,
    ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_batch_room_t *room)
{
    ngx_uint_t  i;

    if (ngx_http_notify_log_batch_reserve(&batch->names, room->names)
        != NGX_OK
        || ngx_http_notify_log_batch_reserve(&batch->args, room->args)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < ctx->n; i++) {
        ngx_http_notify_log_batch_entry(batch, &ctx->entries[i],
                                        i + 1 < ctx->n);
    }

    batch->n += ctx->n;
    ngx_queue_insert_tail(&batch->publishes, &ctx->publish->queue);

    return NGX_OK;
}


static void
ngx_http_notify_log_batch_entry(ngx_http_notify_log_batch_t *batch,
    const ngx_http_notify_log_entry_t *entry, ngx_uint_t more)
{
    ngx_uint_t  strings;

    strings = 0;

    if (!entry->hole) {
        (void) ngx_http_notify_log_entry_size(&entry->event, &strings);
    }

    ngx_http_notify_log_batch_number(batch,
               strings * NGX_HTTP_NOTIFY_LOG_BATCH_STRING
               + (entry->request.len ? NGX_HTTP_NOTIFY_LOG_BATCH_REQUEST : 0)
               + entry->flag * NGX_HTTP_NOTIFY_LOG_BATCH_FLAG
               + (entry->last.len ? NGX_HTTP_NOTIFY_LOG_BATCH_VALUE : 0)
               + (entry->key.len ? NGX_HTTP_NOTIFY_LOG_BATCH_KEY : 0)
               + (more ? NGX_HTTP_NOTIFY_LOG_BATCH_MORE : 0));

    if (entry->request.len) {
        ngx_http_notify_log_batch_name(batch, "once", &entry->request);
        ngx_http_notify_log_batch_string(batch, &entry->print);
    }

    if (entry->key.len) {
        ngx_http_notify_log_batch_name(batch, "id", &entry->key);
        ngx_http_notify_log_batch_string(batch, &entry->body);
    }

    if (entry->last.len) {
        ngx_http_notify_log_batch_name(batch, "last", &entry->last);
        ngx_http_notify_log_batch_string(batch, &entry->value);
        ngx_http_notify_log_batch_number(batch, entry->keep);
    }

    if (strings) {
        batch->args.last = ngx_http_notify_log_entry_write(batch->args.last,
                                                           &entry->event);
        batch->args.n += strings;
    }
}


/* NGX_ERROR: it is where it was */

static ngx_int_t
ngx_http_notify_log_batch_send(ngx_http_notify_log_batch_t *batch)
{
    ngx_str_t  names, args;

    names.data = batch->names.start;
    names.len = batch->names.last - batch->names.start;

    args.data = batch->args.start;
    args.len = batch->args.last - batch->args.start;

    if (ngx_http_notify_script_send(batch->redis,
                                    &ngx_http_notify_script_publish,
                                    &names, batch->names.n,
                                    &args, batch->args.n,
                                    ngx_http_notify_log_batch_answer, batch)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_remove(&batch->queue);
    ngx_queue_insert_tail(&ngx_http_notify_log_batch_sent, &batch->queue);

    return NGX_OK;
}


/* who publishes anew when it failed does so once a turn */

static void
ngx_http_notify_log_batch_event(ngx_event_t *ev)
{
    ngx_queue_t                  *q;
    ngx_http_notify_log_batch_t  *batch;

    while (!ngx_queue_empty(&ngx_http_notify_log_batch_failed)) {
        q = ngx_queue_head(&ngx_http_notify_log_batch_failed);
        batch = ngx_queue_data(q, ngx_http_notify_log_batch_t, queue);

        ngx_http_notify_log_batch_answer(NULL, batch);
    }

    while (!ngx_queue_empty(&ngx_http_notify_log_batch_open)) {
        q = ngx_queue_head(&ngx_http_notify_log_batch_open);
        batch = ngx_queue_data(q, ngx_http_notify_log_batch_t, queue);

        if (ngx_http_notify_log_batch_send(batch) != NGX_OK) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&ngx_http_notify_log_batch_failed, q);

            ngx_post_event(ev, &ngx_posted_next_events);
        }
    }
}


static void
ngx_http_notify_log_batch_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_batch_t *batch = data;

    batch->handler(&batch->publishes, resp);

    ngx_http_notify_log_batch_free(batch);
}


static void
ngx_http_notify_log_batch_free(ngx_http_notify_log_batch_t *batch)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&batch->publishes)) {
        q = ngx_queue_head(&batch->publishes);
        ngx_queue_remove(q);

        ngx_free(ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue));
    }

    ngx_queue_remove(&batch->queue);

    if (batch->names.start) {
        ngx_free(batch->names.start);
    }

    if (batch->args.start) {
        ngx_free(batch->args.start);
    }

    ngx_free(batch);
}


static ngx_int_t
ngx_http_notify_log_batch_reserve(ngx_http_notify_log_batch_text_t *text,
    size_t size)
{
    size_t   used, total;
    u_char  *start;

    if (size <= (size_t) (text->end - text->last)) {
        return NGX_OK;
    }

    used = text->last - text->start;
    total = ngx_max(2 * (size_t) (text->end - text->start), used + size);

    start = ngx_alloc(total, ngx_cycle->log);
    if (start == NULL) {
        return NGX_ERROR;
    }

    if (text->start) {
        ngx_memcpy(start, text->start, used);
        ngx_free(text->start);
    }

    text->start = start;
    text->last = start + used;
    text->end = start + total;

    return NGX_OK;
}


/* there is room for it, as for the next two */

static void
ngx_http_notify_log_batch_name(ngx_http_notify_log_batch_t *batch,
    const char *kind, const ngx_str_t *name)
{
    size_t                             len;
    u_char                            *p;
    const ngx_str_t                   *prefix;
    ngx_http_notify_log_batch_text_t  *text;

    text = &batch->names;
    prefix = &batch->keys->prefix;
    len = ngx_strlen(kind);

    p = ngx_http_notify_resp_length(text->last, prefix->len + len
                                                + (name ? 1 + name->len : 0));

    p = ngx_cpymem(p, prefix->data, prefix->len);
    p = ngx_cpymem(p, kind, len);

    if (name) {
        *p++ = ':';
        p = ngx_cpymem(p, name->data, name->len);
    }

    *p++ = CR;
    *p++ = LF;

    text->last = p;
    text->n++;
}


static void
ngx_http_notify_log_batch_string(ngx_http_notify_log_batch_t *batch,
    const ngx_str_t *string)
{
    batch->args.last = ngx_http_notify_resp_string(batch->args.last, string);
    batch->args.n++;
}


static void
ngx_http_notify_log_batch_number(ngx_http_notify_log_batch_t *batch,
    uint64_t n)
{
    ngx_str_t  string;
    u_char     buf[NGX_INT64_LEN];

    string.data = buf;
    string.len = ngx_sprintf(buf, "%uL", n) - buf;

    ngx_http_notify_log_batch_string(batch, &string);
}
