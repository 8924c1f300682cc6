/*
 * The trace that a request belongs to, given to an event that is made of it.
 */

#ifndef _NGX_HTTP_NOTIFY_REQUEST_TRACE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REQUEST_TRACE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_log.h"


/* Its traceparent and tracestate, of the pool or the request; what is
 * malformed, or twice, is left out.  NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_request_trace(ngx_http_request_t *r,
    ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_REQUEST_TRACE_H_INCLUDED_ */
