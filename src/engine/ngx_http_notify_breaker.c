
/*
 * Pure state machine; the windows are measured by the monotonic clock, the end
 * of the cool-down by the epoch, since another worker may have to see to it.
 */

#include "ngx_http_notify_breaker.h"


static ngx_uint_t ngx_http_notify_breaker_ignored(
    const ngx_http_notify_breaker_conf_t *conf, ngx_uint_t status);


ngx_http_notify_breaker_change_e
ngx_http_notify_breaker_result(ngx_http_notify_breaker_t *b,
    const ngx_http_notify_breaker_conf_t *conf, ngx_uint_t success,
    ngx_uint_t status, ngx_uint_t probe, uint64_t now)
{
    ngx_uint_t  ignored;

    ignored = !success && ngx_http_notify_breaker_ignored(conf, status);

    if (conf->failures == 0) {

        /* off, perhaps since a change while it was open */

        success = 1;
    }

    if (success || (ignored && b->state == NGX_HTTP_NOTIFY_BREAKER_HALF)) {
        b->failures = 0;

        /* the answer of a call from before it opened closes it as well */

        if (b->state == NGX_HTTP_NOTIFY_BREAKER_CLOSED) {
            return NGX_HTTP_NOTIFY_BREAKER_STAYS;
        }

        b->state = NGX_HTTP_NOTIFY_BREAKER_CLOSED;
        b->until = 0;

        return NGX_HTTP_NOTIFY_BREAKER_CLOSES;
    }

    if (ignored) {
        return NGX_HTTP_NOTIFY_BREAKER_STAYS;
    }

    if (b->state == NGX_HTTP_NOTIFY_BREAKER_HALF) {
        if (!probe) {
            return NGX_HTTP_NOTIFY_BREAKER_STAYS;
        }

        b->state = NGX_HTTP_NOTIFY_BREAKER_OPEN;
        b->until = now + conf->cooldown;

        return NGX_HTTP_NOTIFY_BREAKER_OPENS;
    }

    if (b->state == NGX_HTTP_NOTIFY_BREAKER_OPEN) {
        return NGX_HTTP_NOTIFY_BREAKER_STAYS;
    }

    if (b->failures == 0
        || (ngx_msec_int_t) (ngx_current_msec - b->first)
           > (ngx_msec_int_t) conf->window)
    {
        b->failures = 0;
        b->first = ngx_current_msec;
    }

    if (++b->failures < conf->failures) {
        return NGX_HTTP_NOTIFY_BREAKER_STAYS;
    }

    b->failures = 0;
    b->state = NGX_HTTP_NOTIFY_BREAKER_OPEN;
    b->until = now + conf->cooldown;

    return NGX_HTTP_NOTIFY_BREAKER_OPENS;
}


ngx_http_notify_breaker_admission_e
ngx_http_notify_breaker_ask(ngx_http_notify_breaker_t *b, uint64_t now)
{
    switch (b->state) {

    case NGX_HTTP_NOTIFY_BREAKER_CLOSED:
        return NGX_HTTP_NOTIFY_BREAKER_ADMIT;

    case NGX_HTTP_NOTIFY_BREAKER_OPEN:
        if (now < b->until) {
            return NGX_HTTP_NOTIFY_BREAKER_REFUSE;
        }

        b->state = NGX_HTTP_NOTIFY_BREAKER_HALF;
        b->probing = 0;

        /* fall through */

    default: /* NGX_HTTP_NOTIFY_BREAKER_HALF */
        return b->probing ? NGX_HTTP_NOTIFY_BREAKER_REFUSE
                          : NGX_HTTP_NOTIFY_BREAKER_ADMIT_PROBE;
    }
}


void
ngx_http_notify_breaker_probe(ngx_http_notify_breaker_t *b, ngx_uint_t probing)
{
    b->probing = probing;
}


static ngx_uint_t
ngx_http_notify_breaker_ignored(const ngx_http_notify_breaker_conf_t *conf,
    ngx_uint_t status)
{
    ngx_uint_t  i, *codes;

    if (conf->ignore == NULL || status == 0) {
        return 0;
    }

    codes = conf->ignore->elts;

    for (i = 0; i < conf->ignore->nelts; i++) {
        if (codes[i] == status) {
            return 1;
        }
    }

    return 0;
}
