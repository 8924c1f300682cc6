/*
 * `success json`: whether an answer's body means success.  Pure, works in the
 * pool of the call.  Must not know of statuses or retries.
 */

#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX  256


static ngx_int_t ngx_http_notify_payload_success_match(ngx_pool_t *pool,
    const ngx_http_notify_json_t *expected, const ngx_str_t *found);
static ngx_int_t ngx_http_notify_payload_success_members(ngx_pool_t *pool,
    const ngx_http_notify_json_t *expected, const ngx_str_t *object);
static ngx_int_t ngx_http_notify_payload_success_string(ngx_pool_t *pool,
    const ngx_str_t *expected, const ngx_str_t *found);
static ngx_int_t ngx_http_notify_payload_success_number(const ngx_str_t *text,
    const ngx_str_t *number);
static ngx_int_t ngx_http_notify_payload_success_detail(ngx_pool_t *pool,
    const ngx_str_t *answer, ngx_str_t *detail);
static void ngx_http_notify_payload_success_append(ngx_str_t *detail,
    const ngx_str_t *text);


ngx_int_t
ngx_http_notify_payload_success(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf, const ngx_str_t *body,
    ngx_str_t *detail)
{
    ngx_int_t                      rc;
    ngx_str_t                      answer;
    ngx_http_notify_json_error_t   error;

    ngx_str_null(detail);

    if (conf->success == NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_json_scan(body, &answer, &error) != NGX_OK
        || ngx_http_notify_json_kind(&answer) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        ngx_str_set(detail, "the answer is not a JSON object");
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_payload_success_match(pool, conf->success, &answer);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_notify_payload_success_detail(pool, &answer, detail);
}


/* recursion ends with the depth that the configuration's JSON may have */

static ngx_int_t
ngx_http_notify_payload_success_match(ngx_pool_t *pool,
    const ngx_http_notify_json_t *expected, const ngx_str_t *found)
{
    ngx_str_t                    text, string;
    ngx_http_notify_json_kind_e  kind;

    kind = ngx_http_notify_json_kind(found);

    switch (ngx_http_notify_json_type(expected)) {

    case NGX_HTTP_NOTIFY_JSON_NULL:
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        return kind == NGX_HTTP_NOTIFY_JSON_OBJECT
               ? ngx_http_notify_payload_success_members(pool, expected, found)
               : NGX_DECLINED;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        text = ngx_http_notify_json_string(expected);

        return ngx_http_notify_payload_success_string(pool, &text, found);

    default:
        if (ngx_http_notify_json_dump(pool, expected, 0, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_http_notify_json_kind(&text) == NGX_HTTP_NOTIFY_JSON_NUMBER
            && kind == NGX_HTTP_NOTIFY_JSON_STRING)
        {
            if (ngx_http_notify_json_text(pool, found, &string) != NGX_OK) {
                return NGX_ERROR;
            }

            return ngx_http_notify_payload_success_number(&string, &text);
        }

        return ngx_http_notify_json_same(pool, &text, found);
    }
}


/* each that is expected is there; of one that is given twice, both count */

static ngx_int_t
ngx_http_notify_payload_success_members(ngx_pool_t *pool,
    const ngx_http_notify_json_t *expected, const ngx_str_t *object)
{
    void                          *cursor;
    ngx_int_t                      rc;
    ngx_str_t                      want, name, value;
    ngx_uint_t                     n;
    ngx_http_notify_json_iter_t    it;
    const ngx_http_notify_json_t  *member;

    cursor = NULL;

    while ((member = ngx_http_notify_json_member(expected, &cursor, &want))
           != NULL)
    {
        ngx_http_notify_json_iter(&it, object);
        n = 0;

        while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

            if (ngx_http_notify_json_name(pool, &name) != NGX_OK) {
                return NGX_ERROR;
            }

            if (!ngx_http_notify_text_equal(&name, &want)) {
                continue;
            }

            rc = ngx_http_notify_payload_success_match(pool, member, &value);
            if (rc != NGX_OK) {
                return rc;
            }

            n++;
        }

        if (n == 0) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_payload_success_string(ngx_pool_t *pool,
    const ngx_str_t *expected, const ngx_str_t *found)
{
    ngx_str_t  text;

    switch (ngx_http_notify_json_kind(found)) {

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        return ngx_http_notify_payload_success_number(expected, found);

    case NGX_HTTP_NOTIFY_JSON_STRING:

        if (ngx_http_notify_json_text(pool, found, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_text_equal(&text, expected)
               ? NGX_OK : NGX_DECLINED;

    default:
        return NGX_DECLINED;
    }
}


/* "0" is 0: the text of an int64 in canonical form */

static ngx_int_t
ngx_http_notify_payload_success_number(const ngx_str_t *text,
    const ngx_str_t *number)
{
    return ngx_http_notify_json_int64(text, NULL) == NGX_OK
           && ngx_http_notify_json_number_compare(text, number) == 0
           ? NGX_OK : NGX_DECLINED;
}


/* "Success=false, Code=12, Message=..." */

static ngx_int_t
ngx_http_notify_payload_success_detail(ngx_pool_t *pool,
    const ngx_str_t *answer, ngx_str_t *detail)
{
    ngx_str_t                     name, text, equals, comma;
    ngx_http_notify_json_iter_t   it;

    ngx_str_set(&equals, "=");
    ngx_str_set(&comma, ", ");

    detail->data = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX);
    if (detail->data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_json_iter(&it, answer);

    while (detail->len < NGX_HTTP_NOTIFY_PAYLOAD_DETAIL_MAX
           && ngx_http_notify_json_next(&it, &name, &text) == NGX_OK)
    {
        switch (ngx_http_notify_json_kind(&text)) {

        case NGX_HTTP_NOTIFY_JSON_OBJECT:
        case NGX_HTTP_NOTIFY_JSON_ARRAY:
            continue;

        case NGX_HTTP_NOTIFY_JSON_STRING:

            if (ngx_http_notify_json_text(pool, &text, &text) != NGX_OK) {
                return NGX_ERROR;
            }

            break;

        default:
            break;
        }

        if (ngx_http_notify_json_name(pool, &name) != NGX_OK) {
            return NGX_ERROR;
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
