/*
 * The list of a tenant's subscriptions, a page at a time in the order of their
 * creation, all of them or those that are searched for.  The state lives in
 * the request's pool.
 */

#include "ngx_http_notify_api_search.h"
#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_subscription_form.h"


/* of documents in an answer; the one that passes it is the last */
#define NGX_HTTP_NOTIFY_API_LIST_BYTES  (4 * 1024 * 1024)

/* of a search: documents that are read at a time, and by a request */
#define NGX_HTTP_NOTIFY_API_LIST_STEP   250
#define NGX_HTTP_NOTIFY_API_LIST_LOOK   5000


typedef struct {
    ngx_uint_t                 limit;
    ngx_str_t                  after;   /* a score: the last one looked at */
    ngx_http_notify_api_search_t
                               search;
    ngx_uint_t                 looked;  /* documents, of a search */
    ngx_uint_t                 more;
    size_t                     size;    /* of the documents */
    ngx_uint_t                 nrows;
    ngx_http_notify_json_write_t
                               rows;    /* an array */
} ngx_http_notify_api_list_t;


static void ngx_http_notify_api_list_read(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_list_page;
static ngx_int_t ngx_http_notify_api_list_row(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **row);
static void ngx_http_notify_api_list_send(ngx_http_notify_api_t *api);


void
ngx_http_notify_api_subscriptions_list(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_list_t  *list;

    list = ngx_pcalloc(api->request->pool,
                       sizeof(ngx_http_notify_api_list_t));
    if (list == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = list;

    if (ngx_http_notify_api_limit(api, &list->limit) != NGX_OK
        || ngx_http_notify_api_search_args(api, &list->search) != NGX_OK)
    {
        return;
    }

    switch (ngx_http_notify_api_arg(api, "after", &list->after)) {

    case NGX_OK:
        if (ngx_atoof(list->after.data, list->after.len) == NGX_ERROR
            || list->after.len > 16)
        {
            ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                        "invalid_parameter",
                                        "\"after\" is not what a Link gave");
            return;
        }

        break;

    case NGX_DECLINED:
        break;

    default:
        return;
    }

    ngx_http_notify_json_write_init(&list->rows, api->request->pool);
    ngx_http_notify_json_write_array(&list->rows, NULL);

    ngx_http_notify_api_list_read(api);
}


static void
ngx_http_notify_api_list_read(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_list_t  *list;

    list = api->data;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_list(
            api->channel->redis, &api->channel->keys, &api->tenant,
            &list->after,
            list->search.link.link.len ? NGX_HTTP_NOTIFY_API_LIST_STEP
                                       : list->limit + 1 - list->nrows,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_list_page)));
}


/*
 * A page may be short because some were deleted while it was read, or are
 * large: only an empty one is the end.
 */

static void
ngx_http_notify_api_list_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_notify_api_list_t  *list;

    list = api->data;

    for (i = 0;
         i + NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW <= resp->nelts && !list->more;
         i += NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW)
    {
        rc = ngx_http_notify_api_list_row(api, &resp->elts[i]);

        if (rc != NGX_OK) {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    if (resp->nelts == 0 || list->more) {
        ngx_http_notify_api_list_send(api);
        return;
    }

    ngx_http_notify_api_list_read(api);
}


static ngx_int_t
ngx_http_notify_api_list_row(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **row)
{
    uint64_t                               version;
    ngx_str_t                              cursor, health;
    ngx_pool_t                            *pool;
    ngx_http_notify_json_t                *document;
    ngx_http_notify_api_list_t            *list;
    ngx_http_notify_json_error_t           error;
    ngx_http_notify_subscription_shown_t   shown;

    list = api->data;
    pool = api->request->pool;

    if (list->nrows == list->limit
        || list->looked == NGX_HTTP_NOTIFY_API_LIST_LOOK
        || list->size >= NGX_HTTP_NOTIFY_API_LIST_BYTES)
    {
        list->more = 1;
        return NGX_OK;
    }

    list->after.len = row[0]->str.len;
    list->after.data = ngx_pstrdup(pool, &row[0]->str);

    if (list->after.data == NULL) {
        return NGX_ERROR;
    }

    if (list->search.link.link.len) {
        list->looked++;
    }

    ngx_str_null(&cursor);
    ngx_str_null(&health);

    if (row[3]->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        health = row[3]->str;
    }

    if (row[2]->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        cursor = row[2]->str;
    }

    shown.channel = api->channel;
    shown.cursor = &cursor;
    shown.health = &health;
    shown.secret = 0;

    if (!ngx_http_notify_api_search_may(&list->search, &row[1]->str, &shown)) {
        return NGX_OK;
    }

    document = ngx_http_notify_subscriptions_document(pool,
                         &api->channel->keys, &row[1]->str, &version, &error);
    if (document == NULL) {
        return NGX_OK;
    }

    shown.document = document;

    if (!ngx_http_notify_api_search_wants(&list->search, &shown)) {
        return NGX_OK;
    }

    list->size += row[1]->str.len;

    ngx_http_notify_subscription_members_show(&list->rows, &shown);
    list->nrows++;

    return NGX_OK;
}


static void
ngx_http_notify_api_list_send(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_list_t  *list;

    static const ngx_str_t  none = ngx_null_string;

    list = api->data;

    if (list->more
        && ngx_http_notify_api_next(api, &none, "", list->limit, "after",
                                    &list->after, &list->search.link.link)
           != NGX_OK)
    {
        return;
    }

    ngx_http_notify_json_write_end(&list->rows);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &list->rows);
}
