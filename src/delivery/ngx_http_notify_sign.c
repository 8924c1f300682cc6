/*
 * Signature headers: Standard Webhooks, the HMAC family, and the header that
 * carries a JWT.  Keys live with the subscription, lines with the call.  Must
 * not know how a body was made.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_jwt.h"
#include "ngx_http_notify_sign.h"


#define NGX_HTTP_NOTIFY_SIGN_SECRETS     8      /* in a rotation, at most */
#define NGX_HTTP_NOTIFY_SIGN_SECRET_MAX  512
#define NGX_HTTP_NOTIFY_SIGN_RANDOM      24


typedef enum {
    NGX_HTTP_NOTIFY_SIGN_STANDARD = 0,
    NGX_HTTP_NOTIFY_SIGN_HMAC,
    NGX_HTTP_NOTIFY_SIGN_JWT
} ngx_http_notify_sign_kind_e;

typedef struct {
    ngx_http_notify_sign_kind_e     kind;
    ngx_str_t                       header;
    ngx_http_notify_template_t     *data;       /* NULL: the body */
    ngx_http_notify_template_t     *prefix;     /* or NULL */
    ngx_http_notify_crypto_hash_e   hash;
    ngx_uint_t                      base64;     /* unsigned  base64:1; */
    ngx_http_notify_jwt_t          *jwt;
    ngx_str_t                       scheme;     /* "Bearer" */
} ngx_http_notify_sign_scheme_t;

/* one secret, for `sign standard` */
typedef struct {
    uint64_t                        expires;
    ngx_http_notify_crypto_hmac_t  *hmac;       /* NULL: a whsk_ key */
    ngx_http_notify_crypto_key_t   *key;
} ngx_http_notify_sign_secret_t;

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
static ngx_int_t ngx_http_notify_sign_keys_secret(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_http_notify_sign_secret_t *secret,
    const char **reason);
static ngx_uint_t ngx_http_notify_sign_begins(const ngx_str_t *text,
    const char *prefix);
static ngx_int_t ngx_http_notify_sign_decode(const ngx_str_t *text,
    size_t skip, u_char *buf, ngx_str_t *raw);
static ngx_int_t ngx_http_notify_sign_standard(ngx_pool_t *pool,
    ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines);
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

static char *ngx_http_notify_sign_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_notify_sign_set_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf);
static char *ngx_http_notify_sign_set_hmac(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf);
static char *ngx_http_notify_sign_set_parameter(ngx_conf_t *cf,
    ngx_http_notify_sign_scheme_t *scheme, const ngx_str_t *value);
static char *ngx_http_notify_sign_set_jwt(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_http_notify_sign_scheme_t *ngx_http_notify_sign_push(
    ngx_conf_t *cf, ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_sign_kind_e kind);


ngx_command_t  ngx_http_notify_sign_commands[] = {

    { ngx_string("sign"),
      NGX_CONF_1MORE,
      ngx_http_notify_sign_set,
      0,
      0,
      NULL },

    { ngx_string("jwt"),
      NGX_CONF_2MORE,
      ngx_http_notify_sign_set_jwt,
      0,
      0,
      NULL },

      ngx_null_command
};


ngx_http_notify_sign_keys_t *
ngx_http_notify_sign_keys(ngx_pool_t *pool,
    const ngx_http_notify_sign_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, const char **reason)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_keys_t    *keys;
    ngx_http_notify_sign_scheme_t  *scheme;

    *reason = NULL;

    keys = ngx_pcalloc(pool, sizeof(ngx_http_notify_sign_keys_t));
    if (keys == NULL) {
        return NULL;
    }

    keys->pool = pool;

    if (conf->schemes == NULL) {
        return keys;
    }

    keys->states = ngx_pcalloc(pool, conf->schemes->nelts
                                     * sizeof(ngx_http_notify_sign_state_t));
    if (keys->states == NULL) {
        return NULL;
    }

    scheme = conf->schemes->elts;

    for (i = 0; i < conf->schemes->nelts; i++) {

        if (scheme[i].kind == NGX_HTTP_NOTIFY_SIGN_JWT) {
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

        if (ngx_http_notify_sign_keys_secret(keys->pool,
                                             &subscription->secrets[i].text,
                                             secret, reason)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_keys_secret(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_http_notify_sign_secret_t *secret, const char **reason)
{
    u_char     buf[NGX_HTTP_NOTIFY_SIGN_SECRET_MAX];
    ngx_int_t  rc;
    ngx_str_t  raw;

    if (ngx_http_notify_sign_secret_check(text, reason) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_sign_begins(text, "whsk_")) {

        rc = ngx_http_notify_sign_decode(text, sizeof("whsk_") - 1, buf, &raw);

        if (rc == NGX_OK) {
            secret->key = ngx_http_notify_crypto_key_ed25519(pool, &raw,
                                                             reason);
        }

    } else if (ngx_http_notify_sign_begins(text, "whsec_")) {

        rc = ngx_http_notify_sign_decode(text, sizeof("whsec_") - 1, buf,
                                         &raw);
        if (rc == NGX_OK) {
            secret->hmac = ngx_http_notify_crypto_hmac_create(pool,
                                      NGX_HTTP_NOTIFY_CRYPTO_SHA256, &raw);
        }

    } else {
        secret->hmac = ngx_http_notify_crypto_hmac_create(pool,
                                      NGX_HTTP_NOTIFY_CRYPTO_SHA256, text);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return (secret->key || secret->hmac) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_notify_sign_secret_check(const ngx_str_t *secret,
    const char **reason)
{
    u_char      buf[NGX_HTTP_NOTIFY_SIGN_SECRET_MAX];
    ngx_int_t   rc;
    ngx_str_t   raw;

    if (secret->len == 0 || secret->len > NGX_HTTP_NOTIFY_SIGN_SECRET_MAX) {
        *reason = "the secret must have 1 to 512 bytes";
        return NGX_DECLINED;
    }

    if (ngx_http_notify_sign_begins(secret, "whsec_")) {
        rc = ngx_http_notify_sign_decode(secret, sizeof("whsec_") - 1, buf,
                                         &raw);
        *reason = "what follows \"whsec_\" is not base64";

    } else if (ngx_http_notify_sign_begins(secret, "whsk_")) {
        rc = ngx_http_notify_sign_decode(secret, sizeof("whsk_") - 1, buf,
                                         &raw);

        if (rc == NGX_OK && raw.len != 32 && raw.len != 64) {
            rc = NGX_DECLINED;
        }

        *reason = "what follows \"whsk_\" is not base64 of an Ed25519 key "
                  "of 32 or 64 bytes";

    } else {
        return NGX_OK;
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return rc;
}


static ngx_uint_t
ngx_http_notify_sign_begins(const ngx_str_t *text, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    return text->len >= len && ngx_strncmp(text->data, prefix, len) == 0;
}


/*
 * Base64 that is canonical but for missing padding; ngx_decode_base64() stops
 * at the first "=", whatever follows.  buf has room for text->len bytes.
 */

static ngx_int_t
ngx_http_notify_sign_decode(const ngx_str_t *text, size_t skip, u_char *buf,
    ngx_str_t *raw)
{
    size_t     pad;
    ngx_str_t  encoded;

    encoded.data = text->data + skip;
    encoded.len = text->len - skip;

    for (pad = 0; pad < 2 && encoded.len > 0; pad++) {
        if (encoded.data[encoded.len - 1] != '=') {
            break;
        }

        encoded.len--;
    }

    if (encoded.len == 0
        || (pad && (encoded.len + pad) % 4 != 0)
        || ngx_strlchr(encoded.data, encoded.data + encoded.len, '=') != NULL)
    {
        return NGX_DECLINED;
    }

    raw->data = buf;

    if (ngx_decode_base64(raw, &encoded) != NGX_OK || raw->len == 0) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_sign_secret(ngx_pool_t *pool, ngx_str_t *secret)
{
    u_char     random[NGX_HTTP_NOTIFY_SIGN_RANDOM], *p;
    ngx_str_t  raw, encoded;

    if (ngx_http_notify_crypto_random(random, sizeof(random)) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, sizeof("whsec_") - 1
                          + ngx_base64_encoded_length(sizeof(random)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    secret->data = p;

    raw.data = random;
    raw.len = sizeof(random);
    encoded.data = ngx_cpymem(p, "whsec_", sizeof("whsec_") - 1);

    ngx_encode_base64(&encoded, &raw);
    ngx_explicit_memzero(random, sizeof(random));

    secret->len = sizeof("whsec_") - 1 + encoded.len;

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

    ngx_str_set(lines, "");

    if (conf->schemes == NULL) {
        return NGX_OK;
    }

    n = conf->schemes->nelts;
    scheme = conf->schemes->elts;

    part = (n == 1) ? lines : ngx_palloc(pool, n * sizeof(ngx_str_t));
    if (part == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    for (i = 0; i < n; i++) {

        switch (scheme[i].kind) {

        case NGX_HTTP_NOTIFY_SIGN_STANDARD:
            rc = ngx_http_notify_sign_standard(pool, keys, context, &part[i]);
            break;

        case NGX_HTTP_NOTIFY_SIGN_HMAC:
            rc = ngx_http_notify_sign_hmac(pool, &scheme[i], &keys->states[i],
                                           context, &part[i]);
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

    if (n == 1) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->data = p;
    lines->len = len;

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, part[i].data, part[i].len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_standard(ngx_pool_t *pool,
    ngx_http_notify_sign_keys_t *keys,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *lines)
{
    u_char                          id[NGX_HTTP_NOTIFY_ID_EVENT_LEN], *p;
    u_char                          timestamp[NGX_TIME_T_LEN];
    uint64_t                        now;
    ngx_str_t                       parts[5];
    ngx_uint_t                      i;
    ngx_http_notify_sign_secret_t  *secret;

    parts[0].data = id;
    parts[0].len = ngx_http_notify_id_event(id, &context->event->id) - id;
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

    p = ngx_sprintf(p, "webhook-id: %V" CRLF "webhook-timestamp: %V" CRLF
                    "webhook-signature:", &parts[0], &parts[2]);

    now = (uint64_t) context->timestamp * 1000;
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

    if (conf->schemes == NULL) {
        return NGX_OK;
    }

    scheme = conf->schemes->elts;

    for (i = 0; i < conf->schemes->nelts; i++) {

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


char *
ngx_http_notify_sign_conf_init(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf)
{
    return NGX_CONF_OK;
}


char *
ngx_http_notify_sign_conf_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf)
{
    return ngx_http_notify_sign_set_standard(cf, conf);
}


static char *
ngx_http_notify_sign_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "hmac") == 0) {
        return ngx_http_notify_sign_set_hmac(cf, ccf);
    }

    if (ngx_strcmp(value[1].data, "standard") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"sign\", "
                           "it must be \"standard\" or \"hmac\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts > 2) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"sign\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_sign_set_standard(cf, &ccf->sign);
}


static char *
ngx_http_notify_sign_set_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    if (conf->schemes != NULL) {
        scheme = conf->schemes->elts;

        for (i = 0; i < conf->schemes->nelts; i++) {
            if (scheme[i].kind == NGX_HTTP_NOTIFY_SIGN_STANDARD) {
                return "is duplicate";
            }
        }
    }

    if (ngx_http_notify_sign_push(cf, conf, NGX_HTTP_NOTIFY_SIGN_STANDARD)
        == NULL)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_sign_set_hmac(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf)
{
    char                           *rv;
    ngx_str_t                      *value;
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = ngx_http_notify_sign_push(cf, &ccf->sign,
                                       NGX_HTTP_NOTIFY_SIGN_HMAC);
    if (scheme == NULL) {
        return NGX_CONF_ERROR;
    }

    scheme->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA256;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_notify_sign_set_parameter(cf, scheme, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (scheme->header.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"header=\" is missing in \"sign hmac\"");
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_payload_reserve(cf, &ccf->payload,
                                           &scheme->header);
}


static char *
ngx_http_notify_sign_set_parameter(ngx_conf_t *cf,
    ngx_http_notify_sign_scheme_t *scheme, const ngx_str_t *value)
{
    u_char       *p;
    ngx_str_t     text;
    const char   *reason;

    p = (u_char *) ngx_strchr(value->data, '=');
    if (p == NULL) {
        goto invalid;
    }

    text.data = p + 1;
    text.len = value->data + value->len - text.data;

    if (ngx_strncmp(value->data, "header=", 7) == 0) {
        scheme->header = text;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "data=", 5) == 0) {
        scheme->data = ngx_http_notify_payload_compile(cf, &text, &reason);
        if (scheme->data == NULL) {
            goto failed;
        }

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "prefix=", 7) == 0) {
        scheme->prefix = ngx_http_notify_payload_compile(cf, &text, &reason);
        if (scheme->prefix == NULL) {
            goto failed;
        }

        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "algorithm=sha1") == 0) {
        scheme->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "algorithm=sha256") == 0) {
        scheme->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA256;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "algorithm=sha512") == 0) {
        scheme->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA512;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "encoding=hex") == 0) {
        scheme->base64 = 0;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "encoding=base64") == 0) {
        scheme->base64 = 1;
        return NGX_CONF_OK;
    }

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"sign hmac\"", value);
    return NGX_CONF_ERROR;

failed:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"sign hmac\"", reason);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_notify_sign_set_jwt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = ngx_http_notify_sign_push(cf, &ccf->sign,
                                       NGX_HTTP_NOTIFY_SIGN_JWT);
    if (scheme == NULL) {
        return NGX_CONF_ERROR;
    }

    scheme->jwt = ngx_http_notify_jwt_create(cf, &scheme->header,
                                             &scheme->scheme);
    if (scheme->jwt == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_payload_reserve(cf, &ccf->payload,
                                           &scheme->header);
}


static ngx_http_notify_sign_scheme_t *
ngx_http_notify_sign_push(ngx_conf_t *cf, ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_sign_kind_e kind)
{
    ngx_http_notify_sign_scheme_t  *scheme;

    if (conf->schemes == NULL) {
        conf->schemes = ngx_array_create(cf->pool, 2,
                                       sizeof(ngx_http_notify_sign_scheme_t));
        if (conf->schemes == NULL) {
            return NULL;
        }
    }

    scheme = ngx_array_push(conf->schemes);
    if (scheme == NULL) {
        return NULL;
    }

    ngx_memzero(scheme, sizeof(ngx_http_notify_sign_scheme_t));
    scheme->kind = kind;

    return scheme;
}
