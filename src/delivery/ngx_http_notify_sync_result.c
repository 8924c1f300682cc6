/*
 * A subscriber's answer to a sync call, brought into one form: levels and
 * their defaults, codes of our own where it cannot be used.  Numbers and data
 * stay the text that they are.  Must not know who asked.
 */

#include "ngx_http_notify_json.h"
#include "ngx_http_notify_sync_result.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SYNC_RESULT_TEXT  512      /* of a message of ours */


typedef enum {
    NGX_HTTP_NOTIFY_SYNC_RESULT_SUCCESS = 0,
    NGX_HTTP_NOTIFY_SYNC_RESULT_MESSAGE,
    NGX_HTTP_NOTIFY_SYNC_RESULT_LEVEL,
    NGX_HTTP_NOTIFY_SYNC_RESULT_CODE,
    NGX_HTTP_NOTIFY_SYNC_RESULT_DATA,
    NGX_HTTP_NOTIFY_SYNC_RESULT_STATUS,
    NGX_HTTP_NOTIFY_SYNC_RESULT_MEMBERS
} ngx_http_notify_sync_result_member_e;


static ngx_int_t ngx_http_notify_sync_result_unanswered(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result,
    ngx_http_notify_sync_result_t *response);
static ngx_int_t ngx_http_notify_sync_result_body(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result,
    ngx_http_notify_sync_result_t *response);
static ngx_int_t ngx_http_notify_sync_result_members(ngx_pool_t *pool,
    const ngx_str_t *object, ngx_str_t *members);
static ngx_int_t ngx_http_notify_sync_result_read(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result, const ngx_str_t *members,
    ngx_http_notify_sync_result_t *response);
static ngx_uint_t ngx_http_notify_sync_result_level(const ngx_str_t *value,
    ngx_uint_t success);
static ngx_uint_t ngx_http_notify_sync_result_is(const ngx_str_t *value,
    const char *text);
static ngx_int_t ngx_http_notify_sync_result_string(ngx_pool_t *pool,
    const ngx_str_t *value, ngx_str_t *string);


static ngx_str_t  ngx_http_notify_sync_result_null = ngx_string("null");

static ngx_str_t  ngx_http_notify_sync_result_names[] = {
    ngx_string("success"),
    ngx_string("message"),
    ngx_string("errorLevel"),
    ngx_string("errorCode"),
    ngx_string("data"),
    ngx_string("statusCode")
};


ngx_int_t
ngx_http_notify_sync_result_make(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result,
    ngx_http_notify_sync_result_t *response)
{
    if (result->status == 0) {
        return ngx_http_notify_sync_result_unanswered(pool, result, response);
    }

    if (result->status == NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP) {
        return ngx_http_notify_sync_result_fail(pool, response,
                   NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP, "NOTIFICATION_LOOP",
                   "the subscriber's URL leads back to the caller");
    }

    if (result->truncated) {
        return ngx_http_notify_sync_result_fail(pool, response,
                   NGX_HTTP_BAD_GATEWAY, "NOTIFICATION_TOO_LARGE",
                   "the subscriber's answer is too large");
    }

    return ngx_http_notify_sync_result_body(pool, result, response);
}


static ngx_int_t
ngx_http_notify_sync_result_unanswered(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result,
    ngx_http_notify_sync_result_t *response)
{
    ngx_uint_t   status;
    const char  *code;

    status = NGX_HTTP_BAD_GATEWAY;

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_BLOCKED
        || result->verdict == NGX_HTTP_NOTIFY_CALL_NO_RESOLVER
        || ngx_strcmp(result->error, NGX_HTTP_NOTIFY_CALL_MASKED) == 0)
    {
        code = "NOTIFICATION_ADDRESS_REFUSED";

    } else if (result->verdict == NGX_HTTP_NOTIFY_CALL_FATAL) {
        code = "NOTIFICATION_NOT_SENT";

    } else if (ngx_strcmp(result->error, "timeout") == 0) {
        code = "NOTIFICATION_TIMEOUT";
        status = NGX_HTTP_GATEWAY_TIME_OUT;

    } else if (ngx_strcmp(result->error, "malformed answer") == 0) {
        code = "NOTIFICATION_BAD_ANSWER";

    } else {
        code = "NOTIFICATION_CONNECT_FAILED";
    }

    return ngx_http_notify_sync_result_fail(pool, response, status, code,
                                     "the subscriber could not be asked: %s",
                                     result->error);
}


/* a body of any status is looked into, for what it says of a failure */

static ngx_int_t
ngx_http_notify_sync_result_body(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result,
    ngx_http_notify_sync_result_t *response)
{
    ngx_int_t                       rc;
    ngx_str_t                       text, object;
    ngx_http_notify_json_error_t    error;
    ngx_str_t  members[NGX_HTTP_NOTIFY_SYNC_RESULT_MEMBERS];

    text.len = result->body.len;
    text.data = ngx_pnalloc(pool, text.len + 1);

    if (text.data == NULL) {
        return NGX_ERROR;
    }

    if (text.len) {
        ngx_memcpy(text.data, result->body.data, text.len);
    }

    error.reason = "not an object";
    rc = ngx_http_notify_json_scan(&text, &object, &error);

    if (rc == NGX_OK
        && ngx_http_notify_json_kind(&object) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        rc = NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        error.reason = "a member is given twice";
        rc = ngx_http_notify_sync_result_members(pool, &object, members);
    }

    if (rc == NGX_OK) {
        return ngx_http_notify_sync_result_read(pool, result, members,
                                                response);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (result->status != NGX_HTTP_OK) {
        return ngx_http_notify_sync_result_fail(pool, response,
                   NGX_HTTP_BAD_GATEWAY, "NOTIFICATION_STATUS",
                   "the subscriber answered with status %ui", result->status);
    }

    return ngx_http_notify_sync_result_fail(pool, response,
               NGX_HTTP_BAD_GATEWAY, "NOTIFICATION_BAD_JSON",
               "the subscriber's answer is not a JSON object: %s",
               error.reason);
}


/* names in any case; NGX_DECLINED: one of ours is given twice */

static ngx_int_t
ngx_http_notify_sync_result_members(ngx_pool_t *pool, const ngx_str_t *object,
    ngx_str_t *members)
{
    ngx_str_t                     name, value;
    ngx_uint_t                    i;
    ngx_http_notify_json_iter_t   it;

    ngx_memzero(members,
                NGX_HTTP_NOTIFY_SYNC_RESULT_MEMBERS * sizeof(ngx_str_t));

    ngx_http_notify_json_iter(&it, object);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

        if (ngx_strlchr(name.data, name.data + name.len, '\\')) {

            /* the quotes stand around it in the text */

            name.data--;
            name.len += 2;

            if (ngx_http_notify_json_text(pool, &name, &name) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        for (i = 0; i < NGX_HTTP_NOTIFY_SYNC_RESULT_MEMBERS; i++) {

            if (!ngx_http_notify_text_equal_nocase(&name,
                                      &ngx_http_notify_sync_result_names[i]))
            {
                continue;
            }

            if (members[i].len) {
                return NGX_DECLINED;
            }

            members[i] = value;
            break;
        }
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_SYNC_RESULT_MEMBERS; i++) {
        if (ngx_http_notify_json_kind(&members[i])
            == NGX_HTTP_NOTIFY_JSON_NULL)
        {
            members[i].len = 0;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sync_result_read(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result, const ngx_str_t *members,
    ngx_http_notify_sync_result_t *response)
{
    const ngx_str_t  *status, *success;

    status = &members[NGX_HTTP_NOTIFY_SYNC_RESULT_STATUS];
    success = &members[NGX_HTTP_NOTIFY_SYNC_RESULT_SUCCESS];

    if (result->status != NGX_HTTP_OK) {
        if (ngx_http_notify_sync_result_fail(pool, response,
                NGX_HTTP_BAD_GATEWAY, "NOTIFICATION_STATUS",
                "the subscriber answered with status %ui", result->status)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (status->len && !ngx_http_notify_sync_result_is(status, "200")) {
        if (ngx_http_notify_sync_result_fail(pool, response,
                NGX_HTTP_BAD_GATEWAY, "NOTIFICATION_STATUS",
                "the subscriber's answer has a statusCode other than 200")
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else if (!ngx_http_notify_sync_result_is(success, "true")
               && !ngx_http_notify_sync_result_is(success, "false"))
    {
        return ngx_http_notify_sync_result_fail(pool, response,
                   NGX_HTTP_BAD_GATEWAY, "NOTIFICATION_BAD_RESPONSE",
                   "the subscriber's answer has no \"success\", true or "
                   "false");

    } else {
        response->status = 0;
        response->success = ngx_http_notify_sync_result_is(success, "true");
        response->level = ngx_http_notify_sync_result_level(
                              &members[NGX_HTTP_NOTIFY_SYNC_RESULT_LEVEL],
                              response->success);
        response->message = ngx_http_notify_sync_result_null;
        response->code = ngx_http_notify_sync_result_null;

        if (response->level >= NGX_HTTP_NOTIFY_SYNC_RESULT_ERROR) {
            response->success = 0;
        }
    }

    response->data = ngx_http_notify_sync_result_null;

    if (members[NGX_HTTP_NOTIFY_SYNC_RESULT_DATA].len) {
        response->data = members[NGX_HTTP_NOTIFY_SYNC_RESULT_DATA];
    }

    /* its own words for a failure are better than ours */

    if (ngx_http_notify_sync_result_string(pool,
            &members[NGX_HTTP_NOTIFY_SYNC_RESULT_MESSAGE], &response->message)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_sync_result_string(pool,
               &members[NGX_HTTP_NOTIFY_SYNC_RESULT_CODE], &response->code);
}


/* one of six, or 50; a number in quotes is that number */

static ngx_uint_t
ngx_http_notify_sync_result_level(const ngx_str_t *value, ngx_uint_t success)
{
    ngx_uint_t  i;

    static const char  *levels[] = { "0", "10", "20", "30", "40", "50" };

    if (value->len == 0) {
        return success ? NGX_HTTP_NOTIFY_SYNC_RESULT_OK
                       : NGX_HTTP_NOTIFY_SYNC_RESULT_ERROR;
    }

    for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (ngx_http_notify_sync_result_is(value, levels[i])) {
            return 10 * i;
        }
    }

    return NGX_HTTP_NOTIFY_SYNC_RESULT_CRITICAL;
}


static ngx_uint_t
ngx_http_notify_sync_result_is(const ngx_str_t *value, const char *text)
{
    ngx_str_t  word;

    word = *value;

    if (word.len >= 2 && word.data[0] == '"') {
        word.data++;
        word.len -= 2;
    }

    return ngx_http_notify_text_is(&word, text);
}


/* a string as it was written, anything else as a string of its text */

static ngx_int_t
ngx_http_notify_sync_result_string(ngx_pool_t *pool, const ngx_str_t *value,
    ngx_str_t *string)
{
    if (value->len == 0) {
        return NGX_OK;
    }

    if (ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_STRING) {
        *string = *value;
        return NGX_OK;
    }

    return ngx_http_notify_json_quote(pool, value, string);
}


ngx_int_t
ngx_http_notify_sync_result_fail(ngx_pool_t *pool,
    ngx_http_notify_sync_result_t *response, ngx_uint_t status,
    const char *code, const char *fmt, ...)
{
    va_list    args;
    ngx_str_t  text;
    u_char     buf[NGX_HTTP_NOTIFY_SYNC_RESULT_TEXT];

    va_start(args, fmt);
    text.len = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args) - buf;
    va_end(args);

    text.data = buf;

    response->status = status;
    response->success = 0;
    response->level = NGX_HTTP_NOTIFY_SYNC_RESULT_CRITICAL;
    response->data = ngx_http_notify_sync_result_null;

    if (ngx_http_notify_json_quote(pool, &text, &response->message)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    text = ngx_http_notify_text(code);

    return ngx_http_notify_json_quote(pool, &text, &response->code);
}


ngx_int_t
ngx_http_notify_sync_result_text(ngx_pool_t *pool,
    const ngx_http_notify_sync_result_t *response, ngx_str_t *text)
{
    u_char  *p;
    size_t   len;

    len = sizeof("{\"success\":false,\"message\":,\"errorLevel\":,"
                 "\"errorCode\":,\"data\":}") - 1 + NGX_INT_T_LEN
          + response->message.len + response->code.len + response->data.len;

    text->data = ngx_pnalloc(pool, len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(text->data, "{\"success\":%s,\"message\":%V,"
                    "\"errorLevel\":%ui,\"errorCode\":%V,\"data\":",
                    response->success ? "true" : "false", &response->message,
                    response->level, &response->code);
    p = ngx_cpymem(p, response->data.data, response->data.len);
    *p++ = '}';

    text->len = p - text->data;

    return NGX_OK;
}
