/*
 * Tokens of notify_verify jwt: RFC 7515, 7519, by the advice of RFC 8725.  The
 * key and its algorithm are the configuration's, never the token's.
 * Must not know which header carried it.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_verify.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_VERIFY_TOKEN_MAX  8192
#define NGX_HTTP_NOTIFY_VERIFY_SKEW       5     /* s; clocks that are ahead */


static ngx_int_t ngx_http_notify_verify_token_part(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_str_t *raw);
static ngx_int_t ngx_http_notify_verify_token_object(ngx_str_t *raw,
    ngx_str_t *object);
static ngx_int_t ngx_http_notify_verify_token_head(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object);
static ngx_int_t ngx_http_notify_verify_token_claims(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object,
    int64_t *until);
static ngx_int_t ngx_http_notify_verify_token_date(const ngx_str_t *value,
    int64_t *ms);
static ngx_int_t ngx_http_notify_verify_token_audience(ngx_pool_t *pool,
    const ngx_str_t *expected, const ngx_str_t *value);
static ngx_uint_t ngx_http_notify_verify_token_type(ngx_pool_t *pool,
    const ngx_str_t *expected, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_verify_token_get(ngx_pool_t *pool,
    const ngx_str_t *object, const char *name, ngx_str_t *value);
static ngx_uint_t ngx_http_notify_verify_token_same(ngx_pool_t *pool,
    const ngx_str_t *value, const ngx_str_t *expected, ngx_uint_t nocase);


ngx_int_t
ngx_http_notify_verify_token(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *token,
    ngx_http_notify_verify_proof_t *proof)
{
    ngx_int_t  rc;
    ngx_str_t  message, payload, object;

    rc = ngx_http_notify_verify_token_jws(pool, verify, token, &message,
                                          &payload);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_verify_token_object(&payload, &object);
    if (rc != NGX_OK) {
        return rc;
    }

    proof->message = message;
    proof->claims = object;

    return ngx_http_notify_verify_token_claims(pool, verify, &object,
                                               &proof->until);
}


ngx_int_t
ngx_http_notify_verify_token_jws(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *token,
    ngx_str_t *message, ngx_str_t *payload)
{
    u_char      *p, *last;
    ngx_int_t    rc;
    ngx_str_t    part[3], signature, raw, object;
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

    message->data = token->data;
    message->len = part[1].data + part[1].len - token->data;

    rc = ngx_http_notify_crypto_verify(verify->key, message, &signature);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_verify_token_part(pool, &part[0], &raw);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_verify_token_object(&raw, &object);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_verify_token_head(pool, verify, &object);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_verify_token_part(pool, &part[1], payload);
    }

    return rc;
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

    return ngx_http_notify_text_equal(&again, text)
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_notify_verify_token_object(ngx_str_t *raw, ngx_str_t *object)
{
    ngx_http_notify_json_error_t  error;

    if (ngx_http_notify_json_scan_within(raw,
                                         NGX_HTTP_NOTIFY_JSON_DOCUMENT_DEPTH,
                                         NGX_HTTP_NOTIFY_JSON_DOCUMENT_VALUES,
                                         object, &error)
        != NGX_OK
        || ngx_http_notify_json_kind(object) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return NGX_DECLINED;
    }

    return ngx_http_notify_json_unique(object, NULL);
}


static ngx_int_t
ngx_http_notify_verify_token_head(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object)
{
    ngx_int_t   rc;
    ngx_str_t   value;
    ngx_uint_t  i;

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

    if (rc == NGX_DECLINED) {
        return verify->typ.len ? NGX_DECLINED : NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_notify_verify_token_type(pool, &verify->typ, &value)
           ? NGX_OK : NGX_DECLINED;
}


/*
 * A media type, whose "application/" may be left out (RFC 7515, 4.1.9).  Where
 * none is asked for it is a JWT, or an access token (RFC 9068): the other kinds
 * are made so that they are not taken for one (RFC 8725, 3.11).
 */

static ngx_uint_t
ngx_http_notify_verify_token_type(ngx_pool_t *pool, const ngx_str_t *expected,
    const ngx_str_t *value)
{
    size_t      skip;
    ngx_str_t   text, want;
    ngx_uint_t  i;

    static ngx_str_t  prefix = ngx_string("application/");
    static ngx_str_t  usual[] = { ngx_string("JWT"), ngx_string("at+jwt") };

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_STRING
        || ngx_http_notify_json_text(pool, value, &text) != NGX_OK)
    {
        return 0;
    }

    for (i = 0; i < (expected->len ? 1 : 2); i++) {
        want = expected->len ? *expected : usual[i];

        if (want.len > prefix.len
            && ngx_strncasecmp(want.data, prefix.data, prefix.len) == 0)
        {
            want.data += prefix.len;
            want.len -= prefix.len;
        }

        skip = text.len - want.len;

        if (text.len >= want.len
            && (skip == 0
                || (skip == prefix.len
                    && ngx_strncasecmp(text.data, prefix.data, skip) == 0))
            && ngx_strncasecmp(text.data + skip, want.data, want.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_notify_verify_token_claims(ngx_pool_t *pool,
    const ngx_http_notify_verify_conf_t *verify, const ngx_str_t *object,
    int64_t *until)
{
    int64_t           n, now;
    ngx_int_t         rc;
    ngx_str_t         value;
    ngx_uint_t        i;
    const ngx_time_t *tp;

    static const char  *begins[] = { "nbf", "iat", NULL };

    tp = ngx_timeofday();
    now = (int64_t) tp->sec * 1000 + tp->msec;

    rc = ngx_http_notify_verify_token_get(pool, object, "exp", &value);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_notify_verify_token_date(&value, &n) != NGX_OK || n <= now) {
        return NGX_DECLINED;
    }

    *until = n / 1000 + 1;
    n = 0;

    for (i = 0; begins[i]; i++) {
        rc = ngx_http_notify_verify_token_get(pool, object, begins[i],
                                              &value);
        if (rc == NGX_DECLINED) {
            n = 0;
            continue;
        }

        if (rc != NGX_OK
            || ngx_http_notify_verify_token_date(&value, &n) != NGX_OK
            || n > now + NGX_HTTP_NOTIFY_VERIFY_SKEW * 1000)
        {
            return rc == NGX_ERROR ? NGX_ERROR : NGX_DECLINED;
        }
    }

    /* the last was iat, 0 where there is none */

    if (verify->window && n / 1000 < tp->sec - verify->window) {
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

    rc = ngx_http_notify_verify_token_get(pool, object, "aud", &value);

    if (verify->aud.len == 0) {

        /* it is for others, as long as nobody says that it is for us */

        return rc == NGX_DECLINED ? NGX_OK
                                  : rc == NGX_OK ? NGX_DECLINED : rc;
    }

    return rc == NGX_OK
           ? ngx_http_notify_verify_token_audience(pool, &verify->aud, &value)
           : rc;
}


/*
 * NumericDate: any JSON number (RFC 7519, 2), here in milliseconds.
 * NGX_DECLINED: before 1970, or after what an int64 of seconds can say.
 */

static ngx_int_t
ngx_http_notify_verify_token_date(const ngx_str_t *value, int64_t *ms)
{
    u_char     *p, *last;
    int64_t     n;
    ngx_int_t   scale, e, sign;

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_NUMBER
        || value->data[0] == '-')
    {
        return NGX_DECLINED;
    }

    p = value->data;
    last = p + value->len;

    /* n * 10^scale, of 18 digits */

    n = 0;
    scale = 3;

    for ( /* void */ ; p < last && *p >= '0' && *p <= '9'; p++) {
        if (n < 100000000000000000LL) {
            n = n * 10 + (*p - '0');

        } else {
            scale++;
        }
    }

    if (p < last && *p == '.') {
        for (p++; p < last && *p >= '0' && *p <= '9'; p++) {
            if (n < 100000000000000000LL) {
                n = n * 10 + (*p - '0');
                scale--;
            }
        }
    }

    if (p < last) {
        p++;
        sign = (*p == '-') ? -1 : 1;
        p += (*p == '-' || *p == '+');

        for (e = 0; p < last; p++) {
            e = ngx_min(e * 10 + (*p - '0'), 100000);
        }

        scale += sign * e;
    }

    for ( /* void */ ; scale < 0 && n; scale++) {
        n /= 10;
    }

    for ( /* void */ ; scale > 0 && n; scale--) {
        if (n > INT64_MAX / 10) {
            return NGX_DECLINED;
        }

        n *= 10;
    }

    *ms = n;

    return NGX_OK;
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
    ngx_str_t  text;

    text = ngx_http_notify_text(name);

    return ngx_http_notify_json_find(pool, object, &text, value);
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


ngx_int_t
ngx_http_notify_verify_token_id(ngx_pool_t *pool, const ngx_str_t *claims,
    ngx_str_t *jti, ngx_str_t *iss)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_verify_token_get(pool, claims, "iss", iss);

    if (rc == NGX_DECLINED) {
        ngx_str_set(iss, "");

    } else if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_verify_token_get(pool, claims, "jti", &value);
    if (rc != NGX_OK) {
        return rc;
    }

    /* a string (RFC 7519, 4.1.7) */

    return ngx_http_notify_json_text(pool, &value, jti);
}


ngx_int_t
ngx_http_notify_verify_token_claim(ngx_pool_t *pool, const ngx_str_t *claims,
    const ngx_str_t *name, ngx_str_t *text)
{
    ngx_str_t                     member, value, found;
    ngx_http_notify_json_iter_t   it;

    found.len = 0;

    ngx_http_notify_json_iter(&it, claims);

    while (ngx_http_notify_json_next(&it, &member, &value) == NGX_OK) {

        if (ngx_http_notify_json_name(pool, &member) != NGX_OK) {
            return NGX_ERROR;
        }

        if (!ngx_http_notify_text_equal_nocase(&member, name)) {
            continue;
        }

        if (found.len) {
            return NGX_DECLINED;
        }

        found = value;
    }

    if (found.len == 0) {
        return NGX_DECLINED;
    }

    *text = found;

    return ngx_http_notify_body_plain(pool, text);
}
