/*
 * Keys: reading, and JWKs on OpenSSL's EVP, 1.1.1 and 3.x; JWS signatures made
 * and checked.  A key lives as long as its pool and is cleansed with it.
 * Must not know what is signed, nor where a key came from.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CRYPTO_P256       32
#define NGX_HTTP_NOTIFY_CRYPTO_HS256_MIN  32    /* RFC 7518, 3.2 */
#define NGX_HTTP_NOTIFY_CRYPTO_RSA_MIN    2048  /* bits; RFC 7518, 3.3 */

/* all of a JWK but the encoded numbers */
#define NGX_HTTP_NOTIFY_CRYPTO_JWK_LEN    128


struct ngx_http_notify_crypto_key_s {
    ngx_http_notify_crypto_jws_e    alg;
    EVP_PKEY                       *pkey;
    ngx_http_notify_crypto_hmac_t  *hmac;    /* HS256 in place of pkey */
};


/* SubjectPublicKeyInfo (RFC 5480) of an uncompressed point on P-256 */
static u_char  ngx_http_notify_crypto_p256[] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
    0x42, 0x00, 0x04
};


static void
ngx_http_notify_crypto_key_cleanup(void *data)
{
    ngx_http_notify_crypto_key_t  *key = data;

    EVP_PKEY_free(key->pkey);
}


static ngx_http_notify_crypto_key_t *
ngx_http_notify_crypto_key_create(ngx_pool_t *pool,
    ngx_http_notify_crypto_jws_e alg, const char **reason)
{
    ngx_http_notify_crypto_key_t  *key;

    key = ngx_http_notify_memory_owned(pool,
                                       sizeof(ngx_http_notify_crypto_key_t),
                                       ngx_http_notify_crypto_key_cleanup);
    if (key == NULL) {
        *reason = "no memory";
        return NULL;
    }

    key->alg = alg;

    return key;
}


ngx_http_notify_crypto_key_t *
ngx_http_notify_crypto_key_ed25519(ngx_pool_t *pool, const ngx_str_t *raw,
    const char **reason)
{
    u_char                         public[NGX_HTTP_NOTIFY_CRYPTO_ED25519];
    ngx_http_notify_crypto_key_t  *key;

    if (raw->len != NGX_HTTP_NOTIFY_CRYPTO_ED25519
        && raw->len != 2 * NGX_HTTP_NOTIFY_CRYPTO_ED25519)
    {
        *reason = "an Ed25519 key has 32 or 64 bytes";
        return NULL;
    }

    key = ngx_http_notify_crypto_key_create(pool, NGX_HTTP_NOTIFY_CRYPTO_EDDSA,
                                            reason);
    if (key == NULL) {
        return NULL;
    }

    key->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw->data,
                                             NGX_HTTP_NOTIFY_CRYPTO_ED25519);

    if (key->pkey == NULL
        || ngx_http_notify_crypto_key_raw(key, public) != NGX_OK)
    {
        ERR_clear_error();
        *reason = "Ed25519 is not available";
        return NULL;
    }

    /* the longer form carries the public key behind the private one */

    if (raw->len > sizeof(public)
        && CRYPTO_memcmp(raw->data + sizeof(public), public, sizeof(public))
           != 0)
    {
        *reason = "the public half does not belong to the private one";
        return NULL;
    }

    return key;
}


/* never ask at a terminal */

static int
ngx_http_notify_crypto_no_password(char *buf, int size, int rwflag, void *data)
{
    return -1;
}


/* the point's 64 bytes: NGX_DECLINED when it is not on P-256 */

static ngx_int_t
ngx_http_notify_crypto_point(EVP_PKEY *pkey, u_char *point)
{
    int        n;
    size_t     skip;
    u_char    *der;
    ngx_int_t  rc;

    der = NULL;
    rc = NGX_DECLINED;
    skip = sizeof(ngx_http_notify_crypto_p256);

    n = i2d_PUBKEY(pkey, &der);

    if (n <= 0) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    if ((size_t) n == skip + 2 * NGX_HTTP_NOTIFY_CRYPTO_P256
        && ngx_memcmp(der, ngx_http_notify_crypto_p256, skip) == 0)
    {
        ngx_memcpy(point, der + skip, 2 * NGX_HTTP_NOTIFY_CRYPTO_P256);
        rc = NGX_OK;
    }

    OPENSSL_free(der);

    return rc;
}


static const char *
ngx_http_notify_crypto_key_check(ngx_http_notify_crypto_key_t *key)
{
    int     type;
    u_char  point[2 * NGX_HTTP_NOTIFY_CRYPTO_P256];

    type = EVP_PKEY_base_id(key->pkey);

    switch (key->alg) {

    case NGX_HTTP_NOTIFY_CRYPTO_RS256:
        if (type != EVP_PKEY_RSA) {
            return "RS256 needs an RSA key";
        }

        if (EVP_PKEY_bits(key->pkey) < NGX_HTTP_NOTIFY_CRYPTO_RSA_MIN) {
            return "RS256 needs a key of at least 2048 bits";
        }

        return NULL;

    case NGX_HTTP_NOTIFY_CRYPTO_ES256:
        if (type != EVP_PKEY_EC
            || ngx_http_notify_crypto_point(key->pkey, point) != NGX_OK)
        {
            return "ES256 needs a key on the named curve P-256, uncompressed";
        }

        return NULL;

    default:
        return (type == EVP_PKEY_ED25519) ? NULL : "EdDSA needs an Ed25519 key";
    }
}


ngx_int_t
ngx_http_notify_crypto_jws(const ngx_str_t *name,
    ngx_http_notify_crypto_jws_e *alg)
{
    ngx_conf_enum_t  *found;

    static ngx_conf_enum_t  algs[] = {
        { ngx_string("HS256"), NGX_HTTP_NOTIFY_CRYPTO_HS256 },
        { ngx_string("RS256"), NGX_HTTP_NOTIFY_CRYPTO_RS256 },
        { ngx_string("ES256"), NGX_HTTP_NOTIFY_CRYPTO_ES256 },
        { ngx_string("EdDSA"), NGX_HTTP_NOTIFY_CRYPTO_EDDSA }
    };

    found = ngx_http_notify_text_find_in(name, algs);
    if (found == NULL) {
        return NGX_DECLINED;
    }

    *alg = found->value;

    return NGX_OK;
}


static ngx_http_notify_crypto_key_t *
ngx_http_notify_crypto_key_read(ngx_pool_t *pool, const ngx_str_t *pem,
    ngx_http_notify_crypto_jws_e alg, ngx_uint_t public, const char **reason)
{
    BIO                           *bio;
    ngx_str_t                      secret;
    ngx_http_notify_crypto_key_t  *key;

    key = ngx_http_notify_crypto_key_create(pool, alg, reason);
    if (key == NULL) {
        return NULL;
    }

    if (alg == NGX_HTTP_NOTIFY_CRYPTO_HS256) {

        secret = *pem;

        while (secret.len && (secret.data[secret.len - 1] == LF
                              || secret.data[secret.len - 1] == CR))
        {
            secret.len--;
        }

        if (secret.len < NGX_HTTP_NOTIFY_CRYPTO_HS256_MIN) {
            *reason = "HS256 needs a secret of at least 32 bytes";
            return NULL;
        }

        /* a public key is no secret (RFC 8725, 2.1) */

        if (ngx_strnstr(secret.data, "-----BEGIN ", secret.len) != NULL) {
            *reason = "a PEM file is no secret for HS256";
            return NULL;
        }

        key->hmac = ngx_http_notify_crypto_hmac_create(pool,
                                     NGX_HTTP_NOTIFY_CRYPTO_SHA256, &secret);
        if (key->hmac == NULL) {
            *reason = "no memory";
            return NULL;
        }

        return key;
    }

    if (pem->len > 65536) {
        *reason = "the key file is too large";
        return NULL;
    }

    bio = BIO_new_mem_buf(pem->len ? (void *) pem->data : "", (int) pem->len);
    if (bio == NULL) {
        ERR_clear_error();
        *reason = "no memory";
        return NULL;
    }

    key->pkey = public
                    ? PEM_read_bio_PUBKEY(bio, NULL,
                                          ngx_http_notify_crypto_no_password,
                                          NULL)
                    : PEM_read_bio_PrivateKey(bio, NULL,
                                          ngx_http_notify_crypto_no_password,
                                          NULL);
    BIO_free(bio);
    ERR_clear_error();

    if (key->pkey == NULL) {
        *reason = public ? "not a public key in PEM form"
                         : "not an unencrypted private key in PEM form";
        return NULL;
    }

    *reason = ngx_http_notify_crypto_key_check(key);

    return *reason ? NULL : key;
}


ngx_http_notify_crypto_key_t *
ngx_http_notify_crypto_key_pem(ngx_pool_t *pool, const ngx_str_t *pem,
    ngx_http_notify_crypto_jws_e alg, const char **reason)
{
    return ngx_http_notify_crypto_key_read(pool, pem, alg, 0, reason);
}


ngx_http_notify_crypto_key_t *
ngx_http_notify_crypto_key_public(ngx_pool_t *pool, const ngx_str_t *pem,
    ngx_http_notify_crypto_jws_e alg, const char **reason)
{
    return ngx_http_notify_crypto_key_read(pool, pem, alg, 1, reason);
}


ngx_http_notify_crypto_key_t *
ngx_http_notify_crypto_key_public_ed25519(ngx_pool_t *pool,
    const ngx_str_t *raw, const char **reason)
{
    ngx_http_notify_crypto_key_t  *key;

    key = ngx_http_notify_crypto_key_create(pool, NGX_HTTP_NOTIFY_CRYPTO_EDDSA,
                                            reason);
    if (key == NULL) {
        return NULL;
    }

    if (raw->len == NGX_HTTP_NOTIFY_CRYPTO_ED25519) {
        key->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                                raw->data, raw->len);
    }

    if (key->pkey == NULL) {
        ERR_clear_error();
        *reason = "an Ed25519 public key has 32 bytes";
        return NULL;
    }

    return key;
}


/* RFC 7518, 3.4: the two numbers, of 32 bytes each */

static ngx_int_t
ngx_http_notify_crypto_raw_ecdsa(ngx_pool_t *pool, ngx_str_t *signature)
{
    u_char        *raw;
    ngx_int_t      rc;
    ECDSA_SIG     *sig;
    const u_char  *der;
    const BIGNUM  *r, *s;

    raw = ngx_pnalloc(pool, 2 * NGX_HTTP_NOTIFY_CRYPTO_P256);
    if (raw == NULL) {
        return NGX_ERROR;
    }

    der = signature->data;

    sig = d2i_ECDSA_SIG(NULL, &der, signature->len);
    if (sig == NULL) {
        return NGX_ERROR;
    }

    ECDSA_SIG_get0(sig, &r, &s);

    rc = (BN_bn2binpad(r, raw, NGX_HTTP_NOTIFY_CRYPTO_P256) > 0
          && BN_bn2binpad(s, raw + NGX_HTTP_NOTIFY_CRYPTO_P256,
                          NGX_HTTP_NOTIFY_CRYPTO_P256)
             > 0)
         ? NGX_OK : NGX_ERROR;

    ECDSA_SIG_free(sig);

    signature->data = raw;
    signature->len = 2 * NGX_HTTP_NOTIFY_CRYPTO_P256;

    return rc;
}


ngx_int_t
ngx_http_notify_crypto_sign(ngx_http_notify_crypto_key_t *key,
    ngx_pool_t *pool, const ngx_str_t *message, ngx_str_t *signature)
{
    u_char        *data;
    ngx_int_t      rc;
    EVP_MD_CTX    *ctx;
    const EVP_MD  *md;

    if (key->hmac) {
        signature->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX);
        if (signature->data == NULL) {
            return NGX_ERROR;
        }

        signature->len = ngx_http_notify_crypto_hmac(key->hmac, message, 1,
                                                     signature->data);
        return signature->len ? NGX_OK : NGX_ERROR;
    }

    rc = NGX_ERROR;
    data = message->len ? message->data : (u_char *) "";

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        goto done;
    }

    md = (key->alg == NGX_HTTP_NOTIFY_CRYPTO_EDDSA) ? NULL : EVP_sha256();

    if (EVP_DigestSignInit(ctx, NULL, md, NULL, key->pkey) != 1
        || EVP_DigestSign(ctx, NULL, &signature->len, data, message->len) != 1)
    {
        goto done;
    }

    signature->data = ngx_pnalloc(pool, signature->len);

    if (signature->data == NULL
        || EVP_DigestSign(ctx, signature->data, &signature->len, data,
                          message->len)
           != 1)
    {
        goto done;
    }

    rc = (key->alg == NGX_HTTP_NOTIFY_CRYPTO_ES256)
             ? ngx_http_notify_crypto_raw_ecdsa(pool, signature) : NGX_OK;

done:

    if (rc != NGX_OK) {
        ERR_clear_error();
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}


/* ECDSA-Sig-Value of r and s; freed by OPENSSL_free(); NULL: no memory */

static u_char *
ngx_http_notify_crypto_der_ecdsa(const ngx_str_t *raw, size_t *len)
{
    int         n;
    BIGNUM     *r, *s;
    u_char     *der;
    ECDSA_SIG  *sig;

    der = NULL;

    r = BN_bin2bn(raw->data, NGX_HTTP_NOTIFY_CRYPTO_P256, NULL);
    s = BN_bin2bn(raw->data + NGX_HTTP_NOTIFY_CRYPTO_P256,
                  NGX_HTTP_NOTIFY_CRYPTO_P256, NULL);
    sig = ECDSA_SIG_new();

    if (r == NULL || s == NULL || sig == NULL
        || ECDSA_SIG_set0(sig, r, s) != 1)
    {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return NULL;
    }

    n = i2d_ECDSA_SIG(sig, &der);
    *len = ngx_max(n, 0);

    ECDSA_SIG_free(sig);

    return n > 0 ? der : NULL;
}


ngx_int_t
ngx_http_notify_crypto_verify(ngx_http_notify_crypto_key_t *key,
    const ngx_str_t *message, const ngx_str_t *signature)
{
    size_t         len;
    u_char         digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX], *data, *der;
    ngx_int_t      rc;
    ngx_str_t      code;
    EVP_MD_CTX    *ctx;
    const EVP_MD  *md;

    if (key->hmac) {
        code.data = digest;
        code.len = ngx_http_notify_crypto_hmac(key->hmac, message, 1, digest);

        if (code.len == 0) {
            return NGX_ERROR;
        }

        return ngx_http_notify_crypto_equal(&code, signature) ? NGX_OK
                                                              : NGX_DECLINED;
    }

    data = signature->data;
    len = signature->len;
    der = NULL;
    rc = NGX_ERROR;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        goto done;
    }

    if (key->alg == NGX_HTTP_NOTIFY_CRYPTO_ES256) {

        if (len != 2 * NGX_HTTP_NOTIFY_CRYPTO_P256) {
            rc = NGX_DECLINED;
            goto done;
        }

        der = ngx_http_notify_crypto_der_ecdsa(signature, &len);
        if (der == NULL) {
            goto done;
        }

        data = der;
    }

    md = (key->alg == NGX_HTTP_NOTIFY_CRYPTO_EDDSA) ? NULL : EVP_sha256();

    if (EVP_DigestVerifyInit(ctx, NULL, md, NULL, key->pkey) == 1) {
        rc = EVP_DigestVerify(ctx, data, len,
                              message->len ? message->data : (u_char *) "",
                              message->len)
             == 1 ? NGX_OK : NGX_DECLINED;
    }

done:

    ERR_clear_error();
    OPENSSL_free(der);
    EVP_MD_CTX_free(ctx);

    return rc;
}


ngx_int_t
ngx_http_notify_crypto_key_raw(ngx_http_notify_crypto_key_t *key,
    u_char *public)
{
    size_t  len;

    len = NGX_HTTP_NOTIFY_CRYPTO_ED25519;

    if (EVP_PKEY_get_raw_public_key(key->pkey, public, &len) != 1) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* {"kty":…,"alg":…,"use":"sig", and two members at most, in base64url} */

static ngx_int_t
ngx_http_notify_crypto_jwk_print(ngx_pool_t *pool, const char *head,
    const char *names, ngx_str_t *values, ngx_uint_t n, ngx_str_t *jwk)
{
    size_t      len;
    u_char     *p;
    ngx_str_t   text;
    ngx_uint_t  i;

    len = NGX_HTTP_NOTIFY_CRYPTO_JWK_LEN;

    for (i = 0; i < n; i++) {
        len += ngx_base64_encoded_length(values[i].len);
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    jwk->data = p;
    p = ngx_sprintf(p, "{%s,\"use\":\"sig\"", head);

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, ",\"%c\":\"", names[i]);

        text.data = p;
        ngx_encode_base64url(&text, &values[i]);

        p += text.len;
        *p++ = '"';
    }

    *p++ = '}';
    jwk->len = p - jwk->data;

    return NGX_OK;
}


/* RSAPublicKey is two integers in a sequence, as a signature of ECDSA is */

static ngx_int_t
ngx_http_notify_crypto_jwk_rsa(EVP_PKEY *pkey, ngx_pool_t *pool,
    ngx_str_t *jwk)
{
    int            len;
    u_char        *der;
    ngx_int_t      rc;
    ngx_str_t      values[2];
    ECDSA_SIG     *pair;
    ngx_uint_t     i;
    const u_char  *p;
    const BIGNUM  *numbers[2];

    der = NULL;
    pair = NULL;
    rc = NGX_ERROR;

    len = i2d_PublicKey(pkey, &der);
    p = der;

    if (len > 0) {
        pair = d2i_ECDSA_SIG(NULL, &p, len);
    }

    if (pair == NULL) {
        goto done;
    }

    ECDSA_SIG_get0(pair, &numbers[0], &numbers[1]);

    for (i = 0; i < 2; i++) {
        values[i].data = ngx_pnalloc(pool, BN_num_bytes(numbers[i]));
        if (values[i].data == NULL) {
            goto done;
        }

        values[i].len = BN_bn2bin(numbers[i], values[i].data);
    }

    rc = ngx_http_notify_crypto_jwk_print(pool,
                                        "\"kty\":\"RSA\",\"alg\":\"RS256\"",
                                        "ne", values, 2, jwk);

done:

    ERR_clear_error();
    ECDSA_SIG_free(pair);
    OPENSSL_free(der);

    return rc;
}


ngx_int_t
ngx_http_notify_crypto_jwk(ngx_http_notify_crypto_key_t *key, ngx_pool_t *pool,
    ngx_str_t *jwk)
{
    u_char     bytes[2 * NGX_HTTP_NOTIFY_CRYPTO_P256];
    ngx_str_t  values[2];

    values[0].data = bytes;
    values[0].len = NGX_HTTP_NOTIFY_CRYPTO_P256;
    values[1].data = bytes + NGX_HTTP_NOTIFY_CRYPTO_P256;
    values[1].len = NGX_HTTP_NOTIFY_CRYPTO_P256;

    switch (key->alg) {

    case NGX_HTTP_NOTIFY_CRYPTO_RS256:
        return ngx_http_notify_crypto_jwk_rsa(key->pkey, pool, jwk);

    case NGX_HTTP_NOTIFY_CRYPTO_ES256:
        if (ngx_http_notify_crypto_point(key->pkey, bytes) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_crypto_jwk_print(pool,
                      "\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\"",
                      "xy", values, 2, jwk);

    case NGX_HTTP_NOTIFY_CRYPTO_EDDSA:
        values[0].len = NGX_HTTP_NOTIFY_CRYPTO_ED25519;

        if (ngx_http_notify_crypto_key_raw(key, bytes) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_crypto_jwk_print(pool,
                      "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\"",
                      "x", values, 1, jwk);

    default:
        return NGX_DECLINED;
    }
}
