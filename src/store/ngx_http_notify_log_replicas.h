/*
 * What Redis has appended is acknowledged when enough replicas have it, too:
 * one WAIT behind all that was answered meanwhile.  WAIT speaks of the writes
 * of its own connection only, so publishes have one.  Knows nothing of what
 * waits.
 * https://redis.io/docs/latest/commands/wait/
 */

#ifndef _NGX_HTTP_NOTIFY_LOG_REPLICAS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOG_REPLICAS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_redis.h"


/* the first member of what waits, which is from ngx_alloc() */
typedef struct ngx_http_notify_log_replicas_s  ngx_http_notify_log_replicas_t;

/* rc: NGX_OK, or NGX_ERROR where nobody knows */
typedef void (*ngx_http_notify_log_replicas_pt)(ngx_int_t rc,
    ngx_http_notify_log_replicas_t *wait);

struct ngx_http_notify_log_replicas_s {
    ngx_queue_t                   queue;
    ngx_http_notify_log_replicas_pt  handler;
    ngx_uint_t                    generation;   /* of the connection */
    unsigned                      asked:1;
};


/*
 * What is published on this connection waits for conf->replicas; of the worker,
 * until the end.  With a sentinel it also waits, for some seconds, when one of
 * them has left: that may be the master by now.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_log_replicas_use(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_redis_conf_t *conf);
/* frees all that waits, without a word */
void ngx_http_notify_log_replicas_end(void);

/*
 * From the handler of a write on that connection; the handler here is called
 * once, never inside.  NGX_DECLINED: it waits for none.
 */
ngx_int_t ngx_http_notify_log_replicas(const ngx_http_notify_redis_t *redis,
    ngx_http_notify_log_replicas_t *wait,
    ngx_http_notify_log_replicas_pt handler);


#endif /* _NGX_HTTP_NOTIFY_LOG_REPLICAS_H_INCLUDED_ */
