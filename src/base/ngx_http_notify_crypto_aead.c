/*
 * AES-256-GCM on OpenSSL's EVP, 1.1.1 and 3.x.  No state: a key is bytes.
 * Must not know what is encrypted, nor where keys come from.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "ngx_http_notify_crypto.h"


#define NGX_HTTP_NOTIFY_CRYPTO_AEAD_EXTRA                                     \
    (NGX_HTTP_NOTIFY_CRYPTO_NONCE + NGX_HTTP_NOTIFY_CRYPTO_TAG)


static ngx_int_t ngx_http_notify_crypto_aead_pass(EVP_CIPHER_CTX *ctx,
    const ngx_str_t *aad, const u_char *in, size_t len, u_char *out);


/* NIST SP 800-38D; 96 random bits are good for 2^32 messages of one key */

ngx_int_t
ngx_http_notify_crypto_encrypt(ngx_pool_t *pool, const u_char *key,
    const ngx_str_t *aad, const ngx_str_t *plain, ngx_str_t *sealed)
{
    u_char          *p, *tag;
    ngx_int_t        rc;
    EVP_CIPHER_CTX  *ctx;

    if (plain->len > NGX_MAX_INT32_VALUE - NGX_HTTP_NOTIFY_CRYPTO_AEAD_EXTRA
        || aad->len > NGX_MAX_INT32_VALUE)
    {
        return NGX_ERROR;
    }

    sealed->len = plain->len + NGX_HTTP_NOTIFY_CRYPTO_AEAD_EXTRA;

    sealed->data = ngx_pnalloc(pool, sealed->len);
    if (sealed->data == NULL) {
        return NGX_ERROR;
    }

    p = sealed->data + NGX_HTTP_NOTIFY_CRYPTO_NONCE;
    tag = p + plain->len;

    if (ngx_http_notify_crypto_random(sealed->data,
                                      NGX_HTTP_NOTIFY_CRYPTO_NONCE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    ctx = EVP_CIPHER_CTX_new();

    /* the length of a nonce is 96 bits unless said otherwise */

    if (ctx != NULL
        && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed->data)
           == 1
        && ngx_http_notify_crypto_aead_pass(ctx, aad, plain->data, plain->len,
                                            p)
           == NGX_OK
        && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG,
                               NGX_HTTP_NOTIFY_CRYPTO_TAG, tag)
           == 1)
    {
        rc = NGX_OK;
    }

    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();

    return rc;
}


ngx_int_t
ngx_http_notify_crypto_decrypt(ngx_pool_t *pool, const u_char *key,
    const ngx_str_t *aad, const ngx_str_t *sealed, ngx_str_t *plain)
{
    u_char          *p, *tag;
    ngx_int_t        rc;
    EVP_CIPHER_CTX  *ctx;

    if (sealed->len < NGX_HTTP_NOTIFY_CRYPTO_AEAD_EXTRA
        || sealed->len > NGX_MAX_INT32_VALUE
        || aad->len > NGX_MAX_INT32_VALUE)
    {
        return NGX_DECLINED;
    }

    plain->len = sealed->len - NGX_HTTP_NOTIFY_CRYPTO_AEAD_EXTRA;

    plain->data = ngx_pnalloc(pool, plain->len + 1);
    if (plain->data == NULL) {
        return NGX_ERROR;
    }

    p = sealed->data + NGX_HTTP_NOTIFY_CRYPTO_NONCE;
    tag = p + plain->len;

    rc = NGX_DECLINED;

    ctx = EVP_CIPHER_CTX_new();

    if (ctx == NULL) {
        rc = NGX_ERROR;

    } else if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key,
                                  sealed->data)
               == 1
               && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG,
                                      NGX_HTTP_NOTIFY_CRYPTO_TAG, tag)
                  == 1
               && ngx_http_notify_crypto_aead_pass(ctx, aad, p, plain->len,
                                                   plain->data)
                  == NGX_OK)
    {
        rc = NGX_OK;
    }

    if (rc != NGX_OK) {
        /* bytes that nobody vouches for */
        ngx_explicit_memzero(plain->data, plain->len);
    }

    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();

    return rc;
}


static ngx_int_t
ngx_http_notify_crypto_aead_pass(EVP_CIPHER_CTX *ctx, const ngx_str_t *aad,
    const u_char *in, size_t len, u_char *out)
{
    int  n;

    if (EVP_CipherUpdate(ctx, NULL, &n, aad->data, (int) aad->len) != 1
        || EVP_CipherUpdate(ctx, out, &n, in, (int) len) != 1)
    {
        return NGX_ERROR;
    }

    /* with GCM the end adds no byte: it makes, or checks, the tag */

    return EVP_CipherFinal_ex(ctx, out + len, &n) == 1 ? NGX_OK : NGX_ERROR;
}
