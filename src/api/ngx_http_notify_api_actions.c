/*
 * What may be asked of one subscription besides changing it: a test call, a
 * redelivery, a new secret.  A test call belongs to the client's request and
 * ends with it.
 */

#include "ngx_http_notify_api_subscriptions.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_ACTIONS_GRACE_MAX  (30 * 24 * 3600)


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


static ngx_int_t ngx_http_notify_api_actions_place(
    ngx_http_notify_api_t *api, const ngx_http_notify_json_t *input,
    const char *name, ngx_uint_t last, ngx_http_notify_id_t *id);
static void ngx_http_notify_api_actions_replay(
    ngx_http_notify_api_subscription_t *call);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_actions_replayed;
static ngx_int_t ngx_http_notify_api_actions_rotation(
    ngx_http_notify_api_subscription_t *call, const char **names);
static void ngx_http_notify_api_actions_rotate_secret(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_actions_rotated(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_actions_set(
    ngx_http_notify_api_subscription_t *call);


/* an action that takes no members */

ngx_int_t
ngx_http_notify_api_actions_bare(ngx_http_notify_api_t *api)
{
    ngx_http_notify_json_t  *input;

    static const char  *names[] = { NULL };

    input = ngx_http_notify_api_document(api, 1);

    return input ? ngx_http_notify_api_actions_members(api, input, names)
                 : NGX_DECLINED;
}


ngx_int_t
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

    pointer = ngx_http_notify_text(name);

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

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_replay,
                                         ngx_http_notify_api_actions_replayed);

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

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_actions_replayed(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_id_t                 to;
    ngx_http_notify_resp_t              *last;
    ngx_http_notify_json_write_t         w;
    ngx_http_notify_api_replay_t        *replay;
    ngx_http_notify_api_subscription_t  *call;

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


/* "24h", or a number of seconds */

ngx_int_t
ngx_http_notify_api_actions_time(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const char *member, ngx_int_t min,
    ngx_int_t max, ngx_int_t *seconds)
{
    int64_t                  n;
    ngx_int_t                time;
    ngx_str_t                text, name;
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get_nocase(input, member);

    if (value == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_json_integer(value, &n) == NGX_OK) {
        time = n >= 0 && n <= max ? (ngx_int_t) n : NGX_ERROR;

    } else {
        text = ngx_http_notify_json_string(value);
        time = text.len ? ngx_parse_time(&text, 1) : NGX_ERROR;
    }

    if (time < min || time > max) {
        name = ngx_http_notify_text(member);

        ngx_http_notify_invalid_add(&api->invalid, &name,
                                    "must be a time like \"%s\", at most "
                                    "\"%id\"", min ? "2h" : "24h",
                                    max / (24 * 3600));
        return NGX_DECLINED;
    }

    *seconds = time;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_actions_rotate(ngx_http_notify_api_subscription_t *call)
{
    static const char  *names[] = { "grace", NULL };

    call->done = ngx_http_notify_api_actions_rotated;

    return ngx_http_notify_api_actions_rotation(call, names);
}


/* the same with a secret that is given, and so not shown */

ngx_int_t
ngx_http_notify_api_actions_secret(ngx_http_notify_api_subscription_t *call)
{
    static const char  *names[] = { "secret", "grace", NULL };

    call->done = ngx_http_notify_api_actions_set;

    return ngx_http_notify_api_actions_rotation(call, names);
}


static ngx_int_t
ngx_http_notify_api_actions_rotation(ngx_http_notify_api_subscription_t *call,
    const char **names)
{
    ngx_int_t                        grace;
    ngx_http_notify_api_t           *api;
    ngx_http_notify_json_t          *input;
    ngx_http_notify_api_rotation_t  *rotation;

    static const ngx_str_t  secret = ngx_string("secret");

    api = call->api;

    input = ngx_http_notify_api_document(api, 1);
    if (input == NULL) {
        return NGX_DECLINED;
    }

    rotation = ngx_pcalloc(api->request->pool,
                           sizeof(ngx_http_notify_api_rotation_t));

    if (rotation == NULL) {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    grace = 24 * 3600;

    (void) ngx_http_notify_api_actions_time(api, input, "grace", 0,
                                       NGX_HTTP_NOTIFY_API_ACTIONS_GRACE_MAX,
                                       &grace);

    if (names[0][0] == 's') {
        rotation->secret = ngx_http_notify_json_string(
                         ngx_http_notify_json_get_nocase(input, names[0]));

        if (rotation->secret.len == 0) {
            ngx_http_notify_invalid_add(&api->invalid, &secret,
                                        "must be the new secret");
        }
    }

    if (ngx_http_notify_api_actions_members(api, input, names) != NGX_OK) {
        return NGX_DECLINED;
    }

    rotation->grace = (uint64_t) grace * 1000;

    call->data = rotation;
    call->act = ngx_http_notify_api_actions_rotate_secret;

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
    const char                      *reason;
    ngx_http_notify_api_rotation_t  *rotation;

    static const ngx_str_t  name = ngx_string("secret");

    pool = call->api->request->pool;
    rotation = call->data;

    now = ngx_http_notify_api_now();
    rotation->expires = now + rotation->grace;

    /* receivers know one kind of signature, it stays what it is */

    secret = ngx_http_notify_subscription_secret(call->document);
    standard = ngx_http_notify_subscription_secret_standard(
                   call->api->channel, call->document);

    if (call->done == ngx_http_notify_api_actions_set) {

        if (ngx_http_notify_sign_secret_check(&rotation->secret, standard,
                ngx_http_notify_subscription_secret_token(call->document),
                &reason)
            != NGX_OK)
        {
            ngx_http_notify_invalid_add(&call->api->invalid, &name,
                                        "cannot be used: %s", reason);
            ngx_http_notify_api_unprocessable(call->api);
            return;
        }

    } else if (ngx_http_notify_sign_secret(pool,
                   ngx_http_notify_sign_secret_ed25519(&secret),
                   &rotation->secret)
               != NGX_OK)
    {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    if (ngx_http_notify_subscription_document_secret(pool, call->document,
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


static void
ngx_http_notify_api_actions_set(ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_send(call->api, NGX_HTTP_NO_CONTENT, NULL);
}
