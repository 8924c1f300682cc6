/*
 * What an iframe subscriber is given instead of a call: its URL with the
 * entity's parameters and a token that its `notify_verify jwt` accepts.
 */

#ifndef _NGX_HTTP_NOTIFY_IFRAME_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_IFRAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_subscriptions.h"


#define NGX_HTTP_NOTIFY_IFRAME_TTL  300     /* seconds, of a token */


/*
 * {"mode":"iframe","url":"..."}, pool memory.  The token is HS256 with the
 * text of the subscription's current secret.  NGX_DECLINED: it has none.
 */
ngx_int_t ngx_http_notify_iframe(ngx_pool_t *pool,
    const ngx_http_notify_subscription_t *subscription,
    const ngx_http_notify_event_t *event, ngx_str_t *data);


#endif /* _NGX_HTTP_NOTIFY_IFRAME_H_INCLUDED_ */
