/*
 * Publishing: an event that nothing has to be asked about is appended by a
 * command of its own, the others by a script.  A publish lives until Redis has
 * answered, whether or not its caller does.  Must not know who publishes.
 */

#include "ngx_http_notify_log_batch.h"
#include "ngx_http_notify_log_publish.h"
#include "ngx_http_notify_log_replicas.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_LOG_PUBLISH_MAX  1000


/* one allocation, the ids behind the structure */
struct ngx_http_notify_log_publish_s {
    ngx_http_notify_log_replicas_t   wait;      /* the first member */
    ngx_http_notify_log_published_t  published;
    ngx_http_notify_redis_t         *redis;
    ngx_http_notify_log_publish_pt   handler;   /* NULL: cancelled */
    void                            *data;
    ngx_uint_t                       n;
    ngx_http_notify_id_t             ids[1];
};


static ngx_http_notify_log_publish_t *ngx_http_notify_log_publish_create(
    ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_publish_pt handler, void *data);
static ngx_uint_t ngx_http_notify_log_publish_plain(
    const ngx_http_notify_log_batch_ctx_t *ctx);
static ngx_int_t ngx_http_notify_log_publish_append(
    const ngx_http_notify_log_batch_ctx_t *ctx);
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_publish_appended;
static void ngx_http_notify_log_publish_answers(ngx_queue_t *publishes,
    const ngx_http_notify_resp_t *resp);
static ngx_http_notify_log_status_e ngx_http_notify_log_publish_verdict(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_resp_t *resp);
static ngx_http_notify_log_status_e ngx_http_notify_log_publish_result(
    ngx_http_notify_log_publish_t *p, const ngx_http_notify_resp_t *resp);
static ngx_http_notify_log_status_e ngx_http_notify_log_publish_invalid(void);
static ngx_int_t ngx_http_notify_log_publish_ids(
    ngx_http_notify_log_publish_t *p, const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_log_publish_id(
    const ngx_http_notify_resp_t *resp, ngx_http_notify_id_t *id);
static void ngx_http_notify_log_publish_answered(
    ngx_http_notify_log_publish_t *p, ngx_http_notify_log_status_e status);
static void ngx_http_notify_log_publish_waited(ngx_int_t rc,
    ngx_http_notify_log_replicas_t *wait);
static void ngx_http_notify_log_publish_end(ngx_http_notify_log_publish_t *p);


static ngx_str_t  ngx_http_notify_log_words[] = {
    ngx_string("off"),      /* NGX_HTTP_NOTIFY_LOG_IS_OFF */
    ngx_string("unchanged"),
    ngx_string("done")
};

/* of this worker: those with a command of their own */
static ngx_queue_t  ngx_http_notify_log_appends = {
    &ngx_http_notify_log_appends, &ngx_http_notify_log_appends
};


ngx_http_notify_log_publish_t *
ngx_http_notify_log_publish(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_log_publisher_t *publisher,
    const ngx_http_notify_log_entry_t *entries, ngx_uint_t n, size_t max_size,
    ngx_http_notify_log_publish_pt handler, void *data)
{
    ngx_int_t                         rc;
    ngx_http_notify_log_publish_t    *p;
    ngx_http_notify_log_batch_ctx_t   ctx;

    ctx.redis = redis;
    ctx.keys = keys;
    ctx.max_size = max_size;
    ctx.entries = entries;
    ctx.n = n;

    p = ngx_http_notify_log_publish_create(&ctx, handler, data);
    if (p == NULL) {
        return NULL;
    }

    if (publisher) {
        rc = ngx_http_notify_log_batch_numbered(&ctx, publisher);

    } else if (ngx_http_notify_log_publish_plain(&ctx)) {
        rc = ngx_http_notify_log_publish_append(&ctx);

    } else {
        rc = ngx_http_notify_log_batch_add(&ctx);
    }

    if (rc != NGX_OK) {
        ngx_free(p);
        return NULL;
    }

    return p;
}


ngx_uint_t
ngx_http_notify_log_publish_held(const ngx_http_notify_redis_t *redis)
{
    return ngx_http_notify_log_batch_held(redis, NULL);
}


void
ngx_http_notify_log_publish_exit(void)
{
    ngx_queue_t  *q;

    ngx_http_notify_log_batch_exit();

    while (!ngx_queue_empty(&ngx_http_notify_log_appends)) {
        q = ngx_queue_head(&ngx_http_notify_log_appends);
        ngx_queue_remove(q);

        ngx_free(ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue));
    }
}


static ngx_http_notify_log_publish_t *
ngx_http_notify_log_publish_create(ngx_http_notify_log_batch_ctx_t *ctx,
    ngx_http_notify_log_publish_pt handler, void *data)
{
    ngx_http_notify_log_publish_t  *p;

    if (ctx->n == 0 || ctx->n > NGX_HTTP_NOTIFY_LOG_PUBLISH_MAX) {
        return NULL;
    }

    p = ngx_alloc(offsetof(ngx_http_notify_log_publish_t, ids)
                  + ctx->n * sizeof(ngx_http_notify_id_t), ngx_cycle->log);
    if (p == NULL) {
        return NULL;
    }

    ngx_memzero(&p->published, sizeof(ngx_http_notify_log_published_t));

    p->redis = ctx->redis;
    p->handler = handler;
    p->data = data;
    p->n = ctx->n;

    ctx->publish = &p->wait;
    ctx->handler = ngx_http_notify_log_publish_answers;

    return p;
}


/* whether it can be appended as it is, and overtakes nothing */

static ngx_uint_t
ngx_http_notify_log_publish_plain(const ngx_http_notify_log_batch_ctx_t *ctx)
{
    return ctx->n == 1
           && ctx->max_size == 0
           && ctx->entries->flag == NGX_HTTP_NOTIFY_LOG_FREE
           && ctx->entries->key.len == 0
           && ctx->entries->last.len == 0
           && ctx->entries->request.len == 0
           && !ctx->entries->hole
           && !ngx_http_notify_log_batch_held(ctx->redis, ctx->keys);
}


static ngx_int_t
ngx_http_notify_log_publish_append(const ngx_http_notify_log_batch_ctx_t *ctx)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(ctx->redis, "XADD",
                                          ngx_http_notify_log_publish_appended,
                                          ctx->publish);

    ngx_http_notify_command_key(command, ctx->keys, "log");
    ngx_http_notify_command_text(command, "*");
    ngx_http_notify_log_write(command, &ctx->entries->event);

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_http_notify_log_appends, &ctx->publish->queue);

    return NGX_OK;
}


static void
ngx_http_notify_log_publish_appended(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_publish_t *p = data;

    ngx_queue_remove(&p->wait.queue);

    ngx_http_notify_log_publish_answered(p,
                                 ngx_http_notify_log_publish_result(p, resp));
}


static void
ngx_http_notify_log_publish_answers(ngx_queue_t *publishes,
    const ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                      i;
    ngx_queue_t                    *q;
    ngx_http_notify_log_status_e    status;
    ngx_http_notify_log_publish_t  *p;

    /* all are of one connection */

    p = (ngx_http_notify_log_publish_t *) ngx_queue_data(
            ngx_queue_head(publishes), ngx_http_notify_log_replicas_t, queue);

    status = ngx_http_notify_log_publish_verdict(p->redis, resp);

    if (status == NGX_HTTP_NOTIFY_LOG_OK
        && resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY)
    {
        status = ngx_http_notify_log_publish_invalid();
    }

    for (i = 0; !ngx_queue_empty(publishes); i++) {
        q = ngx_queue_head(publishes);
        ngx_queue_remove(q);

        p = (ngx_http_notify_log_publish_t *)
                ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue);

        ngx_http_notify_log_publish_answered(p,
            (status == NGX_HTTP_NOTIFY_LOG_OK)
            ? ngx_http_notify_log_publish_result(p,
                                            ngx_http_notify_resp_at(resp, i))
            : status);
    }
}


/* what Redis says of a call, or of a publish in it */

static ngx_http_notify_log_status_e
ngx_http_notify_log_publish_verdict(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_resp_t *resp)
{
    switch (ngx_http_notify_script_verdict(redis, resp, "log")) {

    case NGX_OK:
        return NGX_HTTP_NOTIFY_LOG_OK;

    case NGX_DECLINED:
        return NGX_HTTP_NOTIFY_LOG_FULL;

    default:
        return NGX_HTTP_NOTIFY_LOG_UNAVAILABLE;
    }
}


/* resp: of this publish; NULL: there is none */

static ngx_http_notify_log_status_e
ngx_http_notify_log_publish_result(ngx_http_notify_log_publish_t *p,
    const ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_resp_t           *number;
    ngx_http_notify_log_status_e      status;
    ngx_http_notify_log_published_t  *published;

    status = ngx_http_notify_log_publish_verdict(p->redis, resp);

    if (status != NGX_HTTP_NOTIFY_LOG_OK) {
        return status;
    }

    published = &p->published;
    published->n = p->n;
    published->ids = p->ids;

    if (p->n == 1
        && ngx_http_notify_log_publish_id(resp, &p->ids[0]) == NGX_OK)
    {
        return NGX_HTTP_NOTIFY_LOG_OK;
    }

    if (ngx_http_notify_script_says(resp, "full")) {
        return NGX_HTTP_NOTIFY_LOG_FULL;
    }

    if (ngx_http_notify_script_says(resp, "gap")) {
        return NGX_HTTP_NOTIFY_LOG_GAP;
    }

    number = ngx_http_notify_resp_at(resp, 1);

    if (number == NULL || number->type != NGX_HTTP_NOTIFY_RESP_INTEGER) {
        return ngx_http_notify_log_publish_invalid();
    }

    if (ngx_http_notify_script_says(resp, "conflict")) {
        published->conflict = number->integer;
        return NGX_HTTP_NOTIFY_LOG_CONFLICT;
    }

    if (!ngx_http_notify_script_says(resp, "ok")
        || ngx_http_notify_log_publish_ids(p, resp) != NGX_OK)
    {
        return ngx_http_notify_log_publish_invalid();
    }

    published->repeated = (number->integer == 0);

    return NGX_HTTP_NOTIFY_LOG_OK;
}


static ngx_http_notify_log_status_e
ngx_http_notify_log_publish_invalid(void)
{
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify log: unexpected answer to a publish");

    return NGX_HTTP_NOTIFY_LOG_UNAVAILABLE;
}


/* of events that were published, or why there are none */

static ngx_int_t
ngx_http_notify_log_publish_ids(ngx_http_notify_log_publish_t *p,
    const ngx_http_notify_resp_t *resp)
{
    ngx_uint_t               i, w, nwords;
    ngx_str_t               *words;
    ngx_http_notify_resp_t  *text;

    words = ngx_http_notify_log_words;
    nwords = sizeof(ngx_http_notify_log_words) / sizeof(ngx_str_t);

    for (i = 0; i < p->n; i++) {
        text = ngx_http_notify_resp_at(resp, 2 + i);

        if (text == NULL) {
            return NGX_DECLINED;
        }

        if (ngx_http_notify_log_publish_id(text, &p->ids[i]) == NGX_OK) {
            continue;
        }

        for (w = 0; w < nwords; w++) {
            if (ngx_http_notify_text_equal(&text->str, &words[w])) {
                break;
            }
        }

        if (w == nwords) {
            return NGX_DECLINED;
        }

        p->ids[i].ms = 0;
        p->ids[i].seq = w;
        p->published.skipped++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_log_publish_id(const ngx_http_notify_resp_t *resp,
    ngx_http_notify_id_t *id)
{
    return resp->type == NGX_HTTP_NOTIFY_RESP_STRING
           ? ngx_http_notify_id_parse(&resp->str, id) : NGX_DECLINED;
}


static void
ngx_http_notify_log_publish_answered(ngx_http_notify_log_publish_t *p,
    ngx_http_notify_log_status_e status)
{
    p->published.status = status;

    if (status == NGX_HTTP_NOTIFY_LOG_OK
        && ngx_http_notify_log_replicas(p->redis, &p->wait,
                                        ngx_http_notify_log_publish_waited)
           == NGX_OK)
    {
        return;
    }

    ngx_http_notify_log_publish_end(p);
}


static void
ngx_http_notify_log_publish_waited(ngx_int_t rc,
    ngx_http_notify_log_replicas_t *wait)
{
    ngx_http_notify_log_publish_t  *p;

    p = (ngx_http_notify_log_publish_t *) wait;

    if (rc != NGX_OK) {
        p->published.status = NGX_HTTP_NOTIFY_LOG_UNAVAILABLE;
    }

    ngx_http_notify_log_publish_end(p);
}


static void
ngx_http_notify_log_publish_end(ngx_http_notify_log_publish_t *p)
{
    if (p->handler) {
        p->handler(&p->published, p->data);
    }

    ngx_free(p);
}
