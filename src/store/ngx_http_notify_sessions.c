/*
 * Device sessions in Redis.  An id is the client's own text: its key is made
 * of a digest.  Nothing outlives a call.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_sessions.h"


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
    const ngx_str_t *id, const ngx_str_t *args, ngx_uint_t nargs,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_str_t    names[2];
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

    if (names[0].data != NULL && names[1].data != NULL) {
        rc = ngx_http_notify_script_call(redis,
                                         &ngx_http_notify_script_session,
                                         names, 2, args, nargs, handler,
                                         data);
    }

    ngx_destroy_pool(pool);

    return rc;
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
