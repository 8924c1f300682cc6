/*
 * A request as the profile makes it: what a signature or a subscriber adds is
 * named, its value is not told.
 */

#include "ngx_http_notify_custom.h"
#include "ngx_http_notify_delivery_request.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_profile.h"
#include "ngx_http_notify_sign_conf.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_DELIVERY_REQUEST_MASK  "***"


static ngx_int_t ngx_http_notify_delivery_request_conf(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_profile_t *profile,
    ngx_http_notify_payload_conf_t *conf);
static ngx_int_t ngx_http_notify_delivery_request_standard(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *sign,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);
static void ngx_http_notify_delivery_request_write(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_payload_conf_t *conf, const ngx_str_t *lines,
    const ngx_str_t *body, ngx_http_notify_json_write_t *w);
static void ngx_http_notify_delivery_request_header(
    const ngx_http_notify_subscription_t *subscription,
    ngx_http_notify_json_write_t *w, const ngx_str_t *name,
    const ngx_str_t *value);
static ngx_uint_t ngx_http_notify_delivery_request_secret(
    const ngx_http_notify_subscription_t *subscription,
    const ngx_str_t *name, const ngx_str_t *value);
static ngx_str_t ngx_http_notify_delivery_request_url(ngx_pool_t *pool,
    const ngx_str_t *url);


ngx_int_t
ngx_http_notify_delivery_request(const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row, ngx_str_t *json)
{
    ngx_int_t                                rc;
    ngx_str_t                                body, lines;
    ngx_uint_t                               n;
    ngx_http_notify_profile_t               *profile;
    ngx_http_notify_json_write_t             w;
    ngx_http_notify_payload_conf_t           conf;
    const ngx_http_notify_attempt_t        **attempt;
    ngx_http_notify_payload_context_t        context;

    profile = ngx_http_notify_channel_profile(view->channel,
                                              &view->selector->doc->profile);

    ngx_str_set(json, "null");

    if (row->entry == NULL || profile == NULL) {
        return NGX_OK;
    }

    attempt = ngx_http_notify_delivery_attempts_of(&view->attempts,
                                                   &row->event, &n);

    ngx_memzero(&context, sizeof(ngx_http_notify_payload_context_t));
    ngx_str_null(&lines);

    context.event = row->entry;
    context.subscription = view->selector->doc;
    context.channel = &view->channel->name;
    context.attempt = n ? attempt[n - 1]->attempt : 1;
    context.timestamp = n ? (time_t) (attempt[n - 1]->time / 1000)
                          : ngx_time();

    conf = profile->call.payload;

    rc = ngx_http_notify_delivery_request_conf(view, profile, &conf);

    if (rc == NGX_OK) {
        rc = conf.batch.max
             ? ngx_http_notify_batch_body(view->pool, &conf, NULL, &context,
                                          &body)
             : ngx_http_notify_payload_body(view->pool, &conf, &context,
                                            &body);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_payload_headers(view->pool, &conf, &context,
                                             &lines);
    }

    if (rc != NGX_OK) {
        return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
    }

    if (ngx_http_notify_delivery_request_standard(view->pool,
                                                  &profile->call.sign,
                                                  &context, &lines)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_json_write_init(&w, view->pool);
    ngx_http_notify_delivery_request_write(view, &conf, &lines, &body, &w);

    return ngx_http_notify_json_write_done(&w, json);
}


/* a payload and batches of the subscription's own */

static ngx_int_t
ngx_http_notify_delivery_request_conf(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_profile_t *profile,
    ngx_http_notify_payload_conf_t *conf)
{
    const char  *reason;

    return view->selector->doc->document
           ? ngx_http_notify_custom_body(view->pool, &profile->call,
                                         view->selector->doc->document, conf,
                                         &reason)
           : NGX_OK;
}


/* the headers of Standard Webhooks, appended; their signature has no value */

static ngx_int_t
ngx_http_notify_delivery_request_standard(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *sign,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char                         *p;
    ngx_str_t                       id;
    ngx_http_notify_sign_scheme_t  *scheme;
    u_char                          buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    scheme = ngx_http_notify_sign_conf_find_standard(sign);
    if (scheme == NULL) {
        return NGX_OK;
    }

    ngx_str_null(&id);

    if (scheme->data
        && ngx_http_notify_payload_text(pool, scheme->data, context, &id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (id.len == 0) {
        id = context->batch;
    }

    if (id.len == 0) {
        id.data = buf;
        id.len = ngx_http_notify_id_event(buf, &context->event->id) - buf;
    }

    p = ngx_pnalloc(pool, lines->len + id.len + NGX_TIME_T_LEN
                          + sizeof("webhook-id: " CRLF
                                   "webhook-timestamp: " CRLF
                                   "webhook-signature: " CRLF));
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->len = ngx_sprintf(p, "%Vwebhook-id: %V" CRLF
                             "webhook-timestamp: %T" CRLF
                             "webhook-signature: " CRLF,
                             lines, &id, context->timestamp)
                 - p;
    lines->data = p;

    return NGX_OK;
}


static void
ngx_http_notify_delivery_request_write(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_payload_conf_t *conf, const ngx_str_t *lines,
    const ngx_str_t *body, ngx_http_notify_json_write_t *w)
{
    u_char      *p, *last, *colon, *end;
    ngx_str_t    name, value, *reserved;
    ngx_uint_t   i;

    static const ngx_str_t  mask =
                           ngx_string(NGX_HTTP_NOTIFY_DELIVERY_REQUEST_MASK);

    value = ngx_http_notify_delivery_request_url(view->pool,
                                                 &view->selector->doc->url);

    ngx_http_notify_json_write_object(w, NULL);
    ngx_http_notify_json_write_string(w, "method", &conf->method);
    ngx_http_notify_json_write_string(w, "url", &value);
    ngx_http_notify_json_write_object(w, "headers");

    p = lines->data;
    last = p + lines->len;

    while (p < last) {

        end = ngx_strlchr(p, last, CR);
        colon = ngx_strlchr(p, last, ':');

        if (end == NULL || colon == NULL || colon > end) {
            break;
        }

        name.data = p;
        name.len = colon - p;
        value.data = ngx_min(colon + 2, end);
        value.len = end - value.data;

        ngx_http_notify_delivery_request_header(view->selector->doc, w, &name,
                                                &value);
        p = end + 2;
    }

    reserved = conf->reserved ? conf->reserved->elts : NULL;

    for (i = 0; reserved && i < conf->reserved->nelts; i++) {
        ngx_http_notify_delivery_request_header(NULL, w, &reserved[i], &mask);
    }

    ngx_http_notify_json_write_end(w);
    ngx_http_notify_json_write_string(w, "body", body);
    ngx_http_notify_json_write_end(w);
}


static void
ngx_http_notify_delivery_request_header(
    const ngx_http_notify_subscription_t *subscription,
    ngx_http_notify_json_write_t *w, const ngx_str_t *name,
    const ngx_str_t *value)
{
    u_char     *member;
    ngx_str_t   shown;

    member = ngx_pnalloc(w->pool, name->len + 1);
    if (member == NULL) {
        w->failed = 1;
        return;
    }

    *ngx_cpymem(member, name->data, name->len) = '\0';

    shown = *value;

    if (ngx_http_notify_delivery_request_secret(subscription, name, value)) {
        ngx_str_set(&shown, NGX_HTTP_NOTIFY_DELIVERY_REQUEST_MASK);
    }

    ngx_http_notify_json_write_string(w, (char *) member, &shown);
}


/* what the subscriber gave, and what by its name lets somebody in */

static ngx_uint_t
ngx_http_notify_delivery_request_secret(
    const ngx_http_notify_subscription_t *subscription, const ngx_str_t *name,
    const ngx_str_t *value)
{
    u_char      *p, *last;
    ngx_str_t    key;
    ngx_uint_t   i;

    static const ngx_str_t  words[] = {
        ngx_string("auth"),
        ngx_string("cookie"),
        ngx_string("key"),
        ngx_string("pass"),
        ngx_string("secret"),
        ngx_string("signature"),
        ngx_string("token"),
        ngx_null_string
    };

    for (i = 0; subscription && i < subscription->nheaders; i++) {
        if (ngx_http_notify_text_equal_nocase(&subscription->headers[i].key,
                                              name))
        {
            return 1;
        }
    }

    /* a header of any name may have the subscriber's key; a short one is in
     * many values by chance */

    ngx_str_null(&key);

    if (subscription) {
        key = subscription->api_key;
    }

    if (key.len > 3 || (key.len && key.len == value->len)) {
        last = value->data + value->len;

        for (p = value->data; (size_t) (last - p) >= key.len; p++) {
            if (ngx_memcmp(p, key.data, key.len) == 0) {
                return 1;
            }
        }
    }

    for (i = 0; words[i].len; i++) {
        if (ngx_strlcasestrn(name->data, name->data + name->len,
                             words[i].data, words[i].len - 1))
        {
            return 1;
        }
    }

    return 0;
}


/* https://user:password@host/: none of both */

static ngx_str_t
ngx_http_notify_delivery_request_url(ngx_pool_t *pool, const ngx_str_t *url)
{
    u_char     *p, *last, *slash, *at;
    ngx_str_t   shown;

    last = url->data + url->len;
    shown = *url;

    p = ngx_strlcasestrn(url->data, last, (u_char *) "://", 3 - 1);
    if (p == NULL) {
        return shown;
    }

    p += 3;

    slash = ngx_strlchr(p, last, '/');
    at = ngx_strlchr(p, slash ? slash : last, '@');

    if (at == NULL) {
        return shown;
    }

    if (ngx_http_notify_memory_printf(pool, &shown,
        "%*s" NGX_HTTP_NOTIFY_DELIVERY_REQUEST_MASK "@%*s",
        (size_t) (p - url->data), url->data, (size_t) (last - at - 1), at + 1)
        != NGX_OK)
    {
        ngx_str_null(&shown);
        return shown;
    }

    return shown;
}
