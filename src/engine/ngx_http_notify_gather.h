/*
 * `batch`: the events that one call of a subscriber carries.  They are put
 * together within one dispatch, at the end of which the call is started.
 */

#ifndef _NGX_HTTP_NOTIFY_GATHER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_GATHER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_delivery.h"


/* Whether its queue waits for more events; the subscriber is ready then. */
ngx_uint_t ngx_http_notify_gather_waits(ngx_http_notify_subscriber_t *s);

/*
 * The delivery goes with the next call.  NGX_DECLINED: it did not fit, what
 * was there is started; NGX_ERROR: memory.  The subscriber is ready then.
 */
ngx_int_t ngx_http_notify_gather_add(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_delivery_t *d);

/* Starts the call, if there is anything.  Where that fails all of it has
 * failed. */
void ngx_http_notify_gather_start(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_GATHER_H_INCLUDED_ */
