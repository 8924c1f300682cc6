/*
 * events/{id}/deliveries: for whom the event is, in the order in which the
 * subscriptions were made, and what has become of it; events/{id}/redeliver.
 * One subscription is looked at after the other, a bounded number a request.
 */

#include "ngx_http_notify_api_deliveries.h"
#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_settings.h"
#include "ngx_http_notify_subscriptions.h"


#define NGX_HTTP_NOTIFY_API_DELIVERIES_SUBSCRIPTIONS  250
#define NGX_HTTP_NOTIFY_API_DELIVERIES_LOOK           2500
#define NGX_HTTP_NOTIFY_API_DELIVERIES_SKEW           5000  /* ms, of clocks */


/* one whom the event may concern */
typedef struct {
    ngx_str_t                          score;
    ngx_str_t                          id;
} ngx_http_notify_api_deliveries_to_t;

typedef struct {
    ngx_http_notify_event_t           *event;
    ngx_uint_t                         limit;
    ngx_str_t                          after;   /* a score, looked at */
    ngx_uint_t                         looked;
    ngx_uint_t                         end;     /* there are no more */
    ngx_array_t                        to;      /* of this page */
    ngx_uint_t                         next;
    ngx_uint_t                         nrows;
    ngx_http_notify_json_write_t       rows;    /* an array */
} ngx_http_notify_api_deliveries_event_t;


static ngx_int_t ngx_http_notify_api_deliveries_event_target(
    ngx_http_notify_api_deliveries_event_t *list);
static void ngx_http_notify_api_deliveries_event_cleanup(void *data);
static void ngx_http_notify_api_deliveries_event_again(
    ngx_http_notify_api_t *api, ngx_http_notify_event_t *event);
static ngx_int_t ngx_http_notify_api_deliveries_event_args(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deliveries_event_list(
    ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_event_page;
static ngx_int_t ngx_http_notify_api_deliveries_event_to(
    ngx_http_notify_api_t *api, ngx_http_notify_resp_t **row);
static void ngx_http_notify_api_deliveries_event_next(
    ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_event_one;
static ngx_int_t ngx_http_notify_api_deliveries_event_row(
    ngx_http_notify_api_t *api, const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_api_deliveries_event_send(
    ngx_http_notify_api_t *api);


void
ngx_http_notify_api_deliveries_event(ngx_http_notify_api_t *api,
    ngx_http_notify_event_t *event)
{
    ngx_http_notify_api_deliveries_event_t  *list;

    list = ngx_http_notify_memory_owned(api->request->pool,
        sizeof(ngx_http_notify_api_deliveries_event_t),
        ngx_http_notify_api_deliveries_event_cleanup);
    if (list == NULL) {
        ngx_http_notify_log_unref(event);
        ngx_http_notify_api_failed(api);
        return;
    }

    list->event = event;

    if (api->method == NGX_HTTP_POST) {
        ngx_http_notify_api_deliveries_event_again(api, event);
        return;
    }

    api->data = list;

    if (ngx_http_notify_api_deliveries_event_args(api) != NGX_OK) {
        return;
    }

    ngx_http_notify_json_write_init(&list->rows, api->request->pool);
    ngx_http_notify_json_write_array(&list->rows, NULL);

    if (ngx_array_init(&list->to, api->request->pool, 16,
                       sizeof(ngx_http_notify_api_deliveries_to_t))
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (list->after.len == 0
        && ngx_http_notify_setting_target(api->channel)
        && !ngx_http_notify_channel_reserved(&event->type))
    {
        if (ngx_http_notify_api_deliveries_event_target(list) != NGX_OK) {
            ngx_http_notify_api_failed(api);
            return;
        }

        ngx_http_notify_api_deliveries_event_next(api);
        return;
    }

    ngx_http_notify_api_deliveries_event_list(api);
}


/* who gets every event, before all that were made; left out if it is not set */

static ngx_int_t
ngx_http_notify_api_deliveries_event_target(
    ngx_http_notify_api_deliveries_event_t *list)
{
    ngx_http_notify_api_deliveries_to_t  *to;

    to = ngx_array_push(&list->to);
    if (to == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&to->score, "0");
    ngx_str_set(&to->id, NGX_HTTP_NOTIFY_SETTINGS_TARGET);

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_event_cleanup(void *data)
{
    ngx_http_notify_api_deliveries_event_t *list = data;

    ngx_http_notify_log_unref(list->event);
}


/* {subscription} */

static void
ngx_http_notify_api_deliveries_event_again(ngx_http_notify_api_t *api,
    ngx_http_notify_event_t *event)
{
    ngx_str_t                id;
    ngx_http_notify_json_t  *input;

    static const char       *names[] = { "subscription", NULL };
    static const ngx_str_t   name = ngx_string("subscription");

    input = ngx_http_notify_api_document(api, 0);
    if (input == NULL) {
        return;
    }

    ngx_http_notify_api_only(api, input, names);

    id = ngx_http_notify_json_string(
             ngx_http_notify_json_get_nocase(input, "subscription"));

    if (id.len == 0 || id.len > 128) {
        ngx_http_notify_invalid_add(&api->invalid, &name,
                                    "must be the id of a subscription");
    }

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return;
    }

    ngx_http_notify_api_delivery(api, &id, &event->id, 1);
}


/* NGX_ABORT: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_deliveries_event_args(ngx_http_notify_api_t *api)
{
    ngx_int_t                                rc;
    ngx_http_notify_api_deliveries_event_t  *list;

    list = api->data;

    if (ngx_http_notify_api_limit(api, &list->limit) != NGX_OK) {
        return NGX_ABORT;
    }

    rc = ngx_http_notify_api_arg(api, "after", &list->after);

    if (rc == NGX_ABORT) {
        return NGX_ABORT;
    }

    if (rc == NGX_OK
        && (list->after.len > 16
            || ngx_atoof(list->after.data, list->after.len) == NGX_ERROR))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"after\" is not what a Link gave");
        return NGX_ABORT;
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_event_list(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_event_t  *list;

    list = api->data;

    list->to.nelts = 0;
    list->next = 0;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_list(
            api->channel->redis, &api->channel->keys, &api->tenant,
            &list->after, NGX_HTTP_NOTIFY_API_DELIVERIES_SUBSCRIPTIONS,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_deliveries_event_page)));
}


static void
ngx_http_notify_api_deliveries_event_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                               i;
    ngx_http_notify_api_deliveries_event_t  *list;

    list = api->data;
    list->end = (resp->nelts == 0);

    for (i = 0;
         i + NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW <= resp->nelts;
         i += NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW)
    {
        if (ngx_http_notify_api_deliveries_event_to(api, &resp->elts[i])
            != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    ngx_http_notify_api_deliveries_event_next(api);
}


/* documents that are none are logged where they are parsed, and left out */

static ngx_int_t
ngx_http_notify_api_deliveries_event_to(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **row)
{
    ngx_pool_t                              *pool;
    ngx_uint_t                               meant;
    ngx_http_notify_selector_t              *selector;
    ngx_http_notify_api_deliveries_to_t     *to;
    ngx_http_notify_api_deliveries_event_t  *list;

    list = api->data;
    pool = api->request->pool;

    list->looked++;

    to = ngx_array_push(&list->to);

    if (to == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(to, sizeof(ngx_http_notify_api_deliveries_to_t));

    to->score.len = row[0]->str.len;
    to->score.data = ngx_pstrdup(pool, &row[0]->str);

    if (to->score.data == NULL) {
        return NGX_ERROR;
    }

    selector = ngx_http_notify_selector_create(&row[1]->str, NULL,
                                               ngx_cycle->log);

    /* one that was changed since may have been for it, and called */

    meant = selector
            && (ngx_http_notify_selector_test(selector, list->event)
                || selector->doc->updated
                   + NGX_HTTP_NOTIFY_API_DELIVERIES_SKEW
                   >= list->event->id.ms);

    if (meant) {
        to->id.len = selector->doc->id.len;
        to->id.data = ngx_pstrdup(pool, &selector->doc->id);
    }

    if (selector) {
        ngx_http_notify_selector_destroy(selector);
    }

    return meant && to->id.data == NULL ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_notify_api_deliveries_event_next(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_to_t     *to;
    ngx_http_notify_api_deliveries_event_t  *list;

    list = api->data;
    to = list->to.elts;

    while (list->next < list->to.nelts && to[list->next].id.len == 0) {
        list->after = to[list->next++].score;
    }

    if (list->end
        || list->nrows == list->limit
        || (list->next == list->to.nelts
            && list->looked >= NGX_HTTP_NOTIFY_API_DELIVERIES_LOOK))
    {
        ngx_http_notify_api_deliveries_event_send(api);
        return;
    }

    if (list->next == list->to.nelts) {
        ngx_http_notify_api_deliveries_event_list(api);
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_deliveries_read(
            api->channel->redis, &api->channel->keys, &to[list->next].id,
            NGX_HTTP_NOTIFY_DELIVERIES_ONE, &list->event->id, 1, 1,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_deliveries_event_one)));
}


static void
ngx_http_notify_api_deliveries_event_one(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_deliveries_to_t     *to;
    ngx_http_notify_api_deliveries_event_t  *list;

    list = api->data;

    if (ngx_http_notify_api_deliveries_event_row(api, resp) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    to = list->to.elts;
    list->after = to[list->next++].score;

    ngx_http_notify_api_deliveries_event_next(api);
}


/* one that was deleted meanwhile is left out */

static ngx_int_t
ngx_http_notify_api_deliveries_event_row(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                                rc;
    ngx_http_notify_delivery_row_t           row;
    ngx_http_notify_delivery_view_t          view;
    ngx_http_notify_api_deliveries_event_t  *list;

    list = api->data;

    rc = ngx_http_notify_delivery_view_one(api->request->pool, api->channel,
                                           resp, &view, &row);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (row.status != NGX_HTTP_NOTIFY_DELIVERY_NONE) {
        ngx_http_notify_delivery_view_show(&view, &row, &list->rows);
        list->nrows++;
    }

    if (row.entry != NULL) {
        ngx_http_notify_log_unref(row.entry);
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_event_send(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_event_t  *list;

    static const ngx_str_t  none = ngx_string("");

    list = api->data;

    if (!list->end
        && ngx_http_notify_api_next(api, &api->segments[0], "/deliveries",
                                    list->limit, "after", &list->after, &none)
           != NGX_OK)
    {
        return;
    }

    ngx_http_notify_json_write_end(&list->rows);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &list->rows);
}
