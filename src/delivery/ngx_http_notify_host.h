/*
 * The hosts that are called from this worker, each with its idle connections
 * and its TLS session.  A host lives as long as somebody may call it or a
 * connection to it is idle.  Knows nothing of requests.
 */

#ifndef _NGX_HTTP_NOTIFY_HOST_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_HOST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_http_notify_guard.h"


#define NGX_HTTP_NOTIFY_HOST_REQUESTS  1000     /* on one connection */
#define NGX_HTTP_NOTIFY_HOST_AGE       3600000  /* of a connection, ms */


/* Connections of one (tag, scheme, host, port) may be used in place of each
 * other; counted. */
typedef struct ngx_http_notify_host_s       ngx_http_notify_host_t;
typedef struct ngx_http_notify_host_idle_s  ngx_http_notify_host_idle_t;


/*
 * tag: the settings that connections must share; keepalive, idle: how many
 * idle ones to keep with that tag, and how long.  NULL: memory.
 */
ngx_http_notify_host_t *ngx_http_notify_host_get(const void *tag,
    ngx_uint_t keepalive, ngx_msec_t idle,
    const ngx_http_notify_guard_url_t *url, ngx_log_t *log);
void ngx_http_notify_host_release(ngx_http_notify_host_t *host);

/*
 * An idle connection to one of the addresses, still open and silent, or NULL;
 * its *idle is to be handed back with it.  Whoever keeps or takes holds the
 * host.
 */
ngx_connection_t *ngx_http_notify_host_take(ngx_http_notify_host_t *host,
    const ngx_addr_t *addrs, ngx_uint_t naddrs, ngx_log_t *log,
    ngx_http_notify_host_idle_t **idle);
/* how long a connection that was just taken had been idle */
ngx_msec_t ngx_http_notify_host_rested(
    const ngx_http_notify_host_idle_t *idle);
/* idle: NULL for a new connection.  NGX_DECLINED: to be closed by the caller */
ngx_int_t ngx_http_notify_host_keep(ngx_http_notify_host_t *host,
    ngx_connection_t *c, ngx_http_notify_host_idle_t *idle,
    const struct sockaddr *sockaddr, socklen_t socklen);

/* one that was taken and is not used: with its TLS and its pool, which
 * ngx_close_connection() alone would leave */
void ngx_http_notify_host_close(ngx_connection_t *c);

/* NULL: none yet; the host takes over what is set */
ngx_ssl_session_t *ngx_http_notify_host_session(ngx_http_notify_host_t *host);
void ngx_http_notify_host_set_session(ngx_http_notify_host_t *host,
    ngx_ssl_session_t *session);

void ngx_http_notify_host_init_process(void);
/* closes what is idle; hosts go with their last user */
void ngx_http_notify_host_exit_process(void);


#endif /* _NGX_HTTP_NOTIFY_HOST_H_INCLUDED_ */
