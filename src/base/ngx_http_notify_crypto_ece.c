/*
 * RFC 8291 and RFC 8188 on OpenSSL, 1.1.1 and 3.x.  A message has a key pair of
 * its own, which is forgotten with it.  The curve, the digest and the cipher
 * are got once for as long as the process lives: OpenSSL 3 takes several times
 * longer to look them up than to use them, and as long again to put a point
 * into a key.  Must not know what is sent.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_crypto_ece.h"


#define NGX_HTTP_NOTIFY_CRYPTO_ECE_KEY    16    /* AES-128 */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_NONCE  12
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_TAG    16
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_P256   32    /* a private key, a secret */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_BLOCK  64    /* of SHA-256, */
#define NGX_HTTP_NOTIFY_CRYPTO_ECE_CODE   32    /* and what it makes */


static ngx_int_t ngx_http_notify_crypto_ece_init(void);
static ngx_int_t ngx_http_notify_crypto_ece_agree(const u_char *point,
    const ngx_http_notify_crypto_ece_fixed_t *fixed, u_char *own,
    u_char *secret);
static ngx_int_t ngx_http_notify_crypto_ece_private(BIGNUM *private,
    const ngx_http_notify_crypto_ece_fixed_t *fixed);
static ngx_int_t ngx_http_notify_crypto_ece_derive(const u_char *agreed,
    const u_char *point, const u_char *secret, const u_char *body, u_char *key,
    u_char *nonce);
static ngx_int_t ngx_http_notify_crypto_ece_hmac(const u_char *key, size_t len,
    const u_char *data, size_t size, u_char *out);
static ngx_int_t ngx_http_notify_crypto_ece_seal(const u_char *key,
    const u_char *nonce, const ngx_str_t *plain, u_char *out);


static struct {
    EC_GROUP        *curve;         /* P-256 */
    EC_POINT        *peer;
    EC_POINT        *own;
    BN_CTX          *bn;
    EVP_MD_CTX      *digest;        /* SHA-256 */
    EVP_CIPHER_CTX  *cipher;        /* AES-128-GCM */
    ngx_uint_t       ready;         /* unsigned  ready:1; */
} ngx_http_notify_crypto_ece;


ngx_int_t
ngx_http_notify_crypto_ece_point(const u_char *point)
{
    if (ngx_http_notify_crypto_ece_init() != NGX_OK
        || point[0] != POINT_CONVERSION_UNCOMPRESSED
        || EC_POINT_oct2point(ngx_http_notify_crypto_ece.curve,
                              ngx_http_notify_crypto_ece.peer, point,
                              NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT,
                              ngx_http_notify_crypto_ece.bn)
           != 1)
    {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* what is there of it stays, where another one has no memory */

static ngx_int_t
ngx_http_notify_crypto_ece_init(void)
{
    EC_GROUP  *curve;

    if (ngx_http_notify_crypto_ece.ready) {
        return NGX_OK;
    }

    curve = ngx_http_notify_crypto_ece.curve;

    if (curve == NULL) {
        curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
        if (curve == NULL) {
            return NGX_ERROR;
        }

        ngx_http_notify_crypto_ece.curve = curve;
    }

    if (ngx_http_notify_crypto_ece.peer == NULL) {
        ngx_http_notify_crypto_ece.peer = EC_POINT_new(curve);
    }

    if (ngx_http_notify_crypto_ece.own == NULL) {
        ngx_http_notify_crypto_ece.own = EC_POINT_new(curve);
    }

    if (ngx_http_notify_crypto_ece.bn == NULL) {
        ngx_http_notify_crypto_ece.bn = BN_CTX_new();
    }

    if (ngx_http_notify_crypto_ece.digest == NULL) {
        ngx_http_notify_crypto_ece.digest = EVP_MD_CTX_new();
    }

    if (ngx_http_notify_crypto_ece.cipher == NULL) {
        ngx_http_notify_crypto_ece.cipher = EVP_CIPHER_CTX_new();
    }

    if (ngx_http_notify_crypto_ece.peer == NULL
        || ngx_http_notify_crypto_ece.own == NULL
        || ngx_http_notify_crypto_ece.bn == NULL
        || ngx_http_notify_crypto_ece.digest == NULL
        || ngx_http_notify_crypto_ece.cipher == NULL
        || EVP_DigestInit_ex(ngx_http_notify_crypto_ece.digest, EVP_sha256(),
                             NULL)
           != 1
        || EVP_EncryptInit_ex(ngx_http_notify_crypto_ece.cipher,
                              EVP_aes_128_gcm(), NULL, NULL, NULL)
           != 1)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_crypto_ece.ready = 1;

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

    rc = ngx_http_notify_crypto_ece_agree(point, fixed, p, agreed);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_crypto_ece_derive(agreed, point, secret,
                                               body->data, key, nonce);
    }

    if (rc == NGX_OK) {
        p += NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT;
        rc = ngx_http_notify_crypto_ece_seal(key, nonce, plain, p);
    }

    ERR_clear_error();

    ngx_explicit_memzero(agreed, sizeof(agreed));
    ngx_explicit_memzero(key, sizeof(key));

    return rc;
}


/* ECDH with a new key, whose point is put to own.  The order of P-256 is a
 * prime: a point on it that is not at infinity need not be checked further. */

static ngx_int_t
ngx_http_notify_crypto_ece_agree(const u_char *point,
    const ngx_http_notify_crypto_ece_fixed_t *fixed, u_char *own,
    u_char *secret)
{
    BIGNUM     *private, *x;
    BN_CTX     *bn;
    EC_GROUP   *curve;
    EC_POINT   *shared;
    ngx_int_t   rc;

    if (ngx_http_notify_crypto_ece_point(point) != NGX_OK) {
        return NGX_ERROR;
    }

    curve = ngx_http_notify_crypto_ece.curve;
    bn = ngx_http_notify_crypto_ece.bn;

    rc = NGX_ERROR;
    shared = EC_POINT_new(curve);
    private = BN_new();
    x = BN_new();

    if (shared != NULL && private != NULL && x != NULL
        && ngx_http_notify_crypto_ece_private(private, fixed) == NGX_OK
        && EC_POINT_mul(curve, ngx_http_notify_crypto_ece.own, private, NULL,
                        NULL, bn)
           == 1
        && EC_POINT_point2oct(curve, ngx_http_notify_crypto_ece.own,
                              POINT_CONVERSION_UNCOMPRESSED, own,
                              NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT, bn)
           == NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT
        && EC_POINT_mul(curve, shared, NULL, ngx_http_notify_crypto_ece.peer,
                        private, bn)
           == 1
        && EC_POINT_get_affine_coordinates(curve, shared, x, NULL, bn) == 1
        && BN_bn2binpad(x, secret, NGX_HTTP_NOTIFY_CRYPTO_ECE_P256)
           == NGX_HTTP_NOTIFY_CRYPTO_ECE_P256)
    {
        rc = NGX_OK;
    }

    EC_POINT_clear_free(shared);
    BN_clear_free(private);
    BN_clear_free(x);

    return rc;
}


/* a number from 1 to the order of the curve, less 1 */

static ngx_int_t
ngx_http_notify_crypto_ece_private(BIGNUM *private,
    const ngx_http_notify_crypto_ece_fixed_t *fixed)
{
    const BIGNUM  *order;

    if (fixed) {
        return BN_bin2bn(fixed->private, NGX_HTTP_NOTIFY_CRYPTO_ECE_P256,
                         private)
               ? NGX_OK : NGX_ERROR;
    }

    order = EC_GROUP_get0_order(ngx_http_notify_crypto_ece.curve);

    do {
        if (BN_priv_rand_range(private, order) != 1) {
            return NGX_ERROR;
        }

    } while (BN_is_zero(private));

    BN_set_flags(private, BN_FLG_CONSTTIME);

    return NGX_OK;
}


/* RFC 8291, 3.4, by RFC 5869: a key of what was agreed, and two of that.  The
 * body begins with the salt and has our point. */

static ngx_int_t
ngx_http_notify_crypto_ece_derive(const u_char *agreed, const u_char *point,
    const u_char *secret, const u_char *body, u_char *key, u_char *nonce)
{
    u_char      info[sizeof("WebPush: info")
                     + 2 * NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT + 1];
    u_char     *p, prk[NGX_HTTP_NOTIFY_CRYPTO_ECE_CODE];
    u_char      okm[NGX_HTTP_NOTIFY_CRYPTO_ECE_CODE];
    ngx_int_t   rc;

    /* these end with a NUL and a 1 */

    static const u_char  cek_text[] = "Content-Encoding: aes128gcm\0\1";
    static const u_char  nonce_text[] = "Content-Encoding: nonce\0\1";

    p = ngx_cpymem(info, "WebPush: info", sizeof("WebPush: info"));
    p = ngx_cpymem(p, point, NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT);
    p = ngx_cpymem(p, body + NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT + 4 + 1,
                   NGX_HTTP_NOTIFY_CRYPTO_ECE_POINT);
    *p = 1;

    rc = NGX_ERROR;

    if (ngx_http_notify_crypto_ece_hmac(secret,
                                        NGX_HTTP_NOTIFY_CRYPTO_ECE_SECRET,
                                        agreed,
                                        NGX_HTTP_NOTIFY_CRYPTO_ECE_P256, prk)
        == NGX_OK
        && ngx_http_notify_crypto_ece_hmac(prk, sizeof(prk), info,
                                           sizeof(info), okm)
           == NGX_OK
        && ngx_http_notify_crypto_ece_hmac(body,
                                           NGX_HTTP_NOTIFY_CRYPTO_ECE_SALT,
                                           okm, sizeof(okm), prk)
           == NGX_OK
        && ngx_http_notify_crypto_ece_hmac(prk, sizeof(prk), cek_text,
                                           sizeof(cek_text) - 1, okm)
           == NGX_OK)
    {
        ngx_memcpy(key, okm, NGX_HTTP_NOTIFY_CRYPTO_ECE_KEY);

        rc = ngx_http_notify_crypto_ece_hmac(prk, sizeof(prk), nonce_text,
                                             sizeof(nonce_text) - 1, okm);

        ngx_memcpy(nonce, okm, NGX_HTTP_NOTIFY_CRYPTO_ECE_NONCE);
    }

    ngx_explicit_memzero(prk, sizeof(prk));
    ngx_explicit_memzero(okm, sizeof(okm));

    return rc;
}


/* RFC 2104 with SHA-256; the key is no longer than a block */

static ngx_int_t
ngx_http_notify_crypto_ece_hmac(const u_char *key, size_t len,
    const u_char *data, size_t size, u_char *out)
{
    u_char       pad[NGX_HTTP_NOTIFY_CRYPTO_ECE_BLOCK];
    size_t       i;
    ngx_int_t    rc;
    EVP_MD_CTX  *digest;

    rc = NGX_ERROR;
    digest = ngx_http_notify_crypto_ece.digest;

    ngx_memset(pad, 0x36, sizeof(pad));

    for (i = 0; i < len; i++) {
        pad[i] ^= key[i];
    }

    if (EVP_DigestInit_ex(digest, NULL, NULL) != 1
        || EVP_DigestUpdate(digest, pad, sizeof(pad)) != 1
        || EVP_DigestUpdate(digest, data, size) != 1
        || EVP_DigestFinal_ex(digest, out, NULL) != 1)
    {
        goto done;
    }

    for (i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }

    if (EVP_DigestInit_ex(digest, NULL, NULL) == 1
        && EVP_DigestUpdate(digest, pad, sizeof(pad)) == 1
        && EVP_DigestUpdate(digest, out, NGX_HTTP_NOTIFY_CRYPTO_ECE_CODE) == 1
        && EVP_DigestFinal_ex(digest, out, NULL) == 1)
    {
        rc = NGX_OK;
    }

done:

    ngx_explicit_memzero(pad, sizeof(pad));

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
    EVP_CIPHER_CTX  *cipher;

    static const u_char  none[NGX_HTTP_NOTIFY_CRYPTO_ECE_KEY];

    rc = NGX_ERROR;
    p = out + plain->len;
    cipher = ngx_http_notify_crypto_ece.cipher;

    if (EVP_EncryptInit_ex(cipher, NULL, NULL, key, nonce) == 1
        && (plain->len == 0
            || EVP_EncryptUpdate(cipher, out, &n, plain->data,
                                 (int) plain->len)
               == 1)
        && EVP_EncryptUpdate(cipher, p, &n, (u_char *) "\2", 1) == 1
        && EVP_EncryptFinal_ex(cipher, p + 1, &n) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG,
                               NGX_HTTP_NOTIFY_CRYPTO_ECE_TAG, p + 1)
           == 1)
    {
        rc = NGX_OK;
    }

    /* the message's key is forgotten */

    (void) EVP_EncryptInit_ex(cipher, NULL, NULL, none, NULL);

    return rc;
}
