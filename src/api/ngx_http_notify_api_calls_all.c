/*
 * GET /stats?window=: what came of the calls of all of a tenant's subscriptions
 * together.  Their ids are read a page at a time, and the counts of each page
 * by one script.
 */

#include "ngx_http_notify_api_calls.h"
#include "ngx_http_notify_script.h"


#define NGX_HTTP_NOTIFY_API_CALLS_ALL_STEP  250     /* of them at a time */
#define NGX_HTTP_NOTIFY_API_CALLS_ALL_LOOK  10000   /* of a request */


static void ngx_http_notify_api_calls_all_read(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_calls_all_page;
static ngx_http_notify_api_reply_t  ngx_http_notify_api_calls_all_told;
static void ngx_http_notify_api_calls_all_send(ngx_http_notify_api_t *api);


void
ngx_http_notify_api_calls_all(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_calls_t  *calls;

    calls = ngx_http_notify_api_calls_create(api);
    if (calls == NULL) {
        return;
    }

    api->data = calls;

    ngx_http_notify_api_calls_all_read(api);
}


static void
ngx_http_notify_api_calls_all_read(ngx_http_notify_api_t *api)
{
    ngx_http_notify_command_t    *command;
    ngx_http_notify_api_calls_t  *calls;

    calls = api->data;

    command = ngx_http_notify_api_command(api, "ZRANGEBYSCORE",
                                          ngx_http_notify_api_calls_all_page);

    ngx_http_notify_command_key_of(command, &api->channel->keys, "subs:of",
                                   &api->tenant);

    if (calls->after.len) {
        ngx_http_notify_command_printf(command, "(%V", &calls->after);

    } else {
        ngx_http_notify_command_text(command, "0");
    }

    ngx_http_notify_command_text(command, "+inf");
    ngx_http_notify_command_text(command, "WITHSCORES");
    ngx_http_notify_command_text(command, "LIMIT");
    ngx_http_notify_command_text(command, "0");
    ngx_http_notify_command_number(command,
                                   NGX_HTTP_NOTIFY_API_CALLS_ALL_STEP);

    ngx_http_notify_api_command_send(api, command);
}


/* ids, each with its score */

static void
ngx_http_notify_api_calls_all_page(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_str_t                    *score;
    ngx_uint_t                    i, n;
    ngx_http_notify_command_t    *command;
    ngx_http_notify_api_calls_t  *calls;

    calls = api->data;
    n = resp->nelts / 2;

    if (n == 0 || calls->looked >= NGX_HTTP_NOTIFY_API_CALLS_ALL_LOOK) {
        ngx_http_notify_api_calls_all_send(api);
        return;
    }

    score = &resp->elts[2 * n - 1]->str;

    calls->looked += n;
    calls->after.len = score->len;
    calls->after.data = ngx_pstrdup(api->request->pool, score);

    if (calls->after.data == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_calls,
                                         ngx_http_notify_api_calls_all_told);

    for (i = 0; i < n; i++) {
        ngx_http_notify_command_key_of(command, &api->channel->keys, "stats",
                                       &resp->elts[2 * i]->str);
    }

    ngx_http_notify_api_calls_fields(calls, command);

    ngx_http_notify_api_command_send(api, command);
}


/* numbers of fields, each with its value */

static void
ngx_http_notify_api_calls_all_told(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                    i, n;
    ngx_http_notify_api_calls_t  *calls;

    calls = api->data;

    for (i = 0; i + 1 < resp->nelts; i += 2) {
        n = (ngx_uint_t) resp->elts[i]->integer;

        if (n >= 1 && n <= calls->n) {
            ngx_http_notify_api_calls_add(calls, n - 1, resp->elts[i + 1]);
        }
    }

    ngx_http_notify_api_calls_all_read(api);
}


static void
ngx_http_notify_api_calls_all_send(ngx_http_notify_api_t *api)
{
    ngx_http_notify_json_write_t  w;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "channel", &api->channel->name);

    if (api->tenant.len) {
        ngx_http_notify_json_write_string(&w, "tenant", &api->tenant);
    }

    ngx_http_notify_api_calls_show(api->data, &w);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}
