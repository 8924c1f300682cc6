/*
 * The deliveries that GET /deliveries may show, those of the latest events.
 */

#include "ngx_http_notify_api_deliveries_all.h"


static int ngx_libc_cdecl ngx_http_notify_api_deliveries_all_pairs_compare(
    const void *one, const void *two);


ngx_int_t
ngx_http_notify_api_deliveries_all_pairs_add(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *event, uint64_t score, const ngx_str_t *id)
{
    ngx_http_notify_api_deliveries_all_t   *list;
    ngx_http_notify_api_deliveries_pair_t  *pair;

    list = api->data;

    if (list->within
        && score <= list->score
        && ngx_http_notify_id_compare(event, &list->latest.before) == 0)
    {
        return NGX_OK;
    }

    if (list->pairs.nelts
        == 2 * NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_PAIRS)
    {
        ngx_http_notify_api_deliveries_all_pairs_sort(list);
    }

    pair = ngx_array_push(&list->pairs);
    if (pair == NULL) {
        return NGX_ERROR;
    }

    pair->event = *event;
    pair->score = score;
    pair->id.len = id->len;
    pair->id.data = ngx_pstrdup(api->request->pool, (ngx_str_t *) id);

    return pair->id.data ? NGX_OK : NGX_ERROR;
}


void
ngx_http_notify_api_deliveries_all_pairs_sort(
    ngx_http_notify_api_deliveries_all_t *list)
{
    ngx_qsort(list->pairs.elts, list->pairs.nelts,
              sizeof(ngx_http_notify_api_deliveries_pair_t),
              ngx_http_notify_api_deliveries_all_pairs_compare);

    if (list->pairs.nelts > NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_PAIRS) {
        list->pairs.nelts = NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_PAIRS;
        list->cut = 1;
    }
}


static int ngx_libc_cdecl
ngx_http_notify_api_deliveries_all_pairs_compare(const void *one,
    const void *two)
{
    const ngx_http_notify_api_deliveries_pair_t *a = one;
    const ngx_http_notify_api_deliveries_pair_t *b = two;

    ngx_int_t  rc;

    rc = ngx_http_notify_id_compare(&b->event, &a->event);

    return rc ? (int) rc : (a->score > b->score) - (a->score < b->score);
}
