/*
 * GET of a subscription's stats: what came of its calls in the last hour, day
 * or week, and how long they took.  The engine counts, see tallies.
 */

#include "ngx_http_notify_api_calls.h"
#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_CALLS_HOUR                                        \
    (NGX_HTTP_NOTIFY_LATENCIES_SPAN * NGX_HTTP_NOTIFY_LATENCIES_SPANS)


typedef struct {
    const char    *window;
    uint64_t       span;        /* ms */
    ngx_uint_t     n;
    ngx_uint_t     ring;
    u_char         field;
} ngx_http_notify_api_calls_window_t;


static void ngx_http_notify_api_calls_ask(
    ngx_http_notify_api_subscription_t *call);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_calls_told;
static void ngx_http_notify_api_calls_write(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_latencies_t *l);


/* the first one is the default */

static ngx_http_notify_api_calls_window_t
    ngx_http_notify_api_calls_windows[] =
{
    { "24h", NGX_HTTP_NOTIFY_API_CALLS_HOUR, 24,
      NGX_HTTP_NOTIFY_LATENCIES_HOURS, 'h' },

    { "1h", NGX_HTTP_NOTIFY_LATENCIES_SPAN, NGX_HTTP_NOTIFY_LATENCIES_SPANS,
      NGX_HTTP_NOTIFY_LATENCIES_SPANS, 'm' },

    { "7d", NGX_HTTP_NOTIFY_API_CALLS_HOUR, NGX_HTTP_NOTIFY_LATENCIES_HOURS,
      NGX_HTTP_NOTIFY_LATENCIES_HOURS, 'h' }
};


ngx_int_t
ngx_http_notify_api_calls(ngx_http_notify_api_subscription_t *call)
{
    call->data = ngx_http_notify_api_calls_create(call->api);
    call->act = ngx_http_notify_api_calls_ask;

    return call->data ? NGX_OK : NGX_DECLINED;
}


ngx_http_notify_api_calls_t *
ngx_http_notify_api_calls_create(ngx_http_notify_api_t *api)
{
    ngx_int_t                            rc;
    ngx_str_t                            name;
    ngx_uint_t                           i, n;
    ngx_http_notify_api_calls_t         *calls;
    ngx_http_notify_api_calls_window_t  *window;

    rc = ngx_http_notify_api_arg(api, "window", &name);

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return NULL;
    }

    window = ngx_http_notify_api_calls_windows;
    n = sizeof(ngx_http_notify_api_calls_windows) / sizeof(window[0]);

    for (i = 0;
         rc == NGX_OK && i < n
         && !ngx_http_notify_text_is(&name, window[i].window);
         i++)
    { /* void */ }

    if (i == n) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"window\" must be 1h, 24h or 7d");
        return NULL;
    }

    window += i;

    calls = ngx_pcalloc(api->request->pool,
                        sizeof(ngx_http_notify_api_calls_t)
                        + window->n * sizeof(ngx_http_notify_latencies_t));
    if (calls == NULL) {
        ngx_http_notify_api_failed(api);
        return NULL;
    }

    calls->window = window->window;
    calls->span = window->span;
    calls->n = window->n;
    calls->ring = window->ring;
    calls->field = window->field;
    calls->counts = (ngx_http_notify_latencies_t *) &calls[1];

    /* the last one has begun and is not over */

    calls->first = ngx_http_notify_api_now() / calls->span - (calls->n - 1);

    return calls;
}


void
ngx_http_notify_api_calls_fields(const ngx_http_notify_api_calls_t *calls,
    ngx_http_notify_command_t *command)
{
    ngx_uint_t  i;

    for (i = 0; i < calls->n; i++) {
        ngx_http_notify_command_printf(command, "%c%uL", calls->field,
                                       (calls->first + i) % calls->ring);
    }
}


static void
ngx_http_notify_api_calls_ask(ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_t      *api;
    ngx_http_notify_command_t  *command;

    api = call->api;

    command = ngx_http_notify_api_command(api, "HMGET",
                                          ngx_http_notify_api_calls_told);

    ngx_http_notify_command_key_of(command, &api->channel->keys, "stats",
                                   &call->id);
    ngx_http_notify_api_calls_fields(call->data, command);

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_calls_told(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                           i;
    ngx_http_notify_json_write_t         w;
    ngx_http_notify_api_calls_t         *calls;
    ngx_http_notify_api_subscription_t  *call;

    call = api->data;
    calls = call->data;

    for (i = 0; i < calls->n; i++) {
        ngx_http_notify_api_calls_add(calls, i,
                                      ngx_http_notify_resp_at(resp, i));
    }

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_api_calls_show(calls, &w);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}


void
ngx_http_notify_api_calls_show(const ngx_http_notify_api_calls_t *calls,
    ngx_http_notify_json_write_t *w)
{
    ngx_uint_t                   i;
    ngx_http_notify_latencies_t  sum;

    ngx_memzero(&sum, sizeof(ngx_http_notify_latencies_t));

    ngx_http_notify_json_write_text(w, "window", calls->window);
    ngx_http_notify_json_write_array(w, "series");

    for (i = 0; i < calls->n; i++) {
        ngx_http_notify_latencies_sum(&sum, &calls->counts[i]);

        ngx_http_notify_json_write_object(w, NULL);
        ngx_http_notify_json_write_time(w, "at",
                                        (calls->first + i) * calls->span);
        ngx_http_notify_api_calls_write(w, &calls->counts[i]);
        ngx_http_notify_json_write_end(w);
    }

    ngx_http_notify_json_write_end(w);
    ngx_http_notify_json_write_object(w, "total");
    ngx_http_notify_api_calls_write(w, &sum);
    ngx_http_notify_json_write_end(w);
}


/* "<number of the span> <counts>": of an earlier round, it has none */

void
ngx_http_notify_api_calls_add(ngx_http_notify_api_calls_t *calls,
    ngx_uint_t i, const ngx_http_notify_resp_t *resp)
{
    u_char                       *p, *last;
    ngx_str_t                     text;
    ngx_http_notify_latencies_t   l;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return;
    }

    last = resp->str.data + resp->str.len;
    p = ngx_strlchr(resp->str.data, last, ' ');

    if (p == NULL
        || ngx_atoof(resp->str.data, p - resp->str.data)
           != (off_t) (calls->first + i))
    {
        return;
    }

    text.data = p + 1;
    text.len = last - text.data;

    ngx_memzero(&l, sizeof(ngx_http_notify_latencies_t));

    if (ngx_http_notify_latencies_parse(&text, &l) == NGX_OK) {
        ngx_http_notify_latencies_sum(&calls->counts[i], &l);
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
