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

    return ngx_http_notify_redis_queue_setup(command);
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
                                         &host->str,
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

    ngx_str_t   host;
    ngx_uint_t  port;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_AUTH, 0,
                                   "%V is no node of a cluster: %V",
                                   redis->peer.name, &resp->str);
        return;
    }

    if (ngx_http_notify_redis_cluster_find(resp, redis->conf->slot, &host,
                                           &port)
        != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "%V knows nobody for slot %ui",
                                   redis->peer.name, redis->conf->slot);
        return;
    }

    /* one that does not know its own address leaves it out */

    if (host.len == 0) {
        ngx_inet_set_port(&redis->target.sockaddr.sockaddr, (in_port_t) port);
        ngx_http_notify_redis_route_named(&redis->target);

    } else if (ngx_http_notify_redis_route_take(&redis->target, &host, port,
                                                redis->log)
               != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SENTINEL, 0,
                                   "%V named \"%V\", which is no address",
                                   redis->peer.name, &host);
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


ngx_int_t
ngx_http_notify_redis_route_take(ngx_http_notify_redis_target_t *target,
    const ngx_str_t *host, ngx_int_t port, ngx_log_t *log)
{
    ngx_int_t    rc;
    ngx_addr_t   addr;
    ngx_pool_t  *pool;

    if (port < 1 || port > 65535
        || host->len == 0 || host->len > NGX_SOCKADDR_STRLEN)
    {
        return NGX_DECLINED;
    }

    pool = ngx_create_pool(NGX_MIN_POOL_SIZE, log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_parse_addr(pool, &addr, host->data, host->len);

    if (rc == NGX_OK) {
        ngx_inet_set_port(addr.sockaddr, (in_port_t) port);

        target->socklen = addr.socklen;
        ngx_memcpy(&target->sockaddr, addr.sockaddr, addr.socklen);

        target->host.len = host->len;
        target->host.data = target->address;
        ngx_memcpy(target->address, host->data, host->len);

        ngx_http_notify_redis_route_named(target);
    }

    ngx_destroy_pool(pool);

    return rc;
}
