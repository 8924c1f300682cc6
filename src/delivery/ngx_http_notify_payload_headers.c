/*
 * The header lines of a call: the defaults, the profile's, the subscriber's,
 * each name once.  They live in the pool of the call.  Must not know of
 * framing headers: Host and Content-Length belong to who sends.
 */

#include "ngx_http_notify_call.h"
#include "ngx_http_notify_cloudevents.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_version.h"


static ngx_int_t ngx_http_notify_payload_headers_own(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_payload_context_t *context, ngx_array_t *pairs);
static ngx_int_t ngx_http_notify_payload_headers_default(
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_array_t *pairs);
static ngx_int_t ngx_http_notify_payload_headers_subscriber(
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_array_t *pairs);
static ngx_uint_t ngx_http_notify_payload_headers_has(
    const ngx_http_notify_subscription_t *subscription, const char *name);
static ngx_int_t ngx_http_notify_payload_headers_add(ngx_array_t *pairs,
    const ngx_str_t *name, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_payload_headers_write(ngx_pool_t *pool,
    const ngx_array_t *pairs, ngx_str_t *lines);


static const ngx_str_t  ngx_http_notify_payload_user_agent =
    ngx_string("User-Agent");
static const ngx_str_t  ngx_http_notify_payload_content_type =
    ngx_string("Content-Type");
static const ngx_str_t  ngx_http_notify_payload_api_key =
    ngx_string("X-API-Key");


/* framing, hop by hop, and what a signature vouches for; '-': a prefix */

static const ngx_str_t  ngx_http_notify_payload_refused[] = {
    ngx_string("Host"),
    ngx_string("Content-Length"),
    ngx_string("Transfer-Encoding"),
    ngx_string("Connection"),
    ngx_string("TE"),
    ngx_string("Trailer"),
    ngx_string("Upgrade"),
    ngx_string("Expect"),
    ngx_string("Proxy-"),
    ngx_string("webhook-"),
    ngx_string(NGX_HTTP_NOTIFY_CALL_HOPS),
    ngx_null_string
};


ngx_int_t
ngx_http_notify_payload_headers(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    ngx_int_t     rc;
    ngx_uint_t    n;
    ngx_array_t   pairs;

    n = 4;
    n += conf->headers ? conf->headers->nelts : 0;
    n += context->subscription ? context->subscription->nheaders : 0;

    if (ngx_array_init(&pairs, pool, n, sizeof(ngx_keyval_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_payload_headers_default(conf, context->subscription,
                                                 &pairs);
    if (rc != NGX_OK) {
        return rc;
    }

    if (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS_BINARY) {
        rc = ngx_http_notify_cloudevents_headers(pool, context->event, &pairs);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = ngx_http_notify_payload_headers_own(pool, conf, context, &pairs);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_payload_headers_subscriber(conf,
                                                    context->subscription,
                                                    &pairs);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_notify_payload_headers_write(pool, &pairs, lines);
}


ngx_uint_t
ngx_http_notify_payload_headers_constant(
    const ngx_http_notify_payload_conf_t *conf)
{
    ngx_uint_t                         i;
    ngx_http_notify_payload_header_t  *header;

    if (conf->kind == NGX_HTTP_NOTIFY_PAYLOAD_CLOUDEVENTS_BINARY) {
        return 0;
    }

    if (conf->headers == NULL) {
        return 1;
    }

    header = conf->headers->elts;

    for (i = 0; i < conf->headers->nelts; i++) {
        if (!ngx_http_notify_payload_constant(header[i].value)) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_notify_payload_headers_default(
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_array_t *pairs)
{
    static const ngx_str_t  agent =
        ngx_string("nginx-notify/" NGX_HTTP_NOTIFY_VERSION);

    if (!conf->user_agent_given
        && !ngx_http_notify_payload_headers_has(subscription, "User-Agent")
        && ngx_http_notify_payload_headers_add(pairs,
                                      &ngx_http_notify_payload_user_agent,
                                      &agent)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!conf->content_type_given
        && !ngx_http_notify_payload_headers_has(subscription, "Content-Type")
        && ngx_http_notify_payload_headers_add(pairs,
                                      &ngx_http_notify_payload_content_type,
                                      &conf->content_type)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->kind != NGX_HTTP_NOTIFY_PAYLOAD_CALL
        || conf->api_key_given
        || subscription == NULL
        || subscription->api_key.len == 0
        || ngx_http_notify_payload_headers_has(subscription, "X-API-Key"))
    {
        return NGX_OK;
    }

    return ngx_http_notify_payload_headers_add(pairs,
                                      &ngx_http_notify_payload_api_key,
                                      &subscription->api_key);
}


static ngx_int_t
ngx_http_notify_payload_headers_own(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_payload_context_t *context, ngx_array_t *pairs)
{
    ngx_int_t                          rc;
    ngx_str_t                          value;
    ngx_uint_t                         i;
    ngx_http_notify_payload_header_t  *header;

    if (conf->headers == NULL) {
        return NGX_OK;
    }

    header = conf->headers->elts;

    for (i = 0; i < conf->headers->nelts; i++) {

        if (ngx_http_notify_payload_text(pool, header[i].value, context,
                                         &value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_http_notify_payload_headers_add(pairs, &header[i].name,
                                                 &value);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_payload_headers_subscriber(
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_array_t *pairs)
{
    ngx_int_t      rc;
    ngx_uint_t     i;
    const char    *reason;
    ngx_keyval_t  *header;

    if (subscription == NULL) {
        return NGX_OK;
    }

    header = subscription->headers;

    for (i = 0; i < subscription->nheaders; i++) {

        if (ngx_http_notify_payload_header_given(conf, &header[i].key)) {
            continue;
        }

        /* checked when it was stored, perhaps by rules of another version */

        if (ngx_http_notify_payload_header_name(&header[i].key, &reason)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        rc = ngx_http_notify_payload_headers_add(pairs, &header[i].key,
                                                 &header[i].value);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_notify_payload_headers_has(
    const ngx_http_notify_subscription_t *subscription, const char *name)
{
    ngx_uint_t  i;

    for (i = 0; subscription && i < subscription->nheaders; i++) {
        if (ngx_http_notify_text_is_nocase(&subscription->headers[i].key,
                                           name))
        {
            return 1;
        }
    }

    return 0;
}


/* an empty value sends no header */

static ngx_int_t
ngx_http_notify_payload_headers_add(ngx_array_t *pairs, const ngx_str_t *name,
    const ngx_str_t *value)
{
    ngx_keyval_t  *pair;

    if (value->len == 0) {
        return NGX_OK;
    }

    if (ngx_http_notify_payload_header_value(value) != NGX_OK) {
        return NGX_DECLINED;
    }

    pair = ngx_array_push(pairs);
    if (pair == NULL) {
        return NGX_ERROR;
    }

    pair->key = *name;
    pair->value = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_payload_headers_write(ngx_pool_t *pool,
    const ngx_array_t *pairs, ngx_str_t *lines)
{
    u_char        *p;
    size_t         len;
    ngx_uint_t     i;
    ngx_keyval_t  *pair;

    len = 0;
    pair = pairs->elts;

    for (i = 0; i < pairs->nelts; i++) {
        len += pair[i].key.len + sizeof(": " CRLF) - 1 + pair[i].value.len;
    }

    p = ngx_http_notify_memory_extend(pool, lines, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < pairs->nelts; i++) {
        p = ngx_cpymem(p, pair[i].key.data, pair[i].key.len);
        *p++ = ':'; *p++ = ' ';
        p = ngx_cpymem(p, pair[i].value.data, pair[i].value.len);
        *p++ = CR; *p++ = LF;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_payload_header_name(const ngx_str_t *name,
    const char **reason)
{
    u_char            c;
    size_t            i;
    const ngx_str_t  *refused;

    if (name->len == 0 || name->len > 256) {
        *reason = "its name is empty or too long";
        return NGX_DECLINED;
    }

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= '0' && c <= '9')
            || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            || (c > 0x20 && c < 0x7f
                && ngx_strchr("!#$%&'*+-.^_`|~", c) != NULL))
        {
            continue;
        }

        *reason = "its name has a character that no header's name has";
        return NGX_DECLINED;
    }

    for (refused = ngx_http_notify_payload_refused; refused->len; refused++) {

        if (name->len < refused->len
            || ngx_strncasecmp(name->data, refused->data, refused->len) != 0)
        {
            continue;
        }

        if (name->len == refused->len
            || refused->data[refused->len - 1] == '-')
        {
            *reason = "it belongs to the connection or to the signature";
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_payload_header_value(const ngx_str_t *value)
{
    return ngx_http_notify_text_control(value) ? NGX_DECLINED : NGX_OK;
}


ngx_uint_t
ngx_http_notify_payload_header_given(
    const ngx_http_notify_payload_conf_t *conf, const ngx_str_t *name)
{
    return (conf->headers
            && ngx_http_notify_text_find_array_nocase(name, conf->headers))
           || (conf->reserved
               && ngx_http_notify_text_find_array_nocase(name,
                                                         conf->reserved));
}


char *
ngx_http_notify_payload_reserve(ngx_conf_t *cf,
    ngx_http_notify_payload_conf_t *conf, const ngx_str_t *name)
{
    ngx_str_t   *reserved;
    const char  *reason;

    if (ngx_http_notify_payload_header_name(name, &reason) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "header \"%V\" cannot be set: %s", name, reason);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_payload_header_given(conf, name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate header \"%V\"",
                           name);
        return NGX_CONF_ERROR;
    }

    reserved = ngx_http_notify_memory_push(cf->pool, &conf->reserved,
                                           sizeof(ngx_str_t));
    if (reserved == NULL) {
        return NGX_CONF_ERROR;
    }

    *reserved = *name;

    return NGX_CONF_OK;
}
