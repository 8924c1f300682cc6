/*
 * From a request and its answer to an event, by one notify_emit.  Run once a
 * request and directive; what cannot be an event is counted and dropped.
 * Must not know how the event gets to Redis.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_emit.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_trusted.h"
#include "ngx_http_notify_unchanged.h"
#include "ngx_http_notify_outbox.h"


#define NGX_HTTP_NOTIFY_EMIT_EVENT_DIGEST  32


static void ngx_http_notify_emit_answered(ngx_int_t rc, void *data);
static ngx_int_t ngx_http_notify_emit_event(ngx_http_request_t *r,
    ngx_http_notify_emit_conf_t *emit, ngx_http_notify_log_entry_t *entry);
static ngx_int_t ngx_http_notify_emit_event_data(ngx_http_request_t *r,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *data);
static ngx_int_t ngx_http_notify_emit_event_body(ngx_http_request_t *r,
    ngx_str_t *text, const char **reason);
static ngx_int_t ngx_http_notify_emit_event_answer(ngx_http_request_t *r,
    ngx_str_t *text, const char **reason);
static ngx_int_t ngx_http_notify_emit_event_text(ngx_http_request_t *r,
    ngx_str_t *text, ngx_str_t *json);
static ngx_int_t ngx_http_notify_emit_event_key(ngx_http_request_t *r,
    ngx_http_notify_log_entry_t *entry);
static ngx_int_t ngx_http_notify_emit_event_digest(ngx_http_request_t *r,
    const ngx_str_t *parts, ngx_uint_t n, ngx_str_t *digest);
static ngx_int_t ngx_http_notify_emit_event_drop(ngx_http_request_t *r,
    ngx_http_notify_emit_conf_t *emit, const ngx_str_t *tenant,
    ngx_http_notify_invalid_t *invalid);


ngx_int_t
ngx_http_notify_emit(ngx_http_request_t *r, ngx_http_notify_emit_ctx_t *ctx,
    ngx_http_notify_emit_conf_t *emit, ngx_uint_t wait)
{
    ngx_int_t                         rc;
    ngx_uint_t                        ready;
    ngx_http_notify_redis_t          *redis;
    ngx_http_notify_outbox_t         *outbox;
    ngx_http_notify_channel_t        *channel;
    ngx_http_notify_log_entry_t       entry;
    ngx_http_notify_emit_conf_t     **done;
    ngx_http_notify_emit_pending_t   *pending, **slot;

    rc = ngx_http_notify_emit_event(r, emit, &entry);

    if (rc != NGX_OK && rc != NGX_BUSY && rc != NGX_ABORT) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    done = ngx_array_push(&ctx->done);
    if (done == NULL) {
        return NGX_ERROR;
    }

    *done = emit;

    wait = wait && emit->commit;

    if (rc == NGX_BUSY) {
        return wait && emit->fail ? NGX_DECLINED : NGX_OK;
    }

    if (rc == NGX_ABORT) {
        return wait && emit->fail ? NGX_ABORT : NGX_OK;
    }

    channel = ngx_http_notify_channel_of(emit->source.channel,
                                         &entry.event.tenant);

    redis = channel->publishes;
    ready = ngx_http_notify_outbox_ready(redis);

    outbox = ngx_http_notify_outbox_open(&channel->keys, channel->max_size,
                                         channel->metrics);

    if (outbox == NULL || (wait && emit->fail && !ready)) {
        return wait && emit->fail ? NGX_DECLINED : NGX_OK;
    }

    if (!wait || !ready) {
        (void) ngx_http_notify_outbox_add(outbox, redis, &entry, NULL, NULL);
        return NGX_OK;
    }

    pending = ngx_palloc(ctx->request->pool,
                         sizeof(ngx_http_notify_emit_pending_t));
    slot = ngx_array_push(&ctx->pending);

    if (pending == NULL || slot == NULL) {
        return NGX_ERROR;
    }

    *slot = pending;

    pending->ctx = ctx;
    pending->emit = emit;
    pending->event = ngx_http_notify_outbox_add(outbox, redis, &entry,
                                                ngx_http_notify_emit_answered,
                                                pending);
    if (pending->event == NULL) {
        return emit->fail ? NGX_DECLINED : NGX_OK;
    }

    ctx->waiting++;

    return NGX_AGAIN;
}


static void
ngx_http_notify_emit_answered(ngx_int_t rc, void *data)
{
    ngx_http_notify_emit_pending_t *pending = data;

    ngx_http_notify_emit_ctx_t  *ctx;

    ctx = pending->ctx;

    if (rc != NGX_OK && pending->emit->fail) {
        ctx->failed = 1;

        if (rc == NGX_ERROR) {
            ngx_http_notify_outbox_withdraw(pending->event);
        }
    }

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_source_log(ctx->request,
                                                 &pending->emit->source),
                      0, "notify emit: \"%V\" is not committed, the client "
                      "gets %s", &pending->emit->source.event,
                      pending->emit->fail ? "503" : "its answer");
    }

    pending->event = NULL;

    ngx_http_notify_emit_settled(ctx);
}


/* NGX_DECLINED: there is none (the condition, a validation that
 * failed and was counted); NGX_BUSY: the tenant's rate is used up; NGX_ABORT:
 * it is a loop; slices of r's pool */

static ngx_int_t
ngx_http_notify_emit_event(ngx_http_request_t *r,
    ngx_http_notify_emit_conf_t *emit, ngx_http_notify_log_entry_t *entry)
{
    ngx_int_t                      rc;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_invalid_t      invalid;
    ngx_http_notify_event_form_t   form;

    rc = ngx_http_notify_source_if(r, emit->condition);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(entry, sizeof(ngx_http_notify_log_entry_t));
    ngx_memzero(&invalid, sizeof(ngx_http_notify_invalid_t));
    ngx_memzero(&form, sizeof(ngx_http_notify_event_form_t));

    event = &entry->event;
    invalid.pool = r->pool;

    form.invalid = &invalid;
    form.event = event;

    rc = ngx_http_notify_source_tenant(r, &emit->source, &event->tenant);

    if (rc != NGX_OK) {
        ngx_str_null(&event->tenant);
    }

    if (rc == NGX_OK) {
        ngx_http_notify_source_form(r, &emit->source, &form);

        if (event->hops == NGX_HTTP_NOTIFY_TRUSTED_LOOP) {
            ngx_http_notify_tenants_add(emit->source.channel->metrics,
                                        &event->tenant,
                                        NGX_HTTP_NOTIFY_METRICS_HOPS, 1);
            ngx_log_error(NGX_LOG_WARN,
                          ngx_http_notify_source_log(r, &emit->source), 0,
                          "notify emit: \"%V\" is not emitted: it comes back "
                          "by our own call, a loop", &emit->source.event);
            return NGX_ABORT;
        }

        rc = ngx_http_notify_source_params(r, &emit->source, &form);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_emit_event_data(r, emit, &event->data);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_event_form_end(&form);
    }

    if (rc == NGX_DECLINED || rc == NGX_ABORT) {
        return ngx_http_notify_emit_event_drop(r, emit, &event->tenant,
                                               &invalid);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_limits_publish(emit->source.channel, &event->tenant, 1))
    {
        ngx_http_notify_tenants_add(emit->source.channel->metrics,
                                    &event->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_REFUSED, 1);
        return NGX_BUSY;
    }

    entry->flag = form.flag;

    if (ngx_http_notify_unchanged(r->pool, emit->source.channel, entry)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_emit_event_key(r, entry);
}


/* JSON text; empty, counted and logged, where what there is cannot be sent */

static ngx_int_t
ngx_http_notify_emit_event_data(ngx_http_request_t *r,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *data)
{
    ngx_int_t                     rc;
    ngx_str_t                     text;
    ngx_http_notify_json_error_t  error;

    ngx_str_null(&text);
    error.reason = "the value is not UTF-8";

    switch (emit->data) {

    case NGX_HTTP_NOTIFY_EMIT_REQUEST:
        rc = ngx_http_notify_emit_event_body(r, &text, &error.reason);
        break;

    case NGX_HTTP_NOTIFY_EMIT_RESPONSE:
        rc = ngx_http_notify_emit_event_answer(r, &text, &error.reason);
        break;

    case NGX_HTTP_NOTIFY_EMIT_VALUE:
        rc = ngx_http_complex_value(r, emit->value, &text);

        if (rc == NGX_OK && text.len) {
            rc = ngx_http_notify_emit_event_text(r, &text, data);
        }

        text.len = 0;
        break;

    default: /* NGX_HTTP_NOTIFY_EMIT_NOTHING */
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK && text.len) {
        rc = ngx_http_notify_json_scan(&text, data, &error);
    }

    if (rc != NGX_OK) {
        ngx_str_null(data);
        ngx_http_notify_metrics_add(emit->source.channel->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_UNREAD, 1);

        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_source_log(r, &emit->source), 0,
                      "notify emit: event \"%V\" has no data: %s",
                      &emit->source.event, error.reason);
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is there and cannot be had */

static ngx_int_t
ngx_http_notify_emit_event_body(ngx_http_request_t *r, ngx_str_t *text,
    const char **reason)
{
    if (r->main->request_body == NULL) {
        *reason = "the request's body was not read";

        return (r->main->headers_in.content_length_n > 0
                || r->main->headers_in.chunked)
               ? NGX_DECLINED : NGX_OK;
    }

    *reason = "the request's body is longer than notify_body_size";

    return ngx_http_notify_body(r->main, ngx_http_notify_body_size(r), text);
}


static ngx_int_t
ngx_http_notify_emit_event_answer(ngx_http_request_t *r, ngx_str_t *text,
    const char **reason)
{
    ngx_http_notify_emit_answer_t  *answer;

    answer = ngx_http_notify_emit_answer(r);

    if (answer == NULL) {
        return NGX_OK;
    }

    if (!answer->usable) {
        *reason = "the answer is longer than notify_body_size, compressed, "
                  "or not whole";
        return NGX_DECLINED;
    }

    *text = answer->text;

    return NGX_OK;
}


/* what a variable says: JSON, or else a string */

static ngx_int_t
ngx_http_notify_emit_event_text(ngx_http_request_t *r, ngx_str_t *text,
    ngx_str_t *json)
{
    ngx_http_notify_json_error_t  error;

    if (ngx_http_notify_json_scan(text, json, &error) == NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_notify_json_quote(r->pool, text, json);
}


/* as the REST API has it, so that an id is one thing in both */

static ngx_int_t
ngx_http_notify_emit_event_key(ngx_http_request_t *r,
    ngx_http_notify_log_entry_t *entry)
{
    ngx_str_t                *parts;
    ngx_uint_t                i, n;
    ngx_http_notify_event_t  *event;

    event = &entry->event;

    if (event->uid.len == 0) {
        return NGX_OK;
    }

    parts = ngx_palloc(r->pool, (8 + 2 * event->nattributes)
                                * sizeof(ngx_str_t));
    if (parts == NULL) {
        return NGX_ERROR;
    }

    parts[0] = event->tenant;
    parts[1] = event->uid;

    if (ngx_http_notify_emit_event_digest(r, parts, 2, &entry->key) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = 0;
    parts[n++] = event->type;
    parts[n++] = event->entity_type_id;
    parts[n++] = event->entity_id;
    parts[n++] = event->data;
    parts[n++] = event->session_id;
    parts[n++] = event->customer_id;
    parts[n++] = event->conversation_id;

    for (i = 0; i < event->nattributes; i++) {
        parts[n++] = event->attributes[i].key;
        parts[n++] = event->attributes[i].value;
    }

    return ngx_http_notify_emit_event_digest(r, parts, n, &entry->body);
}


static ngx_int_t
ngx_http_notify_emit_event_digest(ngx_http_request_t *r,
    const ngx_str_t *parts, ngx_uint_t n, ngx_str_t *digest)
{
    digest->len = NGX_HTTP_NOTIFY_EMIT_EVENT_DIGEST;
    digest->data = ngx_pnalloc(r->pool, digest->len);

    if (digest->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_id_digest(parts, n, digest->data);
}


static ngx_int_t
ngx_http_notify_emit_event_drop(ngx_http_request_t *r,
    ngx_http_notify_emit_conf_t *emit, const ngx_str_t *tenant,
    ngx_http_notify_invalid_t *invalid)
{
    ngx_keyval_t  *reason;

    ngx_http_notify_tenants_add(emit->source.channel->metrics, tenant,
                                NGX_HTTP_NOTIFY_METRICS_REFUSED, 1);

    if (invalid->list && invalid->list->nelts) {
        reason = invalid->list->elts;

        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_source_log(r, &emit->source), 0,
                      "notify emit: \"%V\" is not emitted: %V %V",
                      &emit->source.event, &reason->key, &reason->value);

    } else {
        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_source_log(r, &emit->source), 0,
                      "notify emit: \"%V\" is not emitted: there is no tenant",
                      &emit->source.event);
    }

    return NGX_DECLINED;
}
