/*
 * The resource `subscriptions`: create, read, replace, merge, delete, enable
 * and disable.  Everything is read from and written to Redis, with the version
 * that was read.  What members mean is in subscription_form.
 */

#include "ngx_http_notify_api_deliveries.h"
#include "ngx_http_notify_api_once.h"
#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


typedef struct {
    ngx_str_t      name;
    ngx_int_t    (*prepare)(ngx_http_notify_api_subscription_t *call);
} ngx_http_notify_api_subscriptions_action_t;


static ngx_uint_t ngx_http_notify_api_subscriptions_methods(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_subscriptions_handler(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_subscriptions_create(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_read(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_replace(
    ngx_http_notify_api_subscription_t *call);
static ngx_int_t ngx_http_notify_api_subscriptions_apply(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_known(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_created(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_changed(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_show(
    ngx_http_notify_api_subscription_t *call, ngx_uint_t status);
static ngx_int_t ngx_http_notify_api_subscriptions_etag(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_delete(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_gone(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_deleted(
    const ngx_http_notify_subscriptions_result_t *result, void *data);
static ngx_int_t ngx_http_notify_api_subscriptions_enable(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_subscriptions_switch(
    ngx_http_notify_api_subscription_t *call);


ngx_http_notify_api_resource_t  ngx_http_notify_api_subscriptions = {
    ngx_string("subscriptions"),
    { NGX_HTTP_GET|NGX_HTTP_POST,
      NGX_HTTP_GET|NGX_HTTP_PUT|NGX_HTTP_PATCH|NGX_HTTP_DELETE },
    ngx_http_notify_api_subscriptions_methods,
    ngx_http_notify_api_subscriptions_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static ngx_http_notify_api_subscriptions_action_t
    ngx_http_notify_api_subscriptions_actions[] =
{
    { ngx_string("enable"), ngx_http_notify_api_subscriptions_enable },
    { ngx_string("disable"), ngx_http_notify_api_subscriptions_enable },
    { ngx_string("confirm"), ngx_http_notify_api_confirm },
    { ngx_string("pause"), ngx_http_notify_api_pause },
    { ngx_string("resume"), ngx_http_notify_api_pause_resume },
    { ngx_string("secret"), ngx_http_notify_api_actions_secret },
    { ngx_string("test"), ngx_http_notify_api_actions_test },
    { ngx_string("redeliver"), ngx_http_notify_api_actions_redeliver },
    { ngx_string("rotate-secret"), ngx_http_notify_api_actions_rotate }
};


static ngx_http_notify_api_subscriptions_action_t *
ngx_http_notify_api_subscriptions_action(ngx_http_notify_api_t *api)
{
    return ngx_http_notify_text_find_in(&api->segments[1],
                                   ngx_http_notify_api_subscriptions_actions);
}


static ngx_uint_t
ngx_http_notify_api_subscriptions_methods(ngx_http_notify_api_t *api)
{
    if (api->nsegments != 2) {
        return 0;
    }

    if (ngx_http_notify_text_is(&api->segments[1], "deliveries")
        || ngx_http_notify_text_is(&api->segments[1], "stats"))
    {
        return NGX_HTTP_GET;
    }

    return ngx_http_notify_api_subscriptions_action(api) ? NGX_HTTP_POST : 0;
}


static void
ngx_http_notify_api_subscriptions_handler(ngx_http_notify_api_t *api)
{
    ngx_int_t                            rc;
    ngx_http_notify_api_subscription_t  *call;

    if (ngx_http_notify_api_uid_used(api)) {
        ngx_http_notify_api_uid(api,
                                ngx_http_notify_api_subscriptions_handler);
        return;
    }

    if (api->nsegments == 0 && api->method == NGX_HTTP_GET) {
        ngx_http_notify_api_subscriptions_list(api);
        return;
    }

    if (api->nsegments == 2 && api->method == NGX_HTTP_GET
        && api->segments[1].data[0] == 'd')
    {
        ngx_http_notify_api_deliveries_list(api);
        return;
    }

    call = ngx_pcalloc(api->request->pool,
                       sizeof(ngx_http_notify_api_subscription_t));
    if (call == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    call->api = api;
    call->id = api->segments[0];
    call->done = ngx_http_notify_api_subscriptions_changed;

    if (ngx_http_notify_api_stored_if_match(call) != NGX_OK) {
        return;
    }

    if (api->nsegments == 0) {
        ngx_http_notify_api_subscriptions_create(call);
        return;
    }

    if (api->nsegments == 2) {
        rc = (api->method == NGX_HTTP_GET)
             ? ngx_http_notify_api_calls(call)
             : ngx_http_notify_api_subscriptions_action(api)->prepare(call);

        if (rc == NGX_OK) {
            ngx_http_notify_api_stored_load(call);
        }

        return;
    }

    switch (api->method) {

    case NGX_HTTP_GET:
        call->act = ngx_http_notify_api_subscriptions_read;
        break;

    case NGX_HTTP_DELETE:
        call->act = ngx_http_notify_api_subscriptions_delete;

        if (call->if_match.len == 0) {
            ngx_http_notify_api_subscriptions_delete(call);
            return;
        }

        break;

    default: /* NGX_HTTP_PUT, NGX_HTTP_PATCH */
        call->act = ngx_http_notify_api_subscriptions_replace;

        call->input = ngx_http_notify_api_document(api, 0);
        if (call->input == NULL) {
            return;
        }
    }

    ngx_http_notify_api_stored_load(call);
}


static void
ngx_http_notify_api_subscriptions_create(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_t  *api;

    api = call->api;

    call->input = ngx_http_notify_api_document(api, 0);
    if (call->input == NULL) {
        return;
    }

    call->done = ngx_http_notify_api_subscriptions_created;
    call->named = ngx_http_notify_api_subscriptions_known;
    call->document = ngx_http_notify_json_new_object(api->request->pool);

    if (call->document == NULL
        || ngx_http_notify_api_once_id(api, "sub_", &call->id) != NGX_OK
        || ngx_http_notify_json_set_string(call->document, "id", &call->id)
           != NGX_OK
        || (api->tenant.len
            && ngx_http_notify_json_set_string(call->document, "tenant",
                                               &api->tenant)
               != NGX_OK)
        || ngx_http_notify_json_set_integer(call->document, "createdAt",
                                            ngx_http_notify_api_now())
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_http_notify_api_subscriptions_apply(call) == NGX_OK) {
        ngx_http_notify_api_stored_save(call);
    }
}


static void
ngx_http_notify_api_subscriptions_read(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_str_t  tags;

    if (ngx_http_notify_api_request_header(call->api, "If-None-Match", &tags)
        == NGX_OK
        && ngx_http_notify_api_stored_match(&tags, call->version))
    {
        if (ngx_http_notify_api_subscriptions_etag(call) != NGX_OK) {
            ngx_http_notify_api_failed(call->api);
            return;
        }

        ngx_http_notify_api_send(call->api, NGX_HTTP_NOT_MODIFIED, NULL);
        return;
    }

    ngx_http_notify_api_subscriptions_show(call, NGX_HTTP_OK);
}


static void
ngx_http_notify_api_subscriptions_replace(
    ngx_http_notify_api_subscription_t *call)
{
    /*
     * A PUT replaces what it can have read: write-only members stay unless it
     * has them, so that a GET's body can be sent back.
     */

    static const char *const  kept[] = {
        "id", "tenant", "createdAt", "secrets", "apiKey", "headers",
        "pausedUntil", "tls", "oauth2", "unconfirmed",
        "allowedRate", NULL
    };

    if (call->api->method == NGX_HTTP_PUT) {

        call->document = ngx_http_notify_subscription_document_part(
                             call->api->request->pool, call->document, kept);

        if (call->document == NULL) {
            ngx_http_notify_api_failed(call->api);
            return;
        }
    }

    if (ngx_http_notify_api_subscriptions_apply(call) == NGX_OK) {
        ngx_http_notify_api_stored_save(call);
    }
}


/* NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_subscriptions_apply(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_str_t                             text;
    ngx_http_notify_api_t                *api;
    ngx_http_notify_subscription_form_t   form;

    api = call->api;

    ngx_memzero(&form, sizeof(ngx_http_notify_subscription_form_t));

    form.pool = api->request->pool;
    form.channel = api->channel;
    form.document = call->document;
    form.invalid = &api->invalid;
    form.merge = (api->method == NGX_HTTP_PATCH);

    switch (ngx_http_notify_subscription_form_apply(&form, call->input)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        ngx_http_notify_api_unprocessable(api);
        return NGX_DECLINED;

    default:
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    if (ngx_http_notify_api_confirm_mark(call) != NGX_OK
        || ngx_http_notify_json_dump(form.pool, call->document, 0, &text)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    /* one that is larger, from before there was a limit, may not grow */

    if (text.len > api->channel->subscription_size
        && text.len > call->text.len)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                    "subscription_too_large",
                                    "the subscription takes %uz bytes, the "
                                    "limit is %uz (subscription_size)",
                                    text.len,
                                    api->channel->subscription_size);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* another has its uid: it is made already, or is not what was asked for */

static void
ngx_http_notify_api_subscriptions_known(
    ngx_http_notify_api_subscription_t *call)
{
    if (ngx_http_notify_api_uid_same(call)) {
        ngx_http_notify_api_subscriptions_show(call, NGX_HTTP_OK);
        return;
    }

    ngx_http_notify_api_problem_extra(call->api, NGX_HTTP_CONFLICT,
                                      "uid_taken", "subscription", &call->id,
                                      "the subscription \"%V\" has this "
                                      "\"uid\" and other members", &call->id);
}


static void
ngx_http_notify_api_subscriptions_created(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_str_t  uri;

    if (ngx_http_notify_api_uri(call->api, &call->id, &uri) != NGX_OK
        || ngx_http_notify_reply_header(call->api->request, "Location", &uri)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    ngx_http_notify_api_confirm_begin(call);
    ngx_http_notify_api_subscriptions_show(call, NGX_HTTP_CREATED);
}


static void
ngx_http_notify_api_subscriptions_changed(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_confirm_begin(call);
    ngx_http_notify_api_subscriptions_show(call, NGX_HTTP_OK);
}


/* the secret is shown with 201 only */

static void
ngx_http_notify_api_subscriptions_show(
    ngx_http_notify_api_subscription_t *call, ngx_uint_t status)
{
    ngx_http_notify_json_write_t          w;
    ngx_http_notify_subscription_shown_t  shown;

    if (ngx_http_notify_api_subscriptions_etag(call) != NGX_OK) {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    shown.channel = call->api->channel;
    shown.document = call->document;
    shown.cursor = &call->cursor;
    shown.health = &call->health;
    shown.secret = (status == NGX_HTTP_CREATED);

    ngx_http_notify_json_write_init(&w, call->api->request->pool);
    ngx_http_notify_subscription_members_show(&w, &shown);

    ngx_http_notify_api_send_written(call->api, status, &w);
}


static ngx_int_t
ngx_http_notify_api_subscriptions_etag(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_str_t  tag;

    if (ngx_http_notify_memory_printf(call->api->request->pool, &tag,
                                      "\"%uL\"", call->version)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_reply_header(call->api->request, "ETag", &tag);
}


/* whether it exists or not; version 0, when it has not been read: any */

static void
ngx_http_notify_api_subscriptions_delete(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_t      *api;

    api = call->api;
    api->data = call;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_subscriptions_delete(
            api->channel->redis, &api->channel->keys, &api->tenant, &call->id,
            call->version, ngx_http_notify_api_subscriptions_deleted,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_subscriptions_deleted(
    const ngx_http_notify_subscriptions_result_t *result, void *data)
{
    ngx_http_notify_api_t               *api;
    ngx_http_notify_api_subscription_t  *call;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    call = api->data;
    call->done = ngx_http_notify_api_subscriptions_gone;

    switch (result->status) {

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_OK:

        if (result->sync) {
            ngx_http_notify_api_stored_settle(call);
            return;
        }

        /* fall through */

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NOT_FOUND:
        ngx_http_notify_api_subscriptions_gone(call);
        return;

    case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANGED:
        ngx_http_notify_api_problem(api, NGX_HTTP_PRECONDITION_FAILED,
                                    "version_mismatch",
                                    "the subscription has changed since the "
                                    "version in If-Match");
        return;

    default:
        ngx_http_notify_api_unavailable(api);
    }
}


static void
ngx_http_notify_api_subscriptions_gone(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_send(call->api, NGX_HTTP_NO_CONTENT, NULL);
}


static ngx_int_t
ngx_http_notify_api_subscriptions_enable(
    ngx_http_notify_api_subscription_t *call)
{
    call->act = ngx_http_notify_api_subscriptions_switch;

    return ngx_http_notify_api_actions_bare(call->api);
}


static void
ngx_http_notify_api_subscriptions_switch(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_uint_t  enable;

    enable = (call->api->segments[1].data[0] == 'e');

    if (call->enabled == enable) {
        ngx_http_notify_api_subscriptions_show(call, NGX_HTTP_OK);
        return;
    }

    if (ngx_http_notify_subscription_document_enable(call->document, enable)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    ngx_http_notify_api_stored_save(call);
}
