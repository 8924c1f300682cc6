/*
 * The sessions that have connections at this worker.  Redis believes each for
 * a time only, so a worker that dies takes its connections with it.  Knows
 * nothing of requests.
 */

#ifndef _NGX_HTTP_NOTIFY_SESSION_CONNS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SESSION_CONNS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_redis.h"


#define NGX_HTTP_NOTIFY_SESSION_CONNS_MAX  262144   /* sessions a worker */


typedef struct ngx_http_notify_session_conn_s  ngx_http_notify_session_conn_t;


/* Once a worker; `name` is no other worker's, and is copied. */
ngx_int_t ngx_http_notify_session_conns_init(ngx_cycle_t *cycle,
    const ngx_str_t *name);
void ngx_http_notify_session_conns_exit(void);
/* what it was given; empty before */
ngx_str_t *ngx_http_notify_session_conns_name(void);

/*
 * One more connection of the session with this key, which its channel's Redis
 * is told in this turn, and again before `lease` is over, if it is registered.
 * NULL: memory, or there are too many (counted).
 */
ngx_http_notify_session_conn_t *ngx_http_notify_session_conns_open(
    ngx_http_notify_redis_t *redis, const ngx_str_t *key, ngx_msec_t lease,
    ngx_int_t metrics);
/* One less; it was the last one: connected for `grace` from now. */
void ngx_http_notify_session_conns_close(ngx_http_notify_session_conn_t *conn,
    ngx_msec_t grace);


#endif /* _NGX_HTTP_NOTIFY_SESSION_CONNS_H_INCLUDED_ */
