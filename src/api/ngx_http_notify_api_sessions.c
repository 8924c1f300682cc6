/*
 * The resource `sessions`: devices, registered by whoever knows them, and
 * whether they are connected.  A session is the tenant's own.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_sessions_browser.h"
#include "ngx_http_notify_body.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_push.h"
#include "ngx_http_notify_push_browser.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_urlencoded.h"


#define NGX_HTTP_NOTIFY_API_SESSIONS_VALUES   32
#define NGX_HTTP_NOTIFY_API_SESSIONS_BYTES    4096
#define NGX_HTTP_NOTIFY_API_SESSIONS_TTL      86400         /* s */
#define NGX_HTTP_NOTIFY_API_SESSIONS_TTL_MAX  (366 * 86400)
#define NGX_HTTP_NOTIFY_API_SESSIONS_BEAT     90            /* s */
#define NGX_HTTP_NOTIFY_API_SESSIONS_BEAT_MAX 86400


static ngx_uint_t ngx_http_notify_api_sessions_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_sessions_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_sessions_put(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_sessions_values(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    ngx_str_t *args, ngx_uint_t *n);
static ngx_int_t ngx_http_notify_api_sessions_value(
    ngx_http_notify_api_t *api, const ngx_str_t *name,
    const ngx_http_notify_json_t *json, ngx_str_t *value);
static void ngx_http_notify_api_sessions_mark(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_sessions_time(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    const char *member, time_t value, time_t max, ngx_str_t *ms);
static ngx_http_notify_json_t *ngx_http_notify_api_sessions_input(
    ngx_http_notify_api_t *api);
static ngx_http_notify_json_t *ngx_http_notify_api_sessions_form(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_sessions_call(ngx_http_notify_api_t *api,
    const ngx_str_t *args, ngx_uint_t nargs);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_sessions_done;
static void ngx_http_notify_api_sessions_show(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp, ngx_http_notify_json_write_t *w);


ngx_http_notify_api_resource_t  ngx_http_notify_api_sessions = {
    ngx_string("sessions"),
    { 0, NGX_HTTP_GET|NGX_HTTP_PUT|NGX_HTTP_DELETE },
    ngx_http_notify_api_sessions_methods,
    ngx_http_notify_api_sessions_handler,
    NGX_HTTP_NOTIFY_API_FORM,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static ngx_uint_t
ngx_http_notify_api_sessions_methods(ngx_http_notify_api_t *api)
{
    static const ngx_str_t  verbs[] = {
        ngx_string("connected"),
        ngx_string("heartbeat"),
        ngx_string("disconnected")
    };

    return (api->nsegments == 2
            && ngx_http_notify_text_find_in(&api->segments[1], verbs))
           ? NGX_HTTP_POST : 0;
}


static void
ngx_http_notify_api_sessions_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t  *id, arg;

    id = &api->segments[0];

    if (id->len == 0 || id->len > NGX_HTTP_NOTIFY_SESSIONS_ID
        || ngx_http_notify_text_control(id))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "this is no id of a session");
        return;
    }

    switch (api->method) {

    case NGX_HTTP_PUT:
        ngx_http_notify_api_sessions_put(api);
        return;

    case NGX_HTTP_POST:
        ngx_http_notify_api_sessions_mark(api);
        return;

    case NGX_HTTP_DELETE:
        ngx_str_set(&arg, "delete");
        break;

    default: /* NGX_HTTP_GET */
        ngx_str_set(&arg, "get");
        break;
    }

    ngx_http_notify_api_sessions_call(api, &arg, 1);
}


static void
ngx_http_notify_api_sessions_put(ngx_http_notify_api_t *api)
{
    ngx_int_t                rc;
    ngx_str_t                args[5 + 2 * NGX_HTTP_NOTIFY_API_SESSIONS_VALUES];
    ngx_uint_t               n;
    ngx_http_notify_json_t  *input;

    input = ngx_http_notify_api_sessions_input(api);
    if (input == NULL) {
        return;
    }

    n = 0;

    ngx_str_set(&args[0], "put");
    ngx_str_set(&args[2], "");

    rc = ngx_http_notify_api_sessions_time(api, input, "ttl",
                                          NGX_HTTP_NOTIFY_API_SESSIONS_TTL,
                                          NGX_HTTP_NOTIFY_API_SESSIONS_TTL_MAX,
                                          &args[1]);

    if (rc != NGX_ERROR) {
        rc = ngx_http_notify_api_sessions_values(api, input, args, &n);
    }

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return;
    }

    ngx_http_notify_api_sessions_call(api, args, n);
}


/* args[2] and those behind it, and *n of all; NGX_ERROR: memory */

static ngx_int_t
ngx_http_notify_api_sessions_values(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, ngx_str_t *args, ngx_uint_t *n)
{
    void                    *cursor;
    size_t                   bytes;
    ngx_str_t                name, value, provider;
    ngx_int_t                rc;
    ngx_uint_t               browser;
    ngx_http_notify_json_t  *member;

    *n = 3;
    bytes = 0;
    cursor = NULL;
    ngx_str_null(&provider);

    while ((member = ngx_http_notify_json_member(input, &cursor, &name))
           != NULL)
    {
        if (ngx_http_notify_text_is_nocase(&name, "ttl")) {
            continue;
        }

        browser = ngx_http_notify_text_is_nocase(&name, "subscription")
                  && ngx_http_notify_json_type(member)
                     == NGX_HTTP_NOTIFY_JSON_OBJECT;

        rc = browser
             ? ngx_http_notify_api_sessions_browser(api, input, member,
                                                    &provider, &value)
             : ngx_http_notify_api_sessions_value(api, &name, member, &value);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        if (browser) {
            ngx_str_set(&name, NGX_HTTP_NOTIFY_PUSH_BROWSER_NAME);

        } else if (ngx_http_notify_text_is_nocase(&name, "subscription")) {
            args[2] = value;
            continue;
        }

        bytes += name.len + value.len;

        if (*n == 3 + 2 * NGX_HTTP_NOTIFY_API_SESSIONS_VALUES
            || bytes > NGX_HTTP_NOTIFY_API_SESSIONS_BYTES)
        {
            ngx_http_notify_invalid_add(&api->invalid, NULL, "more than %d "
                                        "values or %d bytes",
                                        NGX_HTTP_NOTIFY_API_SESSIONS_VALUES,
                                        NGX_HTTP_NOTIFY_API_SESSIONS_BYTES);
            break;
        }

        args[(*n)++] = name;
        args[(*n)++] = value;
    }

    if (provider.len) {
        ngx_str_set(&args[*n], "provider");
        args[*n + 1] = provider;
        *n += 2;
    }

    return NGX_OK;
}


/* NGX_DECLINED: it is no value, or none to keep */

static ngx_int_t
ngx_http_notify_api_sessions_value(ngx_http_notify_api_t *api,
    const ngx_str_t *name, const ngx_http_notify_json_t *json,
    ngx_str_t *value)
{
    static const ngx_str_t  ours[] = {
        ngx_string("id"),
        ngx_string("connected"),
        ngx_string("connectedUntil"),
        ngx_string("registered")
    };

    /* what an answer has may be sent back */

    if (ngx_http_notify_text_find_in_nocase(name, ours)) {
        return NGX_DECLINED;
    }

    switch (ngx_http_notify_json_type(json)) {

    case NGX_HTTP_NOTIFY_JSON_NULL:
        return NGX_DECLINED;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        *value = ngx_http_notify_json_string(json);
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_TRUE:
    case NGX_HTTP_NOTIFY_JSON_FALSE:
    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        return ngx_http_notify_json_dump(api->request->pool, json, 0, value);

    default:
        ngx_http_notify_invalid_add(&api->invalid, name,
                                    "must be a text, a number or a boolean");
        return NGX_DECLINED;
    }
}


static void
ngx_http_notify_api_sessions_mark(ngx_http_notify_api_t *api)
{
    ngx_int_t                rc;
    ngx_str_t                args[2];
    ngx_uint_t               ends;
    ngx_http_notify_json_t  *input;

    static const char  *names[] = { "timeout", NULL };

    ngx_str_set(&args[0], "until");
    ngx_str_set(&args[1], "0");

    input = ngx_http_notify_api_sessions_input(api);
    if (input == NULL) {
        return;
    }

    ends = (api->segments[1].data[0] == 'd');

    ngx_http_notify_api_only(api, input, names + ends);

    if (!ends) {
        rc = ngx_http_notify_api_sessions_time(api, input, "timeout",
                                        NGX_HTTP_NOTIFY_API_SESSIONS_BEAT,
                                        NGX_HTTP_NOTIFY_API_SESSIONS_BEAT_MAX,
                                        &args[1]);
        if (rc == NGX_ERROR) {
            ngx_http_notify_api_failed(api);
            return;
        }

    }

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return;
    }

    ngx_http_notify_api_sessions_call(api, args, 2);
}


/* "1d", "94600", 94600: milliseconds as text */

static ngx_int_t
ngx_http_notify_api_sessions_time(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char *member, time_t value,
    time_t max, ngx_str_t *ms)
{
    int64_t                  n;
    ngx_str_t                name, text;
    ngx_http_notify_json_t  *json;

    json = ngx_http_notify_json_get_nocase(input, member);

    if (json != NULL) {
        text = ngx_http_notify_json_string(json);

        if (text.len) {
            value = ngx_parse_time(&text, 1);

        } else if (ngx_http_notify_json_integer(json, &n) == NGX_OK) {
            value = (n > 0 && n <= max) ? (time_t) n : NGX_ERROR;

        } else {
            value = NGX_ERROR;
        }
    }

    if (value <= 0 || value > max) {
        name = ngx_http_notify_text(member);
        ngx_http_notify_invalid_add(&api->invalid, &name,
                                    "must be a time of 1 to %T seconds", max);
        return NGX_DECLINED;
    }

    return ngx_http_notify_memory_printf(api->request->pool, ms, "%L",
                                         (int64_t) value * 1000);
}


static ngx_http_notify_json_t *
ngx_http_notify_api_sessions_input(ngx_http_notify_api_t *api)
{
    return ngx_http_notify_body_is(api->request,
                                   "application/x-www-form-urlencoded")
           ? ngx_http_notify_api_sessions_form(api)
           : ngx_http_notify_api_document(api, 1);
}


/* a=b&userData[c]=d is {"a":"b","c":"d"}; NULL: an answer has been sent */

static ngx_http_notify_json_t *
ngx_http_notify_api_sessions_form(ngx_http_notify_api_t *api)
{
    ngx_str_t                form, name, value;
    ngx_uint_t               n;
    ngx_pool_t              *pool;
    const char              *reason;
    ngx_http_notify_json_t  *object;

    static const size_t  wrap = sizeof("userData[") - 1;

    pool = api->request->pool;

    object = ngx_http_notify_json_new_object(pool);
    if (object == NULL) {
        ngx_http_notify_api_failed(api);
        return NULL;
    }

    n = 0;
    form = api->body;

    while (ngx_http_notify_urlencoded_next(&form, &name, &value) == NGX_OK) {

        if (ngx_http_notify_urlencoded_decode(pool, &name, &name) != NGX_OK
            || ngx_http_notify_urlencoded_decode(pool, &value, &value)
               != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return NULL;
        }

        if (name.len > wrap + 1 && name.data[name.len - 1] == ']'
            && ngx_strncasecmp(name.data, (u_char *) "userData[", wrap) == 0)
        {
            name.data += wrap;
            name.len -= wrap + 1;
        }

        name.data[name.len] = '\0';

        reason = NULL;

        if (name.len == 0) {
            reason = "has no name";

        } else if (ngx_strlen(name.data) != name.len
                   || !ngx_http_notify_text_utf8(&name)
                   || !ngx_http_notify_text_utf8(&value))
        {
            reason = "is not UTF-8, or its name has a NUL";

        } else if (ngx_http_notify_json_get_nocase(object,
                                                   (char *) name.data))
        {
            reason = "is given twice";

        } else if (++n > 2 * NGX_HTTP_NOTIFY_API_SESSIONS_VALUES) {
            reason = "is one too many, 64 are allowed";
        }

        if (reason) {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_form",
                                        "the field \"%*s\" of the form %s",
                                        ngx_min(name.len, 64), name.data,
                                        reason);
            return NULL;
        }

        if (ngx_http_notify_json_set_string(object, (char *) name.data,
                                            &value)
            != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return NULL;
        }
    }

    return object;
}


static void
ngx_http_notify_api_sessions_call(ngx_http_notify_api_t *api,
    const ngx_str_t *args, ngx_uint_t nargs)
{
    if (api->method == NGX_HTTP_PUT) {
        ngx_http_notify_api_suspended_began(api,
            ngx_http_notify_push_register(
                api->channel->redis, api->channel, &api->tenant,
                &api->segments[0], args, nargs,
                ngx_http_notify_api_sessions_done,
                ngx_http_notify_api_suspended_begin(api)));
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_sessions_call(
            api->channel->redis, &api->channel->keys, &api->tenant,
            &api->segments[0], api->channel->sessions_max, args, nargs,
            ngx_http_notify_api_sessions_done,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_sessions_done(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_str_t                      name;
    ngx_uint_t                     status;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_resp_t        *new;
    ngx_http_notify_json_write_t   w;

    api = ngx_http_notify_api_suspended_reply(data, resp, "sessions");
    if (api == NULL) {
        return;
    }

    if (ngx_http_notify_script_says(resp, "none")) {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such session");
        return;
    }

    if (ngx_http_notify_script_says(resp, "full")) {
        ngx_http_notify_tenants_add(api->channel->metrics, &api->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_SESSIONS_REFUSED,
                                    1);
        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT,
                                    "too_many_sessions",
                                    "the tenant has as many sessions as "
                                    "sessions_max allows, %ui",
                                    api->channel->sessions_max);
        return;
    }

    if (ngx_http_notify_script_says(resp, "subscription")) {
        ngx_str_set(&name, "subscription");
        ngx_http_notify_invalid_add(&api->invalid, &name,
                                    "there is no such subscription");
        ngx_http_notify_api_unprocessable(api);
        return;
    }

    if (api->method == NGX_HTTP_DELETE) {
        ngx_http_notify_api_send(api, NGX_HTTP_NO_CONTENT, NULL);
        return;
    }

    new = ngx_http_notify_resp_at(resp, 2);
    status = (new && new->integer) ? NGX_HTTP_CREATED : NGX_HTTP_OK;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_api_sessions_show(api, resp, &w);

    ngx_http_notify_api_send_written(api, status, &w);
}


static void
ngx_http_notify_api_sessions_show(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp, ngx_http_notify_json_write_t *w)
{
    int64_t                  until, n, now;
    ngx_uint_t               i;
    const ngx_str_t         *browser;
    ngx_http_notify_resp_t  *field, *value;

    field = ngx_http_notify_resp_at(resp, 1);
    now = field ? field->integer : 0;
    until = 0;
    browser = ngx_http_notify_api_sessions_browser_kept(resp);

    ngx_http_notify_json_write_object(w, NULL);
    ngx_http_notify_json_write_string(w, "id", &api->segments[0]);

    for (i = 3; i + 1 < resp->nelts; i += 2) {

        field = resp->elts[i];
        value = resp->elts[i + 1];

        if (field->str.len == 0) {
            continue;
        }

        n = 0;
        (void) ngx_http_notify_json_int64(&value->str, &n);

        switch (field->str.data[0]) {

        case 'u':
        case '@':
            until = ngx_max(until, n);
            break;

        case 's':
            if (browser) {
                break;
            }

            ngx_http_notify_json_write_string(w, "subscription", &value->str);
            break;

        case 't':
            ngx_http_notify_json_write_integer(w, "ttl", n / 1000);
            break;

        case 'r':
            ngx_http_notify_json_write_time(w, "registered", n);
            break;

        case ':':
            if (&value->str == browser) {
                ngx_http_notify_json_write_raw(w, "subscription", browser);
                break;
            }

            ngx_http_notify_json_write_string(w, (char *) &field->str.data[1],
                                              &value->str);
            break;

        default:
            break;
        }
    }

    ngx_http_notify_json_write_bool(w, "connected", until > now);

    if (until > now) {
        ngx_http_notify_json_write_time(w, "connectedUntil", until);
    }

    ngx_http_notify_json_write_end(w);
}
