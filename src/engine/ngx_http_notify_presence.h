/*
 * Whether the session that an event is for is connected: judged once, when the
 * event is dispatched.
 */

#ifndef _NGX_HTTP_NOTIFY_PRESENCE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PRESENCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


ngx_int_t ngx_http_notify_presence_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_presence_exit(ngx_http_notify_feed_t *feed);

/*
 * Of the event at the head of the queue, which has a session.  NGX_OK: it is
 * to be sent; NGX_DECLINED: it is not, for this subscriber; NGX_AGAIN: Redis is
 * asked, for all that is queued, and the subscriber will be pumped again.
 */
ngx_int_t ngx_http_notify_presence(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event);

/*
 * For events that are sent again, whose sessions were judged before: what the
 * sessions keep.  NGX_OK: it is known of all; NGX_AGAIN: Redis is asked, and
 * there will be work for the subscriber.
 */
ngx_int_t ngx_http_notify_presence_load(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t **events, ngx_uint_t n);


#endif /* _NGX_HTTP_NOTIFY_PRESENCE_H_INCLUDED_ */
