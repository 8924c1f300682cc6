/*
 * subscriptions/{id}/test: one call, of an event that is not in the log; its
 * result is the answer.  A client that leaves ends the call.
 */

#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_custom_target.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


/* a test under way; its cleanup gives back what is left of it */
typedef struct {
    ngx_http_notify_api_t            *api;
    ngx_http_notify_subscription_t   *subscription;
    ngx_http_notify_target_t         *target;
    ngx_http_notify_call_t           *call;
    ngx_http_notify_event_t          *event;
} ngx_http_notify_api_test_t;


static void ngx_http_notify_api_actions_test_start(
    ngx_http_notify_api_subscription_t *call);
static ngx_int_t ngx_http_notify_api_actions_test_target(
    ngx_http_notify_api_subscription_t *call,
    ngx_http_notify_api_test_t *test);
static void ngx_http_notify_api_actions_test_done(
    const ngx_http_notify_call_result_t *result, void *data);
static void ngx_http_notify_api_actions_test_show(
    ngx_http_notify_api_test_t *test,
    const ngx_http_notify_call_result_t *result);
static void ngx_http_notify_api_actions_test_cleanup(void *data);
static void ngx_http_notify_api_actions_test_gone(void *data);


ngx_int_t
ngx_http_notify_api_actions_test(ngx_http_notify_api_subscription_t *call)
{
    call->act = ngx_http_notify_api_actions_test_start;

    return ngx_http_notify_api_actions_bare(call->api);
}


static void
ngx_http_notify_api_actions_test_start(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_str_t                    data;
    ngx_http_notify_api_t       *api;
    ngx_http_notify_api_test_t  *test;

    api = call->api;

    test = ngx_http_notify_memory_owned(api->request->pool,
        sizeof(ngx_http_notify_api_test_t),
        ngx_http_notify_api_actions_test_cleanup);
    if (test == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    test->api = api;

    if (ngx_http_notify_api_actions_test_target(call, test) != NGX_OK) {
        return;
    }

    ngx_str_set(&data, "{\"test\":true}");

    test->event = ngx_http_notify_api_actions_test_event(&api->tenant,
                                                         "notify.test", &data);
    if (test->event == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_http_notify_call_target_room(test->target) == 0) {
        ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "too_many_calls",
                                    "the tenant's calls under way are as many "
                                    "as tenant_share allows");
        return;
    }

    ngx_http_notify_api_suspended_wait(api);

    test->call = ngx_http_notify_call_start(test->target, test->event, NULL,
                                  &api->channel->name,
                                  api->channel->hops, 1, 0,
                                  ngx_http_notify_api_actions_test_done,
                                  test);
    if (test->call) {
        return;
    }

    if (ngx_http_notify_call_full()) {
        ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "too_many_calls",
                                    "too many calls are under way");
        return;
    }

    ngx_http_notify_api_failed(api);
}


/* NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_actions_test_target(
    ngx_http_notify_api_subscription_t *call,
    ngx_http_notify_api_test_t *test)
{
    const char                      *reason;
    ngx_http_notify_share_t         *share;
    ngx_http_notify_profile_t       *profile;
    ngx_http_notify_subscription_t  *s;

    s = ngx_http_notify_subscriptions_parse(&call->api->channel->keys,
                                            &call->text, ngx_cycle->log);
    if (s == NULL) {
        ngx_http_notify_api_failed(call->api);
        return NGX_DECLINED;
    }

    test->subscription = s;

    profile = ngx_http_notify_channel_profile(call->api->channel,
                                              &s->profile);
    if (profile == NULL) {
        ngx_http_notify_api_problem(call->api, NGX_HTTP_CONFLICT,
                                    "no_profile",
                                    "the subscription's profile does not "
                                    "exist any more");
        return NGX_DECLINED;
    }

    reason = NULL;

    test->target = ngx_http_notify_custom_target(&profile->call, s,
                                               ngx_cycle->log, &reason);
    if (test->target) {
        share = ngx_http_notify_limits_share(call->api->channel,
                                             &call->api->tenant);
        if (share) {
            ngx_http_notify_call_target_share(test->target, share);
            ngx_http_notify_share_release(share);
        }

        return NGX_OK;
    }

    if (reason) {
        ngx_http_notify_api_problem(call->api, NGX_HTTP_CONFLICT,
                                    "url_refused",
                                    "the URL may not be called: %*s",
                                    call->api->tenant.len
                                        ? ngx_http_notify_guard_public(reason)
                                        : ngx_strlen(reason), reason);
    } else {
        ngx_http_notify_api_failed(call->api);
    }

    return NGX_DECLINED;
}


/* made as if it had been read from the log */

ngx_http_notify_event_t *
ngx_http_notify_api_actions_test_event(const ngx_str_t *tenant,
    const char *type, const ngx_str_t *data)
{
    uint64_t                   now;
    ngx_uint_t                 i;
    ngx_http_notify_id_t       id;
    ngx_http_notify_resp_t     top, name, list, field[8];
    ngx_http_notify_resp_t    *pair[2], *fields[8];
    u_char                     place[NGX_HTTP_NOTIFY_ID_LEN];
    u_char                     time[NGX_INT64_LEN];

    now = ngx_http_notify_api_now();

    id.ms = now;
    id.seq = 0;

    if (ngx_http_notify_crypto_random((u_char *) &id.seq, 4) != NGX_OK) {
        return NULL;
    }

    ngx_memzero(&top, sizeof(ngx_http_notify_resp_t));
    name = top;
    list = top;

    top.type = NGX_HTTP_NOTIFY_RESP_ARRAY;
    top.nelts = 2;
    top.elts = pair;

    pair[0] = &name;
    pair[1] = &list;

    name.type = NGX_HTTP_NOTIFY_RESP_STRING;
    name.str.data = place;
    name.str.len = ngx_http_notify_id_print(place, &id) - place;

    ngx_memzero(field, sizeof(field));

    ngx_str_set(&field[0].str, "t");
    field[1].str = ngx_http_notify_text(type);
    ngx_str_set(&field[2].str, "w");
    field[3].str.data = time;
    field[3].str.len = ngx_sprintf(time, "%uL", now) - time;
    ngx_str_set(&field[4].str, "d");
    field[5].str = *data;
    ngx_str_set(&field[6].str, "n");
    field[7].str = *tenant;

    list.type = NGX_HTTP_NOTIFY_RESP_ARRAY;
    list.nelts = tenant->len ? 8 : 6;
    list.elts = fields;

    for (i = 0; i < 8; i++) {
        field[i].type = NGX_HTTP_NOTIFY_RESP_STRING;
        fields[i] = &field[i];
    }

    return ngx_http_notify_log_event(&top, ngx_cycle->log);
}


static void
ngx_http_notify_api_actions_test_done(
    const ngx_http_notify_call_result_t *result, void *data)
{
    ngx_http_notify_api_test_t *test = data;

    test->call = NULL;

    ngx_http_set_log_request(test->api->request->connection->log,
                             test->api->request);

    ngx_http_notify_api_actions_test_show(test, result);
}


static void
ngx_http_notify_api_actions_test_show(ngx_http_notify_api_test_t *test,
    const ngx_http_notify_call_result_t *result)
{
    ngx_str_t                     text;
    ngx_http_notify_json_write_t  w;
    u_char                        buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    text.data = buf;
    text.len = ngx_http_notify_id_event(buf, &test->event->id) - buf;

    ngx_http_notify_json_write_init(&w, test->api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "eventId", &text);
    ngx_http_notify_json_write_bool(&w, "success",
                                result->verdict == NGX_HTTP_NOTIFY_CALL_OK);

    if (result->status) {
        ngx_http_notify_json_write_integer(&w, "status", result->status);

    } else {
        ngx_http_notify_json_write_null(&w, "status");
    }

    ngx_http_notify_json_write_integer(&w, "latency", result->latency);

    if (result->error) {
        ngx_http_notify_json_write_text(&w, "error", result->error);

    } else {
        ngx_http_notify_json_write_null(&w, "error");
    }

    if (result->detail.len) {
        ngx_http_notify_json_write_string(&w, "detail", &result->detail);
    }

    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(test->api, NGX_HTTP_OK, &w);
}


static void
ngx_http_notify_api_actions_test_cleanup(void *data)
{
    ngx_http_notify_api_test_t *test = data;

    if (test->call) {
        ngx_http_notify_call_abort(test->call);
    }

    if (test->event) {
        ngx_http_notify_log_unref(test->event);
    }

    if (test->target) {
        ngx_http_notify_call_target_release(test->target,
                                      ngx_http_notify_api_actions_test_gone,
                                      test->subscription->pool);

    } else if (test->subscription) {
        ngx_destroy_pool(test->subscription->pool);
    }
}


static void
ngx_http_notify_api_actions_test_gone(void *data)
{
    ngx_destroy_pool(data);
}
