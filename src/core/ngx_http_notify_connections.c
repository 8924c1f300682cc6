/*
 * Who is connected to what.  One static state a worker, from its start to its
 * exit.  Must not know what is said on a connection.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_connections.h"
#include "ngx_http_notify_log_replicas.h"


/* the tag of the keys that belong to no channel */
#define NGX_HTTP_NOTIFY_CONNECTIONS_KEY  "{once}"


typedef struct {
    ngx_http_notify_redis_t  *redis;
    ngx_http_notify_redis_t  *publishes;    /* NULL: the same */
} ngx_http_notify_connections_t;


static ngx_int_t ngx_http_notify_connections_shared(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf);
static ngx_int_t ngx_http_notify_connections_own(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, ngx_http_notify_channel_t *channel);
static ngx_http_notify_redis_conf_t *ngx_http_notify_connections_conf(
    ngx_cycle_t *cycle, ngx_http_notify_redis_conf_t *conf,
    const ngx_str_t *key);


static ngx_http_notify_connections_t  ngx_http_notify_connections;


ngx_int_t
ngx_http_notify_connections_init(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, ngx_array_t *channels)
{
    ngx_uint_t                   i;
    ngx_http_notify_channel_t  **channel;

    if (ngx_http_notify_connections_shared(cycle, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    channel = channels->elts;

    for (i = 0; i < channels->nelts; i++) {

        if (conf->cluster) {
            if (ngx_http_notify_connections_own(cycle, conf, channel[i])
                != NGX_OK)
            {
                return NGX_ERROR;
            }

        } else {
            channel[i]->store = conf;
            channel[i]->redis = ngx_http_notify_connections.redis;
            channel[i]->publishes = ngx_http_notify_connections.publishes
                                    ? ngx_http_notify_connections.publishes
                                    : ngx_http_notify_connections.redis;
        }

        channel[i]->hops = ngx_http_notify_hops_create(channel[i]->redis,
                                                       &channel[i]->keys);
        if (channel[i]->hops == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_connections_shared(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf)
{
    static ngx_str_t  key = ngx_string(NGX_HTTP_NOTIFY_CONNECTIONS_KEY);

    conf = ngx_http_notify_connections_conf(cycle, conf, &key);
    if (conf == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_connections.redis =
        ngx_http_notify_redis_create(cycle, conf, "commands", NULL, NULL);

    if (ngx_http_notify_connections.redis == NULL) {
        return NGX_ERROR;
    }

    if (conf->replicas == 0 || conf->cluster) {
        return NGX_OK;
    }

    ngx_http_notify_connections.publishes =
        ngx_http_notify_redis_create(cycle, conf, "publishes", NULL, NULL);

    if (ngx_http_notify_connections.publishes == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_log_replicas_use(
               ngx_http_notify_connections.publishes, conf->replicas,
               conf->timeout);
}


static ngx_int_t
ngx_http_notify_connections_own(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, ngx_http_notify_channel_t *channel)
{
    channel->store = ngx_http_notify_connections_conf(cycle, conf,
                                                      &channel->keys.prefix);
    if (channel->store == NULL) {
        return NGX_ERROR;
    }

    channel->redis = ngx_http_notify_redis_create(cycle, channel->store,
                                                  "commands", NULL, NULL);
    channel->publishes = channel->redis;

    if (channel->redis == NULL || conf->replicas == 0) {
        return channel->redis ? NGX_OK : NGX_ERROR;
    }

    channel->publishes = ngx_http_notify_redis_create(cycle, channel->store,
                                                      "publishes", NULL, NULL);
    if (channel->publishes == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_log_replicas_use(channel->publishes,
                                            conf->replicas, conf->timeout);
}


/* in a cluster with the slot of that key; lives as long as the worker */

static ngx_http_notify_redis_conf_t *
ngx_http_notify_connections_conf(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, const ngx_str_t *key)
{
    ngx_http_notify_redis_conf_t  *copy;

    if (!conf->cluster) {
        return conf;
    }

    copy = ngx_palloc(cycle->pool, sizeof(ngx_http_notify_redis_conf_t));
    if (copy == NULL) {
        return NULL;
    }

    *copy = *conf;
    copy->slot = ngx_http_notify_redis_slot(key);

    return copy;
}


void
ngx_http_notify_connections_exit(ngx_array_t *channels)
{
    ngx_uint_t                   i;
    ngx_http_notify_channel_t  **channel;

    ngx_http_notify_log_replicas_end();

    channel = channels->elts;

    for (i = 0; i < channels->nelts; i++) {

        /* those of a cluster are the channel's own */

        if (channel[i]->redis
            && channel[i]->redis != ngx_http_notify_connections.redis)
        {
            if (channel[i]->publishes
                && channel[i]->publishes != channel[i]->redis)
            {
                ngx_http_notify_redis_destroy(channel[i]->publishes);
            }

            ngx_http_notify_redis_destroy(channel[i]->redis);
        }

        channel[i]->redis = NULL;
        channel[i]->publishes = NULL;
    }

    if (ngx_http_notify_connections.publishes) {
        ngx_http_notify_redis_destroy(ngx_http_notify_connections.publishes);
        ngx_http_notify_connections.publishes = NULL;
    }

    if (ngx_http_notify_connections.redis) {
        ngx_http_notify_redis_destroy(ngx_http_notify_connections.redis);
        ngx_http_notify_connections.redis = NULL;
    }

    for (i = 0; i < channels->nelts; i++) {

        if (channel[i]->hops) {
            ngx_http_notify_hops_destroy(channel[i]->hops);
            channel[i]->hops = NULL;
        }
    }
}


ngx_http_notify_redis_t *
ngx_http_notify_connections_redis(void)
{
    return ngx_http_notify_connections.redis;
}
