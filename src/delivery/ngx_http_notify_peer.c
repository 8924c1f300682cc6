/*
 * Peers: hosts with their idle connections, resolving, and the balancer of the
 * private upstream.  What fails is decided here, never by upstream's own rules
 * for a next try: a request whose bytes may have been processed is not sent
 * again, but for a kept connection that the receiver closed meanwhile.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_peer.h"


/* the idle connections of one tag in this worker, the oldest last */
typedef struct {
    ngx_queue_t                    queue;
    const void                    *tag;
    ngx_uint_t                     keepalive;
    ngx_msec_t                     idle;
    ngx_queue_t                    idles;
    ngx_uint_t                     n;
    ngx_uint_t                     hosts;
    ngx_event_t                    event;       /* closes the oldest */
} ngx_http_notify_peer_pool_t;


struct ngx_http_notify_peer_host_s {
    ngx_str_node_t                 node;        /* tag, port, scheme, host */
    ngx_http_notify_peer_pool_t   *pool;
    ngx_queue_t                    idles;
    ngx_ssl_session_t             *session;
    ngx_uint_t                     refs;        /* targets, idle connections */
};


/* lives in the pool of its connection */
struct ngx_http_notify_peer_idle_s {
    ngx_queue_t                    queue;       /* of the host */
    ngx_queue_t                    all;         /* of the pool */
    ngx_http_notify_peer_host_t   *host;
    ngx_connection_t              *connection;
    ngx_msec_t                     expires;
    socklen_t                      socklen;
    ngx_sockaddr_t                 sockaddr;
};


static ngx_http_notify_peer_pool_t *ngx_http_notify_peer_pool(const void *tag,
    ngx_uint_t keepalive, ngx_msec_t idle, ngx_log_t *log);
static void ngx_http_notify_peer_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_notify_peer_addrs(ngx_http_notify_peer_t *peer,
    ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_notify_peer_get(ngx_peer_connection_t *pc,
    void *data);
static ngx_connection_t *ngx_http_notify_peer_take(
    ngx_http_notify_peer_t *peer);
static void ngx_http_notify_peer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static void ngx_http_notify_peer_failed(ngx_http_notify_peer_t *peer,
    ngx_peer_connection_t *pc);
static const char *ngx_http_notify_peer_error(ngx_http_notify_peer_t *peer);
static ngx_uint_t ngx_http_notify_peer_untrusted(ngx_http_notify_peer_t *peer,
    ngx_connection_t *c);
static ngx_int_t ngx_http_notify_peer_keep(ngx_http_notify_peer_t *peer,
    ngx_peer_connection_t *pc);
static void ngx_http_notify_peer_dummy(ngx_event_t *ev);
static void ngx_http_notify_peer_readable(ngx_event_t *ev);
static void ngx_http_notify_peer_expire(ngx_event_t *ev);
static void ngx_http_notify_peer_remove(ngx_http_notify_peer_idle_t *idle);
static void ngx_http_notify_peer_close(ngx_connection_t *c);
static ngx_int_t ngx_http_notify_peer_set_session(ngx_peer_connection_t *pc,
    void *data);
static ngx_int_t ngx_http_notify_peer_set_address(ngx_http_notify_peer_t *peer,
    ngx_connection_t *c);
static int ngx_http_notify_peer_verify(int ok, X509_STORE_CTX *store);
static void ngx_http_notify_peer_save_session(ngx_peer_connection_t *pc,
    void *data);


static struct {
    ngx_rbtree_t                   hosts;
    ngx_rbtree_node_t              sentinel;
    ngx_queue_t                    pools;
    ngx_resolver_t                *resolver;
    ngx_msec_t                     timeout;
} ngx_http_notify_peers;


void
ngx_http_notify_peer_init_process(ngx_http_core_loc_conf_t *clcf)
{
    ngx_rbtree_init(&ngx_http_notify_peers.hosts,
                    &ngx_http_notify_peers.sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&ngx_http_notify_peers.pools);

    ngx_http_notify_peers.resolver = clcf->resolver;
    ngx_http_notify_peers.timeout = clcf->resolver_timeout;

    if (ngx_http_notify_peers.timeout == NGX_CONF_UNSET_MSEC) {
        ngx_http_notify_peers.timeout = 30000;
    }
}


void
ngx_http_notify_peer_exit_process(void)
{
    ngx_queue_t                  *q, *next, *idles;
    ngx_http_notify_peer_idle_t  *idle;
    ngx_http_notify_peer_pool_t  *pool;

    for (q = ngx_queue_head(&ngx_http_notify_peers.pools);
         q != ngx_queue_sentinel(&ngx_http_notify_peers.pools);
         q = next)
    {
        next = ngx_queue_next(q);

        pool = ngx_queue_data(q, ngx_http_notify_peer_pool_t, queue);
        idles = &pool->idles;

        /* the pool goes with its last host */
        pool->hosts++;

        while (!ngx_queue_empty(idles)) {
            idle = ngx_queue_data(ngx_queue_head(idles),
                                  ngx_http_notify_peer_idle_t, all);
            ngx_http_notify_peer_remove(idle);
        }

        if (pool->event.timer_set) {
            ngx_del_timer(&pool->event);
        }

        if (--pool->hosts == 0) {
            ngx_queue_remove(&pool->queue);
            ngx_free(pool);
        }
    }
}


ngx_http_notify_peer_host_t *
ngx_http_notify_peer_host(const void *tag, ngx_uint_t keepalive,
    ngx_msec_t idle, const ngx_http_notify_guard_url_t *url, ngx_log_t *log)
{
    u_char                       *p, key[NGX_HTTP_NOTIFY_GUARD_URL_MAX + 32];
    uint32_t                      hash;
    ngx_str_t                     name;
    ngx_http_notify_peer_pool_t  *pool;
    ngx_http_notify_peer_host_t  *host;

    if (url->host.len > NGX_HTTP_NOTIFY_GUARD_URL_MAX) {
        return NULL;
    }

    p = ngx_cpymem(key, &tag, sizeof(void *));
    p = ngx_cpymem(p, &url->port, sizeof(in_port_t));
    *p++ = (u_char) (url->ssl != 0);
    ngx_strlow(p, url->host.data, url->host.len);

    name.data = key;
    name.len = p + url->host.len - key;

    hash = ngx_murmur_hash2(name.data, name.len);

    host = (ngx_http_notify_peer_host_t *)
               ngx_str_rbtree_lookup(&ngx_http_notify_peers.hosts, &name, hash);

    if (host) {
        host->refs++;
        return host;
    }

    pool = ngx_http_notify_peer_pool(tag, keepalive, idle, log);
    if (pool == NULL) {
        return NULL;
    }

    host = ngx_calloc(sizeof(ngx_http_notify_peer_host_t) + name.len, log);
    if (host == NULL) {
        if (pool->hosts == 0) {
            ngx_queue_remove(&pool->queue);
            ngx_free(pool);
        }

        return NULL;
    }

    host->node.node.key = hash;
    host->node.str.len = name.len;
    host->node.str.data = (u_char *) (host + 1);
    ngx_memcpy(host->node.str.data, name.data, name.len);

    host->pool = pool;
    host->refs = 1;
    ngx_queue_init(&host->idles);

    pool->hosts++;

    ngx_rbtree_insert(&ngx_http_notify_peers.hosts, &host->node.node);

    return host;
}


static ngx_http_notify_peer_pool_t *
ngx_http_notify_peer_pool(const void *tag, ngx_uint_t keepalive,
    ngx_msec_t idle, ngx_log_t *log)
{
    ngx_queue_t                  *q;
    ngx_http_notify_peer_pool_t  *pool;

    for (q = ngx_queue_head(&ngx_http_notify_peers.pools);
         q != ngx_queue_sentinel(&ngx_http_notify_peers.pools);
         q = ngx_queue_next(q))
    {
        pool = ngx_queue_data(q, ngx_http_notify_peer_pool_t, queue);

        if (pool->tag == tag) {
            return pool;
        }
    }

    pool = ngx_calloc(sizeof(ngx_http_notify_peer_pool_t), log);
    if (pool == NULL) {
        return NULL;
    }

    pool->tag = tag;
    pool->keepalive = keepalive;
    pool->idle = idle;

    ngx_queue_init(&pool->idles);

    pool->event.handler = ngx_http_notify_peer_expire;
    pool->event.data = pool;
    pool->event.log = ngx_cycle->log;
    pool->event.cancelable = 1;

    ngx_queue_insert_tail(&ngx_http_notify_peers.pools, &pool->queue);

    return pool;
}


void
ngx_http_notify_peer_host_release(ngx_http_notify_peer_host_t *host)
{
    ngx_http_notify_peer_pool_t  *pool;

    if (--host->refs) {
        return;
    }

    if (host->session) {
        ngx_ssl_free_session(host->session);
    }

    ngx_rbtree_delete(&ngx_http_notify_peers.hosts, &host->node.node);

    pool = host->pool;

    ngx_free(host);

    if (--pool->hosts) {
        return;
    }

    if (pool->event.timer_set) {
        ngx_del_timer(&pool->event);
    }

    ngx_queue_remove(&pool->queue);
    ngx_free(pool);
}


ngx_int_t
ngx_http_notify_peer_resolve(ngx_http_notify_peer_t *peer)
{
    ngx_resolver_ctx_t  *ctx;

    if (peer->url->literal) {
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
        return NGX_DECLINED;
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
            peer->detail.data = (u_char *) ngx_resolver_strerror(ctx->state);
            peer->detail.len = ngx_strlen(peer->detail.data);
        }

        return NGX_ERROR;
    }

    if (ngx_http_notify_guard_addrs(ctx->addrs, ctx->naddrs, peer->guard,
                                    &range)
        != NGX_OK)
    {
        peer->error = "address not allowed";
        peer->detail.data = (u_char *) range;
        peer->detail.len = ngx_strlen(range);

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

    if (peer->url->literal) {

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

    addr = &peer->addrs[peer->current];

    pc->name = (ngx_str_t *) &peer->url->authority;
    pc->sockaddr = addr->sockaddr;
    pc->socklen = addr->socklen;
    pc->connection = NULL;

    /* or upstream would grant a try of its own */
    pc->cached = 0;

    peer->idle = NULL;
    peer->cached = 0;
    peer->detached->err = 0;

    c = peer->fresh ? NULL : ngx_http_notify_peer_take(peer);

    if (c == NULL) {
        return NGX_OK;
    }

    c->idle = 0;
    c->sent = 0;
    c->data = NULL;
    c->log = pc->log;
    c->read->log = pc->log;
    c->write->log = pc->log;
    c->pool->log = pc->log;

    pc->connection = c;
    peer->cached = 1;

    return NGX_DONE;
}


/* an idle connection to one of the addresses that still stands, or NULL */

static ngx_connection_t *
ngx_http_notify_peer_take(ngx_http_notify_peer_t *peer)
{
    int                           n;
    char                          buf[1];
    ngx_uint_t                    i;
    ngx_queue_t                  *q, *next, *idles;
    ngx_connection_t             *c;
    ngx_http_notify_peer_idle_t  *idle;

    idles = &peer->host->idles;

    for (q = ngx_queue_head(idles); q != ngx_queue_sentinel(idles); q = next) {

        next = ngx_queue_next(q);

        idle = ngx_queue_data(q, ngx_http_notify_peer_idle_t, queue);
        c = idle->connection;

        for (i = 0; i < peer->naddrs; i++) {
            if (ngx_memn2cmp((u_char *) &idle->sockaddr,
                             (u_char *) peer->addrs[i].sockaddr,
                             idle->socklen, peer->addrs[i].socklen)
                == 0)
            {
                break;
            }
        }

        if (i == peer->naddrs) {
            continue;
        }

        /* closed meanwhile, or bytes that nobody asked for */

        n = recv(c->fd, buf, 1, MSG_PEEK);

        if (n != -1 || ngx_socket_errno != NGX_EAGAIN) {
            ngx_http_notify_peer_remove(idle);
            continue;
        }

        ngx_queue_remove(&idle->queue);
        ngx_queue_remove(&idle->all);

        idle->host->pool->n--;
        idle->host->refs--;                     /* the caller has another */

        ngx_reusable_connection(c, 0);

        peer->idle = idle;

        return c;
    }

    return NULL;
}


static void
ngx_http_notify_peer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_notify_peer_t *peer = data;

    pc->tries = 0;

    if (state & NGX_PEER_FAILED) {
        ngx_http_notify_peer_failed(peer, pc);
        return;
    }

    if (ngx_http_notify_peer_keep(peer, pc) == NGX_OK) {
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
    ngx_http_notify_answer_t  *a;

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

        if (peer->current + 1 < peer->naddrs) {
            peer->current++;
            pc->tries = 1;
            return;
        }

        peer->error = (c && c->write->timedout)
                          ? "connect timeout"
                          : ngx_http_notify_peer_error(peer);
        return;
    }

    if (c->read->timedout || c->write->timedout) {
        peer->error = "timeout";
        return;
    }

    if (c->read->eof && ngx_http_notify_answer_eof(a) == NGX_OK) {
        return;
    }

    if (peer->cached && a->header_bytes == 0 && a->interim == 0) {

        /* kept too long: nothing of an answer came, the event's id is kept */

        peer->fresh = 1;
        pc->tries = 1;
        return;
    }

    peer->error = c->read->eof ? "connection closed"
                               : ngx_http_notify_peer_error(peer);
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
        peer->detail.data = (u_char *) X509_verify_cert_error_string(rc);
        peer->detail.len = ngx_strlen(peer->detail.data);
        return 1;
    }

    if (c->ssl->handshaked) {
        ngx_str_set(&peer->detail, "hostname mismatch");
        return 1;
    }

    return 0;
}


/* NGX_OK: the connection is idle now; NGX_DECLINED: to be closed */

static ngx_int_t
ngx_http_notify_peer_keep(ngx_http_notify_peer_t *peer,
    ngx_peer_connection_t *pc)
{
    ngx_connection_t             *c;
    ngx_http_notify_peer_idle_t  *idle, *oldest;
    ngx_http_notify_peer_pool_t  *pool;

    c = pc->connection;
    pool = peer->host->pool;
    idle = peer->idle;

    peer->idle = NULL;

    if (c == NULL
        || !peer->upstream->keepalive
        || !peer->upstream->request_body_sent
        || c->read->eof
        || c->read->error
        || c->read->timedout
        || c->write->error
        || c->write->timedout
        || c->error
        || c->buffered
        || c->requests >= NGX_HTTP_NOTIFY_PEER_REQUESTS
        || ngx_current_msec - c->start_time > NGX_HTTP_NOTIFY_PEER_AGE
        || pool->keepalive == 0
        || ngx_terminate
        || ngx_exiting
        || ngx_handle_read_event(c->read, 0) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (idle == NULL) {
        idle = ngx_palloc(c->pool, sizeof(ngx_http_notify_peer_idle_t));
        if (idle == NULL) {
            return NGX_DECLINED;
        }

        idle->connection = c;
        idle->host = peer->host;
        idle->socklen = pc->socklen;
        ngx_memcpy(&idle->sockaddr, pc->sockaddr, pc->socklen);
    }

    if (pool->n >= pool->keepalive) {
        oldest = ngx_queue_data(ngx_queue_last(&pool->idles),
                                ngx_http_notify_peer_idle_t, all);
        ngx_http_notify_peer_remove(oldest);
    }

    idle->expires = ngx_current_msec + pool->idle;

    ngx_queue_insert_head(&peer->host->idles, &idle->queue);
    ngx_queue_insert_head(&pool->idles, &idle->all);

    pool->n++;
    peer->host->refs++;

    if (!pool->event.timer_set) {
        ngx_add_timer(&pool->event, pool->idle);
    }

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->write->handler = ngx_http_notify_peer_dummy;
    c->read->handler = ngx_http_notify_peer_readable;

    c->data = idle;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    ngx_reusable_connection(c, 1);

    if (c->read->ready) {
        ngx_http_notify_peer_readable(c->read);
    }

    return NGX_OK;
}


static void
ngx_http_notify_peer_dummy(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0, "notify peer dummy handler");
}


/* an idle connection: closed by the peer, by QUIT, or to free a slot */

static void
ngx_http_notify_peer_readable(ngx_event_t *ev)
{
    int                n;
    char               buf[1];
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close) {

        n = recv(c->fd, buf, 1, MSG_PEEK);

        if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
            ev->ready = 0;

            if (ngx_handle_read_event(c->read, 0) == NGX_OK) {
                return;
            }
        }
    }

    ngx_http_notify_peer_remove(c->data);
}


static void
ngx_http_notify_peer_expire(ngx_event_t *ev)
{
    ngx_queue_t                  *idles;
    ngx_msec_int_t                left;
    ngx_http_notify_peer_idle_t  *idle;
    ngx_http_notify_peer_pool_t  *pool;

    pool = ev->data;
    idles = &pool->idles;

    pool->hosts++;

    while (!ngx_queue_empty(idles)) {

        idle = ngx_queue_data(ngx_queue_last(idles),
                              ngx_http_notify_peer_idle_t, all);

        left = (ngx_msec_int_t) (idle->expires - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(ev, (ngx_msec_t) left);
            break;
        }

        ngx_http_notify_peer_remove(idle);
    }

    if (--pool->hosts == 0) {
        ngx_queue_remove(&pool->queue);
        ngx_free(pool);
    }
}


static void
ngx_http_notify_peer_remove(ngx_http_notify_peer_idle_t *idle)
{
    ngx_connection_t             *c;
    ngx_http_notify_peer_host_t  *host;

    c = idle->connection;
    host = idle->host;

    ngx_queue_remove(&idle->queue);
    ngx_queue_remove(&idle->all);

    host->pool->n--;

    ngx_http_notify_peer_close(c);              /* and idle is gone */

    ngx_http_notify_peer_host_release(host);
}


static void
ngx_http_notify_peer_close(ngx_connection_t *c)
{
    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        /* quiet, so it cannot be asked to wait */
        (void) ngx_ssl_shutdown(c);
    }

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}


static ngx_int_t
ngx_http_notify_peer_set_session(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_notify_peer_t *peer = data;

    if (peer->url->literal && peer->verify
        && ngx_http_notify_peer_set_address(peer, pc->connection) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (peer->host->session == NULL) {
        return NGX_OK;
    }

    return ngx_ssl_set_session(pc->connection, peer->host->session);
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

    if (session == NULL) {
        return;
    }

    if (peer->host->session) {
        ngx_ssl_free_session(peer->host->session);
    }

    peer->host->session = session;
}
