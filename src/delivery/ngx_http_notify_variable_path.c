/*
 * Paths into the data of an event, walked over its text.
 */

#include "ngx_http_notify_variable_path.h"


static ngx_int_t ngx_http_notify_variable_path_find(ngx_pool_t *pool,
    const ngx_str_t *path, const ngx_str_t *json, ngx_str_t *value);
static ngx_int_t ngx_http_notify_variable_path_element(
    const ngx_str_t *array, const ngx_str_t *step, ngx_str_t *value);


ngx_int_t
ngx_http_notify_variable_path_check(const ngx_str_t *path)
{
    size_t      i;
    ngx_uint_t  n;

    n = 1;

    for (i = 0; i < path->len; i++) {

        if (path->data[i] != '.') {
            continue;
        }

        if (i == 0 || i + 1 == path->len || path->data[i + 1] == '.') {
            return NGX_DECLINED;
        }

        n++;
    }

    return n <= NGX_HTTP_NOTIFY_VARIABLE_PATH_STEPS ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_variable_path_value(ngx_pool_t *pool, const ngx_str_t *path,
    const ngx_str_t *json, ngx_http_notify_value_t *value)
{
    ngx_int_t  rc;
    ngx_str_t  found;

    rc = ngx_http_notify_variable_path_find(pool, path, json, &found);

    if (rc != NGX_OK) {
        return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
    }

    switch (ngx_http_notify_json_kind(&found)) {

    case NGX_HTTP_NOTIFY_JSON_STRING:
        rc = ngx_http_notify_variable_path_text(pool, &found, &value->text);

        if (value->text.data) {
            value->whole = found;
        }

        return rc;

    case NGX_HTTP_NOTIFY_JSON_NULL:
        value->whole = found;
        return NGX_OK;

    default:
        value->text = found;
        value->json = 1;
        return NGX_OK;
    }
}


ngx_int_t
ngx_http_notify_variable_path_text(ngx_pool_t *pool, const ngx_str_t *json,
    ngx_str_t *text)
{
    ngx_int_t  rc;

    static time_t  said;

    rc = ngx_http_notify_json_text(pool, json, text);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    ngx_str_null(text);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (said != ngx_time()) {
        said = ngx_time();
        ngx_log_error(NGX_LOG_WARN, pool->log, 0,
                      "notify log: a text in an event is no JSON, and has no "
                      "value");
    }

    return NGX_OK;
}


/* NGX_DECLINED: nothing is there */

static ngx_int_t
ngx_http_notify_variable_path_find(ngx_pool_t *pool, const ngx_str_t *path,
    const ngx_str_t *json, ngx_str_t *value)
{
    u_char     *p, *dot, *last;
    ngx_int_t   rc;
    ngx_str_t   step;

    p = path->data;
    last = p + path->len;
    *value = *json;

    do {
        dot = ngx_strlchr(p, last, '.');

        step.data = p;
        step.len = (dot ? dot : last) - p;
        p += step.len + 1;

        switch (ngx_http_notify_json_kind(value)) {

        case NGX_HTTP_NOTIFY_JSON_OBJECT:
            rc = ngx_http_notify_json_find(pool, value, &step, value);
            break;

        case NGX_HTTP_NOTIFY_JSON_ARRAY:
            rc = ngx_http_notify_variable_path_element(value, &step, value);
            break;

        default:
            return NGX_DECLINED;
        }

        if (rc != NGX_OK) {
            return rc;
        }

    } while (dot);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_path_element(const ngx_str_t *array,
    const ngx_str_t *step, ngx_str_t *value)
{
    ngx_int_t                    i, index;
    ngx_str_t                    name;
    ngx_http_notify_json_iter_t  it;

    index = ngx_atoi(step->data, step->len);

    if (index == NGX_ERROR || (step->len > 1 && step->data[0] == '0')) {
        return NGX_DECLINED;
    }

    ngx_http_notify_json_iter(&it, array);

    for (i = 0; ngx_http_notify_json_next(&it, &name, value) == NGX_OK; i++) {
        if (i == index) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}
