/*
 * Identifiers that clients hand back: places in the log, event ids, cursors,
 * dates.  What is taken has one way to be written, and cursors are ours.
 */

#include "fuzz.h"
#include "ngx_http_notify_id.h"


static void
fuzz_cursor(ngx_pool_t *pool, ngx_str_t *input)
{
    size_t                          i;
    u_char                          buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN];
    ngx_int_t                       rc;
    ngx_str_t                       secret, tenant, text;
    ngx_http_notify_id_t            id, again;
    ngx_http_notify_crypto_hmac_t  *key;

    ngx_str_set(&secret, "0123456789abcdef0123456789abcdef");
    key = ngx_http_notify_crypto_hmac_create(pool,
                                             NGX_HTTP_NOTIFY_CRYPTO_SHA256,
                                             &secret);
    fuzz_check(key != NULL);

    tenant = fuzz_cut(pool, input, ' ');

    /* what a client invents is taken only if it is what we would have said */

    rc = ngx_http_notify_id_cursor_parse(input, &tenant, key, &id);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        text.data = buf;
        text.len = ngx_http_notify_id_cursor(buf, &id, &tenant, key) - buf;
        fuzz_check(fuzz_same(&text, input));
    }

    if (input->len < sizeof(id)) {
        return;
    }

    /* a true one, and one with a character changed */

    ngx_memcpy(&id, input->data, sizeof(id));

    text.data = buf;
    text.len = ngx_http_notify_id_cursor(buf, &id, &tenant, key) - buf;
    fuzz_check(text.len <= NGX_HTTP_NOTIFY_ID_CURSOR_LEN);

    text = fuzz_copy(pool, buf, text.len);

    fuzz_check(ngx_http_notify_id_cursor_parse(&text, &tenant, key, &again)
               == NGX_OK);
    fuzz_check(ngx_http_notify_id_compare(&id, &again) == 0);

    for (i = sizeof(id); i + 1 < input->len; i += 2) {
        text.data[input->data[i] % text.len] ^= input->data[i + 1];
    }

    if (ngx_memcmp(text.data, buf, text.len) != 0) {
        fuzz_check(ngx_http_notify_id_cursor_parse(&text, &tenant, key, &again)
                   == NGX_DECLINED);
    }
}


static void
fuzz_time(ngx_pool_t *pool, ngx_str_t *input)
{
    u_char     buf[NGX_HTTP_NOTIFY_ID_TIME_LEN];
    uint64_t   ms, again;
    ngx_int_t  rc;
    ngx_str_t  text;

    rc = ngx_http_notify_id_time_parse(input, &ms);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        ngx_http_notify_id_time(buf, ms);
        text = fuzz_copy(pool, buf, NGX_HTTP_NOTIFY_ID_TIME_LEN);

        fuzz_check(ngx_http_notify_id_time_parse(&text, &again) == NGX_OK);
        fuzz_check(again == ms);
    }
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    u_char                buf[64];
    ngx_int_t             rc;
    ngx_str_t             text;
    ngx_http_notify_id_t  id, next;

    text.data = buf;

    switch (choice % 4) {

    case 0:
        fuzz_cursor(pool, input);
        return;

    case 1:
        fuzz_time(pool, input);
        return;

    case 2:
        rc = ngx_http_notify_id_event_parse(input, &id);

        if (rc == NGX_OK) {
            text.len = ngx_http_notify_id_event(buf, &id) - buf;
            fuzz_check(text.len <= NGX_HTTP_NOTIFY_ID_EVENT_LEN);
            fuzz_check(fuzz_same(&text, input));
        }

        break;

    default:
        rc = ngx_http_notify_id_parse(input, &id);

        if (rc == NGX_OK) {
            text.len = ngx_http_notify_id_print(buf, &id) - buf;
            fuzz_check(text.len <= NGX_HTTP_NOTIFY_ID_LEN);

            if (ngx_strlchr(input->data, input->data + input->len, '-')) {
                fuzz_check(fuzz_same(&text, input));

            } else {
                fuzz_check(id.seq == 0);
                text.len -= 2;
                fuzz_check(fuzz_same(&text, input));
            }
        }
    }

    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        next = ngx_http_notify_id_after(&id);

        if (ngx_http_notify_id_compare(&next, &id) > 0) {
            next = ngx_http_notify_id_before(&next);
            fuzz_check(ngx_http_notify_id_compare(&next, &id) == 0);
        }
    }
}
