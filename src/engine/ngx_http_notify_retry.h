/*
 * The second and later attempts: what a result means for an event, and the
 * events of the retry set when they are due.
 */

#ifndef _NGX_HTTP_NOTIFY_RETRY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_RETRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/*
 * Writes what comes of a failed attempt into the operations: tried again, or
 * given up.  retry_after in seconds or -1.
 */
ngx_int_t ngx_http_notify_retry_failed(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);

/* Asks Redis for what is due now and starts it; a probe asks for the oldest. */
void ngx_http_notify_retry_fetch(ngx_http_notify_subscriber_t *s,
    ngx_uint_t probe);

/* Starts what was fetched and waited for what its sessions keep. */
void ngx_http_notify_retry_resume(ngx_http_notify_subscriber_t *s);
void ngx_http_notify_retry_free(ngx_http_notify_subscriber_t *s);

/* Disables the subscription in Redis with a reason ("gone", "profile"). */
void ngx_http_notify_retry_disable(ngx_http_notify_subscriber_t *s,
    const char *reason);


#endif /* _NGX_HTTP_NOTIFY_RETRY_H_INCLUDED_ */
