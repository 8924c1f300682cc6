/*
 * The settings of a channel in Redis: writing and reading them.  The state of
 * a call lives until Redis has answered.  Must not judge values, nor know which
 * settings there are.
 */

#include "ngx_http_notify_script.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_settings.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SETTINGS_POOL  4096


/* a script under way, or a copy before it */
typedef struct {
    ngx_http_notify_redis_t       *redis;
    ngx_http_notify_settings_pt    handler;
    void                          *data;
} ngx_http_notify_settings_call_t;

typedef struct {
    ngx_http_notify_settings_call_t   *call;
    ngx_http_notify_settings_copy_t    copy;
    ngx_http_notify_settings_write_t   write;   /* names are behind this */
} ngx_http_notify_settings_copying_t;


static ngx_http_notify_redis_handler_t  ngx_http_notify_settings_copy_read;
static ngx_uint_t ngx_http_notify_settings_copy_takes(
    const ngx_http_notify_settings_copy_t *copy, const ngx_str_t *field);
static ngx_http_notify_settings_call_t *ngx_http_notify_settings_call(
    ngx_http_notify_redis_t *redis, ngx_http_notify_settings_pt handler,
    void *data);
static ngx_http_notify_command_t *ngx_http_notify_settings_command(
    ngx_http_notify_settings_call_t *call, const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_write_t *write);
static void ngx_http_notify_settings_keys(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys);
static void ngx_http_notify_settings_names(ngx_http_notify_command_t *command,
    const ngx_str_t *names, ngx_uint_t n);
static void ngx_http_notify_settings_change(ngx_http_notify_command_t *command,
    ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_change_t *change);
static ngx_http_notify_redis_handler_t  ngx_http_notify_settings_answer;
static ngx_http_notify_settings_status_e ngx_http_notify_settings_result(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_resp_t *resp,
    ngx_pool_t *pool, ngx_http_notify_settings_result_t *result);


static ngx_str_t  ngx_http_notify_settings_target =
    ngx_string(NGX_HTTP_NOTIFY_SETTINGS_TARGET);


ngx_int_t
ngx_http_notify_settings_write(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_write_t *write,
    ngx_http_notify_settings_pt handler, void *data)
{
    ngx_uint_t                        i;
    ngx_pool_t                       *pool;
    ngx_http_notify_command_t        *command;
    ngx_http_notify_settings_call_t  *call;

    call = ngx_http_notify_settings_call(redis, handler, data);
    if (call == NULL) {
        return NGX_ERROR;
    }

    pool = ngx_create_pool(NGX_HTTP_NOTIFY_SETTINGS_POOL, ngx_cycle->log);
    if (pool == NULL) {
        ngx_free(call);
        return NGX_ERROR;
    }

    command = ngx_http_notify_settings_command(call, keys, write);

    for (i = 0; i < write->nchanges; i++) {
        ngx_http_notify_settings_change(command, pool, keys,
                                        &write->changes[i]);
    }

    ngx_destroy_pool(pool);

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_free(call);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_settings_copy(const ngx_http_notify_settings_copy_t *copy,
    const ngx_http_notify_settings_write_t *write,
    ngx_http_notify_settings_pt handler, void *data)
{
    ngx_http_notify_command_t           *command;
    ngx_http_notify_settings_copying_t  *copying;

    copying = ngx_alloc(sizeof(ngx_http_notify_settings_copying_t)
                        + write->ndeclared * sizeof(ngx_str_t),
                        ngx_cycle->log);
    if (copying == NULL) {
        return NGX_ERROR;
    }

    /* the names themselves are the configuration's */

    ngx_memzero(copying, sizeof(ngx_http_notify_settings_copying_t));

    copying->copy = *copy;
    copying->write.now = write->now;
    copying->write.target = write->target;
    copying->write.ndeclared = write->ndeclared;
    copying->write.declared = (ngx_str_t *) &copying[1];

    ngx_memcpy(copying->write.declared, write->declared,
               write->ndeclared * sizeof(ngx_str_t));

    copying->call = ngx_http_notify_settings_call(copy->to, handler, data);

    if (copying->call != NULL) {
        command = ngx_http_notify_command_start(copy->from, "HGETALL",
                                           ngx_http_notify_settings_copy_read,
                                           copying);

        ngx_http_notify_command_key(command, copy->from_keys, "settings");

        if (ngx_http_notify_redis_send(command) == NGX_OK) {
            return NGX_OK;
        }

        ngx_free(copying->call);
    }

    ngx_free(copying);

    return NGX_ERROR;
}


static void
ngx_http_notify_settings_copy_read(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_settings_copying_t *copying = data;

    ngx_uint_t                        i;
    ngx_http_notify_command_t        *command;
    ngx_http_notify_settings_call_t  *call;

    call = copying->call;
    command = NULL;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_ARRAY) {

        command = ngx_http_notify_settings_command(call, copying->copy.to_keys,
                                                   &copying->write);

        ngx_http_notify_command_text(command, "copy");

        for (i = 0; i + 1 < resp->nelts; i += 2) {
            if (ngx_http_notify_settings_copy_takes(&copying->copy,
                                                    &resp->elts[i]->str))
            {
                ngx_http_notify_command_arg(command, &resp->elts[i]->str);
                ngx_http_notify_command_arg(command, &resp->elts[i + 1]->str);
            }
        }
    }

    ngx_free(copying);

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_http_notify_settings_answer(resp && resp->type
                                        == NGX_HTTP_NOTIFY_RESP_ERROR
                                        ? resp : NULL, call);
    }
}


/* a flag is of its scope's partition, or of the root */

static ngx_uint_t
ngx_http_notify_settings_copy_takes(const ngx_http_notify_settings_copy_t *copy,
    const ngx_str_t *field)
{
    u_char  *last, *scope;

    if (ngx_http_notify_text_is(field, "on")
        || ngx_http_notify_text_is(field, "created"))
    {
        return 0;
    }

    if (!ngx_http_notify_text_starts(field, "f:")) {
        return 1;
    }

    last = field->data + field->len;
    scope = ngx_strlchr(field->data + 2, last, ':');

    return scope == NULL || scope + 1 == last
           || ngx_http_notify_keys_crc16(scope + 1, last) % copy->partitions
              == copy->part;
}


static ngx_http_notify_settings_call_t *
ngx_http_notify_settings_call(ngx_http_notify_redis_t *redis,
    ngx_http_notify_settings_pt handler, void *data)
{
    ngx_http_notify_settings_call_t  *call;

    call = ngx_alloc(sizeof(ngx_http_notify_settings_call_t), ngx_cycle->log);

    if (call) {
        call->redis = redis;
        call->handler = handler;
        call->data = data;
    }

    return call;
}


/* the script with all but the changes */

static ngx_http_notify_command_t *
ngx_http_notify_settings_command(ngx_http_notify_settings_call_t *call,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_write_t *write)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(call->redis,
                                             &ngx_http_notify_script_settings,
                                             ngx_http_notify_settings_answer,
                                             call);

    ngx_http_notify_settings_keys(command, keys);

    ngx_http_notify_command_arg(command, &write->scope);
    ngx_http_notify_command_number(command, write->now);
    ngx_http_notify_command_arg(command, &ngx_http_notify_settings_target);
    ngx_http_notify_command_arg(command, &write->target);
    ngx_http_notify_settings_names(command, write->declared, write->ndeclared);
    ngx_http_notify_settings_names(command, write->mandatory,
                                   write->nmandatory);

    return command;
}


static void
ngx_http_notify_settings_keys(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys)
{
    ngx_str_t   *target;
    ngx_uint_t   shard;

    target = &ngx_http_notify_settings_target;
    shard = ngx_http_notify_keys_shard_of(target);

    ngx_http_notify_command_key(command, keys, "settings");
    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key(command, keys, "subs:log");
    ngx_http_notify_command_key(command, keys, "subs:ver");
    ngx_http_notify_command_key_shard(command, keys, "cursor", shard);
    ngx_http_notify_command_key_shard(command, keys, "due", shard);
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key_of(command, keys, "retry", target);
    ngx_http_notify_command_key_of(command, keys, "tries", target);
    ngx_http_notify_command_key_of(command, keys, "dead", target);
    ngx_http_notify_command_key_of(command, keys, "gap", target);
    ngx_http_notify_command_key_of(command, keys, "replay", target);
    ngx_http_notify_command_key_of(command, keys, "attempts", target);
    ngx_http_notify_command_key_of(command, keys, "state", target);
}


static void
ngx_http_notify_settings_names(ngx_http_notify_command_t *command,
    const ngx_str_t *names, ngx_uint_t n)
{
    ngx_uint_t  i;

    ngx_http_notify_command_number(command, n);

    for (i = 0; i < n; i++) {
        ngx_http_notify_command_arg(command, &names[i]);
    }
}


/* a letter, the name and, unless it is unset, the value */

static void
ngx_http_notify_settings_change(ngx_http_notify_command_t *command,
    ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_change_t *change)
{
    ngx_str_t  value;

    switch (change->op) {

    case NGX_HTTP_NOTIFY_SETTINGS_SET:
        ngx_http_notify_command_text(command, "v");
        ngx_http_notify_command_arg(command, &change->name);

        value = change->value;

        if (change->secret
            && ngx_http_notify_seal_setting(pool, keys, &change->name,
                                            &change->value, &value)
               != NGX_OK)
        {
            ngx_http_notify_command_fail(command);
        }

        ngx_http_notify_command_arg(command, &value);
        break;

    case NGX_HTTP_NOTIFY_SETTINGS_UNSET:
        ngx_http_notify_command_text(command, "V");
        ngx_http_notify_command_arg(command, &change->name);
        break;

    case NGX_HTTP_NOTIFY_SETTINGS_ON:
    case NGX_HTTP_NOTIFY_SETTINGS_OFF:
        ngx_http_notify_command_text(command, "f");
        ngx_http_notify_command_arg(command, &change->name);
        ngx_http_notify_command_text(command,
                 change->op == NGX_HTTP_NOTIFY_SETTINGS_ON ? "1" : "0");
        break;

    default: /* NGX_HTTP_NOTIFY_SETTINGS_INHERIT */
        ngx_http_notify_command_text(command, "F");
        ngx_http_notify_command_arg(command, &change->name);
    }
}


static void
ngx_http_notify_settings_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_settings_call_t *call = data;

    ngx_pool_t                         *pool;
    ngx_http_notify_settings_result_t   result;

    ngx_memzero(&result, sizeof(ngx_http_notify_settings_result_t));

    pool = ngx_create_pool(1024, ngx_cycle->log);

    result.status = ngx_http_notify_settings_result(call->redis, resp, pool,
                                                    &result);
    call->handler(&result, call->data);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_free(call);
}


static ngx_http_notify_settings_status_e
ngx_http_notify_settings_result(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_resp_t *resp, ngx_pool_t *pool,
    ngx_http_notify_settings_result_t *result)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = ngx_http_notify_script_verdict(redis, resp, "settings");

    if (rc == NGX_DECLINED) {
        return NGX_HTTP_NOTIFY_SETTINGS_FULL;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_NOTIFY_SETTINGS_UNAVAILABLE;
    }

    if (ngx_http_notify_script_says(resp, "ok")) {
        return NGX_HTTP_NOTIFY_SETTINGS_OK;
    }

    if (!ngx_http_notify_script_says(resp, "missing")) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "notify settings: unexpected answer to a script");
        return NGX_HTTP_NOTIFY_SETTINGS_UNAVAILABLE;
    }

    /* without memory the names are not said */

    if (pool) {
        result->names = ngx_palloc(pool, resp->nelts * sizeof(ngx_str_t));
    }

    for (i = 1; result->names && i < resp->nelts; i++) {
        result->names[result->n++] = resp->elts[i]->str;
    }

    return NGX_HTTP_NOTIFY_SETTINGS_MISSING;
}


ngx_int_t
ngx_http_notify_settings_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *scope,
    const ngx_str_t *names, ngx_uint_t nnames, const ngx_str_t *events,
    ngx_uint_t nevents, ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_uint_t                  i;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(redis, "HMGET", handler, data);

    ngx_http_notify_command_key(command, keys, "settings");

    /* one that is never set: an HMGET needs at least one */

    ngx_http_notify_command_text(command, "-");

    for (i = 0; i < nnames; i++) {
        ngx_http_notify_command_printf(command, "v:%V", &names[i]);
    }

    for (i = 0; i < nevents; i++) {
        ngx_http_notify_command_printf(command, "f:%V:", &events[i]);
    }

    for (i = 0; scope->len && i < nevents; i++) {
        ngx_http_notify_command_printf(command, "f:%V:%V", &events[i], scope);
    }

    return ngx_http_notify_redis_send(command);
}
