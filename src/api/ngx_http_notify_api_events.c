/*
 * The resource `events`: publishing one or many, all or none, and reading one
 * by its id or uid.  An answer is sent when Redis has the events.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_api_once.h"
#include "ngx_http_notify_api_publish.h"
#include "ngx_http_notify_event_form.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_unchanged.h"
#include "ngx_http_notify_text.h"


static ngx_uint_t ngx_http_notify_api_events_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_events_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_events_publish(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_events_forms(ngx_http_notify_api_t *api,
    ngx_array_t *values);
static ngx_int_t ngx_http_notify_api_events_form(ngx_http_notify_api_t *api,
    ngx_uint_t i, ngx_str_t *value);
static ngx_int_t ngx_http_notify_api_events_key(ngx_http_notify_api_t *api,
    ngx_http_notify_log_entry_t *entry, ngx_uint_t i, ngx_str_t *value);


ngx_http_notify_api_resource_t  ngx_http_notify_api_events = {
    ngx_string("events"),
    { NGX_HTTP_GET|NGX_HTTP_POST, NGX_HTTP_GET|NGX_HTTP_DELETE },
    ngx_http_notify_api_events_methods,
    ngx_http_notify_api_events_handler,
    1,
    NGX_HTTP_NOTIFY_API_KEY_OWN,
    0
};


static ngx_uint_t
ngx_http_notify_api_events_methods(ngx_http_notify_api_t *api)
{
    if (api->nsegments != 2) {
        return 0;
    }

    if (ngx_http_notify_text_is(&api->segments[1], "deliveries")) {
        return NGX_HTTP_GET;
    }

    return ngx_http_notify_text_is(&api->segments[1], "redeliver")
           ? NGX_HTTP_POST : 0;
}


static void
ngx_http_notify_api_events_handler(ngx_http_notify_api_t *api)
{
    if (api->nsegments) {
        ngx_http_notify_api_event(api);
        return;
    }

    if (api->method == NGX_HTTP_GET) {
        ngx_http_notify_api_events_list(api);
        return;
    }

    ngx_http_notify_api_events_publish(api);
}


static void
ngx_http_notify_api_events_publish(ngx_http_notify_api_t *api)
{
    ngx_array_t                     values;
    ngx_http_notify_api_publish_t  *publish;

    publish = ngx_pcalloc(api->request->pool,
                          sizeof(ngx_http_notify_api_publish_t));

    if (publish == NULL
        || ngx_array_init(&values, api->request->pool, 1, sizeof(ngx_str_t))
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = publish;
    publish->again = NGX_HTTP_OK;

    if (ngx_http_notify_api_publish_headers(api) != NGX_OK
        || ngx_http_notify_api_events_input(api, &values, &publish->many)
           != NGX_OK
        || ngx_http_notify_api_events_forms(api, &values) != NGX_OK
        || ngx_http_notify_api_publish_rate(api) != NGX_OK)
    {
        ngx_http_notify_tenants_add(api->channel->metrics,
                                    &api->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_REFUSED, 1);
        return;
    }

    ngx_http_notify_api_publish(api);
}


/* NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_events_forms(ngx_http_notify_api_t *api,
    ngx_array_t *values)
{
    ngx_int_t                       rc;
    ngx_str_t                      *value;
    ngx_uint_t                      i;
    ngx_pool_t                     *pool;
    ngx_http_notify_api_publish_t  *publish;

    publish = api->data;
    pool = api->request->pool;
    value = values->elts;

    publish->n = values->nelts;
    publish->entries = ngx_pcalloc(pool, publish->n
                                   * sizeof(ngx_http_notify_log_entry_t));

    if (publish->entries == NULL) {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    for (i = 0; i < publish->n; i++) {

        rc = ngx_http_notify_api_events_form(api, i, &value[i]);

        if (rc == NGX_ERROR) {
            ngx_http_notify_api_failed(api);
            return NGX_DECLINED;
        }

        if (rc == NGX_ABORT) {
            return NGX_DECLINED;
        }
    }

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return NGX_DECLINED;
    }

    ngx_http_notify_api_once_names(api, &publish->entries->request,
                                   &publish->entries->print);

    return NGX_OK;
}


/* one event; NGX_DECLINED: noted, NGX_ABORT: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_events_form(ngx_http_notify_api_t *api, ngx_uint_t i,
    ngx_str_t *value)
{
    ngx_int_t                       rc;
    ngx_http_notify_log_entry_t    *entry;
    ngx_http_notify_event_form_t    form;
    ngx_http_notify_api_publish_t  *publish;

    publish = api->data;
    entry = &publish->entries[i];

    ngx_memzero(entry, sizeof(ngx_http_notify_log_entry_t));

    if (publish->many) {
        api->invalid.prefix.data = ngx_pnalloc(api->request->pool,
                                               NGX_INT_T_LEN + 1);
        if (api->invalid.prefix.data == NULL) {
            return NGX_ERROR;
        }

        api->invalid.prefix.len = ngx_sprintf(api->invalid.prefix.data,
                                              "/%ui", i)
                                  - api->invalid.prefix.data;
    }

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        ngx_http_notify_invalid_add(&api->invalid, NULL, "must be an object");
        return NGX_DECLINED;
    }

    ngx_memzero(&form, sizeof(ngx_http_notify_event_form_t));

    form.pool = api->request->pool;
    form.channel = api->channel;
    form.invalid = &api->invalid;
    form.event = &entry->event;

    entry->event.tenant = api->tenant;
    entry->event.hops = publish->hops;
    entry->event.traceparent = publish->trace.traceparent;
    entry->event.tracestate = publish->trace.tracestate;
    entry->event.time = ngx_http_notify_api_now();

    rc = ngx_http_notify_event_form(&form, value);

    if (rc == NGX_ABORT) {
        ngx_http_notify_api_twice(api, &form.twice);
        return NGX_ABORT;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    entry->flag = form.flag;

    if (ngx_http_notify_unchanged(api->request->pool, api->channel, entry)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_api_events_key(api, entry, i, value);
}


/* a uid names its event, an Idempotency-Key the whole request */

static ngx_int_t
ngx_http_notify_api_events_key(ngx_http_notify_api_t *api,
    ngx_http_notify_log_entry_t *entry, ngx_uint_t i, ngx_str_t *value)
{
    ngx_str_t                       parts[3], *body;
    ngx_uint_t                      n;
    ngx_http_notify_api_publish_t  *publish;
    u_char                          place[NGX_INT_T_LEN];

    publish = api->data;

    parts[0] = api->tenant;
    body = value;
    n = 2;

    if (entry->event.uid.len) {
        parts[1] = entry->event.uid;

    } else if (publish->key.len) {
        parts[1] = publish->key;

        if (publish->many) {
            parts[2].data = place;
            parts[2].len = ngx_sprintf(place, "%ui", i) - place;
            body = &api->body;
            n = 3;
        }

    } else {
        return NGX_OK;
    }

    if (ngx_http_notify_api_publish_digest(api->request->pool, parts, n,
                                          &entry->key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_api_publish_digest(api->request->pool, body, 1,
                                             &entry->body);
}
