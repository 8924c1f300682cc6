/*
 * The settings of a channel in Redis: writing and reading them.  The state of
 * a call lives until Redis has answered, its names only as long as the call.
 * Must not judge values, nor know which settings there are.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_settings.h"


#define NGX_HTTP_NOTIFY_SETTINGS_POOL  4096


/* a script under way */
typedef struct {
    ngx_http_notify_redis_t       *redis;
    ngx_http_notify_settings_pt    handler;
    void                          *data;
} ngx_http_notify_settings_call_t;


static ngx_int_t ngx_http_notify_settings_keys(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, ngx_array_t *names);
static ngx_int_t ngx_http_notify_settings_args(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_write_t *write, ngx_array_t *args);
static ngx_int_t ngx_http_notify_settings_names(ngx_pool_t *pool,
    const ngx_str_t *names, ngx_uint_t n, ngx_array_t *args);
static ngx_int_t ngx_http_notify_settings_change(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_change_t *change, ngx_array_t *args);
static ngx_int_t ngx_http_notify_settings_number(ngx_pool_t *pool, uint64_t n,
    ngx_array_t *args);
static ngx_int_t ngx_http_notify_settings_arg(ngx_array_t *args,
    const ngx_str_t *text);
static void ngx_http_notify_settings_answer(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_http_notify_settings_status_e ngx_http_notify_settings_result(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_resp_t *resp,
    ngx_pool_t *pool, ngx_http_notify_settings_result_t *result);
static ngx_int_t ngx_http_notify_settings_field(ngx_pool_t *pool,
    const char *kind, const ngx_str_t *name, const ngx_str_t *scope,
    ngx_array_t *args);


static ngx_str_t  ngx_http_notify_settings_target =
    ngx_string(NGX_HTTP_NOTIFY_SETTINGS_TARGET);

/* of the whole channel, of the target's bucket, its own */

static const char  *ngx_http_notify_settings_channel_keys[] = {
    "settings", "subs", "subs:log", "subs:ver", NULL
};

static const char  *ngx_http_notify_settings_shard_keys[] = {
    "cursor", "due", NULL
};

static const char  *ngx_http_notify_settings_own_keys[] = {
    "retry", "tries", "dead", "gap", "replay", "attempts", "state", NULL
};


ngx_int_t
ngx_http_notify_settings_write(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_write_t *write,
    ngx_http_notify_settings_pt handler, void *data)
{
    ngx_pool_t                       *pool;
    ngx_array_t                       names, args;
    ngx_http_notify_settings_call_t  *call;

    call = ngx_alloc(sizeof(ngx_http_notify_settings_call_t), ngx_cycle->log);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->redis = redis;
    call->handler = handler;
    call->data = data;

    pool = ngx_create_pool(NGX_HTTP_NOTIFY_SETTINGS_POOL, ngx_cycle->log);
    if (pool == NULL) {
        goto failed;
    }

    if (ngx_array_init(&names, pool, 16, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&args, pool, 64, sizeof(ngx_str_t)) != NGX_OK
        || ngx_http_notify_settings_keys(pool, keys, &names) != NGX_OK
        || ngx_http_notify_settings_args(pool, keys, write, &args) != NGX_OK
        || ngx_http_notify_script_call(redis,
               &ngx_http_notify_script_settings, names.elts, names.nelts,
               args.elts, args.nelts, ngx_http_notify_settings_answer, call)
           != NGX_OK)
    {
        goto failed;
    }

    ngx_destroy_pool(pool);

    return NGX_OK;

failed:

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_free(call);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_settings_keys(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, ngx_array_t *names)
{
    ngx_str_t    *key, log;
    const char  **kind;
    ngx_uint_t    bucket;

    for (kind = ngx_http_notify_settings_channel_keys; *kind; kind++) {
        key = ngx_array_push(names);
        if (key == NULL) {
            return NGX_ERROR;
        }

        *key = ngx_http_notify_keys_name(pool, keys, *kind, NULL);
        if (key->data == NULL) {
            return NGX_ERROR;
        }
    }

    bucket = ngx_http_notify_keys_shard_of(&ngx_http_notify_settings_target);

    for (kind = ngx_http_notify_settings_shard_keys; *kind; kind++) {
        key = ngx_array_push(names);
        if (key == NULL) {
            return NGX_ERROR;
        }

        *key = ngx_http_notify_keys_shard(pool, keys, *kind, bucket);
        if (key->data == NULL) {
            return NGX_ERROR;
        }
    }

    log = ngx_http_notify_keys_name(pool, keys, "log", NULL);

    if (log.data == NULL
        || ngx_http_notify_settings_arg(names, &log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (kind = ngx_http_notify_settings_own_keys; *kind; kind++) {
        key = ngx_array_push(names);
        if (key == NULL) {
            return NGX_ERROR;
        }

        *key = ngx_http_notify_keys_name(pool, keys, *kind,
                                         &ngx_http_notify_settings_target);
        if (key->data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_settings_args(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_write_t *write, ngx_array_t *args)
{
    ngx_uint_t  i;

    if (ngx_http_notify_settings_arg(args, &write->scope) != NGX_OK
        || ngx_http_notify_settings_number(pool, write->now, args) != NGX_OK
        || ngx_http_notify_settings_arg(args, &ngx_http_notify_settings_target)
           != NGX_OK
        || ngx_http_notify_settings_arg(args, &write->target) != NGX_OK
        || ngx_http_notify_settings_names(pool, write->declared,
                                          write->ndeclared, args)
           != NGX_OK
        || ngx_http_notify_settings_names(pool, write->mandatory,
                                          write->nmandatory, args)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < write->nchanges; i++) {
        if (ngx_http_notify_settings_change(pool, keys, &write->changes[i],
                                            args)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_settings_names(ngx_pool_t *pool, const ngx_str_t *names,
    ngx_uint_t n, ngx_array_t *args)
{
    ngx_uint_t  i;

    if (ngx_http_notify_settings_number(pool, n, args) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_notify_settings_arg(args, &names[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_settings_change(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_settings_change_t *change, ngx_array_t *args)
{
    ngx_str_t         sealed;
    const ngx_str_t  *word, *value;

    static const ngx_str_t  set = ngx_string("v");
    static const ngx_str_t  unset = ngx_string("V");
    static const ngx_str_t  flag = ngx_string("f");
    static const ngx_str_t  inherit = ngx_string("F");
    static const ngx_str_t  on = ngx_string("1");
    static const ngx_str_t  off = ngx_string("0");

    value = NULL;

    switch (change->op) {

    case NGX_HTTP_NOTIFY_SETTINGS_SET:
        word = &set;
        value = &change->value;

        if (change->secret) {
            if (ngx_http_notify_seal_setting(pool, keys, &change->name,
                                             value, &sealed)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            value = &sealed;
        }

        break;

    case NGX_HTTP_NOTIFY_SETTINGS_UNSET:
        word = &unset;
        break;

    case NGX_HTTP_NOTIFY_SETTINGS_ON:
        word = &flag;
        value = &on;
        break;

    case NGX_HTTP_NOTIFY_SETTINGS_OFF:
        word = &flag;
        value = &off;
        break;

    default: /* NGX_HTTP_NOTIFY_SETTINGS_INHERIT */
        word = &inherit;
    }

    if (ngx_http_notify_settings_arg(args, word) != NGX_OK
        || ngx_http_notify_settings_arg(args, &change->name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return value ? ngx_http_notify_settings_arg(args, value) : NGX_OK;
}


static ngx_int_t
ngx_http_notify_settings_number(ngx_pool_t *pool, uint64_t n,
    ngx_array_t *args)
{
    ngx_str_t  text;

    text.data = ngx_pnalloc(pool, NGX_INT64_LEN);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.len = ngx_sprintf(text.data, "%uL", n) - text.data;

    return ngx_http_notify_settings_arg(args, &text);
}


static ngx_int_t
ngx_http_notify_settings_arg(ngx_array_t *args, const ngx_str_t *text)
{
    ngx_str_t  *arg;

    arg = ngx_array_push(args);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    *arg = *text;

    return NGX_OK;
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
    ngx_int_t    rc;
    ngx_str_t   *argv;
    ngx_uint_t   i;
    ngx_pool_t  *pool;
    ngx_array_t  args;

    static const ngx_str_t  root = ngx_null_string;

    pool = ngx_create_pool(NGX_HTTP_NOTIFY_SETTINGS_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_array_init(&args, pool, 3 + nnames + 2 * nevents,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        goto done;
    }

    argv = ngx_array_push_n(&args, 3);
    if (argv == NULL) {
        goto done;
    }

    /* one that is never set: an HMGET needs at least one */

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = ngx_http_notify_keys_name(pool, keys, "settings", NULL);
    ngx_str_set(&argv[2], "-");

    if (argv[1].data == NULL) {
        goto done;
    }

    for (i = 0; i < nnames; i++) {
        if (ngx_http_notify_settings_field(pool, "v:", &names[i], NULL, &args)
            != NGX_OK)
        {
            goto done;
        }
    }

    for (i = 0; i < nevents; i++) {
        if (ngx_http_notify_settings_field(pool, "f:", &events[i], &root,
                                           &args)
            != NGX_OK)
        {
            goto done;
        }
    }

    for (i = 0; scope->len && i < nevents; i++) {
        if (ngx_http_notify_settings_field(pool, "f:", &events[i], scope,
                                           &args)
            != NGX_OK)
        {
            goto done;
        }
    }

    if (ngx_http_notify_redis_submit(redis, args.elts, args.nelts, 0, handler,
                                     data))
    {
        rc = NGX_OK;
    }

done:

    ngx_destroy_pool(pool);

    return rc;
}


/* the array has room: the push cannot fail */

static ngx_int_t
ngx_http_notify_settings_field(ngx_pool_t *pool, const char *kind,
    const ngx_str_t *name, const ngx_str_t *scope, ngx_array_t *args)
{
    u_char     *p;
    ngx_str_t   field;

    field.len = 2 + name->len + (scope ? 1 + scope->len : 0);

    field.data = ngx_pnalloc(pool, field.len);
    if (field.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(field.data, kind, 2);
    p = ngx_cpymem(p, name->data, name->len);

    if (scope) {
        *p++ = ':';

        if (scope->len) {
            ngx_memcpy(p, scope->data, scope->len);
        }
    }

    return ngx_http_notify_settings_arg(args, &field);
}
