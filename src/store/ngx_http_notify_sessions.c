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
