/*
 * The parameters of GET /deliveries.
 */

#include "ngx_http_notify_api_deliveries_all.h"


static ngx_int_t ngx_http_notify_api_deliveries_all_args_status(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_deliveries_all_args_names(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_deliveries_all_args_before(
    ngx_http_notify_api_t *api);


/* NGX_ABORT, of this and the following: an answer has been sent */

ngx_int_t
ngx_http_notify_api_deliveries_all_args(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    if (ngx_http_notify_api_limit(api, &list->limit) != NGX_OK
        || ngx_http_notify_api_latest_args(api, &list->latest) != NGX_OK
        || ngx_http_notify_api_deliveries_all_args_status(api) != NGX_OK
        || ngx_http_notify_api_deliveries_all_args_names(api) != NGX_OK)
    {
        return NGX_ABORT;
    }

    return ngx_http_notify_api_deliveries_all_args_before(api);
}


static ngx_int_t
ngx_http_notify_api_deliveries_all_args_status(ngx_http_notify_api_t *api)
{
    ngx_int_t                              rc;
    ngx_str_t                              value;
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    rc = ngx_http_notify_api_arg(api, "status", &value);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ABORT;
    }

    if (ngx_http_notify_delivery_view_status(&value, &list->status) != NGX_OK)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"status\" must be succeeded, pending, "
                                    "retrying, dead or skipped");
        return NGX_ABORT;
    }

    if (ngx_http_notify_api_latest_link(api, &list->latest, "status", &value)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    return NGX_OK;
}


/* subscription= and event= */

static ngx_int_t
ngx_http_notify_api_deliveries_all_args_names(ngx_http_notify_api_t *api)
{
    ngx_int_t                              rc;
    ngx_str_t                              value;
    ngx_http_notify_id_t                   event;
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    rc = ngx_http_notify_api_arg(api, "subscription", &list->subscription);

    if (rc == NGX_ABORT) {
        return NGX_ABORT;
    }

    if (rc == NGX_OK
        && ngx_http_notify_api_latest_link(api, &list->latest, "subscription",
                                           &list->subscription)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    rc = ngx_http_notify_api_arg(api, "event", &value);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ABORT;
    }

    if (ngx_http_notify_id_event_parse(&value, &event) != NGX_OK) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"event\" must be the id of an event");
        return NGX_ABORT;
    }

    if (ngx_http_notify_api_latest_link(api, &list->latest, "event", &value)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    if (ngx_http_notify_id_compare(&event, &list->latest.since) < 0
        || ngx_http_notify_id_compare(&event, &list->latest.until) > 0)
    {
        /* nothing is there */
        event.ms = 0;
        event.seq = 1;
    }

    list->latest.since = event;
    list->latest.until = event;

    return NGX_OK;
}


/* "evt_...", or with ".SCORE" what is behind that subscription of it */

static ngx_int_t
ngx_http_notify_api_deliveries_all_args_before(ngx_http_notify_api_t *api)
{
    off_t                                  score;
    u_char                                *dot, *last;
    ngx_int_t                              rc;
    ngx_str_t                              value;
    ngx_http_notify_api_deliveries_all_t  *list;

    list = api->data;

    rc = ngx_http_notify_api_arg(api, "before", &value);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ABORT;
    }

    last = value.data + value.len;
    dot = ngx_strlchr(value.data, last, '.');
    score = 0;

    if (dot) {
        score = ngx_atoof(dot + 1, last - dot - 1);
        value.len = dot - value.data;
    }

    if (score == NGX_ERROR
        || ngx_http_notify_id_event_parse(&value, &list->latest.before)
           != NGX_OK)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"before\" is not what a Link gave");
        return NGX_ABORT;
    }

    list->latest.placed = 1;
    list->within = (dot != NULL);
    list->score = score;

    return NGX_OK;
}
