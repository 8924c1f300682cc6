/*
 * GET /deliveries: over all subscriptions of the tenant, those of the latest
 * event first.  A page of the log is read, then the subscriptions say which of
 * its events are theirs, then each of these pairs is looked at: a bounded
 * number of all that in a request, the rest is behind its link.  Those that
 * are dead or wait for another attempt are read where they are kept.
 */

#include "ngx_http_notify_api_deliveries_all.h"
#include "ngx_http_notify_api_role.h"
#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_settings.h"
#include "ngx_http_notify_subscriptions.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_EVENTS  100   /* of a page */
#define NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_SUBS    250   /* of a page */
#define NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_LOOKS   1000  /* of a request */
#define NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_SKEW    5000  /* ms, of clocks */


static void ngx_http_notify_api_deliveries_all_cleanup(void *data);
static void ngx_http_notify_api_deliveries_all_read(
    ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_all_events;
static void ngx_http_notify_api_deliveries_all_subscriptions(
    ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_all_page;
static void ngx_http_notify_api_deliveries_all_found(
    ngx_http_notify_api_t *api, ngx_uint_t more);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_all_answer;
static ngx_int_t ngx_http_notify_api_deliveries_all_of(
    ngx_http_notify_api_t *api, ngx_http_notify_resp_t **row);
static ngx_int_t ngx_http_notify_api_deliveries_all_target(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deliveries_all_next(
    ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_all_one;
static ngx_int_t ngx_http_notify_api_deliveries_all_row(
    ngx_http_notify_api_t *api, const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_api_deliveries_all_send(
    ngx_http_notify_api_t *api, ngx_uint_t more);


void
ngx_http_notify_api_deliveries_all(ngx_http_notify_api_t *api)
{
    ngx_pool_t                            *pool;
    ngx_http_notify_api_deliveries_all_t  *list;

    pool = api->request->pool;

    list = ngx_http_notify_memory_owned(pool,
        sizeof(ngx_http_notify_api_deliveries_all_t),
        ngx_http_notify_api_deliveries_all_cleanup);
    if (list == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_array_init(&list->events, pool,
                       NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_EVENTS,
                       sizeof(ngx_http_notify_event_t *))
        != NGX_OK
        || ngx_array_init(&list->asked, pool, 16,
                          sizeof(ngx_http_notify_api_deliveries_pair_t))
           != NGX_OK
        || ngx_array_init(&list->pairs, pool, 64,
                          sizeof(ngx_http_notify_api_deliveries_pair_t))
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = list;
    list->channel = api->channel;

    if (ngx_http_notify_api_deliveries_all_args(api) != NGX_OK) {
        return;
    }

    ngx_http_notify_json_write_init(&list->rows, pool);
    ngx_http_notify_json_write_array(&list->rows, NULL);

    ngx_http_notify_api_deliveries_all_read(api);
}


static void
ngx_http_notify_api_deliveries_all_cleanup(void *data)
{
    ngx_http_notify_api_deliveries_all_t *list = data;

    ngx_uint_t                 i;
    ngx_http_notify_event_t  **event;

    event = list->events.elts;

    for (i = 0; i < list->events.nelts; i++) {
        ngx_http_notify_log_unref(event[i]);
    }

    list->events.nelts = 0;
}


/* the event up to whose subscription it has come is read once more */

static void
ngx_http_notify_api_deliveries_all_read(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_latest_t           latest;
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    ngx_http_notify_api_deliveries_all_cleanup(list);

    ngx_str_null(&list->after);
    list->pairs.nelts = 0;
    list->next = 0;
    list->cut = 0;
    ngx_memzero(&list->floor, sizeof(ngx_http_notify_id_t));

    if (ngx_http_notify_api_deliveries_all_kept(list)) {
        list->end = 1;
        list->scanned += NGX_HTTP_NOTIFY_API_LATEST_LOOK;
        ngx_http_notify_api_deliveries_all_subscriptions(api);
        return;
    }

    latest = list->latest;

    if (list->within) {
        latest.before = ngx_http_notify_id_after(&latest.before);
    }

    ngx_http_notify_api_latest_read(api, &latest,
                                NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_EVENTS,
                                ngx_http_notify_api_deliveries_all_events);
}


static void
ngx_http_notify_api_deliveries_all_events(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                             i;
    ngx_http_notify_resp_t                *last;
    ngx_http_notify_event_t               *event, **slot;
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    for (i = 1; i < resp->nelts; i++) {

        event = ngx_http_notify_log_event(resp->elts[i],
                                          api->request->connection->log);
        if (event == NULL) {
            continue;
        }

        slot = ngx_array_push(&list->events);

        if (slot == NULL) {
            ngx_http_notify_log_unref(event);
            ngx_http_notify_api_failed(api);
            return;
        }

        *slot = event;
    }

    /* where the log is read on, once these are done */

    last = ngx_http_notify_resp_at(resp, 0);
    list->end = (last == NULL
                 || ngx_http_notify_id_parse(&last->str, &list->stop)
                    != NGX_OK);

    list->scanned += NGX_HTTP_NOTIFY_API_LATEST_LOOK;

    if (ngx_http_notify_api_deliveries_all_target(api) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (list->events.nelts == 0) {
        ngx_http_notify_api_deliveries_all_next(api);
        return;
    }

    ngx_http_notify_api_deliveries_all_subscriptions(api);
}


static void
ngx_http_notify_api_deliveries_all_subscriptions(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_list(
            api->channel->redis, &api->channel->keys, &api->tenant,
            &list->after, NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_SUBS,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_deliveries_all_page)));
}


static void
ngx_http_notify_api_deliveries_all_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                             i;
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    if (ngx_http_notify_api_deliveries_all_kept_begin(list) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    for (i = 0;
         i + NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW <= resp->nelts;
         i += NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW)
    {
        if (ngx_http_notify_api_deliveries_all_of(api, &resp->elts[i])
            != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    if (list->asked.nelts) {
        list->more = i;
        ngx_http_notify_api_deliveries_all_kept_ask(api,
                                   ngx_http_notify_api_deliveries_all_answer);
        return;
    }

    ngx_http_notify_api_deliveries_all_found(api, i);
}


/* after a page of subscriptions, of which there may be more */

static void
ngx_http_notify_api_deliveries_all_found(ngx_http_notify_api_t *api,
    ngx_uint_t more)
{
    ngx_http_notify_api_deliveries_all_t   *list;
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list = api->data;

    if (more) {
        ngx_http_notify_api_deliveries_all_subscriptions(api);
        return;
    }

    ngx_http_notify_api_deliveries_all_pairs_sort(list);

    /* behind the floor there is more, and not all of it is here */

    list->cut |= (list->floor.ms != 0);

    pair = list->pairs.elts;

    while (list->pairs.nelts
           && ngx_http_notify_id_compare(&pair[list->pairs.nelts - 1].event,
                                         &list->floor)
              < 0)
    {
        list->pairs.nelts--;
    }

    ngx_http_notify_api_deliveries_all_next(api);
}


static void
ngx_http_notify_api_deliveries_all_answer(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    if (ngx_http_notify_api_deliveries_all_kept_take(api, resp) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_deliveries_all_found(api, list->more);
}


/* documents that are none are logged where they are parsed, and left out */

static ngx_int_t
ngx_http_notify_api_deliveries_all_of(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **row)
{
    off_t                                   score;
    ngx_int_t                               rc;
    ngx_uint_t                              i, changed;
    ngx_http_notify_event_t               **event;
    ngx_http_notify_selector_t             *selector;
    ngx_http_notify_api_deliveries_all_t   *list;

    list = api->data;

    list->after.len = row[0]->str.len;
    list->after.data = ngx_pstrdup(api->request->pool, &row[0]->str);

    if (list->after.data == NULL) {
        return NGX_ERROR;
    }

    score = ngx_atoof(list->after.data, list->after.len);

    selector = ngx_http_notify_selector_create(&row[1]->str, NULL,
                                               ngx_cycle->log);

    if (selector == NULL) {
        return NGX_OK;
    }

    rc = NGX_OK;

    if (score == NGX_ERROR) {
        ngx_http_notify_selector_destroy(selector);
        return NGX_OK;
    }

    if (list->subscription.len == 0
        || ngx_http_notify_text_equal(&list->subscription, &selector->doc->id))
    {
        if (ngx_http_notify_api_deliveries_all_kept(list)) {
            rc = ngx_http_notify_api_deliveries_all_kept_put(api, score,
                                                        &selector->doc->id);
        }

        event = list->events.elts;

        for (i = 0; rc == NGX_OK && i < list->events.nelts; i++) {

            /* one that was changed since may have been for it, and called */

            changed = selector->doc->updated
                      + NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_SKEW
                      >= event[i]->id.ms;

            if (changed || ngx_http_notify_selector_test(selector, event[i])) {
                rc = ngx_http_notify_api_deliveries_all_pairs_add(api,
                                     &event[i]->id, score, &selector->doc->id);
            }
        }
    }

    ngx_http_notify_selector_destroy(selector);

    return rc;
}


/* who gets every event, before all that were made */

static ngx_int_t
ngx_http_notify_api_deliveries_all_target(ngx_http_notify_api_t *api)
{
    ngx_uint_t                              i;
    ngx_http_notify_event_t               **event;
    ngx_http_notify_api_deliveries_all_t   *list;

    static const ngx_str_t  target =
                                  ngx_string(NGX_HTTP_NOTIFY_SETTINGS_TARGET);

    list = api->data;
    event = list->events.elts;

    if (!ngx_http_notify_setting_target(api->channel)
        || (list->subscription.len
            && !ngx_http_notify_text_equal(&list->subscription, &target)))
    {
        return NGX_OK;
    }

    for (i = 0; i < list->events.nelts; i++) {
        if (!ngx_http_notify_channel_reserved(&event[i]->type)
            && ngx_http_notify_api_deliveries_all_pairs_add(api,
                                               &event[i]->id, 0, &target)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_all_next(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_all_t   *list;
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list = api->data;

    if (list->next < list->pairs.nelts) {

        if (list->looks == NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_LOOKS) {
            ngx_http_notify_api_deliveries_all_send(api, 1);
            return;
        }

        pair = list->pairs.elts;

        ngx_http_notify_api_suspended_began(api,
            ngx_http_notify_deliveries_read(
                api->channel->redis, &api->channel->keys,
                &pair[list->next].id, NGX_HTTP_NOTIFY_DELIVERIES_ONE,
                &pair[list->next].event, 1, 1,
                ngx_http_notify_api_asked,
                ngx_http_notify_api_ask(api,
                    ngx_http_notify_api_deliveries_all_one)));
        return;
    }

    if (!list->cut) {

        if (list->end) {
            ngx_http_notify_api_deliveries_all_send(api, 0);
            return;
        }

        list->latest.before = list->stop;
        list->latest.placed = 1;
        list->within = 0;
    }

    if (list->scanned >= NGX_HTTP_NOTIFY_API_LATEST_SCAN) {
        ngx_http_notify_api_deliveries_all_send(api, 1);
        return;
    }

    ngx_http_notify_api_deliveries_all_read(api);
}


static void
ngx_http_notify_api_deliveries_all_one(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_deliveries_all_t   *list;
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list = api->data;

    switch (ngx_http_notify_api_deliveries_all_row(api, resp)) {

    case NGX_OK:
        break;

    case NGX_DONE:
        ngx_http_notify_api_deliveries_all_send(api, 1);
        return;

    default:
        ngx_http_notify_api_failed(api);
        return;
    }

    pair = list->pairs.elts;
    pair += list->next++;

    list->looks++;
    list->latest.before = pair->event;
    list->latest.placed = 1;
    list->score = pair->score;
    list->within = 1;

    ngx_http_notify_api_deliveries_all_next(api);
}


/* NGX_DONE: it is one more than there may be.  What was deleted meanwhile, or
 * is another tenant's, is left out. */

static ngx_int_t
ngx_http_notify_api_deliveries_all_row(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                              rc;
    ngx_http_notify_delivery_row_t         row;
    ngx_http_notify_delivery_view_t        view;
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    rc = ngx_http_notify_delivery_view_one(api->request->pool, api->channel,
                                           resp, &view, &row);
    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    rc = NGX_OK;

    if (row.status != NGX_HTTP_NOTIFY_DELIVERY_NONE
        && (list->status == NGX_HTTP_NOTIFY_DELIVERY_NONE
            || list->status == row.status)
        && (list->latest.type.len == 0
            || (row.entry
                && ngx_http_notify_text_equal(&list->latest.type,
                                              &row.entry->type)))
        && (ngx_http_notify_api_role_owns(api, ngx_http_notify_api_mount(api),
                                          view.selector->doc)
            || (row.entry
                && ngx_http_notify_api_owns(api, &row.entry->tenant))))
    {
        if (list->nrows == list->limit) {
            rc = NGX_DONE;

        } else {
            ngx_http_notify_delivery_view_show(&view, &row, &list->rows);
            list->nrows++;
        }
    }

    if (row.entry != NULL) {
        ngx_http_notify_log_unref(row.entry);
    }

    return rc;
}


static void
ngx_http_notify_api_deliveries_all_send(ngx_http_notify_api_t *api,
    ngx_uint_t more)
{
    u_char                                *p;
    ngx_str_t                              place;
    ngx_http_notify_api_deliveries_all_t  *list;
    u_char  buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN + NGX_INT64_LEN + 1];

    list = api->data;

    p = ngx_http_notify_id_event(buf, &list->latest.before);

    if (list->within) {
        p = ngx_sprintf(p, ".%uL", list->score);
    }

    place.data = buf;
    place.len = p - buf;

    if (more
        && ngx_http_notify_api_latest_next(api, &list->latest, list->limit,
                                           &place)
           != NGX_OK)
    {
        return;
    }

    ngx_http_notify_json_write_end(&list->rows);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &list->rows);
}
