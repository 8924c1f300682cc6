/*
 * Where a connection goes: to the addresses as they are configured, one after
 * the other, or to the master that the sentinel at such an address names.
 * Asked anew for each connection.  Must not know what the connection is for.
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 */

#include "ngx_http_notify_redis_internal.h"


static void ngx_http_notify_redis_route_master(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_redis_route_take(
    ngx_http_notify_redis_t *redis, const ngx_str_t *host,
    const ngx_str_t *port);


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

    redis->routed = (redis->conf->sentinel.len == 0);
}


/* to who was connected to, which is only asked */

ngx_int_t
ngx_http_notify_redis_route_ask(ngx_http_notify_redis_t *redis)
{
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "SENTINEL");
    ngx_str_set(&argv[1], "get-master-addr-by-name");
    argv[2] = redis->conf->sentinel;

    return ngx_http_notify_redis_queue_command(redis, argv, 3, 0,
                                     ngx_http_notify_redis_route_master, redis)
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_notify_redis_route_master(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redis_t *redis = data;

    ngx_http_notify_resp_t  *host, *port;

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

    if (ngx_http_notify_redis_route_take(redis, &host->str, &port->str)
        != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_SENTINEL, 0,
                                   "%V named \"%V\" port \"%V\", which is "
                                   "no address", redis->peer.name, &host->str,
                                   &port->str);
        return;
    }

    ngx_http_notify_redis_hop(redis);
}


/* NGX_DECLINED: not an address */

static ngx_int_t
ngx_http_notify_redis_route_take(ngx_http_notify_redis_t *redis,
    const ngx_str_t *host, const ngx_str_t *port)
{
    ngx_int_t                        n, rc;
    ngx_addr_t                       addr;
    ngx_pool_t                      *pool;
    ngx_http_notify_redis_target_t  *target;

    n = ngx_atoi(port->data, port->len);

    if (n < 1 || n > 65535 || host->len == 0
        || host->len > NGX_SOCKADDR_STRLEN)
    {
        return NGX_DECLINED;
    }

    pool = ngx_create_pool(NGX_MIN_POOL_SIZE, redis->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_parse_addr(pool, &addr, host->data, host->len);

    if (rc == NGX_OK) {
        target = &redis->target;

        ngx_inet_set_port(addr.sockaddr, (in_port_t) n);

        target->socklen = addr.socklen;
        ngx_memcpy(&target->sockaddr, addr.sockaddr, addr.socklen);

        target->name.data = target->text;
        target->name.len = ngx_sock_ntop(addr.sockaddr, addr.socklen,
                                         target->text, NGX_SOCKADDR_STRLEN, 1);

        target->host.len = host->len;
        target->host.data = target->address;
        ngx_memcpy(target->address, host->data, host->len);

        redis->routed = 1;
    }

    ngx_destroy_pool(pool);

    return rc;
}
