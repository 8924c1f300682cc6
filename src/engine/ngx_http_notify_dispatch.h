/*
 * Which calls to make now, and what their results mean: queues, limits, holds.
 * Knows nothing of how the log is read or how a commit is written.
 */

#ifndef _NGX_HTTP_NOTIFY_DISPATCH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DISPATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


ngx_int_t ngx_http_notify_dispatch_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_dispatch_exit(ngx_http_notify_feed_t *feed);

/* Starts what may be started of the queue. */
void ngx_http_notify_dispatch_pump(ngx_http_notify_subscriber_t *s);
/* The same, after what is due of its retry set. */
void ngx_http_notify_dispatch_work(ngx_http_notify_subscriber_t *s);
/* The same for all that wait for room, or for a renewed lease. */
void ngx_http_notify_dispatch_resume(ngx_http_notify_feed_t *feed);

/*
 * Starts an event that is in the retry set (`retry`), or of a redelivery.
 * Takes its own reference.  NGX_AGAIN: no room now.
 */
ngx_int_t ngx_http_notify_dispatch_start(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t attempt, uint64_t first,
    ngx_uint_t retry, ngx_uint_t probe);

/*
 * May this subscriber be called now, apart from room and rate?  NGX_OK,
 * NGX_DONE: as the probe of its breaker; NGX_DECLINED: it is held (a timer is
 * set where time will end it).
 */
ngx_int_t ngx_http_notify_dispatch_held(ngx_http_notify_subscriber_t *s);

/* It waits for room, or for memory. */
void ngx_http_notify_dispatch_wait(ngx_http_notify_subscriber_t *s);
/* It waits for calls of its tenant to end. */
void ngx_http_notify_dispatch_wait_share(ngx_http_notify_subscriber_t *s);
/* of feed->resume */
void ngx_http_notify_dispatch_wait_handler(ngx_event_t *ev);

/* It waits for room, or for what another one reads: resume goes on with it. */
void ngx_http_notify_dispatch_line_up(ngx_http_notify_subscriber_t *s);

/* It waits no more. */
void ngx_http_notify_dispatch_leave(ngx_http_notify_subscriber_t *s);

/* Wakes the subscriber in so many milliseconds, or sooner. */
void ngx_http_notify_dispatch_wake(ngx_http_notify_subscriber_t *s,
    uint64_t delay);

/* Calls under way that belong to nobody any more. */
void ngx_http_notify_dispatch_discard(ngx_http_notify_subscriber_t *s);
/* Ends these at once; how many there were. */
ngx_uint_t ngx_http_notify_dispatch_cut(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_DISPATCH_H_INCLUDED_ */
