/*
 * Publishing for a request: its tenant's rate, and the answer, which is sent
 * when Redis has the events.
 * Must not know where the events come from.
 */

#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_api_publish.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_request_trace.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_trusted.h"


#define NGX_HTTP_NOTIFY_API_PUBLISH_DIGEST  32


static void ngx_http_notify_api_publish_submit(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac);
static void ngx_http_notify_api_publish_published(
    const ngx_http_notify_log_published_t *published, void *data);
static ngx_uint_t ngx_http_notify_api_publish_status(
    ngx_http_notify_api_t *api, ngx_uint_t repeated);
static void ngx_http_notify_api_publish_conflict(ngx_http_notify_api_t *api,
    ngx_uint_t entry);
static void ngx_http_notify_api_publish_send(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *ids, ngx_uint_t status);
static void ngx_http_notify_api_publish_one(ngx_http_notify_api_t *api,
    ngx_http_notify_json_write_t *w, const ngx_http_notify_id_t *id);


ngx_int_t
ngx_http_notify_api_publish_headers(ngx_http_notify_api_t *api)
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


ngx_int_t
ngx_http_notify_api_publish_rate(ngx_http_notify_api_t *api)
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


ngx_int_t
ngx_http_notify_api_publish_digest(ngx_pool_t *pool, const ngx_str_t *parts,
    ngx_uint_t n, ngx_str_t *digest)
{
    digest->len = NGX_HTTP_NOTIFY_API_PUBLISH_DIGEST;
    digest->data = ngx_pnalloc(pool, digest->len);

    if (digest->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_id_digest(parts, n, digest->data);
}


void
ngx_http_notify_api_publish(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_cursor(api, ngx_http_notify_api_publish_submit);
}


static void
ngx_http_notify_api_publish_submit(ngx_http_notify_api_t *api,
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
            ngx_http_notify_api_publish_published,
            ngx_http_notify_api_suspended_begin(api))
        != NULL ? NGX_OK : NGX_ERROR);
}


static void
ngx_http_notify_api_publish_published(
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
        ngx_http_notify_api_publish_send(api, published->ids,
                                         ngx_http_notify_api_publish_status(
                                             api, published->repeated));
        return;

    case NGX_HTTP_NOTIFY_LOG_CONFLICT:
        ngx_http_notify_api_publish_conflict(api, published->conflict);
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


static ngx_uint_t
ngx_http_notify_api_publish_status(ngx_http_notify_api_t *api,
    ngx_uint_t repeated)
{
    ngx_http_notify_api_publish_t  *publish;

    publish = api->data;

    return repeated && publish->again ? publish->again : NGX_HTTP_ACCEPTED;
}


static void
ngx_http_notify_api_publish_conflict(ngx_http_notify_api_t *api,
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
ngx_http_notify_api_publish_send(ngx_http_notify_api_t *api,
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
        ngx_http_notify_api_publish_one(api, &w, &ids[i]);
    }

    if (publish->many) {
        ngx_http_notify_json_write_end(&w);
    }

    ngx_http_notify_api_send_written(api, status, &w);
}


static void
ngx_http_notify_api_publish_one(ngx_http_notify_api_t *api,
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
