/*
 * A redelivery: an interval of the log delivered to one subscriber again, or
 * what it missed of it.  A place in the log and no list, so a million events
 * cost one key.
 */

#ifndef _NGX_HTTP_NOTIFY_REDELIVER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REDELIVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* Reads what was asked for, in replay:<id>, and begins. */
void ngx_http_notify_redeliver_load(ngx_http_notify_subscriber_t *s);

/*
 * The next event to start.  NGX_DECLINED: there is no redelivery, or nothing
 * of it to start now.  The reference stays with the page.
 */
ngx_int_t ngx_http_notify_redeliver_next(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t **event, ngx_uint_t *probe);
/* That event is under way, or settled. */
void ngx_http_notify_redeliver_started(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_REDELIVER_H_INCLUDED_ */
