/*
 * Device sessions in Redis.  An id is the client's own text: its key is made
 * of a digest.  Nothing outlives a call.
 */

#include "ngx_http_notify_id.h"
#include "ngx_http_notify_sessions.h"


#define NGX_HTTP_NOTIFY_SESSIONS_NAME  32    /* a digest, in hex */

static ngx_http_notify_command_t *ngx_http_notify_sessions_script(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys,
    const ngx_str_t *tenant, const ngx_str_t *id, ngx_uint_t max,
    ngx_http_notify_redis_handler_pt handler, void *data);
static ngx_int_t ngx_http_notify_sessions_name(const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_str_t *name, u_char *digest);
static ngx_http_notify_redis_handler_t  ngx_http_notify_sessions_ended;
static ngx_http_notify_redis_handler_t  ngx_http_notify_sessions_kept;


ngx_str_t
ngx_http_notify_sessions_key(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id)
{
    ngx_str_t  name, key;
    u_char     digest[NGX_HTTP_NOTIFY_SESSIONS_NAME];

    if (ngx_http_notify_sessions_name(tenant, id, &name, digest) != NGX_OK) {
        ngx_str_null(&key);
        return key;
    }

    return ngx_http_notify_keys_name(pool, keys, "session", &name);
}


void
ngx_http_notify_sessions_add_key(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id)
{
    ngx_str_t  name;
    u_char     digest[NGX_HTTP_NOTIFY_SESSIONS_NAME];

    if (ngx_http_notify_sessions_name(tenant, id, &name, digest) != NGX_OK) {
        ngx_http_notify_command_fail(command);
        return;
    }

    ngx_http_notify_command_key_of(command, keys, "session", &name);
}


static ngx_int_t
ngx_http_notify_sessions_name(const ngx_str_t *tenant, const ngx_str_t *id,
    ngx_str_t *name, u_char *digest)
{
    ngx_str_t  parts[2];

    parts[0] = *tenant;
    parts[1] = *id;

    name->data = digest;
    name->len = NGX_HTTP_NOTIFY_SESSIONS_NAME;

    return ngx_http_notify_id_digest(parts, 2, digest);
}


ngx_int_t
ngx_http_notify_sessions_call(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_uint_t max, const ngx_str_t *args,
    ngx_uint_t nargs, ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_uint_t                  i;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_sessions_script(redis, keys, tenant, id, max,
                                              handler, data);

    for (i = 0; i < nargs; i++) {
        ngx_http_notify_command_arg(command, &args[i]);
    }

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_sessions_bind(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_uint_t max, const ngx_str_t *subscription,
    ngx_uint_t at, const ngx_str_t *provider, const ngx_str_t *args,
    ngx_uint_t nargs, ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_uint_t                  i;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_sessions_script(redis, keys, tenant, id, max,
                                              handler, data);

    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key(command, keys, "subs:log");
    ngx_http_notify_command_key(command, keys, "subs:ver");
    ngx_http_notify_command_key_shard(command, keys, "cursor",
                                 ngx_http_notify_keys_shard_of(subscription));
    ngx_http_notify_command_key(command, keys, "log");

    for (i = 0; i < nargs; i++) {
        ngx_http_notify_command_arg(command,
                                    i == at ? subscription : &args[i]);
    }

    ngx_http_notify_command_arg(command, provider);

    return ngx_http_notify_redis_send(command);
}


/* what all calls begin with */

static ngx_http_notify_command_t *
ngx_http_notify_sessions_script(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_uint_t max,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(redis,
                                             &ngx_http_notify_script_session,
                                             handler, data);

    ngx_http_notify_sessions_add_key(command, keys, tenant, id);
    ngx_http_notify_command_key_of(command, keys, "subs:of", tenant);
    ngx_http_notify_command_key_of(command, keys, "sessions:of", tenant);
    ngx_http_notify_command_number(command, max);

    return command;
}


ngx_int_t
ngx_http_notify_sessions_node(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_str_t *node)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(redis,
                                             &ngx_http_notify_script_node,
                                             ngx_http_notify_sessions_kept,
                                             redis);

    ngx_http_notify_sessions_add_key(command, keys, tenant, id);
    ngx_http_notify_command_arg(command, node);

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_sessions_end(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_keyval_t *kept)
{
    ngx_str_t  args[3];

    ngx_str_set(&args[0], "delete");
    args[1] = kept->value;
    args[2] = kept->key;

    return ngx_http_notify_sessions_call(redis, keys, tenant, id, 0, args, 3,
                                         ngx_http_notify_sessions_ended,
                                         redis);
}


static void
ngx_http_notify_sessions_ended(ngx_http_notify_resp_t *resp, void *data)
{
    (void) ngx_http_notify_script_verdict(data, resp, "session");
}


static void
ngx_http_notify_sessions_kept(ngx_http_notify_resp_t *resp, void *data)
{
    (void) ngx_http_notify_script_verdict(data, resp, "node");
}


ngx_int_t
ngx_http_notify_sessions_keep(ngx_http_notify_event_t *event,
    const ngx_http_notify_resp_t *entry, ngx_log_t *log)
{
    u_char        *p;
    size_t         size;
    ngx_uint_t     i, n;
    ngx_keyval_t  *kept;

    if (entry->nelts < 2 || entry->nelts % 2) {
        return NGX_ERROR;
    }

    n = entry->nelts / 2 - 1;

    if (n == 0 || event->kept) {
        return NGX_OK;
    }

    size = n * sizeof(ngx_keyval_t);

    for (i = 2; i < entry->nelts; i++) {
        size += entry->elts[i]->str.len;
    }

    kept = ngx_alloc(size, log);
    if (kept == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) &kept[n];

    for (i = 0; i < n; i++) {
        kept[i].key.len = entry->elts[2 * i + 2]->str.len;
        kept[i].key.data = p;
        p = ngx_cpymem(p, entry->elts[2 * i + 2]->str.data, kept[i].key.len);

        kept[i].value.len = entry->elts[2 * i + 3]->str.len;
        kept[i].value.data = p;
        p = ngx_cpymem(p, entry->elts[2 * i + 3]->str.data,
                       kept[i].value.len);
    }

    event->kept = kept;
    event->nkept = n;

    return NGX_OK;
}
