/*
 * JSON: what the scanner lets through can be walked, unescaped, made canonical
 * and is a document, too; what it refuses never gets that far.
 */

#include "fuzz.h"
#include "ngx_http_notify_json.h"


/* the same number, written in other ways */

static void
fuzz_number(ngx_pool_t *pool, const ngx_str_t *value)
{
    u_char     *e;
    int64_t     n;
    ngx_str_t   other, text;

    if (ngx_http_notify_json_int64(value, &n) == NGX_OK) {
        fuzz_check(ngx_http_notify_json_number_whole(value));
    }

    other.data = ngx_pnalloc(pool, value->len + 8);
    fuzz_check(other.data != NULL);

    for (e = value->data; e < value->data + value->len; e++) {
        if (*e == 'e' || *e == 'E') {
            break;
        }
    }

    text.data = value->data;
    text.len = e - value->data;

    other.len = ngx_sprintf(other.data, "%V%s%*s", &text,
                            ngx_strlchr(value->data, e, '.') ? "00" : ".0",
                            value->len - text.len, e)
                - other.data;

    fuzz_check(ngx_http_notify_json_number_compare(value, &other) == 0);
    fuzz_check(ngx_http_notify_json_number_hash(value)
               == ngx_http_notify_json_number_hash(&other));
}


static void
fuzz_walk(ngx_pool_t *pool, const ngx_str_t *value, const ngx_str_t *whole,
    ngx_uint_t depth)
{
    ngx_int_t                      rc;
    ngx_str_t                      name, member, text, quoted, again;
    ngx_http_notify_json_iter_t    it;
    ngx_http_notify_json_kind_e    kind;
    ngx_http_notify_json_error_t   error;

    fuzz_check(depth <= NGX_HTTP_NOTIFY_JSON_DEPTH);
    fuzz_check(value->len > 0 && fuzz_within(value, whole));

    kind = ngx_http_notify_json_kind(value);

    switch (kind) {

    case NGX_HTTP_NOTIFY_JSON_NONE:
        fuzz_check(!"a value of no kind");
        return;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        fuzz_check(ngx_http_notify_json_text(pool, value, &text) == NGX_OK);
        fuzz_check(ngx_http_notify_json_quote(pool, &text, &quoted) == NGX_OK);
        fuzz_check(ngx_http_notify_json_scan(&quoted, &again, &error)
                   == NGX_OK);
        fuzz_check(ngx_http_notify_json_text(pool, &quoted, &again) == NGX_OK);
        fuzz_check(fuzz_same(&again, &text));
        return;

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        fuzz_number(pool, value);
        return;

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        break;

    default:
        return;
    }

    ngx_http_notify_json_iter(&it, value);

    for ( ;; ) {
        rc = ngx_http_notify_json_next(&it, &name, &member);

        if (rc == NGX_DONE) {
            return;
        }

        fuzz_check(rc == NGX_OK);

        if (kind == NGX_HTTP_NOTIFY_JSON_OBJECT) {
            fuzz_check(fuzz_within(&name, whole));

            quoted.data = name.data - 1;
            quoted.len = name.len + 2;
            fuzz_check(ngx_http_notify_json_text(pool, &quoted, &text)
                       == NGX_OK);
        }

        fuzz_walk(pool, &member, whole, depth + 1);
    }
}


static void
fuzz_canonical(ngx_pool_t *pool, const ngx_str_t *value)
{
    ngx_str_t                      text, scanned, again;
    ngx_http_notify_json_error_t   error;

    fuzz_check(ngx_http_notify_json_canonical(pool, value, &text) == NGX_OK);
    fuzz_check(ngx_http_notify_json_scan(&text, &scanned, &error) == NGX_OK);
    fuzz_check(fuzz_same(&scanned, &text));
    fuzz_check(ngx_http_notify_json_canonical(pool, &scanned, &again)
               == NGX_OK);
    fuzz_check(fuzz_same(&again, &text));
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_int_t                      rc, unique;
    ngx_str_t                      value, text;
    ngx_http_notify_json_t        *json, *again;
    ngx_http_notify_json_error_t   error;

    if (choice == 'q') {
        (void) ngx_http_notify_json_quote(pool, input, &text);
        return;
    }

    error.reason = NULL;

    rc = ngx_http_notify_json_scan(input, &value, &error);
    json = ngx_http_notify_json_parse(pool, input, &error);

    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_DECLINED) {
        fuzz_check(json == NULL);
        fuzz_check(error.reason != NULL && error.offset <= input->len);
        return;
    }

    fuzz_check(fuzz_within(&value, input));
    fuzz_walk(pool, &value, &value, 0);

    unique = ngx_http_notify_json_unique(&value, NULL);
    fuzz_check(unique == NGX_OK || unique == NGX_DECLINED);

    fuzz_canonical(pool, &value);

    if (json == NULL) {
        fuzz_check(error.reason != NULL);
        return;
    }

    fuzz_check(unique == NGX_OK);

    fuzz_check(ngx_http_notify_json_dump(pool, json, 0, &text) == NGX_OK);
    again = ngx_http_notify_json_parse(pool, &text, &error);
    fuzz_check(again != NULL && ngx_http_notify_json_equal(json, again));

    fuzz_check(ngx_http_notify_json_dump(pool, again, 0, &value) == NGX_OK);
    fuzz_check(fuzz_same(&value, &text));
}
