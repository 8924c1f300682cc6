/*
 * The engine of a worker: it owns shards of subscriptions by lease, tails the
 * logs, and has calls made.  What the rooms above may ask of it.
 *
 * Its files have an order, and each uses only files before it (make -f
 * Makefile.dev graph prints it):
 *
 *   feed lease subscriber delivery    the objects of a worker
 *   queue order operation redelivery  what a subscriber holds: events to start
 *                                     and their lines, what is to be written,
 *                                     what it gets again
 *   run_queue gate                    which subscribers run next, and whether
 *                                     one may be called
 *   match former                      which events are for it
 *   presence push retry redeliver     what may be started, and what became of
 *   window outcome                    it
 *   pace range dispatch               from the log to calls
 *   commit_section commit             to Redis
 *   lifecycle load_*                  subscriptions come and go
 *   tail ownership                    the log, the leases
 *   turn engine                       a feed's turn, all feeds of the worker
 *
 * A file that has made work for one above it marks that (a subscriber is ready,
 * a lease broken, a commit due) and posts the feed's turn.
 */

#ifndef _NGX_HTTP_NOTIFY_ENGINE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ENGINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_redis.h"


/*
 * parts: array of ngx_http_notify_channel_t *, with their connections; the
 * partitions of a channel one after the other.
 * redis: the worker's own, to be measured.  owner: the name of this worker in
 * leases; the same for the worker that takes its place after a crash, another
 * after a reload.
 */
ngx_int_t ngx_http_notify_engine_init_process(ngx_cycle_t *cycle,
    ngx_array_t *parts, ngx_http_notify_redis_t *redis,
    const ngx_str_t *owner);
void ngx_http_notify_engine_exit_process(ngx_cycle_t *cycle);


/* what this worker holds of a channel now, of all its partitions */
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
