/*
 * The page of an iframe subscriber: eventType, entityTypeID, entityID and a
 * short-lived token behind its URL (RFC 7519).  Pool memory.
 * Must not know what the URL is given to.
 */

#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_iframe.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_json_write.h"


static ngx_int_t ngx_http_notify_iframe_token(ngx_pool_t *pool,
    const ngx_http_notify_subscription_t *subscription,
    const ngx_http_notify_event_t *event, ngx_str_t *token);
static ngx_int_t ngx_http_notify_iframe_claims(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_str_t *claims);
static ngx_int_t ngx_http_notify_iframe_url(ngx_pool_t *pool,
    const ngx_str_t *url, const ngx_keyval_t *args, ngx_uint_t n,
    ngx_str_t *out);
static ngx_int_t ngx_http_notify_iframe_plain(ngx_pool_t *pool,
    const ngx_str_t *json, ngx_str_t *text);


ngx_int_t
ngx_http_notify_iframe(ngx_pool_t *pool,
    const ngx_http_notify_subscription_t *subscription,
    const ngx_http_notify_event_t *event, ngx_str_t *data)
{
    ngx_int_t                      rc;
    ngx_str_t                      url;
    ngx_keyval_t                   args[4];
    ngx_http_notify_json_write_t   w;

    ngx_str_set(&args[0].key, "eventType");
    ngx_str_set(&args[1].key, "entityTypeID");
    ngx_str_set(&args[2].key, "entityID");
    ngx_str_set(&args[3].key, "token");

    args[0].value = event->type;

    rc = ngx_http_notify_iframe_token(pool, subscription, event,
                                      &args[3].value);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_notify_iframe_plain(pool, &event->entity_type_id,
                                     &args[1].value)
        != NGX_OK
        || ngx_http_notify_iframe_plain(pool, &event->entity_id,
                                        &args[2].value)
           != NGX_OK
        || ngx_http_notify_iframe_url(pool, &subscription->url, args, 4, &url)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_json_write_init(&w, pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_text(&w, "mode", "iframe");
    ngx_http_notify_json_write_string(&w, "url", &url);
    ngx_http_notify_json_write_end(&w);

    return ngx_http_notify_json_write_done(&w, data);
}


/* a JWS in compact form, RFC 7515 */

static ngx_int_t
ngx_http_notify_iframe_token(ngx_pool_t *pool,
    const ngx_http_notify_subscription_t *subscription,
    const ngx_http_notify_event_t *event, ngx_str_t *token)
{
    u_char                         *p;
    ngx_str_t                       claims, part, message, code;
    ngx_http_notify_crypto_hmac_t  *hmac;
    u_char  digest[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];

    static ngx_str_t  header =
        ngx_string("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");

    if (subscription->nsecrets == 0) {
        return NGX_DECLINED;
    }

    hmac = ngx_http_notify_crypto_hmac_create(pool,
                                              NGX_HTTP_NOTIFY_CRYPTO_SHA256,
                                              &subscription->secrets[0].text);
    if (hmac == NULL
        || ngx_http_notify_iframe_claims(pool, event, &claims) != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(pool, ngx_base64_encoded_length(header.len)
                          + ngx_base64_encoded_length(claims.len)
                          + ngx_base64_encoded_length(sizeof(digest)) + 2);
    if (p == NULL) {
        return NGX_ERROR;
    }

    message.data = p;

    part.data = p;
    ngx_encode_base64url(&part, &header);
    p += part.len;
    *p++ = '.';

    part.data = p;
    ngx_encode_base64url(&part, &claims);
    p += part.len;

    message.len = p - message.data;

    code.data = digest;
    code.len = ngx_http_notify_crypto_hmac(hmac, &message, 1, digest);

    if (code.len == 0) {
        return NGX_ERROR;
    }

    *p++ = '.';

    part.data = p;
    ngx_encode_base64url(&part, &code);
    p += part.len;

    token->data = message.data;
    token->len = p - message.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_iframe_claims(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_str_t *claims)
{
    ngx_http_notify_json_write_t  w;

    static const ngx_str_t  null = ngx_string("null");

    ngx_http_notify_json_write_init(&w, pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "event", &event->type);
    ngx_http_notify_json_write_raw(&w, "entityType",
                                   event->entity_type_id.len
                                       ? &event->entity_type_id : &null);
    ngx_http_notify_json_write_raw(&w, "entity",
                                   event->entity_id.len ? &event->entity_id
                                                        : &null);
    ngx_http_notify_json_write_string(&w, "tenant", &event->tenant);
    ngx_http_notify_json_write_integer(&w, "iat", ngx_time());
    ngx_http_notify_json_write_integer(&w, "exp",
                                       ngx_time()
                                       + NGX_HTTP_NOTIFY_IFRAME_TTL);
    ngx_http_notify_json_write_end(&w);

    return ngx_http_notify_json_write_done(&w, claims);
}


/* what has no value is left out; a URL of ours has no fragment */

static ngx_int_t
ngx_http_notify_iframe_url(ngx_pool_t *pool, const ngx_str_t *url,
    const ngx_keyval_t *args, ngx_uint_t n, ngx_str_t *out)
{
    u_char      *p, ch;
    size_t       len;
    ngx_uint_t   i;

    len = url->len;

    for (i = 0; i < n; i++) {
        len += 2 + args[i].key.len + 3 * args[i].value.len;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    out->data = p;

    ch = ngx_strlchr(url->data, url->data + url->len, '?') ? '&' : '?';

    p = ngx_cpymem(p, url->data, url->len);

    for (i = 0; i < n; i++) {

        if (args[i].value.len == 0) {
            continue;
        }

        *p++ = ch;
        ch = '&';

        p = ngx_cpymem(p, args[i].key.data, args[i].key.len);
        *p++ = '=';
        p = (u_char *) ngx_escape_uri(p, args[i].value.data,
                                      args[i].value.len,
                                      NGX_ESCAPE_URI_COMPONENT);
    }

    out->len = p - out->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_iframe_plain(ngx_pool_t *pool, const ngx_str_t *json,
    ngx_str_t *text)
{
    if (ngx_http_notify_json_kind(json) != NGX_HTTP_NOTIFY_JSON_STRING) {
        *text = *json;
        return NGX_OK;
    }

    return ngx_http_notify_json_text(pool, json, text);
}
