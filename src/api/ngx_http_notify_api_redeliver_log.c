/*
 * The log, read for many subscriptions at once.  A page of it says which of
 * them may have got events; what Redis has of these is read, and then each
 * event is looked at for each of them.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_redeliver.h"
#include "ngx_http_notify_deliveries.h"


#define NGX_HTTP_NOTIFY_API_REDELIVER_LOG_VIEWS   64        /* at a time */
#define NGX_HTTP_NOTIFY_API_REDELIVER_LOG_KEPT    50000     /* of a view;
                                                                 with so many
                                                                 the last */
#define NGX_HTTP_NOTIFY_API_REDELIVER_LOG_EVENTS  1000      /* of a page */
#define NGX_HTTP_NOTIFY_API_REDELIVER_LOG_LOOKS   5000000   /* of a request */


static void ngx_http_notify_api_redeliver_log_cleanup(void *data);
static void ngx_http_notify_api_redeliver_log_forget(
    ngx_http_notify_api_redeliver_t *redeliver);
static void ngx_http_notify_api_redeliver_log_view(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_redeliver_log_viewed(
    ngx_http_notify_api_t *api, ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_api_redeliver_log_add(
    ngx_http_notify_api_t *api, ngx_http_notify_api_redeliver_view_t *one,
    const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_api_redeliver_log_kept(
    ngx_http_notify_api_redeliver_view_t *one, ngx_http_notify_resp_t *rows);
static int ngx_libc_cdecl ngx_http_notify_api_redeliver_log_compare(
    const void *one, const void *two);
static void ngx_http_notify_api_redeliver_log_read(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_redeliver_log_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_api_redeliver_log_look(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_redeliver_log_event(
    ngx_http_notify_api_t *api, ngx_http_notify_event_t *event);
static void ngx_http_notify_api_redeliver_log_find(
    const ngx_http_notify_api_redeliver_view_t *one,
    ngx_http_notify_delivery_row_t *row);


ngx_int_t
ngx_http_notify_api_redeliver_log_init(ngx_http_notify_api_t *api)
{
    ngx_pool_t                       *pool;
    ngx_pool_cleanup_t               *cln;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;
    pool = api->request->pool;

    cln = ngx_pool_cleanup_add(pool, 0);

    if (cln == NULL
        || ngx_array_init(&redeliver->groups, pool, 16,
                          sizeof(ngx_http_notify_api_redeliver_group_t))
           != NGX_OK
        || ngx_array_init(&redeliver->logged, pool, 16, sizeof(ngx_str_t))
           != NGX_OK
        || ngx_array_init(&redeliver->events, pool, 64,
                          sizeof(ngx_http_notify_event_t *))
           != NGX_OK
        || ngx_array_init(&redeliver->apart, pool, 1, sizeof(ngx_str_t))
           != NGX_OK
        || ngx_array_init(&redeliver->views, pool,
                          NGX_HTTP_NOTIFY_API_REDELIVER_LOG_VIEWS,
                          sizeof(ngx_http_notify_api_redeliver_view_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_notify_api_redeliver_log_cleanup;
    cln->data = redeliver;

    return NGX_OK;
}


static void
ngx_http_notify_api_redeliver_log_cleanup(void *data)
{
    ngx_http_notify_api_redeliver_t *redeliver = data;

    ngx_http_notify_api_redeliver_log_forget(redeliver);

    redeliver->views.nelts = 0;
    redeliver->kept = 0;

    if (redeliver->pool) {
        ngx_destroy_pool(redeliver->pool);
        redeliver->pool = NULL;
    }
}


static void
ngx_http_notify_api_redeliver_log_forget(
    ngx_http_notify_api_redeliver_t *redeliver)
{
    ngx_uint_t                 i;
    ngx_http_notify_event_t  **event;

    event = redeliver->events.elts;

    for (i = 0; i < redeliver->events.nelts; i++) {
        ngx_http_notify_log_unref(event[i]);
    }

    redeliver->events.nelts = 0;
}


void
ngx_http_notify_api_redeliver_log(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    ngx_http_notify_api_redeliver_log_cleanup(redeliver);

    if (redeliver->latest.placed
        && redeliver->next == redeliver->ids.nelts)
    {
        redeliver->next = 0;
        redeliver->done(api);
        return;
    }

    redeliver->pool = ngx_create_pool(4096, ngx_cycle->log);

    if (redeliver->pool == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_memzero(&redeliver->latest, sizeof(ngx_http_notify_api_latest_t));
    redeliver->latest.since = redeliver->since;
    redeliver->latest.until = redeliver->until;

    ngx_http_notify_api_redeliver_log_read(api);
}


/* the next of those whom the page is looked at for, or the page */

static void
ngx_http_notify_api_redeliver_log_view(ngx_http_notify_api_t *api)
{
    ngx_str_t                        *id;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    if (redeliver->next == redeliver->ids.nelts
        || redeliver->views.nelts == NGX_HTTP_NOTIFY_API_REDELIVER_LOG_VIEWS
        || redeliver->kept >= NGX_HTTP_NOTIFY_API_REDELIVER_LOG_KEPT)
    {
        ngx_http_notify_api_redeliver_log_look(api);
        return;
    }

    id = redeliver->ids.elts;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_deliveries_read(
            api->channel->redis, &api->channel->keys, &id[redeliver->next],
            NGX_HTTP_NOTIFY_DELIVERIES_KEPT, &redeliver->since,
            NGX_HTTP_NOTIFY_API_REDELIVER_LOG_KEPT, 1,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_redeliver_log_viewed)));
}


static void
ngx_http_notify_api_redeliver_log_viewed(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_redeliver_t       *redeliver;
    ngx_http_notify_api_redeliver_view_t  *one;

    redeliver = api->data;

    one = ngx_array_push(&redeliver->views);
    if (one == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    switch (ngx_http_notify_api_redeliver_log_add(api, one, resp)) {

    case NGX_OK:
        redeliver->kept += one->nkept;
        break;

    case NGX_DECLINED:
        redeliver->views.nelts--;
        break;

    case NGX_ABORT:
        return;

    default:
        ngx_http_notify_api_failed(api);
        return;
    }

    redeliver->next++;
    ngx_http_notify_api_redeliver_log_view(api);
}


/* NGX_DECLINED: the log is not read for it; NGX_ABORT: an answer has been
 * sent */

static ngx_int_t
ngx_http_notify_api_redeliver_log_add(ngx_http_notify_api_t *api,
    ngx_http_notify_api_redeliver_view_t *one,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                         rc;
    ngx_str_t                        *id;
    ngx_http_notify_resp_t           *rows, *cut;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;
    id = redeliver->ids.elts;
    id += redeliver->next;

    ngx_memzero(one, sizeof(ngx_http_notify_api_redeliver_view_t));

    one->view.pool = redeliver->pool;
    one->view.channel = api->channel;
    one->id = id;

    rc = ngx_http_notify_api_redeliver_found_view(api, &one->view, resp, id);

    if (rc != NGX_OK) {
        return rc;
    }

    if (one->view.selector->doc->internal) {
        id = ngx_array_push(&redeliver->apart);
        if (id == NULL) {
            return NGX_ERROR;
        }

        *id = *one->id;
        return NGX_DECLINED;
    }

    rows = ngx_http_notify_resp_at(resp, NGX_HTTP_NOTIFY_DELIVERIES_ROWS);
    cut = ngx_http_notify_resp_at(resp, NGX_HTTP_NOTIFY_DELIVERIES_CUT);

    if (rows == NULL || cut == NULL) {
        return NGX_ERROR;
    }

    if (cut->integer) {
        ngx_http_notify_api_redeliver_found_many(api,
                                      NGX_HTTP_NOTIFY_API_REDELIVER_LOG_KEPT);
        return NGX_ABORT;
    }

    return ngx_http_notify_api_redeliver_log_kept(one, rows);
}


static ngx_int_t
ngx_http_notify_api_redeliver_log_kept(
    ngx_http_notify_api_redeliver_view_t *one, ngx_http_notify_resp_t *rows)
{
    ngx_uint_t  i;

    one->kept = ngx_pcalloc(one->view.pool,
                            (rows->nelts / NGX_HTTP_NOTIFY_DELIVERIES_ROW + 1)
                            * sizeof(ngx_http_notify_delivery_row_t));
    if (one->kept == NULL) {
        return NGX_ERROR;
    }

    for (i = 0;
         i + NGX_HTTP_NOTIFY_DELIVERIES_ROW <= rows->nelts;
         i += NGX_HTTP_NOTIFY_DELIVERIES_ROW)
    {
        if (ngx_http_notify_delivery_view_row(&one->view, &rows->elts[i],
                                              &one->kept[one->nkept])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        one->nkept++;
    }

    ngx_qsort(one->kept, one->nkept, sizeof(ngx_http_notify_delivery_row_t),
              ngx_http_notify_api_redeliver_log_compare);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_notify_api_redeliver_log_compare(const void *one, const void *two)
{
    const ngx_http_notify_delivery_row_t  *a = one;
    const ngx_http_notify_delivery_row_t  *b = two;

    return (int) ngx_http_notify_id_compare(&a->event, &b->event);
}


static void
ngx_http_notify_api_redeliver_log_read(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    ngx_http_notify_api_latest_read(api, &redeliver->latest,
                                    NGX_HTTP_NOTIFY_API_REDELIVER_LOG_EVENTS,
                                    ngx_http_notify_api_redeliver_log_page);
}


static void
ngx_http_notify_api_redeliver_log_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                         i;
    ngx_http_notify_resp_t            *last;
    ngx_http_notify_event_t           *event, **slot;
    ngx_http_notify_api_redeliver_t   *redeliver;

    redeliver = api->data;

    for (i = 1; i < resp->nelts; i++) {

        event = ngx_http_notify_log_event(resp->elts[i], ngx_cycle->log);
        if (event == NULL) {
            continue;
        }

        if (!ngx_http_notify_api_redeliver_found_type(redeliver, &event->type))
        {
            ngx_http_notify_log_unref(event);
            continue;
        }

        slot = ngx_array_push(&redeliver->events);

        if (slot == NULL) {
            ngx_http_notify_log_unref(event);
            ngx_http_notify_api_failed(api);
            return;
        }

        *slot = event;

        if (ngx_http_notify_api_redeliver_group_type(api, &event->type)
            != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    last = ngx_http_notify_resp_at(resp, 0);

    redeliver->end = (last == NULL
                      || ngx_http_notify_id_parse(&last->str,
                                                  &redeliver->latest.before)
                         != NGX_OK);

    redeliver->latest.placed = 1;
    redeliver->scanned += redeliver->end ? i - 1
                                         : NGX_HTTP_NOTIFY_API_LATEST_LOOK;

    ngx_http_notify_api_redeliver_log_view(api);
}


static void
ngx_http_notify_api_redeliver_log_look(ngx_http_notify_api_t *api)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    ngx_http_notify_event_t          **event;
    ngx_http_notify_api_redeliver_t   *redeliver;

    redeliver = api->data;
    event = redeliver->events.elts;

    for (i = 0; i < redeliver->events.nelts; i++) {

        rc = ngx_http_notify_api_redeliver_log_event(api, event[i]);

        if (rc == NGX_ERROR) {
            ngx_http_notify_api_failed(api);
            return;
        }

        if (rc == NGX_ABORT) {
            ngx_http_notify_api_redeliver_found_many(api,
                                          NGX_HTTP_NOTIFY_API_REDELIVER_MAX);
            return;
        }
    }

    redeliver->looks += i * redeliver->views.nelts;

    ngx_http_notify_api_redeliver_log_forget(redeliver);

    if (redeliver->scanned > NGX_HTTP_NOTIFY_API_REDELIVER_SCAN
        || redeliver->looks > NGX_HTTP_NOTIFY_API_REDELIVER_LOG_LOOKS)
    {
        ngx_http_notify_api_redeliver_found_many(api,
                                         NGX_HTTP_NOTIFY_API_REDELIVER_SCAN);
        return;
    }

    if (redeliver->end) {
        ngx_http_notify_api_redeliver_log(api);
        return;
    }

    ngx_http_notify_api_redeliver_log_read(api);
}


/* NGX_ABORT: there are too many */

static ngx_int_t
ngx_http_notify_api_redeliver_log_event(ngx_http_notify_api_t *api,
    ngx_http_notify_event_t *event)
{
    ngx_int_t                              rc;
    ngx_uint_t                             i;
    ngx_http_notify_delivery_row_t         row;
    ngx_http_notify_api_redeliver_t       *redeliver;
    ngx_http_notify_api_redeliver_view_t  *one;

    redeliver = api->data;
    one = redeliver->views.elts;

    for (i = 0; i < redeliver->views.nelts; i++) {

        ngx_memzero(&row, sizeof(ngx_http_notify_delivery_row_t));
        row.event = event->id;
        row.entry = event;

        ngx_http_notify_api_redeliver_log_find(&one[i], &row);
        ngx_http_notify_delivery_view_state(&one[i].view, &row);

        rc = ngx_http_notify_api_redeliver_found(api, &row, one[i].id);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* when it is due, and why it is dead: an event may be in both sets */

static void
ngx_http_notify_api_redeliver_log_find(
    const ngx_http_notify_api_redeliver_view_t *one,
    ngx_http_notify_delivery_row_t *row)
{
    ngx_uint_t  low, high, middle;

    low = 0;
    high = one->nkept;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (ngx_http_notify_id_compare(&one->kept[middle].event, &row->event)
            < 0)
        {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    while (low < one->nkept
           && ngx_http_notify_id_compare(&one->kept[low].event, &row->event)
              == 0)
    {
        row->due = ngx_max(row->due, one->kept[low].due);

        if (one->kept[low].reason.len) {
            row->reason = one->kept[low].reason;
        }

        low++;
    }
}
