/*
 * Forms that clients send, and what subscribers answer to sync calls: fields
 * are found as they were written, the object that a form becomes is JSON, and
 * so is the normalised answer.
 */

#include "fuzz.h"
#include "ngx_http_notify_body.h"
#include "ngx_http_notify_ingest.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_sync_result.h"


static void
fuzz_form(ngx_pool_t *pool, ngx_str_t *input)
{
    u_char                     *p;
    ngx_int_t                   rc;
    ngx_str_t                   name, value, form;
    ngx_http_request_t          r;
    ngx_http_variable_value_t   v;

    ngx_memzero(&r, sizeof(ngx_http_request_t));
    r.pool = pool;

    name = fuzz_cut(pool, input, '\0');

    rc = ngx_http_notify_body_field(&r, input, &name, &value);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        fuzz_check(value.len <= input->len);
        fuzz_check(ngx_http_notify_body_value(&r, &v, &value) == NGX_OK);
        fuzz_check(v.valid && v.len == value.len);

        for (p = v.data; p < v.data + v.len; p++) {
            fuzz_check(*p >= 0x20 && *p != 0x7f);
        }
    }

    /* NAME=VALUE, all of it escaped, is found again */

    form.len = 2 + 3 * (name.len + input->len);
    form.data = ngx_pnalloc(pool, form.len);
    fuzz_check(form.data != NULL);

    p = (u_char *) ngx_escape_uri(form.data, name.data, name.len,
                                  NGX_ESCAPE_URI_COMPONENT);
    *p++ = '=';
    p = (u_char *) ngx_escape_uri(p, input->data, input->len,
                                  NGX_ESCAPE_URI_COMPONENT);
    form.len = p - form.data;
    form = fuzz_copy(pool, form.data, form.len);

    fuzz_check(ngx_http_notify_body_field(&r, &form, &name, &value)
               == NGX_OK);
    fuzz_check(fuzz_same(&value, input));
}


static void
fuzz_object(ngx_pool_t *pool, ngx_str_t *input)
{
    ngx_int_t                      rc;
    ngx_str_t                      text, scanned;
    ngx_http_notify_json_error_t   error;

    rc = ngx_http_notify_ingest_object(pool, input, &text);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        fuzz_check(ngx_http_notify_json_scan(&text, &scanned, &error)
                   == NGX_OK);
        fuzz_check(ngx_http_notify_json_unique(&scanned, NULL) == NGX_OK);
    }
}


static void
fuzz_response(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_str_t                       text, scanned;
    ngx_http_notify_sync_result_t   response;
    ngx_http_notify_json_error_t    error;
    ngx_http_notify_call_result_t   result;

    ngx_memzero(&result, sizeof(ngx_http_notify_call_result_t));
    result.status = (choice & 2) ? 200 : 201;
    result.body = *input;
    result.retry_after = -1;
    result.truncated = (choice & 4) ? 1 : 0;

    ngx_memzero(&response, sizeof(ngx_http_notify_sync_result_t));

    fuzz_check(ngx_http_notify_sync_result_make(pool, &result, &response)
               == NGX_OK);
    fuzz_check(response.level <= 50 && response.level % 10 == 0);
    fuzz_check(!response.success || response.level < 40);

    fuzz_check(ngx_http_notify_sync_result_text(pool, &response, &text)
               == NGX_OK);
    fuzz_check(ngx_http_notify_json_scan(&text, &scanned, &error) == NGX_OK);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    if (choice & 8) {
        fuzz_object(pool, input);

    } else if (choice & 1) {
        fuzz_form(pool, input);

    } else {
        fuzz_response(pool, choice, input);
    }
}
