/*
 * Secrets of subscriptions: what a client may give, what we make for it, and
 * the keys they stand for.  Decoded bytes are cleansed.  Must not know of
 * headers.
 */

#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_sign_secret.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SIGN_SECRET_MAX     512
#define NGX_HTTP_NOTIFY_SIGN_SECRET_RANDOM  24

/* of a key, by the specification of Standard Webhooks */
#define NGX_HTTP_NOTIFY_SIGN_SECRET_LEAST   24
#define NGX_HTTP_NOTIFY_SIGN_SECRET_MOST    64


static size_t ngx_http_notify_sign_secret_prefix(const ngx_str_t *text);
static ngx_int_t ngx_http_notify_sign_secret_decode(const ngx_str_t *text,
    size_t skip, u_char *buf, ngx_str_t *raw);


ngx_int_t
ngx_http_notify_sign_secret_init(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_uint_t standard, ngx_http_notify_sign_secret_t *secret,
    const char **reason)
{
    u_char      buf[NGX_HTTP_NOTIFY_SIGN_SECRET_MAX];
    size_t      skip;
    ngx_str_t   raw;
    ngx_uint_t  ed25519;

    if (text->len == 0 || text->len > NGX_HTTP_NOTIFY_SIGN_SECRET_MAX) {
        *reason = "the secret must have 1 to 512 bytes";
        return NGX_ERROR;
    }

    *reason = "no memory";
    raw = *text;

    skip = ngx_http_notify_sign_secret_prefix(text);
    ed25519 = ngx_http_notify_sign_secret_ed25519(text);

    if ((skip || standard)
        && ngx_http_notify_sign_secret_decode(text, skip, buf, &raw)
           != NGX_OK)
    {
        *reason = "the secret is not base64";

    } else if (ed25519) {
        secret->key = ngx_http_notify_crypto_key_ed25519(pool, &raw, reason);

    } else {
        secret->hmac = ngx_http_notify_crypto_hmac_create(pool,
                                      NGX_HTTP_NOTIFY_CRYPTO_SHA256, &raw);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return (secret->key || secret->hmac) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_notify_sign_secret_check(const ngx_str_t *secret,
    ngx_uint_t standard, ngx_uint_t token, const char **reason)
{
    u_char      buf[NGX_HTTP_NOTIFY_SIGN_SECRET_MAX];
    size_t      skip;
    ngx_int_t   rc;
    ngx_str_t   raw;
    ngx_uint_t  ed25519;

    if (secret->len == 0 || secret->len > NGX_HTTP_NOTIFY_SIGN_SECRET_MAX) {
        *reason = "the secret must have 1 to 512 bytes";
        return NGX_DECLINED;
    }

    skip = ngx_http_notify_sign_secret_prefix(secret);
    ed25519 = ngx_http_notify_sign_secret_ed25519(secret);

    if (skip == 0 && !standard) {

        if (token
            && (secret->len < NGX_HTTP_NOTIFY_SIGN_SECRET_LEAST
                || secret->len > NGX_HTTP_NOTIFY_SIGN_SECRET_MOST))
        {
            *reason = "the secret of an iframe must have 24 to 64 bytes";
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    *reason = ed25519
                  ? "what follows \"whsk_\" is not base64 of an Ed25519 key "
                    "of 32 or 64 bytes"
                  : skip
                      ? "what follows \"whsec_\" is not base64 of 24 to 64 "
                        "bytes"
                      : "it is not base64 of 24 to 64 bytes, as Standard "
                        "Webhooks has it";

    rc = ngx_http_notify_sign_secret_decode(secret, skip, buf, &raw);

    if (rc == NGX_OK
        && (ed25519 ? (raw.len != 32 && raw.len != 64)
                    : (raw.len < NGX_HTTP_NOTIFY_SIGN_SECRET_LEAST
                       || raw.len > NGX_HTTP_NOTIFY_SIGN_SECRET_MOST)))
    {
        rc = NGX_DECLINED;
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return rc;
}


ngx_uint_t
ngx_http_notify_sign_secret_bare(const ngx_str_t *text)
{
    const char  *reason;

    return ngx_http_notify_sign_secret_prefix(text) == 0
           && ngx_http_notify_sign_secret_check(text, 1, 0, &reason)
              == NGX_OK;
}


/* how long it is; 0: it has none */

static size_t
ngx_http_notify_sign_secret_prefix(const ngx_str_t *text)
{
    if (ngx_http_notify_text_starts(text, "whsec_")) {
        return sizeof("whsec_") - 1;
    }

    return ngx_http_notify_sign_secret_ed25519(text) ? sizeof("whsk_") - 1 : 0;
}


ngx_uint_t
ngx_http_notify_sign_secret_ed25519(const ngx_str_t *secret)
{
    return ngx_http_notify_text_starts(secret, "whsk_");
}


ngx_int_t
ngx_http_notify_sign_secret_public(ngx_pool_t *pool, const ngx_str_t *secret,
    ngx_str_t *public)
{
    u_char                         *p;
    u_char                          x[NGX_HTTP_NOTIFY_CRYPTO_ED25519];
    ngx_str_t                       raw, encoded;
    const char                     *reason;
    ngx_http_notify_sign_secret_t   key;

    if (!ngx_http_notify_sign_secret_ed25519(secret)) {
        return NGX_DECLINED;
    }

    ngx_memzero(&key, sizeof(ngx_http_notify_sign_secret_t));

    if (ngx_http_notify_sign_secret_init(pool, secret, 1, &key, &reason)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, sizeof("whpk_") - 1
                          + ngx_base64_encoded_length(sizeof(x)));

    if (p == NULL
        || ngx_http_notify_crypto_key_raw(key.key, x) != NGX_OK)
    {
        return NGX_ERROR;
    }

    public->data = p;

    raw.data = x;
    raw.len = sizeof(x);
    encoded.data = ngx_cpymem(p, "whpk_", sizeof("whpk_") - 1);

    ngx_encode_base64(&encoded, &raw);

    public->len = sizeof("whpk_") - 1 + encoded.len;

    return NGX_OK;
}


/*
 * Base64 that is canonical but for missing padding; ngx_decode_base64() stops
 * at the first "=", whatever follows.  buf has room for text->len bytes.
 */

static ngx_int_t
ngx_http_notify_sign_secret_decode(const ngx_str_t *text, size_t skip,
    u_char *buf, ngx_str_t *raw)
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
ngx_http_notify_sign_secret(ngx_pool_t *pool, ngx_uint_t ed25519,
    ngx_str_t *secret)
{
    u_char       random[NGX_HTTP_NOTIFY_CRYPTO_ED25519], *p;
    size_t       len;
    ngx_str_t    raw, encoded;
    const char  *prefix;

    prefix = ed25519 ? "whsk_" : "whsec_";
    len = ngx_strlen(prefix);

    if (ngx_http_notify_crypto_random(random, sizeof(random)) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, len + ngx_base64_encoded_length(sizeof(random)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    secret->data = p;

    raw.data = random;
    raw.len = ed25519 ? NGX_HTTP_NOTIFY_CRYPTO_ED25519
                      : NGX_HTTP_NOTIFY_SIGN_SECRET_RANDOM;
    encoded.data = ngx_cpymem(p, prefix, len);

    ngx_encode_base64(&encoded, &raw);
    ngx_explicit_memzero(random, sizeof(random));

    secret->len = len + encoded.len;

    return NGX_OK;
}
