/*
 * The resource health: whether events can be taken.  A script that writes
 * nothing is refused for the reasons that a publish would be; INFO says what
 * will be wrong later.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_redis_info.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_version.h"
#include "ngx_http_notify_text.h"


typedef struct {
    const char  *code;      /* of Redis' error */
    const char  *text;
} ngx_http_notify_api_health_refusal_t;


static void ngx_http_notify_api_health_handler(ngx_http_notify_api_t *api);
static void ngx_http_notify_api_health_try(ngx_http_notify_api_t *api);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_health_tried;
static void ngx_http_notify_api_health_refused(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_api_health_denied(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_api_health_ask(ngx_http_notify_api_t *api);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_health_info;
static void ngx_http_notify_api_health_down(ngx_http_notify_api_t *api,
    const char *reason);
static void ngx_http_notify_api_health_send(ngx_http_notify_api_t *api,
    const char *warning);


ngx_http_notify_api_resource_t  ngx_http_notify_api_health = {
    ngx_string("health"),
    { NGX_HTTP_GET, 0 },
    NULL,
    ngx_http_notify_api_health_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static const ngx_http_notify_api_health_refusal_t
    ngx_http_notify_api_health_refusals[] =
{
    { "OOM", "it is out of memory: its maxmemory is reached" },
    { "NOREPLICAS", "it has fewer replicas than its min-replicas-to-write" },
    { "MISCONF", "it cannot save, and takes no writes: do not restart it "
                 "before it can, or what is not on its disk is lost" },
    { "NOPERM", "its user may not use eval, evalsha" },
    { "READONLY", "it is a replica" },
    { NULL, "it refuses a script that writes" }
};


static void
ngx_http_notify_api_health_handler(ngx_http_notify_api_t *api)
{
    api->channel = api->channel->parts[0];

    ngx_http_notify_api_health_try(api);
}


/* one partition after the other: in a cluster each has a node */

static void
ngx_http_notify_api_health_try(ngx_http_notify_api_t *api)
{
    ngx_uint_t                  n;
    ngx_http_notify_redis_t    *redis;
    ngx_http_notify_command_t  *command;

    redis = api->channel->redis;

    if (ngx_http_notify_redis_ready(redis)) {
        redis = api->channel->publishes;
    }

    if (!ngx_http_notify_redis_ready(redis)) {
        ngx_http_notify_api_health_down(api,
                                        ngx_http_notify_redis_reason(redis));
        return;
    }

    n = ngx_http_notify_partition_differs(api->channel->partition);

    if (n) {
        ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "redis_unavailable",
                                    "the channel's data in Redis have "
                                    "\"partitions %ui\", the configuration has "
                                    "\"partitions %ui\"", n,
                                    api->channel->partitions);
        return;
    }

    command = ngx_http_notify_command_script(redis,
                                    &ngx_http_notify_script_health,
                                    ngx_http_notify_api_health_tried,
                                    ngx_http_notify_api_suspended_begin(api));

    ngx_http_notify_command_key(command, &api->channel->keys, "log");
    ngx_http_notify_command_number(command, api->channel->max_size);

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_health_tried(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t  *api;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    if (ngx_http_notify_script_says(resp, "ok")) {
        ngx_http_notify_api_health_ask(api);

    } else if (ngx_http_notify_api_mount(api)->partner) {
        (void) ngx_http_notify_script_verdict(api->channel->redis, resp,
                                              "health");
        ngx_http_notify_api_unavailable(api);

    } else if (ngx_http_notify_script_says(resp, "full")) {
        ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "log_full", "the log has reached max_size");

    } else if (ngx_http_notify_script_says(resp, "denied")) {
        ngx_http_notify_api_health_denied(api, resp);

    } else {
        ngx_http_notify_api_health_refused(api, resp);
    }
}


static void
ngx_http_notify_api_health_refused(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp)
{
    const ngx_http_notify_api_health_refusal_t  *refusal;

    (void) ngx_http_notify_script_verdict(api->channel->redis, resp, "health");

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_http_notify_api_unavailable(api);
        return;
    }

    refusal = ngx_http_notify_api_health_refusals;

    while (refusal->code
           && !ngx_http_notify_resp_is_error(resp, refusal->code))
    {
        refusal++;
    }

    ngx_http_notify_api_health_down(api, refusal->text);
}


static void
ngx_http_notify_api_health_denied(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp)
{
    u_char      *p, *last;
    ngx_str_t   *name;
    ngx_uint_t   i;
    u_char       names[512];

    p = names;
    last = names + sizeof(names) - 1;

    for (i = 1; i < resp->nelts; i++) {
        name = &resp->elts[i]->str;
        p = ngx_slprintf(p, last, "%s%V", i > 1 ? ", " : "", name);
    }

    *p = '\0';

    ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                "redis_unavailable",
                                "Redis: its user may not use %s", names);
}


static void
ngx_http_notify_api_health_ask(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_redis_send(
            ngx_http_notify_command_start(
                api->channel->redis, "INFO", ngx_http_notify_api_health_info,
                ngx_http_notify_api_suspended_begin(api))));
}


static void
ngx_http_notify_api_health_info(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t         *api;
    ngx_http_notify_channel_t     *next;
    ngx_http_notify_redis_info_t   info;

    api = ngx_http_notify_api_suspended_reply(data, resp, "health");
    if (api == NULL) {
        return;
    }

    if (resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        ngx_http_notify_api_unavailable(api);
        return;
    }

    ngx_http_notify_redis_info_parse(&resp->str, &info);

    if (info.replicas < api->channel->store->replicas) {
        ngx_http_notify_api_health_down(api,
                                        "fewer replicas are connected than "
                                        "notify_redis waits for (replicas)");
        return;
    }

    if (info.unsaved) {
        ngx_http_notify_api_health_send(api,
                                        "Redis could not save lately: do not "
                                        "restart it before it can, or what "
                                        "is not on its disk is lost");
        return;
    }

    if (info.policy.len
        && !ngx_http_notify_text_is(&info.policy, "noeviction"))
    {
        ngx_http_notify_api_health_send(api,
                                        "the eviction policy of Redis is not "
                                        "noeviction: it may take "
                                        "subscriptions");
        return;
    }

    next = ngx_http_notify_channel_next(api->channel);

    if (next) {
        api->channel = next;
        ngx_http_notify_api_health_try(api);
        return;
    }

    ngx_http_notify_api_health_send(api, NULL);
}


static void
ngx_http_notify_api_health_down(ngx_http_notify_api_t *api, const char *reason)
{
    if (ngx_http_notify_api_mount(api)->partner) {
        ngx_http_notify_api_unavailable(api);
        return;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_SERVICE_UNAVAILABLE,
                                "redis_unavailable", "Redis: %s", reason);
}


/* NULL: there is nothing to warn of; a partner has none to warn */

static void
ngx_http_notify_api_health_send(ngx_http_notify_api_t *api,
    const char *warning)
{
    ngx_http_notify_json_write_t  w;

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);

    if (ngx_http_notify_api_mount(api)->partner) {
        ngx_http_notify_json_write_text(&w, "status", "ok");
        ngx_http_notify_json_write_end(&w);
        ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
        return;
    }

    ngx_http_notify_json_write_text(&w, "status", warning ? "warning" : "ok");
    ngx_http_notify_json_write_string(&w, "channel", &api->channel->name);
    ngx_http_notify_json_write_text(&w, "version", NGX_HTTP_NOTIFY_VERSION);

    if (warning) {
        ngx_http_notify_json_write_text(&w, "warning", warning);
    }

    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}
