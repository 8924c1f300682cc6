/*
 * The engine disables a subscription in Redis.
 */

#ifndef _NGX_HTTP_NOTIFY_DISABLE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DISABLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* With a reason ("gone", "failing", "filter"); it comes back by the change
 * log. */
void ngx_http_notify_disable(ngx_http_notify_subscriber_t *s,
    const char *reason);


#endif /* _NGX_HTTP_NOTIFY_DISABLE_H_INCLUDED_ */
