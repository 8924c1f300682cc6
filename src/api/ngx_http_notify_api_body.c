/*
 * The body of an API call: read, of a type that its resource takes, and not
 * sent by a page of another site.  Knows no resource's members.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_once.h"
#include "ngx_http_notify_body.h"
#include "ngx_http_notify_text.h"


/* a body in memory, where client_max_body_size has no limit */
#define NGX_HTTP_NOTIFY_API_BODY_MAX  (64 * 1024 * 1024)


static void ngx_http_notify_api_type(ngx_http_notify_api_t *api);
static ngx_uint_t ngx_http_notify_api_type_ok(ngx_http_notify_api_t *api,
    ngx_uint_t also);
static ngx_uint_t ngx_http_notify_api_foreign(ngx_http_notify_api_t *api);
static ngx_uint_t ngx_http_notify_api_foreign_origin(
    ngx_http_notify_api_t *api, const ngx_str_t *origin);


void
ngx_http_notify_api_body_handler(ngx_http_request_t *r)
{
    ngx_str_t                        coding;
    ngx_http_notify_api_t           *api;
    ngx_http_notify_api_resource_t  *resource;

    api = ngx_http_get_module_ctx(r, ngx_http_notify_api_module);

    resource = api->data;
    api->data = NULL;

    if (ngx_http_notify_api_admit(api, resource) != NGX_OK) {
        return;
    }

    switch (ngx_http_notify_body(r, NGX_HTTP_NOTIFY_API_BODY_MAX, &api->body))
    {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        ngx_http_notify_api_problem(api, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                    "body_too_large",
                                    "the body is larger than %d bytes",
                                    NGX_HTTP_NOTIFY_API_BODY_MAX);
        return;

    default:
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_type(api);

    /* a form can send these, a page needs leave to send JSON */

    if (api->method == NGX_HTTP_POST
        && (api->content_type.len == 0
            || !ngx_http_notify_api_type_ok(api, NGX_HTTP_NOTIFY_API_NDJSON))
        && ngx_http_notify_api_foreign(api))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                    "unsupported_media_type",
                                    "a page of another site must send "
                                    "\"Content-Type: application/json\"");
        return;
    }

    if (api->body.len
        && ngx_http_notify_api_request_header(api, "Content-Encoding", &coding)
           == NGX_OK
        && !ngx_http_notify_text_is_nocase(&coding, "identity"))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                    "unsupported_media_type",
                                    "the body must not be compressed");
        return;
    }

    if (api->body.len
        && !ngx_http_notify_api_type_ok(api, resource->types))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                    "unsupported_media_type",
                                    resource->open
                                        ? "the body must be JSON or a form"
                                        : "the body must be JSON: send it with "
                                          "\"Content-Type: application/json\"");
        return;
    }

    if (api->method == NGX_HTTP_POST
        && ngx_http_notify_api_once(api, resource) == NGX_DONE)
    {
        return;
    }

    resource->handler(api);
}


/* RFC 9110, 8.3: the type without its parameters */

static void
ngx_http_notify_api_type(ngx_http_notify_api_t *api)
{
    u_char     *p, *last;
    ngx_str_t  *value;

    if (api->request->headers_in.content_type == NULL) {
        return;
    }

    value = &api->request->headers_in.content_type->value;

    p = value->data;
    last = p + value->len;

    while (p < last && *p != ';') {
        p++;
    }

    while (p > value->data && (p[-1] == ' ' || p[-1] == '\t')) {
        p--;
    }

    api->content_type.data = value->data;
    api->content_type.len = p - value->data;
}


static ngx_uint_t
ngx_http_notify_api_type_ok(ngx_http_notify_api_t *api, ngx_uint_t also)
{
    ngx_uint_t   i;

    static const struct {
        ngx_str_t    name;
        ngx_uint_t   patch;
        ngx_uint_t   also;
    } types[] = {
        { ngx_string("application/json"), 0, 0 },
        { ngx_string("application/merge-patch+json"), 1, 0 },
        { ngx_string("application/x-ndjson"), 0, NGX_HTTP_NOTIFY_API_NDJSON },
        { ngx_string("application/x-www-form-urlencoded"), 0,
          NGX_HTTP_NOTIFY_API_FORM }
    };

    if (api->nsegments) {

        /* lines are many things at a time, which only collections take */

        also &= ~NGX_HTTP_NOTIFY_API_NDJSON;
    }

    if (api->content_type.len == 0) {
        return 1;
    }

    if ((also & NGX_HTTP_NOTIFY_API_SUFFIX)
        && api->content_type.len > 5
        && ngx_strncasecmp(api->content_type.data + api->content_type.len - 5,
                           (u_char *) "+json", 5)
           == 0)
    {
        return 1;
    }

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {

        if ((types[i].patch && api->method != NGX_HTTP_PATCH)
            || (types[i].also && !(types[i].also & also)))
        {
            continue;
        }

        if (ngx_http_notify_text_equal_nocase(&types[i].name,
                                              &api->content_type))
        {
            return 1;
        }
    }

    return 0;
}


/* what a browser says of the page; other clients say nothing */

static ngx_uint_t
ngx_http_notify_api_foreign(ngx_http_notify_api_t *api)
{
    ngx_str_t  value;

    if (ngx_http_notify_api_request_header(api, "Sec-Fetch-Site", &value)
        == NGX_OK)
    {
        return !ngx_http_notify_text_is(&value, "same-origin")
               && !ngx_http_notify_text_is(&value, "none");
    }

    return ngx_http_notify_api_request_header(api, "Origin", &value) == NGX_OK
           && ngx_http_notify_api_foreign_origin(api, &value);
}


/* RFC 6454: scheme://host[:port] without a default port, or "null" */

static ngx_uint_t
ngx_http_notify_api_foreign_origin(ngx_http_notify_api_t *api,
    const ngx_str_t *origin)
{
    u_char              *p, *last;
    ngx_str_t            host, port;
    ngx_http_request_t  *r;

    r = api->request;
    last = origin->data + origin->len;

    p = ngx_strlcasestrn(origin->data, last, (u_char *) "://", 3 - 1);
    if (p == NULL) {
        return 1;
    }

    if (p - origin->data == 4) {
        ngx_str_set(&port, ":80");

    } else {
        ngx_str_set(&port, ":443");
    }

    p += 3;

    host = r->headers_in.host ? r->headers_in.host->value
                              : r->headers_in.server;

    if (host.len > port.len
        && ngx_memcmp(&host.data[host.len - port.len], port.data, port.len)
           == 0)
    {
        host.len -= port.len;
    }

    return (size_t) (last - p) != host.len
           || ngx_strncasecmp(p, host.data, host.len) != 0;
}
