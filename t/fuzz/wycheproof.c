/*
 * The vectors of Project Wycheproof (wycheproof.txt), all by the first inputs.
 * Each input picks a vector that is valid and a bit of its signature, its
 * ciphertext or its token, without which nothing verifies.
 */

#include <stdio.h>
#include <string.h>
#include "fuzz.h"
#include "ngx_http_notify_verify.h"


#define FUZZ_LINE     65536
#define FUZZ_VECTORS  2048
#define FUZZ_STEP     50        /* an input may take so long only */

typedef struct {
    char        *field[7];      /* as in a line */
} fuzz_vector_t;


static ngx_uint_t     fuzz_n;
static fuzz_vector_t  fuzz_vectors[FUZZ_VECTORS];


static void
fuzz_load(void)
{
    char         *p, *key, *line, path[1024];
    FILE         *file;
    ngx_uint_t    i;

    /* beside this file */

    snprintf(path, sizeof(path), "%s", __FILE__);
    strcpy(strrchr(path, '.'), ".txt");

    file = fopen(path, "r");
    fuzz_check(file != NULL);

    key = NULL;
    line = malloc(FUZZ_LINE);
    fuzz_check(line != NULL);

    while (fgets(line, FUZZ_LINE, file)) {

        if (line[0] == '#') {
            continue;
        }

        fuzz_check(fuzz_n < FUZZ_VECTORS);

        p = strtok(line, " \n");

        for (i = 0; i < 7 && p; i++) {
            fuzz_vectors[fuzz_n].field[i] = strdup(p);
            p = strtok(NULL, " \n");
        }

        fuzz_check(i == 5 || i == 7);

        if (strcmp(fuzz_vectors[fuzz_n].field[1], "=") == 0) {
            free(fuzz_vectors[fuzz_n].field[1]);
            fuzz_vectors[fuzz_n].field[1] = key;
        }

        key = fuzz_vectors[fuzz_n].field[1];
        fuzz_n++;
    }

    free(line);
    fclose(file);

    fuzz_check(fuzz_n > 1300);
}


static ngx_str_t
fuzz_hex(ngx_pool_t *pool, const char *text)
{
    size_t     i;
    ngx_str_t  raw;

    raw.len = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    raw.data = ngx_pnalloc(pool, raw.len + 1);
    fuzz_check(raw.data != NULL);

    for (i = 0; i < raw.len; i++) {
        raw.data[i] = (u_char) ngx_hextoi((u_char *) text + 2 * i, 2);
    }

    return raw;
}


/* a SubjectPublicKeyInfo as people keep it */

static ngx_str_t
fuzz_pem(ngx_pool_t *pool, ngx_str_t *der)
{
    u_char     *p;
    size_t      i;
    ngx_str_t   pem, text;

    text.data = ngx_pnalloc(pool, ngx_base64_encoded_length(der->len));
    pem.data = ngx_pnalloc(pool, 2 * der->len + 200);
    fuzz_check(text.data != NULL && pem.data != NULL);

    ngx_encode_base64(&text, der);

    p = ngx_sprintf(pem.data, "-----BEGIN PUBLIC KEY-----\n");

    for (i = 0; i < text.len; i += 64) {
        p = ngx_sprintf(p, "%*s\n", ngx_min((size_t) 64, text.len - i),
                        text.data + i);
    }

    p = ngx_sprintf(p, "-----END PUBLIC KEY-----\n");
    pem.len = p - pem.data;

    return pem;
}


/* NGX_OK, NGX_DECLINED; NGX_ABORT: the key is not one of ours */

static ngx_http_notify_crypto_key_t *
fuzz_key(ngx_pool_t *pool, const char *name, ngx_str_t *raw)
{
    ngx_str_t                      pem;
    const char                    *reason;
    ngx_http_notify_crypto_jws_e   alg;

    if (strcmp(name, "eddsa") == 0) {
        return ngx_http_notify_crypto_key_public_ed25519(pool, raw, &reason);
    }

    if (strcmp(name, "hs256") == 0) {
        return ngx_http_notify_crypto_key_public(pool, raw,
                                                 NGX_HTTP_NOTIFY_CRYPTO_HS256,
                                                 &reason);
    }

    alg = strcmp(name, "es256") == 0 ? NGX_HTTP_NOTIFY_CRYPTO_ES256
                                     : NGX_HTTP_NOTIFY_CRYPTO_RS256;
    pem = fuzz_pem(pool, raw);

    return ngx_http_notify_crypto_key_public(pool, &pem, alg, &reason);
}


static ngx_int_t
fuzz_signature(ngx_pool_t *pool, const char *name, ngx_str_t *raw,
    ngx_str_t *message, ngx_str_t *signature)
{
    ngx_http_notify_crypto_key_t  *key;

    key = fuzz_key(pool, name, raw);

    return key ? ngx_http_notify_crypto_verify(key, message, signature)
               : NGX_ABORT;
}


/* a token, with one bit of its text turned over */

static ngx_int_t
fuzz_jws(ngx_pool_t *pool, fuzz_vector_t *vector, ngx_int_t bit)
{
    size_t                          i;
    const char                     *name, *text;
    ngx_str_t                       raw, token, message, payload;
    ngx_http_notify_verify_conf_t   verify;

    name = vector->field[0] + 4;
    text = vector->field[2];

    if (strcmp(text, "-") == 0) {
        text = "";
    }

    ngx_memzero(&verify, sizeof(ngx_http_notify_verify_conf_t));

    raw = fuzz_hex(pool, vector->field[1]);

    verify.key = fuzz_key(pool, name, &raw);
    fuzz_check(verify.key != NULL);

    verify.alg.len = strlen(name);
    verify.alg.data = ngx_pnalloc(pool, verify.alg.len);
    fuzz_check(verify.alg.data != NULL);

    for (i = 0; i < verify.alg.len; i++) {
        verify.alg.data[i] = ngx_toupper(name[i]);
    }

    token = fuzz_copy(pool, (u_char *) text, strlen(text));

    for (i = 0; i < token.len; i++) {
        if (token.data[i] == '~') {
            token.data[i] = ' ';
        }
    }

    if (bit >= 0 && token.len) {
        token.data[(bit / 8) % token.len] ^= (u_char) (1 << (bit % 8));
    }

    return ngx_http_notify_verify_token_jws(pool, &verify, &token, &message,
                                            &payload);
}


static ngx_int_t
fuzz_hmac(ngx_pool_t *pool, const char *name, ngx_str_t *secret,
    ngx_str_t *message, ngx_str_t *signature)
{
    u_char                          digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_str_t                       code;
    ngx_http_notify_crypto_hash_e   hash;
    ngx_http_notify_crypto_hmac_t  *hmac;

    hash = NGX_HTTP_NOTIFY_CRYPTO_SHA256;

    if (strcmp(name, "hmac-sha1") == 0) {
        hash = NGX_HTTP_NOTIFY_CRYPTO_SHA1;

    } else if (strcmp(name, "hmac-sha512") == 0) {
        hash = NGX_HTTP_NOTIFY_CRYPTO_SHA512;
    }

    hmac = ngx_http_notify_crypto_hmac_create(pool, hash, secret);
    fuzz_check(hmac != NULL);

    code.data = digest;
    code.len = ngx_http_notify_crypto_hmac(hmac, message, 1, digest);
    fuzz_check(code.len != 0);

    return ngx_http_notify_crypto_equal(&code, signature) ? NGX_OK
                                                          : NGX_DECLINED;
}


static ngx_int_t
fuzz_gcm(ngx_pool_t *pool, fuzz_vector_t *vector, ngx_str_t *sealed)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   key, nonce, aad, all, plain, expected;

    key = fuzz_hex(pool, vector->field[1]);
    expected = fuzz_hex(pool, vector->field[2]);
    nonce = fuzz_hex(pool, vector->field[3]);
    aad = fuzz_hex(pool, vector->field[6]);

    fuzz_check(key.len == NGX_HTTP_NOTIFY_CRYPTO_KEY
               && nonce.len == NGX_HTTP_NOTIFY_CRYPTO_NONCE);

    all.len = nonce.len + sealed->len;
    all.data = ngx_pnalloc(pool, all.len);
    fuzz_check(all.data != NULL);

    p = ngx_cpymem(all.data, nonce.data, nonce.len);
    ngx_memcpy(p, sealed->data, sealed->len);

    rc = ngx_http_notify_crypto_decrypt(pool, key.data, &aad, &all, &plain);

    fuzz_check(rc != NGX_OK || fuzz_same(&plain, &expected));

    return rc;
}


/* with one bit of what proves it turned over; -1: with none */

static ngx_int_t
fuzz_run(ngx_pool_t *pool, fuzz_vector_t *vector, ngx_int_t bit)
{
    ngx_str_t    key, message, proof;
    ngx_uint_t   sealed;
    const char  *name;

    name = vector->field[0];
    sealed = (strcmp(name, "aes-256-gcm") == 0);

    if (strncmp(name, "jws-", 4) == 0) {
        return fuzz_jws(pool, vector, bit);
    }

    proof = fuzz_hex(pool, vector->field[sealed ? 4 : 3]);

    if (bit >= 0 && proof.len) {
        proof.data[(bit / 8) % proof.len] ^= (u_char) (1 << (bit % 8));
    }

    if (sealed) {
        return fuzz_gcm(pool, vector, &proof);
    }

    key = fuzz_hex(pool, vector->field[1]);
    message = fuzz_hex(pool, vector->field[2]);

    return strncmp(name, "hmac", 4) == 0
           ? fuzz_hmac(pool, name, &key, &message, &proof)
           : fuzz_signature(pool, name, &key, &message, &proof);
}


static const char *
fuzz_result(fuzz_vector_t *vector)
{
    return vector->field[vector->field[6] ? 5 : 4];
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t           rc;
    ngx_uint_t          i, n;
    fuzz_vector_t      *vector;
    static ngx_uint_t   next;

    if (fuzz_n == 0) {
        fuzz_load();
    }

    for (i = 0; i < FUZZ_STEP && next < fuzz_n; i++, next++) {
        vector = &fuzz_vectors[next];
        rc = fuzz_run(pool, vector, -1);

        if (strcmp(fuzz_result(vector), "valid") == 0) {
            fuzz_check(rc == NGX_OK);

        } else if (strcmp(fuzz_result(vector), "invalid") == 0) {
            fuzz_check(rc == NGX_DECLINED);
        }
    }

    for (n = choice, i = 0; i < input->len && i < 4; i++) {
        n = n << 8 | input->data[i];
    }

    vector = &fuzz_vectors[n % fuzz_n];

    if (strcmp(fuzz_result(vector), "valid") == 0) {
        fuzz_check(fuzz_run(pool, vector, (n / fuzz_n) % 4096)
                   == NGX_DECLINED);
    }
}
