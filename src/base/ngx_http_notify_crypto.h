/*
 * Digests, message authentication, random bytes and encodings, on OpenSSL's
 * EVP (included in the .c file only).  Knows nothing of headers or profiles.
 */

#ifndef _NGX_HTTP_NOTIFY_CRYPTO_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CRYPTO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX  64

/* bytes, of AES-256-GCM */
#define NGX_HTTP_NOTIFY_CRYPTO_KEY         32
#define NGX_HTTP_NOTIFY_CRYPTO_NONCE       12
#define NGX_HTTP_NOTIFY_CRYPTO_TAG         16

/* bytes, of a key of Ed25519, private or public */
#define NGX_HTTP_NOTIFY_CRYPTO_ED25519     32


typedef enum {
    NGX_HTTP_NOTIFY_CRYPTO_SHA1 = 0,
    NGX_HTTP_NOTIFY_CRYPTO_SHA256,
    NGX_HTTP_NOTIFY_CRYPTO_SHA512
} ngx_http_notify_crypto_hash_e;


/* The state of one keyed HMAC (RFC 2104), computed once per secret. */
typedef struct ngx_http_notify_crypto_hmac_s  ngx_http_notify_crypto_hmac_t;

/* A key of signatures, to make or to check them: Ed25519, or one read from a
 * PEM file; the secret of HS256 does both. */
typedef struct ngx_http_notify_crypto_key_s   ngx_http_notify_crypto_key_t;

typedef enum {
    NGX_HTTP_NOTIFY_CRYPTO_HS256 = 0,
    NGX_HTTP_NOTIFY_CRYPTO_RS256,
    NGX_HTTP_NOTIFY_CRYPTO_ES256,
    NGX_HTTP_NOTIFY_CRYPTO_EDDSA
} ngx_http_notify_crypto_jws_e;

#define NGX_HTTP_NOTIFY_CRYPTO_JWS_NAMES  "HS256, RS256, ES256 or EdDSA"


/* NULL: memory.  Freed with the pool, its memory cleansed. */
ngx_http_notify_crypto_hmac_t *ngx_http_notify_crypto_hmac_create(
    ngx_pool_t *pool, ngx_http_notify_crypto_hash_e hash,
    const ngx_str_t *secret);
/*
 * The code of the concatenated parts, raw bytes into out (at least
 * NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX); returns its length, 0 on an error.
 */
size_t ngx_http_notify_crypto_hmac(ngx_http_notify_crypto_hmac_t *hmac,
    const ngx_str_t *parts, ngx_uint_t n, u_char *out);
/* The digest of the concatenated parts; its length, 0 on an error. */
size_t ngx_http_notify_crypto_digest(ngx_http_notify_crypto_hash_e hash,
    const ngx_str_t *parts, ngx_uint_t n, u_char *out);

/* by its name; NGX_DECLINED: it is none of them */
ngx_int_t ngx_http_notify_crypto_jws(const ngx_str_t *name,
    ngx_http_notify_crypto_jws_e *alg);

/*
 * NULL: not a usable key; *reason is a static phrase.  Freed with the pool.
 * The secret of HS256 may end a line, as an editor leaves it.
 */
ngx_http_notify_crypto_key_t *ngx_http_notify_crypto_key_ed25519(
    ngx_pool_t *pool, const ngx_str_t *raw32or64, const char **reason);
ngx_http_notify_crypto_key_t *ngx_http_notify_crypto_key_pem(ngx_pool_t *pool,
    const ngx_str_t *pem, ngx_http_notify_crypto_jws_e alg,
    const char **reason);
/* The same of public keys, which make no signatures; HS256's is its secret. */
ngx_http_notify_crypto_key_t *ngx_http_notify_crypto_key_public(
    ngx_pool_t *pool, const ngx_str_t *pem, ngx_http_notify_crypto_jws_e alg,
    const char **reason);
ngx_http_notify_crypto_key_t *ngx_http_notify_crypto_key_public_ed25519(
    ngx_pool_t *pool, const ngx_str_t *raw32, const char **reason);
/*
 * A JWS signature value (RFC 7518, RFC 8037; ES256 as r and s), raw bytes from
 * pool.
 */
ngx_int_t ngx_http_notify_crypto_sign(ngx_http_notify_crypto_key_t *key,
    ngx_pool_t *pool, const ngx_str_t *message, ngx_str_t *signature);
/* Of such a value, raw bytes.  NGX_DECLINED: it is not by that key; NGX_ERROR:
 * nothing can be said. */
ngx_int_t ngx_http_notify_crypto_verify(ngx_http_notify_crypto_key_t *key,
    const ngx_str_t *message, const ngx_str_t *signature);
/*
 * The public key as a JWK (RFC 7517), a JSON object text; NGX_DECLINED: HS256
 * has none.
 */
ngx_int_t ngx_http_notify_crypto_jwk(ngx_http_notify_crypto_key_t *key,
    ngx_pool_t *pool, ngx_str_t *jwk);

/* the public key of an Ed25519 one: 32 bytes */
ngx_int_t ngx_http_notify_crypto_key_raw(ngx_http_notify_crypto_key_t *key,
    u_char *public);

/*
 * AES-256-GCM: a random nonce, the ciphertext and the tag, raw bytes from pool.
 * NGX_DECLINED of _decrypt: not by this key, not for this additional data, or
 * not as it was made.
 */
ngx_int_t ngx_http_notify_crypto_encrypt(ngx_pool_t *pool, const u_char *key,
    const ngx_str_t *aad, const ngx_str_t *plain, ngx_str_t *sealed);
ngx_int_t ngx_http_notify_crypto_decrypt(ngx_pool_t *pool, const u_char *key,
    const ngx_str_t *aad, const ngx_str_t *sealed, ngx_str_t *plain);

/* NGX_ERROR: the generator failed; nothing may be made of the bytes then. */
ngx_int_t ngx_http_notify_crypto_random(u_char *bytes, size_t len);
/* 1 when equal; the time depends on the lengths only. */
ngx_uint_t ngx_http_notify_crypto_equal(const ngx_str_t *a,
    const ngx_str_t *b);


#endif /* _NGX_HTTP_NOTIFY_CRYPTO_H_INCLUDED_ */
