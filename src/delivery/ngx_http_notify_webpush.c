/*
 * A token is good for all endpoints of an origin: a worker keeps some, and
 * makes another when half of its time has passed.  Must not know where a
 * subscription is kept, nor what an answer leads to.
 */

#include "ngx_http_notify_jwt.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_webpush.h"


#define NGX_HTTP_NOTIFY_WEBPUSH_EXP  43200      /* s; RFC 8292, 2: 24 hours */


static ngx_int_t ngx_http_notify_webpush_bytes(
    const ngx_http_notify_json_t *keys, const char *name, size_t len,
    u_char *bytes);
static ngx_int_t ngx_http_notify_webpush_topic(ngx_pool_t *pool,
    const ngx_http_notify_webpush_conf_t *conf,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *topic);
static ngx_int_t ngx_http_notify_webpush_token(ngx_pool_t *pool,
    const ngx_http_notify_webpush_conf_t *conf,
    const ngx_http_notify_guard_url_t *url, time_t now, ngx_str_t *token);
static ngx_int_t ngx_http_notify_webpush_origin(ngx_pool_t *pool,
    const ngx_http_notify_guard_url_t *url, ngx_str_t *origin);
static ngx_int_t ngx_http_notify_webpush_claims(ngx_pool_t *pool,
    const ngx_http_notify_webpush_conf_t *conf, const ngx_str_t *origin,
    time_t now, ngx_str_t *claims);


ngx_int_t
ngx_http_notify_webpush_read(const ngx_http_notify_json_t *json,
    ngx_http_notify_webpush_t *push, const char **member, const char **reason)
{
    ngx_http_notify_json_t  *value;

    *member = "/endpoint";
    *reason = "must be the URL of a push service";

    value = ngx_http_notify_json_get(json, "endpoint");

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        return NGX_DECLINED;
    }

    push->endpoint = ngx_http_notify_json_string(value);

    if (push->endpoint.len == 0
        || ngx_http_notify_text_control(&push->endpoint))
    {
        return NGX_DECLINED;
    }

    *member = "/keys";
    *reason = "must be an object with \"p256dh\" and \"auth\"";

    value = ngx_http_notify_json_get(json, "keys");

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return NGX_DECLINED;
    }

    *member = "/keys/p256dh";
    *reason = "must be an uncompressed point on P-256, 65 bytes in base64url";

    if (ngx_http_notify_webpush_bytes(value, "p256dh", sizeof(push->point),
                                      push->point)
        != NGX_OK
        || ngx_http_notify_crypto_ece_point(push->point) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    *member = "/keys/auth";
    *reason = "must be 16 bytes in base64url";

    return ngx_http_notify_webpush_bytes(value, "auth", sizeof(push->secret),
                                         push->secret);
}


static ngx_int_t
ngx_http_notify_webpush_bytes(const ngx_http_notify_json_t *keys,
    const char *name, size_t len, u_char *bytes)
{
    u_char                   buf[NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT + 8];
    ngx_str_t                text, raw;
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get(keys, name);

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        return NGX_DECLINED;
    }

    text = ngx_http_notify_json_string(value);

    if (text.len > ngx_base64_encoded_length(len)) {
        return NGX_DECLINED;
    }

    raw.data = buf;

    if (ngx_decode_base64url(&raw, &text) != NGX_OK || raw.len != len) {
        return NGX_DECLINED;
    }

    ngx_memcpy(bytes, raw.data, len);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_webpush_body(ngx_pool_t *pool,
    const ngx_http_notify_webpush_t *push, ngx_str_t *body)
{
    ngx_str_t  plain;

    plain = *body;

    return ngx_http_notify_crypto_ece_encrypt(pool, push->point, push->secret,
                                              NULL, &plain, body);
}


ngx_int_t
ngx_http_notify_webpush_lines(ngx_pool_t *pool,
    const ngx_http_notify_webpush_t *push,
    const ngx_http_notify_guard_url_t *url,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char                                *p;
    ngx_str_t                              topic, token;
    const ngx_http_notify_webpush_conf_t  *conf;

    conf = push->conf;

    if (ngx_http_notify_webpush_topic(pool, conf, context, &topic) != NGX_OK
        || ngx_http_notify_webpush_token(pool, conf, url, context->timestamp,
                                         &token)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_http_notify_memory_extend(pool, lines,
                          sizeof("Content-Encoding: aes128gcm" CRLF
                                 "TTL: " CRLF "Urgency: " CRLF
                                 "Topic: " CRLF
                                 "Authorization: vapid t=, k=" CRLF)
                          + NGX_TIME_T_LEN + conf->urgency.len + topic.len
                          + token.len + conf->public.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(p, "Content-Encoding: aes128gcm" CRLF "TTL: %T" CRLF
                    "Urgency: %V" CRLF, conf->ttl, &conf->urgency);

    if (topic.len) {
        p = ngx_sprintf(p, "Topic: %V" CRLF, &topic);
    }

    p = ngx_sprintf(p, "Authorization: vapid t=%V, k=%V" CRLF, &token,
                    &conf->public);

    lines->len = p - lines->data;

    return NGX_OK;
}


/* one that is no topic has its digest in its place: the same for the same */

static ngx_int_t
ngx_http_notify_webpush_topic(ngx_pool_t *pool,
    const ngx_http_notify_webpush_conf_t *conf,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *topic)
{
    u_char     digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t  raw;

    ngx_str_null(topic);

    if (conf->topic == NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_payload_text(pool, conf->topic, context, topic)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (topic->len == 0 || ngx_http_notify_webpush_is_topic(topic)) {
        return NGX_OK;
    }

    if (ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256, topic, 1,
                                      digest)
        == 0)
    {
        return NGX_ERROR;
    }

    raw.data = digest;
    raw.len = NGX_HTTP_NOTIFY_WEBPUSH_TOPIC / 4 * 3;

    topic->data = ngx_pnalloc(pool, ngx_base64_encoded_length(raw.len));
    if (topic->data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64url(topic, &raw);

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_webpush_is_topic(const ngx_str_t *text)
{
    u_char      c, ch;
    ngx_uint_t  i;

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];
        c = (u_char) (ch | 0x20);

        if (!(c >= 'a' && c <= 'z') && !(ch >= '0' && ch <= '9') && ch != '-'
            && ch != '_')
        {
            return 0;
        }
    }

    return text->len != 0 && text->len <= NGX_HTTP_NOTIFY_WEBPUSH_TOPIC;
}


static ngx_int_t
ngx_http_notify_webpush_token(ngx_pool_t *pool,
    const ngx_http_notify_webpush_conf_t *conf,
    const ngx_http_notify_guard_url_t *url, time_t now, ngx_str_t *token)
{
    ngx_str_t                         origin, claims;
    ngx_http_notify_webpush_token_t  *kept;

    if (ngx_http_notify_webpush_origin(pool, url, &origin) != NGX_OK) {
        return NGX_ERROR;
    }

    kept = &conf->tokens[ngx_murmur_hash2(origin.data, origin.len)
                         % NGX_HTTP_NOTIFY_WEBPUSH_TOKENS];

    if (kept->origin_len == origin.len
        && ngx_memcmp(kept->origin, origin.data, origin.len) == 0
        && kept->iat <= now
        && now - kept->iat < NGX_HTTP_NOTIFY_WEBPUSH_EXP / 2)
    {
        token->data = kept->token;
        token->len = kept->len;
        return NGX_OK;
    }

    if (ngx_http_notify_webpush_claims(pool, conf, &origin, now, &claims)
        != NGX_OK
        || ngx_http_notify_jwt_sign(pool, conf->key, &conf->head, &claims,
                                    token)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (origin.len <= sizeof(kept->origin)
        && token->len <= sizeof(kept->token))
    {
        kept->iat = now;
        kept->origin_len = origin.len;
        kept->len = token->len;
        ngx_memcpy(kept->origin, origin.data, origin.len);
        ngx_memcpy(kept->token, token->data, token->len);
    }

    return NGX_OK;
}


/* RFC 6454, 6.2 */

static ngx_int_t
ngx_http_notify_webpush_origin(ngx_pool_t *pool,
    const ngx_http_notify_guard_url_t *url, ngx_str_t *origin)
{
    u_char  *p;

    origin->data = ngx_pnalloc(pool, sizeof("https://") + url->authority.len);
    if (origin->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(origin->data, "%s://", url->ssl ? "https" : "http");

    ngx_strlow(p, url->authority.data, url->authority.len);

    origin->len = p + url->authority.len - origin->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_webpush_claims(ngx_pool_t *pool,
    const ngx_http_notify_webpush_conf_t *conf, const ngx_str_t *origin,
    time_t now, ngx_str_t *claims)
{
    ngx_str_t  aud, sub;

    if (ngx_http_notify_json_quote(pool, origin, &aud) != NGX_OK
        || ngx_http_notify_json_quote(pool, &conf->subject, &sub) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_memory_printf(pool, claims,
                                         "{\"aud\":%V,\"exp\":%T,\"sub\":%V}",
                                         &aud,
                                         now + NGX_HTTP_NOTIFY_WEBPUSH_EXP,
                                         &sub);
}
