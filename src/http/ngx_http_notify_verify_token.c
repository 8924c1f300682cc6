/*
 * Tokens of notify_verify jwt: RFC 7515, 7519, by the advice of RFC 8725.  The
 * key and its algorithm are the configuration's, never the token's.
 * Must not know which header carried it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_verify.h"


#define NGX_HTTP_NOTIFY_VERIFY_TOKEN_MAX  8192
#define NGX_HTTP_NOTIFY_VERIFY_SKEW       5     /* s; clocks that are ahead */


static ngx_int_t ngx_http_notify_verify_token_part(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_str_t *raw);
static ngx_int_t ngx_http_notify_verify_token_object(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_str_t *object);
static ngx_int_t ngx_http_notify_verify_token_head(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object);
static ngx_int_t ngx_http_notify_verify_token_claims(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object);
static ngx_int_t ngx_http_notify_verify_token_audience(ngx_pool_t *pool,
    const ngx_str_t *expected, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_verify_token_get(ngx_pool_t *pool,
    const ngx_str_t *object, const char *name, ngx_str_t *value);
static ngx_uint_t ngx_http_notify_verify_token_same(ngx_pool_t *pool,
    const ngx_str_t *value, const ngx_str_t *expected, ngx_uint_t nocase);


ngx_int_t
ngx_http_notify_verify_token(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *token)
{
    u_char      *p, *last;
    ngx_int_t    rc;
    ngx_str_t    part[3], signature, object, message;
    ngx_uint_t   n;

    if (token->len > NGX_HTTP_NOTIFY_VERIFY_TOKEN_MAX) {
        return NGX_DECLINED;
    }

    p = token->data;
    last = p + token->len;

    for (n = 0; n < 3; n++) {
        part[n].data = p;

        while (p < last && *p != '.') {
            p++;
        }

        part[n].len = p - part[n].data;

        if ((n < 2) != (p < last)) {
            return NGX_DECLINED;
        }

        p++;
    }

    /* nothing of it is believed before its signature is */

    rc = ngx_http_notify_verify_token_part(pool, &part[2], &signature);
    if (rc != NGX_OK) {
        return rc;
    }

    message.data = token->data;
    message.len = part[1].data + part[1].len - token->data;

    rc = ngx_http_notify_crypto_verify(verify->key, &message, &signature);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_verify_token_object(pool, &part[0], &object);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_verify_token_head(pool, verify, &object);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_verify_token_object(pool, &part[1], &object);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_notify_verify_token_claims(pool, verify, &object);
}


/* base64url, without padding, in its only form (RFC 7515, 2) */

static ngx_int_t
ngx_http_notify_verify_token_part(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *raw)
{
    u_char     *p;
    ngx_str_t   source, again;

    if (text->len == 0) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, ngx_base64_decoded_length(text->len)
                          + ngx_base64_encoded_length(text->len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    source = *text;
    raw->data = p;

    if (ngx_decode_base64url(raw, &source) != NGX_OK || raw->len == 0) {
        return NGX_DECLINED;
    }

    again.data = p + ngx_base64_decoded_length(text->len);
    ngx_encode_base64url(&again, raw);

    return (again.len == text->len
            && ngx_memcmp(again.data, text->data, text->len) == 0)
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_notify_verify_token_object(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *object)
{
    ngx_int_t                      rc;
    ngx_str_t                      raw;
    ngx_http_notify_json_error_t   error;

    rc = ngx_http_notify_verify_token_part(pool, text, &raw);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_notify_json_scan_within(&raw,
                                         NGX_HTTP_NOTIFY_JSON_DOCUMENT_DEPTH,
                                         NGX_HTTP_NOTIFY_JSON_DOCUMENT_VALUES,
                                         object, &error)
        != NGX_OK
        || ngx_http_notify_json_kind(object) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return NGX_DECLINED;
    }

    return ngx_http_notify_json_unique(object);
}


static ngx_int_t
ngx_http_notify_verify_token_head(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object)
{
    ngx_int_t   rc;
    ngx_str_t   value;
    ngx_uint_t  i;

    static ngx_str_t    jwt = ngx_string("JWT");

    /* keys that a token brings along; no extension is understood */

    static const char  *refused[] = {
        "crit", "jwk", "jku", "x5u", "x5c", "zip", "b64", NULL
    };

    for (i = 0; refused[i]; i++) {
        rc = ngx_http_notify_verify_token_get(pool, object, refused[i],
                                              &value);
        if (rc != NGX_DECLINED) {
            return rc == NGX_OK ? NGX_DECLINED : rc;
        }
    }

    rc = ngx_http_notify_verify_token_get(pool, object, "alg", &value);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!ngx_http_notify_verify_token_same(pool, &value, &verify->alg, 0)) {
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_verify_token_get(pool, object, "typ", &value);

    if (rc == NGX_OK
        && !ngx_http_notify_verify_token_same(pool, &value, &jwt, 1))
    {
        return NGX_DECLINED;
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_notify_verify_token_claims(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object)
{
    int64_t     n, now;
    ngx_int_t   rc;
    ngx_str_t   value;
    ngx_uint_t  i;

    static const char  *begins[] = { "nbf", "iat", NULL };

    now = ngx_time();

    rc = ngx_http_notify_verify_token_get(pool, object, "exp", &value);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_notify_json_int64(&value, &n) != NGX_OK || n <= now) {
        return NGX_DECLINED;
    }

    n = 0;

    for (i = 0; begins[i]; i++) {
        rc = ngx_http_notify_verify_token_get(pool, object, begins[i],
                                              &value);
        if (rc == NGX_DECLINED) {
            n = 0;
            continue;
        }

        if (rc != NGX_OK
            || ngx_http_notify_json_int64(&value, &n) != NGX_OK
            || n > now + NGX_HTTP_NOTIFY_VERIFY_SKEW || n < 0)
        {
            return rc == NGX_ERROR ? NGX_ERROR : NGX_DECLINED;
        }
    }

    /* the last was iat, 0 where there is none */

    if (verify->window && n < now - verify->window) {
        return NGX_DECLINED;
    }

    if (verify->iss.len) {
        rc = ngx_http_notify_verify_token_get(pool, object, "iss", &value);
        if (rc != NGX_OK) {
            return rc;
        }

        if (!ngx_http_notify_verify_token_same(pool, &value, &verify->iss, 0))
        {
            return NGX_DECLINED;
        }
    }

    if (verify->aud.len == 0) {
        return NGX_OK;
    }

    rc = ngx_http_notify_verify_token_get(pool, object, "aud", &value);

    return rc == NGX_OK
           ? ngx_http_notify_verify_token_audience(pool, &verify->aud, &value)
           : rc;
}


/* one string, or several (RFC 7519, 4.1.3) */

static ngx_int_t
ngx_http_notify_verify_token_audience(ngx_pool_t *pool,
    const ngx_str_t *expected, const ngx_str_t *value)
{
    ngx_str_t                     name, element;
    ngx_http_notify_json_iter_t   it;

    if (ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_STRING) {
        return ngx_http_notify_verify_token_same(pool, value, expected, 0)
               ? NGX_OK : NGX_DECLINED;
    }

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_ARRAY) {
        return NGX_DECLINED;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &element) == NGX_OK) {
        if (ngx_http_notify_verify_token_same(pool, &element, expected, 0)) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* names may be escaped, too */

static ngx_int_t
ngx_http_notify_verify_token_get(ngx_pool_t *pool, const ngx_str_t *object,
    const char *name, ngx_str_t *value)
{
    ngx_str_t                     member, quoted, text;
    ngx_http_notify_json_iter_t   it;

    ngx_http_notify_json_iter(&it, object);

    while (ngx_http_notify_json_next(&it, &member, value) == NGX_OK) {

        quoted.data = member.data - 1;
        quoted.len = member.len + 2;

        if (ngx_http_notify_json_text(pool, &quoted, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        if (text.len == ngx_strlen(name)
            && ngx_strncmp(text.data, name, text.len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_http_notify_verify_token_same(ngx_pool_t *pool, const ngx_str_t *value,
    const ngx_str_t *expected, ngx_uint_t nocase)
{
    ngx_str_t  text;

    return ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_STRING
           && ngx_http_notify_json_text(pool, value, &text) == NGX_OK
           && text.len == expected->len
           && (nocase ? ngx_strncasecmp(text.data, expected->data, text.len)
                      : ngx_memcmp(text.data, expected->data, text.len))
              == 0;
}
