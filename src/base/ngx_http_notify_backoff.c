/*
 * The schedule of retries: pure arithmetic on what the caller keeps.
 * Must not know what is tried, nor set a timer.
 */

#include "ngx_http_notify_backoff.h"


/* a step, made shorter or longer at random by its jitter at most */

static uint64_t
ngx_http_notify_backoff_jitter(uint64_t step, ngx_uint_t jitter)
{
    uint64_t  range, noise;

    jitter = ngx_min(jitter, 100);

    range = step / 100 * jitter + step % 100 * jitter / 100;

    if (range == 0 || range > (uint64_t) INT64_MAX / 2) {
        return step;
    }

    /* ngx_random() has 31 bits */

    noise = (uint64_t) ngx_random() << 31 ^ (uint64_t) ngx_random();

    return step - range + noise % (2 * range + 1);
}


ngx_int_t
ngx_http_notify_backoff_next(const ngx_http_notify_backoff_t *backoff,
    ngx_uint_t attempts, uint64_t first_ms, uint64_t now_ms, uint64_t *delay)
{
    uint64_t    elapsed, next;
    ngx_uint_t  i;

    if (backoff->nsteps == 0) {
        return NGX_DONE;
    }

    i = attempts ? attempts - 1 : 0;

    if (i >= backoff->nsteps) {
        if (backoff->until == 0) {
            return NGX_DONE;
        }

        i = backoff->nsteps - 1;
    }

    next = ngx_http_notify_backoff_jitter(backoff->steps[i], backoff->jitter);

    if (backoff->until) {

        /* the wall clock may have been set back */

        elapsed = (now_ms > first_ms) ? now_ms - first_ms : 0;

        if (elapsed > backoff->until || next > backoff->until - elapsed) {
            return NGX_DONE;
        }
    }

    *delay = next;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_backoff_retry_after(const ngx_str_t *value, time_t now,
    time_t *seconds)
{
    u_char  *p, *last;
    time_t   date, n;

    p = value->data;
    last = p + value->len;

    for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
        n = ngx_min(n * 10 + (*p - '0'), NGX_HTTP_NOTIFY_BACKOFF_RETRY_AFTER);
    }

    if (p == last) {
        *seconds = n;
        return value->len ? NGX_OK : NGX_DECLINED;
    }

    date = ngx_parse_http_time(value->data, value->len);
    if (date == NGX_ERROR) {
        return NGX_DECLINED;
    }

    n = (date > now) ? date - now : 0;
    *seconds = ngx_min(n, NGX_HTTP_NOTIFY_BACKOFF_RETRY_AFTER);

    return NGX_OK;
}
