/*
 * Lines of the error log about a subscriber: which channel, tenant and host.
 */

#ifndef _NGX_HTTP_NOTIFY_LINE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_context.h"
#include "ngx_http_notify_subscriber.h"


/* For one ngx_log_error(), which names the subscription and, by
 * ngx_http_notify_context_event(), the event.  Both may be NULL: the event
 * and the node that was called. */
ngx_log_t *ngx_http_notify_line(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_provider_node_t *node);


#endif /* _NGX_HTTP_NOTIFY_LINE_H_INCLUDED_ */
