/*
 * The trace of a request: traceparent and tracestate of W3C Trace Context,
 * judged and passed on.  Knows nothing of requests or events.
 * https://www.w3.org/TR/trace-context/
 */

#ifndef _NGX_HTTP_NOTIFY_TRACE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TRACE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* bytes of a traceparent of version 00 */
#define NGX_HTTP_NOTIFY_TRACE_PARENT  55
/* bytes of a tracestate, at most: the last members are left out over it */
#define NGX_HTTP_NOTIFY_TRACE_STATE   512


/*
 * As version 00 has it, in memory of the pool.  NGX_DECLINED: malformed, which
 * is as if there were none.
 */
ngx_int_t ngx_http_notify_trace_parent(ngx_pool_t *pool,
    const ngx_str_t *value, ngx_str_t *parent);
/* one header's, or several joined with commas: the slice of it that is kept;
 * NGX_DECLINED: malformed */
ngx_int_t ngx_http_notify_trace_state(const ngx_str_t *value,
    ngx_str_t *state);
/* Appends the two headers of a call, with a parent id of its own, to *lines;
 * memory of the pool. */
ngx_int_t ngx_http_notify_trace_lines(ngx_pool_t *pool,
    const ngx_str_t *parent, const ngx_str_t *state, ngx_str_t *lines);


#endif /* _NGX_HTTP_NOTIFY_TRACE_H_INCLUDED_ */
