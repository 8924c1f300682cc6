/*
 * Digests, HMAC and random bytes on OpenSSL's EVP, 1.1.1 and 3.x.  The state
 * of a key lives as long as its pool and is cleansed with it.
 * Must not know what is digested or compared.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_memory.h"


#define NGX_HTTP_NOTIFY_CRYPTO_BLOCK  128   /* SHA-512's, the largest */


struct ngx_http_notify_crypto_hmac_s {
    EVP_MD_CTX                    *inner;    /* has seen key ^ ipad */
    EVP_MD_CTX                    *outer;    /* has seen key ^ opad */
    EVP_MD_CTX                    *scratch;
};


static const EVP_MD *
ngx_http_notify_crypto_md(ngx_http_notify_crypto_hash_e hash)
{
    switch (hash) {

    case NGX_HTTP_NOTIFY_CRYPTO_SHA1:
        return EVP_sha1();

    case NGX_HTTP_NOTIFY_CRYPTO_SHA512:
        return EVP_sha512();

    default:
        return EVP_sha256();
    }
}


static ngx_int_t
ngx_http_notify_crypto_update(EVP_MD_CTX *ctx, const ngx_str_t *parts,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (parts[i].len == 0) {
            continue;
        }

        if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


size_t
ngx_http_notify_crypto_digest(ngx_http_notify_crypto_hash_e hash,
    const ngx_str_t *parts, ngx_uint_t n, u_char *out)
{
    unsigned int   len;
    EVP_MD_CTX    *ctx;

    len = 0;

    ctx = EVP_MD_CTX_new();

    if (ctx == NULL
        || EVP_DigestInit_ex(ctx, ngx_http_notify_crypto_md(hash), NULL) != 1
        || ngx_http_notify_crypto_update(ctx, parts, n) != NGX_OK
        || EVP_DigestFinal_ex(ctx, out, &len) != 1)
    {
        ERR_clear_error();
        len = 0;
    }

    EVP_MD_CTX_free(ctx);

    return len;
}


static void
ngx_http_notify_crypto_hmac_cleanup(void *data)
{
    ngx_http_notify_crypto_hmac_t  *hmac = data;

    /* what these free is cleansed */

    EVP_MD_CTX_free(hmac->inner);
    EVP_MD_CTX_free(hmac->outer);
    EVP_MD_CTX_free(hmac->scratch);
}


static ngx_int_t
ngx_http_notify_crypto_hmac_init(ngx_http_notify_crypto_hmac_t *hmac,
    ngx_http_notify_crypto_hash_e hash, const ngx_str_t *secret)
{
    int            block;
    u_char         pad[NGX_HTTP_NOTIFY_CRYPTO_BLOCK];
    ngx_int_t      rc;
    ngx_uint_t     i;
    const EVP_MD  *md;

    rc = NGX_ERROR;

    ngx_memzero(pad, sizeof(pad));

    md = ngx_http_notify_crypto_md(hash);
    block = EVP_MD_block_size(md);

    if (block <= 0 || block > NGX_HTTP_NOTIFY_CRYPTO_BLOCK) {
        goto done;
    }

    if (secret->len > (size_t) block) {
        if (ngx_http_notify_crypto_digest(hash, secret, 1, pad) == 0) {
            goto done;
        }

    } else if (secret->len) {
        ngx_memcpy(pad, secret->data, secret->len);
    }

    for (i = 0; i < (ngx_uint_t) block; i++) {
        pad[i] ^= 0x36;
    }

    if (EVP_DigestInit_ex(hmac->inner, md, NULL) != 1
        || EVP_DigestUpdate(hmac->inner, pad, block) != 1)
    {
        goto done;
    }

    for (i = 0; i < (ngx_uint_t) block; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }

    if (EVP_DigestInit_ex(hmac->outer, md, NULL) != 1
        || EVP_DigestUpdate(hmac->outer, pad, block) != 1)
    {
        goto done;
    }

    rc = NGX_OK;

done:

    OPENSSL_cleanse(pad, sizeof(pad));

    return rc;
}


ngx_http_notify_crypto_hmac_t *
ngx_http_notify_crypto_hmac_create(ngx_pool_t *pool,
    ngx_http_notify_crypto_hash_e hash, const ngx_str_t *secret)
{
    ngx_http_notify_crypto_hmac_t  *hmac;

    hmac = ngx_http_notify_memory_owned(pool,
                                        sizeof(ngx_http_notify_crypto_hmac_t),
                                        ngx_http_notify_crypto_hmac_cleanup);
    if (hmac == NULL) {
        return NULL;
    }

    hmac->inner = EVP_MD_CTX_new();
    hmac->outer = EVP_MD_CTX_new();
    hmac->scratch = EVP_MD_CTX_new();

    if (hmac->inner == NULL
        || hmac->outer == NULL
        || hmac->scratch == NULL
        || ngx_http_notify_crypto_hmac_init(hmac, hash, secret) != NGX_OK)
    {
        ERR_clear_error();
        return NULL;
    }

    return hmac;
}


size_t
ngx_http_notify_crypto_hmac(ngx_http_notify_crypto_hmac_t *hmac,
    const ngx_str_t *parts, ngx_uint_t n, u_char *out)
{
    u_char         inner[EVP_MAX_MD_SIZE];
    unsigned int   len;
    EVP_MD_CTX    *ctx;

    ctx = hmac->scratch;

    if (EVP_MD_CTX_copy_ex(ctx, hmac->inner) != 1
        || ngx_http_notify_crypto_update(ctx, parts, n) != NGX_OK
        || EVP_DigestFinal_ex(ctx, inner, &len) != 1
        || EVP_MD_CTX_copy_ex(ctx, hmac->outer) != 1
        || EVP_DigestUpdate(ctx, inner, len) != 1
        || EVP_DigestFinal_ex(ctx, out, &len) != 1)
    {
        ERR_clear_error();
        return 0;
    }

    return len;
}


ngx_int_t
ngx_http_notify_crypto_random(u_char *bytes, size_t len)
{
    if (len > NGX_MAX_INT32_VALUE || RAND_bytes(bytes, (int) len) != 1) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_crypto_equal(const ngx_str_t *a, const ngx_str_t *b)
{
    if (a->len != b->len) {
        return 0;
    }

    return a->len == 0 || CRYPTO_memcmp(a->data, b->data, a->len) == 0;
}
