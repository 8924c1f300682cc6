/*
 * The resource `filter`: what a filter says of an event that the client shows.
 * Nothing is stored or asked.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_event_form.h"
#include "ngx_http_notify_filter_form.h"
#include "ngx_http_notify_text.h"


static ngx_uint_t ngx_http_notify_api_filter_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_filter_handler(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_filter_members(
    ngx_http_notify_api_t *api, const ngx_str_t *body, ngx_str_t *filter,
    ngx_str_t *event);
static ngx_int_t ngx_http_notify_api_filter_event(ngx_http_notify_api_t *api,
    const ngx_str_t *json, ngx_http_notify_event_t *event);
static void ngx_http_notify_api_filter_send(ngx_http_notify_api_t *api,
    ngx_uint_t match);


ngx_http_notify_api_resource_t  ngx_http_notify_api_filter = {
    ngx_string("filter"),
    { 0, 0 },
    ngx_http_notify_api_filter_methods,
    ngx_http_notify_api_filter_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static ngx_str_t  ngx_http_notify_api_filter_name = ngx_string("filter");
static ngx_str_t  ngx_http_notify_api_filter_event_name = ngx_string("event");


static ngx_uint_t
ngx_http_notify_api_filter_methods(ngx_http_notify_api_t *api)
{
    return (api->nsegments == 1
            && ngx_http_notify_text_is(&api->segments[0], "test"))
           ? NGX_HTTP_POST : 0;
}


static void
ngx_http_notify_api_filter_handler(ngx_http_notify_api_t *api)
{
    ngx_int_t                  rc;
    ngx_str_t                  body, text, json;
    ngx_http_notify_event_t    event;
    ngx_http_notify_filter_t  *filter;

    if (ngx_http_notify_api_json(api, &body) != NGX_OK
        || ngx_http_notify_api_filter_members(api, &body, &text, &json)
           != NGX_OK)
    {
        return;
    }

    filter = NULL;
    rc = NGX_OK;

    ngx_memzero(&event, sizeof(ngx_http_notify_event_t));

    if (text.len) {
        rc = ngx_http_notify_filter_form(api->request->pool, api->channel,
                                         &api->invalid,
                                         &ngx_http_notify_api_filter_name,
                                         &text, &filter);
    }

    if (rc != NGX_ERROR && json.len) {
        rc = ngx_http_notify_api_filter_event(api, &json, &event);
    }

    if (rc == NGX_ABORT) {
        return;
    }

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (filter == NULL || ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return;
    }

    ngx_http_notify_api_filter_send(api,
                              ngx_http_notify_filter_match(filter, &event));
}


/* NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_filter_members(ngx_http_notify_api_t *api,
    const ngx_str_t *body, ngx_str_t *filter, ngx_str_t *event)
{
    ngx_str_t                     name, value, *member;
    ngx_http_notify_json_iter_t   it;

    ngx_str_null(filter);
    ngx_str_null(event);

    if (ngx_http_notify_json_kind(body) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST, "invalid_json",
                                    "the body must be a JSON object");
        return NGX_DECLINED;
    }

    ngx_http_notify_json_iter(&it, body);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

        if (ngx_http_notify_json_name(api->request->pool, &name) != NGX_OK) {
            ngx_http_notify_api_failed(api);
            return NGX_DECLINED;
        }

        if (ngx_http_notify_text_is_nocase(&name, "filter")) {
            member = filter;

        } else if (ngx_http_notify_text_is_nocase(&name, "event")) {
            member = event;

        } else {
            ngx_http_notify_invalid_add(&api->invalid, &name,
                                        "is not a member of this request");
            continue;
        }

        if (member->len) {
            ngx_http_notify_api_twice(api, &name);
            return NGX_DECLINED;
        }

        *member = value;
    }

    if (filter->len == 0) {
        ngx_http_notify_invalid_add(&api->invalid,
                                    &ngx_http_notify_api_filter_name,
                                    "is missing");
    }

    if (event->len == 0) {
        ngx_http_notify_invalid_add(&api->invalid,
                                    &ngx_http_notify_api_filter_event_name,
                                    "is missing");
    }

    return NGX_OK;
}


/* NGX_DECLINED: noted; NGX_ABORT: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_filter_event(ngx_http_notify_api_t *api,
    const ngx_str_t *json, ngx_http_notify_event_t *event)
{
    ngx_int_t                     rc;
    ngx_http_notify_event_form_t  form;

    ngx_memzero(&form, sizeof(ngx_http_notify_event_form_t));

    event->tenant = api->tenant;
    event->time = ngx_http_notify_api_now();
    event->id.ms = event->time;

    if (ngx_http_notify_json_kind(json) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        ngx_http_notify_invalid_add(&api->invalid,
                                    &ngx_http_notify_api_filter_event_name,
                                    "must be an object");
        return NGX_DECLINED;
    }

    form.pool = api->request->pool;
    form.channel = api->channel;
    form.invalid = &api->invalid;
    form.event = event;
    form.shown = 1;

    ngx_str_set(&api->invalid.prefix, "/event");

    rc = ngx_http_notify_event_form(&form, json);

    if (rc == NGX_ABORT) {
        ngx_http_notify_api_twice(api, &form.twice);
        return NGX_ABORT;
    }

    ngx_str_null(&api->invalid.prefix);

    return rc;
}


static void
ngx_http_notify_api_filter_send(ngx_http_notify_api_t *api, ngx_uint_t match)
{
    ngx_http_notify_json_write_t  w;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_bool(&w, "match", match);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}
