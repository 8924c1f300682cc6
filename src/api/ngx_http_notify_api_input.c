/*
 * What is read of a request besides its path: the body as a document, query
 * arguments, headers.  Where it is not acceptable an answer is sent.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_event_name.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_request_header.h"
#include "ngx_http_notify_urlencoded.h"


#define NGX_HTTP_NOTIFY_API_LIMIT          100
#define NGX_HTTP_NOTIFY_API_LIMIT_MAX      250
#define NGX_HTTP_NOTIFY_API_MEMBERS        256


static ngx_int_t ngx_http_notify_api_members(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *json);


ngx_http_notify_json_t *
ngx_http_notify_api_document(ngx_http_notify_api_t *api, ngx_uint_t optional)
{
    ngx_http_notify_json_t        *json;
    ngx_http_notify_json_error_t   error;

    if (api->body.len == 0 && optional) {
        json = ngx_http_notify_json_new_object(api->request->pool);

        if (json == NULL) {
            ngx_http_notify_api_failed(api);
        }

        return json;
    }

    error.reason = NULL;
    error.offset = 0;

    json = ngx_http_notify_json_parse(api->request->pool, &api->body, &error);

    if (json == NULL) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST, "invalid_json",
                                    "the body is not acceptable JSON: %s at "
                                    "byte %uz",
                                    error.reason ? error.reason : "error",
                                    error.offset);
        return NULL;
    }

    if (ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_json",
                                    "the body must be a JSON object");
        return NULL;
    }

    if (ngx_http_notify_api_members(api, json) != NGX_OK) {
        return NULL;
    }

    return json;
}


/* names that differ in case only are the same name, given twice */

static ngx_int_t
ngx_http_notify_api_members(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *json)
{
    void        *cursor;
    ngx_str_t    name, *names;
    ngx_uint_t   i, n;

    names = ngx_palloc(api->request->pool,
                       NGX_HTTP_NOTIFY_API_MEMBERS * sizeof(ngx_str_t));
    if (names == NULL) {
        ngx_http_notify_api_failed(api);
        return NGX_ERROR;
    }

    cursor = NULL;
    n = 0;

    while (ngx_http_notify_json_member(json, &cursor, &name)) {

        if (n == NGX_HTTP_NOTIFY_API_MEMBERS) {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "too_many_members",
                                        "the object has more than %d members",
                                        NGX_HTTP_NOTIFY_API_MEMBERS);
            return NGX_DECLINED;
        }

        for (i = 0; i < n; i++) {
            if (ngx_http_notify_text_equal_nocase(&names[i], &name)) {
                ngx_http_notify_api_twice(api, &name);
                return NGX_DECLINED;
            }
        }

        names[n++] = name;
    }

    return NGX_OK;
}


void
ngx_http_notify_api_twice(ngx_http_notify_api_t *api, const ngx_str_t *name)
{
    const ngx_str_t  *at;

    at = &api->invalid.prefix;

    if (name->len == 0) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "duplicate_member",
                                    "an object has a member twice%s%V",
                                    at->len ? ", in " : "", at);
        return;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST, "duplicate_member",
                                "the member \"%V\" is given twice%s%V", name,
                                at->len ? ", in " : "", at);
}


void
ngx_http_notify_api_only(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char **names)
{
    void        *cursor;
    ngx_str_t    name;
    ngx_uint_t   i;

    cursor = NULL;

    while (ngx_http_notify_json_member(input, &cursor, &name)) {

        for (i = 0; names[i]; i++) {
            if (ngx_strcasecmp(name.data, (u_char *) names[i]) == 0) {
                break;
            }
        }

        if (names[i] == NULL) {
            ngx_http_notify_invalid_add(&api->invalid, &name,
                                        "is not a member of this request");
        }
    }
}


ngx_int_t
ngx_http_notify_api_arg(ngx_http_notify_api_t *api, const char *name,
    ngx_str_t *value)
{
    ngx_str_t   args, arg, text;
    ngx_uint_t  found;

    args = api->request->args;
    found = 0;

    while (ngx_http_notify_urlencoded_next(&args, &arg, &text) == NGX_OK) {

        if (!ngx_http_notify_text_is_nocase(&arg, name)) {
            continue;
        }

        if (found
            || ngx_http_notify_urlencoded_decode_strict(api->request->pool,
                                                        &text, value)
               != NGX_OK)
        {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_parameter",
                                        "the parameter \"%s\" is %s", name,
                                        found ? "given twice"
                                              : "not URL-encoded UTF-8");
            return NGX_ABORT;
        }

        found = 1;
    }

    return found ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_api_limit(ngx_http_notify_api_t *api, ngx_uint_t *limit)
{
    ngx_int_t  n;
    ngx_str_t  value;

    *limit = NGX_HTTP_NOTIFY_API_LIMIT;

    switch (ngx_http_notify_api_arg(api, "limit", &value)) {

    case NGX_DECLINED:
        return NGX_OK;

    case NGX_OK:
        break;

    default:
        return NGX_ABORT;
    }

    n = ngx_atoi(value.data, value.len);

    if (n < 1 || n > NGX_HTTP_NOTIFY_API_LIMIT_MAX) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"limit\" must be between 1 and %d",
                                    NGX_HTTP_NOTIFY_API_LIMIT_MAX);
        return NGX_ABORT;
    }

    *limit = n;

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_api_owns(const ngx_http_notify_api_t *api,
    const ngx_str_t *tenant)
{
    return ngx_http_notify_text_equal(tenant, &api->tenant);
}


uint64_t
ngx_http_notify_api_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


ngx_int_t
ngx_http_notify_api_request_header(ngx_http_notify_api_t *api,
    const char *name, ngx_str_t *value)
{
    ngx_str_t  text;

    text = ngx_http_notify_text(name);

    return ngx_http_notify_request_header(api->request, &text, value)
           ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_api_event_type(ngx_http_notify_api_t *api, ngx_str_t *type)
{
    ngx_str_t  all;

    if (ngx_http_notify_channel_event(api->channel, &api->segments[0], type,
                                      NULL)
        == NGX_OK)
    {
        return NGX_OK;
    }

    all = ngx_http_notify_event_name_all(api->channel, api->request->pool);

    ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                "\"%V\" is not an event of this channel, "
                                "event-types lists them%V", &api->segments[0],
                                &all);
    return NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_api_json(ngx_http_notify_api_t *api, ngx_str_t *value)
{
    ngx_http_notify_json_error_t  error;

    if (ngx_http_notify_json_scan_events(&api->body, value, &error)
        == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST, "invalid_json",
                                "the body is not JSON: %s at byte %uz",
                                error.reason, error.offset);
    return NGX_DECLINED;
}
