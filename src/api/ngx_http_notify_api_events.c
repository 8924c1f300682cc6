/*
 * The resource `events`: publishing one or many, all or none, and reading one
 * by its id or uid.  An answer is sent when Redis has the events.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_api_once.h"
#include "ngx_http_notify_event_form.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_log_publish.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_request_trace.h"
#include "ngx_http_notify_unchanged.h"
#include "ngx_http_notify_trusted.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_EVENTS_DIGEST   32


/* a publish */
typedef struct {
    ngx_uint_t                       many;      /* answer with an array */
    ngx_uint_t                       n;         /* events of the body */
    ngx_http_notify_log_entry_t     *entries;   /* n */
    ngx_uint_t                       hops;
    ngx_http_notify_event_t          trace;     /* nothing else of it */
    ngx_str_t                        key;       /* Idempotency-Key */
    ngx_http_notify_crypto_hmac_t   *hmac;
} ngx_http_notify_api_publish_t;


static ngx_uint_t ngx_http_notify_api_events_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_events_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_events_publish(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_events_headers(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_events_forms(ngx_http_notify_api_t *api,
    ngx_array_t *values);
static ngx_int_t ngx_http_notify_api_events_rate(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_events_form(ngx_http_notify_api_t *api,
    ngx_uint_t i, ngx_str_t *value);
static ngx_int_t ngx_http_notify_api_events_key(ngx_http_notify_api_t *api,
    ngx_http_notify_log_entry_t *entry, ngx_uint_t i, ngx_str_t *value);
static ngx_int_t ngx_http_notify_api_events_digest(ngx_pool_t *pool,
    const ngx_str_t *parts, ngx_uint_t n, ngx_str_t *digest);
static void ngx_http_notify_api_events_submit(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac);
static void ngx_http_notify_api_events_published(
    const ngx_http_notify_log_published_t *published, void *data);
static void ngx_http_notify_api_events_conflict(ngx_http_notify_api_t *api,
    ngx_uint_t entry);
static void ngx_http_notify_api_events_send(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *ids, ngx_uint_t status);
static void ngx_http_notify_api_events_one(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w, const ngx_http_notify_id_t *id);


ngx_http_notify_api_resource_t  ngx_http_notify_api_events = {
    ngx_string("events"),
    ngx_http_notify_api_events_methods,
    ngx_http_notify_api_events_handler,
    1,
    NGX_HTTP_NOTIFY_API_KEY_OWN
};


static ngx_uint_t
ngx_http_notify_api_events_methods(ngx_http_notify_api_t *api)
{
    switch (api->nsegments) {

    case 0:
        return NGX_HTTP_GET|NGX_HTTP_POST;

    case 1:
        return NGX_HTTP_GET|NGX_HTTP_DELETE;

    case 2:
        if (ngx_http_notify_text_is(&api->segments[1], "deliveries")) {
            return NGX_HTTP_GET;
        }

        return ngx_http_notify_text_is(&api->segments[1], "redeliver")
               ? NGX_HTTP_POST : 0;

    default:
        return 0;
    }
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

    if (ngx_http_notify_api_events_headers(api) != NGX_OK
        || ngx_http_notify_api_events_input(api, &values, &publish->many)
           != NGX_OK
        || ngx_http_notify_api_events_forms(api, &values) != NGX_OK
        || ngx_http_notify_api_events_rate(api) != NGX_OK)
    {
        ngx_http_notify_tenants_add(api->channel->metrics,
                                    &api->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_REFUSED, 1);
        return;
    }

    ngx_http_notify_api_cursor(api, ngx_http_notify_api_events_submit);
}


/* NGX_DECLINED, of this and the following: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_events_headers(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_publish_t  *publish;

    publish = api->data;

    publish->hops = ngx_http_notify_trusted_hops(api->request, api->channel,
                                                 &api->tenant);

    if (publish->hops == NGX_HTTP_NOTIFY_TRUSTED_LOOP) {
        ngx_http_notify_tenants_add(api->channel->metrics,
                                    &api->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_HOPS, 1);
        ngx_http_notify_api_problem(api, 508, "too_many_hops",
                                    "the event comes back by our own call: "
                                    "a loop");
        return NGX_DECLINED;
    }

    if (ngx_http_notify_request_trace(api->request, &publish->trace) != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    /* judged before, see api_once */
    (void) ngx_http_notify_api_request_header(api, "Idempotency-Key",
                                              &publish->key);

    return NGX_OK;
}


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


static ngx_int_t
ngx_http_notify_api_events_rate(ngx_http_notify_api_t *api)
{
    ngx_msec_t                            wait;
    ngx_http_notify_api_publish_t        *publish;
    const ngx_http_notify_bucket_conf_t  *rate;

    publish = api->data;
    rate = &api->channel->publish_rate;

    wait = ngx_http_notify_limits_publish(api->channel, &api->tenant,
                                          publish->n);
    if (wait == 0) {
        return NGX_OK;
    }

    api->retry_after = (wait + 999) / 1000;

    if (publish->n > rate->burst) {
        ngx_http_notify_api_problem(api, NGX_HTTP_TOO_MANY_REQUESTS,
                                    "publish_rate",
                                    "%ui events at once are more than the "
                                    "burst of publish_rate, %ui",
                                    publish->n, rate->burst);
        return NGX_DECLINED;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_TOO_MANY_REQUESTS,
                                "publish_rate",
                                "the tenant has published more than its "
                                "publish_rate allows: %ui event%s a minute, "
                                "%ui at once", rate->rate * 60 / 1000,
                                ngx_http_notify_text_plural(
                                    rate->rate * 60 / 1000),
                                rate->burst);

    return NGX_DECLINED;
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

    if (ngx_http_notify_api_events_digest(api->request->pool, parts, n,
                                          &entry->key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_api_events_digest(api->request->pool, body, 1,
                                             &entry->body);
}


static ngx_int_t
ngx_http_notify_api_events_digest(ngx_pool_t *pool, const ngx_str_t *parts,
    ngx_uint_t n, ngx_str_t *digest)
{
    digest->len = NGX_HTTP_NOTIFY_API_EVENTS_DIGEST;
    digest->data = ngx_pnalloc(pool, digest->len);

    if (digest->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_id_digest(parts, n, digest->data);
}


static void
ngx_http_notify_api_events_submit(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac)
{
    ngx_http_notify_api_publish_t  *publish;

    publish = api->data;
    publish->hmac = hmac;

    /* not cancelled when the client leaves: it is on its way */

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_log_publish(
            api->channel->publishes, &api->channel->keys, NULL,
            publish->entries, publish->n, api->channel->max_size,
            ngx_http_notify_api_events_published,
            ngx_http_notify_api_suspended_begin(api))
        != NULL ? NGX_OK : NGX_ERROR);
}


static void
ngx_http_notify_api_events_published(
    const ngx_http_notify_log_published_t *published, void *data)
{
    ngx_http_notify_api_t      *api;
    ngx_http_notify_metrics_e   counter;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    counter = NGX_HTTP_NOTIFY_METRICS_REFUSED;

    if (published->status == NGX_HTTP_NOTIFY_LOG_OK) {
        counter = published->repeated ? NGX_HTTP_NOTIFY_METRICS_REPEATED
                                      : NGX_HTTP_NOTIFY_METRICS_PUBLISHED;
    }

    ngx_http_notify_tenants_add(api->channel->metrics, &api->tenant, counter,
                                published->status == NGX_HTTP_NOTIFY_LOG_OK
                                    ? published->n - published->skipped : 1);

    switch (published->status) {

    case NGX_HTTP_NOTIFY_LOG_OK:
        ngx_http_notify_api_events_send(api, published->ids,
                                        published->repeated
                                            ? NGX_HTTP_OK
                                            : NGX_HTTP_ACCEPTED);
        return;

    case NGX_HTTP_NOTIFY_LOG_CONFLICT:
        ngx_http_notify_api_events_conflict(api, published->conflict);
        return;

    case NGX_HTTP_NOTIFY_LOG_FULL:
        ngx_http_notify_api_problem(api, NGX_HTTP_INSUFFICIENT_STORAGE,
                                    "log_full",
                                    "the log has reached max_size, or the "
                                    "store is out of memory");
        return;

    default:
        ngx_http_notify_api_unavailable(api);
    }
}


static void
ngx_http_notify_api_events_conflict(ngx_http_notify_api_t *api,
    ngx_uint_t entry)
{
    ngx_http_notify_api_publish_t  *publish;
    u_char                          buf[NGX_INT_T_LEN + 1];

    publish = api->data;

    ngx_str_null(&api->invalid.prefix);

    if (publish->many) {
        api->invalid.prefix.len = ngx_sprintf(buf, "/%ui", entry) - buf;
        api->invalid.prefix.data = buf;
    }

    ngx_http_notify_invalid_add(&api->invalid, NULL,
                                "was published with another body before");

    ngx_http_notify_api_problem(api, 422, "idempotency_conflict",
                                "the key was used with another body within "
                                "the last 24 hours");
}


static void
ngx_http_notify_api_events_send(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *ids, ngx_uint_t status)
{
    ngx_uint_t                      i;
    ngx_http_notify_json_write_t    w;
    ngx_http_notify_api_publish_t  *publish;

    publish = api->data;

    ngx_http_notify_json_write_init(&w, api->request->pool);

    if (publish->many) {
        ngx_http_notify_json_write_array(&w, NULL);
    }

    for (i = 0; i < publish->n; i++) {
        ngx_http_notify_api_events_one(api, &w, &ids[i]);
    }

    if (publish->many) {
        ngx_http_notify_json_write_end(&w);
    }

    ngx_http_notify_api_send_written(api, status, &w);
}


static void
ngx_http_notify_api_events_one(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w, const ngx_http_notify_id_t *id)
{
    u_char                         *p;
    ngx_str_t                       text;
    ngx_http_notify_api_publish_t  *publish;
    u_char                          buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN];

    publish = api->data;

    ngx_http_notify_json_write_object(w, NULL);

    if (id->ms == 0) {
        ngx_http_notify_json_write_null(w, "id");
        ngx_http_notify_json_write_text(w, "skipped",
                                    id->seq == NGX_HTTP_NOTIFY_LOG_UNCHANGED
                                        ? "unchanged" : "off");
        ngx_http_notify_json_write_end(w);
        return;
    }

    text.data = buf;
    text.len = ngx_http_notify_id_event(buf, id) - buf;

    ngx_http_notify_json_write_string(w, "id", &text);

    p = ngx_http_notify_id_cursor(buf, id, &api->tenant, publish->hmac);

    if (p == NULL) {
        w->failed = 1;
        return;
    }

    text.len = p - buf;

    ngx_http_notify_json_write_string(w, "cursor", &text);
    ngx_http_notify_json_write_end(w);
}
