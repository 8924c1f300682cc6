/*
 * How an API call is answered: JSON, problem documents (RFC 9457), headers.
 * Every answer ends the request.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_script.h"


/* a problem's type: the code's place in the README */
#define NGX_HTTP_NOTIFY_API_ANSWER_TYPE  "README.md#"


static ngx_int_t ngx_http_notify_api_output(ngx_http_notify_api_t *api,
    ngx_uint_t status, const ngx_str_t *body, const char *type);
static ngx_str_t *ngx_http_notify_api_line(ngx_uint_t status);
static void ngx_http_notify_api_problem_send(ngx_http_notify_api_t *api,
    ngx_uint_t status, const char *code, const char *member,
    const ngx_str_t *value, const ngx_str_t *detail);
static void ngx_http_notify_api_problem_write(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w, ngx_uint_t status, const char *code,
    const ngx_str_t *detail);
static void ngx_http_notify_api_problem_errors(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w);


/* nginx has no text for some of them */

static ngx_str_t  ngx_http_notify_api_lines[] = {
    ngx_string("400 Bad Request"),
    ngx_string("401 Unauthorized"),
    ngx_string("403 Forbidden"),
    ngx_string("404 Not Found"),
    ngx_string("405 Method Not Allowed"),
    ngx_string("409 Conflict"),
    ngx_string("410 Gone"),
    ngx_string("412 Precondition Failed"),
    ngx_string("413 Content Too Large"),
    ngx_string("415 Unsupported Media Type"),
    ngx_string("422 Unprocessable Content"),
    ngx_string("429 Too Many Requests"),
    ngx_string("500 Internal Server Error"),
    ngx_string("503 Service Unavailable"),
    ngx_string("507 Insufficient Storage"),
    ngx_string("508 Loop Detected")
};


void
ngx_http_notify_api_send(ngx_http_notify_api_t *api, ngx_uint_t status,
    const ngx_str_t *json)
{
    if (api->answering) {
        api->answering(api, status, json);
    }

    ngx_http_notify_api_end(api, ngx_http_notify_api_output(api, status, json,
                                                        "application/json"));
}


/*
 * A body that comes after its head, and every answer of Redis, find the request
 * with one reference, which finalizing it gives up.
 */

void
ngx_http_notify_api_end(ngx_http_notify_api_t *api, ngx_int_t rc)
{
    api->rc = rc;
    api->request->write_event_handler = ngx_http_request_empty_handler;

    ngx_post_event(&api->end, &ngx_posted_events);
}


void
ngx_http_notify_api_end_handler(ngx_event_t *ev)
{
    ngx_http_notify_api_t *api = ev->data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = api->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, api->rc);
    ngx_http_run_posted_requests(c);
}


void
ngx_http_notify_api_send_json(ngx_http_notify_api_t *api, ngx_uint_t status,
    const ngx_http_notify_json_t *json)
{
    ngx_http_notify_json_write_t  w;

    if (json == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_json(&w, NULL, json);

    ngx_http_notify_api_send_written(api, status, &w);
}


void
ngx_http_notify_api_send_written(ngx_http_notify_api_t *api,
    ngx_uint_t status, ngx_http_notify_json_write_t *w)
{
    ngx_str_t  text;

    if (ngx_http_notify_json_write_done(w, &text) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_send(api, status, &text);
}


static ngx_int_t
ngx_http_notify_api_output(ngx_http_notify_api_t *api, ngx_uint_t status,
    const ngx_str_t *body, const char *type)
{
    ngx_http_request_t  *r;

    r = api->request;

    if (ngx_http_notify_reply_header_text(r, "Cache-Control", "no-store")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* preconditions are judged here, before a write, not by a filter after */
    r->disable_not_modified = 1;

    if (body == NULL) {
        r->headers_out.status = status;
        r->header_only = 1;

        if (status != NGX_HTTP_NO_CONTENT
            && status != NGX_HTTP_NOT_MODIFIED)
        {
            r->headers_out.content_length_n = 0;
        }

        return ngx_http_send_header(r);
    }

    return ngx_http_notify_reply(r, status, type, body);
}


ngx_int_t
ngx_http_notify_api_uri(ngx_http_notify_api_t *api, const ngx_str_t *id,
    ngx_str_t *uri)
{
    u_char     *p;
    size_t      len;
    ngx_str_t  *base;

    base = &api->base;

    len = base->len + 2 * ngx_escape_uri(NULL, base->data, base->len,
                                         NGX_ESCAPE_URI);
    if (id->len) {
        len += 1 + id->len + 2 * ngx_escape_uri(NULL, id->data, id->len,
                                                NGX_ESCAPE_URI_COMPONENT);
    }

    uri->data = ngx_pnalloc(api->request->pool, len + 1);
    if (uri->data == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) ngx_escape_uri(uri->data, base->data, base->len,
                                  NGX_ESCAPE_URI);
    if (p == uri->data) {
        p = ngx_cpymem(p, base->data, base->len);
    }

    if (id->len) {
        *p++ = '/';
        p = (u_char *) ngx_escape_uri(p, id->data, id->len,
                                      NGX_ESCAPE_URI_COMPONENT);
    }

    uri->len = p - uri->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_next(ngx_http_notify_api_t *api, const ngx_str_t *id,
    const char *path, ngx_uint_t limit, const char *name,
    const ngx_str_t *place, const ngx_str_t *more)
{
    ngx_str_t  uri, link;

    if (ngx_http_notify_api_uri(api, id, &uri) != NGX_OK) {
        goto failed;
    }

    link.len = uri.len + ngx_strlen(path) + ngx_strlen(name) + place->len
               + more->len + NGX_INT_T_LEN
               + sizeof("<?limit=&=>; rel=\"next\"") - 1;

    link.data = ngx_pnalloc(api->request->pool, link.len);
    if (link.data == NULL) {
        goto failed;
    }

    link.len = ngx_sprintf(link.data, "<%V%s?limit=%ui&%s=%V%V>; rel=\"next\"",
                           &uri, path, limit, name, place, more)
               - link.data;

    if (ngx_http_notify_reply_header(api->request, "Link", &link) == NGX_OK) {
        return NGX_OK;
    }

failed:

    ngx_http_notify_api_failed(api);

    return NGX_ABORT;
}


void
ngx_http_notify_api_problem(ngx_http_notify_api_t *api, ngx_uint_t status,
    const char *code, const char *fmt, ...)
{
    va_list    args;
    ngx_str_t  detail;

    va_start(args, fmt);
    detail = ngx_http_notify_invalid_text(api->request->pool, fmt, args);
    va_end(args);

    ngx_http_notify_api_problem_send(api, status, code, NULL, NULL, &detail);
}


void
ngx_http_notify_api_problem_extra(ngx_http_notify_api_t *api,
    ngx_uint_t status, const char *code, const char *member,
    const ngx_str_t *value, const char *fmt, ...)
{
    va_list    args;
    ngx_str_t  detail;

    va_start(args, fmt);
    detail = ngx_http_notify_invalid_text(api->request->pool, fmt, args);
    va_end(args);

    ngx_http_notify_api_problem_send(api, status, code, member, value,
                                     &detail);
}


static ngx_str_t *
ngx_http_notify_api_line(ngx_uint_t status)
{
    ngx_uint_t  i, n;

    n = sizeof(ngx_http_notify_api_lines) / sizeof(ngx_str_t);

    for (i = 0; i < n; i++) {
        if (ngx_atoi(ngx_http_notify_api_lines[i].data, 3)
            == (ngx_int_t) status)
        {
            return &ngx_http_notify_api_lines[i];
        }
    }

    return &ngx_http_notify_api_lines[0];
}


static ngx_int_t
ngx_http_notify_api_retry_after(ngx_http_notify_api_t *api)
{
    ngx_str_t  value;

    if (ngx_http_notify_memory_printf(api->request->pool, &value, "%ui",
                                      ngx_max(api->retry_after, 1))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_reply_header(api->request, "Retry-After", &value);
}


static void
ngx_http_notify_api_problem_send(ngx_http_notify_api_t *api,
    ngx_uint_t status, const char *code, const char *member,
    const ngx_str_t *value, const ngx_str_t *detail)
{
    ngx_int_t                      rc;
    ngx_str_t                      text;
    ngx_http_request_t            *r;
    ngx_http_notify_json_write_t   w;

    if (api->answering) {
        api->answering(api, status, NULL);
    }

    r = api->request;
    rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    if ((status == NGX_HTTP_SERVICE_UNAVAILABLE
         || status == NGX_HTTP_TOO_MANY_REQUESTS)
        && ngx_http_notify_api_retry_after(api) != NGX_OK)
    {
        goto done;
    }

    if (detail->data == NULL) {
        goto done;          /* no memory */
    }

    ngx_http_notify_json_write_init(&w, r->pool);
    ngx_http_notify_json_write_object(&w, NULL);

    ngx_http_notify_api_problem_write(api, &w, status, code, detail);

    if (member) {
        ngx_http_notify_json_write_string(&w, member, value);
    }

    ngx_http_notify_json_write_end(&w);

    if (ngx_http_notify_json_write_done(&w, &text) != NGX_OK) {
        goto done;
    }

    r->headers_out.status_line = *ngx_http_notify_api_line(status);

    rc = ngx_http_notify_api_output(api, status, &text,
                                    "application/problem+json");

done:

    ngx_http_notify_api_end(api, rc);
}


static void
ngx_http_notify_api_problem_write(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w, ngx_uint_t status, const char *code,
    const ngx_str_t *detail)
{
    ngx_str_t                  *line, title, type, id;
    ngx_http_variable_value_t  *vv;
    u_char                      buf[128];

    line = ngx_http_notify_api_line(status);

    title.data = line->data + 4;
    title.len = line->len - 4;

    /* a code of the configuration is one of what is missing */

    type.data = buf;
    type.len = ngx_snprintf(buf, sizeof(buf),
                            NGX_HTTP_NOTIFY_API_ANSWER_TYPE "%s",
                            api->invalid.code.len ? "invalid_members" : code)
               - buf;

    ngx_str_null(&id);

    vv = ngx_http_get_indexed_variable(api->request, api->request_id);

    if (vv && !vv->not_found) {
        id.data = vv->data;
        id.len = vv->len;
    }

    ngx_http_notify_json_write_string(w, "type", &type);
    ngx_http_notify_json_write_string(w, "title", &title);
    ngx_http_notify_json_write_integer(w, "status", status);
    ngx_http_notify_json_write_string(w, "detail", detail);
    ngx_http_notify_json_write_text(w, "code", code);
    ngx_http_notify_api_problem_errors(api, w);
    ngx_http_notify_json_write_string(w, "request_id", &id);
}


static void
ngx_http_notify_api_problem_errors(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    if (api->invalid.list == NULL) {
        return;
    }

    ngx_http_notify_json_write_array(w, "errors");

    kv = api->invalid.list->elts;

    for (i = 0; i < api->invalid.list->nelts; i++) {
        ngx_http_notify_json_write_object(w, NULL);
        ngx_http_notify_json_write_string(w, "pointer", &kv[i].key);
        ngx_http_notify_json_write_string(w, "detail", &kv[i].value);
        ngx_http_notify_json_write_end(w);
    }

    ngx_http_notify_json_write_end(w);
}


void
ngx_http_notify_api_failed(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_problem(api, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                "internal_error",
                                "the server is short of memory");
}


void
ngx_http_notify_api_unavailable(ngx_http_notify_api_t *api)
{
    if (api->unavailable) {
        api->unavailable(api);
        return;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                "redis_unavailable",
                                "the store does not answer; try again");
}


/* the detail repeats the errors, for people who see nothing else */

void
ngx_http_notify_api_unprocessable(ngx_http_notify_api_t *api)
{
    u_char        *p, *last;
    ngx_str_t      name;
    ngx_uint_t     i;
    ngx_keyval_t  *kv;
    u_char         buf[896];

    if (api->invalid.failed || api->invalid.list == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    kv = api->invalid.list->elts;
    p = buf;
    last = buf + sizeof(buf);

    for (i = 0; i < api->invalid.list->nelts; i++) {
        name = kv[i].key;

        if (name.len) {
            name.data++;
            name.len--;

        } else {
            ngx_str_set(&name, "");
        }

        /* whole errors only, so that no character is cut */

        if ((size_t) (last - p) < name.len + kv[i].value.len + 16) {
            p = ngx_slprintf(p, last, "; ...");
            break;
        }

        p = ngx_slprintf(p, last, "%s%V%s%V", i ? "; " : "", &name,
                         name.len ? " " : "", &kv[i].value);
    }

    if (api->invalid.code.len) {
        ngx_http_notify_api_problem_extra(api, 422,
                                          (char *) api->invalid.code.data,
                                          "errorCode", &api->invalid.code,
                                          "%*s", (size_t) (p - buf), buf);
        return;
    }

    ngx_http_notify_api_problem(api, 422, "invalid_members", "%*s",
                                (size_t) (p - buf), buf);
}


ngx_int_t
ngx_http_notify_api_reply(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp, const char *who)
{
    switch (ngx_http_notify_script_verdict(api->channel->redis,
                                           resp, who))
    {
    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        ngx_http_notify_api_problem(api, NGX_HTTP_INSUFFICIENT_STORAGE,
                                    "storage_full",
                                    "the store is out of memory");
        return NGX_ABORT;

    default:
        ngx_http_notify_api_unavailable(api);
        return NGX_ABORT;
    }
}
