
/*
 * Asked before each call, and when a time has passed: only then is a gap
 * closed.
 */

#include "ngx_http_notify_gate.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_run_queue.h"


ngx_http_notify_gate_e
ngx_http_notify_gate(ngx_http_notify_subscriber_t *s)
{
    uint64_t                             now;
    ngx_http_notify_breaker_admission_e  admission;

    now = ngx_http_notify_feed_now();

    if (s->doc->paused_until > now) {

        /* a resume comes as a change */

        ngx_http_notify_run_queue_wait_time(s, s->doc->paused_until - now);
        return NGX_HTTP_NOTIFY_GATE_SHUT;
    }

    if (s->paused) {
        if (s->paused > now) {
            ngx_http_notify_run_queue_wait_time(s, s->paused - now);
            return NGX_HTTP_NOTIFY_GATE_SHUT;
        }

        s->paused = 0;
        ngx_http_notify_subscriber_touch(s);
    }

    admission = ngx_http_notify_breaker_ask(&s->breaker, now);

    if (admission == NGX_HTTP_NOTIFY_BREAKER_REFUSE) {
        if (s->breaker.state == NGX_HTTP_NOTIFY_BREAKER_OPEN) {
            ngx_http_notify_run_queue_wait_time(s, s->breaker.until - now);
        }

        return NGX_HTTP_NOTIFY_GATE_SHUT;
    }

    if (s->gap) {

        /* the cool-down is over: what was dropped in it is on record */

        (void) ngx_http_notify_operation_dropped(s);
        s->gap = 0;
        ngx_http_notify_subscriber_touch(s);
    }

    return (admission == NGX_HTTP_NOTIFY_BREAKER_ADMIT_PROBE)
           ? NGX_HTTP_NOTIFY_GATE_PROBE : NGX_HTTP_NOTIFY_GATE_OPEN;
}


void
ngx_http_notify_gate_pause(ngx_http_notify_subscriber_t *s, uint64_t until)
{
    s->paused = until;
}


void
ngx_http_notify_gate_open_breaker(ngx_http_notify_subscriber_t *s,
    uint64_t until)
{
    s->breaker.state = NGX_HTTP_NOTIFY_BREAKER_OPEN;
    s->breaker.until = until;
}


void
ngx_http_notify_gate_reset(ngx_http_notify_subscriber_t *s)
{
    ngx_memzero(&s->breaker, sizeof(ngx_http_notify_breaker_t));
    s->paused = 0;
}


ngx_uint_t
ngx_http_notify_gate_drops(ngx_http_notify_subscriber_t *s)
{
    return s->retry != NULL && s->retry->nsteps == 0
           && s->breaker.state == NGX_HTTP_NOTIFY_BREAKER_OPEN
           && s->doc->paused_until <= ngx_http_notify_feed_now()
           && ngx_http_notify_breaker_ask(&s->breaker,
                                          ngx_http_notify_feed_now())
              == NGX_HTTP_NOTIFY_BREAKER_REFUSE;
}
