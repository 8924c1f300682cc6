/*
 * The request of a call: its head, lines and body as the bytes that are sent.
 * What is the same for others is made once.  Must not know where it goes.
 */

#include "ngx_http_notify_call_internal.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_trace.h"


#define NGX_HTTP_NOTIFY_CALL_SHARED  65536  /* bytes of a body */
#define NGX_HTTP_NOTIFY_CALL_SMALL   1024   /* a body sent with its head */
#define NGX_HTTP_NOTIFY_CALL_RECORD  16384  /* both, over TLS */


static ngx_int_t ngx_http_notify_call_body(ngx_http_notify_call_t *call,
    ngx_http_notify_payload_context_t *context, ngx_str_t *body);
static ngx_int_t ngx_http_notify_call_lines(ngx_http_notify_call_t *call,
    ngx_http_notify_payload_context_t *context, ngx_str_t *lines);
static ngx_int_t ngx_http_notify_call_bearer(ngx_http_notify_call_t *call,
    ngx_str_t *lines);
static u_char *ngx_http_notify_call_head(ngx_http_notify_call_t *call,
    u_char *p);
static ngx_int_t ngx_http_notify_call_bufs(ngx_http_notify_call_t *call,
    const ngx_str_t *lines, const ngx_str_t *body);


ngx_int_t
ngx_http_notify_call_request(ngx_http_notify_call_t *call)
{
    ngx_int_t                           rc;
    ngx_str_t                           body, lines;
    ngx_http_notify_target_t           *target;
    ngx_http_notify_payload_context_t   context;

    target = call->target;

    if (target->keyless && target->keys == NULL) {
        ngx_http_notify_call_result_fail(call, NGX_HTTP_NOTIFY_CALL_FATAL,
                                         "no signing key", target->keyless);
        return NGX_ERROR;
    }

    ngx_memzero(&context, sizeof(ngx_http_notify_payload_context_t));

    context.event = call->event;
    context.subscription = target->subscription;
    context.channel = call->channel;
    context.attempt = call->attempt;
    context.method = &target->payload->method;
    context.authority = &target->url.authority;
    context.uri = &target->url.uri;
    context.timestamp = ngx_time();

    rc = ngx_http_notify_call_body(call, &context, &body);

    if (rc == NGX_OK && target->push) {
        rc = ngx_http_notify_webpush_body(call->pool, target->push, &body);

        if (rc == NGX_DECLINED) {
            ngx_http_notify_call_result_fail(call, NGX_HTTP_NOTIFY_CALL_FATAL,
                                             "message too long",
                                             "4096 bytes encrypted");
            return NGX_ERROR;
        }
    }

    if (rc == NGX_OK && target->conf->fcm) {
        rc = ngx_http_notify_fcm_body(call->pool, &body);
        context.payload = body;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_call_lines(call, &context, &lines);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_call_bufs(call, &lines, &body);
    }

    if (rc == NGX_DECLINED) {
        ngx_http_notify_call_result_fail(call, NGX_HTTP_NOTIFY_CALL_FATAL,
                                         "header not allowed",
                                         "control character");

    } else if (rc != NGX_OK) {
        ngx_http_notify_call_result_fail(call, NGX_HTTP_NOTIFY_CALL_RETRY,
                                         "no memory", NULL);
    }

    return rc;
}


/* where others wait for the same event, what is the same is made once */

static ngx_int_t
ngx_http_notify_call_body(ngx_http_notify_call_t *call,
    ngx_http_notify_payload_context_t *context, ngx_str_t *body)
{
    ngx_http_notify_event_t               *event;
    const ngx_http_notify_payload_conf_t  *conf;

    conf = call->target->payload;
    event = call->event;

    if (conf->batch.max) {
        return ngx_http_notify_batch_body(call->pool, conf, call->batch,
                                          context, body);
    }

    if (event->shared_by == conf) {
        *body = event->shared;
        context->payload = *body;
        return NGX_OK;
    }

    if (ngx_http_notify_payload_body(call->pool, conf, context, body)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* this call, whoever started it, and others */

    if (event->shared_by == NULL && event->refs > 2
        && conf == &call->target->conf->payload
        && body->len <= NGX_HTTP_NOTIFY_CALL_SHARED
        && ngx_http_notify_payload_shared(conf))
    {
        event->shared.data = ngx_alloc(body->len, ngx_cycle->log);

        if (event->shared.data) {
            ngx_memcpy(event->shared.data, body->data, body->len);
            event->shared.len = body->len;
            event->shared_by = conf;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_call_lines(ngx_http_notify_call_t *call,
    ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char                    *p;
    ngx_int_t                  rc;
    ngx_pool_t                *pool;
    ngx_http_notify_target_t  *target;

    target = call->target;

    *lines = target->lines;

    if (lines->len == 0) {
        pool = target->constant ? target->pool : call->pool;

        rc = ngx_http_notify_payload_headers(pool, target->payload, context,
                                             lines);
        if (rc != NGX_OK) {
            return rc;
        }

        if (target->constant) {
            target->lines = *lines;
        }
    }

    if (target->line.len) {
        p = ngx_http_notify_memory_extend(call->pool, lines,
                                          target->line.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(p, target->line.data, target->line.len);
    }

    if (target->trace
        && call->event->traceparent.len == NGX_HTTP_NOTIFY_TRACE_PARENT
        && ngx_http_notify_trace_lines(call->pool, &call->event->traceparent,
                                       &call->event->tracestate, lines)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (call->token.token.len
        && ngx_http_notify_call_bearer(call, lines) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (target->push
        && ngx_http_notify_webpush_lines(call->pool, target->push,
                                         &target->url, context, lines)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (target->keys == NULL) {
        return NGX_OK;
    }

    return ngx_http_notify_sign_headers(call->pool, &target->conf->sign,
                                        target->keys, context, lines);
}


static ngx_int_t
ngx_http_notify_call_bearer(ngx_http_notify_call_t *call, ngx_str_t *lines)
{
    u_char     *p;
    ngx_str_t  *token;

    token = &call->token.token;

    p = ngx_http_notify_memory_extend(call->pool, lines,
               token->len + sizeof("Authorization: Bearer " CRLF) - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(p, "Authorization: Bearer %V" CRLF, token);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_call_bufs(ngx_http_notify_call_t *call, const ngx_str_t *lines,
    const ngx_str_t *body)
{
    size_t       len;
    u_char      *p;
    ngx_str_t   *head, *proxy;
    ngx_uint_t   small, hops;

    static ngx_str_t  none = ngx_null_string;

    head = &call->target->head;
    proxy = (call->peer.to && !call->target->url.ssl)
            ? &call->peer.way->proxy->authorization : &none;

    len = head->len + NGX_SIZE_T_LEN + proxy->len
          + sizeof("http://") - 1 + NGX_SOCKADDR_STRLEN
          + sizeof(CRLF NGX_HTTP_NOTIFY_CALL_HOPS ": ") - 1
          + NGX_HTTP_NOTIFY_HOPS_LEN
          + sizeof(CRLF) - 1 + lines->len + sizeof(CRLF) - 1;

    small = (body->len <= NGX_HTTP_NOTIFY_CALL_SMALL)
            || (call->target->url.ssl
                && len + body->len <= NGX_HTTP_NOTIFY_CALL_RECORD);

    p = ngx_pnalloc(call->pool, len + (small ? body->len : 0));
    if (p == NULL) {
        return NGX_ERROR;
    }

    call->head.start = p;

    p = ngx_http_notify_call_head(call, p);
    p = ngx_sprintf(p, "%uz" CRLF "%V", body->len, proxy);

    if (call->hops) {
        hops = call->batch ? ngx_http_notify_batch_hops(call->batch)
                           : call->event->hops;

        p = ngx_cpymem(p, NGX_HTTP_NOTIFY_CALL_HOPS ": ",
                       sizeof(NGX_HTTP_NOTIFY_CALL_HOPS ": ") - 1);
        p = ngx_http_notify_hops_print(call->hops, p, hops + 1,
                                       &call->event->tenant);
        *p++ = CR; *p++ = LF;
    }

    p = ngx_cpymem(p, lines->data, lines->len);
    *p++ = CR; *p++ = LF;

    if (small && body->len) {
        p = ngx_cpymem(p, body->data, body->len);
    }

    call->head.pos = call->head.start;
    call->head.last = p;
    call->head.end = p;
    call->head.memory = 1;

    call->out[0].buf = &call->head;

    if (small) {
        call->head.flush = 1;
        return NGX_OK;
    }

    call->body.start = body->data;
    call->body.pos = body->data;
    call->body.last = body->data + body->len;
    call->body.end = call->body.last;
    call->body.memory = 1;
    call->body.flush = 1;

    call->out[0].next = &call->out[1];
    call->out[1].buf = &call->body;

    return NGX_OK;
}


/* through a proxy with the address that was checked, not with the name */

static u_char *
ngx_http_notify_call_head(ngx_http_notify_call_t *call, u_char *p)
{
    size_t       method;
    ngx_str_t   *head;
    ngx_addr_t  *to;

    head = &call->target->head;
    to = call->peer.to;

    if (to == NULL || call->target->url.ssl) {
        return ngx_cpymem(p, head->data, head->len);
    }

    method = call->target->payload->method.len + 1;

    p = ngx_cpymem(p, head->data, method);
    p = ngx_cpymem(p, "http://", sizeof("http://") - 1);
    p += ngx_sock_ntop(to->sockaddr, to->socklen, p, NGX_SOCKADDR_STRLEN, 1);

    return ngx_cpymem(p, head->data + method, head->len - method);
}


const ngx_http_notify_batch_conf_t *
ngx_http_notify_call_batches(const ngx_http_notify_target_t *target)
{
    return &target->payload->batch;
}


ngx_http_notify_batch_t *
ngx_http_notify_call_batch(const ngx_http_notify_target_t *target,
    ngx_log_t *log)
{
    return ngx_http_notify_batch_create(target->payload, log);
}


ngx_int_t
ngx_http_notify_call_batch_add(const ngx_http_notify_target_t *target,
    ngx_http_notify_batch_t *batch, ngx_http_notify_event_t *event,
    const ngx_str_t *channel, ngx_uint_t attempt)
{
    ngx_http_notify_payload_context_t  context;

    ngx_memzero(&context, sizeof(ngx_http_notify_payload_context_t));

    context.event = event;
    context.subscription = target->subscription;
    context.channel = channel;
    context.attempt = attempt;
    context.timestamp = ngx_time();

    return ngx_http_notify_batch_add(batch, &context);
}
