/*
 * GET of a subscription's stats: what came of its calls in the last hour or the
 * last day, and how long they took.  The engine counts, see tallies.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_latencies.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_CALLS_DAY  24


typedef struct {
    const char    *window;
    uint64_t       span;        /* ms */
    ngx_uint_t     n;
    ngx_uint_t     ring;
    u_char         field;
    uint64_t       first;       /* number of a span */
} ngx_http_notify_api_calls_t;


static void ngx_http_notify_api_calls_ask(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_calls_told(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_api_calls_read(const ngx_http_notify_resp_t *resp,
    uint64_t span, ngx_http_notify_latencies_t *l);
static void ngx_http_notify_api_calls_write(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_latencies_t *l);


ngx_int_t
ngx_http_notify_api_calls(ngx_http_notify_api_subscription_t *call)
{
    ngx_int_t                     rc;
    ngx_str_t                     window;
    ngx_http_notify_api_t        *api;
    ngx_http_notify_api_calls_t  *calls;

    api = call->api;

    rc = ngx_http_notify_api_arg(api, "window", &window);

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return NGX_DECLINED;
    }

    calls = ngx_pcalloc(api->request->pool,
                        sizeof(ngx_http_notify_api_calls_t));
    if (calls == NULL) {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    if (rc == NGX_DECLINED || ngx_http_notify_text_is(&window, "24h")) {
        calls->window = "24h";
        calls->span = NGX_HTTP_NOTIFY_LATENCIES_SPAN
                      * NGX_HTTP_NOTIFY_LATENCIES_SPANS;
        calls->n = NGX_HTTP_NOTIFY_API_CALLS_DAY;
        calls->ring = NGX_HTTP_NOTIFY_LATENCIES_HOURS;
        calls->field = 'h';

    } else if (ngx_http_notify_text_is(&window, "7d")) {
        calls->window = "7d";
        calls->span = NGX_HTTP_NOTIFY_LATENCIES_SPAN
                      * NGX_HTTP_NOTIFY_LATENCIES_SPANS;
        calls->n = NGX_HTTP_NOTIFY_LATENCIES_HOURS;
        calls->ring = NGX_HTTP_NOTIFY_LATENCIES_HOURS;
        calls->field = 'h';

    } else if (ngx_http_notify_text_is(&window, "1h")) {
        calls->window = "1h";
        calls->span = NGX_HTTP_NOTIFY_LATENCIES_SPAN;
        calls->n = NGX_HTTP_NOTIFY_LATENCIES_SPANS;
        calls->ring = NGX_HTTP_NOTIFY_LATENCIES_SPANS;
        calls->field = 'm';

    } else {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"window\" must be 1h, 24h or 7d");
        return NGX_DECLINED;
    }

    /* the last one has begun and is not over */

    calls->first = ngx_http_notify_api_now() / calls->span - (calls->n - 1);

    call->data = calls;
    call->act = ngx_http_notify_api_calls_ask;

    return NGX_OK;
}


static void
ngx_http_notify_api_calls_ask(ngx_http_notify_api_subscription_t *call)
{
    ngx_uint_t                    i;
    ngx_http_notify_api_t        *api;
    ngx_http_notify_command_t    *command;
    ngx_http_notify_api_calls_t  *calls;

    api = call->api;
    calls = call->data;

    command = ngx_http_notify_command_start(api->channel->redis, "HMGET",
                                    ngx_http_notify_api_calls_told,
                                    ngx_http_notify_api_suspended_begin(api));

    ngx_http_notify_command_key_of(command, &api->channel->keys, "stats",
                                   &call->id);

    for (i = 0; i < calls->n; i++) {
        ngx_http_notify_command_printf(command, "%c%uL", calls->field,
                                       (calls->first + i) % calls->ring);
    }

    ngx_http_notify_api_suspended_began(api,
                                        ngx_http_notify_redis_send(command));
}


static void
ngx_http_notify_api_calls_told(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_uint_t                           i;
    ngx_http_notify_api_t               *api;
    ngx_http_notify_latencies_t          l, sum;
    ngx_http_notify_json_write_t         w;
    ngx_http_notify_api_calls_t         *calls;
    ngx_http_notify_api_subscription_t  *call;

    api = ngx_http_notify_api_suspended_reply(data, resp, "api");
    if (api == NULL) {
        return;
    }

    call = api->data;
    calls = call->data;

    ngx_memzero(&sum, sizeof(ngx_http_notify_latencies_t));

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_text(&w, "window", calls->window);
    ngx_http_notify_json_write_array(&w, "series");

    for (i = 0; i < calls->n; i++) {
        ngx_http_notify_api_calls_read(ngx_http_notify_resp_at(resp, i),
                                       calls->first + i, &l);
        ngx_http_notify_latencies_sum(&sum, &l);

        ngx_http_notify_json_write_object(&w, NULL);
        ngx_http_notify_json_write_time(&w, "at",
                                        (calls->first + i) * calls->span);
        ngx_http_notify_api_calls_write(&w, &l);
        ngx_http_notify_json_write_end(&w);
    }

    ngx_http_notify_json_write_end(&w);
    ngx_http_notify_json_write_object(&w, "total");
    ngx_http_notify_api_calls_write(&w, &sum);
    ngx_http_notify_json_write_end(&w);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}


/* "<number of the span> <counts>": of an earlier round, it has none */

static void
ngx_http_notify_api_calls_read(const ngx_http_notify_resp_t *resp,
    uint64_t span, ngx_http_notify_latencies_t *l)
{
    u_char     *p, *last;
    ngx_str_t   text;

    ngx_memzero(l, sizeof(ngx_http_notify_latencies_t));

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return;
    }

    last = resp->str.data + resp->str.len;
    p = ngx_strlchr(resp->str.data, last, ' ');

    if (p == NULL
        || ngx_atoof(resp->str.data, p - resp->str.data) != (off_t) span)
    {
        return;
    }

    text.data = p + 1;
    text.len = last - text.data;

    if (ngx_http_notify_latencies_parse(&text, l) != NGX_OK) {
        ngx_memzero(l, sizeof(ngx_http_notify_latencies_t));
    }
}


static void
ngx_http_notify_api_calls_write(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_latencies_t *l)
{
    ngx_http_notify_json_write_integer(w, "succeeded", l->succeeded);
    ngx_http_notify_json_write_integer(w, "failed", l->failed);

    if (l->succeeded + l->failed == 0) {
        ngx_http_notify_json_write_null(w, "p50");
        ngx_http_notify_json_write_null(w, "p99");
        return;
    }

    ngx_http_notify_json_write_integer(w, "p50",
                                  ngx_http_notify_latencies_percentile(l, 50));
    ngx_http_notify_json_write_integer(w, "p99",
                                  ngx_http_notify_latencies_percentile(l, 99));
}
