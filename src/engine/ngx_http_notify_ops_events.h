/*
 * operator_events: what an operator should know of deliveries, as events of
 * the channel itself.  None is caused by another; none waits for Redis.
 */

#ifndef _NGX_HTTP_NOTIFY_OPS_EVENTS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OPS_EVENTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_delivery.h"



/*
 * notify.subscription.disabled by the engine; cause: the event whose delivery
 * led to it, or NULL
 */
void ngx_http_notify_ops_events_disabled(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *cause, const char *reason);
/*
 * notify.subscription.failing: so many percent of disable_after have passed
 * since its last success; once for each such number and time
 */
void ngx_http_notify_ops_events_failing(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *cause, ngx_uint_t percent);
/* notify.subscription.recovered: its breaker has closed */
void ngx_http_notify_ops_events_recovered(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *cause);
/* notify.delivery.given_up */
void ngx_http_notify_ops_events_given_up(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result, const char *reason);
/*
 * notify.subscription.overtaken by retention: what came after `from` and
 * before `to` is gone.  Counted, logged and written down as a gap, too, once
 * Redis has said that there was anything.
 */
void ngx_http_notify_ops_events_overtaken(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to);


#endif /* _NGX_HTTP_NOTIFY_OPS_EVENTS_H_INCLUDED_ */
