/*
 * When to try again: a schedule of steps with jitter and an end, and what a
 * Retry-After header asks for.  Pure arithmetic, no timers.
 */

#ifndef _NGX_HTTP_NOTIFY_BACKOFF_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BACKOFF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_BACKOFF_STEPS        32
#define NGX_HTTP_NOTIFY_BACKOFF_RETRY_AFTER  86400   /* seconds, the clamp */


typedef struct {
    ngx_uint_t   nsteps;        /* 0: no retry */
    ngx_uint_t   jitter;        /* per cent, 0 to 100 */
    uint64_t     until;         /* milliseconds from the first; 0: none */
    uint64_t     steps[NGX_HTTP_NOTIFY_BACKOFF_STEPS];   /* milliseconds */
} ngx_http_notify_backoff_t;


/*
 * Milliseconds from now to the attempt that follows `attempts` failed ones
 * (>= 1), the first of which was made at first_ms.  NGX_DONE: no more: the
 * steps are used up (without until), or the next attempt would come later
 * than first_ms + until (with it the last step repeats).  Jitter is random
 * and symmetric: step * (1 ± jitter/100).
 */
ngx_int_t ngx_http_notify_backoff_next(const ngx_http_notify_backoff_t *backoff,
    ngx_uint_t attempts, uint64_t first_ms, uint64_t now_ms, uint64_t *delay);

/*
 * RFC 9110, 10.2.3: delay seconds or an HTTP date, clamped to 0 ... 24 h;
 * NGX_DECLINED: neither.
 */
ngx_int_t ngx_http_notify_backoff_retry_after(const ngx_str_t *value,
    time_t now, time_t *seconds);


#endif /* _NGX_HTTP_NOTIFY_BACKOFF_H_INCLUDED_ */
