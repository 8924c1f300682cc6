/*
 * The second and later attempts: what a result means for an event, and the
 * events of the retry set when they are due.
 */

#ifndef _NGX_HTTP_NOTIFY_RETRY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_RETRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_delivery.h"


/*
 * Writes what comes of a failed attempt into the operations: tried again, or
 * given up.  retry_after in seconds or -1.
 */
void ngx_http_notify_retry_failed(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);

/* An event of the retry set, or of a redelivery, was delivered. */
void ngx_http_notify_retry_succeeded(ngx_http_notify_delivery_t *d);

/* The set may have some that are due by then. */
void ngx_http_notify_retry_expect(ngx_http_notify_subscriber_t *s,
    uint64_t due);
/* One more is in the set, and due. */
void ngx_http_notify_retry_added(ngx_http_notify_subscriber_t *s);
/* The set is not what it was: what was read of it is, again. */
void ngx_http_notify_retry_again(ngx_http_notify_subscriber_t *s);

/*
 * Asks Redis for what is due, some of it, to be started when it has its turn;
 * or for the one that waits longest, when the breaker wants a probe; or sets a
 * timer for the next one.
 */
void ngx_http_notify_retry_look(ngx_http_notify_subscriber_t *s);

/* the next one of those to start; the event's reference is not the caller's */
typedef struct {
    ngx_http_notify_event_t  *event;
    ngx_uint_t                attempt;
    uint64_t                  first;
    ngx_uint_t                line;         /* as it stands there */
    ngx_uint_t                probe;
} ngx_http_notify_retry_t;

/* NGX_DECLINED: there is none, or none can be started now */
ngx_int_t ngx_http_notify_retry_next(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_retry_t *next);

/* Whether it has some that are due. */
ngx_uint_t ngx_http_notify_retry_due(ngx_http_notify_subscriber_t *s);
/* That one is under way, or settled. */
void ngx_http_notify_retry_forget(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);
void ngx_http_notify_retry_free(ngx_http_notify_subscriber_t *s);

#endif /* _NGX_HTTP_NOTIFY_RETRY_H_INCLUDED_ */
