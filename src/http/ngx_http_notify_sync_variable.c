/*
 * $notify_sync_...: what the subscriber said, for the request to the backend.
 * Must not know how it was asked.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_sync.h"


static ngx_int_t ngx_http_notify_sync_variable_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/* $notify_sync_NAME */
typedef enum {
    NGX_HTTP_NOTIFY_SYNC_VARIABLE_SUCCESS = 0,
    NGX_HTTP_NOTIFY_SYNC_VARIABLE_MESSAGE,
    NGX_HTTP_NOTIFY_SYNC_VARIABLE_LEVEL,
    NGX_HTTP_NOTIFY_SYNC_VARIABLE_CODE,
    NGX_HTTP_NOTIFY_SYNC_VARIABLE_DATA
} ngx_http_notify_sync_variable_e;

static ngx_str_t  ngx_http_notify_sync_variable_names[] = {
    ngx_string("notify_sync_success"),
    ngx_string("notify_sync_message"),
    ngx_string("notify_sync_error_level"),
    ngx_string("notify_sync_error_code"),
    ngx_string("notify_sync_data")
};


/* text for a header of the backend's request */

static ngx_int_t
ngx_http_notify_sync_variable_get(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                             level[NGX_INT_T_LEN];
    ngx_int_t                          rc;
    ngx_str_t                          text;
    const ngx_str_t                   *json;
    const ngx_http_notify_sync_result_t  *response;

    response = ngx_http_notify_sync_response(r->main);

    if (response == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (data) {

    case NGX_HTTP_NOTIFY_SYNC_VARIABLE_SUCCESS:
        ngx_str_set(&text, "false");

        if (response->success) {
            ngx_str_set(&text, "true");
        }

        break;

    case NGX_HTTP_NOTIFY_SYNC_VARIABLE_LEVEL:
        text.data = level;
        text.len = ngx_sprintf(level, "%ui", response->level) - level;
        break;

    case NGX_HTTP_NOTIFY_SYNC_VARIABLE_DATA:
        text = response->data;
        break;

    default: /* the message, the code */
        json = &response->code;

        if (data == NGX_HTTP_NOTIFY_SYNC_VARIABLE_MESSAGE) {
            json = &response->message;
        }

        rc = ngx_http_notify_json_text(r->pool, json, &text);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            ngx_str_null(&text);
        }
    }

    return ngx_http_notify_body_value(r, v, &text);
}


ngx_int_t
ngx_http_notify_sync_variable_add(ngx_conf_t *cf)
{
    ngx_uint_t            i, n;
    ngx_http_variable_t  *var;

    n = sizeof(ngx_http_notify_sync_variable_names) / sizeof(ngx_str_t);

    for (i = 0; i < n; i++) {
        var = ngx_http_add_variable(cf,
                                    &ngx_http_notify_sync_variable_names[i],
                                    NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_notify_sync_variable_get;
        var->data = i;
    }

    return NGX_OK;
}
