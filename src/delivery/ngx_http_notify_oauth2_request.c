/*
 * What is sent to a token endpoint: the form of RFC 6749, 4.4.2, or that of
 * RFC 7523, 2.1, with an assertion signed now.
 */

#include "ngx_http_notify_json.h"
#include "ngx_http_notify_jwt.h"
#include "ngx_http_notify_oauth2.h"


#define NGX_HTTP_NOTIFY_OAUTH2_TTL    300     /* seconds, of an assertion */
#define NGX_HTTP_NOTIFY_OAUTH2_PAIRS  6
#define NGX_HTTP_NOTIFY_OAUTH2_GRANT                                          \
    "urn:ietf:params:oauth:grant-type:jwt-bearer"


static ngx_int_t ngx_http_notify_oauth2_basic(ngx_pool_t *pool,
    const ngx_http_notify_oauth2_conf_t *conf, ngx_keyval_t *header);
static ngx_int_t ngx_http_notify_oauth2_assertion(ngx_pool_t *pool,
    const ngx_http_notify_oauth2_conf_t *conf, ngx_str_t *token);
static ngx_int_t ngx_http_notify_oauth2_form(ngx_pool_t *pool,
    const ngx_keyval_t *pairs, ngx_uint_t n, ngx_str_t *body);
static u_char *ngx_http_notify_oauth2_encode(u_char *p,
    const ngx_str_t *text);
static ngx_int_t ngx_http_notify_oauth2_account(ngx_pool_t *pool,
    ngx_http_notify_oauth2_conf_t *conf,
    const ngx_http_notify_json_t *account, ngx_http_notify_json_t *claims,
    const char **reason);
static ngx_int_t ngx_http_notify_oauth2_pem(ngx_pool_t *pool,
    ngx_http_notify_oauth2_conf_t *conf, const ngx_str_t *pem,
    const ngx_str_t *kid, const char **reason);
static ngx_int_t ngx_http_notify_oauth2_print(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_str_t *print);
static ngx_int_t ngx_http_notify_oauth2_add(ngx_http_notify_json_t *claims,
    const char *name, const ngx_str_t *text);


ngx_int_t
ngx_http_notify_oauth2_request(ngx_pool_t *pool,
    const ngx_http_notify_oauth2_conf_t *conf, ngx_str_t *body,
    ngx_keyval_t *headers, ngx_uint_t *nheaders)
{
    ngx_uint_t    n;
    ngx_keyval_t  pairs[NGX_HTTP_NOTIFY_OAUTH2_PAIRS];

    ngx_str_set(&headers[0].key, "Content-Type");
    ngx_str_set(&headers[0].value, "application/x-www-form-urlencoded");
    ngx_str_set(&headers[1].key, "Accept");
    ngx_str_set(&headers[1].value, "application/json");

    *nheaders = 2;

    n = 0;

    ngx_str_set(&pairs[n].key, "grant_type");

    if (conf->key) {
        ngx_str_set(&pairs[n].value, NGX_HTTP_NOTIFY_OAUTH2_GRANT);
        n++;

        ngx_str_set(&pairs[n].key, "assertion");

        if (ngx_http_notify_oauth2_assertion(pool, conf, &pairs[n++].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        ngx_str_set(&pairs[n].value, "client_credentials");
        n++;

        if (conf->post) {
            ngx_str_set(&pairs[n].key, "client_id");
            pairs[n++].value = conf->client_id;
            ngx_str_set(&pairs[n].key, "client_secret");
            pairs[n++].value = conf->client_secret;

        } else {
            if (ngx_http_notify_oauth2_basic(pool, conf, &headers[2])
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            *nheaders = 3;
        }
    }

    if (conf->scope.len) {
        ngx_str_set(&pairs[n].key, "scope");
        pairs[n++].value = conf->scope;
    }

    if (conf->audience.len) {
        ngx_str_set(&pairs[n].key, "audience");
        pairs[n++].value = conf->audience;
    }

    return ngx_http_notify_oauth2_form(pool, pairs, n, body);
}


/* both are encoded before they are joined, RFC 6749, 2.3.1 */

static ngx_int_t
ngx_http_notify_oauth2_basic(ngx_pool_t *pool,
    const ngx_http_notify_oauth2_conf_t *conf, ngx_keyval_t *header)
{
    u_char     *p;
    ngx_str_t   plain, encoded;

    plain.data = ngx_pnalloc(pool, 3 * (conf->client_id.len
                                        + conf->client_secret.len) + 1);
    if (plain.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_notify_oauth2_encode(plain.data, &conf->client_id);
    *p++ = ':';
    p = ngx_http_notify_oauth2_encode(p, &conf->client_secret);

    plain.len = p - plain.data;

    p = ngx_pnalloc(pool, sizeof("Basic ") - 1
                          + ngx_base64_encoded_length(plain.len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&header->key, "Authorization");
    header->value.data = p;

    encoded.data = ngx_cpymem(p, "Basic ", sizeof("Basic ") - 1);
    ngx_encode_base64(&encoded, &plain);

    header->value.len = encoded.data + encoded.len - p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_oauth2_assertion(ngx_pool_t *pool,
    const ngx_http_notify_oauth2_conf_t *conf, ngx_str_t *token)
{
    ngx_str_t  body;

    if (ngx_http_notify_jwt_stamp(pool, &conf->claims, ngx_time(),
                                  NGX_HTTP_NOTIFY_OAUTH2_TTL, &body)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_jwt_sign(pool, conf->key, &conf->head, &body,
                                    token);
}


static ngx_int_t
ngx_http_notify_oauth2_form(ngx_pool_t *pool, const ngx_keyval_t *pairs,
    ngx_uint_t n, ngx_str_t *body)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; i < n; i++) {
        len += pairs[i].key.len + 3 * pairs[i].value.len + sizeof("=&") - 1;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = '&';
        }

        p = ngx_cpymem(p, pairs[i].key.data, pairs[i].key.len);
        *p++ = '=';
        p = ngx_http_notify_oauth2_encode(p, &pairs[i].value);
    }

    body->len = p - body->data;

    return NGX_OK;
}


static u_char *
ngx_http_notify_oauth2_encode(u_char *p, const ngx_str_t *text)
{
    return (u_char *) ngx_escape_uri(p, text->data, text->len,
                                     NGX_ESCAPE_URI_COMPONENT);
}


ngx_int_t
ngx_http_notify_oauth2_key(ngx_pool_t *pool,
    ngx_http_notify_oauth2_conf_t *conf, const ngx_str_t *text,
    const ngx_str_t *claims, const char **reason)
{
    ngx_int_t                      rc;
    ngx_str_t                      empty;
    ngx_http_notify_json_t        *json, *account;
    ngx_http_notify_json_error_t   error;

    ngx_str_set(&empty, "{}");
    *reason = "no memory";

    json = ngx_http_notify_json_parse(pool, claims->len ? claims : &empty,
                                      &error);

    if (json == NULL
        || ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        *reason = "\"claims=\" is not a JSON object";
        return NGX_DECLINED;
    }

    if (ngx_http_notify_json_get(json, "iat")
        || ngx_http_notify_json_get(json, "exp")
        || ngx_http_notify_json_get(json, "jti"))
    {
        *reason = "the claims \"iat\", \"exp\" and \"jti\" are always added";
        return NGX_DECLINED;
    }

    if (text->len && text->data[0] == '{') {
        account = ngx_http_notify_json_parse(pool, text, &error);

        if (account == NULL) {
            *reason = "it is not JSON";
            return NGX_DECLINED;
        }

        rc = ngx_http_notify_oauth2_account(pool, conf, account, json, reason);

    } else {
        ngx_str_null(&empty);
        rc = ngx_http_notify_oauth2_pem(pool, conf, text, &empty, reason);
    }

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_oauth2_add(json, "aud", &conf->url) != NGX_OK
        || ngx_http_notify_oauth2_print(pool, text, &conf->print) != NGX_OK
        || ngx_http_notify_json_dump(pool, json, 0, &conf->claims) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* what the console of a cloud hands out: its scope is a claim */

static ngx_int_t
ngx_http_notify_oauth2_account(ngx_pool_t *pool,
    ngx_http_notify_oauth2_conf_t *conf,
    const ngx_http_notify_json_t *account, ngx_http_notify_json_t *claims,
    const char **reason)
{
    ngx_str_t  email, pem, kid, uri;

    email = ngx_http_notify_json_get_string(account, "client_email");
    pem = ngx_http_notify_json_get_string(account, "private_key");
    kid = ngx_http_notify_json_get_string(account, "private_key_id");
    uri = ngx_http_notify_json_get_string(account, "token_uri");

    if (email.len == 0 || pem.len == 0) {
        *reason = "it has no \"client_email\" or \"private_key\"";
        return NGX_DECLINED;
    }

    if (conf->url.len == 0) {

        if (uri.len == 0) {
            *reason = "it has no \"token_uri\"";
            return NGX_DECLINED;
        }

        conf->url.data = ngx_pstrdup(pool, &uri);
        if (conf->url.data == NULL) {
            return NGX_DECLINED;
        }

        conf->url.len = uri.len;
    }

    conf->account = 1;
    conf->project = ngx_http_notify_json_get_string(account, "project_id");

    if (ngx_http_notify_oauth2_add(claims, "iss", &email) != NGX_OK
        || ngx_http_notify_oauth2_add(claims, "scope", &conf->scope) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_http_notify_oauth2_pem(pool, conf, &pem, &kid, reason);
}


/* the kind of the key says by which algorithm it signs */

static ngx_int_t
ngx_http_notify_oauth2_pem(ngx_pool_t *pool,
    ngx_http_notify_oauth2_conf_t *conf, const ngx_str_t *pem,
    const ngx_str_t *kid, const char **reason)
{
    ngx_str_t   name;
    ngx_uint_t  i;

    static const struct {
        ngx_str_t                      name;
        ngx_http_notify_crypto_jws_e   alg;
    } algs[] = {
        { ngx_string("RS256"), NGX_HTTP_NOTIFY_CRYPTO_RS256 },
        { ngx_string("ES256"), NGX_HTTP_NOTIFY_CRYPTO_ES256 },
        { ngx_string("EdDSA"), NGX_HTTP_NOTIFY_CRYPTO_EDDSA }
    };

    for (i = 0; i < 3; i++) {
        name = algs[i].name;

        conf->key = ngx_http_notify_crypto_key_pem(pool, pem, algs[i].alg,
                                                   reason);
        if (conf->key) {
            conf->alg = name;
            return ngx_http_notify_jwt_head(pool, &name, kid, &conf->head);
        }
    }

    *reason = "it has no private key in PEM: RSA of 2048 bits or more, P-256 "
              "or Ed25519";

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_notify_oauth2_print(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *print)
{
    print->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX);
    if (print->data == NULL) {
        return NGX_ERROR;
    }

    print->len = ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256,
                                               text, 1, print->data);

    return print->len ? NGX_OK : NGX_ERROR;
}


/* unless it is there */

static ngx_int_t
ngx_http_notify_oauth2_add(ngx_http_notify_json_t *claims, const char *name,
    const ngx_str_t *text)
{
    if (text->len == 0 || ngx_http_notify_json_get(claims, name)) {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(claims, name, text);
}
