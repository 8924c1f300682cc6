/*
 * Answers of FCM as they come; and as the data of a message, which is JSON
 * with texts only afterwards.
 */

#include "fuzz.h"
#include "ngx_http_notify_fcm.h"
#include "ngx_http_notify_json.h"


static void
fuzz_texts(ngx_pool_t *pool, const ngx_str_t *data)
{
    u_char                       *p;
    ngx_str_t                     body, value, name;
    ngx_http_notify_json_iter_t   it;
    ngx_http_notify_json_error_t  error;

    body.data = ngx_pnalloc(pool, sizeof("{\"message\":{\"data\":}}")
                                  + data->len);
    fuzz_check(body.data != NULL);

    p = ngx_cpymem(body.data, "{\"message\":{\"data\":",
                   sizeof("{\"message\":{\"data\":") - 1);
    p = ngx_cpymem(p, data->data, data->len);
    *p++ = '}';
    *p++ = '}';
    body.len = p - body.data;

    body = fuzz_copy(pool, body.data, body.len);

    fuzz_check(ngx_http_notify_fcm_body(pool, &body) == NGX_OK);
    fuzz_check(ngx_http_notify_json_scan(&body, &value, &error) == NGX_OK);

    ngx_http_notify_json_iter(&it, &value);
    fuzz_check(ngx_http_notify_json_next(&it, &name, &value) == NGX_OK);
    ngx_http_notify_json_iter(&it, &value);
    fuzz_check(ngx_http_notify_json_next(&it, &name, &value) == NGX_OK);
    fuzz_check(ngx_http_notify_json_kind(&value)
               == NGX_HTTP_NOTIFY_JSON_OBJECT);

    ngx_http_notify_json_iter(&it, &value);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {
        fuzz_check(ngx_http_notify_json_kind(&value)
                   == NGX_HTTP_NOTIFY_JSON_STRING);
    }
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_str_t                           value;
    ngx_http_notify_json_error_t        error;
    const ngx_http_notify_fcm_error_t  *found;

    found = ngx_http_notify_fcm_error(pool, 300 + 2 * choice, input);

    fuzz_check(found != NULL);
    fuzz_check(found->code.data[found->code.len] == '\0');

    if (ngx_http_notify_json_scan(input, &value, &error) == NGX_OK) {
        fuzz_texts(pool, &value);
    }
}
