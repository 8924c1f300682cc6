/*
 * Device sessions in Redis.  An id is the client's own text: its key is made
 * of a digest.  Nothing outlives a call.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_sessions.h"


static ngx_str_t *ngx_http_notify_sessions_args(ngx_pool_t *pool,
    ngx_uint_t max, const ngx_str_t *args, ngx_uint_t nargs, ngx_uint_t more);
static void ngx_http_notify_sessions_kept(ngx_http_notify_resp_t *resp,
    void *data);


ngx_str_t
ngx_http_notify_sessions_key(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id)
{
    u_char     digest[32];
    ngx_str_t  parts[2], name, key;

    parts[0] = *tenant;
    parts[1] = *id;

    name.data = digest;
    name.len = sizeof(digest);

    if (ngx_http_notify_id_digest(parts, 2, digest) != NGX_OK) {
        ngx_str_null(&key);
        return key;
    }

    return ngx_http_notify_keys_name(pool, keys, "session", &name);
}


ngx_int_t
ngx_http_notify_sessions_call(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_uint_t max, const ngx_str_t *args,
    ngx_uint_t nargs, ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_str_t    names[3], *all;
    ngx_pool_t  *pool;

    if (redis == NULL) {
        return NGX_ERROR;
    }

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    names[0] = ngx_http_notify_sessions_key(pool, keys, tenant, id);
    names[1] = ngx_http_notify_keys_name(pool, keys, "subs:of", tenant);
    names[2] = ngx_http_notify_keys_name(pool, keys, "sessions:of", tenant);

    all = ngx_http_notify_sessions_args(pool, max, args, nargs, 0);

    if (names[0].data != NULL
        && names[1].data != NULL
        && names[2].data != NULL
        && all != NULL)
    {
        rc = ngx_http_notify_script_call(redis,
                                         &ngx_http_notify_script_session,
                                         names, 3, all, nargs + 1, handler,
                                         data);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_http_notify_sessions_bind(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_uint_t max, const ngx_str_t *subscription,
    ngx_uint_t at,
    const ngx_str_t *provider, const ngx_str_t *args, ngx_uint_t nargs,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_str_t    names[8], *all;
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    if (redis == NULL) {
        return NGX_ERROR;
    }

    pool = ngx_create_pool(2048, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    all = ngx_http_notify_sessions_args(pool, max, args, nargs, 1);
    if (all == NULL) {
        goto done;
    }

    all[at + 1] = *subscription;
    all[nargs + 1] = *provider;

    names[0] = ngx_http_notify_sessions_key(pool, keys, tenant, id);
    names[1] = ngx_http_notify_keys_name(pool, keys, "subs:of", tenant);
    names[2] = ngx_http_notify_keys_name(pool, keys, "sessions:of", tenant);
    names[3] = ngx_http_notify_keys_name(pool, keys, "subs", NULL);
    names[4] = ngx_http_notify_keys_name(pool, keys, "subs:log", NULL);
    names[5] = ngx_http_notify_keys_name(pool, keys, "subs:ver", NULL);
    names[6] = ngx_http_notify_keys_shard(pool, keys, "cursor",
                            ngx_http_notify_keys_shard_of(subscription));
    names[7] = ngx_http_notify_keys_name(pool, keys, "log", NULL);

    for (i = 0; i < 8; i++) {
        if (names[i].data == NULL) {
            goto done;
        }
    }

    rc = ngx_http_notify_script_call(redis, &ngx_http_notify_script_session,
                                     names, 8, all, nargs + 2, handler, data);
done:

    ngx_destroy_pool(pool);

    return rc;
}


/* the limit, the arguments, and room for so many more */

static ngx_str_t *
ngx_http_notify_sessions_args(ngx_pool_t *pool, ngx_uint_t max,
    const ngx_str_t *args, ngx_uint_t nargs, ngx_uint_t more)
{
    ngx_str_t  *all;

    all = ngx_palloc(pool, (1 + nargs + more) * sizeof(ngx_str_t)
                           + NGX_INT_T_LEN);
    if (all == NULL) {
        return NULL;
    }

    all[0].data = (u_char *) &all[1 + nargs + more];
    all[0].len = ngx_sprintf(all[0].data, "%ui", max) - all[0].data;

    ngx_memcpy(&all[1], args, nargs * sizeof(ngx_str_t));

    return all;
}


ngx_int_t
ngx_http_notify_sessions_node(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_str_t *node)
{
    ngx_int_t    rc;
    ngx_str_t    key;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    key = ngx_http_notify_sessions_key(pool, keys, tenant, id);

    if (key.data != NULL) {
        rc = ngx_http_notify_script_call(redis, &ngx_http_notify_script_node,
                                         &key, 1, node, 1,
                                         ngx_http_notify_sessions_kept,
                                         redis);
    }

    ngx_destroy_pool(pool);

    return rc;
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
