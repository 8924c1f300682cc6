/*
 * What a new connection says before it is ready: AUTH, SELECT, INFO; and what
 * makes a server unfit.  No state of its own.  Must not know sockets or queues.
 */

#include "ngx_http_notify_redis_internal.h"
#include "ngx_http_notify_redis_info.h"
#include "ngx_http_notify_text.h"


static ngx_int_t ngx_http_notify_redis_setup_error(
    ngx_http_notify_redis_t *redis, ngx_http_notify_resp_t *resp);
static void ngx_http_notify_redis_setup_auth(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redis_setup_select(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redis_setup_name(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redis_setup_info(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redis_setup_done(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_info_t *info);


ngx_int_t
ngx_http_notify_redis_setup_login(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_command_t     *command;
    ngx_http_notify_redis_conf_t  *conf;

    conf = redis->conf;

    if (conf->password.len == 0) {
        return NGX_OK;
    }

    command = ngx_http_notify_command_start(redis, "AUTH",
                                            ngx_http_notify_redis_setup_auth,
                                            redis);
    if (conf->user.len) {
        ngx_http_notify_command_arg(command, &conf->user);
    }

    ngx_http_notify_command_arg(command, &conf->password);

    return ngx_http_notify_redis_send_setup(command);
}


ngx_int_t
ngx_http_notify_redis_setup(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_command_t  *command;

    if (ngx_http_notify_redis_setup_login(redis) != NGX_OK) {
        return NGX_ERROR;
    }

    if (redis->conf->db) {
        command = ngx_http_notify_command_start(redis, "SELECT",
                                           ngx_http_notify_redis_setup_select,
                                           redis);
        ngx_http_notify_command_number(command, redis->conf->db);

        if (ngx_http_notify_redis_send_setup(command) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (redis->opening.handler) {
        redis->opening.handler(redis, 0, redis->opening.data);
    }

    /* for those who read CLIENT LIST */

    command = ngx_http_notify_command_start(redis, "CLIENT",
                                            ngx_http_notify_redis_setup_name,
                                            redis);
    ngx_http_notify_command_text(command, "SETNAME");
    ngx_http_notify_command_text(command, "nginx-notify");

    if (ngx_http_notify_redis_send_setup(command) != NGX_OK) {
        return NGX_ERROR;
    }

    command = ngx_http_notify_command_start(redis, "INFO",
                                            ngx_http_notify_redis_setup_info,
                                            redis);

    return ngx_http_notify_redis_send_setup(command);
}


/* NGX_OK: not an error that heals by itself; NGX_DONE: one, and closed */
static ngx_int_t
ngx_http_notify_redis_setup_error(ngx_http_notify_redis_t *redis,
    ngx_http_notify_resp_t *resp)
{
    if (ngx_http_notify_resp_is_error(resp, "LOADING")) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOADING, 0,
                                   "%V is loading its data", redis->peer.name);
        return NGX_DONE;
    }

    if (ngx_http_notify_resp_is_error(resp, "MASTERDOWN")
        || ngx_http_notify_resp_is_error(resp, "READONLY"))
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_REPLICA, 0,
                                   "%V is a replica", redis->peer.name);
        return NGX_DONE;
    }

    if (ngx_http_notify_resp_is_error(resp, "ERR max number of clients reached")
        || ngx_http_notify_resp_is_error(resp, "BUSY"))
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "%V: %V", redis->peer.name, &resp->str);
        return NGX_DONE;
    }

    return NGX_OK;
}


static void
ngx_http_notify_redis_setup_auth(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redis_t *redis = data;

    u_char     *p;
    ngx_str_t   code;

    if (resp->type != NGX_HTTP_NOTIFY_RESP_ERROR
        || ngx_http_notify_redis_setup_error(redis, resp) == NGX_DONE)
    {
        return;
    }

    /* the text may quote the command with the password: its first word only */

    code = resp->str;
    p = ngx_strlchr(code.data, code.data + code.len, ' ');

    if (p) {
        code.len = p - code.data;
    }

    ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_AUTH, 0,
                               "%V refused user and password (%V)",
                               redis->peer.name, &code);
}


static void
ngx_http_notify_redis_setup_select(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redis_t *redis = data;

    if (resp->type != NGX_HTTP_NOTIFY_RESP_ERROR
        || ngx_http_notify_redis_setup_error(redis, resp) == NGX_DONE)
    {
        return;
    }

    if (ngx_http_notify_resp_is_error(resp, "NOAUTH")) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_AUTH, 0,
                                   "%V requires a password", redis->peer.name);
        return;
    }

    ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SELECT, 0,
                               "%V refused db=%ui: %V", redis->peer.name,
                               redis->conf->db, &resp->str);
}


static void
ngx_http_notify_redis_setup_name(ngx_http_notify_resp_t *resp, void *data)
{
    /* a refusal does not matter, but what Redis says to any first command */

    (void) ngx_http_notify_redis_setup_error(data, resp);
}


static void
ngx_http_notify_redis_setup_info(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redis_t *redis = data;

    ngx_http_notify_redis_info_t  info;

    if (ngx_http_notify_redis_setup_error(redis, resp) == NGX_DONE) {
        return;
    }

    if (ngx_http_notify_resp_is_error(resp, "NOAUTH")) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_AUTH, 0,
                                   "%V requires a password", redis->peer.name);
        return;
    }

    if (resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_AUTH, 0,
                                   "%V refused INFO: %V", redis->peer.name,
                                   &resp->str);
        return;
    }

    ngx_http_notify_redis_info_parse(&resp->str, &info);

    if (!info.supported) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_VERSION, 0,
                         "%V is %V %V: Redis 7.0 or newer, or Valkey, "
                         "is required", redis->peer.name, &info.product,
                         &info.version);
        return;
    }

    if (info.loading) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOADING, 0,
                                   "%V is loading its data", redis->peer.name);
        return;
    }

    if (info.replica) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_REPLICA, 0,
                                   "%V is a replica", redis->peer.name);
        return;
    }

    ngx_http_notify_redis_setup_done(redis, &info);
}


static void
ngx_http_notify_redis_setup_done(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_info_t *info)
{
    ngx_str_t  noeviction = ngx_string("noeviction");

    redis->state = NGX_HTTP_NOTIFY_REDIS_READY;
    redis->generation++;
    redis->ready_since = ngx_current_msec;
    redis->logged = 0;

    ngx_http_notify_redis_send_early(redis);

    ngx_log_error(NGX_LOG_NOTICE, redis->log, 0,
                  "notify redis: \"%s\" is up: %V, %V %V", redis->name,
                  redis->peer.name, &info->product, &info->version);

    redis->warned = info->policy.len != 0
                    && !ngx_http_notify_text_equal(&info->policy, &noeviction);

    if (redis->warned) {
        (void) ngx_snprintf(redis->warning, sizeof(redis->warning),
                            "maxmemory-policy of Redis is %V, not noeviction: "
                            "it may evict subscriptions and events%Z",
                            &info->policy);
        redis->warning[sizeof(redis->warning) - 1] = '\0';

        ngx_log_error(NGX_LOG_CRIT, redis->log, 0, "notify redis: \"%s\": %s",
                      redis->name, redis->warning);
    }

    ngx_http_notify_redis_queue_post(redis);
}
