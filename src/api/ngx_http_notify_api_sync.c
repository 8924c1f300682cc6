/*
 * The resource `sync/{event}`: the subscriber of an event is asked, the client
 * waits and gets the response.  Reads what Redis has now: a subscription that
 * was just made is found, whichever worker made it.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_ask.h"
#include "ngx_http_notify_request_trace.h"
#include "ngx_http_notify_trusted.h"
#include "ngx_http_notify_sync_registry.h"
#include "ngx_http_notify_event_form.h"
#include "ngx_http_notify_text.h"


typedef struct {
    ngx_http_notify_event_t    event;
    ngx_http_notify_ask_t      ask;
} ngx_http_notify_api_sync_t;


static void ngx_http_notify_api_sync_handler(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_sync_form(ngx_http_notify_api_t *api,
    ngx_http_notify_event_t *event, const ngx_str_t *type);
static ngx_int_t ngx_http_notify_api_sync_text(ngx_http_notify_api_t *api,
    ngx_str_t *object);
static void ngx_http_notify_api_sync_find(ngx_int_t rc, void *data);
static void ngx_http_notify_api_sync_none(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_sync_answered(ngx_http_notify_ask_t *ask);


ngx_http_notify_api_resource_t  ngx_http_notify_api_sync = {
    ngx_string("sync"),
    { 0, NGX_HTTP_POST },
    NULL,
    ngx_http_notify_api_sync_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static void
ngx_http_notify_api_sync_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t                         type;
    ngx_http_notify_api_sync_t       *sync;
    ngx_http_notify_sync_registry_t  *registry;

    if (ngx_http_notify_api_event_type(api, &type) != NGX_OK) {
        return;
    }

    sync = ngx_pcalloc(api->request->pool, sizeof(ngx_http_notify_api_sync_t));
    if (sync == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    api->data = sync;

    if (ngx_http_notify_api_sync_form(api, &sync->event, &type) != NGX_OK) {
        return;
    }

    registry = ngx_http_notify_sync_registry_open(api->channel);
    if (registry == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_sync_registry_refresh(
            registry, ngx_http_notify_api_sync_find,
            ngx_http_notify_api_suspended_begin(api)));
}


/* the members of a call; NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_sync_form(ngx_http_notify_api_t *api,
    ngx_http_notify_event_t *event, const ngx_str_t *type)
{
    ngx_int_t                      rc;
    ngx_str_t                      object;
    ngx_http_notify_event_form_t   form;

    static ngx_str_t  name = ngx_string("eventType");

    if (ngx_http_notify_api_sync_text(api, &object) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_memzero(&form, sizeof(ngx_http_notify_event_form_t));

    form.pool = api->request->pool;
    form.channel = api->channel;
    form.invalid = &api->invalid;
    form.event = event;
    form.event_type = *type;

    event->tenant = api->tenant;
    event->hops = ngx_http_notify_trusted_hops(api->request, api->channel,
                                               &api->tenant);
    event->time = ngx_http_notify_api_now();

    rc = ngx_http_notify_event_form(&form, &object);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_request_trace(api->request, event);
    }

    if (rc == NGX_ABORT) {
        ngx_http_notify_api_twice(api, &form.twice);
        return NGX_DECLINED;
    }

    if (rc == NGX_OK
        && !ngx_http_notify_text_equal(&event->type, type))
    {
        ngx_http_notify_invalid_add(&api->invalid, &name,
                                    "is not \"%V\", as the path says", type);
        rc = NGX_DECLINED;
    }

    if (rc == NGX_DECLINED) {
        ngx_http_notify_api_unprocessable(api);

    } else if (rc != NGX_OK) {
        ngx_http_notify_api_failed(api);
    }

    return rc;
}


static ngx_int_t
ngx_http_notify_api_sync_text(ngx_http_notify_api_t *api, ngx_str_t *object)
{
    if (api->body.len == 0) {
        ngx_str_set(object, "{}");
        return NGX_OK;
    }

    if (ngx_http_notify_api_json(api, object) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_json_kind(object) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        ngx_http_notify_invalid_add(&api->invalid, NULL, "must be an object");
        ngx_http_notify_api_unprocessable(api);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_sync_find(ngx_int_t rc, void *data)
{
    ngx_http_notify_ask_t       *ask;
    ngx_http_notify_api_t       *api;
    ngx_http_notify_claim_t     *claim;
    ngx_http_notify_sync_registry_t  *claims;
    ngx_http_notify_api_sync_t  *sync;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_notify_api_unavailable(api);
        return;
    }

    sync = api->data;

    claims = ngx_http_notify_sync_registry_open(api->channel);

    claim = claims ? ngx_http_notify_sync_registry_find(claims, &sync->event)
                   : NULL;

    if (claim == NULL) {
        ngx_http_notify_api_sync_none(api);
        return;
    }

    ask = &sync->ask;

    ask->request = api->request;
    ask->channel = api->channel;
    ask->event = &sync->event;
    ask->limit = NGX_HTTP_NOTIFY_ASK_LIMIT;
    ask->handler = ngx_http_notify_api_sync_answered;
    ask->data = api;

    rc = ngx_http_notify_ask(ask, claim);

    if (rc == NGX_AGAIN) {
        return;
    }

    ask->failed = (rc != NGX_OK);

    ngx_http_notify_api_sync_answered(ask);
}


static void
ngx_http_notify_api_sync_none(ngx_http_notify_api_t *api)
{
    static ngx_str_t  code = ngx_string("NOTIFICATION_NO_SUBSCRIBER");

    ngx_http_notify_api_problem_extra(api, NGX_HTTP_NOT_FOUND,
                                      (char *) code.data, "errorCode", &code,
                                      "nobody is subscribed to \"%V\" in sync "
                                      "or iframe mode", &api->segments[0]);
}


static void
ngx_http_notify_api_sync_answered(ngx_http_notify_ask_t *ask)
{
    ngx_str_t               text;
    ngx_uint_t              status;
    ngx_http_notify_api_t  *api;

    api = ask->data;

    if (ask->failed
        || ngx_http_notify_sync_result_text(ask->request->pool, &ask->response,
                                            &text)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    status = NGX_HTTP_OK;

    if (ask->response.status == NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP) {
        status = NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP;
        ngx_str_set(&ask->request->headers_out.status_line,
                    "508 Loop Detected");
    }

    ngx_http_notify_api_send(api, status, &text);
}
