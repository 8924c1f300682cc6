/*
 * Signature headers: Standard Webhooks, the HMAC family, and the header that
 * carries a JWT.  Keys live with the subscription, lines with the call.  Must
 * not know how a body was made.
 */

#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_jwt.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_sign_conf.h"
#include "ngx_http_notify_sign_secret.h"


#define NGX_HTTP_NOTIFY_SIGN_SECRETS  8      /* in a rotation, at most */


/* what a scheme keeps for a subscription */
typedef struct {
    ngx_http_notify_crypto_hmac_t  *hmac;
    ngx_http_notify_jwt_cache_t     jwt;
} ngx_http_notify_sign_state_t;

struct ngx_http_notify_sign_keys_s {
    ngx_pool_t                     *pool;
    ngx_uint_t                      nsecrets;
    ngx_http_notify_sign_secret_t  *secrets;
    ngx_http_notify_sign_state_t   *states;     /* one a scheme */
};


static ngx_int_t ngx_http_notify_sign_keys_standard(
    ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_subscription_t *subscription, const char **reason);
static ngx_int_t ngx_http_notify_sign_standard(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme,
    ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);
static ngx_int_t ngx_http_notify_sign_id(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *id);
static u_char *ngx_http_notify_sign_v1(u_char *p,
    ngx_http_notify_crypto_hmac_t *hmac, const ngx_str_t *parts,
    ngx_uint_t n);
static u_char *ngx_http_notify_sign_v1a(u_char *p, ngx_pool_t *pool,
    ngx_http_notify_crypto_key_t *key, const ngx_str_t *parts, ngx_uint_t n);
static ngx_int_t ngx_http_notify_sign_hmac(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme,
    ngx_http_notify_sign_state_t *state,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);
static ngx_int_t ngx_http_notify_sign_jwt(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme, ngx_pool_t *keys_pool,
    ngx_http_notify_sign_state_t *state,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);


ngx_uint_t
ngx_http_notify_sign_standard_used(const ngx_http_notify_sign_conf_t *conf)
{
    return ngx_http_notify_sign_conf_find_standard(conf) != NULL;
}


ngx_uint_t
ngx_http_notify_sign_secret_used(const ngx_http_notify_sign_conf_t *conf)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = conf->schemes.elts;

    for (i = 0; i < conf->schemes.nelts; i++) {
        if (ngx_http_notify_sign_scheme_secret(&scheme[i])) {
            return 1;
        }
    }

    return 0;
}


ngx_http_notify_sign_keys_t *
ngx_http_notify_sign_keys(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, const char **reason)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_keys_t    *keys;
    ngx_http_notify_sign_scheme_t  *scheme;

    *reason = "no memory";

    keys = ngx_pcalloc(pool, sizeof(ngx_http_notify_sign_keys_t));
    if (keys == NULL) {
        return NULL;
    }

    keys->pool = pool;

    if (conf->schemes.nelts == 0) {
        return keys;
    }

    keys->states = ngx_pcalloc(pool, conf->schemes.nelts
                                     * sizeof(ngx_http_notify_sign_state_t));
    if (keys->states == NULL) {
        return NULL;
    }

    scheme = conf->schemes.elts;

    for (i = 0; i < conf->schemes.nelts; i++) {

        if (!ngx_http_notify_sign_scheme_secret(&scheme[i])) {
            continue;
        }

        if (subscription->nsecrets == 0) {
            *reason = "the subscription has no secret to sign with";
            return NULL;
        }

        if (scheme[i].kind == NGX_HTTP_NOTIFY_SIGN_STANDARD) {

            if (ngx_http_notify_sign_keys_standard(keys, subscription, reason)
                != NGX_OK)
            {
                return NULL;
            }

            continue;
        }

        keys->states[i].hmac = ngx_http_notify_crypto_hmac_create(pool,
                                              scheme[i].hash,
                                              &subscription->secrets[0].text);
        if (keys->states[i].hmac == NULL) {
            return NULL;
        }
    }

    return keys;
}


static ngx_int_t
ngx_http_notify_sign_keys_standard(ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_subscription_t *subscription, const char **reason)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_secret_t  *secret;

    keys->nsecrets = ngx_min(subscription->nsecrets,
                             NGX_HTTP_NOTIFY_SIGN_SECRETS);

    keys->secrets = ngx_pcalloc(keys->pool, keys->nsecrets
                                     * sizeof(ngx_http_notify_sign_secret_t));
    if (keys->secrets == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < keys->nsecrets; i++) {
        secret = &keys->secrets[i];
        secret->expires = subscription->secrets[i].expires;

        if (ngx_http_notify_sign_secret_init(keys->pool,
                                             &subscription->secrets[i].text,
                                             subscription->secrets[i].standard,
                                             secret, reason)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_sign_headers(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *conf, ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char                         *p;
    size_t                          len;
    ngx_int_t                       rc;
    ngx_str_t                      *part;
    ngx_uint_t                      i, n;
    ngx_http_notify_sign_scheme_t  *scheme;

    n = conf->schemes.nelts;
    scheme = conf->schemes.elts;

    if (n == 0) {
        return NGX_OK;
    }

    part = ngx_palloc(pool, n * sizeof(ngx_str_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    for (i = 0; i < n; i++) {

        switch (scheme[i].kind) {

        case NGX_HTTP_NOTIFY_SIGN_STANDARD:
            rc = ngx_http_notify_sign_standard(pool, &scheme[i], keys, context,
                                               &part[i]);
            break;

        case NGX_HTTP_NOTIFY_SIGN_HMAC:
            rc = ngx_http_notify_sign_hmac(pool, &scheme[i], &keys->states[i],
                                           context, &part[i]);
            break;

        case NGX_HTTP_NOTIFY_SIGN_AWS:
            rc = ngx_http_notify_sign_aws(pool, scheme[i].aws, context, lines,
                                          &part[i]);
            break;

        default: /* NGX_HTTP_NOTIFY_SIGN_JWT */
            rc = ngx_http_notify_sign_jwt(pool, &scheme[i], keys->pool,
                                          &keys->states[i], context, &part[i]);
        }

        if (rc != NGX_OK) {
            return rc;
        }

        len += part[i].len;
    }

    p = ngx_http_notify_memory_extend(pool, lines, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, part[i].data, part[i].len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_standard(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme,
    ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char                         *p, timestamp[NGX_TIME_T_LEN];
    uint64_t                        now;
    ngx_int_t                       rc;
    ngx_str_t                       parts[5];
    ngx_time_t                     *tp;
    ngx_uint_t                      i;
    ngx_http_notify_sign_secret_t  *secret;

    rc = ngx_http_notify_sign_id(pool, scheme, context, &parts[0]);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_set(&parts[1], ".");
    parts[2].data = timestamp;
    parts[2].len = ngx_sprintf(timestamp, "%T", context->timestamp)
                   - timestamp;
    parts[3] = parts[1];
    parts[4] = context->payload;

    p = ngx_pnalloc(pool, sizeof("webhook-id: " CRLF "webhook-timestamp: " CRLF
                                 "webhook-signature: " CRLF)
                          + parts[0].len + parts[2].len
                          + keys->nsecrets
                            * (sizeof("v1a, ")
                               + ngx_base64_encoded_length(
                                      NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->data = p;

    p = ngx_cpymem(p, "webhook-id: ", sizeof("webhook-id: ") - 1);
    p = ngx_cpymem(p, parts[0].data, parts[0].len);
    p = ngx_cpymem(p, CRLF "webhook-timestamp: ",
                   sizeof(CRLF "webhook-timestamp: ") - 1);
    p = ngx_cpymem(p, parts[2].data, parts[2].len);
    p = ngx_cpymem(p, CRLF "webhook-signature:",
                   sizeof(CRLF "webhook-signature:") - 1);

    /* the attempt's own time has no milliseconds */

    tp = ngx_timeofday();
    now = (uint64_t) tp->sec * 1000 + tp->msec;
    secret = keys->secrets;

    for (i = 0; i < keys->nsecrets; i++) {

        if (secret[i].expires != 0 && secret[i].expires <= now) {
            continue;
        }

        *p++ = ' ';

        if (secret[i].hmac != NULL) {
            p = ngx_http_notify_sign_v1(p, secret[i].hmac, parts, 5);

        } else {
            p = ngx_http_notify_sign_v1a(p, pool, secret[i].key, parts, 5);
        }

        if (p == NULL) {
            return NGX_ERROR;
        }
    }

    *p++ = CR; *p++ = LF;

    lines->len = p - lines->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_id(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *id)
{
    id->len = 0;

    if (scheme->data
        && ngx_http_notify_payload_text(pool, scheme->data, context, id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (id->len == 0) {
        *id = context->batch;
    }

    if (id->len) {
        return ngx_http_notify_payload_header_value(id);
    }

    id->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_ID_EVENT_LEN);
    if (id->data == NULL) {
        return NGX_ERROR;
    }

    id->len = ngx_http_notify_id_event(id->data, &context->event->id)
              - id->data;

    return NGX_OK;
}


static u_char *
ngx_http_notify_sign_v1(u_char *p, ngx_http_notify_crypto_hmac_t *hmac,
    const ngx_str_t *parts, ngx_uint_t n)
{
    u_char     digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t  raw, encoded;

    raw.data = digest;
    raw.len = ngx_http_notify_crypto_hmac(hmac, parts, n, digest);

    if (raw.len == 0) {
        return NULL;
    }

    encoded.data = ngx_cpymem(p, "v1,", sizeof("v1,") - 1);
    ngx_encode_base64(&encoded, &raw);

    return encoded.data + encoded.len;
}


static u_char *
ngx_http_notify_sign_v1a(u_char *p, ngx_pool_t *pool,
    ngx_http_notify_crypto_key_t *key, const ngx_str_t *parts, ngx_uint_t n)
{
    u_char      *last;
    size_t       len;
    ngx_str_t    message, signature, encoded;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; i < n; i++) {
        len += parts[i].len;
    }

    message.data = ngx_pnalloc(pool, len);
    if (message.data == NULL) {
        return NULL;
    }

    message.len = len;
    last = message.data;

    for (i = 0; i < n; i++) {
        last = ngx_cpymem(last, parts[i].data, parts[i].len);
    }

    if (ngx_http_notify_crypto_sign(key, pool, &message, &signature) != NGX_OK
        || signature.len > NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX)
    {
        return NULL;
    }

    encoded.data = ngx_cpymem(p, "v1a,", sizeof("v1a,") - 1);
    ngx_encode_base64(&encoded, &signature);

    return encoded.data + encoded.len;
}


static ngx_int_t
ngx_http_notify_sign_hmac(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme,
    ngx_http_notify_sign_state_t *state,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char     *p, digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t   data, prefix, raw, encoded;

    data = context->payload;
    ngx_str_set(&prefix, "");

    if (scheme->data != NULL
        && ngx_http_notify_payload_text(pool, scheme->data, context, &data)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (scheme->prefix != NULL
        && ngx_http_notify_payload_text(pool, scheme->prefix, context, &prefix)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_notify_payload_header_value(&prefix) != NGX_OK) {
        return NGX_DECLINED;
    }

    raw.data = digest;
    raw.len = ngx_http_notify_crypto_hmac(state->hmac, &data, 1, digest);

    if (raw.len == 0) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, scheme->header.len + sizeof(": " CRLF) - 1
                          + prefix.len + 2 * raw.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->data = p;

    p = ngx_sprintf(p, "%V: %V", &scheme->header, &prefix);

    if (scheme->base64) {
        encoded.data = p;
        ngx_encode_base64(&encoded, &raw);
        p += encoded.len;

    } else {
        p = ngx_hex_dump(p, raw.data, raw.len);
    }

    *p++ = CR; *p++ = LF;

    lines->len = p - lines->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_jwt(ngx_pool_t *pool,
    const ngx_http_notify_sign_scheme_t *scheme, ngx_pool_t *keys_pool,
    ngx_http_notify_sign_state_t *state,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   token;

    rc = ngx_http_notify_jwt_token(pool, scheme->jwt, context, keys_pool,
                                   &state->jwt, &token);
    if (rc != NGX_OK) {
        return rc;
    }

    p = ngx_pnalloc(pool, scheme->header.len + sizeof(":  " CRLF) - 1
                          + scheme->scheme.len + token.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->data = p;

    p = ngx_sprintf(p, "%V: %V%s%V" CRLF, &scheme->header, &scheme->scheme,
                    scheme->scheme.len ? " " : "", &token);

    lines->len = p - lines->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_sign_jwks(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *conf, ngx_array_t *jwks)
{
    ngx_int_t                       rc;
    ngx_str_t                       text, *jwk;
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = conf->schemes.elts;

    for (i = 0; i < conf->schemes.nelts; i++) {

        if (scheme[i].kind != NGX_HTTP_NOTIFY_SIGN_JWT) {
            continue;
        }

        rc = ngx_http_notify_jwt_jwk(pool, scheme[i].jwt, &text);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            continue;
        }

        jwk = ngx_array_push(jwks);
        if (jwk == NULL) {
            return NGX_ERROR;
        }

        *jwk = text;
    }

    return NGX_OK;
}
