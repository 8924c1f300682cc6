/*
 * The resource `jwks.json`: the public keys of the `jwt` directives of a
 * channel's profiles as a JWK Set (RFC 7517), for receivers that verify tokens.
 * Must not know what a key is.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_api_jwks_handler(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_jwks_keys(ngx_http_notify_api_t *api,
    ngx_array_t *keys);
static ngx_int_t ngx_http_notify_api_jwks_text(ngx_http_notify_api_t *api,
    const ngx_array_t *keys, ngx_str_t *text);


ngx_http_notify_api_resource_t  ngx_http_notify_api_jwks = {
    ngx_string("jwks.json"),
    { NGX_HTTP_GET, 0 },
    NULL,
    ngx_http_notify_api_jwks_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static void
ngx_http_notify_api_jwks_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t     text;
    ngx_array_t   keys;

    if (ngx_array_init(&keys, api->request->pool, 4, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_http_notify_api_jwks_keys(api, &keys) != NGX_OK
        || ngx_http_notify_api_jwks_text(api, &keys, &text) != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_send(api, NGX_HTTP_OK, &text);
}


/* each key once: receivers refuse a set where two keys fit a token */

static ngx_int_t
ngx_http_notify_api_jwks_keys(ngx_http_notify_api_t *api, ngx_array_t *keys)
{
    ngx_str_t                   *key;
    ngx_uint_t                   i, j, n;
    ngx_http_notify_profile_t  **profile;

    profile = api->channel->profiles->elts;

    for (i = 0; i < api->channel->profiles->nelts; i++) {
        if (ngx_http_notify_sign_jwks(api->request->pool,
                                      &profile[i]->call.sign, keys)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    key = keys->elts;
    n = 0;

    for (i = 0; i < keys->nelts; i++) {

        for (j = 0; j < n; j++) {
            if (ngx_http_notify_text_equal(&key[j], &key[i])) {
                break;
            }
        }

        if (j == n) {
            key[n++] = key[i];
        }
    }

    keys->nelts = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_jwks_text(ngx_http_notify_api_t *api,
    const ngx_array_t *keys, ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_str_t   *key;
    ngx_uint_t   i;

    key = keys->elts;
    len = sizeof("{\"keys\":[]}") - 1;

    for (i = 0; i < keys->nelts; i++) {
        len += key[i].len + 1;
    }

    p = ngx_pnalloc(api->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    p = ngx_cpymem(p, "{\"keys\":[", sizeof("{\"keys\":[") - 1);

    for (i = 0; i < keys->nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, key[i].data, key[i].len);
    }

    *p++ = ']'; *p++ = '}';

    text->len = p - text->data;

    return NGX_OK;
}
