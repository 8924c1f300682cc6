/*
 * Hosts: found once by who will call them, then at hand.  Idle connections are
 * closed by their peer, by age, by a newer one over the limit, when the worker
 * quits, and when it runs out of connections.
 */

#include "ngx_http_notify_host.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_HOST_SHORT  4096    /* bytes: less than is asked for */


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
} ngx_http_notify_host_pool_t;


struct ngx_http_notify_host_s {
    ngx_str_node_t                 node;        /* tag, port, scheme, host */
    ngx_http_notify_host_pool_t   *pool;
    ngx_queue_t                    idles;
    ngx_ssl_session_t             *session;
    ngx_uint_t                     refs;        /* targets, idle connections */
};


/* lives in the pool of its connection */
struct ngx_http_notify_host_idle_s {
    ngx_queue_t                    queue;       /* of the host */
    ngx_queue_t                    all;         /* of the pool */
    ngx_http_notify_host_t   *host;
    ngx_connection_t              *connection;
    ngx_msec_t                     expires;
    socklen_t                      socklen;
    ngx_sockaddr_t                 sockaddr;
};


static ngx_http_notify_host_pool_t *ngx_http_notify_host_pool(const void *tag,
    ngx_uint_t keepalive, ngx_msec_t idle, ngx_log_t *log);
static ngx_uint_t ngx_http_notify_host_usable(ngx_http_notify_host_t *host,
    ngx_connection_t *c);
#if (NGX_HAVE_EPOLLRDHUP)
static ssize_t ngx_http_notify_host_recv(ngx_connection_t *c, u_char *buf,
    size_t size);
#endif
static void ngx_http_notify_host_dummy(ngx_event_t *ev);
static ngx_uint_t ngx_http_notify_host_silent(ngx_connection_t *c);
static void ngx_http_notify_host_readable(ngx_event_t *ev);
static void ngx_http_notify_host_expire(ngx_event_t *ev);
static void ngx_http_notify_host_remove(ngx_http_notify_host_idle_t *idle);


static struct {
    ngx_rbtree_t                   tree;
    ngx_rbtree_node_t              sentinel;
    ngx_queue_t                    pools;
} ngx_http_notify_hosts;


void
ngx_http_notify_host_init_process(void)
{
    ngx_rbtree_init(&ngx_http_notify_hosts.tree,
                    &ngx_http_notify_hosts.sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&ngx_http_notify_hosts.pools);
}


void
ngx_http_notify_host_exit_process(void)
{
    ngx_queue_t                  *q, *next, *idles;
    ngx_http_notify_host_idle_t  *idle;
    ngx_http_notify_host_pool_t  *pool;

    for (q = ngx_queue_head(&ngx_http_notify_hosts.pools);
         q != ngx_queue_sentinel(&ngx_http_notify_hosts.pools);
         q = next)
    {
        next = ngx_queue_next(q);

        pool = ngx_queue_data(q, ngx_http_notify_host_pool_t, queue);
        idles = &pool->idles;

        /* the pool goes with its last host */
        pool->hosts++;

        while (!ngx_queue_empty(idles)) {
            idle = ngx_queue_data(ngx_queue_head(idles),
                                  ngx_http_notify_host_idle_t, all);
            ngx_http_notify_host_remove(idle);
        }

        ngx_http_notify_timer_stop(&pool->event);

        if (--pool->hosts == 0) {
            ngx_queue_remove(&pool->queue);
            ngx_free(pool);
        }
    }
}


ngx_http_notify_host_t *
ngx_http_notify_host_get(const void *tag, ngx_uint_t keepalive,
    ngx_msec_t idle, const ngx_http_notify_guard_url_t *url, ngx_log_t *log)
{
    u_char                       *p, key[NGX_HTTP_NOTIFY_GUARD_URL_MAX + 32];
    uint32_t                      hash;
    ngx_str_t                     name;
    ngx_http_notify_host_t       *host;
    ngx_http_notify_host_pool_t  *pool;

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

    host = (ngx_http_notify_host_t *)
               ngx_str_rbtree_lookup(&ngx_http_notify_hosts.tree, &name, hash);

    if (host) {
        host->refs++;
        return host;
    }

    pool = ngx_http_notify_host_pool(tag, keepalive, idle, log);
    if (pool == NULL) {
        return NULL;
    }

    host = ngx_calloc(sizeof(ngx_http_notify_host_t) + name.len, log);
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

    ngx_rbtree_insert(&ngx_http_notify_hosts.tree, &host->node.node);

    return host;
}


static ngx_http_notify_host_pool_t *
ngx_http_notify_host_pool(const void *tag, ngx_uint_t keepalive,
    ngx_msec_t idle, ngx_log_t *log)
{
    ngx_queue_t                  *q;
    ngx_http_notify_host_pool_t  *pool;

    for (q = ngx_queue_head(&ngx_http_notify_hosts.pools);
         q != ngx_queue_sentinel(&ngx_http_notify_hosts.pools);
         q = ngx_queue_next(q))
    {
        pool = ngx_queue_data(q, ngx_http_notify_host_pool_t, queue);

        if (pool->tag == tag) {
            return pool;
        }
    }

    pool = ngx_calloc(sizeof(ngx_http_notify_host_pool_t), log);
    if (pool == NULL) {
        return NULL;
    }

    pool->tag = tag;
    pool->keepalive = keepalive;
    pool->idle = idle;

    ngx_queue_init(&pool->idles);

    ngx_http_notify_timer_idle(&pool->event, ngx_http_notify_host_expire, pool,
                               ngx_cycle->log);

    ngx_queue_insert_tail(&ngx_http_notify_hosts.pools, &pool->queue);

    return pool;
}


void
ngx_http_notify_host_release(ngx_http_notify_host_t *host)
{
    ngx_http_notify_host_pool_t  *pool;

    if (--host->refs) {
        return;
    }

    if (host->session) {
        ngx_ssl_free_session(host->session);
    }

    ngx_rbtree_delete(&ngx_http_notify_hosts.tree, &host->node.node);

    pool = host->pool;

    ngx_free(host);

    if (--pool->hosts) {
        return;
    }

    ngx_http_notify_timer_stop(&pool->event);

    ngx_queue_remove(&pool->queue);
    ngx_free(pool);
}


ngx_ssl_session_t *
ngx_http_notify_host_session(ngx_http_notify_host_t *host)
{
    return host->session;
}


void
ngx_http_notify_host_set_session(ngx_http_notify_host_t *host,
    ngx_ssl_session_t *session)
{
    if (host->session) {
        ngx_ssl_free_session(host->session);
    }

    host->session = session;
}


ngx_connection_t *
ngx_http_notify_host_take(ngx_http_notify_host_t *host,
    const ngx_addr_t *addrs, ngx_uint_t naddrs, ngx_log_t *log,
    ngx_http_notify_host_idle_t **idlep)
{
    ngx_uint_t                    i;
    ngx_queue_t                  *q, *next;
    ngx_connection_t             *c;
    ngx_http_notify_host_idle_t  *idle;

    for (q = ngx_queue_head(&host->idles);
         q != ngx_queue_sentinel(&host->idles);
         q = next)
    {
        next = ngx_queue_next(q);

        idle = ngx_queue_data(q, ngx_http_notify_host_idle_t, queue);
        c = idle->connection;

        for (i = 0; i < naddrs; i++) {
            if (ngx_memn2cmp((u_char *) &idle->sockaddr,
                             (u_char *) addrs[i].sockaddr,
                             idle->socklen, addrs[i].socklen)
                == 0)
            {
                break;
            }
        }

        if (i == naddrs) {
            continue;
        }

        /*
         * Closed meanwhile, or bytes that nobody asked for.  The event loop
         * tells of it too, a turn later: who has kept a connection open
         * before is believed until then.
         */

        if (c->requests < 2 && !ngx_http_notify_host_silent(c)) {
            ngx_http_notify_host_remove(idle);
            continue;
        }

        ngx_queue_remove(&idle->queue);
        ngx_queue_remove(&idle->all);

        host->pool->n--;
        host->refs--;                           /* the caller has another */

        ngx_reusable_connection(c, 0);

        c->idle = 0;
        c->sent = 0;
        c->data = NULL;
        c->log = log;
        c->read->log = log;
        c->write->log = log;
        c->pool->log = log;

        *idlep = idle;

        return c;
    }

    return NULL;
}


ngx_msec_t
ngx_http_notify_host_rested(const ngx_http_notify_host_idle_t *idle)
{
    return ngx_current_msec - (idle->expires - idle->host->pool->idle);
}


ngx_int_t
ngx_http_notify_host_keep(ngx_http_notify_host_t *host, ngx_connection_t *c,
    ngx_http_notify_host_idle_t *idle, const struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_http_notify_host_idle_t  *oldest;
    ngx_http_notify_host_pool_t  *pool;

    pool = host->pool;

    if (!ngx_http_notify_host_usable(host, c)) {
        return NGX_DECLINED;
    }

    if (idle == NULL) {
        idle = ngx_palloc(c->pool, sizeof(ngx_http_notify_host_idle_t));
        if (idle == NULL) {
            return NGX_DECLINED;
        }

        idle->connection = c;
        idle->host = host;
        idle->socklen = socklen;
        ngx_memcpy(&idle->sockaddr, sockaddr, socklen);

#if (NGX_HAVE_EPOLLRDHUP)
        if (c->ssl && ngx_use_epoll_rdhup) {
            c->recv = ngx_http_notify_host_recv;
        }
#endif
    }

    if (pool->n >= pool->keepalive) {
        oldest = ngx_queue_data(ngx_queue_last(&pool->idles),
                                ngx_http_notify_host_idle_t, all);
        ngx_http_notify_host_remove(oldest);
    }

    idle->expires = ngx_current_msec + pool->idle;

    ngx_queue_insert_head(&host->idles, &idle->queue);
    ngx_queue_insert_head(&pool->idles, &idle->all);

    pool->n++;
    host->refs++;

    /* one timer for all: they expire in the order of the queue */

    ngx_http_notify_timer_start(&pool->event, pool->idle);

    /* the timer of reads stays: the next call sets it to much the same */

    ngx_http_notify_timer_stop(c->write);

    c->write->handler = ngx_http_notify_host_dummy;
    c->read->handler = ngx_http_notify_host_readable;

    c->data = idle;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    ngx_reusable_connection(c, 1);

    if (c->read->ready) {
        ngx_http_notify_host_readable(c->read);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_notify_host_usable(ngx_http_notify_host_t *host, ngx_connection_t *c)
{
    if (c->read->eof
        || c->read->error
        || c->read->timedout
        || c->write->error
        || c->write->timedout
        || c->error
        || c->close
        || c->buffered)
    {
        return 0;
    }

    if (c->requests >= NGX_HTTP_NOTIFY_HOST_REQUESTS
        || ngx_current_msec - c->start_time > NGX_HTTP_NOTIFY_HOST_AGE
        || host->pool->keepalive == 0)
    {
        return 0;
    }

    if (ngx_terminate || ngx_exiting) {
        return 0;
    }

    /* decrypted bytes behind an answer: recv() would not see them */

    if (c->ssl && SSL_pending(c->ssl->connection)) {
        return 0;
    }

    return ngx_handle_read_event(c->read, 0) == NGX_OK;
}


#if (NGX_HAVE_EPOLLRDHUP)

/*
 * nginx's own reads until the socket says that there is no more: twice for an
 * answer.  This takes it, as nginx does without TLS, from a read that got less
 * than it asked for.  Errors are nginx's to handle, and so is the first byte of
 * each record; the others are decrypted by then.
 */

static ssize_t
ngx_http_notify_host_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    int         n;
    BIO        *bio;
    size_t      got;
    ssize_t     rc;
    uint64_t    taken;
    ngx_uint_t  fresh;

    bio = SSL_get_rbio(c->ssl->connection);

    /*
     * Between records, with nothing left over, OpenSSL asks for as much as one
     * may be.  Within one, as after NGX_AGAIN, it asks for the rest of it, and
     * gets that whether or not there is more.
     */

    fresh = (c->ssl->last == NGX_OK && !SSL_has_pending(c->ssl->connection));
    taken = BIO_number_read(bio);

    got = 0;

    do {
        c->read->available = 1;     /* or it would ask for how much there is */

        rc = ngx_ssl_recv(c, buf + got, 1);

        if (rc != 1) {
            return got ? (ssize_t) got : rc;
        }

        got++;

        n = ngx_min((size_t) SSL_pending(c->ssl->connection), size - got);

        if (n > 0) {
            n = SSL_read(c->ssl->connection, buf + got, n);
            got += (n > 0) ? n : 0;
        }

    } while (got < size && SSL_has_pending(c->ssl->connection));

    taken = BIO_number_read(bio) - taken;

    /* what came behind a read that left nothing is an event of its own */

    if (fresh
        && !c->read->pending_eof
        && !SSL_has_pending(c->ssl->connection)
        && taken > 0 && taken < NGX_HTTP_NOTIFY_HOST_SHORT)
    {
        c->read->ready = 0;
    }

    return got;
}

#endif


static void
ngx_http_notify_host_dummy(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0, "notify host dummy");
}


static ngx_uint_t
ngx_http_notify_host_silent(ngx_connection_t *c)
{
    char  buf[1];

    return recv(c->fd, buf, 1, MSG_PEEK) == -1
           && ngx_socket_errno == NGX_EAGAIN;
}


/* an idle connection: closed by the peer, by QUIT, or to free a slot */

static void
ngx_http_notify_host_readable(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    /* a timer that an earlier call has left */
    ev->timedout = 0;

    if (!c->close && ngx_http_notify_host_silent(c)) {
        ev->ready = 0;

        if (ngx_handle_read_event(c->read, 0) == NGX_OK) {
            return;
        }
    }

    ngx_http_notify_host_remove(c->data);
}


static void
ngx_http_notify_host_expire(ngx_event_t *ev)
{
    ngx_queue_t                  *idles;
    ngx_msec_int_t                left;
    ngx_http_notify_host_idle_t  *idle;
    ngx_http_notify_host_pool_t  *pool;

    pool = ev->data;
    idles = &pool->idles;

    pool->hosts++;

    while (!ngx_queue_empty(idles)) {

        idle = ngx_queue_data(ngx_queue_last(idles),
                              ngx_http_notify_host_idle_t, all);

        left = (ngx_msec_int_t) (idle->expires - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(ev, (ngx_msec_t) left);
            break;
        }

        ngx_http_notify_host_remove(idle);
    }

    if (--pool->hosts == 0) {
        ngx_queue_remove(&pool->queue);
        ngx_free(pool);
    }
}


static void
ngx_http_notify_host_remove(ngx_http_notify_host_idle_t *idle)
{
    ngx_connection_t             *c;
    ngx_http_notify_host_t  *host;

    c = idle->connection;
    host = idle->host;

    ngx_queue_remove(&idle->queue);
    ngx_queue_remove(&idle->all);

    host->pool->n--;

    ngx_http_notify_host_close(c);              /* and idle is gone */

    ngx_http_notify_host_release(host);
}


void
ngx_http_notify_host_close(ngx_connection_t *c)
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
