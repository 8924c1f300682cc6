/*
 * Targets: all of a call that is the same for every event, made once.  The
 * subscription is only read, and outlives the target.
 */

#include "ngx_http_notify_call_target.h"
#include "ngx_http_notify_custom.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_tls.h"


static ngx_int_t ngx_http_notify_call_target_own(
    ngx_http_notify_target_t *target, const void **tag, const char **reason);
static ngx_int_t ngx_http_notify_call_target_tls(
    ngx_http_notify_target_t *target, const void **tag, const char **reason);
static ngx_uint_t ngx_http_notify_call_target_trace(
    const ngx_http_notify_target_t *target);
static ngx_int_t ngx_http_notify_call_target_head(
    ngx_http_notify_target_t *target);


ngx_http_notify_target_t *
ngx_http_notify_call_target(const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_log_t *log,
    const char **reason)
{
    const void                *tag;
    ngx_pool_t                *pool;
    ngx_http_notify_target_t  *target;

    *reason = NULL;

    target = ngx_http_notify_memory_pool(&pool, 1024,
                                         sizeof(ngx_http_notify_target_t),
                                         log);
    if (target == NULL) {
        return NULL;
    }

    target->pool = pool;
    target->conf = conf;
    target->subscription = subscription;

    if (ngx_http_notify_call_target_own(target, &tag, reason) != NGX_OK) {
        goto failed;
    }

    target->constant = ngx_http_notify_payload_headers_constant(
                                                             target->payload);
    target->token = conf->token;
    target->trace = ngx_http_notify_call_target_trace(target);

    /* the reason may live as long as the subscription */

    if (ngx_http_notify_guard_url(subscription->pool, &subscription->url,
                                  &conf->guard, &target->url, reason)
        != NGX_OK)
    {
        goto failed;
    }

    if (conf->sign.schemes.nelts) {
        target->keyless = "no memory";
        target->keys = ngx_http_notify_sign_keys(pool, &conf->sign,
                                                 subscription,
                                                 &target->keyless);
    }

    if (ngx_http_notify_call_target_head(target) != NGX_OK) {
        goto failed;
    }

    target->host = ngx_http_notify_host_get(tag, conf->keepalive,
                                            conf->keepalive_idle,
                                            &target->url, log);
    if (target->host == NULL) {
        goto failed;
    }

    return target;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


/* what it has of the profile, and what is its own */

static ngx_int_t
ngx_http_notify_call_target_own(ngx_http_notify_target_t *target,
    const void **tag, const char **reason)
{
    uint64_t                            ms;
    ngx_uint_t                          own;
    const char                         *why;
    ngx_http_notify_json_t             *document, *value;
    ngx_http_notify_payload_conf_t     *payload;
    const ngx_http_notify_call_conf_t  *conf;

    conf = target->conf;
    own = conf->customize;
    why = NULL;
    document = target->subscription->document;

    target->payload = &conf->payload;
    target->state = conf->state;
    target->timeout = conf->timeout;
    target->verify = conf->ssl_verify;
    *tag = conf->state;

    if (document == NULL) {
        return NGX_OK;
    }

    if (own & (NGX_HTTP_NOTIFY_CUSTOM_PAYLOAD|NGX_HTTP_NOTIFY_CUSTOM_BATCH)) {
        payload = ngx_palloc(target->pool,
                             sizeof(ngx_http_notify_payload_conf_t));

        if (payload == NULL
            || ngx_http_notify_custom_body(target->subscription->pool, conf,
                                           document, payload, &why)
               != NGX_OK)
        {
            *reason = payload ? why : NULL;
            return NGX_ERROR;
        }

        target->payload = payload;
    }

    value = ngx_http_notify_json_get(document, "timeout");

    if (value && (own & NGX_HTTP_NOTIFY_CUSTOM_TIMEOUT)
        && ngx_http_notify_custom_time(value, &ms) == NGX_OK)
    {
        target->timeout = ngx_min((ngx_msec_t) ms, conf->timeout);
    }

    return (own & NGX_HTTP_NOTIFY_CUSTOM_TLS)
           ? ngx_http_notify_call_target_tls(target, tag, reason) : NGX_OK;
}


static ngx_int_t
ngx_http_notify_call_target_tls(ngx_http_notify_target_t *target,
    const void **tag, const char **reason)
{
    const char              *member, *why;
    ngx_http_notify_tls_t    tls;
    ngx_http_notify_json_t  *value;

    static uintptr_t  last = 1;

    value = ngx_http_notify_json_get(target->subscription->document, "tls");

    if (value == NULL) {
        return NGX_OK;
    }

    ngx_http_notify_tls_read(value, &tls);

    switch (ngx_http_notify_tls_state(target->pool, target->conf, &tls,
                                      &target->state, &member, &why))
    {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        *reason = "its tls cannot be used";
        return NGX_ERROR;

    default:
        return NGX_ERROR;
    }

    target->server_name = tls.server_name;
    target->verify = target->verify || tls.ca.len;

    /* its connections are not for others, nor for it once it was changed:
     * odd, it is never that of a state */

    last += 2;
    *tag = (const void *) last;

    return NGX_OK;
}


/* not where the profile or the subscription writes a header of these names */

static ngx_uint_t
ngx_http_notify_call_target_trace(const ngx_http_notify_target_t *target)
{
    ngx_uint_t                             i;
    const ngx_http_notify_subscription_t  *subscription;

    static const ngx_str_t  names[] = {
        ngx_string("traceparent"), ngx_string("tracestate")
    };

    subscription = target->subscription;

    for (i = 0; target->conf->trace && i < 2; i++) {

        if (ngx_http_notify_payload_header_given(target->payload, &names[i])
            || ngx_http_notify_text_find_nocase(&names[i],
                                                subscription->headers,
                                                subscription->nheaders,
                                                sizeof(ngx_keyval_t)))
        {
            return 0;
        }
    }

    return target->conf->trace;
}


static ngx_int_t
ngx_http_notify_call_target_head(ngx_http_notify_target_t *target)
{
    size_t                        len;
    u_char                       *p;
    ngx_http_notify_guard_url_t  *url;
    const ngx_str_t              *method;

    url = &target->url;
    method = &target->payload->method;

    len = method->len + sizeof(" /") - 1 + url->uri.len
          + sizeof(" HTTP/1.1" CRLF "Host: ") - 1 + url->authority.len
          + sizeof(CRLF "Connection: close") - 1
          + sizeof(CRLF "Content-Length: ") - 1;

    p = ngx_pnalloc(target->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    target->head.data = p;

    p = ngx_cpymem(p, method->data, method->len);
    *p++ = ' ';

    if (url->uri.len == 0 || url->uri.data[0] != '/') {
        *p++ = '/';
    }

    p = ngx_cpymem(p, url->uri.data, url->uri.len);
    p = ngx_cpymem(p, " HTTP/1.1" CRLF "Host: ",
                   sizeof(" HTTP/1.1" CRLF "Host: ") - 1);
    p = ngx_cpymem(p, url->authority.data, url->authority.len);

    if (target->conf->keepalive == 0) {
        p = ngx_cpymem(p, CRLF "Connection: close",
                       sizeof(CRLF "Connection: close") - 1);
    }

    p = ngx_cpymem(p, CRLF "Content-Length: ",
                   sizeof(CRLF "Content-Length: ") - 1);

    target->head.len = p - target->head.data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_call_target_ask(ngx_http_notify_target_t *target,
    const char *method, const ngx_str_t *line)
{
    ngx_http_notify_payload_conf_t  *payload;

    payload = ngx_palloc(target->pool, sizeof(ngx_http_notify_payload_conf_t));
    if (payload == NULL) {
        return NGX_ERROR;
    }

    *payload = target->conf->payload;
    payload->kind = NGX_HTTP_NOTIFY_PAYLOAD_BARE;
    payload->success = NULL;
    payload->batch.max = 0;
    payload->method = ngx_http_notify_text(method);
    ngx_str_set(&payload->content_type, "application/json");

    target->line.len = line->len;
    target->line.data = ngx_pstrdup(target->pool, (ngx_str_t *) line);

    if (target->line.data == NULL) {
        return NGX_ERROR;
    }

    target->payload = payload;
    target->constant = 0;

    return ngx_http_notify_call_target_head(target);
}


void
ngx_http_notify_call_target_at(ngx_http_notify_target_t *target,
    const ngx_addr_t *addr)
{
    ngx_memcpy(&target->url.sockaddr, addr->sockaddr, addr->socklen);

    target->url.socklen = addr->socklen;
    target->url.known = 1;
}


void
ngx_http_notify_call_target_share(ngx_http_notify_target_t *target,
    ngx_http_notify_share_t *share)
{
    share->references++;
    target->share = share;
}


void
ngx_http_notify_call_target_token(ngx_http_notify_target_t *target,
    ngx_http_notify_token_source_t *source)
{
    target->token = source;
}


void
ngx_http_notify_call_target_push(ngx_http_notify_target_t *target,
    const ngx_http_notify_webpush_t *push)
{
    target->push = push;
}


void
ngx_http_notify_call_target_release(ngx_http_notify_target_t *target,
    void (*gone)(void *data), void *data)
{
    target->released = 1;
    target->gone = gone;
    target->data = data;

    /* as if by a call that ends now */

    target->calls++;

    ngx_http_notify_call_target_unref(target);
}


void
ngx_http_notify_call_target_unref(ngx_http_notify_target_t *target)
{
    void   *data;
    void  (*gone)(void *data);

    if (--target->calls || !target->released) {
        return;
    }

    gone = target->gone;
    data = target->data;

    ngx_http_notify_host_release(target->host);
    ngx_http_notify_share_release(target->share);
    ngx_destroy_pool(target->pool);

    if (gone) {
        gone(data);
    }
}
