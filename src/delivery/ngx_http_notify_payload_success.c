/*
 * `success json`: whether an answer's body means success.  Pure, works in the
 * pool of the call.  Must not know of statuses or retries.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_payload.h"


#define NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX  256


static ngx_uint_t ngx_http_notify_payload_success_match(
    const ngx_http_notify_json_t *expected,
    const ngx_http_notify_json_t *found);
static ngx_http_notify_json_t *ngx_http_notify_payload_success_member(
    const ngx_http_notify_json_t *object, const ngx_str_t *name);
static ngx_uint_t ngx_http_notify_payload_success_number(
    const ngx_http_notify_json_t *string, const ngx_http_notify_json_t *number);
static ngx_int_t ngx_http_notify_payload_success_detail(ngx_pool_t *pool,
    const ngx_http_notify_json_t *answer, ngx_str_t *detail);
static void ngx_http_notify_payload_success_append(ngx_str_t *detail,
    const ngx_str_t *text);


ngx_int_t
ngx_http_notify_payload_success(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf, const ngx_str_t *body,
    ngx_str_t *detail)
{
    ngx_http_notify_json_t        *answer;
    ngx_http_notify_json_error_t   error;

    ngx_str_null(detail);

    if (conf->success == NULL) {
        return NGX_OK;
    }

    answer = ngx_http_notify_json_parse(pool, body, &error);

    if (answer == NULL
        || ngx_http_notify_json_type(answer) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        ngx_str_set(detail, "the answer is not a JSON object");
        return NGX_DECLINED;
    }

    if (ngx_http_notify_payload_success_match(conf->success, answer)) {
        return NGX_OK;
    }

    return ngx_http_notify_payload_success_detail(pool, answer, detail);
}


/* recursion ends with the depth that the configuration's JSON may have */

static ngx_uint_t
ngx_http_notify_payload_success_match(const ngx_http_notify_json_t *expected,
    const ngx_http_notify_json_t *found)
{
    void                          *cursor;
    ngx_str_t                      name;
    ngx_http_notify_json_kind_e    type, other;
    const ngx_http_notify_json_t  *member, *value;

    if (found == NULL) {
        return 0;
    }

    type = ngx_http_notify_json_type(expected);
    other = ngx_http_notify_json_type(found);

    if (type == NGX_HTTP_NOTIFY_JSON_NULL) {
        return 1;
    }

    if (type == NGX_HTTP_NOTIFY_JSON_STRING
        && other == NGX_HTTP_NOTIFY_JSON_NUMBER)
    {
        return ngx_http_notify_payload_success_number(expected, found);
    }

    if (type == NGX_HTTP_NOTIFY_JSON_NUMBER
        && other == NGX_HTTP_NOTIFY_JSON_STRING)
    {
        return ngx_http_notify_payload_success_number(found, expected);
    }

    if (type != NGX_HTTP_NOTIFY_JSON_OBJECT
        || other != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return ngx_http_notify_json_equal(expected, found);
    }

    cursor = NULL;

    for ( ;; ) {
        member = ngx_http_notify_json_member(expected, &cursor, &name);
        if (member == NULL) {
            return 1;
        }

        value = ngx_http_notify_payload_success_member(found, &name);

        if (!ngx_http_notify_payload_success_match(member, value)) {
            return 0;
        }
    }
}


static ngx_http_notify_json_t *
ngx_http_notify_payload_success_member(const ngx_http_notify_json_t *object,
    const ngx_str_t *name)
{
    void                    *cursor;
    ngx_str_t                key;
    ngx_http_notify_json_t  *member;

    cursor = NULL;

    do {
        member = ngx_http_notify_json_member(object, &cursor, &key);

    } while (member != NULL
             && (key.len != name->len
                 || ngx_memcmp(key.data, name->data, key.len) != 0));

    return member;
}


/* "0" is 0: the text of an int64 in canonical form */

static ngx_uint_t
ngx_http_notify_payload_success_number(const ngx_http_notify_json_t *string,
    const ngx_http_notify_json_t *number)
{
    int64_t    n, m;
    ngx_str_t  text;

    text = ngx_http_notify_json_string(string);

    return ngx_http_notify_json_int64(&text, &n) == NGX_OK
           && ngx_http_notify_json_integer(number, &m) == NGX_OK
           && n == m;
}


/* "Success=false, Code=12, Message=..." */

static ngx_int_t
ngx_http_notify_payload_success_detail(ngx_pool_t *pool,
    const ngx_http_notify_json_t *answer, ngx_str_t *detail)
{
    void                    *cursor;
    ngx_str_t                name, text, equals, comma;
    ngx_http_notify_json_t  *member;

    ngx_str_set(&equals, "=");
    ngx_str_set(&comma, ", ");

    detail->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX);
    if (detail->data == NULL) {
        return NGX_ERROR;
    }

    cursor = NULL;

    while (detail->len < NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX) {

        member = ngx_http_notify_json_member(answer, &cursor, &name);
        if (member == NULL) {
            break;
        }

        switch (ngx_http_notify_json_type(member)) {

        case NGX_HTTP_NOTIFY_JSON_OBJECT:
        case NGX_HTTP_NOTIFY_JSON_ARRAY:
            continue;

        case NGX_HTTP_NOTIFY_JSON_STRING:
            text = ngx_http_notify_json_string(member);
            break;

        default:
            if (ngx_http_notify_json_dump(pool, member, 0, &text) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        if (detail->len) {
            ngx_http_notify_payload_success_append(detail, &comma);
        }

        ngx_http_notify_payload_success_append(detail, &name);
        ngx_http_notify_payload_success_append(detail, &equals);
        ngx_http_notify_payload_success_append(detail, &text);
    }

    if (detail->len == 0) {
        ngx_str_set(detail, "the answer has none of the members");
    }

    return NGX_DECLINED;
}


/* escapes control characters, never cuts a character in two */

static void
ngx_http_notify_payload_success_append(ngx_str_t *detail,
    const ngx_str_t *text)
{
    u_char  *p, *last;
    size_t   len, n;

    p = text->data;
    last = p + text->len;

    while (p < last) {

        if (*p < 0x20 || *p == 0x7f) {
            if (detail->len + sizeof("\\x00") - 1
                > NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX)
            {
                return;
            }

            detail->len = ngx_sprintf(detail->data + detail->len, "\\x%02xd",
                                      (int) *p)
                          - detail->data;
            p++;
            continue;
        }

        for (n = 1; p + n < last && (p[n] & 0xc0) == 0x80; n++) { /* void */ }

        len = detail->len;

        if (len + n > NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX) {
            return;
        }

        ngx_memcpy(detail->data + len, p, n);
        detail->len = len + n;
        p += n;
    }
}
