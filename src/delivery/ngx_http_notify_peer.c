/*
 * Peers: resolving, and the balancer of the private upstream.  What fails is
 * decided here, never by upstream's own rules for a next try: a request whose
 * bytes may have been processed is not sent again, but for a connection that
 * was kept so long that the receiver may have closed it meanwhile, where the
 * call may be repeated at all.
 */

#include "ngx_http_notify_peer.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_peer_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_notify_peer_addrs(ngx_http_notify_peer_t *peer,
    ngx_resolver_ctx_t *ctx);
static void ngx_http_notify_peer_tunnel(ngx_http_notify_tunnel_t *tunnel,
    ngx_int_t rc);
static ngx_int_t ngx_http_notify_peer_through(ngx_peer_connection_t *pc,
    ngx_http_notify_peer_t *peer);
static ngx_int_t ngx_http_notify_peer_get(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_notify_peer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static void ngx_http_notify_peer_failed(ngx_http_notify_peer_t *peer,
    ngx_peer_connection_t *pc);
static void ngx_http_notify_peer_unsent(ngx_http_notify_peer_t *peer,
    ngx_peer_connection_t *pc);
static const char *ngx_http_notify_peer_error(ngx_http_notify_peer_t *peer);
static ngx_uint_t ngx_http_notify_peer_untrusted(ngx_http_notify_peer_t *peer,
    ngx_connection_t *c);
static ngx_int_t ngx_http_notify_peer_set_session(ngx_peer_connection_t *pc,
    void *data);
static ngx_int_t ngx_http_notify_peer_set_address(ngx_http_notify_peer_t *peer,
    ngx_connection_t *c);
static int ngx_http_notify_peer_verify(int ok, X509_STORE_CTX *store);
static void ngx_http_notify_peer_save_session(ngx_peer_connection_t *pc,
    void *data);


static struct {
    ngx_resolver_t  *resolver;
    ngx_msec_t       timeout;
} ngx_http_notify_peers;


void
ngx_http_notify_peer_init_process(ngx_http_core_loc_conf_t *clcf)
{
    ngx_http_notify_peers.resolver = clcf->resolver;
    ngx_http_notify_peers.timeout = clcf->resolver_timeout;

    if (ngx_http_notify_peers.timeout == NGX_CONF_UNSET_MSEC) {
        ngx_http_notify_peers.timeout = 30000;
    }
}


ngx_int_t
ngx_http_notify_peer_resolve(ngx_http_notify_peer_t *peer)
{
    ngx_resolver_ctx_t  *ctx;

    if (peer->url->literal || peer->url->known) {
        peer->addr.sockaddr = (struct sockaddr *) &peer->url->sockaddr;
        peer->addr.socklen = peer->url->socklen;
        peer->addrs = &peer->addr;
        peer->naddrs = 1;

        return NGX_OK;
    }

    ctx = ngx_http_notify_peers.resolver
              ? ngx_resolve_start(ngx_http_notify_peers.resolver, NULL)
              : NGX_NO_RESOLVER;

    if (ctx == NGX_NO_RESOLVER) {
        peer->error = "no resolver";
        return NGX_ABORT;
    }

    if (ctx == NULL) {
        peer->error = "no memory";
        return NGX_ERROR;
    }

    ctx->name = peer->url->host;
    ctx->handler = ngx_http_notify_peer_resolved;
    ctx->data = peer;
    ctx->timeout = ngx_http_notify_peers.timeout;

    /* the handler may be called before this returns */

    peer->resolver = ctx;
    peer->starting = 1;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        peer->resolver = NULL;
        peer->error = "name not resolved";
        return NGX_ERROR;
    }

    peer->starting = 0;

    return peer->resolver ? NGX_AGAIN : peer->rc;
}


void
ngx_http_notify_peer_cancel(ngx_http_notify_peer_t *peer)
{
    if (peer->resolver) {
        ngx_resolve_name_done(peer->resolver);
        peer->resolver = NULL;
    }

    if (peer->tunnel) {
        ngx_http_notify_tunnel_close(peer->tunnel);
    }

    if (peer->taken) {
        ngx_http_notify_host_close(peer->taken);
        peer->taken = NULL;
    }
}


ngx_int_t
ngx_http_notify_peer_way(ngx_http_notify_peer_t *peer)
{
    ngx_int_t                  rc;
    ngx_http_notify_tunnel_t  *tunnel;

    if (peer->way->proxy == NULL || peer->to) {
        return NGX_OK;
    }

    /* it has been checked: the proxy has nothing to resolve */

    peer->to = &peer->addrs[0];

    if (!peer->url->ssl) {
        peer->addrs = &peer->way->proxy->addr;
        peer->naddrs = 1;
        return NGX_OK;
    }

    if (!peer->fresh) {
        peer->taken = ngx_http_notify_host_take(peer->host, peer->addrs,
                                                peer->naddrs, ngx_cycle->log,
                                                &peer->idle);
        if (peer->taken) {
            return NGX_OK;
        }
    }

    tunnel = ngx_pcalloc(peer->pool, sizeof(ngx_http_notify_tunnel_t));
    if (tunnel == NULL) {
        peer->error = "no memory";
        return NGX_ERROR;
    }

    tunnel->way = peer->way;
    tunnel->to = peer->to;
    tunnel->pool = peer->pool;
    tunnel->timeout = peer->timeout;
    tunnel->handler = ngx_http_notify_peer_tunnel;
    tunnel->data = peer;

    peer->tunnel = tunnel;

    rc = ngx_http_notify_tunnel_open(tunnel);

    if (rc == NGX_ERROR) {
        peer->error = tunnel->error;
        peer->detail = tunnel->detail;
    }

    return rc;
}


static void
ngx_http_notify_peer_tunnel(ngx_http_notify_tunnel_t *tunnel, ngx_int_t rc)
{
    ngx_http_notify_peer_t  *peer;

    peer = tunnel->data;

    if (rc != NGX_OK) {
        peer->error = tunnel->error;
        peer->detail = tunnel->detail;
    }

    peer->resolved(peer, rc);
}


static void
ngx_http_notify_peer_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_http_notify_peer_t  *peer;

    peer = ctx->data;

    peer->rc = ngx_http_notify_peer_addrs(peer, ctx);

    peer->resolver = NULL;

    ngx_resolve_name_done(ctx);

    if (!peer->starting) {
        peer->resolved(peer, peer->rc);
    }
}


static ngx_int_t
ngx_http_notify_peer_addrs(ngx_http_notify_peer_t *peer,
    ngx_resolver_ctx_t *ctx)
{
    size_t            len;
    u_char           *p;
    const char       *range;
    ngx_uint_t        i, n;
    struct sockaddr  *sa;

    if (ctx->state || ctx->naddrs == 0) {
        peer->error = "name not resolved";
        ngx_str_set(&peer->detail, "no address");

        if (ctx->state) {
            peer->detail = ngx_http_notify_text(
                               ngx_resolver_strerror(ctx->state));
        }

        return NGX_ERROR;
    }

    if (ngx_http_notify_guard_addrs(ctx->addrs, ctx->naddrs, peer->url->port,
                                    peer->guard, &range)
        != NGX_OK)
    {
        peer->error = "address not allowed";
        peer->detail = ngx_http_notify_text(range);

        return NGX_DECLINED;
    }

    n = ngx_min(ctx->naddrs, NGX_HTTP_NOTIFY_PEER_ADDRS);

    len = n * sizeof(ngx_addr_t);

    for (i = 0; i < n; i++) {
        len += ngx_align(ctx->addrs[i].socklen, NGX_ALIGNMENT);
    }

    peer->addrs = ngx_pcalloc(peer->pool, len);
    if (peer->addrs == NULL) {
        peer->error = "no memory";
        return NGX_ERROR;
    }

    p = (u_char *) (peer->addrs + n);

    for (i = 0; i < n; i++) {
        sa = (struct sockaddr *) p;
        p += ngx_align(ctx->addrs[i].socklen, NGX_ALIGNMENT);

        ngx_memcpy(sa, ctx->addrs[i].sockaddr, ctx->addrs[i].socklen);
        ngx_inet_set_port(sa, peer->url->port);

        peer->addrs[i].sockaddr = sa;
        peer->addrs[i].socklen = ctx->addrs[i].socklen;
    }

    peer->naddrs = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_peer_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_upstream_t     *u;
    ngx_http_notify_peer_t  *peer;

    u = r->upstream;
    peer = u->peer.data;

    peer->upstream = u;

    u->peer.get = ngx_http_notify_peer_get;
    u->peer.free = ngx_http_notify_peer_free;
    u->peer.set_session = ngx_http_notify_peer_set_session;
    u->peer.save_session = ngx_http_notify_peer_save_session;

    /* one more try is granted by peer.free where it is allowed */
    u->peer.tries = 1;

    u->ssl_name = peer->url->host;

    if (peer->name.len) {
        u->ssl_name = peer->name;

    } else if (peer->url->literal) {

        /* what upstream does not take for a name, see _set_address() */

        ngx_str_set(&u->ssl_name, "[]");

    } else if (u->ssl_name.len
               && u->ssl_name.data[u->ssl_name.len - 1] == '.')
    {
        u->ssl_name.len--;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_peer_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_notify_peer_t *peer = data;

    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    if (peer->to && peer->url->ssl) {
        return ngx_http_notify_peer_through(pc, peer);
    }

    addr = &peer->addrs[peer->current];

    pc->name = (ngx_str_t *) &peer->url->authority;
    pc->sockaddr = addr->sockaddr;
    pc->socklen = addr->socklen;
    pc->connection = NULL;
    pc->local = ngx_http_notify_proxy_local(peer->way, addr->sockaddr);

    /* or upstream would grant a try of its own */
    pc->cached = 0;

    peer->idle = NULL;
    peer->cached = 0;
    peer->rested = 0;
    peer->detached->err = 0;

    c = NULL;

    if (!peer->fresh) {
        c = ngx_http_notify_host_take(peer->host, peer->addrs, peer->naddrs,
                                      pc->log, &peer->idle);
    }

    if (c == NULL) {
        return NGX_OK;
    }

    pc->connection = c;
    peer->cached = 1;
    peer->rested = ngx_http_notify_host_rested(peer->idle)
                   >= NGX_HTTP_NOTIFY_PEER_RESTED;

    return NGX_DONE;
}


/* it is kept under the address that it leads to */

static ngx_int_t
ngx_http_notify_peer_through(ngx_peer_connection_t *pc,
    ngx_http_notify_peer_t *peer)
{
    ngx_connection_t  *c;

    c = peer->taken;
    peer->taken = NULL;

    peer->cached = (c != NULL);
    peer->rested = c && ngx_http_notify_host_rested(peer->idle)
                        >= NGX_HTTP_NOTIFY_PEER_RESTED;
    peer->detached->err = 0;

    if (c == NULL && peer->tunnel) {
        c = ngx_http_notify_tunnel_take(peer->tunnel);
    }

    if (c == NULL) {
        return NGX_ERROR;
    }

    pc->name = (ngx_str_t *) &peer->url->authority;
    pc->sockaddr = peer->to->sockaddr;
    pc->socklen = peer->to->socklen;
    pc->connection = c;
    pc->cached = 0;

    return NGX_DONE;
}


static void
ngx_http_notify_peer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_notify_peer_t *peer = data;

    ngx_http_notify_host_idle_t  *idle;

    pc->tries = 0;

    if (state & NGX_PEER_FAILED) {
        ngx_http_notify_peer_failed(peer, pc);
        return;
    }

    idle = peer->idle;
    peer->idle = NULL;

    if (pc->connection
        && peer->upstream->keepalive
        && peer->upstream->request_body_sent
        && ngx_http_notify_host_keep(peer->host, pc->connection, idle,
                                     pc->sockaddr, pc->socklen)
           == NGX_OK)
    {
        pc->connection = NULL;
    }
}


/* why it failed, and whether there may be another try */

static void
ngx_http_notify_peer_failed(ngx_http_notify_peer_t *peer,
    ngx_peer_connection_t *pc)
{
    ngx_connection_t          *c;
    ngx_http_upstream_t       *u;
    ngx_http_notify_http_response_t  *a;

    c = pc->connection;
    u = peer->upstream;
    a = peer->answer;

    peer->idle = NULL;

    if (peer->error) {
        return;
    }

    if (c && c->ssl && !u->request_sent) {

        if (ngx_http_notify_peer_untrusted(peer, c)) {
            peer->error = "certificate not trusted";

        } else {
            peer->error = "tls handshake failed";

            if (c->write->timedout) {
                ngx_str_set(&peer->detail, "timeout");
            }
        }

        return;
    }

    if (c == NULL || !u->request_sent) {
        ngx_http_notify_peer_unsent(peer, pc);
        return;
    }

    if (c->read->timedout || c->write->timedout) {
        peer->error = "timeout";
        return;
    }

    if (c->read->eof && ngx_http_notify_http_response_eof(a) == NGX_OK) {
        return;
    }

    if (!peer->once
        && peer->rested
        && a->header_bytes == 0
        && a->interim == 0)
    {
        /*
         * Kept too long: nothing of an answer came, the event's id is kept.
         * What is closed soon after a call was closed because of this one.
         */

        if (peer->to && peer->url->ssl) {
            peer->again = 1;
            return;
        }

        peer->fresh = 1;
        pc->tries = 1;
        return;
    }

    peer->error = c->read->eof ? "connection closed"
                               : ngx_http_notify_peer_error(peer);
}


/* the request was not sent: the next address, if there is one */

static void
ngx_http_notify_peer_unsent(ngx_http_notify_peer_t *peer,
    ngx_peer_connection_t *pc)
{
    ngx_connection_t  *c;

    c = pc->connection;

    if (c && !c->write->timedout && peer->detached->err == 0) {

        /* it is connected, and did not wait for the request */

        peer->error = c->read->eof ? "connection closed"
                      : peer->upstream->ssl ? "tls handshake failed"
                      : "malformed answer";
        return;
    }

    if (peer->current + 1 < peer->naddrs) {
        peer->current++;
        pc->tries = 1;
        return;
    }

    peer->error = (c && c->write->timedout) ? "connect timeout"
                                            : ngx_http_notify_peer_error(peer);

    if (peer->to) {
        peer->detail = ngx_http_notify_text(peer->error);
        peer->error = "proxy not reached";
    }
}


static const char *
ngx_http_notify_peer_error(ngx_http_notify_peer_t *peer)
{
    switch (peer->detached->err) {

    case NGX_ECONNREFUSED:
        return "connection refused";

    case NGX_ECONNRESET:
    case NGX_EPIPE:
        return "connection reset";

    case NGX_ETIMEDOUT:
        return "connect timeout";

    default:
        return "connection failed";
    }
}


static ngx_uint_t
ngx_http_notify_peer_untrusted(ngx_http_notify_peer_t *peer,
    ngx_connection_t *c)
{
    long  rc;

    if (!peer->verify) {
        return 0;
    }

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        peer->detail = ngx_http_notify_text(X509_verify_cert_error_string(rc));
        return 1;
    }

    if (c->ssl->handshaked) {
        ngx_str_set(&peer->detail, "hostname mismatch");
        return 1;
    }

    return 0;
}


static ngx_int_t
ngx_http_notify_peer_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_notify_peer_t *peer = data;

    ngx_ssl_session_t  *session;

    /* what is sent is in one buffer as it is, but for a large body */

    pc->connection->ssl->buffer = 0;

    if (peer->url->literal && peer->verify && peer->name.len == 0
        && ngx_http_notify_peer_set_address(peer, pc->connection) != NGX_OK)
    {
        return NGX_ERROR;
    }

    session = ngx_http_notify_host_session(peer->host);

    return session ? ngx_ssl_set_session(pc->connection, session) : NGX_OK;
}


/* upstream compares names only: an address is checked in the handshake */

static ngx_int_t
ngx_http_notify_peer_set_address(ngx_http_notify_peer_t *peer,
    ngx_connection_t *c)
{
    size_t            len;
    u_char           *p;
    struct sockaddr  *sa;

    sa = peer->addrs[0].sockaddr;

#if (NGX_HAVE_INET6)
    if (sa->sa_family == AF_INET6) {
        p = ((struct sockaddr_in6 *) sa)->sin6_addr.s6_addr;
        len = 16;

    } else
#endif
    {
        p = (u_char *) &((struct sockaddr_in *) sa)->sin_addr.s_addr;
        len = 4;
    }

    if (X509_VERIFY_PARAM_set1_ip(SSL_get0_param(c->ssl->connection), p, len)
        != 1)
    {
        return NGX_ERROR;
    }

    SSL_set_verify(c->ssl->connection, SSL_VERIFY_PEER,
                   ngx_http_notify_peer_verify);

    return NGX_OK;
}


static int
ngx_http_notify_peer_verify(int ok, X509_STORE_CTX *store)
{
    return ok;
}


static void
ngx_http_notify_peer_save_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_notify_peer_t *peer = data;

    ngx_ssl_session_t  *session;

    session = ngx_ssl_get_session(pc->connection);

    if (session) {
        ngx_http_notify_host_set_session(peer->host, session);
    }
}
