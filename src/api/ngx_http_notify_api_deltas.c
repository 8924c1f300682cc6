/*
 * The resource `deltas`: the log, pulled.  From the arguments to the place to
 * begin at: the key of the cursors, the subscription, the consumer, and what
 * there is of the log are asked for one after the other.
 */

#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_subscriptions.h"


static void ngx_http_notify_api_deltas_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deltas_ready(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac);
static void ngx_http_notify_api_deltas_subscription(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deltas_loaded;
static ngx_int_t ngx_http_notify_api_deltas_select(
    ngx_http_notify_api_deltas_t *deltas, const ngx_http_notify_resp_t *resp);


ngx_http_notify_api_resource_t  ngx_http_notify_api_deltas = {
    ngx_string("deltas"),
    { NGX_HTTP_GET, 0 },
    ngx_http_notify_api_consumers_methods,
    ngx_http_notify_api_deltas_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


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

    deltas->begun = ngx_http_notify_api_deltas_read;
    deltas->nothing = ngx_http_notify_api_wait;

    if (ngx_http_notify_api_deltas_args(deltas) != NGX_OK) {
        return;
    }

    if (deltas->stream) {
        deltas->begun = ngx_http_notify_api_stream;
        api->unavailable = ngx_http_notify_api_stream_unavailable;
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
        if (ngx_http_notify_api_deltas_place(api, &deltas->cursor,
                                             deltas->resumed
                                             ? "Last-Event-ID"
                                             : "the cursor",
                                             hmac, &deltas->from)
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
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_deltas_loaded)));
}


static void
ngx_http_notify_api_deltas_loaded(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    switch (ngx_http_notify_api_deltas_select(deltas, resp)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such subscription: \"%V\"",
                                    &deltas->subscription);
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
