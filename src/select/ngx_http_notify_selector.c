/*
 * The test of one event for one subscription.
 */

#include "ngx_http_notify_selector.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_selector_cleanup(void *data);
static ngx_uint_t ngx_http_notify_selector_pattern(const ngx_str_t *pattern,
    const ngx_str_t *type);


ngx_http_notify_selector_t *
ngx_http_notify_selector_create(const ngx_str_t *text, ngx_pool_cleanup_t *cln,
    ngx_log_t *log)
{
    ngx_str_t                        pointer;
    const char                      *reason;
    ngx_http_notify_selector_t      *selector;
    ngx_http_notify_subscription_t  *doc;

    doc = ngx_http_notify_subscriptions_parse(NULL, text, log);
    if (doc == NULL) {
        return NULL;
    }

    selector = ngx_pcalloc(doc->pool, sizeof(ngx_http_notify_selector_t));
    if (selector == NULL) {
        goto failed;
    }

    selector->doc = doc;

    if (doc->filter.len) {
        selector->filter = ngx_http_notify_filter_compile(doc->pool,
                                                          &doc->filter,
                                                          &reason, &pointer);

        if (selector->filter == NULL && reason == NULL) {
            goto failed;
        }

        selector->nothing = (selector->filter == NULL);
    }

    if (cln) {
        cln->handler = ngx_http_notify_selector_cleanup;
        cln->data = selector;
    }

    return selector;

failed:

    ngx_destroy_pool(doc->pool);

    return NULL;
}


static void
ngx_http_notify_selector_cleanup(void *data)
{
    ngx_http_notify_selector_destroy(data);
}


void
ngx_http_notify_selector_destroy(ngx_http_notify_selector_t *selector)
{
    ngx_destroy_pool(selector->doc->pool);
}


ngx_uint_t
ngx_http_notify_selector_test(const ngx_http_notify_selector_t *selector,
    const ngx_http_notify_event_t *event)
{
    return !selector->nothing
           && selector->doc->mode == NGX_HTTP_NOTIFY_MODE_WEBHOOK
           && ngx_http_notify_selector_match(selector->doc, selector->filter,
                                             event);
}


ngx_uint_t
ngx_http_notify_selector_match(const ngx_http_notify_subscription_t *doc,
    ngx_http_notify_filter_t *filter, const ngx_http_notify_event_t *event)
{
    if (doc->provider.len && event->session_id.len == 0) {
        return 0;
    }

    if (!doc->internal
        && !ngx_http_notify_text_equal(&doc->tenant, &event->tenant))
    {
        return 0;
    }

    if (!ngx_http_notify_selector_type(doc->events, doc->nevents,
                                       &event->type))
    {
        return 0;
    }

    if (doc->entity_type_id.len
        && !ngx_http_notify_text_equal(&doc->entity_type_id,
                                       &event->entity_type_id))
    {
        return 0;
    }

    return ngx_http_notify_selector_values(doc, filter, event);
}


ngx_uint_t
ngx_http_notify_selector_type(const ngx_str_t *events, ngx_uint_t nevents,
    const ngx_str_t *type)
{
    ngx_uint_t  i;

    for (i = 0; i < nevents; i++) {
        if (ngx_http_notify_selector_pattern(&events[i], type)) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_notify_selector_values(const ngx_http_notify_subscription_t *doc,
    ngx_http_notify_filter_t *filter, const ngx_http_notify_event_t *event)
{
    ngx_uint_t     i;
    ngx_keyval_t  *attribute;

    for (i = 0; i < doc->nattributes; i++) {

        attribute = ngx_http_notify_text_find(&doc->attributes[i].key,
                                              event->attributes,
                                              event->nattributes,
                                              sizeof(ngx_keyval_t));

        if (attribute == NULL
            || !ngx_http_notify_text_equal(&doc->attributes[i].value,
                                           &attribute->value))
        {
            return 0;
        }
    }

    return filter == NULL || ngx_http_notify_filter_match(filter, event);
}


static ngx_uint_t
ngx_http_notify_selector_pattern(const ngx_str_t *pattern,
    const ngx_str_t *type)
{
    size_t  len;

    len = pattern->len;

    if (len == 0 || pattern->data[len - 1] != '*') {
        return ngx_http_notify_text_equal(pattern, type);
    }

    /* "*" leaves out the operator's own events */

    if (len == 1) {
        return !ngx_http_notify_text_starts(type, "notify.");
    }

    return type->len >= len
           && ngx_memcmp(pattern->data, type->data, len - 1) == 0;
}
