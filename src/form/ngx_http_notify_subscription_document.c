/*
 * The stored document of a subscription: what it says, and the changes that
 * are not a client's members: secrets, enabled, times.
 */

#include "ngx_http_notify_subscription_form.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_DOCUMENT_SECRETS  4


ngx_http_notify_json_t *
ngx_http_notify_subscription_document_part(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, const char *const *names)
{
    ngx_http_notify_json_t  *part, *value;

    part = ngx_http_notify_json_new_object(pool);
    if (part == NULL) {
        return NULL;
    }

    for ( /* void */ ; *names; names++) {
        value = ngx_http_notify_json_get(document, *names);

        if (value == NULL) {
            continue;
        }

        value = ngx_http_notify_json_copy(pool, value);

        if (value == NULL
            || ngx_http_notify_json_set(part, *names, value) != NGX_OK)
        {
            return NULL;
        }
    }

    return part;
}


ngx_int_t
ngx_http_notify_subscription_document_claim(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *claim)
{
    u_char                  *p;
    ngx_str_t                mode, event, type;
    ngx_http_notify_json_t  *value;

    ngx_str_null(claim);

    mode = ngx_http_notify_json_get_string(document, "mode");

    if (mode.len == 0 || mode.data[0] == 'w') {
        return NGX_OK;
    }

    event = ngx_http_notify_json_string(
                ngx_http_notify_json_at(
                    ngx_http_notify_json_get(document, "events"), 0));

    ngx_str_null(&type);
    value = ngx_http_notify_json_get(document, "entityTypeID");

    if (value
        && ngx_http_notify_json_dump(pool, value, 0, &type) != NGX_OK)
    {
        return NGX_ERROR;
    }

    claim->data = ngx_pnalloc(pool, event.len + 1 + type.len);
    if (claim->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(claim->data, event.data, event.len);
    *p++ = ':';

    if (type.len) {
        p = ngx_cpymem(p, type.data, type.len);
    }

    claim->len = p - claim->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_document_secret(ngx_pool_t *pool,
    ngx_http_notify_json_t *document, const ngx_str_t *secret,
    ngx_uint_t standard, uint64_t now, uint64_t expires)
{
    int64_t                  until;
    ngx_uint_t               i;
    ngx_http_notify_json_t  *old, *secrets, *element, *value;

    old = ngx_http_notify_json_get(document, "secrets");

    secrets = ngx_http_notify_json_new_array(pool);
    element = ngx_http_notify_json_new_object(pool);

    if (secrets == NULL
        || element == NULL
        || ngx_http_notify_json_set_string(element, "text", secret) != NGX_OK
        || ngx_http_notify_json_set_integer(element, "expires", 0) != NGX_OK
        || ngx_http_notify_json_set_bool(element, "standard", standard)
           != NGX_OK
        || ngx_http_notify_json_append(secrets, element) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; expires > now && i < ngx_http_notify_json_size(old); i++) {

        if (ngx_http_notify_json_size(secrets)
            == NGX_HTTP_NOTIFY_SUBSCRIPTION_DOCUMENT_SECRETS)
        {
            break;
        }

        value = ngx_http_notify_json_at(old, i);
        until = 0;
        (void) ngx_http_notify_json_integer(
                   ngx_http_notify_json_get(value, "expires"), &until);

        if (until != 0 && (uint64_t) until <= now) {
            continue;
        }

        if (until == 0 || (uint64_t) until > expires) {
            until = expires;
        }

        element = ngx_http_notify_json_copy(pool, value);

        if (element == NULL
            || ngx_http_notify_json_set_integer(element, "expires", until)
               != NGX_OK
            || ngx_http_notify_json_append(secrets, element) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_json_set(document, "secrets", secrets);
}


ngx_uint_t
ngx_http_notify_subscription_document_follows(
    const ngx_http_notify_json_t *document)
{
    ngx_str_t  mode;

    mode = ngx_http_notify_json_get_string(document, "mode");

    return (mode.len == 0 || mode.data[0] == 'w')
           && ngx_http_notify_subscriptions_enabled(document)
           && !ngx_http_notify_subscriptions_unconfirmed(document);
}


ngx_int_t
ngx_http_notify_subscription_document_enable(ngx_http_notify_json_t *document,
    ngx_uint_t enabled)
{
    static const ngx_str_t  reason =
        ngx_string("disabled by request");

    if (ngx_http_notify_json_set_bool(document, "enabled", enabled)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!enabled) {
        return ngx_http_notify_json_set_string(document, "reason", &reason);
    }

    if (ngx_http_notify_json_get(document, "reason")) {
        return ngx_http_notify_json_remove(document, "reason");
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_document_selects(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *text)
{
    ngx_http_notify_json_t  *selects;

    static const ngx_str_t    none = ngx_string("-");
    static const char *const  names[] = { "id", "tenant", "events",
                                          "entityTypeID", "attributes",
                                          "filter", NULL };

    selects = ngx_http_notify_subscription_document_part(pool, document,
                                                         names);

    if (selects == NULL
        || ngx_http_notify_json_set_string(selects, "url", &none) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_dump(pool, selects, 1, text);
}
