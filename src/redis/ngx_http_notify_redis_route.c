/*
 * Where a connection goes: to the addresses as they are configured, one after
 * the other; or to the master that the sentinel at such an address names, or to
 * the node that serves a slot of the cluster.  Asked anew for each connection.
 * Must not know what the connection is for.
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 */

#include "ngx_http_notify_redis_internal.h"


static void ngx_http_notify_redis_route_master(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_redis_route_resolve(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_redis_node_t *node);
static void ngx_http_notify_redis_route_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_http_notify_redis_route_take(
    ngx_http_notify_redis_target_t *target, const ngx_str_t *host,
    const ngx_str_t *address, ngx_int_t port, ngx_log_t *log);
static void ngx_http_notify_redis_route_named(
    ngx_http_notify_redis_target_t *target);
static void ngx_http_notify_redis_route_node(ngx_http_notify_resp_t *resp,
    void *data);


/* sets the target of the next connect */

void
ngx_http_notify_redis_route(ngx_http_notify_redis_t *redis)
{
    ngx_str_t                       *host;
    ngx_addr_t                      *addr;
    ngx_http_notify_redis_target_t  *target;

    if (redis->routed) {
        return;
    }

    addr = redis->conf->addrs->elts;
    addr += redis->addr;

    host = redis->conf->hosts->elts;
    host += redis->addr;

    target = &redis->target;

    target->socklen = addr->socklen;
    target->name = addr->name;
    target->host = *host;
    ngx_memcpy(&target->sockaddr, addr->sockaddr, addr->socklen);

    redis->routed = (redis->conf->sentinel.len == 0
                     && !redis->conf->cluster);
}


/* asks the server that is connected to */

ngx_int_t
ngx_http_notify_redis_route_ask(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_command_t  *command;

    if (redis->conf->cluster) {

        if (ngx_http_notify_redis_setup_login(redis) != NGX_OK) {
            return NGX_ERROR;
        }

        command = ngx_http_notify_command_start(redis, "CLUSTER",
                                             ngx_http_notify_redis_route_node,
                                             redis);
        ngx_http_notify_command_text(command, "SLOTS");

    } else {
        command = ngx_http_notify_command_start(redis, "SENTINEL",
                                           ngx_http_notify_redis_route_master,
                                           redis);
        ngx_http_notify_command_text(command, "get-master-addr-by-name");
        ngx_http_notify_command_arg(command, &redis->conf->sentinel);
    }

    return ngx_http_notify_redis_send_setup(command);
}


static void
ngx_http_notify_redis_route_master(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redis_t *redis = data;

    ngx_http_notify_resp_t          *host, *port;
    ngx_http_notify_redis_target_t   master;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_AUTH, 0,
                                   "the sentinel at %V refused: %V",
                                   redis->peer.name, &resp->str);
        return;
    }

    host = ngx_http_notify_resp_at(resp, 0);
    port = ngx_http_notify_resp_at(resp, 1);

    if (host == NULL || port == NULL) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SENTINEL, 0,
                                   "the sentinel at %V knows no master \"%V\"",
                                   redis->peer.name, &redis->conf->sentinel);
        return;
    }

    if (ngx_http_notify_redis_route_take(redis->named ? &master
                                                      : &redis->target,
                                         &host->str, &host->str,
                                         ngx_atoi(port->str.data,
                                                  port->str.len),
                                         redis->log)
        != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SENTINEL, 0,
                                   "%V named \"%V\" port \"%V\", which is "
                                   "no address", redis->peer.name, &host->str,
                                   &port->str);
        return;
    }

    if (redis->named) {
        redis->named(redis, &master);
        return;
    }

    redis->routed = 1;
    ngx_http_notify_redis_hop(redis);
}


static void
ngx_http_notify_redis_route_node(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redis_t *redis = data;

    ngx_int_t                     rc;
    ngx_http_notify_redis_node_t  node;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_AUTH, 0,
                                   "%V is no node of a cluster: %V",
                                   redis->peer.name, &resp->str);
        return;
    }

    if (ngx_http_notify_redis_cluster_find(resp, redis->conf->slot, &node)
        != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "%V knows nobody for slot %ui",
                                   redis->peer.name, redis->conf->slot);
        return;
    }

    if (node.address.len == 0) {

        /* one that does not know its own address leaves it out */

        ngx_inet_set_port(&redis->target.sockaddr.sockaddr,
                          (in_port_t) node.port);
        ngx_http_notify_redis_route_named(&redis->target);
        rc = NGX_OK;

    } else {
        rc = ngx_http_notify_redis_route_take(&redis->target, &node.host,
                                              &node.address, node.port,
                                              redis->log);
    }

    if (rc == NGX_OK) {
        redis->routed = 1;
        ngx_http_notify_redis_hop(redis);
        return;
    }

    if (ngx_http_notify_redis_route_resolve(redis, &node) != NGX_OK) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SENTINEL, 0,
                                   "%V named \"%V\", which is no address, and "
                                   "there is no resolver",
                                   redis->peer.name, &node.host);
    }
}


/* NGX_OK: the handler is called, maybe it was */

static ngx_int_t
ngx_http_notify_redis_route_resolve(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_redis_node_t *node)
{
    ngx_resolver_ctx_t              *ctx;
    ngx_http_notify_redis_target_t  *target;

    if (redis->conf->resolver == NULL
        || node->host.len > NGX_HTTP_NOTIFY_REDIS_NAME_MAX)
    {
        return NGX_DECLINED;
    }

    ctx = ngx_resolve_start(redis->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        return NGX_DECLINED;
    }

    target = &redis->target;

    target->host.len = node->host.len;
    target->host.data = target->hostname;
    ngx_memcpy(target->hostname, node->host.data, node->host.len);
    ngx_inet_set_port(&target->sockaddr.sockaddr, (in_port_t) node->port);

    ctx->name = target->host;
    ctx->handler = ngx_http_notify_redis_route_resolved;
    ctx->data = redis;
    ctx->timeout = redis->conf->timeout;

    redis->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        redis->resolving = NULL;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_http_notify_redis_route_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_http_notify_redis_t *redis = ctx->data;

    in_port_t                        port;
    ngx_int_t                        state;
    ngx_http_notify_redis_target_t  *target;

    target = &redis->target;
    state = ctx->state;

    if (state == NGX_OK && ctx->naddrs) {
        port = ngx_inet_get_port(&target->sockaddr.sockaddr);

        target->socklen = ctx->addrs[0].socklen;
        ngx_memcpy(&target->sockaddr, ctx->addrs[0].sockaddr, target->socklen);
        ngx_inet_set_port(&target->sockaddr.sockaddr, port);
        ngx_http_notify_redis_route_named(target);
    }

    redis->resolving = NULL;
    ngx_resolve_name_done(ctx);

    if (state != NGX_OK) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SENTINEL, 0,
                                   "%V named \"%V\": %s", redis->peer.name,
                                   &target->host, ngx_resolver_strerror(state));
        return;
    }

    redis->routed = 1;
    ngx_http_notify_redis_hop(redis);
}


static void
ngx_http_notify_redis_route_named(ngx_http_notify_redis_target_t *target)
{
    target->name.data = target->text;
    target->name.len = ngx_sock_ntop(&target->sockaddr.sockaddr,
                                     target->socklen, target->text,
                                     NGX_SOCKADDR_STRLEN, 1);
}


/* what a sentinel or a node names; NGX_DECLINED: not an address */

static ngx_int_t
ngx_http_notify_redis_route_take(ngx_http_notify_redis_target_t *target,
    const ngx_str_t *host, const ngx_str_t *address, ngx_int_t port,
    ngx_log_t *log)
{
    ngx_int_t    rc;
    ngx_addr_t   addr;
    ngx_pool_t  *pool;

    if (port < 1 || port > 65535
        || host->len == 0 || host->len > NGX_HTTP_NOTIFY_REDIS_NAME_MAX)
    {
        return NGX_DECLINED;
    }

    pool = ngx_create_pool(NGX_MIN_POOL_SIZE, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_parse_addr(pool, &addr, address->data, address->len);

    if (rc == NGX_OK) {
        ngx_inet_set_port(addr.sockaddr, (in_port_t) port);

        target->socklen = addr.socklen;
        ngx_memcpy(&target->sockaddr, addr.sockaddr, addr.socklen);

        target->host.len = host->len;
        target->host.data = target->hostname;
        ngx_memcpy(target->hostname, host->data, host->len);

        ngx_http_notify_redis_route_named(target);
    }

    ngx_destroy_pool(pool);

    return rc;
}
