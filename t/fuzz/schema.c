/*
 * JSON Schema: compiled or refused with a reason, and one verdict on a value,
 * however the value is written; what is not as it should be is told.
 */

#include "fuzz.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_schema.h"


static ngx_uint_t  fuzz_said;


static void
fuzz_say(void *data, const ngx_str_t *pointer, const char *reason)
{
    fuzz_check(pointer->len == 0 || pointer->data[0] == '/');
    fuzz_check(reason[0] != '\0');

    fuzz_said++;
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t                        rc;
    ngx_str_t                        text, value, other;
    ngx_http_notify_schema_t        *schema;
    ngx_http_notify_json_error_t     json;
    ngx_http_notify_schema_error_t   error;

    text = fuzz_cut(pool, input, '\0');

    error.reason[0] = '\0';

    schema = ngx_http_notify_schema_compile(pool, &text, &error);

    if (schema == NULL) {
        fuzz_check(error.reason[0] != '\0' && error.offset <= text.len);
        return;
    }

    if (ngx_http_notify_json_scan(input, &value, &json) != NGX_OK
        || ngx_http_notify_json_unique(&value, NULL) != NGX_OK)
    {
        return;
    }

    fuzz_said = 0;

    rc = ngx_http_notify_schema_check(schema, pool, &value, fuzz_say, NULL);

    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);
    fuzz_check((rc == NGX_OK) == (fuzz_said == 0));

    fuzz_check(ngx_http_notify_schema_check(schema, pool, &value, NULL, NULL)
               == rc);

    /* the same value, its members in another order */

    fuzz_check(ngx_http_notify_json_canonical(pool, &value, &other)
               == NGX_OK);
    fuzz_check(ngx_http_notify_schema_check(schema, pool, &other, NULL, NULL)
               == rc);
}
