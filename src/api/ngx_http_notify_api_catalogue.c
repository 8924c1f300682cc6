/*
 * The resources that tell of a channel: event-types, its catalogue; stats, its
 * counters.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_calls.h"
#include "ngx_http_notify_engine.h"
#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_log_state.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_tenants.h"


static void ngx_http_notify_api_event_types_handler(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_event_types_one(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_event_t *event);
static void ngx_http_notify_api_event_types_entities(
    ngx_http_notify_api_t *api, ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_event_t *event);
static void ngx_http_notify_api_event_types_names(
    ngx_http_notify_json_write_t *w, const char *name,
    const ngx_array_t *names);
static void ngx_http_notify_api_stats_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_stats_ask(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_stats_length;
static void ngx_http_notify_api_stats_tenant(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_stats_begin(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w);
static void ngx_http_notify_api_stats_counters(
    ngx_http_notify_json_write_t *w, uint64_t *values);
static void ngx_http_notify_api_stats_worker(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w);


ngx_http_notify_api_resource_t  ngx_http_notify_api_event_types = {
    ngx_string("event-types"),
    { NGX_HTTP_GET, 0 },
    NULL,
    ngx_http_notify_api_event_types_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};

ngx_http_notify_api_resource_t  ngx_http_notify_api_stats = {
    ngx_string("stats"),
    { NGX_HTTP_GET, 0 },
    NULL,
    ngx_http_notify_api_stats_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


/* without a catalogue every name is accepted: "*" */

static void
ngx_http_notify_api_event_types_handler(ngx_http_notify_api_t *api)
{
    ngx_uint_t                        i;
    ngx_http_notify_json_write_t      w;
    ngx_http_notify_channel_event_t   any, *event;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_array(&w, NULL);

    if (api->channel->events == NULL) {
        ngx_memzero(&any, sizeof(ngx_http_notify_channel_event_t));
        ngx_str_set(&any.name, "*");

        ngx_http_notify_api_event_types_one(api, &w, &any);

    } else {
        event = api->channel->events->elts;

        for (i = 0; i < api->channel->events->nelts; i++) {
            ngx_http_notify_api_event_types_one(api, &w, &event[i]);
        }
    }

    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}


static void
ngx_http_notify_api_event_types_one(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_event_t *event)
{
    ngx_http_notify_json_t        *schema;
    ngx_http_notify_json_error_t   error;

    ngx_http_notify_json_write_object(w, NULL);
    ngx_http_notify_json_write_string(w, "name", &event->name);
    ngx_http_notify_json_write_bool(w, "sync", event->sync);
    ngx_http_notify_json_write_bool(w, "iframe", event->iframe);
    ngx_http_notify_json_write_bool(w, "own", event->own);
    ngx_http_notify_json_write_bool(w, "off", event->off);

    ngx_http_notify_api_event_types_names(w, "aliases", event->aliases);
    ngx_http_notify_api_event_types_entities(api, w, event);

    if (event->schema) {
        schema = ngx_http_notify_json_parse(w->pool,
                                ngx_http_notify_schema_text(event->schema),
                                &error);
        if (schema == NULL) {
            w->failed = 1;
        }

        ngx_http_notify_json_write_json(w, "schema", schema);
    }

    ngx_http_notify_json_write_end(w);
}


/* the numbers that its object can have, by name; absent where none has one */

static void
ngx_http_notify_api_event_types_entities(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_event_t *event)
{
    int64_t                         n;
    ngx_uint_t                      i;
    ngx_http_notify_entity_type_t  *type;

    if (api->channel->entity_types == NULL) {
        return;
    }

    ngx_http_notify_json_write_array(w, "entityTypes");

    type = api->channel->entity_types->elts;

    for (i = 0; i < api->channel->entity_types->nelts; i++) {

        if (!ngx_http_notify_entity_type_of(&type[i], &event->name)
            || ngx_http_notify_json_int64(&type[i].id, &n) != NGX_OK)
        {
            continue;
        }

        ngx_http_notify_json_write_object(w, NULL);
        ngx_http_notify_json_write_string(w, "objectType", &type[i].object);
        ngx_http_notify_json_write_integer(w, "id", n);
        ngx_http_notify_json_write_string(w, "name", &type[i].name);
        ngx_http_notify_api_event_types_names(w, "aliases", type[i].aliases);
        ngx_http_notify_json_write_end(w);
    }

    ngx_http_notify_json_write_end(w);
}


static void
ngx_http_notify_api_event_types_names(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_array_t *names)
{
    ngx_str_t    *text;
    ngx_uint_t    i;

    ngx_http_notify_json_write_array(w, name);

    if (names) {
        text = names->elts;

        for (i = 0; i < names->nelts; i++) {
            ngx_http_notify_json_write_string(w, NULL, &text[i]);
        }
    }

    ngx_http_notify_json_write_end(w);
}


static void
ngx_http_notify_api_stats_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t  window;

    switch (ngx_http_notify_api_arg(api, "window", &window)) {

    case NGX_DECLINED:
        break;

    case NGX_OK:
        ngx_http_notify_api_calls_all(api);
        return;

    default: /* NGX_ABORT */
        return;
    }

    if (api->tenant.len) {
        ngx_http_notify_api_stats_tenant(api);
        return;
    }

    api->data = ngx_pcalloc(api->request->pool, sizeof(int64_t));
    if (api->data == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->channel = api->channel->parts[0];

    ngx_http_notify_api_stats_ask(api);
}


/* one partition after the other */

static void
ngx_http_notify_api_stats_ask(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_log_state_ask(
            api->channel->redis, &api->channel->keys,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_stats_length)));
}


static void
ngx_http_notify_api_stats_length(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    uint64_t                      values[NGX_HTTP_NOTIFY_METRICS_N];
    ngx_uint_t                    i;
    int64_t                      *events;
    ngx_http_notify_log_state_t   state;
    ngx_http_notify_channel_t    *next;
    ngx_http_notify_json_write_t  w;

    if (ngx_http_notify_log_state_parse(resp, &state) == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return;
    }

    events = api->data;
    *events += state.length;

    next = ngx_http_notify_channel_next(api->channel);

    if (next) {
        api->channel = next;
        ngx_http_notify_api_stats_ask(api);
        return;
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_N; i++) {
        values[i] = ngx_http_notify_metrics_get(api->channel->metrics, i);
    }

    ngx_http_notify_api_stats_begin(api, &w);
    ngx_http_notify_json_write_integer(&w, "events", *events);
    ngx_http_notify_api_stats_counters(&w, values);
    ngx_http_notify_api_stats_worker(api, &w);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}


/* neither the log nor a worker is the tenant's */

static void
ngx_http_notify_api_stats_tenant(ngx_http_notify_api_t *api)
{
    uint64_t                      values[NGX_HTTP_NOTIFY_METRICS_N];
    ngx_http_notify_json_write_t  w;

    ngx_http_notify_tenants_get(api->channel->metrics, &api->tenant, values);

    ngx_http_notify_api_stats_begin(api, &w);
    ngx_http_notify_json_write_string(&w, "tenant", &api->tenant);
    ngx_http_notify_api_stats_counters(&w, values);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}


static void
ngx_http_notify_api_stats_begin(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w)
{
    ngx_http_notify_json_write_init(w, api->request->pool);
    ngx_http_notify_json_write_object(w, NULL);
    ngx_http_notify_json_write_string(w, "channel", &api->channel->name);
}


static void
ngx_http_notify_api_stats_counters(ngx_http_notify_json_write_t *w,
    uint64_t *values)
{
    ngx_uint_t  i;

    /* no call fails twice; they are kept apart for the metrics */

    values[NGX_HTTP_NOTIFY_METRICS_FAILED] +=
                                  values[NGX_HTTP_NOTIFY_METRICS_NO_RESOLVER];

    ngx_http_notify_json_write_object(w, "counters");

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_N; i++) {
        ngx_http_notify_json_write_integer(w, ngx_http_notify_metrics_name(i),
                                           (int64_t) values[i]);
    }

    ngx_http_notify_json_write_end(w);
}


/* of the worker that happens to answer */

static void
ngx_http_notify_api_stats_worker(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w)
{
    ngx_http_notify_engine_stats_t  stats;

    ngx_memzero(&stats, sizeof(ngx_http_notify_engine_stats_t));
    ngx_http_notify_engine_stats(api->channel, &stats);

    ngx_http_notify_json_write_object(w, "worker");
    ngx_http_notify_json_write_integer(w, "pid", ngx_pid);
    ngx_http_notify_json_write_integer(w, "buckets", stats.shards);
    ngx_http_notify_json_write_integer(w, "subscriptions",
                                       stats.subscriptions);
    ngx_http_notify_json_write_integer(w, "inFlight", stats.in_flight);
    ngx_http_notify_json_write_integer(w, "queued", stats.queued);
    ngx_http_notify_json_write_integer(w, "behind", stats.behind);
    ngx_http_notify_json_write_bool(w, "tailing", stats.tailing);
    ngx_http_notify_json_write_end(w);
}
