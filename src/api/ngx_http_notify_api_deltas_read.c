/*
 * Deltas, read page by page until an answer is full, the log is at its end or
 * enough was looked at; what a subscription missed comes from a script that
 * knows where to look.
 */

#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_segment.h"


#define NGX_HTTP_NOTIFY_API_DELTAS_FIRST  100


static ngx_int_t ngx_http_notify_api_deltas_ask_missed(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_deltas_page;
static ngx_int_t ngx_http_notify_api_deltas_entries(
    ngx_http_notify_api_deltas_t *deltas, const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_api_deltas_missed(
    ngx_http_notify_api_deltas_t *deltas, const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_api_deltas_entry(
    ngx_http_notify_api_deltas_t *deltas, const ngx_http_notify_resp_t *entry);


void
ngx_http_notify_api_deltas_read(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    deltas->page = ngx_http_notify_api_deltas_count(deltas);
    deltas->page = ngx_min(deltas->page, NGX_HTTP_NOTIFY_API_DELTAS_SCAN
                                         - deltas->scanned);

    if (deltas->missed) {
        ngx_http_notify_api_suspended_began(api,
            ngx_http_notify_api_deltas_ask_missed(deltas));
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_log_read(
            api->channel->redis, &api->channel->keys, &deltas->from,
            deltas->page, NGX_HTTP_NOTIFY_API_DELTAS_CHUNK,
            ngx_http_notify_api_asked,
            ngx_http_notify_api_ask(api, ngx_http_notify_api_deltas_page)));
}


ngx_uint_t
ngx_http_notify_api_deltas_count(const ngx_http_notify_api_deltas_t *deltas)
{
    size_t      average;
    ngx_uint_t  n;

    if (deltas->scanned == 0) {
        return ngx_min(deltas->limit + 1, NGX_HTTP_NOTIFY_API_DELTAS_FIRST);
    }

    average = deltas->bytes / deltas->scanned + 1;
    n = NGX_HTTP_NOTIFY_API_DELTAS_CHUNK / average + 1;

    return ngx_min(n, NGX_HTTP_NOTIFY_API_DELTAS_PAGE);
}


static ngx_int_t
ngx_http_notify_api_deltas_ask_missed(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_str_t                  *id;
    ngx_uint_t                  shard;
    ngx_http_notify_api_t      *api;
    ngx_http_notify_keys_t     *keys;
    ngx_http_notify_command_t  *command;

    api = deltas->api;
    keys = &api->channel->keys;
    id = &deltas->subscription;
    shard = ngx_http_notify_keys_shard_of(id);

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_missed,
                                         ngx_http_notify_api_deltas_page);

    ngx_http_notify_command_filter(command, ngx_http_notify_segment_inflate);
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key_shard(command, keys, "cursor", shard);
    ngx_http_notify_command_key_shard(command, keys, "pos", shard);
    ngx_http_notify_command_key_of(command, keys, "retry", id);
    ngx_http_notify_command_key_of(command, keys, "dead", id);
    ngx_http_notify_command_key_of(command, keys, "gap", id);

    ngx_http_notify_command_arg(command, id);
    ngx_http_notify_command_id(command, &deltas->from);
    ngx_http_notify_command_number(command, deltas->page);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_api_deltas_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_int_t                      rc;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    rc = ngx_http_notify_api_deltas_entries(deltas, resp);

    if (rc == NGX_ERROR) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (rc == NGX_AGAIN) {

        if (deltas->scanned < NGX_HTTP_NOTIFY_API_DELTAS_SCAN) {
            ngx_http_notify_api_deltas_read(deltas);
            return;
        }

        rc = NGX_DONE;
    }

    deltas->more = (rc == NGX_DONE);

    if (!deltas->more && !deltas->resync && deltas->wait
        && deltas->entries.nelts == 0)
    {
        deltas->nothing(deltas);
        return;
    }

    ngx_http_notify_api_deltas_send(deltas);
}


/* NGX_OK: the end; NGX_AGAIN: there may be more; NGX_DONE: there is more */

static ngx_int_t
ngx_http_notify_api_deltas_entries(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *more;

    if (deltas->missed) {
        return ngx_http_notify_api_deltas_missed(deltas, resp);
    }

    more = ngx_http_notify_resp_at(resp, 0);

    if (more == NULL || more->type != NGX_HTTP_NOTIFY_RESP_INTEGER) {
        return NGX_ERROR;
    }

    for (i = 1; i < resp->nelts; i++) {

        rc = ngx_http_notify_api_deltas_entry(deltas, resp->elts[i]);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return more->integer ? NGX_AGAIN : NGX_OK;
}


/* each is judged by what was selected when it came, unless that is sure */

static ngx_int_t
ngx_http_notify_api_deltas_missed(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i, n;
    ngx_http_notify_id_t          next, id;
    ngx_http_notify_resp_t       *place, *looked, *more, *text;
    ngx_http_notify_former_t     *former;
    ngx_http_notify_selector_t  *present, *selector;

    place = ngx_http_notify_resp_at(resp, 0);
    looked = ngx_http_notify_resp_at(resp, 1);
    more = ngx_http_notify_resp_at(resp, 2);
    text = ngx_http_notify_resp_at(resp, 3);

    if (place == NULL || looked == NULL || more == NULL || text == NULL
        || ngx_http_notify_id_parse(&place->str, &next) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = NGX_OK;
    n = deltas->scanned + ngx_max(looked->integer, 1);
    present = deltas->want.selector;
    former = ngx_http_notify_former_create(&text->str,
                                       deltas->api->request->connection->log);

    for (i = 4; i + 1 < resp->nelts && rc == NGX_OK; i += 2) {

        rc = ngx_http_notify_log_entry_id(resp->elts[i + 1], &id);
        if (rc != NGX_OK) {
            break;
        }

        selector = ngx_http_notify_former_find(former, &id);

        deltas->want.selector = resp->elts[i]->integer ? NULL
                                 : selector ? selector : present;

        rc = ngx_http_notify_api_deltas_entry(deltas, resp->elts[i + 1]);
    }

    deltas->want.selector = present;

    if (former != NULL) {
        ngx_http_notify_former_destroy(former);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    deltas->from = next;
    deltas->scanned = n;

    return more->integer ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_deltas_entry(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_resp_t *entry)
{
    ngx_int_t                 rc;
    ngx_http_notify_id_t      id;
    ngx_http_notify_event_t  *event;

    if (ngx_http_notify_log_entry_id(entry, &id) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    event = ngx_http_notify_log_event(entry,
                                      deltas->api->request->connection->log);
    if (event) {
        rc = ngx_http_notify_api_deltas_event(deltas, event);

        if (rc == NGX_OK) {
            deltas->bytes += event->size;
        }

        ngx_http_notify_log_unref(event);
    }

    if (rc == NGX_OK) {
        deltas->from = id;
        deltas->scanned++;
    }

    return rc;
}


ngx_int_t
ngx_http_notify_api_deltas_event(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_event_t *event)
{
    ngx_str_t  *json;

    if (deltas->entries.nelts == deltas->limit
        || deltas->size >= NGX_HTTP_NOTIFY_API_DELTAS_BYTES)
    {
        return NGX_DONE;
    }

    if (!ngx_http_notify_want_test(&deltas->want, event)) {
        return NGX_OK;
    }

    json = ngx_array_push(&deltas->entries);

    if (json == NULL
        || ngx_http_notify_payload_call(deltas->api->request->pool, event, 1,
                                        json)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    deltas->size += json->len + 1;

    return NGX_OK;
}


void
ngx_http_notify_api_deltas_send(ngx_http_notify_api_deltas_t *deltas)
{
    u_char                        *p;
    ngx_str_t                      cursor, *entry;
    ngx_uint_t                     i;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_json_write_t   w;
    u_char                         buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN];

    api = deltas->api;

    p = ngx_http_notify_id_cursor(buf, &deltas->from, &api->tenant,
                                  deltas->hmac);
    if (p == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    cursor.data = buf;
    cursor.len = p - buf;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_reserve(&w, deltas->size
                                       + NGX_HTTP_NOTIFY_ID_CURSOR_LEN + 64);

    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_array(&w, "data");

    entry = deltas->entries.elts;

    for (i = 0; i < deltas->entries.nelts; i++) {
        ngx_http_notify_json_write_raw(&w, NULL, &entry[i]);
    }

    ngx_http_notify_json_write_end(&w);
    ngx_http_notify_json_write_string(&w, "cursor", &cursor);
    ngx_http_notify_json_write_bool(&w, "hasMore", deltas->more);

    if (deltas->resync) {
        ngx_http_notify_json_write_bool(&w, "resync", 1);
    }

    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}
