/*
 * Counters in a shared zone, found by channel name once when a worker starts
 * and by number from then on.  The zone outlives reloads of the same size.
 * Must not know what is counted.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_metrics.h"


#define NGX_HTTP_NOTIFY_METRICS_NAME  64        /* of a channel */


typedef struct {
    ngx_atomic_t   counters[NGX_HTTP_NOTIFY_METRICS_N];
    size_t         len;
    u_char         name[NGX_HTTP_NOTIFY_METRICS_NAME];
} ngx_http_notify_metrics_set_t;


/* only ever grows: what a number stands for never changes */
typedef struct {
    ngx_uint_t                      nsets;
    ngx_http_notify_metrics_set_t  *sets[NGX_HTTP_NOTIFY_METRICS_CHANNELS];
} ngx_http_notify_metrics_t;


static ngx_int_t ngx_http_notify_metrics_init(ngx_shm_zone_t *zone,
    void *data);
static ngx_atomic_t *ngx_http_notify_metrics_counter(ngx_int_t channel,
    ngx_http_notify_metrics_e counter);


static const char  *ngx_http_notify_metrics_names[NGX_HTTP_NOTIFY_METRICS_N] =
{
    "published",
    "repeated",
    "refused",
    "matched",
    "attempts",
    "delivered",
    "failed",
    "blocked",
    "dead",
    "dropped",
    "expired",
    "gone",
    "opened",
    "fenced",
    "hops",
    "lost",
    "unread"
};


static ngx_shm_zone_t  *ngx_http_notify_metrics_attached;


ngx_shm_zone_t *
ngx_http_notify_metrics_zone(ngx_conf_t *cf, size_t size, void *tag)
{
    ngx_str_t        name = ngx_string("notify");
    ngx_shm_zone_t  *zone;

    zone = ngx_shared_memory_add(cf, &name, size, tag);
    if (zone == NULL) {
        return NULL;
    }

    zone->init = ngx_http_notify_metrics_init;

    return zone;
}


static ngx_int_t
ngx_http_notify_metrics_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t            *shpool;
    ngx_http_notify_metrics_t  *metrics;

    if (data) {
        zone->data = data;
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    if (zone->shm.exists) {
        zone->data = shpool->data;
        return NGX_OK;
    }

    metrics = ngx_slab_calloc(shpool, sizeof(ngx_http_notify_metrics_t));
    if (metrics == NULL) {
        return NGX_ERROR;
    }

    shpool->data = metrics;
    shpool->log_nomem = 0;

    zone->data = metrics;

    return NGX_OK;
}


void
ngx_http_notify_metrics_attach(ngx_shm_zone_t *zone)
{
    ngx_http_notify_metrics_attached = zone;
}


ngx_int_t
ngx_http_notify_metrics_channel(const ngx_str_t *name)
{
    ngx_int_t                       n;
    ngx_uint_t                      i;
    ngx_slab_pool_t                *shpool;
    ngx_http_notify_metrics_t      *metrics;
    ngx_http_notify_metrics_set_t  *set;

    if (ngx_http_notify_metrics_attached == NULL
        || name->len > NGX_HTTP_NOTIFY_METRICS_NAME)
    {
        return NGX_ERROR;
    }

    shpool = (ngx_slab_pool_t *) ngx_http_notify_metrics_attached->shm.addr;
    metrics = ngx_http_notify_metrics_attached->data;

    n = NGX_ERROR;

    ngx_shmtx_lock(&shpool->mutex);

    for (i = 0; i < metrics->nsets; i++) {
        set = metrics->sets[i];

        if (set->len == name->len
            && ngx_memcmp(set->name, name->data, name->len) == 0)
        {
            n = i;
            goto done;
        }
    }

    if (i == NGX_HTTP_NOTIFY_METRICS_CHANNELS) {
        goto done;
    }

    set = ngx_slab_calloc_locked(shpool,
                                 sizeof(ngx_http_notify_metrics_set_t));
    if (set == NULL) {
        goto done;
    }

    ngx_memcpy(set->name, name->data, name->len);
    set->len = name->len;

    metrics->sets[i] = set;
    metrics->nsets++;

    n = i;

done:

    ngx_shmtx_unlock(&shpool->mutex);

    return n;
}


void
ngx_http_notify_metrics_add(ngx_int_t channel,
    ngx_http_notify_metrics_e counter, ngx_uint_t n)
{
    ngx_atomic_t  *value;

    value = ngx_http_notify_metrics_counter(channel, counter);

    if (value) {
        (void) ngx_atomic_fetch_add(value, n);
    }
}


uint64_t
ngx_http_notify_metrics_get(ngx_int_t channel,
    ngx_http_notify_metrics_e counter)
{
    ngx_atomic_t  *value;

    value = ngx_http_notify_metrics_counter(channel, counter);

    return value ? (uint64_t) *value : 0;
}


/* sets are only added, so a number once given out needs no lock */
static ngx_atomic_t *
ngx_http_notify_metrics_counter(ngx_int_t channel,
    ngx_http_notify_metrics_e counter)
{
    ngx_http_notify_metrics_t  *metrics;

    if (ngx_http_notify_metrics_attached == NULL
        || channel < 0
        || channel >= NGX_HTTP_NOTIFY_METRICS_CHANNELS
        || counter >= NGX_HTTP_NOTIFY_METRICS_N)
    {
        return NULL;
    }

    metrics = ngx_http_notify_metrics_attached->data;

    if (metrics->sets[channel] == NULL) {
        return NULL;
    }

    return &metrics->sets[channel]->counters[counter];
}


const char *
ngx_http_notify_metrics_name(ngx_http_notify_metrics_e counter)
{
    if (counter >= NGX_HTTP_NOTIFY_METRICS_N) {
        return "";
    }

    return ngx_http_notify_metrics_names[counter];
}
