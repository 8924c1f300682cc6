/*
 * A worker's connections to Redis: one for commands, one for publishes where
 * replicas acknowledge them; in a cluster a partition has its own, to the node
 * that holds it.
 */

#ifndef _NGX_HTTP_NOTIFY_CONNECTIONS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CONNECTIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_redis.h"


/* parts: array of ngx_http_notify_channel_t *, which get connections */
ngx_int_t ngx_http_notify_connections_init(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, ngx_array_t *parts);
void ngx_http_notify_connections_exit(ngx_array_t *parts);

/* for what belongs to no channel */
ngx_http_notify_redis_t *ngx_http_notify_connections_redis(void);


#endif /* _NGX_HTTP_NOTIFY_CONNECTIONS_H_INCLUDED_ */
