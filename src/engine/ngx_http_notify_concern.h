/*
 * Whether an event concerns a subscription: the engine's own test, for those
 * who have a document and neither an index nor a subscriber.
 */

#ifndef _NGX_HTTP_NOTIFY_CONCERN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CONCERN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_subscriptions.h"


typedef struct {
    ngx_http_notify_subscription_t  *subscription;
    ngx_http_notify_filter_t        *filter;    /* in its pool, or NULL */
    ngx_uint_t                       unusable;  /* its filter is none */
} ngx_http_notify_concern_t;


/* from "<version> <json>", freed with the pool; NGX_ERROR: memory, or not a
 * document of ours */
ngx_int_t ngx_http_notify_concern_parse(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_http_notify_concern_t *concern);
/* only webhooks have deliveries */
ngx_uint_t ngx_http_notify_concern_test(
    const ngx_http_notify_concern_t *concern,
    const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_CONCERN_H_INCLUDED_ */
