/*
 * What a subscription selects: its document, its filter compiled, and the test
 * of one event.  Knows neither subscribers nor readers of the log.
 */

#ifndef _NGX_HTTP_NOTIFY_SELECTOR_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SELECTOR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_subscriptions.h"


/* in the pool of its document */
typedef struct {
    ngx_http_notify_subscription_t  *doc;
    ngx_http_notify_filter_t        *filter;    /* NULL: none */
    ngx_uint_t                       nothing;   /* unsigned  nothing:1; its
                                                   filter cannot be used */
} ngx_http_notify_selector_t;


/*
 * From a stored subscription, "<version> <json>".  The cleanup, unless NULL,
 * destroys it.  NULL: no memory, or the text is not a subscription.
 */
ngx_http_notify_selector_t *ngx_http_notify_selector_create(
    const ngx_str_t *text, ngx_pool_cleanup_t *cln, ngx_log_t *log);
void ngx_http_notify_selector_destroy(ngx_http_notify_selector_t *selector);

/* Nothing in the log is for a sync or iframe subscription. */
ngx_uint_t ngx_http_notify_selector_test(
    const ngx_http_notify_selector_t *selector,
    const ngx_http_notify_event_t *event);

/* the test for a webhook: tenant, event pattern, entity type, the rest */
ngx_uint_t ngx_http_notify_selector_match(
    const ngx_http_notify_subscription_t *doc,
    ngx_http_notify_filter_t *filter, const ngx_http_notify_event_t *event);
/* whether a type is one of these names, "document.*" and "*" */
ngx_uint_t ngx_http_notify_selector_type(const ngx_str_t *events,
    ngx_uint_t nevents, const ngx_str_t *type);
/* the rest: attributes and the filter, which may be NULL */
ngx_uint_t ngx_http_notify_selector_values(
    const ngx_http_notify_subscription_t *doc,
    ngx_http_notify_filter_t *filter, const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_SELECTOR_H_INCLUDED_ */
