/*
 * JSON Web Tokens: the key and the claims of a `jwt` directive, tokens made
 * from them, one of them kept per subscription while nothing in it varies.
 * Must not know which header carries it.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_file.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_jwt.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_JWT_TTL      300000


struct ngx_http_notify_jwt_s {
    ngx_http_notify_crypto_jws_e   alg;
    ngx_http_notify_crypto_key_t  *key;
    ngx_http_notify_template_t    *claims;      /* NULL: none */
    ngx_str_t                      kid;
    ngx_str_t                      head;        /* encoded, with the dot */
    time_t                         ttl;
};

/* the parameters of the directive */
typedef struct {
    ngx_str_t                      alg;
    ngx_str_t                      key;
    ngx_str_t                      kid;
    ngx_str_t                      header;
    ngx_str_t                      scheme;
    ngx_msec_t                     ttl;
    ngx_str_t                      claims;
} ngx_http_notify_jwt_args_t;


static ngx_http_notify_args_set_t  ngx_http_notify_jwt_scheme;
static ngx_int_t ngx_http_notify_jwt_alg(ngx_conf_t *cf,
    ngx_http_notify_jwt_t *jwt, const ngx_str_t *name);
static ngx_int_t ngx_http_notify_jwt_key(ngx_conf_t *cf,
    ngx_http_notify_jwt_t *jwt, ngx_str_t *name);
static ngx_int_t ngx_http_notify_jwt_kid(ngx_conf_t *cf,
    ngx_http_notify_jwt_t *jwt);
static ngx_int_t ngx_http_notify_jwt_claims(ngx_conf_t *cf,
    ngx_http_notify_jwt_t *jwt, const ngx_str_t *text);
static ngx_int_t ngx_http_notify_jwt_body(ngx_pool_t *pool,
    const ngx_http_notify_jwt_t *jwt,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *body);
static ngx_int_t ngx_http_notify_jwt_keep(ngx_pool_t *pool,
    ngx_http_notify_jwt_cache_t *cache, const ngx_str_t *token);


static ngx_http_notify_args_param_t  ngx_http_notify_jwt_params[] = {

    { ngx_string("alg="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_jwt_args_t, alg),
      0, NGX_MAX_SIZE_T_VALUE, NULL, 0 },

    { ngx_string("key="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_jwt_args_t, key),
      0, NGX_MAX_SIZE_T_VALUE, NULL, 0 },

    { ngx_string("kid="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_jwt_args_t, kid),
      0, NGX_MAX_SIZE_T_VALUE, NULL, 0 },

    { ngx_string("header="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_jwt_args_t, header),
      0, NGX_MAX_SIZE_T_VALUE, NULL, 0 },

    { ngx_string("scheme="),
      ngx_http_notify_jwt_scheme,
      offsetof(ngx_http_notify_jwt_args_t, scheme),
      0, 0, "without control characters", 0 },

    { ngx_string("ttl="),
      ngx_http_notify_args_msec,
      offsetof(ngx_http_notify_jwt_args_t, ttl),
      1000, NGX_HTTP_NOTIFY_ARGS_YEAR, "1s to 365d", 0 },

    { ngx_string("claims="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_jwt_args_t, claims),
      0, NGX_MAX_SIZE_T_VALUE, NULL, 0 },

    ngx_http_notify_args_end
};


ngx_http_notify_jwt_t *
ngx_http_notify_jwt_create(ngx_conf_t *cf, ngx_str_t *header,
    ngx_str_t *scheme)
{
    ngx_http_notify_jwt_t       *jwt;
    ngx_http_notify_jwt_args_t   args;

    jwt = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_jwt_t));
    if (jwt == NULL) {
        return NULL;
    }

    ngx_memzero(&args, sizeof(ngx_http_notify_jwt_args_t));
    ngx_str_set(&args.header, "Authorization");
    ngx_str_set(&args.scheme, "Bearer");
    args.ttl = NGX_HTTP_NOTIFY_JWT_TTL;

    if (ngx_http_notify_args_parse(cf, 1, ngx_http_notify_jwt_params, &args)
           != NGX_CONF_OK
        || ngx_http_notify_jwt_alg(cf, jwt, &args.alg) != NGX_OK
        || ngx_http_notify_jwt_key(cf, jwt, &args.key) != NGX_OK
        || ngx_http_notify_jwt_claims(cf, jwt, &args.claims) != NGX_OK)
    {
        return NULL;
    }

    jwt->ttl = args.ttl / 1000;
    jwt->kid = args.kid;

    if (ngx_http_notify_jwt_kid(cf, jwt) != NGX_OK
        || ngx_http_notify_jwt_head(cf->pool, &args.alg, &jwt->kid, &jwt->head)
           != NGX_OK)
    {
        return NULL;
    }

    *header = args.header;
    *scheme = args.scheme;

    return jwt;
}


static char *
ngx_http_notify_jwt_scheme(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    if (ngx_http_notify_text_control(value)) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    *(ngx_str_t *) field = *value;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_notify_jwt_alg(ngx_conf_t *cf, ngx_http_notify_jwt_t *jwt,
    const ngx_str_t *name)
{
    if (name->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"alg=\" is missing in \"jwt\", it must be "
                           NGX_HTTP_NOTIFY_CRYPTO_JWS_NAMES);
        return NGX_ERROR;
    }

    if (ngx_http_notify_crypto_jws(name, &jwt->alg) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"alg=%V\" of \"jwt\" must be "
                           NGX_HTTP_NOTIFY_CRYPTO_JWS_NAMES, name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_jwt_key(ngx_conf_t *cf, ngx_http_notify_jwt_t *jwt,
    ngx_str_t *name)
{
    ngx_str_t    text;
    const char  *reason;

    if (name->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"key=\" is missing in \"jwt\"");
        return NGX_ERROR;
    }

    if (ngx_http_notify_file_secret(cf, name, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    jwt->key = ngx_http_notify_crypto_key_pem(cf->pool, &text, jwt->alg,
                                              &reason);

    ngx_http_notify_file_wipe(&text);

    if (jwt->key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key \"%V\" of \"jwt\" cannot be used: %s", name,
                           reason);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Without kid=, a public key has its thumbprint as its name (RFC 7638): the
 * digest of its required members, which stand in the order of their names.
 */

static ngx_int_t
ngx_http_notify_jwt_kid(ngx_conf_t *cf, ngx_http_notify_jwt_t *jwt)
{
    u_char                        digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];
    ngx_int_t                     rc;
    ngx_str_t                     jwk, name, value, text, raw;
    ngx_uint_t                    i;
    ngx_http_notify_json_iter_t   it;

    static const char  *members[] = { "crv", "e", "kty", "n", "x", "y", NULL };

    if (jwt->kid.len) {
        return NGX_OK;
    }

    rc = ngx_http_notify_crypto_jwk(jwt->key, cf->pool, &jwk);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    text.data = ngx_pnalloc(cf->pool, jwk.len);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.data[0] = '{';
    text.len = 1;

    for (i = 0; members[i]; i++) {
        ngx_http_notify_json_iter(&it, &jwk);

        while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {
            if (ngx_http_notify_text_is(&name, members[i])) {
                text.len = ngx_sprintf(text.data + text.len, "%s\"%V\":%V",
                                       text.len > 1 ? "," : "", &name, &value)
                           - text.data;
            }
        }
    }

    text.data[text.len++] = '}';

    raw.data = digest;
    raw.len = ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256,
                                            &text, 1, digest);

    jwt->kid.data = ngx_pnalloc(cf->pool, ngx_base64_encoded_length(raw.len));
    if (raw.len == 0 || jwt->kid.data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64url(&jwt->kid, &raw);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_jwt_claims(ngx_conf_t *cf, ngx_http_notify_jwt_t *jwt,
    const ngx_str_t *text)
{
    ngx_str_t                      json, name, value;
    const char                    *reason;
    ngx_http_notify_json_iter_t    it;
    ngx_http_notify_json_error_t   error;

    if (text->data == NULL) {
        return NGX_OK;
    }

    jwt->claims = ngx_http_notify_payload_compile_json(cf, text, 0, &reason);

    if (jwt->claims == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"claims=\" of \"jwt\"",
                           reason);
        return NGX_ERROR;
    }

    if (ngx_http_notify_json_scan(text, &json, &error) != NGX_OK
        || ngx_http_notify_json_kind(&json) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"claims=\" of \"jwt\" is not a JSON object");
        return NGX_ERROR;
    }

    ngx_http_notify_json_iter(&it, &json);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

        if (ngx_http_notify_text_is(&name, "iat")
            || ngx_http_notify_text_is(&name, "exp")
            || ngx_http_notify_text_is(&name, "jti"))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "claim \"%V\" of \"jwt\" is always added",
                               &name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_jwt_head(ngx_pool_t *pool, const ngx_str_t *alg,
    const ngx_str_t *kid, ngx_str_t *head)
{
    u_char     *p;
    ngx_str_t   json, quoted;

    ngx_str_set(&quoted, "");

    if (kid->len && ngx_http_notify_json_quote(pool, kid, &quoted) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, sizeof("{\"alg\":\"\",\"typ\":\"JWT\",\"kid\":}")
                          + alg->len + quoted.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    json.data = p;

    p = ngx_sprintf(p, "{\"alg\":\"%V\",\"typ\":\"JWT\"", alg);

    if (quoted.len) {
        p = ngx_sprintf(p, ",\"kid\":%V", &quoted);
    }

    *p++ = '}';

    json.len = p - json.data;

    head->data = ngx_pnalloc(pool, ngx_base64_encoded_length(json.len) + 1);
    if (head->data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64url(head, &json);

    head->data[head->len++] = '.';

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_jwt_token(ngx_pool_t *pool, const ngx_http_notify_jwt_t *jwt,
    const ngx_http_notify_payload_context_t *context, ngx_pool_t *cache_pool,
    ngx_http_notify_jwt_cache_t *cache, ngx_str_t *token)
{
    time_t      now;
    ngx_str_t   body;
    ngx_uint_t  constant;

    now = context->timestamp;

    constant = jwt->claims == NULL
               || ngx_http_notify_payload_constant(jwt->claims);

    /* fresh enough: a quarter of its time is left, and the clock is sane */

    if (constant && cache->token.len
        && cache->iat <= now && cache->exp - now > jwt->ttl / 4)
    {
        *token = cache->token;
        return NGX_OK;
    }

    if (ngx_http_notify_jwt_body(pool, jwt, context, &body) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_jwt_sign(pool, jwt->key, &jwt->head, &body, token)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!constant) {
        return NGX_OK;
    }

    cache->iat = now;
    cache->exp = now + jwt->ttl;

    return ngx_http_notify_jwt_keep(cache_pool, cache, token);
}


ngx_int_t
ngx_http_notify_jwt_sign(ngx_pool_t *pool, ngx_http_notify_crypto_key_t *key,
    const ngx_str_t *head, const ngx_str_t *body, ngx_str_t *token)
{
    u_char     *p;
    ngx_str_t   message, signature, encoded;

    p = ngx_pnalloc(pool, head->len + ngx_base64_encoded_length(body->len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    message.data = p;
    encoded.data = ngx_cpymem(p, head->data, head->len);
    ngx_encode_base64url(&encoded, (ngx_str_t *) body);
    message.len = head->len + encoded.len;

    if (ngx_http_notify_crypto_sign(key, pool, &message, &signature)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, message.len + 1
                          + ngx_base64_encoded_length(signature.len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    token->data = p;

    p = ngx_cpymem(p, message.data, message.len);
    *p++ = '.';

    encoded.data = p;
    ngx_encode_base64url(&encoded, &signature);

    token->len = p + encoded.len - token->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_jwt_body(ngx_pool_t *pool, const ngx_http_notify_jwt_t *jwt,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *body)
{
    ngx_str_t  claims;

    ngx_str_set(&claims, "{}");

    if (jwt->claims != NULL
        && ngx_http_notify_payload_text(pool, jwt->claims, context, &claims)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_jwt_stamp(pool, &claims, context->timestamp,
                                     jwt->ttl, body);
}


ngx_int_t
ngx_http_notify_jwt_stamp(ngx_pool_t *pool, const ngx_str_t *claims,
    time_t now, time_t ttl, ngx_str_t *body)
{
    u_char     *p;
    ngx_str_t   jti;

    if (ngx_http_notify_id_random(pool, "", &jti) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, claims->len
                          + sizeof(",\"iat\":,\"exp\":,\"jti\":\"\"}")
                          + 2 * NGX_TIME_T_LEN + jti.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    /* the object without its closing bracket */

    p = ngx_cpymem(p, claims->data, claims->len - 1);

    if (claims->len > 2) {
        *p++ = ',';
    }

    p = ngx_sprintf(p, "\"iat\":%T,\"exp\":%T,\"jti\":\"%V\"}",
                    now, now + ttl, &jti);

    body->len = p - body->data;

    return NGX_OK;
}


/* claims of one subscription have one length, so the place is used again */

static ngx_int_t
ngx_http_notify_jwt_keep(ngx_pool_t *pool, ngx_http_notify_jwt_cache_t *cache,
    const ngx_str_t *token)
{
    if (cache->size < token->len) {

        cache->token.len = 0;
        cache->size = 0;

        cache->token.data = ngx_pnalloc(pool, token->len);
        if (cache->token.data == NULL) {
            return NGX_ERROR;
        }

        cache->size = token->len;
    }

    ngx_memcpy(cache->token.data, token->data, token->len);
    cache->token.len = token->len;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_jwt_jwk(ngx_pool_t *pool, const ngx_http_notify_jwt_t *jwt,
    ngx_str_t *jwk)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   key, kid;

    rc = ngx_http_notify_crypto_jwk(jwt->key, pool, &key);

    if (rc != NGX_OK) {
        return rc;
    }

    if (jwt->kid.len == 0) {
        *jwk = key;
        return NGX_OK;
    }

    if (ngx_http_notify_json_quote(pool, &jwt->kid, &kid) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, key.len + sizeof(",\"kid\":") - 1 + kid.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    jwk->data = p;

    p = ngx_cpymem(p, key.data, key.len - 1);
    p = ngx_sprintf(p, ",\"kid\":%V}", &kid);

    jwk->len = p - jwk->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_jwt_named(const ngx_http_notify_jwt_t *jwt,
    ngx_http_notify_payload_named_pt handler, void *data)
{
    return ngx_http_notify_payload_named(jwt->claims, handler, data);
}
