/*
 * The resources that tell of a channel: event-types, its catalogue; stats, its
 * counters.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_engine.h"
#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_tenants.h"


static ngx_uint_t ngx_http_notify_api_catalogue_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_event_types_handler(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_event_types_one(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *list,
    const ngx_http_notify_channel_event_t *event);
static ngx_int_t ngx_http_notify_api_event_types_entities(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *out,
    const ngx_http_notify_channel_event_t *event);
static ngx_int_t ngx_http_notify_api_event_types_names(
    ngx_http_notify_json_t *out, const char *name,
    ngx_http_notify_json_t *list, const ngx_array_t *names);
static void ngx_http_notify_api_stats_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_stats_length(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_api_stats_tenant(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_stats_counters(
    ngx_http_notify_api_t *api, ngx_http_notify_json_t *out,
    uint64_t *values);
static ngx_int_t ngx_http_notify_api_stats_worker(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *out);


ngx_http_notify_api_resource_t  ngx_http_notify_api_event_types = {
    ngx_string("event-types"),
    ngx_http_notify_api_catalogue_methods,
    ngx_http_notify_api_event_types_handler,
    0
};

ngx_http_notify_api_resource_t  ngx_http_notify_api_stats = {
    ngx_string("stats"),
    ngx_http_notify_api_catalogue_methods,
    ngx_http_notify_api_stats_handler,
    0
};


static ngx_uint_t
ngx_http_notify_api_catalogue_methods(ngx_http_notify_api_t *api)
{
    return api->nsegments == 0 ? NGX_HTTP_GET : 0;
}


/* without a catalogue every name is accepted: "*" */

static void
ngx_http_notify_api_event_types_handler(ngx_http_notify_api_t *api)
{
    ngx_uint_t                        i;
    ngx_http_notify_json_t           *list;
    ngx_http_notify_channel_event_t   any, *event;

    list = ngx_http_notify_json_new_array(api->request->pool);
    if (list == NULL) {
        goto failed;
    }

    if (api->channel->events == NULL) {
        ngx_memzero(&any, sizeof(ngx_http_notify_channel_event_t));
        ngx_str_set(&any.name, "*");

        if (ngx_http_notify_api_event_types_one(api, list, &any) != NGX_OK) {
            goto failed;
        }

    } else {
        event = api->channel->events->elts;

        for (i = 0; i < api->channel->events->nelts; i++) {
            if (ngx_http_notify_api_event_types_one(api, list, &event[i])
                != NGX_OK)
            {
                goto failed;
            }
        }
    }

    ngx_http_notify_api_send_json(api, NGX_HTTP_OK, list);

    return;

failed:

    ngx_http_notify_api_failed(api);
}


static ngx_int_t
ngx_http_notify_api_event_types_one(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *list,
    const ngx_http_notify_channel_event_t *event)
{
    ngx_int_t                      rc;
    ngx_http_notify_json_t        *out, *aliases, *schema;
    ngx_http_notify_json_error_t   error;

    out = ngx_http_notify_json_new_object(api->request->pool);
    aliases = ngx_http_notify_json_new_array(api->request->pool);

    if (out == NULL || aliases == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_json_set_string(out, "name", &event->name);
    rc |= ngx_http_notify_json_set_bool(out, "sync", event->sync);
    rc |= ngx_http_notify_json_set_bool(out, "iframe", event->iframe);
    rc |= ngx_http_notify_json_set_bool(out, "own", event->own);
    rc |= ngx_http_notify_json_set_bool(out, "off", event->off);

    rc |= ngx_http_notify_api_event_types_names(out, "aliases", aliases,
                                                event->aliases);
    rc |= ngx_http_notify_api_event_types_entities(api, out, event);

    if (event->schema) {
        schema = ngx_http_notify_json_parse(api->request->pool,
                                ngx_http_notify_schema_text(event->schema),
                                &error);

        rc |= schema ? ngx_http_notify_json_set(out, "schema", schema)
                     : NGX_ERROR;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_append(list, out);
}


/* the numbers that its object can have, by name; absent where none has one */

static ngx_int_t
ngx_http_notify_api_event_types_entities(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *out, const ngx_http_notify_channel_event_t *event)
{
    int64_t                         n;
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_notify_json_t         *list, *one, *aliases;
    ngx_http_notify_entity_type_t  *type;

    if (api->channel->entity_types == NULL) {
        return NGX_OK;
    }

    list = ngx_http_notify_json_new_array(api->request->pool);
    if (list == NULL) {
        return NGX_ERROR;
    }

    type = api->channel->entity_types->elts;

    for (i = 0; i < api->channel->entity_types->nelts; i++) {

        if (!ngx_http_notify_entity_type_of(&type[i], &event->name)
            || ngx_http_notify_json_int64(&type[i].id, &n) != NGX_OK)
        {
            continue;
        }

        one = ngx_http_notify_json_new_object(api->request->pool);
        aliases = ngx_http_notify_json_new_array(api->request->pool);

        if (one == NULL || aliases == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_http_notify_json_set_string(one, "objectType",
                                             &type[i].object);
        rc |= ngx_http_notify_json_set_integer(one, "id", n);
        rc |= ngx_http_notify_json_set_string(one, "name", &type[i].name);
        rc |= ngx_http_notify_api_event_types_names(one, "aliases", aliases,
                                                    type[i].aliases);
        rc |= ngx_http_notify_json_append(list, one);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_json_set(out, "entityTypes", list);
}


static ngx_int_t
ngx_http_notify_api_event_types_names(ngx_http_notify_json_t *out,
    const char *name, ngx_http_notify_json_t *list, const ngx_array_t *names)
{
    ngx_int_t    rc;
    ngx_str_t   *text;
    ngx_uint_t   i;

    rc = NGX_OK;

    if (names) {
        text = names->elts;

        for (i = 0; i < names->nelts; i++) {
            rc |= ngx_http_notify_json_append_string(list, &text[i]);
        }
    }

    rc |= ngx_http_notify_json_set(out, name, list);

    return rc;
}


static void
ngx_http_notify_api_stats_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t  argv[2];

    if (api->tenant.len) {
        ngx_http_notify_api_stats_tenant(api);
        return;
    }

    ngx_str_set(&argv[0], "XLEN");
    argv[1] = ngx_http_notify_keys_name(api->request->pool,
                                        &api->channel->keys, "log", NULL);

    if (argv[1].data == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_redis_submit(
            api->channel->redis, argv, 2, 0, ngx_http_notify_api_stats_length,
            ngx_http_notify_api_suspended_begin(api))
        != NULL ? NGX_OK : NGX_ERROR);
}


static void
ngx_http_notify_api_stats_length(ngx_http_notify_resp_t *resp, void *data)
{
    uint64_t                 values[NGX_HTTP_NOTIFY_METRICS_N];
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_http_notify_api_t   *api;
    ngx_http_notify_json_t  *out;

    api = ngx_http_notify_api_suspended_reply(data, resp, "api");
    if (api == NULL) {
        return;
    }

    out = ngx_http_notify_json_new_object(api->request->pool);
    if (out == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    rc = ngx_http_notify_json_set_string(out, "channel",
                                         &api->channel->name);
    rc |= ngx_http_notify_json_set_integer(out, "events", resp->integer);

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_N; i++) {
        values[i] = ngx_http_notify_metrics_get(api->channel->metrics, i);
    }

    rc |= ngx_http_notify_api_stats_counters(api, out, values);
    rc |= ngx_http_notify_api_stats_worker(api, out);

    ngx_http_notify_api_send_json(api, NGX_HTTP_OK,
                                  rc == NGX_OK ? out : NULL);
}


/* neither the log nor a worker is the tenant's */

static void
ngx_http_notify_api_stats_tenant(ngx_http_notify_api_t *api)
{
    uint64_t                 values[NGX_HTTP_NOTIFY_METRICS_N];
    ngx_int_t                rc;
    ngx_http_notify_json_t  *out;

    out = ngx_http_notify_json_new_object(api->request->pool);
    if (out == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_tenants_get(api->channel->metrics, &api->tenant, values);

    rc = ngx_http_notify_json_set_string(out, "channel",
                                         &api->channel->name);
    rc |= ngx_http_notify_json_set_string(out, "tenant", &api->tenant);
    rc |= ngx_http_notify_api_stats_counters(api, out, values);

    ngx_http_notify_api_send_json(api, NGX_HTTP_OK,
                                  rc == NGX_OK ? out : NULL);
}


static ngx_int_t
ngx_http_notify_api_stats_counters(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *out, uint64_t *values)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_http_notify_json_t  *counters;

    counters = ngx_http_notify_json_new_object(api->request->pool);
    if (counters == NULL) {
        return NGX_ERROR;
    }

    /* no call fails twice; they are kept apart for the metrics */

    values[NGX_HTTP_NOTIFY_METRICS_FAILED] +=
                                  values[NGX_HTTP_NOTIFY_METRICS_NO_RESOLVER];

    rc = NGX_OK;

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_N; i++) {
        rc |= ngx_http_notify_json_set_integer(counters,
                                               ngx_http_notify_metrics_name(i),
                                               (int64_t) values[i]);
    }

    rc |= ngx_http_notify_json_set(out, "counters", counters);

    return rc;
}


/* of the worker that happens to answer */

static ngx_int_t
ngx_http_notify_api_stats_worker(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *out)
{
    ngx_int_t                        rc;
    ngx_http_notify_json_t          *worker;
    ngx_http_notify_engine_stats_t   stats;

    worker = ngx_http_notify_json_new_object(api->request->pool);
    if (worker == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&stats, sizeof(ngx_http_notify_engine_stats_t));
    ngx_http_notify_engine_stats(api->channel, &stats);

    rc = ngx_http_notify_json_set_integer(worker, "pid", ngx_pid);
    rc |= ngx_http_notify_json_set_integer(worker, "buckets", stats.shards);
    rc |= ngx_http_notify_json_set_integer(worker, "subscriptions",
                                           stats.subscriptions);
    rc |= ngx_http_notify_json_set_integer(worker, "inFlight",
                                           stats.in_flight);
    rc |= ngx_http_notify_json_set_integer(worker, "queued", stats.queued);
    rc |= ngx_http_notify_json_set_integer(worker, "behind", stats.behind);
    rc |= ngx_http_notify_json_set_bool(worker, "tailing", stats.tailing);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_set(out, "worker", worker);
}
