/*
 * What is read of a request besides its path: the body as a document, query
 * arguments, headers.  Where it is not acceptable an answer is sent.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_LIMIT          100
#define NGX_HTTP_NOTIFY_API_LIMIT_MAX      250
#define NGX_HTTP_NOTIFY_API_MEMBERS        256


static ngx_int_t ngx_http_notify_api_members(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *json);
static ngx_int_t ngx_http_notify_api_decode(ngx_pool_t *pool, u_char *p,
    u_char *last, ngx_str_t *value);


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
            if (names[i].len == name.len
                && ngx_strncasecmp(names[i].data, name.data, name.len) == 0)
            {
                ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                            "duplicate_member",
                                            "the member \"%V\" is given "
                                            "twice", &name);
                return NGX_DECLINED;
            }
        }

        names[n++] = name;
    }

    return NGX_OK;
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
    u_char     *p, *last, *end, *eq;
    size_t      len;
    ngx_uint_t  found;

    len = ngx_strlen(name);
    p = api->request->args.data;
    last = p + api->request->args.len;
    found = 0;

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        eq = ngx_strlchr(p, end, '=');
        if (eq == NULL) {
            eq = end;
        }

        if ((size_t) (eq - p) != len
            || ngx_strncasecmp(p, (u_char *) name, len) != 0)
        {
            continue;
        }

        if (found
            || ngx_http_notify_api_decode(api->request->pool,
                                          eq < end ? eq + 1 : end, end, value)
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


static ngx_int_t
ngx_http_notify_api_decode(ngx_pool_t *pool, u_char *p, u_char *last,
    ngx_str_t *value)
{
    u_char     *d;
    ngx_int_t   ch;

    d = ngx_pnalloc(pool, last - p + 1);
    if (d == NULL) {
        return NGX_ERROR;
    }

    value->data = d;

    while (p < last) {

        if (*p != '%') {
            *d++ = *p++;
            continue;
        }

        if (last - p < 3) {
            return NGX_DECLINED;
        }

        ch = ngx_hextoi(p + 1, 2);
        if (ch == NGX_ERROR || ch == 0) {
            return NGX_DECLINED;
        }

        *d++ = (u_char) ch;
        p += 3;
    }

    value->len = d - value->data;

    return ngx_http_notify_text_utf8(value) ? NGX_OK : NGX_DECLINED;
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
    if (tenant->len != api->tenant.len) {
        return 0;
    }

    return tenant->len == 0
           || ngx_memcmp(tenant->data, api->tenant.data, tenant->len) == 0;
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
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);
    part = &api->request->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NGX_DECLINED;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == len
            && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
        {
            *value = h[i].value;
            return NGX_OK;
        }
    }
}
