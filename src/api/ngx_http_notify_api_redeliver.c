/*
 * The resource `redeliver`: deliveries of many subscriptions, asked for again
 * at once.  The log is read for the subscriptions that may have got events of
 * the span, or the dead ones of each, then each delivery goes into its retry
 * set, due now.  Where there is more than a request may ask for, it says so,
 * and nothing is done.
 */

#include "ngx_http_notify_api_once.h"
#include "ngx_http_notify_api_redeliver.h"
#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_subscriptions.h"


#define NGX_HTTP_NOTIFY_API_REDELIVER_PAGE  250
#define NGX_HTTP_NOTIFY_API_REDELIVER_KEPT  (7 * 24 * 3600 * 1000)  /* ms */


static void ngx_http_notify_api_redeliver_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_redeliver_look(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_redeliver_list(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_redeliver_page;
static ngx_int_t ngx_http_notify_api_redeliver_of(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **row);
static void ngx_http_notify_api_redeliver_next(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_redeliver_read(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_redeliver_rows;
static ngx_int_t ngx_http_notify_api_redeliver_row(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **elts);
static void ngx_http_notify_api_redeliver_ask(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_redeliver_asked;
static void ngx_http_notify_api_redeliver_end(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_redeliver_kept;


ngx_http_notify_api_resource_t  ngx_http_notify_api_redeliver = {
    ngx_string("redeliver"),
    { NGX_HTTP_POST, 0 },
    NULL,
    ngx_http_notify_api_redeliver_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static void
ngx_http_notify_api_redeliver_handler(ngx_http_notify_api_t *api)
{
    ngx_pool_t                       *pool;
    ngx_http_notify_api_redeliver_t  *redeliver;

    pool = api->request->pool;

    redeliver = ngx_pcalloc(pool, sizeof(ngx_http_notify_api_redeliver_t));

    if (redeliver == NULL
        || ngx_array_init(&redeliver->ids, pool, 16, sizeof(ngx_str_t))
           != NGX_OK
        || ngx_array_init(&redeliver->pairs, pool, 16,
                          sizeof(ngx_http_notify_api_redeliver_pair_t))
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = redeliver;

    if (ngx_http_notify_api_redeliver_input(api, redeliver) != NGX_OK) {
        return;
    }

    if (ngx_http_notify_api_redeliver_log_init(api) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (redeliver->given) {
        redeliver->ids = *redeliver->given;
        ngx_http_notify_api_redeliver_look(api);
        return;
    }

    ngx_http_notify_api_redeliver_list(api);
}


/* those that are dead are found without the log */

static void
ngx_http_notify_api_redeliver_look(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    if (redeliver->status == NGX_HTTP_NOTIFY_API_REDELIVER_DEAD) {
        redeliver->apart = redeliver->ids;
        ngx_http_notify_api_redeliver_next(api);
        return;
    }

    redeliver->done = ngx_http_notify_api_redeliver_next;
    ngx_http_notify_api_redeliver_log(api);
}


static void
ngx_http_notify_api_redeliver_list(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_list(
            api->channel->redis, &api->channel->keys, &api->tenant,
            &redeliver->after, NGX_HTTP_NOTIFY_API_REDELIVER_PAGE,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_redeliver_page)));
}


static void
ngx_http_notify_api_redeliver_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t  i;

    for (i = 0;
         i + NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW <= resp->nelts;
         i += NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ROW)
    {
        if (ngx_http_notify_api_redeliver_of(api, &resp->elts[i]) != NGX_OK) {
            ngx_http_notify_api_failed(api);
            return;
        }
    }

    if (i) {
        ngx_http_notify_api_redeliver_list(api);
        return;
    }

    ngx_http_notify_api_redeliver_look(api);
}


/* what is called, and not by a question */

static ngx_int_t
ngx_http_notify_api_redeliver_of(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **row)
{
    ngx_int_t                         rc;
    ngx_pool_t                       *pool;
    ngx_http_notify_selector_t       *selector;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;
    pool = api->request->pool;

    redeliver->after.len = row[0]->str.len;
    redeliver->after.data = ngx_pstrdup(pool, &row[0]->str);

    if (redeliver->after.data == NULL) {
        return NGX_ERROR;
    }

    selector = ngx_http_notify_selector_create(&row[1]->str, NULL,
                                               ngx_cycle->log);
    if (selector == NULL) {
        return NGX_OK;
    }

    rc = selector->doc->mode == NGX_HTTP_NOTIFY_MODE_WEBHOOK
         ? ngx_http_notify_api_redeliver_group_add(api, selector->doc)
         : NGX_OK;

    ngx_http_notify_selector_destroy(selector);

    return rc;
}


static void
ngx_http_notify_api_redeliver_next(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    if (redeliver->next == redeliver->apart.nelts) {
        ngx_http_notify_api_redeliver_ask(api);
        return;
    }

    ngx_memzero(&redeliver->view, sizeof(ngx_http_notify_delivery_view_t));

    redeliver->view.pool = api->request->pool;
    redeliver->view.channel = api->channel;
    redeliver->taken = 0;
    redeliver->before = ngx_http_notify_id_after(&redeliver->until);

    if (redeliver->status == NGX_HTTP_NOTIFY_API_REDELIVER_DEAD
        && redeliver->before.ms < (uint64_t) -1)
    {
        /* within a millisecond these are not in the order of the log */

        redeliver->before.ms++;
        redeliver->before.seq = 0;
    }

    ngx_http_notify_api_redeliver_read(api);
}


static void
ngx_http_notify_api_redeliver_read(ngx_http_notify_api_t *api)
{
    ngx_str_t                        *id;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;
    id = redeliver->apart.elts;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_deliveries_read(
            api->channel->redis, &api->channel->keys, &id[redeliver->next],
            redeliver->status == NGX_HTTP_NOTIFY_API_REDELIVER_DEAD
                ? NGX_HTTP_NOTIFY_DELIVERIES_DEAD
                : NGX_HTTP_NOTIFY_DELIVERIES_LOG,
            redeliver->before.ms == (uint64_t) -1 ? NULL : &redeliver->before,
            NGX_HTTP_NOTIFY_API_REDELIVER_PAGE, !redeliver->taken,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_redeliver_rows)));
}


static void
ngx_http_notify_api_redeliver_rows(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_int_t                         rc;
    ngx_str_t                        *id;
    ngx_uint_t                        i, n;
    ngx_http_notify_resp_t           *rows, *cut;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    rc = NGX_OK;

    if (!redeliver->taken) {
        id = redeliver->apart.elts;
        rc = ngx_http_notify_api_redeliver_found_view(api, &redeliver->view,
                                                resp, &id[redeliver->next]);
        redeliver->taken = 1;
    }

    if (rc != NGX_OK) {

        if (rc == NGX_DECLINED) {
            redeliver->next++;
            ngx_http_notify_api_redeliver_next(api);
        }

        return;
    }

    rows = ngx_http_notify_resp_at(resp, NGX_HTTP_NOTIFY_DELIVERIES_ROWS);
    n = rows ? rows->nelts / NGX_HTTP_NOTIFY_DELIVERIES_ROW : 0;

    for (i = 0; rc == NGX_OK && i < n; i++) {
        rc = ngx_http_notify_api_redeliver_row(api,
                            &rows->elts[i * NGX_HTTP_NOTIFY_DELIVERIES_ROW]);
    }

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (rc == NGX_ABORT
        || redeliver->scanned > NGX_HTTP_NOTIFY_API_REDELIVER_SCAN)
    {
        ngx_http_notify_api_redeliver_found_many(api,
                                    rc == NGX_ABORT
                                    ? NGX_HTTP_NOTIFY_API_REDELIVER_MAX
                                    : NGX_HTTP_NOTIFY_API_REDELIVER_SCAN);
        return;
    }

    cut = ngx_http_notify_resp_at(resp, NGX_HTTP_NOTIFY_DELIVERIES_CUT);

    redeliver->scanned += n;

    if (rc == NGX_OK
        && n
        && (n == NGX_HTTP_NOTIFY_API_REDELIVER_PAGE
            || (cut && cut->integer)))
    {
        ngx_http_notify_api_redeliver_read(api);
        return;
    }

    redeliver->next++;
    ngx_http_notify_api_redeliver_next(api);
}


/* NGX_DONE: it is before the span; NGX_ABORT: there are too many */

static ngx_int_t
ngx_http_notify_api_redeliver_row(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t **elts)
{
    ngx_int_t                         rc;
    ngx_str_t                        *id;
    ngx_http_notify_delivery_row_t    row;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    if (ngx_http_notify_delivery_view_row(&redeliver->view, elts, &row)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    redeliver->before = row.event;
    id = redeliver->apart.elts;

    rc = row.event.ms < redeliver->since.ms
         ? NGX_DONE
         : ngx_http_notify_api_redeliver_found(api, &row,
                                               &id[redeliver->next]);

    if (row.entry != NULL) {
        ngx_http_notify_log_unref(row.entry);
    }

    return rc;
}


/* the last that was found of a subscription is its oldest */

static void
ngx_http_notify_api_redeliver_ask(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_redeliver_t       *redeliver;
    ngx_http_notify_api_redeliver_pair_t  *pair;

    redeliver = api->data;

    if (redeliver->dry || redeliver->asked == redeliver->pairs.nelts) {
        ngx_http_notify_api_redeliver_end(api);
        return;
    }

    api->whole = 1;

    pair = redeliver->pairs.elts;
    pair += redeliver->pairs.nelts - ++redeliver->asked;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_deliveries_again(
            api->channel->redis, &api->channel->keys, pair->subscription,
            &pair->event, ngx_http_notify_api_now(),
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api,
                ngx_http_notify_api_redeliver_asked)));
}


/* what was deleted or has left the log meanwhile is as good as done */

static void
ngx_http_notify_api_redeliver_asked(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_redeliver_ask(api);
}


static void
ngx_http_notify_api_redeliver_end(ngx_http_notify_api_t *api)
{
    ngx_str_t                         value;
    ngx_http_notify_command_t        *command;
    ngx_http_notify_json_write_t      w;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);

    if (redeliver->dry) {
        ngx_http_notify_json_write_integer(&w, "count", redeliver->count);
        ngx_http_notify_json_write_end(&w);
        ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
        return;
    }

    ngx_http_notify_json_write_string(&w, "tenant", &api->tenant);
    ngx_http_notify_json_write_integer(&w, "count", redeliver->count);
    ngx_http_notify_json_write_end(&w);

    if (ngx_http_notify_json_write_done(&w, &value) != NGX_OK
        || ngx_http_notify_api_once_id(api, "rdl_", &redeliver->id) != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    command = ngx_http_notify_api_command(api, "SET",
                                          ngx_http_notify_api_redeliver_kept);

    ngx_http_notify_command_key_of(command, &api->channel->keys, "redelivery",
                                   &redeliver->id);
    ngx_http_notify_command_arg(command, &value);
    ngx_http_notify_command_text(command, "PX");
    ngx_http_notify_command_number(command,
                                   NGX_HTTP_NOTIFY_API_REDELIVER_KEPT);

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_redeliver_kept(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_json_write_t      w;
    ngx_http_notify_api_redeliver_t  *redeliver;

    redeliver = api->data;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "id", &redeliver->id);
    ngx_http_notify_json_write_integer(&w, "count", redeliver->count);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_ACCEPTED, &w);
}
