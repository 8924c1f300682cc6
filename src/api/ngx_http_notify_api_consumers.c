/*
 * deltas/consumers: cursors that are kept here for those who cannot keep them.
 * A consumer is its name; it comes to be with its first commit, and reading
 * never moves it.
 */

#include "ngx_http_notify_api_cursor.h"
#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_text.h"


/* of a tenant */
#define NGX_HTTP_NOTIFY_API_CONSUMERS_MAX  "1000"


static void ngx_http_notify_api_consumers_commit(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_consumers_stored;
static void ngx_http_notify_api_consumers_ask(ngx_http_notify_api_t *api,
    const char *verb, const ngx_str_t *name,
    ngx_http_notify_api_reply_pt handler);
static void ngx_http_notify_api_consumers_ready(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_consumers_read;
static void ngx_http_notify_api_consumers_show(ngx_http_notify_api_t *api,
    const ngx_str_t *cursor);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_consumers_deleted;
static ngx_http_notify_api_reply_t  ngx_http_notify_api_consumers_loaded;


ngx_uint_t
ngx_http_notify_api_consumers_methods(ngx_http_notify_api_t *api)
{
    if (api->nsegments != 2
        || !ngx_http_notify_text_is(&api->segments[0], "consumers")
        || !ngx_http_notify_api_deltas_name(&api->segments[1]))
    {
        return 0;
    }

    return NGX_HTTP_GET|NGX_HTTP_POST|NGX_HTTP_DELETE;
}


void
ngx_http_notify_api_consumers(ngx_http_notify_api_t *api)
{
    ngx_str_t               *cursor;
    ngx_http_notify_json_t  *input, *value;

    static const char       *names[] = { "cursor", NULL };
    static const ngx_str_t   pointer = ngx_string("cursor");

    if (api->method == NGX_HTTP_GET) {
        ngx_http_notify_api_cursor(api, ngx_http_notify_api_consumers_ready);
        return;
    }

    if (api->method == NGX_HTTP_DELETE) {
        ngx_http_notify_api_consumers_ask(api, "HDEL", &api->segments[1],
                                       ngx_http_notify_api_consumers_deleted);
        return;
    }

    input = ngx_http_notify_api_document(api, 0);
    if (input == NULL) {
        return;
    }

    ngx_http_notify_api_only(api, input, names);

    value = ngx_http_notify_json_get_nocase(input, "cursor");

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        ngx_http_notify_invalid_add(&api->invalid, &pointer,
                                    "must be a cursor that was given out here");
    }

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return;
    }

    cursor = ngx_palloc(api->request->pool, sizeof(ngx_str_t));
    if (cursor == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    *cursor = ngx_http_notify_json_string(value);
    api->data = cursor;

    ngx_http_notify_api_cursor(api, ngx_http_notify_api_consumers_commit);
}


static void
ngx_http_notify_api_consumers_commit(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac)
{
    ngx_http_notify_id_t        place;
    ngx_http_notify_command_t  *command;

    if (ngx_http_notify_api_deltas_place(api, api->data, "the cursor", hmac,
                                         &place)
        != NGX_OK)
    {
        return;
    }

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_consumer,
                                         ngx_http_notify_api_consumers_stored);

    ngx_http_notify_command_key_of(command, &api->channel->keys, "consumers",
                                   &api->tenant);
    ngx_http_notify_command_arg(command, &api->segments[1]);
    ngx_http_notify_command_id(command, &place);
    ngx_http_notify_command_text(command, NGX_HTTP_NOTIFY_API_CONSUMERS_MAX);

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_consumers_stored(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    if (ngx_http_notify_script_says(resp, "limit")) {
        ngx_http_notify_api_problem(api, NGX_HTTP_CONFLICT,
                                    "too_many_consumers",
                                    "there are "
                                    NGX_HTTP_NOTIFY_API_CONSUMERS_MAX
                                    " consumers already; delete those that "
                                    "are not needed");
        return;
    }

    ngx_http_notify_api_consumers_show(api, api->data);
}


/* HGET and HDEL of the tenant's consumers */

static void
ngx_http_notify_api_consumers_ask(ngx_http_notify_api_t *api,
    const char *verb, const ngx_str_t *name,
    ngx_http_notify_api_reply_pt handler)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_api_command(api, verb, handler);

    ngx_http_notify_command_key_of(command, &api->channel->keys, "consumers",
                                   &api->tenant);
    ngx_http_notify_command_arg(command, name);

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_consumers_ready(ngx_http_notify_api_t *api,
    ngx_http_notify_crypto_hmac_t *hmac)
{
    api->data = hmac;

    ngx_http_notify_api_consumers_ask(api, "HGET", &api->segments[1],
                                      ngx_http_notify_api_consumers_read);
}


static void
ngx_http_notify_api_consumers_read(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    u_char                buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN];
    u_char               *p;
    ngx_str_t             cursor;
    ngx_http_notify_id_t  place;

    if (resp->type != NGX_HTTP_NOTIFY_RESP_STRING
        || ngx_http_notify_id_parse(&resp->str, &place) != NGX_OK)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "no such consumer has committed yet");
        return;
    }

    p = ngx_http_notify_id_cursor(buf, &place, &api->tenant, api->data);
    if (p == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    cursor.data = buf;
    cursor.len = p - buf;

    ngx_http_notify_api_consumers_show(api, &cursor);
}


static void
ngx_http_notify_api_consumers_show(ngx_http_notify_api_t *api,
    const ngx_str_t *cursor)
{
    ngx_http_notify_json_write_t  w;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "consumer", &api->segments[1]);
    ngx_http_notify_json_write_string(&w, "cursor", cursor);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}


static void
ngx_http_notify_api_consumers_deleted(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_send(api, NGX_HTTP_NO_CONTENT, NULL);
}


void
ngx_http_notify_api_consumers_load(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_http_notify_api_consumers_ask(deltas->api, "HGET", &deltas->consumer,
                                      ngx_http_notify_api_consumers_loaded);
}


/* one that has not committed yet begins with the oldest kept */

static void
ngx_http_notify_api_consumers_loaded(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = api->data;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_STRING
        && ngx_http_notify_id_parse(&resp->str, &deltas->from) == NGX_OK)
    {
        deltas->placed = 1;
    }

    ngx_http_notify_api_deltas_begin(deltas);
}
