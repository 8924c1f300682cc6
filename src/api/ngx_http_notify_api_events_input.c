/*
 * The body of a publish: one event, an array of them, or one a line.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_EVENTS_MAX  1000


static ngx_int_t ngx_http_notify_api_events_json(ngx_http_notify_api_t *api,
    ngx_array_t *values, ngx_uint_t *many);
static ngx_int_t ngx_http_notify_api_events_lines(ngx_http_notify_api_t *api,
    ngx_array_t *values);
static ngx_int_t ngx_http_notify_api_events_add(ngx_array_t *values,
    const ngx_str_t *text);
static void ngx_http_notify_api_events_malformed(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_error_t *error, ngx_uint_t line);


ngx_int_t
ngx_http_notify_api_events_input(ngx_http_notify_api_t *api,
    ngx_array_t *values, ngx_uint_t *many)
{
    ngx_int_t  rc;

    if (ngx_http_notify_text_is_nocase(&api->content_type,
                                       "application/x-ndjson"))
    {
        *many = 1;
        rc = ngx_http_notify_api_events_lines(api, values);

    } else {
        rc = ngx_http_notify_api_events_json(api, values, many);
    }

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (values->nelts == 0
        || values->nelts > NGX_HTTP_NOTIFY_API_EVENTS_MAX)
    {
        ngx_http_notify_api_problem(api, 422, values->nelts
                                              ? "too_many_events"
                                              : "no_events",
                                    "a request takes 1 to %d events",
                                    NGX_HTTP_NOTIFY_API_EVENTS_MAX);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_events_json(ngx_http_notify_api_t *api,
    ngx_array_t *values, ngx_uint_t *many)
{
    ngx_str_t                      name, text;
    ngx_http_notify_json_iter_t    it;
    ngx_http_notify_json_error_t   error;

    if (ngx_http_notify_json_scan_events(&api->body, &text, &error)
        != NGX_OK)
    {
        ngx_http_notify_api_events_malformed(api, &error, 0);
        return NGX_DECLINED;
    }

    if (ngx_http_notify_json_kind(&text) != NGX_HTTP_NOTIFY_JSON_ARRAY) {
        return ngx_http_notify_api_events_add(values, &text);
    }

    *many = 1;
    ngx_http_notify_json_iter(&it, &text);

    while (values->nelts <= NGX_HTTP_NOTIFY_API_EVENTS_MAX
           && ngx_http_notify_json_next(&it, &name, &text) == NGX_OK)
    {
        if (ngx_http_notify_api_events_add(values, &text) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_events_add(ngx_array_t *values, const ngx_str_t *text)
{
    ngx_str_t  *value;

    value = ngx_array_push(values);
    if (value == NULL) {
        return NGX_ERROR;
    }

    *value = *text;

    return NGX_OK;
}


/* https://github.com/ndjson/ndjson-spec; empty lines are ignored */

static ngx_int_t
ngx_http_notify_api_events_lines(ngx_http_notify_api_t *api,
    ngx_array_t *values)
{
    u_char                         *p, *last, *end, *start;
    ngx_str_t                       line, text;
    ngx_uint_t                      n;
    ngx_http_notify_json_error_t    error;

    p = api->body.data;
    last = p + api->body.len;

    for (n = 1; p < last; n++, p = end + 1) {

        end = ngx_strlchr(p, last, '\n');
        if (end == NULL) {
            end = last;
        }

        start = p;

        while (start < end
               && (*start == ' ' || *start == '\t' || *start == '\r'))
        {
            start++;
        }

        if (start == end) {
            continue;
        }

        line.data = p;
        line.len = end - p;

        if (ngx_http_notify_json_scan_events(&line, &text, &error)
            != NGX_OK)
        {
            ngx_http_notify_api_events_malformed(api, &error, n);
            return NGX_DECLINED;
        }

        if (values->nelts > NGX_HTTP_NOTIFY_API_EVENTS_MAX) {
            return NGX_OK;
        }

        if (ngx_http_notify_api_events_add(values, &text) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_events_malformed(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_error_t *error, ngx_uint_t line)
{
    if (line) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST, "invalid_json",
                                    "line %ui is not acceptable JSON: %s at "
                                    "byte %uz", line, error->reason,
                                    error->offset);
        return;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST, "invalid_json",
                                "the body is not acceptable JSON: %s at byte "
                                "%uz", error->reason, error->offset);
}
