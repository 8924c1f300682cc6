/*
 * Which subscribers run next.  A change that may let a subscriber start calls
 * says so here; the feed's turn works through the queue, from its head.  A
 * subscriber is in one queue at most: of the feed, or of its tenant's share.
 */

#ifndef _NGX_HTTP_NOTIFY_RUN_QUEUE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_RUN_QUEUE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* It may have something to start: it runs in this iteration. */
void ngx_http_notify_run_queue_ready(ngx_http_notify_subscriber_t *s);
/* Nothing of it is open in Redis or under way: the turn lets it go. */
void ngx_http_notify_run_queue_finish(ngx_http_notify_subscriber_t *s);

/* It runs with the next turn, whatever causes that. */
void ngx_http_notify_run_queue_wait(ngx_http_notify_subscriber_t *s);
/* It waits for room in the worker, or for memory. */
void ngx_http_notify_run_queue_wait_room(ngx_http_notify_subscriber_t *s);
/* It waits for calls of its tenant to end. */
void ngx_http_notify_run_queue_wait_share(ngx_http_notify_subscriber_t *s);
/* It is ready in so many milliseconds, or sooner. */
void ngx_http_notify_run_queue_wait_time(ngx_http_notify_subscriber_t *s,
    uint64_t delay);

/* It waits no longer in any queue. */
void ngx_http_notify_run_queue_leave(ngx_http_notify_subscriber_t *s);
/* Nor for a time. */
void ngx_http_notify_run_queue_cancel(ngx_http_notify_subscriber_t *s);

/*
 * A pass runs each that waits once: begin, then next until NULL, then end,
 * which puts back those that have not run.  There is a next one while there is
 * room for calls in the worker.
 */
void ngx_http_notify_run_queue_begin(ngx_http_notify_feed_t *feed);
ngx_http_notify_subscriber_t *ngx_http_notify_run_queue_next(
    ngx_http_notify_feed_t *feed);
void ngx_http_notify_run_queue_end(ngx_http_notify_feed_t *feed);

/* the next that has finished; NULL: there is none */
ngx_http_notify_subscriber_t *ngx_http_notify_run_queue_finished(
    ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_RUN_QUEUE_H_INCLUDED_ */
