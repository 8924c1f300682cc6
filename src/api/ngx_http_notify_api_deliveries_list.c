/*
 * subscriptions/{id}/deliveries: the newest first.  Dead and retrying ones are
 * read where they are kept, others are found by going through the log, at most
 * a bounded number of entries a request.
 */

#include "ngx_http_notify_api_deliveries.h"
#include "ngx_http_notify_deliveries.h"


#define NGX_HTTP_NOTIFY_API_DELIVERIES_PAGE  250
#define NGX_HTTP_NOTIFY_API_DELIVERIES_SCAN  5000


typedef struct {
    ngx_uint_t                          limit;
    ngx_http_notify_delivery_status_e   status;     /* NONE: any */
    ngx_str_t                           name;       /* of it */
    ngx_http_notify_deliveries_how_e    how;
    ngx_http_notify_id_t                before;     /* looked at so far */
    ngx_uint_t                          placed;     /* before is set */
    ngx_uint_t                          asked;
    ngx_uint_t                          scanned;
    ngx_uint_t                          taken;      /* the view is */
    ngx_http_notify_delivery_view_t     view;
    ngx_uint_t                          nrows;
    ngx_http_notify_json_write_t        rows;    /* an array */
} ngx_http_notify_api_deliveries_list_t;


static ngx_int_t ngx_http_notify_api_deliveries_list_args(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_deliveries_list_read(
    ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deliveries_list_page;
static ngx_int_t ngx_http_notify_api_deliveries_list_row(
    ngx_http_notify_api_deliveries_list_t *list,
    ngx_http_notify_resp_t **elts);
static void ngx_http_notify_api_deliveries_list_send(
    ngx_http_notify_api_t *api, ngx_uint_t more);


void
ngx_http_notify_api_deliveries_list(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_list_t  *list;

    list = ngx_pcalloc(api->request->pool,
                       sizeof(ngx_http_notify_api_deliveries_list_t));
    if (list == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = list;

    list->view.pool = api->request->pool;
    list->view.channel = api->channel;

    if (ngx_http_notify_api_deliveries_list_args(api) != NGX_OK) {
        return;
    }

    ngx_http_notify_json_write_init(&list->rows, api->request->pool);
    ngx_http_notify_json_write_array(&list->rows, NULL);

    ngx_http_notify_api_deliveries_list_read(api);
}


/* NGX_ABORT: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_deliveries_list_args(ngx_http_notify_api_t *api)
{
    ngx_int_t                               rc;
    ngx_str_t                               before;
    ngx_http_notify_api_deliveries_list_t  *list;

    list = api->data;
    list->how = NGX_HTTP_NOTIFY_DELIVERIES_LOG;

    if (ngx_http_notify_api_limit(api, &list->limit) != NGX_OK) {
        return NGX_ABORT;
    }

    rc = ngx_http_notify_api_arg(api, "status", &list->name);

    if (rc == NGX_ABORT) {
        return NGX_ABORT;
    }

    if (rc == NGX_DECLINED) {
        ngx_str_set(&list->name, "");

    } else if (ngx_http_notify_delivery_view_status(&list->name, &list->status)
               != NGX_OK)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"status\" must be succeeded, pending, "
                                    "retrying, dead or skipped");
        return NGX_ABORT;
    }

    if (list->status == NGX_HTTP_NOTIFY_DELIVERY_DEAD) {
        list->how = NGX_HTTP_NOTIFY_DELIVERIES_DEAD;

    } else if (list->status == NGX_HTTP_NOTIFY_DELIVERY_RETRYING) {
        list->how = NGX_HTTP_NOTIFY_DELIVERIES_RETRY;
    }

    rc = ngx_http_notify_api_arg(api, "before", &before);

    if (rc == NGX_ABORT) {
        return NGX_ABORT;
    }

    if (rc == NGX_OK) {

        if (ngx_http_notify_id_event_parse(&before, &list->before)
            != NGX_OK)
        {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_parameter",
                                        "\"before\" must be the id of an "
                                        "event");
            return NGX_ABORT;
        }

        list->placed = 1;
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_list_read(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_list_t  *list;

    list = api->data;

    list->asked = NGX_HTTP_NOTIFY_API_DELIVERIES_PAGE;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_deliveries_read(
            api->channel->redis, &api->channel->keys, &api->segments[0],
            list->how, list->placed ? &list->before : NULL, list->asked,
            !list->taken, ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_deliveries_list_page)));
}


static void
ngx_http_notify_api_deliveries_list_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                              i, n;
    ngx_http_notify_resp_t                 *rows, *cut;
    ngx_http_notify_api_deliveries_list_t  *list;

    list = api->data;

    if (!list->taken) {

        if (ngx_http_notify_api_delivery_take(api, &list->view, resp, 0)
            != NGX_OK)
        {
            return;
        }

        list->taken = 1;
    }

    rows = ngx_http_notify_resp_at(resp, NGX_HTTP_NOTIFY_DELIVERIES_ROWS);
    n = rows ? rows->nelts / NGX_HTTP_NOTIFY_DELIVERIES_ROW : 0;

    for (i = 0; i < n; i++) {

        if (list->nrows == list->limit) {
            ngx_http_notify_api_deliveries_list_send(api, 1);
            return;
        }

        if (ngx_http_notify_api_deliveries_list_row(list,
                &rows->elts[i * NGX_HTTP_NOTIFY_DELIVERIES_ROW])
            != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    list->scanned += n;

    cut = ngx_http_notify_resp_at(resp, NGX_HTTP_NOTIFY_DELIVERIES_CUT);

    if (n == 0 || (n < list->asked && (cut == NULL || cut->integer == 0))) {
        ngx_http_notify_api_deliveries_list_send(api, 0);
        return;
    }

    if (list->scanned >= NGX_HTTP_NOTIFY_API_DELIVERIES_SCAN) {
        ngx_http_notify_api_deliveries_list_send(api, 1);
        return;
    }

    ngx_http_notify_api_deliveries_list_read(api);
}


static ngx_int_t
ngx_http_notify_api_deliveries_list_row(
    ngx_http_notify_api_deliveries_list_t *list,
    ngx_http_notify_resp_t **elts)
{
    ngx_http_notify_delivery_row_t  row;

    if (ngx_http_notify_delivery_view_row(&list->view, elts, &row) != NGX_OK)
    {
        return NGX_ERROR;
    }

    list->before = row.event;
    list->placed = 1;

    if (row.status != NGX_HTTP_NOTIFY_DELIVERY_NONE
        && (list->status == NGX_HTTP_NOTIFY_DELIVERY_NONE
            || list->status == row.status))
    {
        ngx_http_notify_delivery_view_show(&list->view, &row, &list->rows);
        list->nrows++;
    }

    if (row.entry != NULL) {
        ngx_http_notify_log_unref(row.entry);
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_deliveries_list_send(ngx_http_notify_api_t *api,
    ngx_uint_t more)
{
    u_char                                  query[32];
    ngx_str_t                               before, status;
    ngx_http_notify_api_deliveries_list_t  *list;
    u_char                                  buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    list = api->data;

    if (more) {
        before.data = buf;
        before.len = ngx_http_notify_id_event(buf, &list->before) - buf;

        status.data = query;
        status.len = ngx_snprintf(query, sizeof(query), "%s%V",
                                  list->name.len ? "&status=" : "",
                                  &list->name)
                     - query;

        if (ngx_http_notify_api_next(api, &api->segments[0], "/deliveries",
                                     list->limit, "before", &before, &status)
            != NGX_OK)
        {
            return;
        }
    }

    ngx_http_notify_json_write_end(&list->rows);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &list->rows);
}
