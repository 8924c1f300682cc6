/*
 * The resource `redeliveries`: what is known of a redelivery of many.
 */

#include "ngx_http_notify_api.h"


static void ngx_http_notify_api_redeliveries_handler(
    ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_redeliveries_read;


ngx_http_notify_api_resource_t  ngx_http_notify_api_redeliveries = {
    ngx_string("redeliveries"),
    { 0, NGX_HTTP_GET },
    NULL,
    ngx_http_notify_api_redeliveries_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static void
ngx_http_notify_api_redeliveries_handler(ngx_http_notify_api_t *api)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_api_command(api, "GET",
        ngx_http_notify_api_redeliveries_read);

    ngx_http_notify_command_key_of(command, &api->channel->keys, "redelivery",
                                   &api->segments[0]);

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_redeliveries_read(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    int64_t                       count;
    ngx_str_t                     tenant;
    ngx_http_notify_json_t       *json;
    ngx_http_notify_json_error_t  error;
    ngx_http_notify_json_write_t  w;

    json = NULL;
    count = 0;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        json = ngx_http_notify_json_parse(api->request->pool, &resp->str,
                                          &error);
    }

    if (json) {
        tenant = ngx_http_notify_json_get_string(json, "tenant");

        if (!ngx_http_notify_api_owns(api, &tenant)
            || ngx_http_notify_json_integer(
                   ngx_http_notify_json_get(json, "count"), &count)
               != NGX_OK)
        {
            json = NULL;
        }
    }

    if (json == NULL) {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such redelivery (any more)");
        return;
    }

    /* it was asked for as a whole before its id was told */

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "id", &api->segments[0]);
    ngx_http_notify_json_write_text(&w, "status", "done");
    ngx_http_notify_json_write_integer(&w, "count", count);
    ngx_http_notify_json_write_integer(&w, "done", count);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}
