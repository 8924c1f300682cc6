/*
 * The names of a channel's keys.  No state.  Does not know what the keys hold.
 */

#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_memory.h"


static ngx_int_t ngx_http_notify_keys_prefix(ngx_pool_t *pool,
    ngx_str_t *prefix, const ngx_str_t *redis_prefix, const ngx_str_t *channel,
    ngx_uint_t partition);


ngx_int_t
ngx_http_notify_keys_init(ngx_pool_t *pool, ngx_http_notify_keys_t *keys,
    const ngx_str_t *redis_prefix, const ngx_str_t *channel,
    ngx_uint_t partition)
{
    if (ngx_http_notify_keys_prefix(pool, &keys->prefix, redis_prefix, channel,
                                    partition)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_keys_prefix(pool, &keys->first, redis_prefix,
                                       channel, 0);
}


static ngx_int_t
ngx_http_notify_keys_prefix(ngx_pool_t *pool, ngx_str_t *prefix,
    const ngx_str_t *redis_prefix, const ngx_str_t *channel,
    ngx_uint_t partition)
{
    return ngx_http_notify_memory_printf(pool, prefix, "%V{%V.%ui}:",
                                         redis_prefix, channel, partition);
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


ngx_uint_t
ngx_http_notify_keys_crc16(const u_char *p, const u_char *last)
{
    uint16_t    crc;
    ngx_uint_t  i;

    crc = 0;

    for ( /* void */ ; p < last; p++) {
        crc ^= (uint16_t) (*p << 8);

        for (i = 0; i < 8; i++) {
            crc = (uint16_t) ((crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1);
        }
    }

    return crc;
}
