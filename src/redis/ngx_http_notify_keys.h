/*
 * The names of a channel's keys in Redis.  All of a channel's keys carry one
 * hash tag, so a channel lives on one node of a cluster.
 */

#ifndef _NGX_HTTP_NOTIFY_KEYS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_KEYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_KEYS_SHARDS   64


/* read-only after start */
typedef struct {
    ngx_str_t    prefix;        /* "notify:{retail.0}:" */
} ngx_http_notify_keys_t;


ngx_int_t ngx_http_notify_keys_init(ngx_pool_t *pool,
    ngx_http_notify_keys_t *keys, const ngx_str_t *redis_prefix,
    const ngx_str_t *channel);

/*
 * prefix + kind, or prefix + kind + ":" + name (name may be NULL); from the
 * pool; data NULL when memory is short.  A command writes the same by itself.
 */
ngx_str_t ngx_http_notify_keys_name(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const char *kind,
    const ngx_str_t *name);

/* crc32 of the subscription's id modulo the number of shards */
ngx_uint_t ngx_http_notify_keys_shard_of(const ngx_str_t *subscription);


#endif /* _NGX_HTTP_NOTIFY_KEYS_H_INCLUDED_ */
