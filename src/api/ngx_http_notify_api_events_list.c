/*
 * GET /events: the latest first, as GET /events/{id} shows each.  At most a
 * bounded number of entries is looked at in a request.
 */

#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_payload.h"


typedef struct {
    ngx_http_notify_api_latest_t   latest;
    ngx_uint_t                     limit;
    ngx_uint_t                     looked;
    ngx_uint_t                     nrows;
    size_t                         size;        /* of them */
    ngx_http_notify_json_write_t   rows;        /* an array */
} ngx_http_notify_api_events_list_t;


static ngx_http_notify_api_reply_t  ngx_http_notify_api_events_list_page;
static ngx_int_t ngx_http_notify_api_events_list_row(
    ngx_http_notify_api_t *api, const ngx_http_notify_resp_t *entry);
static void ngx_http_notify_api_events_list_send(ngx_http_notify_api_t *api,
    ngx_uint_t more);


void
ngx_http_notify_api_events_list(ngx_http_notify_api_t *api)
{
    ngx_int_t                           rc;
    ngx_http_notify_api_events_list_t  *list;

    list = ngx_pcalloc(api->request->pool,
                       sizeof(ngx_http_notify_api_events_list_t));
    if (list == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = list;

    if (ngx_http_notify_api_limit(api, &list->limit) != NGX_OK
        || ngx_http_notify_api_latest_args(api, &list->latest) != NGX_OK)
    {
        return;
    }

    rc = ngx_http_notify_api_latest_place(api, "before", 0,
                                          &list->latest.before);
    if (rc == NGX_ABORT) {
        return;
    }

    list->latest.placed = (rc == NGX_OK);

    ngx_http_notify_json_write_init(&list->rows, api->request->pool);
    ngx_http_notify_json_write_array(&list->rows, NULL);

    ngx_http_notify_api_latest_read(api, &list->latest, list->limit + 1,
                                    ngx_http_notify_api_events_list_page);
}


static void
ngx_http_notify_api_events_list_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                          i;
    ngx_http_notify_resp_t             *last;
    ngx_http_notify_api_events_list_t  *list;

    list = api->data;

    for (i = 1; i < resp->nelts; i++) {

        if (list->nrows == list->limit) {
            ngx_http_notify_api_events_list_send(api, 1);
            return;
        }

        if (ngx_http_notify_api_events_list_row(api, resp->elts[i]) != NGX_OK)
        {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    last = ngx_http_notify_resp_at(resp, 0);

    if (last == NULL
        || ngx_http_notify_id_parse(&last->str, &list->latest.before)
           != NGX_OK)
    {
        ngx_http_notify_api_events_list_send(api, 0);
        return;
    }

    list->latest.placed = 1;
    list->looked += NGX_HTTP_NOTIFY_API_LATEST_LOOK;

    if (list->looked >= NGX_HTTP_NOTIFY_API_LATEST_SCAN
        || list->size >= NGX_HTTP_NOTIFY_API_LATEST_BYTES)
    {
        ngx_http_notify_api_events_list_send(api, 1);
        return;
    }

    ngx_http_notify_api_latest_read(api, &list->latest,
                                    list->limit + 1 - list->nrows,
                                    ngx_http_notify_api_events_list_page);
}


/* what is none of ours is left out */

static ngx_int_t
ngx_http_notify_api_events_list_row(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *entry)
{
    ngx_int_t                           rc;
    ngx_str_t                           json;
    ngx_http_notify_event_t            *event;
    ngx_http_notify_api_events_list_t  *list;

    list = api->data;

    event = ngx_http_notify_log_event(entry, api->request->connection->log);
    if (event == NULL) {
        return NGX_OK;
    }

    list->latest.before = event->id;

    rc = ngx_http_notify_payload_call(api->request->pool, event, 1, &json);

    ngx_http_notify_log_unref(event);

    if (rc == NGX_OK) {
        ngx_http_notify_json_write_raw(&list->rows, NULL, &json);
        list->nrows++;
        list->size += json.len;
    }

    return rc;
}


static void
ngx_http_notify_api_events_list_send(ngx_http_notify_api_t *api,
    ngx_uint_t more)
{
    ngx_str_t                           place;
    ngx_http_notify_api_events_list_t  *list;
    u_char                              buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    list = api->data;

    place.data = buf;
    place.len = ngx_http_notify_id_event(buf, &list->latest.before) - buf;

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
