/*
 * The first attempts of a subscriber that hold its cursor, and how the cursor
 * passes those that take long.
 */

#ifndef _NGX_HTTP_NOTIFY_WINDOW_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_WINDOW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_delivery.h"


void ngx_http_notify_window_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_window_exit(ngx_http_notify_feed_t *feed);

/* What the subscriber would lose with this worker: the id up to which all is
 * settled. */
ngx_http_notify_id_t ngx_http_notify_window_cursor(
    ngx_http_notify_subscriber_t *s);

/* Whether it, and all before it, was taken from the log. */
ngx_uint_t ngx_http_notify_window_passed(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);

/* A first attempt; its event is the last one so far. */
void ngx_http_notify_window_add(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_delivery_t *d);
/* It is called: the cursor passes it when that takes long. */
void ngx_http_notify_window_watch(ngx_http_notify_delivery_t *d);
/* An event waits in the retry set for others of its line: the cursor passes it.
 * NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_window_line_up(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line);
/* An event waits for those of its line that are under way, see order_parks();
 * its reference is taken over.  NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_window_park(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t line);
/* The next one whose turn it is; NULL: there is none. */
ngx_http_notify_delivery_t *ngx_http_notify_window_parked(
    ngx_http_notify_subscriber_t *s);
/* A call of it has been started. */
void ngx_http_notify_window_start(ngx_http_notify_delivery_t *d);
/* It waits in the retry set from now on; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_window_unpark(ngx_http_notify_delivery_t *d);
/* An attempt is done: it goes, a first one when it is at the head. */
void ngx_http_notify_window_settle(ngx_http_notify_delivery_t *d);


#endif /* _NGX_HTTP_NOTIFY_WINDOW_H_INCLUDED_ */
