/*
 * The engine of a worker: it owns buckets of subscriptions by lease, tails the
 * logs, and has calls made.  What the layers above may ask of it.
 */

#ifndef _NGX_HTTP_NOTIFY_ENGINE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ENGINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_redis.h"


/*
 * channels: array of ngx_http_notify_channel_t *, with their connections.
 * redis: the worker's own, to be measured.  owner: the name of this worker in
 * leases; the same for the worker that takes its place after a crash, another
 * after a reload.
 */
ngx_int_t ngx_http_notify_engine_init_process(ngx_cycle_t *cycle,
    ngx_array_t *channels, ngx_http_notify_redis_t *redis,
    const ngx_str_t *owner);
void ngx_http_notify_engine_exit_process(ngx_cycle_t *cycle);


/* what this worker holds of a channel now */
typedef struct {
    ngx_uint_t             shards;          /* owned */
    ngx_uint_t             subscriptions;   /* loaded */
    ngx_uint_t             in_flight;
    ngx_uint_t             queued;
    ngx_uint_t             behind;          /* subscriptions read by XRANGE */
    ngx_uint_t             tailing;         /* unsigned tailing:1 */
} ngx_http_notify_engine_stats_t;

void ngx_http_notify_engine_stats(const ngx_http_notify_channel_t *channel,
    ngx_http_notify_engine_stats_t *stats);


#endif /* _NGX_HTTP_NOTIFY_ENGINE_H_INCLUDED_ */
