/*
 * The resource `settings`: the values of the channel and the flags of its
 * events at the root, the flags of one scope below it.  A scope is a tenant:
 * the default tenant sees all of them, a tenant its own.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_settings.h"
#include "ngx_http_notify_settings_form.h"
#include "ngx_http_notify_tenant.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_api_settings_handler(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_settings_admit(
    ngx_http_notify_api_t *api);
static ngx_str_t *ngx_http_notify_api_settings_scope(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_settings_read(ngx_http_notify_api_t *api);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_settings_show;
static void ngx_http_notify_api_settings_write(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_settings_written(
    const ngx_http_notify_settings_result_t *result, void *data);
static void ngx_http_notify_api_settings_copy(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_settings_missing(ngx_http_notify_api_t *api,
    const ngx_http_notify_settings_result_t *result);
static ngx_int_t ngx_http_notify_api_settings_events(
    ngx_http_notify_api_t *api, ngx_str_t **names, ngx_uint_t *n);


ngx_http_notify_api_resource_t  ngx_http_notify_api_settings = {
    ngx_string("settings"),
    { NGX_HTTP_GET|NGX_HTTP_PUT|NGX_HTTP_PATCH,
      NGX_HTTP_GET|NGX_HTTP_PUT|NGX_HTTP_PATCH },
    NULL,
    ngx_http_notify_api_settings_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static void
ngx_http_notify_api_settings_handler(ngx_http_notify_api_t *api)
{
    if (ngx_http_notify_api_settings_admit(api) != NGX_OK) {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there are no settings at this path");
        return;
    }

    if (api->method == NGX_HTTP_GET) {
        ngx_http_notify_api_settings_read(api);

    } else {
        ngx_http_notify_api_settings_write(api);
    }
}


/* a scope has the limits of a tenant's name */

static ngx_int_t
ngx_http_notify_api_settings_admit(ngx_http_notify_api_t *api)
{
    ngx_str_t  *scope;

    scope = ngx_http_notify_api_settings_scope(api);

    return (ngx_http_notify_tenant_check(scope) == NGX_OK
            && (api->tenant.len == 0
                || ngx_http_notify_text_equal(scope, &api->tenant)))
           ? NGX_OK : NGX_DECLINED;
}


static ngx_str_t *
ngx_http_notify_api_settings_scope(ngx_http_notify_api_t *api)
{
    static ngx_str_t  root = ngx_null_string;

    return api->nsegments ? &api->segments[0] : &root;
}


static void
ngx_http_notify_api_settings_read(ngx_http_notify_api_t *api)
{
    ngx_str_t                         *events;
    ngx_uint_t                         nevents;
    ngx_http_notify_settings_write_t   declared;

    if (ngx_http_notify_setting_names(api->request->pool, api->channel,
                                      &declared)
           != NGX_OK
        || ngx_http_notify_api_settings_events(api, &events, &nevents)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_settings_read(
            api->channel->redis, &api->channel->keys,
            ngx_http_notify_api_settings_scope(api), declared.declared,
            declared.ndeclared, events, nevents,
            ngx_http_notify_api_settings_show,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_settings_show(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_str_t                     *texts;
    ngx_uint_t                     i, n;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_resp_t        *value;
    ngx_http_notify_json_write_t   w;

    api = ngx_http_notify_api_suspended_reply(data, resp, "settings");
    if (api == NULL) {
        return;
    }

    n = (api->channel->settings ? api->channel->settings->nelts : 0)
        + (api->channel->events ? api->channel->events->nelts : 0)
          * (api->nsegments ? 2 : 1);

    texts = ngx_pcalloc(api->request->pool, (n + 1) * sizeof(ngx_str_t));
    if (texts == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    for (i = 0; i < n; i++) {

        /* the first is a field that never is */

        value = ngx_http_notify_resp_at(resp, i + 1);

        if (value && value->type == NGX_HTTP_NOTIFY_RESP_STRING) {
            texts[i] = value->str;
        }
    }

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_settings_form_show(&w, api->channel, api->nsegments,
                                       texts);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}


static void
ngx_http_notify_api_settings_write(ngx_http_notify_api_t *api)
{
    ngx_int_t                          rc;
    ngx_http_notify_json_t            *input;
    ngx_http_notify_settings_form_t    form;
    ngx_http_notify_settings_write_t   write;

    input = ngx_http_notify_api_document(api, 0);
    if (input == NULL) {
        return;
    }

    ngx_memzero(&form, sizeof(ngx_http_notify_settings_form_t));

    form.pool = api->request->pool;
    form.channel = api->channel;
    form.invalid = &api->invalid;
    form.scope = api->nsegments;
    form.replace = (api->method == NGX_HTTP_PUT);

    rc = ngx_http_notify_settings_form(&form, input);

    if (rc == NGX_DECLINED) {
        ngx_http_notify_api_unprocessable(api);
        return;
    }

    if (rc != NGX_OK
        || ngx_http_notify_setting_names(api->request->pool, api->channel,
                                         &write)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    write.scope = *ngx_http_notify_api_settings_scope(api);
    write.changes = form.changes.elts;
    write.nchanges = form.changes.nelts;
    write.now = ngx_http_notify_api_now();

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_settings_write(
            api->channel->redis, &api->channel->keys, &write,
            ngx_http_notify_api_settings_written,
            ngx_http_notify_api_suspended_begin(api)));
}


static ngx_int_t
ngx_http_notify_api_settings_events(ngx_http_notify_api_t *api,
    ngx_str_t **names, ngx_uint_t *n)
{
    ngx_uint_t                        i;
    ngx_http_notify_channel_event_t  *event;

    *names = NULL;
    *n = 0;

    if (api->channel->events == NULL) {
        return NGX_OK;
    }

    event = api->channel->events->elts;

    *names = ngx_palloc(api->request->pool,
                        api->channel->events->nelts * sizeof(ngx_str_t));
    if (*names == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < api->channel->events->nelts; i++) {
        (*names)[(*n)++] = event[i].name;
    }

    return NGX_OK;
}


/* answers with what holds now */

static void
ngx_http_notify_api_settings_written(
    const ngx_http_notify_settings_result_t *result, void *data)
{
    ngx_http_notify_api_t  *api;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    switch (result->status) {

    case NGX_HTTP_NOTIFY_SETTINGS_OK:
        ngx_http_notify_api_settings_copy(api);
        return;

    case NGX_HTTP_NOTIFY_SETTINGS_MISSING:
        ngx_http_notify_api_settings_missing(api, result);
        return;

    case NGX_HTTP_NOTIFY_SETTINGS_FULL:
        ngx_http_notify_api_problem(api, NGX_HTTP_INSUFFICIENT_STORAGE,
                                    "storage_full",
                                    "the store is out of memory");
        return;

    default:
        ngx_http_notify_api_unavailable(api);
    }
}


/*
 * What holds for all tenants is in all partitions when it is answered, a
 * tenant's flags are in its own; whose turn it is is the request's channel.  A
 * partition that is away gets it later from its worker.
 */

static void
ngx_http_notify_api_settings_copy(ngx_http_notify_api_t *api)
{
    ngx_str_t                         *scope;
    ngx_http_notify_channel_t         *first, *next;
    ngx_http_notify_settings_copy_t    copy;
    ngx_http_notify_settings_write_t   write;

    first = api->channel->parts[0];
    scope = ngx_http_notify_api_settings_scope(api);

    if (scope->len == 0) {
        next = ngx_http_notify_channel_next(api->channel);

    } else {
        next = ngx_http_notify_channel_of(first, scope);
        next = (next == api->channel) ? NULL : next;
    }

    if (next == NULL || (scope->len && api->channel != first)) {
        api->channel = first;
        ngx_http_notify_api_settings_read(api);
        return;
    }

    if (ngx_http_notify_setting_names(api->request->pool, first, &write)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    write.now = ngx_http_notify_api_now();

    ngx_http_notify_setting_copy(next, &copy);

    api->channel = next;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_settings_copy(
            &copy, &write, ngx_http_notify_api_settings_written,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_settings_missing(ngx_http_notify_api_t *api,
    const ngx_http_notify_settings_result_t *result)
{
    u_char      *p, *last;
    ngx_uint_t   i;
    u_char       buf[512];

    p = buf;
    last = buf + sizeof(buf);

    for (i = 0; i < result->n; i++) {
        ngx_http_notify_invalid_add(&api->invalid, &result->names[i],
                                    "is not set");
        p = ngx_slprintf(p, last, "%s%V", i ? ", " : "", &result->names[i]);
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT, "settings_missing",
                                "an event can be on only with these settings: "
                                "%*s", (size_t) (p - buf), buf);
}
