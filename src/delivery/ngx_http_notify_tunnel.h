/*
 * A connection through a proxy, by CONNECT (RFC 9110, 9.3.6), made before
 * upstream runs, which finds it connected.  Lives in its call.
 */

#ifndef _NGX_HTTP_NOTIFY_TUNNEL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TUNNEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include "ngx_http_notify_proxy.h"


typedef struct ngx_http_notify_tunnel_s  ngx_http_notify_tunnel_t;

/* Zeroed, then the first part set by its owner. */
struct ngx_http_notify_tunnel_s {
    const ngx_http_notify_proxy_conf_t  *way;       /* has a proxy */
    const ngx_addr_t                    *to;        /* with the port */
    ngx_pool_t                          *pool;
    ngx_msec_t                           timeout;   /* of all of it */
    /* not called inside open(), nor after close(); NGX_ERROR: *error, detail */
    void                               (*handler)(
                                             ngx_http_notify_tunnel_t *tunnel,
                                             ngx_int_t rc);
    void                                *data;
    const char                          *error;
    ngx_str_t                            detail;

    /* private */
    ngx_peer_connection_t                peer;
    ngx_str_t                            request;
    size_t                               sent;
    ngx_uint_t                           connected;
    u_char                              *answer;
    size_t                               len;
};


/* NGX_AGAIN: the handler is told; NGX_ERROR: *error, detail */
ngx_int_t ngx_http_notify_tunnel_open(ngx_http_notify_tunnel_t *tunnel);
/* after NGX_OK: the connection, once; NULL: it was taken, or there is none */
ngx_connection_t *ngx_http_notify_tunnel_take(
    ngx_http_notify_tunnel_t *tunnel);
/* what was not taken; harmless where there is nothing */
void ngx_http_notify_tunnel_close(ngx_http_notify_tunnel_t *tunnel);


#endif /* _NGX_HTTP_NOTIFY_TUNNEL_H_INCLUDED_ */
