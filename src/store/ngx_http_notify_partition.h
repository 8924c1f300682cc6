/*
 * A partition of a channel: the key space that some of its tenants live in.
 * Their number is written to Redis, to each of them, when it is first used, and
 * never changes: with another number a tenant would be looked for elsewhere.
 * Until Redis has said that the number is the same, no command is sent.
 */

#ifndef _NGX_HTTP_NOTIFY_PARTITION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PARTITION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_redis.h"


typedef struct ngx_http_notify_partition_s  ngx_http_notify_partition_t;

/* in a worker, from its start to its exit; the first six are given */
struct ngx_http_notify_partition_s {
    const ngx_str_t               *channel;     /* its name */
    ngx_http_notify_keys_t         keys;        /* its own: always open */
    ngx_http_notify_redis_t       *redis;
    ngx_uint_t                     n;           /* as configured */
    ngx_http_notify_partition_t   *first;       /* of the channel */
    ngx_http_notify_partition_t   *next;        /* or NULL */
    ngx_uint_t                     open;        /* the keys' */
    ngx_uint_t                     frozen;      /* as in Redis; 0: not known */
    ngx_uint_t                     used;        /* before it was frozen */
    ngx_uint_t                     waits;       /* for the first, to be frozen
                                                   as that one is */
    ngx_uint_t                     unsure;      /* whether it is used */
    ngx_event_t                    again;       /* it is asked for once more */
};


/*
 * As a connection's setup: asks for one partition, again and again while Redis
 * answers with an error.
 */
void ngx_http_notify_partition_ask(ngx_http_notify_partition_t *partition);
/* it is not asked for any more */
void ngx_http_notify_partition_leave(ngx_http_notify_partition_t *partition);

/* 0, or the number in Redis, which is another one than the configured. */
ngx_uint_t ngx_http_notify_partition_differs(
    const ngx_http_notify_partition_t *partition);


#endif /* _NGX_HTTP_NOTIFY_PARTITION_H_INCLUDED_ */
