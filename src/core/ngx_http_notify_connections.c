/*
 * Who is connected to what.  One static state a worker, from its start to its
 * exit.  Must not know what is said on a connection.
 */

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
static ngx_int_t ngx_http_notify_connections_part(ngx_cycle_t *cycle,
    ngx_http_notify_channel_t *part);
static void ngx_http_notify_connections_ask(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static void ngx_http_notify_connections_ask_all(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static ngx_http_notify_redis_conf_t *ngx_http_notify_connections_conf(
    ngx_cycle_t *cycle, ngx_http_notify_redis_conf_t *conf,
    const ngx_str_t *key);


static ngx_http_notify_connections_t  ngx_http_notify_connections;


ngx_int_t
ngx_http_notify_connections_init(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, ngx_array_t *parts)
{
    ngx_uint_t                   i;
    ngx_http_notify_channel_t  **part;

    if (ngx_http_notify_connections_shared(cycle, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    part = parts->elts;

    for (i = 0; i < parts->nelts; i++) {

        if (conf->cluster) {
            if (ngx_http_notify_connections_own(cycle, conf, part[i])
                != NGX_OK)
            {
                return NGX_ERROR;
            }

        } else {
            part[i]->store = conf;
            part[i]->redis = ngx_http_notify_connections.redis;
            part[i]->publishes = ngx_http_notify_connections.publishes
                                 ? ngx_http_notify_connections.publishes
                                 : ngx_http_notify_connections.redis;
        }

        if (ngx_http_notify_connections_part(cycle, part[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        if (conf->cluster) {
            ngx_http_notify_redis_on_setup(part[i]->redis,
                                           ngx_http_notify_connections_ask,
                                           part[i]);
        }
    }

    if (!conf->cluster) {
        ngx_http_notify_redis_on_setup(ngx_http_notify_connections.redis,
                                       ngx_http_notify_connections_ask_all,
                                       parts);
    }

    return NGX_OK;
}


/* hops are signed for the whole channel: by the key of its first partition */

static ngx_int_t
ngx_http_notify_connections_part(ngx_cycle_t *cycle,
    ngx_http_notify_channel_t *part)
{
    ngx_http_notify_channel_t    *first;
    ngx_http_notify_partition_t  *partition;

    first = part->parts[0];

    partition = ngx_pcalloc(cycle->pool, sizeof(ngx_http_notify_partition_t));
    if (partition == NULL) {
        return NGX_ERROR;
    }

    partition->channel = &part->name;
    partition->keys = part->keys;
    partition->redis = part->redis;
    partition->n = part->partitions;

    part->partition = partition;
    part->keys.open = &partition->open;

    partition->first = first->partition;

    if (part != first) {
        part->parts[part->part - 1]->partition->next = partition;
        part->hops = first->hops;
        return NGX_OK;
    }

    part->hops = ngx_http_notify_hops_create(part->redis, &part->keys);

    return part->hops ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_notify_connections_ask(ngx_http_notify_redis_t *redis, ngx_uint_t up,
    void *data)
{
    ngx_http_notify_channel_t *part = data;

    ngx_http_notify_partition_ask(part->partition);
}


static void
ngx_http_notify_connections_ask_all(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data)
{
    ngx_array_t *parts = data;

    ngx_uint_t                   i;
    ngx_http_notify_channel_t  **part;

    part = parts->elts;

    for (i = 0; i < parts->nelts; i++) {
        ngx_http_notify_partition_ask(part[i]->partition);
    }
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
               ngx_http_notify_connections.publishes, conf);
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

    return ngx_http_notify_log_replicas_use(channel->publishes, conf);
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
ngx_http_notify_connections_exit(ngx_array_t *parts)
{
    ngx_uint_t                   i;
    ngx_http_notify_channel_t  **part;

    ngx_http_notify_log_replicas_end();

    part = parts->elts;

    for (i = 0; i < parts->nelts; i++) {

        if (part[i]->partition) {
            ngx_http_notify_partition_leave(part[i]->partition);
        }

        /* those of a cluster are the partition's own */

        if (part[i]->redis
            && part[i]->redis != ngx_http_notify_connections.redis)
        {
            if (part[i]->publishes
                && part[i]->publishes != part[i]->redis)
            {
                ngx_http_notify_redis_destroy(part[i]->publishes);
            }

            ngx_http_notify_redis_destroy(part[i]->redis);
        }

        part[i]->redis = NULL;
        part[i]->publishes = NULL;
    }

    if (ngx_http_notify_connections.publishes) {
        ngx_http_notify_redis_destroy(ngx_http_notify_connections.publishes);
        ngx_http_notify_connections.publishes = NULL;
    }

    if (ngx_http_notify_connections.redis) {
        ngx_http_notify_redis_destroy(ngx_http_notify_connections.redis);
        ngx_http_notify_connections.redis = NULL;
    }

    for (i = 0; i < parts->nelts; i++) {

        if (part[i]->hops && part[i]->part == 0) {
            ngx_http_notify_hops_destroy(part[i]->hops);
        }

        part[i]->hops = NULL;
    }
}


ngx_http_notify_redis_t *
ngx_http_notify_connections_redis(void)
{
    return ngx_http_notify_connections.redis;
}
