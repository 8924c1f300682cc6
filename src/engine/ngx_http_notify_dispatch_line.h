/*
 * `order key=`: whether an event may start, or waits in the retry set for
 * others of its line.
 */

#ifndef _NGX_HTTP_NOTIFY_DISPATCH_LINE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DISPATCH_LINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_retry.h"


/*
 * All of these: NGX_OK, and its line, 0 where it has none; NGX_AGAIN: not now,
 * the subscriber will be ready.
 */

/* of the queue; NGX_DECLINED: it has been put into the retry set; NGX_DONE: it
 * is parked, with the reference to it */
ngx_int_t ngx_http_notify_dispatch_line(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t *line);
/* of a redelivery; NGX_DECLINED: it goes by the retry set, so that none before
 * it is lost with the worker; or it has yet to come from the log, for which a
 * full retry set would wait for ever */
ngx_int_t ngx_http_notify_dispatch_line_redelivery(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_event_t *event,
    ngx_uint_t *line);
/* what is due; NGX_DECLINED: it is not its turn, and will be fetched again */
ngx_int_t ngx_http_notify_dispatch_line_retry(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_retry_t *next, ngx_uint_t *line);


#endif /* _NGX_HTTP_NOTIFY_DISPATCH_LINE_H_INCLUDED_ */
