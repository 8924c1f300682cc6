/*
 * The events that a subscriber has been given and that have not been started.
 */

#ifndef _NGX_HTTP_NOTIFY_QUEUE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_QUEUE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/*
 * An event that the subscriber wants, in the order of the log.  Keeps a
 * reference or, when the queue is full, leaves the event to be read later.
 */
void ngx_http_notify_queue_put(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event);

/* The first one, with the reference to it; the queue must not be empty. */
ngx_http_notify_event_t *ngx_http_notify_queue_pop(
    ngx_http_notify_subscriber_t *s);

/* Forgets the queue: what was in it will be read from the log again. */
void ngx_http_notify_queue_clear(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_QUEUE_H_INCLUDED_ */
