/*
 * One connection to Redis: connect, read, write.  Worker-local, lives until
 * destroyed, and as long as a callback is on the stack.  Does not know what the
 * commands mean, nor their senders.
 */

#include "ngx_http_notify_redis_internal.h"


#define NGX_HTTP_NOTIFY_REDIS_READ_SIZE     (16 * 1024)
#define NGX_HTTP_NOTIFY_REDIS_READ_MAX      32      /* reads a turn */


static void ngx_http_notify_redis_connect(ngx_http_notify_redis_t *redis);
static void ngx_http_notify_redis_connected(ngx_http_notify_redis_t *redis);
static void ngx_http_notify_redis_handshaken(ngx_connection_t *c);
static void ngx_http_notify_redis_established(ngx_http_notify_redis_t *redis);
static void ngx_http_notify_redis_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_http_notify_redis_read(ngx_http_notify_redis_t *redis,
    u_char *buf, size_t size);
static ngx_int_t ngx_http_notify_redis_answered(ngx_http_notify_redis_t *redis,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_redis_write_handler(ngx_event_t *wev);
static void ngx_http_notify_redis_timer_handler(ngx_event_t *ev);
static void ngx_http_notify_redis_post_handler(ngx_event_t *ev);


ngx_http_notify_redis_t *
ngx_http_notify_redis_create(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, const char *name,
    ngx_http_notify_redis_state_pt state, void *data)
{
    ngx_pool_t               *pool;
    ngx_http_notify_redis_t  *redis;

    pool = ngx_create_pool(NGX_MIN_POOL_SIZE + sizeof(ngx_http_notify_redis_t),
                           cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    redis = ngx_pcalloc(pool, sizeof(ngx_http_notify_redis_t));
    if (redis == NULL) {
        goto failed;
    }

    redis->conf = conf;
    redis->pool = pool;
    redis->log = cycle->log;
    redis->ident = (ngx_socket_t) -1;
    redis->name = name;

    /* nginx would log each failed attempt to connect by itself */
    redis->quiet = *cycle->log;

    if (redis->quiet.log_level < NGX_LOG_DEBUG) {
        redis->quiet.log_level = ngx_min(redis->quiet.log_level, NGX_LOG_ALERT);
    }

    redis->timer.handler = ngx_http_notify_redis_timer_handler;
    redis->timer.data = redis;
    redis->timer.log = cycle->log;
    redis->timer.cancelable = 1;

    redis->deadline.handler = ngx_http_notify_redis_fail_deadline;
    redis->deadline.data = redis;
    redis->deadline.log = cycle->log;
    redis->deadline.cancelable = 1;

    redis->again.handler = ngx_http_notify_redis_send_handler;
    redis->again.data = redis;
    redis->again.log = cycle->log;
    redis->again.cancelable = 1;

    redis->post.handler = ngx_http_notify_redis_post_handler;
    redis->post.data = redis;
    redis->post.log = cycle->log;

    ngx_http_notify_redis_queue_init(redis);

    ngx_cpystrn(redis->reason, (u_char *) "connecting", sizeof(redis->reason));

    if (ngx_array_init(&redis->listeners, pool, 2,
                       sizeof(ngx_http_notify_redis_listener_t))
        != NGX_OK)
    {
        goto failed;
    }

    if (state && ngx_http_notify_redis_on_state(redis, state, data) != NGX_OK) {
        goto failed;
    }

    if (ngx_http_notify_redis_sentinel_join(cycle, redis,
                                            ngx_http_notify_redis_create)
        != NGX_OK)
    {
        goto failed;
    }

    ngx_http_notify_redis_connect(redis);

    return redis;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


void
ngx_http_notify_redis_destroy(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_redis_t  *sentinel;

    if (redis->destroyed) {
        return;
    }

    redis->destroyed = 1;

    sentinel = ngx_http_notify_redis_sentinel_leave(redis);

    if (sentinel) {
        ngx_http_notify_redis_destroy(sentinel);
    }

    ngx_http_notify_redis_close(redis);

    ngx_http_notify_redis_queue_free(redis);

    redis->busy++;
    ngx_http_notify_redis_leave(redis);
}


ngx_int_t
ngx_http_notify_redis_on_state(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_state_pt state, void *data)
{
    ngx_http_notify_redis_listener_t  *listener;

    listener = ngx_array_push(&redis->listeners);
    if (listener == NULL) {
        return NGX_ERROR;
    }

    listener->handler = state;
    listener->data = data;

    return NGX_OK;
}


void
ngx_http_notify_redis_on_setup(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_state_pt handler, void *data)
{
    redis->opening.handler = handler;
    redis->opening.data = data;
}


ngx_uint_t
ngx_http_notify_redis_ready(ngx_http_notify_redis_t *redis)
{
    return redis->state == NGX_HTTP_NOTIFY_REDIS_READY;
}


ngx_uint_t
ngx_http_notify_redis_generation(ngx_http_notify_redis_t *redis)
{
    return ngx_http_notify_redis_ready(redis) ? redis->generation : 0;
}


const char *
ngx_http_notify_redis_reason(ngx_http_notify_redis_t *redis)
{
    return ngx_http_notify_redis_ready(redis) ? ""
                                              : (const char *) redis->reason;
}


ngx_uint_t
ngx_http_notify_redis_pending(ngx_http_notify_redis_t *redis)
{
    return redis->ncommands;
}


static void
ngx_http_notify_redis_connect(ngx_http_notify_redis_t *redis)
{
    ngx_int_t                        rc;
    ngx_err_t                        err;
    ngx_connection_t                *c;
    ngx_peer_connection_t           *pc;
    ngx_http_notify_redis_target_t  *target;

    ngx_http_notify_redis_route(redis);

    target = &redis->target;
    pc = &redis->peer;

    ngx_memzero(pc, sizeof(ngx_peer_connection_t));

    pc->sockaddr = &target->sockaddr.sockaddr;
    pc->socklen = target->socklen;
    pc->name = &target->name;
    pc->get = ngx_event_get_peer;
    pc->log = &redis->quiet;
    pc->log_error = NGX_ERROR_INFO;
    pc->so_keepalive = 1;

    redis->state = NGX_HTTP_NOTIFY_REDIS_CONNECTING;

    ngx_set_errno(0);

    rc = ngx_event_connect_peer(pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        err = ngx_errno;
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, err,
                                   "connect() to %V failed", &target->name);
        return;
    }

    c = pc->connection;

    c->data = redis;
    c->read->handler = ngx_http_notify_redis_read_handler;
    c->write->handler = ngx_http_notify_redis_write_handler;

    ngx_add_timer(&redis->timer, redis->conf->timeout);

    if (rc == NGX_OK) {

        /* a local socket; who has just created it has something to add */

        ngx_post_event(c->write, &ngx_posted_events);
    }
}


static void
ngx_http_notify_redis_connected(ngx_http_notify_redis_t *redis)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;

    c = redis->peer.connection;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, err,
                                   "connect() to %V failed", redis->peer.name);
        return;
    }

    if (redis->conf->ssl == NULL) {
        ngx_http_notify_redis_established(redis);
        return;
    }

    if (ngx_tcp_nodelay(c) != NGX_OK
        || ngx_http_notify_redis_ssl_begin(redis,
                                           ngx_http_notify_redis_handshaken)
           != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "TLS to %V cannot begin", redis->peer.name);
    }
}


static void
ngx_http_notify_redis_handshaken(ngx_connection_t *c)
{
    if (!c->ssl->handshaked) {
        ngx_http_notify_redis_ssl_failed(c);
        return;
    }

    ngx_http_notify_redis_established(c->data);
}


/* commands may be sent */
static void
ngx_http_notify_redis_established(ngx_http_notify_redis_t *redis)
{
    ngx_connection_t  *c;

    c = redis->peer.connection;

    c->read->handler = ngx_http_notify_redis_read_handler;
    c->write->handler = ngx_http_notify_redis_write_handler;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    redis->state = NGX_HTTP_NOTIFY_REDIS_SETUP;

    redis->parser = ngx_http_notify_resp_parser_create(redis->log);

    if (redis->parser == NULL
        || ngx_tcp_nodelay(c) != NGX_OK
        || ngx_handle_read_event(c->read, 0) != NGX_OK
        || (redis->routed ? ngx_http_notify_redis_setup(redis)
                          : ngx_http_notify_redis_route_ask(redis))
           != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "setting up of the connection failed");
    }
}


static void
ngx_http_notify_redis_read_handler(ngx_event_t *rev)
{
    u_char                    buf[NGX_HTTP_NOTIFY_REDIS_READ_SIZE];
    ngx_int_t                 rc;
    ngx_uint_t                n;
    ngx_connection_t         *c;
    ngx_http_notify_redis_t  *redis;

    c = rev->data;
    redis = c->data;

    if (c->close) {
        /* worker_shutdown_timeout */
        redis->stopped = 1;
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_EXITING, 0,
                                   "worker process is shutting down");
        return;
    }

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_CONNECTING) {
        ngx_http_notify_redis_connected(redis);

        if (redis->peer.connection == NULL) {
            return;
        }
    }

    redis->busy++;

    for (n = 0; n < NGX_HTTP_NOTIFY_REDIS_READ_MAX; n++) {
        rc = ngx_http_notify_redis_read(redis, buf, sizeof(buf));

        if (rc != NGX_OK) {
            break;
        }
    }

    if (n == NGX_HTTP_NOTIFY_REDIS_READ_MAX) {
        /* the others' turn */
        ngx_post_event(rev, &ngx_posted_next_events);
    }

    ngx_http_notify_redis_leave(redis);
}


/* NGX_AGAIN: nothing more to read; NGX_DONE: the connection is gone */
static ngx_int_t
ngx_http_notify_redis_read(ngx_http_notify_redis_t *redis, u_char *buf,
    size_t size)
{
    ssize_t                  n;
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_notify_resp_t  *resp;

    c = redis->peer.connection;

    n = c->recv(c, buf, size);

    if (n == NGX_AGAIN) {
        if (ngx_handle_read_event(c->read, 0) == NGX_OK) {
            return NGX_AGAIN;
        }

        n = NGX_ERROR;
    }

    if (n <= 0) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST,
                                   n ? ngx_socket_errno : 0, "%V %s",
                                   redis->peer.name,
                                   n ? "broke the connection"
                                     : "closed the connection");
        return NGX_DONE;
    }

    rc = ngx_http_notify_resp_parser_feed(redis->parser, buf, n);

    while (rc == NGX_OK) {

        rc = ngx_http_notify_resp_parser_next(redis->parser, &resp);

        if (rc != NGX_OK) {
            break;
        }

        rc = ngx_http_notify_redis_answered(redis, resp);
        ngx_http_notify_resp_free(resp);
    }

    if (rc == NGX_DONE) {
        return NGX_DONE;
    }

    if (redis->moving && redis->state == NGX_HTTP_NOTIFY_REDIS_READY
        && ngx_queue_empty(&redis->pending))
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "slot %ui has moved from %V",
                                   redis->conf->slot, redis->peer.name);
        return NGX_DONE;
    }

    if (rc == NGX_ERROR) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                         "bad answer of %V: %s", redis->peer.name,
                         ngx_http_notify_resp_parser_error(redis->parser));
        return NGX_DONE;
    }

    return NGX_OK;
}


/* NGX_DONE: the connection is gone */

static ngx_int_t
ngx_http_notify_redis_answered(ngx_http_notify_redis_t *redis,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                  partly;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_redis_queue_take(redis, &partly);

    if (command == NULL) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "%V sent an answer to no command",
                                   redis->peer.name);
        return NGX_DONE;
    }

    if (!redis->conf->cluster
        || ngx_http_notify_redis_send_again(command, resp) != NGX_OK)
    {
        ngx_http_notify_redis_queue_reply(command, resp);
    }

    if (redis->peer.connection == NULL) {
        return NGX_DONE;
    }

    if (partly) {
        /* the rest would be taken for the next command */

        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "%V answered a command that it had in part",
                                   redis->peer.name);
        return NGX_DONE;
    }

    return NGX_OK;
}


static void
ngx_http_notify_redis_write_handler(ngx_event_t *wev)
{
    ngx_connection_t         *c;
    ngx_http_notify_redis_t  *redis;

    c = wev->data;
    redis = c->data;

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_CONNECTING) {
        ngx_http_notify_redis_connected(redis);
        return;
    }

    if (ngx_http_notify_redis_queue_send(redis) != NGX_OK) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST,
                                   ngx_socket_errno, "sending to %V failed",
                                   redis->peer.name);
    }
}


static void
ngx_http_notify_redis_timer_handler(ngx_event_t *ev)
{
    ngx_http_notify_redis_t *redis = ev->data;

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_CONNECTING) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST,
                                   NGX_ETIMEDOUT, "connect() to %V failed",
                                   redis->peer.name);
        return;
    }

    ngx_http_notify_redis_connect(redis);
}


static void
ngx_http_notify_redis_post_handler(ngx_event_t *ev)
{
    ngx_http_notify_redis_t  *redis = ev->data;

    redis->busy++;
    ngx_http_notify_redis_queue_tell(redis);
    ngx_http_notify_redis_leave(redis);
}
