/*
 * The message of projects.messages.send, and its errors: the code is that of
 * the detail of type FcmError, or else the status, as their reference has it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_fcm.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_FCM_ERROR                                             \
    "type.googleapis.com/google.firebase.fcm.v1.FcmError"


static ngx_int_t ngx_http_notify_fcm_find(const ngx_str_t *body,
    ngx_str_t *data);
static size_t ngx_http_notify_fcm_size(const ngx_str_t *data);
static u_char *ngx_http_notify_fcm_write(u_char *p, const ngx_str_t *data);
static u_char *ngx_http_notify_fcm_value(u_char *p, const ngx_str_t *value);
static ngx_str_t ngx_http_notify_fcm_code(
    const ngx_http_notify_json_t *answer);


static const ngx_http_notify_fcm_error_t  ngx_http_notify_fcm_errors[] = {
    { ngx_string("UNREGISTERED"), NGX_HTTP_NOTIFY_FCM_GONE, 1 },
    { ngx_string("INVALID_ARGUMENT"), NGX_HTTP_NOTIFY_FCM_DROP, 1 },
    { ngx_string("SENDER_ID_MISMATCH"), NGX_HTTP_NOTIFY_FCM_DROP, 1 },
    { ngx_string("THIRD_PARTY_AUTH_ERROR"), NGX_HTTP_NOTIFY_FCM_DROP, 1 },
    { ngx_string("QUOTA_EXCEEDED"), NGX_HTTP_NOTIFY_FCM_RETRY, 0 },
    { ngx_string("UNAVAILABLE"), NGX_HTTP_NOTIFY_FCM_RETRY, 0 },
    { ngx_string("INTERNAL"), NGX_HTTP_NOTIFY_FCM_RETRY, 0 }
};

/* answers without a code that is known */
static const ngx_http_notify_fcm_error_t  ngx_http_notify_fcm_passes = {
    ngx_string("status"), NGX_HTTP_NOTIFY_FCM_RETRY, 0
};

static const ngx_http_notify_fcm_error_t  ngx_http_notify_fcm_stays = {
    ngx_string("status"), NGX_HTTP_NOTIFY_FCM_DROP, 0
};


/* the data come last: what is before them need not be looked into */

ngx_int_t
ngx_http_notify_fcm_template(ngx_pool_t *pool,
    const ngx_http_notify_fcm_conf_t *conf, const ngx_str_t *message,
    ngx_uint_t all, ngx_str_t *text)
{
    u_char     *p;
    size_t      escaped;
    ngx_str_t   data;

    data = conf->data;

    if (data.len == 0 && all) {
        ngx_str_set(&data, "\"$notify_data\"");
    }

    escaped = message ? message->len + ngx_escape_json(NULL, message->data,
                                                       message->len)
                      : 0;

    p = ngx_pnalloc(pool, sizeof("{\"message\":{\"token\":"
                                 "\"$notify_session_deviceId\","
                                 "\"notification\":{\"body\":\"\"},"
                                 "\"android\":,\"data\":}}")
                          + escaped + conf->notification.len
                          + conf->android.len + data.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    p = ngx_sprintf(p, "{\"message\":{\"token\":"
                       "\"$notify_session_deviceId\"");

    if (conf->notification.len) {
        p = ngx_sprintf(p, ",\"notification\":%V", &conf->notification);

    } else if (message) {
        p = ngx_sprintf(p, ",\"notification\":{\"body\":\"");
        p = (u_char *) ngx_escape_json(p, message->data, message->len);
        p = ngx_sprintf(p, "\"}");
    }

    if (conf->android.len) {
        p = ngx_sprintf(p, ",\"android\":%V", &conf->android);
    }

    if (data.len) {
        p = ngx_sprintf(p, ",\"data\":%V", &data);
    }

    p = ngx_sprintf(p, "}}");

    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_fcm_body(ngx_pool_t *pool, ngx_str_t *body)
{
    u_char     *p;
    size_t      before, behind;
    ngx_str_t   data, made;

    if (ngx_http_notify_fcm_find(body, &data) != NGX_OK) {
        return NGX_OK;
    }

    before = data.data - body->data;
    behind = body->len - before - data.len;

    made.data = ngx_pnalloc(pool, before + ngx_http_notify_fcm_size(&data)
                                  + behind);
    if (made.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(made.data, body->data, before);
    p = ngx_http_notify_fcm_write(p, &data);
    p = ngx_cpymem(p, data.data + data.len, behind);

    made.len = p - made.data;
    *body = made;

    return NGX_OK;
}


/* NGX_DECLINED: it has none */

static ngx_int_t
ngx_http_notify_fcm_find(const ngx_str_t *body, ngx_str_t *data)
{
    ngx_str_t                    name, message;
    ngx_http_notify_json_iter_t  it;

    ngx_http_notify_json_iter(&it, body);

    if (ngx_http_notify_json_next(&it, &name, &message) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_http_notify_json_iter(&it, &message);

    while (ngx_http_notify_json_next(&it, &name, data) == NGX_OK) {
        if (ngx_http_notify_text_is(&name, "data")) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* at most */

static size_t
ngx_http_notify_fcm_size(const ngx_str_t *data)
{
    size_t                       len;
    ngx_str_t                    name, value;
    ngx_http_notify_json_iter_t  it;

    len = sizeof("{\"data\":\"\"}");

    if (ngx_http_notify_json_kind(data) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return len + ngx_http_notify_json_escaped_len(data);
    }

    ngx_http_notify_json_iter(&it, data);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {
        len += sizeof("\"\":\"\",") + name.len
               + ngx_http_notify_json_escaped_len(&value);
    }

    return len;
}


static u_char *
ngx_http_notify_fcm_write(u_char *p, const ngx_str_t *data)
{
    u_char                       *start;
    ngx_str_t                     name, value;
    ngx_http_notify_json_iter_t   it;

    *p++ = '{';
    start = p;

    switch (ngx_http_notify_json_kind(data)) {

    case NGX_HTTP_NOTIFY_JSON_NULL:
        break;

    case NGX_HTTP_NOTIFY_JSON_OBJECT:

        ngx_http_notify_json_iter(&it, data);

        while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

            if (ngx_http_notify_json_kind(&value)
                == NGX_HTTP_NOTIFY_JSON_NULL)
            {
                continue;
            }

            if (p != start) {
                *p++ = ',';
            }

            *p++ = '"';
            p = ngx_cpymem(p, name.data, name.len);
            *p++ = '"';
            *p++ = ':';
            p = ngx_http_notify_fcm_value(p, &value);
        }

        break;

    default:
        p = ngx_cpymem(p, "\"data\":", sizeof("\"data\":") - 1);
        p = ngx_http_notify_fcm_value(p, data);
    }

    *p++ = '}';

    return p;
}


static u_char *
ngx_http_notify_fcm_value(u_char *p, const ngx_str_t *value)
{
    if (ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_STRING) {
        return ngx_cpymem(p, value->data, value->len);
    }

    *p++ = '"';
    p = ngx_http_notify_json_put_escaped(p, value);
    *p++ = '"';

    return p;
}


const ngx_http_notify_fcm_error_t *
ngx_http_notify_fcm_error(ngx_pool_t *pool, ngx_uint_t status,
    const ngx_str_t *body)
{
    ngx_str_t                           code;
    ngx_http_notify_json_t             *answer;
    ngx_http_notify_json_error_t        error;
    const ngx_http_notify_fcm_error_t  *found;

    answer = ngx_http_notify_json_parse(pool, body, &error);
    code = ngx_http_notify_fcm_code(answer);
    found = ngx_http_notify_text_find_in(&code, ngx_http_notify_fcm_errors);

    if (found) {
        return found;
    }

    return (status >= 400 && status < 500
            && status != NGX_HTTP_REQUEST_TIME_OUT
            && status != NGX_HTTP_TOO_MANY_REQUESTS)
           ? &ngx_http_notify_fcm_stays : &ngx_http_notify_fcm_passes;
}


/* empty: it says none */

static ngx_str_t
ngx_http_notify_fcm_code(const ngx_http_notify_json_t *answer)
{
    ngx_str_t                      type, code;
    ngx_uint_t                     i;
    const ngx_http_notify_json_t  *error, *details, *detail;

    error = answer ? ngx_http_notify_json_get(answer, "error") : NULL;
    details = error ? ngx_http_notify_json_get(error, "details") : NULL;

    for (i = 0; details && i < ngx_http_notify_json_size(details); i++) {

        detail = ngx_http_notify_json_at(details, i);
        type = ngx_http_notify_json_get_string(detail, "@type");
        code = ngx_http_notify_json_get_string(detail, "errorCode");

        if (code.len
            && ngx_http_notify_text_is(&type, NGX_HTTP_NOTIFY_FCM_ERROR))
        {
            return code;
        }
    }

    ngx_str_null(&code);

    if (error) {
        code = ngx_http_notify_json_get_string(error, "status");

        /* without the detail it may be said of the project */

        if (ngx_http_notify_text_is(&code, "UNREGISTERED")) {
            ngx_str_null(&code);
        }
    }

    return code;
}
