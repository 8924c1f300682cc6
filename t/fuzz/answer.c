/*
 * A receiver's answer: the verdict does not depend on how the bytes were cut,
 * and nothing passes the limits.
 */

#include "fuzz.h"
#include "ngx_http_notify_http_response.h"


/* bytes came behind an answer that was whole: not seen by this cut of them */
#define FUZZ_BEHIND  -77


static ngx_int_t
fuzz_parse(ngx_http_notify_http_response_t *a, ngx_pool_t *pool,
    ngx_str_t *input, ngx_uint_t mode, size_t limit)
{
    size_t      n, left;
    u_char     *p;
    uint32_t    seed;
    ngx_str_t   part;
    ngx_int_t   rc;

    ngx_http_notify_http_response_init(a, pool, limit, 1024);

    rc = NGX_AGAIN;
    seed = mode;
    p = input->data;
    left = input->len;

    while (left) {
        seed = seed * 1103515245 + 12345;

        switch (mode) {
        case 0:
            n = left;
            break;
        case 1:
            n = 1;
            break;
        default:
            n = 1 + (seed >> 16) % 40;
        }

        n = ngx_min(n, left);

        part = fuzz_copy(pool, p, n);
        rc = ngx_http_notify_http_response_parse(a, part.data, part.data + n);
        ngx_pfree(pool, part.data);

        p += n;
        left -= n;

        if (rc != NGX_AGAIN) {
            break;
        }
    }

    if (rc == NGX_AGAIN && ngx_http_notify_http_response_eof(a) == NGX_OK) {
        rc = NGX_DONE;
    }

    return (rc == NGX_OK && left && !a->truncated && !a->bodiless)
           ? FUZZ_BEHIND : rc;
}


static void
fuzz_answer(ngx_http_notify_http_response_t *a, ngx_int_t rc, size_t limit)
{
    fuzz_check(a->status >= 200 && a->status <= 599);
    fuzz_check(a->body.len <= limit);
    fuzz_check(!(a->truncated && a->keepalive));
    fuzz_check(!(rc == NGX_DONE && a->keepalive));
    fuzz_check(a->retry_after.len <= NGX_HTTP_NOTIFY_HTTP_RESPONSE_VALUE);
    fuzz_check(a->content_type.len <= NGX_HTTP_NOTIFY_HTTP_RESPONSE_VALUE);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    size_t                     limit;
    ngx_int_t                  rc, rc2;
    ngx_uint_t                 mode;
    ngx_http_notify_http_response_t  a, b;

    limit = choice % 64 ? choice : 16384;

    rc = fuzz_parse(&a, pool, input, 0, limit);

    if (rc == NGX_OK || rc == NGX_DONE) {
        fuzz_answer(&a, rc, limit);
    }

    fuzz_check(rc != NGX_ERROR || a.error != NULL);

    for (mode = 1; mode < 4; mode++) {

        rc2 = fuzz_parse(&b, pool, input, mode, limit);

        if (rc2 == FUZZ_BEHIND) {
            fuzz_check(rc == NGX_ERROR
                       && ngx_strcmp(a.error, "bytes after the end") == 0);
            continue;
        }

        fuzz_check(rc == rc2);

        if (rc == NGX_ERROR) {
            fuzz_check(ngx_strcmp(a.error, b.error) == 0);

        } else if (rc != NGX_AGAIN) {
            fuzz_check(a.status == b.status);
            fuzz_check(a.keepalive == b.keepalive || a.bodiless);
            fuzz_check(a.truncated == b.truncated);
            fuzz_check(fuzz_same(&a.body, &b.body));
            fuzz_check(fuzz_same(&a.retry_after, &b.retry_after));
            fuzz_check(fuzz_same(&a.content_type, &b.content_type));
        }
    }
}
