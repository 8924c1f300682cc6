/*
 * Secrets of subscriptions: what a client may give, what we make for it, and
 * the keys they stand for.  Decoded bytes are cleansed.  Must not know of
 * headers.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_sign_secret.h"


#define NGX_HTTP_NOTIFY_SIGN_SECRET_MAX     512
#define NGX_HTTP_NOTIFY_SIGN_SECRET_RANDOM  24


static ngx_uint_t ngx_http_notify_sign_secret_begins(const ngx_str_t *text,
    const char *prefix);
static ngx_int_t ngx_http_notify_sign_secret_decode(const ngx_str_t *text,
    size_t skip, u_char *buf, ngx_str_t *raw);


ngx_int_t
ngx_http_notify_sign_secret_init(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_http_notify_sign_secret_t *secret, const char **reason)
{
    u_char     buf[NGX_HTTP_NOTIFY_SIGN_SECRET_MAX];
    ngx_str_t  raw;

    if (ngx_http_notify_sign_secret_check(text, reason) != NGX_OK) {
        return NGX_ERROR;
    }

    *reason = "no memory";
    raw = *text;

    if (ngx_http_notify_sign_secret_begins(text, "whsk_")) {

        if (ngx_http_notify_sign_secret_decode(text, sizeof("whsk_") - 1, buf,
                                               &raw)
            == NGX_OK)
        {
            secret->key = ngx_http_notify_crypto_key_ed25519(pool, &raw,
                                                             reason);
        }

        goto done;
    }

    if (!ngx_http_notify_sign_secret_begins(text, "whsec_")
        || ngx_http_notify_sign_secret_decode(text, sizeof("whsec_") - 1, buf,
                                              &raw)
           == NGX_OK)
    {
        secret->hmac = ngx_http_notify_crypto_hmac_create(pool,
                                      NGX_HTTP_NOTIFY_CRYPTO_SHA256, &raw);
    }

done:

    ngx_explicit_memzero(buf, sizeof(buf));

    return (secret->key || secret->hmac) ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_notify_sign_secret_check(const ngx_str_t *secret,
    const char **reason)
{
    u_char       buf[NGX_HTTP_NOTIFY_SIGN_SECRET_MAX];
    ngx_int_t    rc;
    ngx_str_t    raw;
    const char  *phrase;

    if (secret->len == 0 || secret->len > NGX_HTTP_NOTIFY_SIGN_SECRET_MAX) {
        *reason = "the secret must have 1 to 512 bytes";
        return NGX_DECLINED;
    }

    if (ngx_http_notify_sign_secret_begins(secret, "whsec_")) {

        phrase = "what follows \"whsec_\" is not base64";

        rc = ngx_http_notify_sign_secret_decode(secret, sizeof("whsec_") - 1,
                                                buf, &raw);

    } else if (ngx_http_notify_sign_secret_begins(secret, "whsk_")) {

        phrase = "what follows \"whsk_\" is not base64 of an Ed25519 key "
                 "of 32 or 64 bytes";

        rc = ngx_http_notify_sign_secret_decode(secret, sizeof("whsk_") - 1,
                                                buf, &raw);

        if (rc == NGX_OK && raw.len != 32 && raw.len != 64) {
            rc = NGX_DECLINED;
        }

    } else {
        return NGX_OK;
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    if (rc != NGX_OK) {
        *reason = phrase;
    }

    return rc;
}


static ngx_uint_t
ngx_http_notify_sign_secret_begins(const ngx_str_t *text, const char *prefix)
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
ngx_http_notify_sign_secret(ngx_pool_t *pool, ngx_str_t *secret)
{
    u_char     random[NGX_HTTP_NOTIFY_SIGN_SECRET_RANDOM], *p;
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
