/*
 * The calls of publish.lua: those that gather until the turn ends, and those
 * that Redis has not answered.  An event is copied into the call's command and
 * nowhere else.  Lives as long as the worker.
 */

#include "ngx_http_notify_known.h"
#include "ngx_http_notify_log_batch.h"
#include "ngx_http_notify_script.h"


/* with more of them Redis would begin later, and gain nothing */
#define NGX_HTTP_NOTIFY_LOG_BATCH_EVENTS   16
#define NGX_HTTP_NOTIFY_LOG_BATCH_BYTES    (64 * 1024)

/* keys and arguments of a call, and those of one without events */
#define NGX_HTTP_NOTIFY_LOG_BATCH_STRINGS                                     \
    (NGX_HTTP_NOTIFY_COMMAND_STRINGS - NGX_HTTP_NOTIFY_COMMAND_HEAD)
#define NGX_HTTP_NOTIFY_LOG_BATCH_HEAD     6

/* of an event, for publish.lua */
#define NGX_HTTP_NOTIFY_LOG_BATCH_MORE     1
#define NGX_HTTP_NOTIFY_LOG_BATCH_KEY      2
#define NGX_HTTP_NOTIFY_LOG_BATCH_VALUE    4
#define NGX_HTTP_NOTIFY_LOG_BATCH_FLAG     8    /* the factor of its flag */
#define NGX_HTTP_NOTIFY_LOG_BATCH_REQUEST  32
#define NGX_HTTP_NOTIFY_LOG_BATCH_STRING   64


typedef struct {
    ngx_queue_t                     queue;
    ngx_http_notify_redis_t        *redis;
    const ngx_http_notify_keys_t   *keys;
    size_t                          max_size;
    ngx_queue_t                     publishes;
    ngx_http_notify_log_batch_pt    handler;
    ngx_uint_t                      n;          /* events */
    ngx_http_notify_command_t      *command;    /* NULL: sent */
} ngx_http_notify_log_batch_t;


static ngx_uint_t ngx_http_notify_log_batch_strings(
    const ngx_http_notify_log_batch_ctx_t *ctx);
static ngx_http_notify_log_batch_t *ngx_http_notify_log_batch_find(
    const ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys);
static ngx_uint_t ngx_http_notify_log_batch_fits(
    ngx_http_notify_log_batch_t *batch,
    const ngx_http_notify_log_batch_ctx_t *ctx, ngx_uint_t strings);
static ngx_http_notify_log_batch_t *ngx_http_notify_log_batch_create(
    const ngx_http_notify_log_batch_ctx_t *ctx,
    const ngx_http_notify_log_publisher_t *publisher);
static void ngx_http_notify_log_batch_put(ngx_http_notify_log_batch_t *batch,
    const ngx_http_notify_log_batch_ctx_t *ctx);
static void ngx_http_notify_log_batch_entry(
    ngx_http_notify_log_batch_t *batch,
    const ngx_http_notify_log_entry_t *entry, ngx_uint_t more);
static void ngx_http_notify_log_batch_known(
    ngx_http_notify_command_t *command, const ngx_str_t *digest,
    ngx_http_notify_known_e what, const ngx_str_t *body);
static void ngx_http_notify_log_batch_send(
    ngx_http_notify_log_batch_t *batch);
static void ngx_http_notify_log_batch_post(ngx_queue_t *events);
static void ngx_http_notify_log_batch_event(ngx_event_t *ev);
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_batch_answer;
static void ngx_http_notify_log_batch_free(ngx_http_notify_log_batch_t *batch);


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
    ngx_uint_t                    strings;
    ngx_http_notify_log_batch_t  *batch;

    strings = ngx_http_notify_log_batch_strings(ctx);

    if (strings > NGX_HTTP_NOTIFY_LOG_BATCH_STRINGS) {
        return NGX_ERROR;
    }

    batch = ngx_http_notify_log_batch_find(ctx->redis, ctx->keys);

    if (batch && !ngx_http_notify_log_batch_fits(batch, ctx, strings)) {
        ngx_http_notify_log_batch_send(batch);
        batch = NULL;
    }

    if (batch == NULL) {
        batch = ngx_http_notify_log_batch_create(ctx, NULL);
        if (batch == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_http_notify_log_batch_put(batch, ctx);

    if (batch->n >= NGX_HTTP_NOTIFY_LOG_BATCH_EVENTS) {
        ngx_http_notify_log_batch_send(batch);
        return NGX_OK;
    }

    ngx_http_notify_log_batch_post(&ngx_posted_events);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_log_batch_numbered(ngx_http_notify_log_batch_ctx_t *ctx,
    const ngx_http_notify_log_publisher_t *publisher)
{
    ngx_http_notify_log_batch_t  *batch;

    if (ngx_http_notify_log_batch_strings(ctx)
        > NGX_HTTP_NOTIFY_LOG_BATCH_STRINGS)
    {
        return NGX_ERROR;
    }

    batch = ngx_http_notify_log_batch_find(ctx->redis, ctx->keys);

    if (batch) {
        ngx_http_notify_log_batch_send(batch);
    }

    batch = ngx_http_notify_log_batch_create(ctx, publisher);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_log_batch_put(batch, ctx);
    ngx_http_notify_log_batch_send(batch);

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


/* with those of a call without events */

static ngx_uint_t
ngx_http_notify_log_batch_strings(const ngx_http_notify_log_batch_ctx_t *ctx)
{
    ngx_uint_t                          i, n;
    const ngx_http_notify_log_entry_t  *entry;

    n = NGX_HTTP_NOTIFY_LOG_BATCH_HEAD;

    for (i = 0; i < ctx->n; i++) {
        entry = &ctx->entries[i];

        n += 1 + ngx_http_notify_log_strings(&entry->event)
             + (entry->request.len ? 3 : 0)
             + (entry->key.len ? 3 : 0)
             + (entry->last.len ? 3 : 0);
    }

    return n;
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
    const ngx_http_notify_log_batch_ctx_t *ctx, ngx_uint_t strings)
{
    return batch->max_size == ctx->max_size
           && batch->handler == ctx->handler
           && batch->n + ctx->n <= NGX_HTTP_NOTIFY_LOG_BATCH_EVENTS
           && ngx_http_notify_command_size(batch->command)
              < NGX_HTTP_NOTIFY_LOG_BATCH_BYTES
           && ngx_http_notify_command_strings(batch->command) + strings
              <= NGX_HTTP_NOTIFY_LOG_BATCH_STRINGS;
}


static ngx_http_notify_log_batch_t *
ngx_http_notify_log_batch_create(const ngx_http_notify_log_batch_ctx_t *ctx,
    const ngx_http_notify_log_publisher_t *publisher)
{
    ngx_http_notify_command_t    *command;
    ngx_http_notify_log_batch_t  *batch;

    batch = ngx_calloc(sizeof(ngx_http_notify_log_batch_t), ngx_cycle->log);
    if (batch == NULL) {
        return NULL;
    }

    command = ngx_http_notify_command_script(ctx->redis,
                                             &ngx_http_notify_script_publish,
                                             ngx_http_notify_log_batch_answer,
                                             batch);
    if (command == NULL) {
        ngx_free(batch);
        return NULL;
    }

    batch->redis = ctx->redis;
    batch->keys = ctx->keys;
    batch->max_size = ctx->max_size;
    batch->handler = ctx->handler;
    batch->command = command;

    ngx_queue_init(&batch->publishes);
    ngx_queue_insert_tail(&ngx_http_notify_log_batch_open, &batch->queue);

    ngx_http_notify_command_key(command, ctx->keys, "log");
    ngx_http_notify_command_key(command, ctx->keys, "settings");

    if (publisher) {
        ngx_http_notify_command_key_of(command, ctx->keys, "from",
                                       &publisher->name);
    }

    ngx_http_notify_command_number(command, ctx->max_size);

    if (publisher) {
        ngx_http_notify_command_number(command, publisher->first);
        ngx_http_notify_command_number(command, publisher->done);

    } else {
        ngx_http_notify_command_text(command, "");
        ngx_http_notify_command_text(command, "");
    }

    return batch;
}


static void
ngx_http_notify_log_batch_put(ngx_http_notify_log_batch_t *batch,
    const ngx_http_notify_log_batch_ctx_t *ctx)
{
    ngx_uint_t  i;

    for (i = 0; i < ctx->n; i++) {
        ngx_http_notify_log_batch_entry(batch, &ctx->entries[i],
                                        i + 1 < ctx->n);
    }

    batch->n += ctx->n;
    ngx_queue_insert_tail(&batch->publishes, &ctx->publish->queue);
}


static void
ngx_http_notify_log_batch_entry(ngx_http_notify_log_batch_t *batch,
    const ngx_http_notify_log_entry_t *entry, ngx_uint_t more)
{
    ngx_uint_t                  strings;
    ngx_http_notify_command_t  *command;

    command = batch->command;

    strings = entry->hole ? 0 : ngx_http_notify_log_strings(&entry->event);

    ngx_http_notify_command_number(command,
               strings * NGX_HTTP_NOTIFY_LOG_BATCH_STRING
               + (entry->request.len ? NGX_HTTP_NOTIFY_LOG_BATCH_REQUEST : 0)
               + entry->flag * NGX_HTTP_NOTIFY_LOG_BATCH_FLAG
               + (entry->last.len ? NGX_HTTP_NOTIFY_LOG_BATCH_VALUE : 0)
               + (entry->key.len ? NGX_HTTP_NOTIFY_LOG_BATCH_KEY : 0)
               + (more ? NGX_HTTP_NOTIFY_LOG_BATCH_MORE : 0));

    if (entry->request.len) {
        ngx_http_notify_command_key_of(command, batch->keys, "once",
                                       &entry->request);
        ngx_http_notify_command_arg(command, &entry->print);
        ngx_http_notify_log_batch_known(command, &entry->request,
                                        NGX_HTTP_NOTIFY_KNOWN_REQUEST,
                                        &entry->print);
    }

    if (entry->key.len) {
        ngx_http_notify_command_key_of(command, batch->keys, "id",
                                       &entry->key);
        ngx_http_notify_command_arg(command, &entry->body);
        ngx_http_notify_log_batch_known(command, &entry->key,
                                        NGX_HTTP_NOTIFY_KNOWN_EVENT,
                                        &entry->body);
    }

    if (entry->last.len) {
        ngx_http_notify_command_key_of(command, batch->keys, "last",
                                       &entry->last);
        ngx_http_notify_command_arg(command, &entry->value);
        ngx_http_notify_command_number(command, entry->keep);
    }

    if (strings) {
        ngx_http_notify_log_write(command, &entry->event);
    }
}


static void
ngx_http_notify_log_batch_known(ngx_http_notify_command_t *command,
    const ngx_str_t *digest, ngx_http_notify_known_e what,
    const ngx_str_t *body)
{
    u_char     buf[NGX_HTTP_NOTIFY_KNOWN_HEAD];
    ngx_str_t  head;

    ngx_http_notify_known_name(digest, what, buf);
    ngx_http_notify_known_body(body, buf + NGX_HTTP_NOTIFY_KNOWN_NAME);

    head.data = buf;
    head.len = sizeof(buf);

    ngx_http_notify_command_arg(command, &head);
}


/* the publishes of one that fails are told in the next turn */

static void
ngx_http_notify_log_batch_send(ngx_http_notify_log_batch_t *batch)
{
    ngx_int_t  rc;

    rc = ngx_http_notify_redis_send(batch->command);
    batch->command = NULL;

    ngx_queue_remove(&batch->queue);

    if (rc == NGX_OK) {
        ngx_queue_insert_tail(&ngx_http_notify_log_batch_sent, &batch->queue);
        return;
    }

    ngx_queue_insert_tail(&ngx_http_notify_log_batch_failed, &batch->queue);
    ngx_http_notify_log_batch_post(&ngx_posted_next_events);
}


static void
ngx_http_notify_log_batch_post(ngx_queue_t *events)
{
    ngx_event_t  *ev;

    ev = &ngx_http_notify_log_batch_ev;

    ev->handler = ngx_http_notify_log_batch_event;
    ev->log = ngx_cycle->log;

    ngx_post_event(ev, events);
}


/* a caller that publishes anew after a failure does so once a turn */

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

        ngx_http_notify_log_batch_send(batch);
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

    ngx_http_notify_command_free(batch->command);
    ngx_free(batch);
}
