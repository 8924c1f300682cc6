/*
 * The resource `deltas`: the log, pulled.  From the arguments to the place to
 * begin at: the key of the cursors, the subscription, the consumer, and what
 * there is of the log are asked for one after the other.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_log_state.h"
#include "ngx_http_notify_subscriptions.h"


/* what a log that lost its end may have got behind a cursor since */
#define NGX_HTTP_NOTIFY_API_DELTAS_RESYNC  60000


static ngx_uint_t ngx_http_notify_api_deltas_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deltas_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deltas_ready(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac);
static void ngx_http_notify_api_deltas_subscription(
    ngx_http_notify_api_deltas_t *deltas);
static void ngx_http_notify_api_deltas_loaded(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_api_deltas_select(
    ngx_http_notify_api_deltas_t *deltas, const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_api_deltas_info(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_api_deltas_start(
    ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_log_state_t *state);
static void ngx_http_notify_api_deltas_gone(
    ngx_http_notify_api_deltas_t *deltas, const ngx_http_notify_id_t *id);


ngx_http_notify_api_resource_t  ngx_http_notify_api_deltas = {
    ngx_string("deltas"),
    ngx_http_notify_api_deltas_methods,
    ngx_http_notify_api_deltas_handler,
    0
};


static ngx_uint_t
ngx_http_notify_api_deltas_methods(ngx_http_notify_api_t *api)
{
    return api->nsegments == 0 ? NGX_HTTP_GET
                               : ngx_http_notify_api_consumers_methods(api);
}


static void
ngx_http_notify_api_deltas_handler(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deltas_t  *deltas;

    if (api->nsegments) {
        ngx_http_notify_api_consumers(api);
        return;
    }

    deltas = ngx_pcalloc(api->request->pool,
                         sizeof(ngx_http_notify_api_deltas_t));
    if (deltas == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    deltas->api = api;
    deltas->want.tenant = api->tenant;
    api->data = deltas;

    if (ngx_http_notify_api_deltas_args(deltas) != NGX_OK) {
        return;
    }

    if (!deltas->stream
        && ngx_array_init(&deltas->entries, api->request->pool, 16,
                          sizeof(ngx_str_t))
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_cursor(api, ngx_http_notify_api_deltas_ready);
}


static void
ngx_http_notify_api_deltas_ready(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac)
{
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;
    deltas->hmac = hmac;

    if (deltas->cursor.len) {
        if (ngx_http_notify_api_deltas_place(api, &deltas->cursor, hmac,
                                             &deltas->from)
            != NGX_OK)
        {
            return;
        }

        deltas->placed = 1;
    }

    if (deltas->subscription.len) {
        ngx_http_notify_api_deltas_subscription(deltas);
        return;
    }

    if (deltas->consumer.len) {
        ngx_http_notify_api_consumers_load(deltas);
        return;
    }

    ngx_http_notify_api_deltas_begin(deltas);
}


static void
ngx_http_notify_api_deltas_subscription(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_http_notify_api_t      *api;

    api = deltas->api;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_get(
            api->channel->redis, &api->channel->keys, &deltas->subscription,
            ngx_http_notify_api_deltas_loaded,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_deltas_loaded(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t         *api;
    ngx_http_notify_api_deltas_t  *deltas;

    api = ngx_http_notify_api_suspended_reply(data, resp, "api");
    if (api == NULL) {
        return;
    }

    deltas = api->data;

    switch (ngx_http_notify_api_deltas_select(deltas, resp)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such subscription");
        return;

    default:
        ngx_http_notify_api_failed(api);
        return;
    }

    if (deltas->consumer.len) {
        ngx_http_notify_api_consumers_load(deltas);
        return;
    }

    ngx_http_notify_api_deltas_begin(deltas);
}


/* NGX_DECLINED: it does not exist for this tenant */

static ngx_int_t
ngx_http_notify_api_deltas_select(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_resp_t *resp)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_request_t          *r;
    ngx_http_notify_resp_t      *text;
    ngx_http_notify_selector_t  *selector;

    r = deltas->api->request;

    text = ngx_http_notify_resp_at(resp, 0);

    if (text == NULL || text->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    selector = ngx_http_notify_selector_create(&text->str, cln,
                                               r->connection->log);
    if (selector == NULL) {
        return NGX_ERROR;
    }

    deltas->selected = cln;
    deltas->want.selector = selector;

    return ngx_http_notify_api_owns(deltas->api, &selector->doc->tenant)
               ? NGX_OK : NGX_DECLINED;
}


/* what is kept of the log is asked first: a place may be older, or newer */

void
ngx_http_notify_api_deltas_begin(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_http_notify_api_t      *api;

    api = deltas->api;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_log_state_ask(
            api->channel->redis, &api->channel->keys,
            ngx_http_notify_api_deltas_info,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_deltas_info(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t         *api;
    ngx_http_notify_log_state_t    state;
    ngx_http_notify_api_deltas_t  *deltas;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    deltas = api->data;

    if (ngx_http_notify_log_state_parse(resp, &state) == NGX_ERROR) {
        if (ngx_http_notify_api_reply(api, resp, "api") == NGX_OK) {
            ngx_http_notify_api_failed(api);
        }

        return;
    }

    if (ngx_http_notify_api_deltas_start(deltas, &state) != NGX_OK) {
        return;
    }

    if (deltas->stream) {
        ngx_http_notify_api_stream(deltas);
        return;
    }

    ngx_http_notify_api_deltas_read(deltas);
}


/*
 * Where to begin.  An event after the end of the log was there in a Redis that
 * had more: what was written since then may stand before it, so the reader goes
 * back by as much as clocks and replicas may differ.  A time may be ahead of
 * the log: the reader waits for it.
 */

static ngx_int_t
ngx_http_notify_api_deltas_start(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_log_state_t *state)
{
    ngx_http_notify_id_t  first;

    deltas->seen = state->last;

    if (!deltas->placed && !deltas->since) {

        if (state->length == 0) {
            deltas->from = state->last;
        }

        return NGX_OK;
    }

    if (ngx_http_notify_id_compare(&deltas->from, &state->last) > 0
        && !ngx_http_notify_id_is_time(&deltas->from))
    {
        deltas->resync = 1;

        deltas->from.ms -= ngx_min(deltas->from.ms,
                                   NGX_HTTP_NOTIFY_API_DELTAS_RESYNC);
        deltas->from.seq = 0;

        if (ngx_http_notify_id_compare(&deltas->from, &state->last) > 0) {
            deltas->from = state->last;
        }

        return NGX_OK;
    }

    if (deltas->placed
        && ngx_http_notify_log_state_lost(state, &deltas->from, &first))
    {
        ngx_http_notify_api_deltas_gone(deltas, &first);
        return NGX_ABORT;
    }

    return NGX_OK;
}


/* what a read from `from` on did not find up to `seen` is not there any more */

ngx_http_notify_id_t
ngx_http_notify_api_deltas_wait_at(const ngx_http_notify_api_deltas_t *deltas,
    ngx_http_notify_id_t *from)
{
    if (ngx_http_notify_id_compare(from, &deltas->seen) < 0) {
        *from = deltas->seen;
    }

    return ngx_http_notify_id_is_time(from) ? deltas->seen : *from;
}


static void
ngx_http_notify_api_deltas_gone(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_id_t *id)
{
    u_char                  buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN];
    u_char                 *p;
    ngx_str_t               oldest;
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    p = ngx_http_notify_id_cursor(buf, id, &api->tenant, deltas->hmac);
    if (p == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    oldest.data = buf;
    oldest.len = p - buf;

    ngx_http_notify_api_problem_extra(api, 410, "cursor_expired", "oldest",
                                      &oldest,
                                      "events behind the cursor are gone; "
                                      "\"oldest\" is the cursor of what is "
                                      "left");
}
