/*
 * Tokens of notify_verify jwt: as they come, and signed by the right key, so
 * that what is behind the signature is looked at, too.
 */

#include "fuzz.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_verify.h"


static ngx_http_notify_crypto_key_t *
fuzz_key(ngx_pool_t *pool)
{
    ngx_str_t                      secret;
    const char                    *reason;
    ngx_http_notify_crypto_key_t  *key;

    ngx_str_set(&secret, "0123456789abcdef0123456789abcdef");

    key = ngx_http_notify_crypto_key_public(pool, &secret,
                                            NGX_HTTP_NOTIFY_CRYPTO_HS256,
                                            &reason);
    fuzz_check(key != NULL);

    return key;
}


static void
fuzz_append(ngx_str_t *token, ngx_str_t *raw)
{
    ngx_str_t  text;

    text.data = token->data + token->len;
    ngx_encode_base64url(&text, raw);
    token->len += text.len;
}


/* head and claims, with a NUL in between */

static ngx_str_t
fuzz_token(ngx_pool_t *pool, ngx_http_notify_crypto_key_t *key, ngx_str_t *head,
    ngx_str_t *claims)
{
    ngx_str_t  token, signature;

    token.len = 0;
    token.data = ngx_pnalloc(pool, ngx_base64_encoded_length(head->len)
                             + ngx_base64_encoded_length(claims->len) + 100);
    fuzz_check(token.data != NULL);

    fuzz_append(&token, head);
    token.data[token.len++] = '.';
    fuzz_append(&token, claims);

    fuzz_check(ngx_http_notify_crypto_sign(key, pool, &token, &signature)
               == NGX_OK);

    token.data[token.len++] = '.';
    fuzz_append(&token, &signature);

    return fuzz_copy(pool, token.data, token.len);
}


/* what must be true of a token that was taken, by another parser of JSON */

static void
fuzz_taken(ngx_pool_t *pool, ngx_http_notify_verify_conf_t *verify,
    ngx_str_t *head, ngx_str_t *claims)
{
    double                         n;
    ngx_str_t                      text;
    ngx_http_notify_json_t        *json;
    ngx_http_notify_json_error_t   error;

    json = ngx_http_notify_json_parse(pool, head, &error);
    fuzz_check(json != NULL);

    text = ngx_http_notify_json_string(ngx_http_notify_json_get(json, "alg"));
    fuzz_check(fuzz_same(&text, &verify->alg));
    fuzz_check(ngx_http_notify_json_get(json, "crit") == NULL);
    fuzz_check(ngx_http_notify_json_get(json, "jwk") == NULL);

    json = ngx_http_notify_json_parse(pool, claims, &error);

    if (json == NULL) {
        /* numbers that are none of our business: jansson has limits */
        return;
    }

    fuzz_check(ngx_http_notify_json_real(
                   ngx_http_notify_json_get(json, "exp"), &n)
               == NGX_OK && n > FUZZ_TIME);
    fuzz_check(verify->aud.len
               || ngx_http_notify_json_get(json, "aud") == NULL);

    if (verify->iss.len) {
        text = ngx_http_notify_json_string(
                   ngx_http_notify_json_get(json, "iss"));
        fuzz_check(fuzz_same(&text, &verify->iss));
    }
}


/* what may be asked of its claims */

static void
fuzz_claims(ngx_pool_t *pool, ngx_str_t *claims)
{
    ngx_int_t  rc;
    ngx_str_t  jti, iss, text, name;

    ngx_str_set(&name, "sub");

    rc = ngx_http_notify_verify_token_id(pool, claims, &jti, &iss);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    rc = ngx_http_notify_verify_token_claim(pool, claims, &name, &text);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t                       rc;
    ngx_str_t                       token, head, claims;
    ngx_http_notify_verify_conf_t   verify;
    ngx_http_notify_verify_proof_t  proof;

    ngx_memzero(&verify, sizeof(ngx_http_notify_verify_conf_t));
    ngx_memzero(&proof, sizeof(ngx_http_notify_verify_proof_t));

    verify.scheme = NGX_HTTP_NOTIFY_VERIFY_JWT;
    verify.key = fuzz_key(pool);
    ngx_str_set(&verify.alg, "HS256");

    if (choice & 2) {
        ngx_str_set(&verify.iss, "shop");
    }

    if (choice & 4) {
        ngx_str_set(&verify.aud, "till");
    }

    if (choice & 8) {
        verify.window = 300;
    }

    if (choice & 1) {
        rc = ngx_http_notify_verify_token(pool, &verify, input, &proof);
        fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);
        return;
    }

    head = fuzz_cut(pool, input, '\0');
    claims = fuzz_copy(pool, input->data, input->len);
    token = fuzz_token(pool, verify.key, &head, &claims);

    rc = ngx_http_notify_verify_token(pool, &verify, &token, &proof);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        fuzz_taken(pool, &verify, &head, &claims);
        fuzz_check(proof.until > FUZZ_TIME);
        fuzz_claims(pool, &proof.claims);

        /* one bit of its signature makes it another's */

        token.data[token.len - 3] ^= 1;
        fuzz_check(ngx_http_notify_verify_token(pool, &verify, &token, &proof)
                   == NGX_DECLINED);
    }
}
