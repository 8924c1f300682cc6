/*
 * The resource `deliveries`: one event for one subscription, with what came of
 * its attempts, and the wish that it be delivered again.
 */

#include "ngx_http_notify_api_deliveries.h"
#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_api_role.h"
#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_delivery_request.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_text.h"


typedef struct {
    ngx_str_t                         subscription;
    ngx_http_notify_id_t              event;
    ngx_uint_t                        again;
    ngx_uint_t                        request;  /* unsigned  request:1; show */
    ngx_http_notify_delivery_view_t   view;
    ngx_http_notify_delivery_row_t    row;
} ngx_http_notify_api_delivery_t;


static ngx_uint_t ngx_http_notify_api_deliveries_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deliveries_handler(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_deliveries_arg(
    ngx_http_notify_api_t *api, ngx_uint_t *request);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_read;
static void ngx_http_notify_api_deliveries_cleanup(void *data);
static void ngx_http_notify_api_deliveries_none(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deliveries_again(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_asked;
static void ngx_http_notify_api_deliveries_send(ngx_http_notify_api_t *api,
    ngx_uint_t status);


ngx_http_notify_api_resource_t  ngx_http_notify_api_deliveries = {
    ngx_string("deliveries"),
    { NGX_HTTP_GET, NGX_HTTP_GET },
    ngx_http_notify_api_deliveries_methods,
    ngx_http_notify_api_deliveries_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static ngx_uint_t
ngx_http_notify_api_deliveries_methods(ngx_http_notify_api_t *api)
{
    return (api->nsegments == 2
            && ngx_http_notify_text_is(&api->segments[1], "redeliver"))
           ? NGX_HTTP_POST : 0;
}


static void
ngx_http_notify_api_deliveries_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t             subscription;
    ngx_http_notify_id_t  event;

    if (api->nsegments == 0) {
        ngx_http_notify_api_deliveries_all(api);
        return;
    }

    switch (ngx_http_notify_delivery_view_parse(api->request->pool,
                                                &api->segments[0],
                                                &subscription, &event))
    {
    case NGX_OK:
        ngx_http_notify_api_delivery(api, &subscription, &event,
                                     api->method == NGX_HTTP_POST);
        return;

    case NGX_DECLINED:
        ngx_http_notify_api_deliveries_none(api);
        return;

    default:
        ngx_http_notify_api_failed(api);
    }
}


void
ngx_http_notify_api_delivery(ngx_http_notify_api_t *api,
    const ngx_str_t *subscription, const ngx_http_notify_id_t *event,
    ngx_uint_t again)
{
    ngx_http_notify_api_delivery_t  *delivery;

    delivery = ngx_http_notify_memory_owned(api->request->pool,
        sizeof(ngx_http_notify_api_delivery_t),
        ngx_http_notify_api_deliveries_cleanup);
    if (delivery == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    delivery->subscription = *subscription;
    delivery->event = *event;
    delivery->again = again;
    delivery->view.pool = api->request->pool;
    delivery->view.channel = api->channel;
    delivery->view.whole = 1;

    api->data = delivery;

    if (api->method == NGX_HTTP_GET
        && ngx_http_notify_api_deliveries_arg(api, &delivery->request)
           != NGX_OK)
    {
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_deliveries_read(
            api->channel->redis, &api->channel->keys, &delivery->subscription,
            NGX_HTTP_NOTIFY_DELIVERIES_ONE, event, 1, 1,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_deliveries_read)));
}


/* NGX_ABORT: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_deliveries_arg(ngx_http_notify_api_t *api,
    ngx_uint_t *request)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_api_arg(api, "request", &value);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ABORT;
    }

    *request = ngx_http_notify_text_is(&value, "true");

    if (!*request && !ngx_http_notify_text_is(&value, "false")) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"request\" must be true or false");
        return NGX_ABORT;
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_cleanup(void *data)
{
    ngx_http_notify_api_delivery_t *delivery = data;

    if (delivery->row.entry != NULL) {
        ngx_http_notify_log_unref(delivery->row.entry);
    }
}


static void
ngx_http_notify_api_deliveries_read(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_resp_t          *rows;
    ngx_http_notify_delivery_row_t  *row;
    ngx_http_notify_api_delivery_t  *delivery;
    ngx_http_notify_subscription_t  *subscription;

    delivery = api->data;
    row = &delivery->row;

    if (ngx_http_notify_api_delivery_take(api, &delivery->view, resp,
                                          !delivery->again)
        != NGX_OK)
    {
        return;
    }

    rows = resp->elts[NGX_HTTP_NOTIFY_DELIVERIES_ROWS];

    if (rows->nelts < NGX_HTTP_NOTIFY_DELIVERIES_ROW
        || ngx_http_notify_delivery_view_row(&delivery->view, rows->elts, row)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (delivery->again) {
        ngx_http_notify_api_deliveries_again(api);
        return;
    }

    subscription = delivery->view.selector->doc;

    if (row->status == NGX_HTTP_NOTIFY_DELIVERY_NONE
        || (!ngx_http_notify_api_role_owns(api, ngx_http_notify_api_mount(api),
                                           subscription)
            && (row->entry == NULL
                || !ngx_http_notify_api_owns(api, &row->entry->tenant))))
    {
        ngx_http_notify_api_deliveries_none(api);
        return;
    }

    ngx_http_notify_api_deliveries_send(api, NGX_HTTP_OK);
}


ngx_int_t
ngx_http_notify_api_delivery_take(ngx_http_notify_api_t *api,
    ngx_http_notify_delivery_view_t *view, const ngx_http_notify_resp_t *resp,
    ngx_uint_t target)
{
    ngx_int_t                              rc;
    const ngx_http_notify_subscription_t  *subscription;

    rc = ngx_http_notify_delivery_view_take(view, resp);

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    subscription = (rc == NGX_OK) ? view->selector->doc : NULL;

    if (subscription == NULL
        || (!ngx_http_notify_api_role_owns(api, ngx_http_notify_api_mount(api),
                                           subscription)
            && !(target && subscription->internal
                 && subscription->provider.len == 0)))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such subscription");
        return NGX_ABORT;
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_none(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                "there is no such delivery");
}


/* also of an event from before the subscription's time */

static void
ngx_http_notify_api_deliveries_again(ngx_http_notify_api_t *api)
{
    u_char                          *last;
    uint64_t                         paused;
    ngx_http_notify_delivery_row_t  *row;
    ngx_http_notify_api_delivery_t  *delivery;
    ngx_http_notify_subscription_t  *subscription;
    u_char                           until[NGX_HTTP_NOTIFY_ID_TIME_LEN];

    delivery = api->data;
    row = &delivery->row;

    if (row->status == NGX_HTTP_NOTIFY_DELIVERY_NONE && !row->concerns) {
        ngx_http_notify_api_deliveries_none(api);
        return;
    }

    if (row->entry == NULL) {
        ngx_http_notify_api_problem(api, 410, "event_expired",
                                    "the log does not have the event any "
                                    "more");
        return;
    }

    subscription = delivery->view.selector->doc;

    if (!subscription->enabled
        || (subscription->provider.len == 0
            && ngx_http_notify_channel_profile(api->channel,
                                               &subscription->profile)
               == NULL))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT, "disabled",
                                    "the subscription is disabled");
        return;
    }

    if (subscription->paused_until == NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FOREVER) {
        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT, "paused",
                                    "the subscription is paused until it is "
                                    "resumed");
        return;
    }

    paused = ngx_max(delivery->view.paused, subscription->paused_until);

    if (paused > ngx_http_notify_api_now()) {
        last = ngx_http_notify_id_time(until, paused);
        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT, "paused",
                                    "the subscription is paused until %*s",
                                    (size_t) (last - until), until);
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_deliveries_again(
            api->channel->redis, &api->channel->keys, &delivery->subscription,
            &delivery->event, ngx_http_notify_api_now(),
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_deliveries_asked)));
}


static void
ngx_http_notify_api_deliveries_asked(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_delivery_t  *delivery;

    delivery = api->data;

    if (!ngx_http_notify_script_says(resp, "ok")) {
        ngx_http_notify_api_deliveries_none(api);
        return;
    }

    delivery->row.status = NGX_HTTP_NOTIFY_DELIVERY_PENDING;
    delivery->row.due = ngx_http_notify_api_now();
    delivery->row.tries = 0;

    ngx_http_notify_api_deliveries_send(api, NGX_HTTP_ACCEPTED);
}


static void
ngx_http_notify_api_deliveries_send(ngx_http_notify_api_t *api,
    ngx_uint_t status)
{
    ngx_str_t                        request;
    ngx_http_notify_json_write_t     w;
    ngx_http_notify_api_delivery_t  *delivery;

    delivery = api->data;

    if (delivery->request) {

        /* how a target is called is not for all whose events it gets */

        ngx_str_set(&request, "null");

        if (ngx_http_notify_api_role_owns(api, ngx_http_notify_api_mount(api),
                                          delivery->view.selector->doc)
            && ngx_http_notify_delivery_request(&delivery->view,
                                                &delivery->row, &request)
               != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return;
        }

        delivery->view.request = &request;
    }

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_delivery_view_show(&delivery->view, &delivery->row, &w);

    ngx_http_notify_api_send_written(api, status, &w);
}
