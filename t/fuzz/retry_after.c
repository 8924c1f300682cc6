/*
 * Retry-After: whatever a receiver wrote is no, or a pause of at most a day.
 */

#include "fuzz.h"
#include "ngx_http_notify_backoff.h"


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    size_t      i;
    time_t      seconds;
    ngx_int_t   rc;
    uint64_t    n;

    rc = ngx_http_notify_backoff_retry_after(input,
                                             FUZZ_TIME + (time_t) choice,
                                             &seconds);

    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        fuzz_check(seconds >= 0);
        fuzz_check(seconds <= NGX_HTTP_NOTIFY_BACKOFF_RETRY_AFTER);
    }

    /* digits are seconds */

    n = 0;

    for (i = 0; i < input->len; i++) {
        if (input->data[i] < '0' || input->data[i] > '9') {
            return;
        }

        n = ngx_min(n * 10 + input->data[i] - '0',
                    NGX_HTTP_NOTIFY_BACKOFF_RETRY_AFTER);
    }

    if (input->len) {
        fuzz_check(rc == NGX_OK && (uint64_t) seconds == n);
    }
}
