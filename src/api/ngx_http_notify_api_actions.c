/*
 * What may be asked of one subscription besides changing it: a test call, a
 * redelivery, a new secret.  A test call belongs to the client's request and
 * ends with it.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_subscription_form.h"


#define NGX_HTTP_NOTIFY_API_ACTIONS_GRACE_MAX  (30 * 24 * 3600)


/* a test under way; its cleanup gives back what is left of it */
typedef struct {
    ngx_http_notify_api_t            *api;
    ngx_http_notify_subscription_t   *subscription;
    ngx_http_notify_target_t         *target;
    ngx_http_notify_call_t           *call;
    ngx_http_notify_event_t          *event;
} ngx_http_notify_api_test_t;

typedef struct {
    ngx_http_notify_id_t   since;
    ngx_http_notify_id_t   until;
    ngx_uint_t             bounded;     /* until was given */
    ngx_uint_t             all;
} ngx_http_notify_api_replay_t;

typedef struct {
    ngx_str_t              secret;
    uint64_t               grace;       /* milliseconds */
    uint64_t               expires;
} ngx_http_notify_api_rotation_t;


static void ngx_http_notify_api_actions_test_start(
    ngx_http_notify_api_subscription_t *call);
static ngx_int_t ngx_http_notify_api_actions_test_target(
    ngx_http_notify_api_subscription_t *call,
    ngx_http_notify_api_test_t *test);
static ngx_http_notify_event_t *ngx_http_notify_api_actions_test_event(
    ngx_http_notify_api_t *api);
static void ngx_http_notify_api_actions_test_done(
    const ngx_http_notify_call_result_t *result, void *data);
static void ngx_http_notify_api_actions_test_show(
    ngx_http_notify_api_test_t *test,
    const ngx_http_notify_call_result_t *result);
static void ngx_http_notify_api_actions_test_cleanup(void *data);
static void ngx_http_notify_api_actions_test_gone(void *data);
static ngx_int_t ngx_http_notify_api_actions_members(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    const char **names);
static ngx_int_t ngx_http_notify_api_actions_place(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    const char *name, ngx_uint_t last, ngx_http_notify_id_t *id);
static void ngx_http_notify_api_actions_replay(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_actions_replayed(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_api_actions_rotate_secret(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_actions_rotated(
    ngx_http_notify_api_subscription_t *call);


ngx_int_t
ngx_http_notify_api_actions_test(ngx_http_notify_api_subscription_t *call)
{
    call->act = ngx_http_notify_api_actions_test_start;

    return NGX_OK;
}


static void
ngx_http_notify_api_actions_test_start(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_notify_api_t       *api;
    ngx_http_notify_api_test_t  *test;

    api = call->api;

    cln = ngx_pool_cleanup_add(api->request->pool,
                               sizeof(ngx_http_notify_api_test_t));
    if (cln == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    test = cln->data;
    ngx_memzero(test, sizeof(ngx_http_notify_api_test_t));

    test->api = api;
    cln->handler = ngx_http_notify_api_actions_test_cleanup;

    if (ngx_http_notify_api_actions_test_target(call, test) != NGX_OK) {
        return;
    }

    test->event = ngx_http_notify_api_actions_test_event(api);
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

    test->call = ngx_http_notify_call_start(test->target, test->event,
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

    test->target = ngx_http_notify_call_target(&profile->call, s,
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


/* one that is not in the log; made as if it had been read from it */

static ngx_http_notify_event_t *
ngx_http_notify_api_actions_test_event(ngx_http_notify_api_t *api)
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
    ngx_str_set(&field[1].str, "notify.test");
    ngx_str_set(&field[2].str, "w");
    field[3].str.data = time;
    field[3].str.len = ngx_sprintf(time, "%uL", now) - time;
    ngx_str_set(&field[4].str, "d");
    ngx_str_set(&field[5].str, "{\"test\":true}");
    ngx_str_set(&field[6].str, "n");
    field[7].str = api->tenant;

    list.type = NGX_HTTP_NOTIFY_RESP_ARRAY;
    list.nelts = api->tenant.len ? 8 : 6;
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


/* only these members; NGX_DECLINED: an answer has been sent */

static ngx_int_t
ngx_http_notify_api_actions_members(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char **names)
{
    ngx_http_notify_api_only(api, input, names);

    if (ngx_http_notify_invalid_n(&api->invalid)) {
        ngx_http_notify_api_unprocessable(api);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_actions_redeliver(
    ngx_http_notify_api_subscription_t *call)
{
    ngx_int_t                      rc;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_json_t        *input, *value;
    ngx_http_notify_json_kind_e    kind;
    ngx_http_notify_api_replay_t  *replay;

    static const char       *names[] = { "since", "until", "all", NULL };
    static const ngx_str_t   all = ngx_string("all");
    static const ngx_str_t   until = ngx_string("until");

    api = call->api;

    input = ngx_http_notify_api_document(api, 1);
    if (input == NULL) {
        return NGX_DECLINED;
    }

    replay = ngx_pcalloc(api->request->pool,
                         sizeof(ngx_http_notify_api_replay_t));
    if (replay == NULL) {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    (void) ngx_http_notify_api_actions_place(api, input, "since", 0,
                                             &replay->since);
    rc = ngx_http_notify_api_actions_place(api, input, "until", 1,
                                           &replay->until);
    replay->bounded = (rc == NGX_OK);

    if (replay->bounded
        && ngx_http_notify_id_compare(&replay->until, &replay->since) < 0)
    {
        ngx_http_notify_invalid_add(&api->invalid, &until,
                                    "is before \"since\"");
    }

    value = ngx_http_notify_json_get_nocase(input, "all");
    kind = ngx_http_notify_json_type(value);

    replay->all = (kind == NGX_HTTP_NOTIFY_JSON_TRUE);

    if (value
        && kind != NGX_HTTP_NOTIFY_JSON_TRUE
        && kind != NGX_HTTP_NOTIFY_JSON_FALSE
        && kind != NGX_HTTP_NOTIFY_JSON_NULL)
    {
        ngx_http_notify_invalid_add(&api->invalid, &all,
                                    "must be true or false");
    }

    if (ngx_http_notify_api_actions_members(api, input, names) != NGX_OK) {
        return NGX_DECLINED;
    }

    call->data = replay;
    call->act = ngx_http_notify_api_actions_replay;

    return NGX_OK;
}


/*
 * A time or an event's id to a place in the log, inclusive at both ends;
 * NGX_DECLINED: absent, or wrong and noted.
 */

static ngx_int_t
ngx_http_notify_api_actions_place(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char *name, ngx_uint_t last,
    ngx_http_notify_id_t *id)
{
    ngx_str_t                text, pointer;
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get_nocase(input, name);

    if (value == NULL) {
        return NGX_DECLINED;
    }

    text = ngx_http_notify_json_string(value);

    if (text.len
        && ngx_http_notify_id_event_parse(&text, id) == NGX_OK)
    {
        return NGX_OK;
    }

    if (text.len
        && ngx_http_notify_id_time_parse(&text, &id->ms) == NGX_OK)
    {
        id->seq = last ? (uint64_t) -1 : 0;
        return NGX_OK;
    }

    pointer.data = (u_char *) name;
    pointer.len = ngx_strlen(name);

    ngx_http_notify_invalid_add(&api->invalid, &pointer,
                                "must be an RFC 3339 time or the id of an "
                                "event");
    return NGX_DECLINED;
}


static void
ngx_http_notify_api_actions_replay(ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_id_t           before;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_keys_t        *keys;
    ngx_http_notify_command_t     *command;
    ngx_http_notify_api_replay_t  *replay;

    api = call->api;
    keys = &api->channel->keys;
    replay = call->data;
    before = ngx_http_notify_id_before(&replay->since);

    command = ngx_http_notify_command_script(api->channel->redis,
                                    &ngx_http_notify_script_replay,
                                    ngx_http_notify_api_actions_replayed,
                                    ngx_http_notify_api_suspended_begin(api));

    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key_of(command, keys, "replay", &call->id);
    ngx_http_notify_command_key_shard(command, keys, "replays",
                                  ngx_http_notify_keys_shard_of(&call->id));
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key(command, keys, "subs:log");
    ngx_http_notify_command_key(command, keys, "subs:ver");

    ngx_http_notify_command_arg(command, &call->id);
    ngx_http_notify_command_id(command, &before);
    ngx_http_notify_command_id(command,
                               replay->bounded ? &replay->until : NULL);
    ngx_http_notify_command_text(command, replay->all ? "1" : "0");

    ngx_http_notify_api_suspended_began(api,
                                        ngx_http_notify_redis_send(command));
}


static void
ngx_http_notify_api_actions_replayed(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_id_t                 to;
    ngx_http_notify_api_t               *api;
    ngx_http_notify_resp_t              *last;
    ngx_http_notify_json_write_t         w;
    ngx_http_notify_api_replay_t        *replay;
    ngx_http_notify_api_subscription_t  *call;

    api = ngx_http_notify_api_suspended_reply(data, resp, "api");
    if (api == NULL) {
        return;
    }

    call = api->data;
    replay = call->data;

    last = ngx_http_notify_resp_at(resp, 1);

    if (last == NULL
        || ngx_http_notify_id_parse(&last->str, &to) != NGX_OK)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such subscription");
        return;
    }

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "subscription", &call->id);
    ngx_http_notify_json_write_time(&w, "since", replay->since.ms);

    /* a log that is empty has no last place */

    ngx_http_notify_json_write_time(&w, "until",
                                    to.ms ? to.ms : ngx_http_notify_api_now());
    ngx_http_notify_json_write_bool(&w, "all", replay->all);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_ACCEPTED, &w);
}


ngx_int_t
ngx_http_notify_api_actions_rotate(ngx_http_notify_api_subscription_t *call)
{
    int64_t                          n;
    ngx_int_t                        grace;
    ngx_str_t                        text;
    ngx_http_notify_api_t           *api;
    ngx_http_notify_json_t          *input, *value;
    ngx_http_notify_api_rotation_t  *rotation;

    static const char       *names[] = { "grace", NULL };
    static const ngx_str_t   name = ngx_string("grace");

    api = call->api;

    input = ngx_http_notify_api_document(api, 1);
    if (input == NULL) {
        return NGX_DECLINED;
    }

    grace = 24 * 3600;
    value = ngx_http_notify_json_get_nocase(input, "grace");

    if (value) {
        if (ngx_http_notify_json_integer(value, &n) == NGX_OK) {
            grace = n >= 0 && n <= NGX_HTTP_NOTIFY_API_ACTIONS_GRACE_MAX
                        ? (ngx_int_t) n : NGX_ERROR;

        } else {
            text = ngx_http_notify_json_string(value);
            grace = text.len ? ngx_parse_time(&text, 1) : NGX_ERROR;
        }

        if (grace < 0 || grace > NGX_HTTP_NOTIFY_API_ACTIONS_GRACE_MAX) {
            ngx_http_notify_invalid_add(&api->invalid, &name,
                                        "must be a time like \"24h\", at "
                                        "most \"30d\"");
        }
    }

    if (ngx_http_notify_api_actions_members(api, input, names) != NGX_OK) {
        return NGX_DECLINED;
    }

    rotation = ngx_pcalloc(api->request->pool,
                           sizeof(ngx_http_notify_api_rotation_t));

    if (rotation == NULL) {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    rotation->grace = (uint64_t) grace * 1000;

    call->data = rotation;
    call->act = ngx_http_notify_api_actions_rotate_secret;
    call->done = ngx_http_notify_api_actions_rotated;

    return NGX_OK;
}


static void
ngx_http_notify_api_actions_rotate_secret(
    ngx_http_notify_api_subscription_t *call)
{
    uint64_t                         now;
    ngx_str_t                        secret;
    ngx_pool_t                      *pool;
    ngx_uint_t                       standard;
    ngx_http_notify_api_rotation_t  *rotation;

    pool = call->api->request->pool;
    rotation = call->data;

    now = ngx_http_notify_api_now();
    rotation->expires = now + rotation->grace;

    /* receivers know one kind of signature, it stays what it is */

    secret = ngx_http_notify_subscription_secret(call->document);
    standard = ngx_http_notify_subscription_secret_standard(
                   call->api->channel, call->document);

    if (ngx_http_notify_sign_secret(pool,
            ngx_http_notify_sign_secret_ed25519(&secret), &rotation->secret)
        != NGX_OK
        || ngx_http_notify_subscription_document_secret(pool, call->document,
               &rotation->secret, standard, now, rotation->expires)
           != NGX_OK)
    {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    ngx_http_notify_api_stored_save(call);
}


static void
ngx_http_notify_api_actions_rotated(ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_json_write_t     w;
    ngx_http_notify_api_rotation_t  *rotation;

    rotation = call->data;

    ngx_http_notify_json_write_init(&w, call->api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "secret", &rotation->secret);
    ngx_http_notify_json_write_time(&w, "previousUntil", rotation->expires);
    ngx_http_notify_subscription_secret_public(&w, call->api->channel,
                                               call->document);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(call->api, NGX_HTTP_OK, &w);
}
