/*
 * Whether a subscriber may be called now: what its owner or its endpoint has
 * asked for, and its circuit breaker.  Room and rate are the dispatch's.
 */

#ifndef _NGX_HTTP_NOTIFY_GATE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_GATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


typedef enum {
    NGX_HTTP_NOTIFY_GATE_OPEN = 0,
    NGX_HTTP_NOTIFY_GATE_PROBE,         /* one call, as the breaker's probe */
    NGX_HTTP_NOTIFY_GATE_SHUT           /* where time will open it, the
                                           subscriber is ready by then */
} ngx_http_notify_gate_e;


/* puts what was dropped on record, once the breaker lets calls pass again */
ngx_http_notify_gate_e ngx_http_notify_gate(ngx_http_notify_subscriber_t *s);

/* Its endpoint is left alone until then, epoch ms; 0: no longer. */
void ngx_http_notify_gate_pause(ngx_http_notify_subscriber_t *s,
    uint64_t until);
/* The same, by the breaker, which a worker before this one has opened. */
void ngx_http_notify_gate_open_breaker(ngx_http_notify_subscriber_t *s,
    uint64_t until);
/* It is another endpoint: the pause and the breaker of the former are void. */
void ngx_http_notify_gate_reset(ngx_http_notify_subscriber_t *s);

/* Whether first attempts are dropped: the breaker is open, retry is off. */
ngx_uint_t ngx_http_notify_gate_drops(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_GATE_H_INCLUDED_ */
