/*
 * Keys: reading, and JWKs on OpenSSL's EVP, 1.1.1 and 3.x; JWS signatures made
 * and checked.  A key lives as long as its pool and is cleansed with it.
 * Must not know what is signed, nor where a key came from.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include "ngx_http_notify_crypto.h"
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
    ngx_pool_cleanup_t            *cln;
    ngx_http_notify_crypto_key_t  *key;

    cln = ngx_pool_cleanup_add(pool, sizeof(ngx_http_notify_crypto_key_t));
    if (cln == NULL) {
        *reason = "no memory";
        return NULL;
    }

    key = cln->data;
    key->alg = alg;
    key->pkey = NULL;
    key->hmac = NULL;

    cln->handler = ngx_http_notify_crypto_key_cleanup;

    return key;
}


ngx_http_notify_crypto_key_t *
ngx_http_notify_crypto_key_ed25519(ngx_pool_t *pool, const ngx_str_t *raw,
    const char **reason)
{
    size_t                         len;
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
    len = sizeof(public);

    if (key->pkey == NULL
        || EVP_PKEY_get_raw_public_key(key->pkey, public, &len) != 1
        || len != sizeof(public))
    {
        ERR_clear_error();
        *reason = "Ed25519 is not available";
        return NULL;
    }

    /* the longer form carries the public key behind the private one */

    if (raw->len > len
        && CRYPTO_memcmp(raw->data + NGX_HTTP_NOTIFY_CRYPTO_ED25519, public,
                         len)
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


/* SubjectPublicKeyInfo of the key into a buffer of OpenSSL's, or NULL */

static u_char *
ngx_http_notify_crypto_spki(EVP_PKEY *pkey, ngx_str_t *der)
{
    int  n;

    der->data = NULL;

    n = i2d_PUBKEY(pkey, &der->data);
    if (n <= 0) {
        ERR_clear_error();
        return NULL;
    }

    der->len = n;

    return der->data;
}


/* the point's 64 bytes: NGX_DECLINED when it is not on P-256 */

static ngx_int_t
ngx_http_notify_crypto_point(EVP_PKEY *pkey, u_char *point)
{
    size_t     skip;
    ngx_int_t  rc;
    ngx_str_t  der;

    if (ngx_http_notify_crypto_spki(pkey, &der) == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_DECLINED;
    skip = sizeof(ngx_http_notify_crypto_p256);

    if (der.len == skip + 2 * NGX_HTTP_NOTIFY_CRYPTO_P256
        && ngx_memcmp(der.data, ngx_http_notify_crypto_p256, skip) == 0)
    {
        ngx_memcpy(point, der.data + skip, 2 * NGX_HTTP_NOTIFY_CRYPTO_P256);
        rc = NGX_OK;
    }

    OPENSSL_free(der.data);

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
    ngx_uint_t  i;

    static const struct {
        ngx_str_t                     name;
        ngx_http_notify_crypto_jws_e  alg;
    } algs[] = {
        { ngx_string("HS256"), NGX_HTTP_NOTIFY_CRYPTO_HS256 },
        { ngx_string("RS256"), NGX_HTTP_NOTIFY_CRYPTO_RS256 },
        { ngx_string("ES256"), NGX_HTTP_NOTIFY_CRYPTO_ES256 },
        { ngx_string("EdDSA"), NGX_HTTP_NOTIFY_CRYPTO_EDDSA },
        { ngx_null_string, NGX_HTTP_NOTIFY_CRYPTO_HS256 }
    };

    for (i = 0; algs[i].name.len; i++) {
        if (ngx_http_notify_text_equal(name, &algs[i].name)) {
            *alg = algs[i].alg;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
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


/*
 * The next DER element of the given tag; its content, and *p behind it.  Our
 * own keys and signatures, but checked all the same.
 */

static ngx_int_t
ngx_http_notify_crypto_der(u_char **p, u_char *last, u_char tag,
    ngx_str_t *content)
{
    size_t      len;
    ngx_uint_t  n;

    if (last - *p < 2 || **p != tag) {
        return NGX_ERROR;
    }

    len = (*p)[1];
    *p += 2;

    if (len & 0x80) {
        n = len & 0x7f;

        if (n == 0 || n > 3 || last - *p < (ssize_t) n) {
            return NGX_ERROR;
        }

        for (len = 0; n; n--) {
            len = len << 8 | *(*p)++;
        }
    }

    if ((size_t) (last - *p) < len) {
        return NGX_ERROR;
    }

    content->data = *p;
    content->len = len;

    *p += len;

    return NGX_OK;
}


/*
 * SEQUENCE { INTEGER, INTEGER }, both positive: an ECDSA-Sig-Value and an
 * RSAPublicKey are both that.  The numbers come without leading zeros.
 */

static ngx_int_t
ngx_http_notify_crypto_der_pair(u_char *der, size_t len, ngx_str_t *pair)
{
    u_char      *p, *last;
    ngx_str_t    sequence;
    ngx_uint_t   i;

    p = der;

    if (ngx_http_notify_crypto_der(&p, der + len, 0x30, &sequence) != NGX_OK) {
        return NGX_ERROR;
    }

    p = sequence.data;
    last = p + sequence.len;

    for (i = 0; i < 2; i++) {

        if (ngx_http_notify_crypto_der(&p, last, 0x02, &pair[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        while (pair[i].len && pair[i].data[0] == 0) {
            pair[i].data++;
            pair[i].len--;
        }

        if (pair[i].len == 0) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* RFC 7518, 3.4: the two numbers, of 32 bytes each */

static ngx_int_t
ngx_http_notify_crypto_raw_ecdsa(ngx_pool_t *pool, ngx_str_t *signature)
{
    u_char      *raw;
    ngx_str_t    pair[2];
    ngx_uint_t   i;

    if (ngx_http_notify_crypto_der_pair(signature->data, signature->len, pair)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    raw = ngx_pcalloc(pool, 2 * NGX_HTTP_NOTIFY_CRYPTO_P256);
    if (raw == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < 2; i++) {
        if (pair[i].len > NGX_HTTP_NOTIFY_CRYPTO_P256) {
            return NGX_ERROR;
        }

        ngx_memcpy(raw + (i + 1) * NGX_HTTP_NOTIFY_CRYPTO_P256 - pair[i].len,
                   pair[i].data, pair[i].len);
    }

    signature->data = raw;
    signature->len = 2 * NGX_HTTP_NOTIFY_CRYPTO_P256;

    return NGX_OK;
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
    if (signature->data == NULL) {
        goto done;
    }

    if (EVP_DigestSign(ctx, signature->data, &signature->len, data,
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


/* a number of 32 bytes as a DER INTEGER; NULL: zero, no part of a signature */

static u_char *
ngx_http_notify_crypto_der_number(u_char *p, const u_char *number)
{
    size_t  len;

    for (len = NGX_HTTP_NOTIFY_CRYPTO_P256; len && *number == 0; len--) {
        number++;
    }

    if (len == 0) {
        return NULL;
    }

    *p++ = 0x02;
    *p++ = (u_char) (len + (*number >> 7));

    if (*number & 0x80) {
        *p++ = 0;
    }

    return ngx_cpymem(p, number, len);
}


/* ECDSA-Sig-Value of r and s; each takes 35 bytes at most */

static ngx_int_t
ngx_http_notify_crypto_der_ecdsa(const ngx_str_t *raw, u_char *der,
    size_t *len)
{
    u_char  *p;

    if (raw->len != 2 * NGX_HTTP_NOTIFY_CRYPTO_P256) {
        return NGX_DECLINED;
    }

    p = ngx_http_notify_crypto_der_number(der + 2, raw->data);

    if (p != NULL) {
        p = ngx_http_notify_crypto_der_number(p,
                                     raw->data + NGX_HTTP_NOTIFY_CRYPTO_P256);
    }

    if (p == NULL) {
        return NGX_DECLINED;
    }

    der[0] = 0x30;
    der[1] = (u_char) (p - der - 2);
    *len = p - der;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_crypto_verify(ngx_http_notify_crypto_key_t *key,
    const ngx_str_t *message, const ngx_str_t *signature)
{
    size_t         len;
    u_char         der[72], digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX], *data;
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

    if (key->alg == NGX_HTTP_NOTIFY_CRYPTO_ES256) {
        if (ngx_http_notify_crypto_der_ecdsa(signature, der, &len) != NGX_OK) {
            return NGX_DECLINED;
        }

        data = der;
    }

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    md = (key->alg == NGX_HTTP_NOTIFY_CRYPTO_EDDSA) ? NULL : EVP_sha256();
    rc = NGX_ERROR;

    if (EVP_DigestVerifyInit(ctx, NULL, md, NULL, key->pkey) == 1) {
        rc = EVP_DigestVerify(ctx, data, len,
                              message->len ? message->data : (u_char *) "",
                              message->len)
             == 1 ? NGX_OK : NGX_DECLINED;
    }

    ERR_clear_error();
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


static ngx_int_t
ngx_http_notify_crypto_jwk_rsa(EVP_PKEY *pkey, ngx_pool_t *pool,
    ngx_str_t *jwk)
{
    int         n;
    u_char     *der;
    ngx_int_t   rc;
    ngx_str_t   values[2];

    der = NULL;

    n = i2d_PublicKey(pkey, &der);
    if (n <= 0) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    rc = ngx_http_notify_crypto_der_pair(der, n, values);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_crypto_jwk_print(pool,
                                        "\"kty\":\"RSA\",\"alg\":\"RS256\"",
                                        "ne", values, 2, jwk);
    }

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
