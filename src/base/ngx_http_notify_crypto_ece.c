/*
 * RFC 8291 and RFC 8188 on OpenSSL's EVP, 1.1.1 and 3.x.  A message has a key
 * pair of its own, which is forgotten with it.  Must not know what is sent.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_crypto_ece.h"


#define NGX_HTTP_NOTIFY_CRYPTO_ECE_KEY    16    /* AES-128 */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_NONCE  12
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_TAG    16
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_P256   32    /* a private key, a secret */


static EVP_PKEY *ngx_http_notify_crypto_ece_public(const u_char *point);
static EVP_PKEY *ngx_http_notify_crypto_ece_private(
    const ngx_http_notify_crypto_ece_fixed_t *fixed);
static ngx_int_t ngx_http_notify_crypto_ece_own(EVP_PKEY *pkey,
    u_char *point);
static ngx_int_t ngx_http_notify_crypto_ece_agree(EVP_PKEY *own,
    EVP_PKEY *peer, u_char *secret);
static ngx_int_t ngx_http_notify_crypto_ece_derive(const u_char *agreed,
    const u_char *point, const u_char *secret, const u_char *body, u_char *key,
    u_char *nonce);
static ngx_int_t ngx_http_notify_crypto_ece_hkdf(const u_char *salt,
    const u_char *ikm, const ngx_str_t *info, u_char *out, size_t len);
static ngx_int_t ngx_http_notify_crypto_ece_seal(const u_char *key,
    const u_char *nonce, const ngx_str_t *plain, u_char *out);


/* SubjectPublicKeyInfo (RFC 5480) of a point on P-256, but for the point */
static const u_char  ngx_http_notify_crypto_ece_spki[] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
    0x42, 0x00
};

/* ECPrivateKey (RFC 5915), before and after the number */
static const u_char  ngx_http_notify_crypto_ece_sec1[] = {
    0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20
};
static const u_char  ngx_http_notify_crypto_ece_curve[] = {
    0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
};


ngx_int_t
ngx_http_notify_crypto_ece_point(const u_char *point)
{
    EVP_PKEY  *pkey;

    pkey = ngx_http_notify_crypto_ece_public(point);
    if (pkey == NULL) {
        return NGX_DECLINED;
    }

    EVP_PKEY_free(pkey);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_crypto_ece_encrypt(ngx_pool_t *pool, const u_char *point,
    const u_char *secret, const ngx_http_notify_crypto_ece_fixed_t *fixed,
    const ngx_str_t *plain, ngx_str_t *body)
{
    u_char     *p, key[NGX_HTTP_NOTIFY_CRYPTO_ECE_KEY];
    u_char      nonce[NGX_HTTP_NOTIFY_CRYPTO_ECE_NONCE];
    u_char      agreed[NGX_HTTP_NOTIFY_CRYPTO_ECE_P256];
    EVP_PKEY   *own, *peer;
    ngx_int_t   rc;

    if (plain->len > NGX_HTTP_NOTIFY_CRYPTO_ECE_BODY
                     - NGX_HTTP_NOTIFY_CRYPTO_ECE_EXTRA)
    {
        return NGX_DECLINED;
    }

    body->len = plain->len + NGX_HTTP_NOTIFY_CRYPTO_ECE_EXTRA;

    p = ngx_pnalloc(pool, body->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    if (fixed) {
        ngx_memcpy(p, fixed->salt, NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT);

    } else if (ngx_http_notify_crypto_random(p,
                                             NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    p += NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT;

    *p++ = 0;
    *p++ = 0;
    *p++ = NGX_HTTP_NOTIFY_CRYPTO_ECE_BODY >> 8;
    *p++ = NGX_HTTP_NOTIFY_CRYPTO_ECE_BODY & 0xff;
    *p++ = NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT;

    own = ngx_http_notify_crypto_ece_private(fixed);
    peer = ngx_http_notify_crypto_ece_public(point);

    rc = NGX_ERROR;

    if (own && peer
        && ngx_http_notify_crypto_ece_own(own, p) == NGX_OK
        && ngx_http_notify_crypto_ece_agree(own, peer, agreed) == NGX_OK
        && ngx_http_notify_crypto_ece_derive(agreed, point, secret, body->data,
                                             key, nonce)
           == NGX_OK)
    {
        p += NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT;
        rc = ngx_http_notify_crypto_ece_seal(key, nonce, plain, p);
    }

    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    ERR_clear_error();

    ngx_explicit_memzero(agreed, sizeof(agreed));
    ngx_explicit_memzero(key, sizeof(key));

    return rc;
}


/* NULL too where it is not on the curve */

static EVP_PKEY *
ngx_http_notify_crypto_ece_public(const u_char *point)
{
    u_char         der[sizeof(ngx_http_notify_crypto_ece_spki)
                       + NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT];
    EVP_PKEY      *pkey;
    const u_char  *p;

    if (point[0] != 4) {
        return NULL;
    }

    p = der;

    ngx_memcpy(ngx_cpymem(der, ngx_http_notify_crypto_ece_spki,
                          sizeof(ngx_http_notify_crypto_ece_spki)),
               point, NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT);

    pkey = d2i_PUBKEY(NULL, &p, sizeof(der));

    if (pkey == NULL) {
        ERR_clear_error();
    }

    return pkey;
}


static EVP_PKEY *
ngx_http_notify_crypto_ece_private(
    const ngx_http_notify_crypto_ece_fixed_t *fixed)
{
    u_char        *end, der[64];
    EVP_PKEY      *pkey;
    const u_char  *p;
    EVP_PKEY_CTX  *ctx;

    if (fixed) {
        end = ngx_cpymem(der, ngx_http_notify_crypto_ece_sec1,
                         sizeof(ngx_http_notify_crypto_ece_sec1));
        end = ngx_cpymem(end, fixed->private, NGX_HTTP_NOTIFY_CRYPTO_ECE_P256);
        end = ngx_cpymem(end, ngx_http_notify_crypto_ece_curve,
                         sizeof(ngx_http_notify_crypto_ece_curve));
        p = der;

        return d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, end - der);
    }

    pkey = NULL;

    ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);

    if (ctx == NULL
        || EVP_PKEY_keygen_init(ctx) != 1
        || EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1)
           != 1
        || EVP_PKEY_keygen(ctx, &pkey) != 1)
    {
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


static ngx_int_t
ngx_http_notify_crypto_ece_own(EVP_PKEY *pkey, u_char *point)
{
    int      n;
    u_char  *der;

    der = NULL;

    n = i2d_PUBKEY(pkey, &der);

    if (n != sizeof(ngx_http_notify_crypto_ece_spki)
             + NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT)
    {
        OPENSSL_free(der);
        return NGX_ERROR;
    }

    ngx_memcpy(point, der + sizeof(ngx_http_notify_crypto_ece_spki),
               NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT);

    OPENSSL_free(der);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_crypto_ece_agree(EVP_PKEY *own, EVP_PKEY *peer,
    u_char *secret)
{
    size_t         len;
    ngx_int_t      rc;
    EVP_PKEY_CTX  *ctx;

    rc = NGX_ERROR;
    len = NGX_HTTP_NOTIFY_CRYPTO_ECE_P256;

    ctx = EVP_PKEY_CTX_new(own, NULL);

    if (ctx != NULL
        && EVP_PKEY_derive_init(ctx) == 1
        && EVP_PKEY_derive_set_peer(ctx, peer) == 1
        && EVP_PKEY_derive(ctx, secret, &len) == 1
        && len == NGX_HTTP_NOTIFY_CRYPTO_ECE_P256)
    {
        rc = NGX_OK;
    }

    EVP_PKEY_CTX_free(ctx);

    return rc;
}


/* RFC 8291, 3.4; the body begins with the salt and has our point */

static ngx_int_t
ngx_http_notify_crypto_ece_derive(const u_char *agreed, const u_char *point,
    const u_char *secret, const u_char *body, u_char *key, u_char *nonce)
{
    u_char      info[sizeof("WebPush: info")
                     + 2 * NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT + 1];
    u_char     *p, ikm[NGX_HTTP_NOTIFY_CRYPTO_ECE_P256];
    ngx_int_t   rc;
    ngx_str_t   text;

    /* these end with a NUL and a 1 */

    static const ngx_str_t  key_info = {
        sizeof("Content-Encoding: aes128gcm") + 1,
        (u_char *) "Content-Encoding: aes128gcm\0\1"
    };
    static const ngx_str_t  nonce_info = {
        sizeof("Content-Encoding: nonce") + 1,
        (u_char *) "Content-Encoding: nonce\0\1"
    };

    p = ngx_cpymem(info, "WebPush: info", sizeof("WebPush: info"));
    p = ngx_cpymem(p, point, NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT);
    p = ngx_cpymem(p, body + NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT + 4 + 1,
                   NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT);
    *p = 1;

    text.data = info;
    text.len = sizeof(info);

    rc = ngx_http_notify_crypto_ece_hkdf(secret, agreed, &text, ikm,
                                         sizeof(ikm));

    if (rc == NGX_OK) {
        rc = ngx_http_notify_crypto_ece_hkdf(body, ikm, &key_info, key,
                                             NGX_HTTP_NOTIFY_CRYPTO_ECE_KEY);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_crypto_ece_hkdf(body, ikm, &nonce_info,
                                             nonce,
                                             NGX_HTTP_NOTIFY_CRYPTO_ECE_NONCE);
    }

    ngx_explicit_memzero(ikm, sizeof(ikm));

    return rc;
}


/* RFC 5869 with SHA-256, of 16 and 32 bytes, and one block of output; info
 * ends with a 1 */

static ngx_int_t
ngx_http_notify_crypto_ece_hkdf(const u_char *salt, const u_char *ikm,
    const ngx_str_t *info, u_char *out, size_t len)
{
    u_char        prk[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    u_char        code[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_int_t     rc;
    unsigned int  n;

    rc = NGX_ERROR;

    if (HMAC(EVP_sha256(), salt, NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT, ikm,
             NGX_HTTP_NOTIFY_CRYPTO_ECE_P256, prk, &n)
        != NULL
        && HMAC(EVP_sha256(), prk, (int) n, info->data, info->len, code, &n)
           != NULL)
    {
        ngx_memcpy(out, code, len);
        rc = NGX_OK;
    }

    ngx_explicit_memzero(prk, sizeof(prk));
    ngx_explicit_memzero(code, sizeof(code));

    return rc;
}


/* RFC 8188: the last record ends with 2 */

static ngx_int_t
ngx_http_notify_crypto_ece_seal(const u_char *key, const u_char *nonce,
    const ngx_str_t *plain, u_char *out)
{
    int              n;
    u_char          *p;
    ngx_int_t        rc;
    EVP_CIPHER_CTX  *ctx;

    rc = NGX_ERROR;
    p = out + plain->len;

    ctx = EVP_CIPHER_CTX_new();

    if (ctx != NULL
        && EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce) == 1
        && (plain->len == 0
            || EVP_EncryptUpdate(ctx, out, &n, plain->data, (int) plain->len)
               == 1)
        && EVP_EncryptUpdate(ctx, p, &n, (u_char *) "\2", 1) == 1
        && EVP_EncryptFinal_ex(ctx, p + 1, &n) == 1
        && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG,
                               NGX_HTTP_NOTIFY_CRYPTO_ECE_TAG, p + 1)
           == 1)
    {
        rc = NGX_OK;
    }

    EVP_CIPHER_CTX_free(ctx);

    return rc;
}
