/*
 * The resource `samples/{event}`: what a subscriber may look like, for those
 * who have none yet.  Takes a call, answers as its query asks.  Nothing is
 * kept.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_sync_result.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_API_SAMPLES_DELAY  60000    /* milliseconds */


typedef struct {
    ngx_http_notify_api_t        *api;
    ngx_http_notify_sync_result_t  response;
    ngx_uint_t                    status;
    ngx_msec_t                    delay;
    ngx_event_t                   timer;
} ngx_http_notify_api_sample_t;


static void ngx_http_notify_api_samples_handler(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_samples_data(ngx_http_notify_api_t *api,
    ngx_str_t *data);
static ngx_int_t ngx_http_notify_api_samples_args(
    ngx_http_notify_api_sample_t *sample);
static ngx_int_t ngx_http_notify_api_samples_number(
    ngx_http_notify_api_t *api, const char *name, ngx_int_t min,
    ngx_int_t max, ngx_uint_t *n);
static ngx_int_t ngx_http_notify_api_samples_invalid(
    ngx_http_notify_api_t *api, const char *name, const char *what);
static void ngx_http_notify_api_samples_timer(ngx_event_t *ev);
static void ngx_http_notify_api_samples_cleanup(void *data);
static void ngx_http_notify_api_samples_send(
    ngx_http_notify_api_sample_t *sample);


ngx_http_notify_api_resource_t  ngx_http_notify_api_samples = {
    ngx_string("samples"),
    /* a profile may call with any of these */
    { 0, NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH },
    NULL,
    ngx_http_notify_api_samples_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_IGNORED,
    0
};


static void
ngx_http_notify_api_samples_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t                      type, text;
    ngx_http_notify_api_sample_t  *sample;
    u_char                         buf[64 + NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX];

    if (ngx_http_notify_api_event_type(api, &type) != NGX_OK) {
        return;
    }

    sample = ngx_http_notify_memory_owned(api->request->pool,
                                          sizeof(ngx_http_notify_api_sample_t),
                                          ngx_http_notify_api_samples_cleanup);
    if (sample == NULL) {
        goto failed;
    }

    sample->api = api;

    text.data = buf;
    text.len = ngx_snprintf(buf, sizeof(buf), "sample of %V", &type) - buf;

    if (ngx_http_notify_json_quote(api->request->pool, &text,
                                   &sample->response.message)
        != NGX_OK)
    {
        goto failed;
    }

    if (ngx_http_notify_api_samples_data(api, &sample->response.data)
        != NGX_OK
        || ngx_http_notify_api_samples_args(sample) != NGX_OK)
    {
        return;
    }

    if (sample->delay == 0) {
        ngx_http_notify_api_samples_send(sample);
        return;
    }

    ngx_http_notify_timer_init(&sample->timer,
                               ngx_http_notify_api_samples_timer, sample,
                               api->request->connection->log);

    ngx_http_notify_api_suspended_wait(api);
    ngx_add_timer(&sample->timer, sample->delay);

    return;

failed:

    ngx_http_notify_api_failed(api);
}


/* the call's data is given back; NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_samples_data(ngx_http_notify_api_t *api, ngx_str_t *data)
{
    ngx_str_t                      object, name, value;
    ngx_http_notify_json_iter_t    it;

    ngx_str_set(data, "null");

    if (api->body.len == 0) {
        return NGX_OK;
    }

    if (ngx_http_notify_api_json(api, &object) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_json_kind(&object) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return NGX_OK;
    }

    ngx_http_notify_json_iter(&it, &object);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {
        if (ngx_http_notify_text_is_nocase(&name, "data")) {
            *data = value;
        }
    }

    return NGX_OK;
}


/* success, errorLevel, errorCode, status, delay; NGX_DECLINED: answered */

static ngx_int_t
ngx_http_notify_api_samples_args(ngx_http_notify_api_sample_t *sample)
{
    ngx_int_t                     rc, delay;
    ngx_str_t                     value;
    ngx_http_notify_api_t        *api;
    ngx_http_notify_sync_result_t  *response;

    api = sample->api;
    response = &sample->response;

    response->success = 1;
    ngx_str_set(&response->code, "null");
    sample->status = NGX_HTTP_OK;

    rc = ngx_http_notify_api_arg(api, "success", &value);

    if (rc == NGX_OK) {
        response->success = ngx_http_notify_text_is(&value, "true");

        if (!response->success
            && !ngx_http_notify_text_is(&value, "false"))
        {
            return ngx_http_notify_api_samples_invalid(api, "success",
                                                       "true or false");
        }

    } else if (rc != NGX_DECLINED) {
        return NGX_DECLINED;
    }

    response->level = response->success ? NGX_HTTP_NOTIFY_SYNC_RESULT_OK
                                        : NGX_HTTP_NOTIFY_SYNC_RESULT_ERROR;

    if (ngx_http_notify_api_samples_number(api, "errorLevel", 0, 1000,
                                           &response->level)
        != NGX_OK
        || ngx_http_notify_api_samples_number(api, "status", 200, 599,
                                              &sample->status)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_api_arg(api, "errorCode", &value);

    if (rc == NGX_OK
        && ngx_http_notify_json_quote(api->request->pool, &value,
                                      &response->code)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_api_arg(api, "delay", &value);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    delay = ngx_parse_time(&value, 0);

    if (delay == NGX_ERROR || delay > NGX_HTTP_NOTIFY_API_SAMPLES_DELAY) {
        return ngx_http_notify_api_samples_invalid(api, "delay",
                                                   "a time of at most 60s");
    }

    sample->delay = delay;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_samples_number(ngx_http_notify_api_t *api,
    const char *name, ngx_int_t min, ngx_int_t max, ngx_uint_t *n)
{
    ngx_int_t  rc, number;
    ngx_str_t  value;

    rc = ngx_http_notify_api_arg(api, name, &value);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    number = ngx_atoi(value.data, value.len);

    if (number == NGX_ERROR || number < min || number > max) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_argument",
                                    "%s must be a number from %i to %i", name,
                                    min, max);
        return NGX_DECLINED;
    }

    *n = number;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_samples_invalid(ngx_http_notify_api_t *api,
    const char *name, const char *what)
{
    ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                "invalid_argument", "%s must be %s", name,
                                what);
    return NGX_DECLINED;
}


static void
ngx_http_notify_api_samples_timer(ngx_event_t *ev)
{
    ngx_http_notify_api_sample_t  *sample;

    sample = ev->data;

    ngx_http_set_log_request(sample->api->request->connection->log,
                             sample->api->request);

    ngx_http_notify_api_samples_send(sample);
}


static void
ngx_http_notify_api_samples_cleanup(void *data)
{
    ngx_http_notify_api_sample_t *sample = data;

    ngx_http_notify_timer_stop(&sample->timer);
}


static void
ngx_http_notify_api_samples_send(ngx_http_notify_api_sample_t *sample)
{
    ngx_str_t               text;
    ngx_http_notify_api_t  *api;

    api = sample->api;

    if (sample->status == NGX_HTTP_NO_CONTENT
        || sample->status == NGX_HTTP_NOT_MODIFIED)
    {
        ngx_http_notify_api_send(api, sample->status, NULL);
        return;
    }

    if (ngx_http_notify_sync_result_text(api->request->pool, &sample->response,
                                         &text)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_send(api, sample->status, &text);
}
