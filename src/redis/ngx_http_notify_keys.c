/*
 * The names of a channel's keys.  No state.  Does not know what the keys hold.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_keys.h"


ngx_int_t
ngx_http_notify_keys_init(ngx_pool_t *pool, ngx_http_notify_keys_t *keys,
    const ngx_str_t *redis_prefix, const ngx_str_t *channel)
{
    u_char  *p;

    /* the number leaves room for a channel of more than one log */

    keys->prefix.len = redis_prefix->len + channel->len
                       + sizeof("{.0}:") - 1;

    keys->prefix.data = ngx_pnalloc(pool, keys->prefix.len);
    if (keys->prefix.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(keys->prefix.data, redis_prefix->data, redis_prefix->len);
    *p++ = '{';
    p = ngx_cpymem(p, channel->data, channel->len);
    ngx_memcpy(p, ".0}:", sizeof(".0}:") - 1);

    return NGX_OK;
}


ngx_str_t
ngx_http_notify_keys_name(ngx_pool_t *pool, const ngx_http_notify_keys_t *keys,
    const char *kind, const ngx_str_t *name)
{
    size_t     len;
    u_char    *p;
    ngx_str_t  key;

    len = ngx_strlen(kind);

    key.len = keys->prefix.len + len;

    if (name) {
        key.len += 1 + name->len;
    }

    key.data = ngx_pnalloc(pool, key.len);
    if (key.data == NULL) {
        key.len = 0;
        return key;
    }

    p = ngx_cpymem(key.data, keys->prefix.data, keys->prefix.len);
    p = ngx_cpymem(p, kind, len);

    if (name) {
        *p++ = ':';

        /* the default tenant has no name, and no data */

        if (name->len) {
            ngx_memcpy(p, name->data, name->len);
        }
    }

    return key;
}


ngx_uint_t
ngx_http_notify_keys_shard_of(const ngx_str_t *subscription)
{
    return ngx_crc32_short(subscription->data, subscription->len)
           % NGX_HTTP_NOTIFY_KEYS_SHARDS;
}
