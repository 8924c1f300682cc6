/*
 * The names of a channel's keys in Redis.  All keys of a partition carry one
 * hash tag, so a partition lives on one node of a cluster.
 */

#ifndef _NGX_HTTP_NOTIFY_KEYS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_KEYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_KEYS_SHARDS   64


/* read-only after start */
typedef struct {
    ngx_str_t            prefix;    /* "notify:{retail.0}:" */
    ngx_str_t            first;     /* that of the channel's first partition,
                                       which what is sealed is bound to */
    const ngx_uint_t    *open;      /* while 0, no command with these keys is
                                       sent; NULL: always open */
} ngx_http_notify_keys_t;


/* the names of one partition, counted from 0 */
ngx_int_t ngx_http_notify_keys_init(ngx_pool_t *pool,
    ngx_http_notify_keys_t *keys, const ngx_str_t *redis_prefix,
    const ngx_str_t *channel, ngx_uint_t partition);

/*
 * prefix + kind, or prefix + kind + ":" + name (name may be NULL); from the
 * pool; data NULL when memory is short.  A command writes the same by itself.
 */
ngx_str_t ngx_http_notify_keys_name(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const char *kind,
    const ngx_str_t *name);

/* crc32 of the subscription's id modulo the number of shards */
ngx_uint_t ngx_http_notify_keys_shard_of(const ngx_str_t *subscription);

/* CRC16-CCITT (XMODEM), which Redis Cluster's slots and partitions go by */
ngx_uint_t ngx_http_notify_keys_crc16(const u_char *p, const u_char *last);


#endif /* _NGX_HTTP_NOTIFY_KEYS_H_INCLUDED_ */
