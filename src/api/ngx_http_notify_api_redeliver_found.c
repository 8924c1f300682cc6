/*
 * What POST /redeliver asks for: which subscriptions, and which of their
 * deliveries.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_redeliver.h"
#include "ngx_http_notify_api_role.h"
#include "ngx_http_notify_text.h"


static ngx_uint_t ngx_http_notify_api_redeliver_found_wanted(
    const ngx_http_notify_api_redeliver_t *redeliver,
    const ngx_http_notify_delivery_row_t *row);


ngx_int_t
ngx_http_notify_api_redeliver_found_view(ngx_http_notify_api_t *api,
    ngx_http_notify_delivery_view_t *view, const ngx_http_notify_resp_t *resp,
    const ngx_str_t *id)
{
    ngx_int_t                         rc;
    ngx_http_notify_api_redeliver_t  *redeliver;

    static const ngx_str_t  name = ngx_string("subscriptions");

    redeliver = api->data;

    rc = ngx_http_notify_delivery_view_take(view, resp);

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    if (rc == NGX_DECLINED
        || !ngx_http_notify_api_role_owns(api, ngx_http_notify_api_mount(api),
                                          view->selector->doc))
    {
        if (redeliver->given == NULL) {
            return NGX_DECLINED;
        }

        ngx_http_notify_invalid_add(&api->invalid, &name,
                                    "\"%V\" is not the id of a subscription",
                                    id);
        ngx_http_notify_api_unprocessable(api);
        return NGX_ABORT;
    }

    /* one that is disabled gets nothing */

    return view->selector->doc->enabled ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_api_redeliver_found(ngx_http_notify_api_t *api,
    const ngx_http_notify_delivery_row_t *row, const ngx_str_t *subscription)
{
    ngx_http_notify_api_redeliver_t       *redeliver;
    ngx_http_notify_api_redeliver_pair_t  *pair;

    redeliver = api->data;

    if (!ngx_http_notify_api_redeliver_found_wanted(redeliver, row)) {
        return NGX_OK;
    }

    redeliver->count++;

    if (redeliver->dry) {
        return NGX_OK;
    }

    pair = ngx_array_push(&redeliver->pairs);
    if (pair == NULL) {
        return NGX_ERROR;
    }

    pair->event = row->event;
    pair->subscription = subscription;

    return redeliver->count > NGX_HTTP_NOTIFY_API_REDELIVER_MAX ? NGX_ABORT
                                                                : NGX_OK;
}


/* what has left the log cannot be sent */

static ngx_uint_t
ngx_http_notify_api_redeliver_found_wanted(
    const ngx_http_notify_api_redeliver_t *redeliver,
    const ngx_http_notify_delivery_row_t *row)
{
    if (ngx_http_notify_id_compare(&row->event, &redeliver->since) < 0
        || ngx_http_notify_id_compare(&row->event, &redeliver->until) > 0)
    {
        return 0;
    }

    switch (row->status) {

    case NGX_HTTP_NOTIFY_DELIVERY_DEAD:
        break;

    case NGX_HTTP_NOTIFY_DELIVERY_SKIPPED:

        if (redeliver->status == NGX_HTTP_NOTIFY_API_REDELIVER_DEAD
            || (row->reason.len
                && redeliver->status != NGX_HTTP_NOTIFY_API_REDELIVER_ALL))
        {
            return 0;
        }

        break;

    case NGX_HTTP_NOTIFY_DELIVERY_SUCCEEDED:

        if (redeliver->status != NGX_HTTP_NOTIFY_API_REDELIVER_ALL) {
            return 0;
        }

        break;

    default:
        return 0;
    }

    return row->entry != NULL
           && ngx_http_notify_api_redeliver_found_type(redeliver,
                                                       &row->entry->type);
}


ngx_uint_t
ngx_http_notify_api_redeliver_found_type(
    const ngx_http_notify_api_redeliver_t *redeliver, const ngx_str_t *type)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    name = redeliver->types.elts;

    for (i = 0; i < redeliver->types.nelts; i++) {

        if (ngx_http_notify_text_equal(&name[i], type)
            || (name[i].data[name[i].len - 1] == '*'
                && type->len >= name[i].len
                && ngx_memcmp(name[i].data, type->data, name[i].len - 1)
                   == 0))
        {
            return 1;
        }
    }

    return redeliver->types.nelts == 0;
}


void
ngx_http_notify_api_redeliver_found_many(ngx_http_notify_api_t *api,
    ngx_uint_t max)
{
    ngx_http_notify_api_problem(api, 422, "too_many_deliveries",
                                "there are more than %ui: ask for a "
                                "shorter span, or for fewer subscriptions",
                                max);
}
