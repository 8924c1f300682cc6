/*
 * Where a call connects to: addresses that were resolved and then checked by
 * the guard, and the balancer that ngx_http_upstream asks.  Lives in its call.
 * Knows nothing of events or subscriptions.
 */

#ifndef _NGX_HTTP_NOTIFY_PEER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PEER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_http_response.h"
#include "ngx_http_notify_detached.h"
#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_host.h"
#include "ngx_http_notify_proxy.h"
#include "ngx_http_notify_tunnel.h"


#define NGX_HTTP_NOTIFY_PEER_ADDRS     8       /* tried at most, of a name's */
#define NGX_HTTP_NOTIFY_PEER_RESTED    1000    /* no server closes earlier */


typedef struct ngx_http_notify_peer_s  ngx_http_notify_peer_t;


/* The peer of one call.  Zeroed, then the first part set by its owner. */
struct ngx_http_notify_peer_s {
    ngx_http_notify_host_t               *host;
    const ngx_http_notify_guard_url_t    *url;
    const ngx_http_notify_guard_conf_t   *guard;
    const ngx_http_notify_proxy_conf_t   *way;
    ngx_msec_t                            timeout;  /* of a tunnel */
    ngx_http_notify_http_response_t      *answer;
    ngx_http_notify_detached_t           *detached;
    ngx_pool_t                           *pool;
    ngx_str_t                             name;     /* of its certificate; or
                                                       empty: the host */
    unsigned                              verify:1;
    unsigned                              once:1;   /* never sent again */
    void                                (*resolved)(
                                              ngx_http_notify_peer_t *peer,
                                              ngx_int_t rc);

    /* why there was no answer: a phrase, and what it is about */
    const char                           *error;
    ngx_str_t                             detail;

    /* private */
    ngx_resolver_ctx_t                   *resolver;
    ngx_int_t                             rc;
    ngx_addr_t                           *addrs;
    ngx_addr_t                            addr;
    ngx_uint_t                            naddrs;
    ngx_uint_t                            current;
    ngx_addr_t                           *to;       /* through the proxy */
    ngx_http_notify_tunnel_t             *tunnel;   /* or NULL */
    ngx_connection_t                     *taken;    /* of the idle ones */
    ngx_http_upstream_t                  *upstream;
    ngx_http_notify_host_idle_t          *idle;     /* of the connection */
    unsigned                              starting:1;
    unsigned                              cached:1; /* connection in use */
    unsigned                              rested:1; /* it was idle before */
    unsigned                              fresh:1;  /* take no idle one */
    unsigned                              again:1;  /* by another tunnel */
};


/*
 * Finds the addresses.  NGX_OK: there.  NGX_AGAIN: peer->resolved will be
 * called.  NGX_DECLINED: the guard refused; NGX_ABORT: there is no resolver;
 * NGX_ERROR: not found; all with peer->error.
 */
ngx_int_t ngx_http_notify_peer_resolve(ngx_http_notify_peer_t *peer);
/*
 * Once they are there: the way to the first of them.  NGX_OK: it is there;
 * NGX_AGAIN: peer->resolved will be called; NGX_ERROR: peer->error.
 */
ngx_int_t ngx_http_notify_peer_way(ngx_http_notify_peer_t *peer);
void ngx_http_notify_peer_cancel(ngx_http_notify_peer_t *peer);

/* peer.init of the private upstream; u->peer.data is the peer */
ngx_int_t ngx_http_notify_peer_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);

/* Worker start; clcf is the http level's. */
void ngx_http_notify_peer_init_process(ngx_http_core_loc_conf_t *clcf);


#endif /* _NGX_HTTP_NOTIFY_PEER_H_INCLUDED_ */
