/*
 * What a stored subscription selects.  Lives in the pool of its document.  Must
 * not know cursors, leases or deliveries.
 */

#include "ngx_http_notify_selection.h"
#include "ngx_http_notify_match.h"


/* the subscriber has a document and a filter and takes part in nothing */

struct ngx_http_notify_selection_s {
    ngx_http_notify_subscriber_t  subscriber;
    unsigned                      nothing:1;    /* its filter is not one */
};


ngx_http_notify_selection_t *
ngx_http_notify_selection_create(const ngx_str_t *text, ngx_log_t *log)
{
    ngx_str_t                        pointer;
    const char                      *reason;
    ngx_http_notify_selection_t     *selection;
    ngx_http_notify_subscription_t  *doc;

    doc = ngx_http_notify_subscriptions_parse(NULL, text, log);
    if (doc == NULL) {
        return NULL;
    }

    selection = ngx_pcalloc(doc->pool, sizeof(ngx_http_notify_selection_t));
    if (selection == NULL) {
        goto failed;
    }

    selection->subscriber.doc = doc;

    if (doc->filter.len) {
        selection->subscriber.filter = ngx_http_notify_filter_compile(
                                           doc->pool, &doc->filter, &reason,
                                           &pointer);

        if (selection->subscriber.filter == NULL) {
            if (reason == NULL) {
                goto failed;
            }

            selection->nothing = 1;
        }
    }

    return selection;

failed:

    ngx_destroy_pool(doc->pool);

    return NULL;
}


void
ngx_http_notify_selection_destroy(ngx_http_notify_selection_t *selection)
{
    ngx_destroy_pool(selection->subscriber.doc->pool);
}


const ngx_http_notify_subscription_t *
ngx_http_notify_selection_document(
    const ngx_http_notify_selection_t *selection)
{
    return selection->subscriber.doc;
}


ngx_uint_t
ngx_http_notify_selection_test(ngx_http_notify_selection_t *selection,
    const ngx_http_notify_event_t *event)
{
    if (selection->nothing
        || selection->subscriber.doc->mode != NGX_HTTP_NOTIFY_MODE_WEBHOOK)
    {
        return 0;
    }

    return ngx_http_notify_match_test(&selection->subscriber, event);
}
