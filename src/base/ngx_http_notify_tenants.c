/*
 * Tenants in the zone: a tree by name, and a queue by when they were last seen,
 * whose end is forgotten where there is no room.  Under the zone's lock, for a
 * look-up and a few additions.
 */

#include "ngx_http_notify_tenants.h"


typedef struct {
    ngx_str_node_t             node;        /* the first member */
    ngx_queue_t                recent;
    size_t                     size;
    ngx_uint_t                 filled;      /* unsigned  filled:1; bucket */
    ngx_http_notify_bucket_t   bucket;
    uint64_t                   counters[NGX_HTTP_NOTIFY_METRICS_N];
    u_char                     name[1];
} ngx_http_notify_tenants_entry_t;


typedef struct {
    ngx_rbtree_t               tree;
    ngx_rbtree_node_t          sentinel;
    ngx_queue_t                recent;      /* the last one first */
    size_t                     size;        /* of all entries */
} ngx_http_notify_tenants_t;


static ngx_http_notify_tenants_entry_t *ngx_http_notify_tenants_find(
    ngx_int_t channel, const ngx_str_t *tenant, ngx_uint_t create);
static ngx_http_notify_tenants_t *ngx_http_notify_tenants_create(
    ngx_slab_pool_t *shpool);
static void ngx_http_notify_tenants_forget(ngx_slab_pool_t *shpool,
    ngx_http_notify_tenants_t *tenants);
static size_t ngx_http_notify_tenants_size(const ngx_str_t *tenant);


void
ngx_http_notify_tenants_add(ngx_int_t channel, const ngx_str_t *tenant,
    ngx_http_notify_metrics_e counter, ngx_uint_t n)
{
    ngx_http_notify_metrics_add(channel, counter, n);
    ngx_http_notify_tenants_count(channel, tenant, counter, n);
}


void
ngx_http_notify_tenants_count(ngx_int_t channel, const ngx_str_t *tenant,
    ngx_http_notify_metrics_e counter, ngx_uint_t n)
{
    ngx_slab_pool_t                  *shpool;
    ngx_http_notify_tenants_entry_t  *entry;

    shpool = ngx_http_notify_metrics_pool();

    if (tenant->len == 0 || n == 0 || shpool == NULL) {
        return;
    }

    ngx_shmtx_lock(&shpool->mutex);

    entry = ngx_http_notify_tenants_find(channel, tenant, 1);

    if (entry) {
        entry->counters[counter] += n;
    }

    ngx_shmtx_unlock(&shpool->mutex);
}


void
ngx_http_notify_tenants_flush(ngx_int_t channel, const ngx_str_t *tenant,
    ngx_uint_t *counts)
{
    ngx_uint_t                        i;
    ngx_slab_pool_t                  *shpool;
    ngx_http_notify_tenants_entry_t  *entry;

    shpool = ngx_http_notify_metrics_pool();

    if (shpool) {
        ngx_shmtx_lock(&shpool->mutex);

        entry = ngx_http_notify_tenants_find(channel, tenant, 1);

        for (i = 0; entry && i < NGX_HTTP_NOTIFY_METRICS_N; i++) {
            entry->counters[i] += counts[i];
        }

        ngx_shmtx_unlock(&shpool->mutex);
    }

    ngx_memzero(counts, NGX_HTTP_NOTIFY_METRICS_N * sizeof(ngx_uint_t));
}


void
ngx_http_notify_tenants_get(ngx_int_t channel, const ngx_str_t *tenant,
    uint64_t *counters)
{
    ngx_slab_pool_t                  *shpool;
    ngx_http_notify_tenants_entry_t  *entry;

    ngx_memzero(counters, NGX_HTTP_NOTIFY_METRICS_N * sizeof(uint64_t));

    shpool = ngx_http_notify_metrics_pool();

    if (shpool == NULL) {
        return;
    }

    ngx_shmtx_lock(&shpool->mutex);

    entry = ngx_http_notify_tenants_find(channel, tenant, 0);

    if (entry) {
        ngx_memcpy(counters, entry->counters, sizeof(entry->counters));
    }

    ngx_shmtx_unlock(&shpool->mutex);
}


ngx_msec_t
ngx_http_notify_tenants_take(ngx_int_t channel, const ngx_str_t *tenant,
    const ngx_http_notify_bucket_conf_t *conf, ngx_uint_t n)
{
    ngx_msec_t                        wait;
    ngx_slab_pool_t                  *shpool;
    ngx_http_notify_tenants_entry_t  *entry;

    shpool = ngx_http_notify_metrics_pool();

    if (conf->rate == 0 || shpool == NULL) {
        return 0;
    }

    wait = 0;

    ngx_shmtx_lock(&shpool->mutex);

    entry = ngx_http_notify_tenants_find(channel, tenant, 1);

    if (entry) {
        if (!entry->filled) {
            ngx_http_notify_bucket_init(&entry->bucket, conf, conf->burst);
            entry->filled = 1;
        }

        wait = ngx_http_notify_bucket_take_n(&entry->bucket, conf, n);
    }

    ngx_shmtx_unlock(&shpool->mutex);

    return wait;
}


/* NULL: not known, or no room in the zone */

static ngx_http_notify_tenants_entry_t *
ngx_http_notify_tenants_find(ngx_int_t channel, const ngx_str_t *tenant,
    ngx_uint_t create)
{
    size_t                            size;
    uint32_t                          hash;
    ngx_str_t                         name;
    ngx_slab_pool_t                  *shpool;
    ngx_http_notify_tenants_t        *tenants;
    ngx_http_notify_tenants_entry_t  *entry;

    shpool = ngx_http_notify_metrics_pool();
    tenants = ngx_http_notify_tenants_create(shpool);

    if (tenants == NULL || channel < 0) {
        return NULL;
    }

    name = *tenant;

    if (name.len == 0) {
        ngx_str_set(&name, "");
    }

    /* the same name has another hash in another channel */

    hash = ngx_crc32_long(name.data, name.len) ^ (uint32_t) channel;

    entry = (ngx_http_notify_tenants_entry_t *)
                ngx_str_rbtree_lookup(&tenants->tree, &name, hash);

    if (entry) {
        ngx_queue_remove(&entry->recent);
        ngx_queue_insert_head(&tenants->recent, &entry->recent);
        return entry;
    }

    if (!create) {
        return NULL;
    }

    size = ngx_http_notify_tenants_size(tenant);

    while (tenants->size + size > (size_t) (shpool->end - shpool->start) / 2
           && !ngx_queue_empty(&tenants->recent))
    {
        ngx_http_notify_tenants_forget(shpool, tenants);
    }

    entry = ngx_slab_calloc_locked(shpool, size);

    if (entry == NULL && !ngx_queue_empty(&tenants->recent)) {
        ngx_http_notify_tenants_forget(shpool, tenants);
        entry = ngx_slab_calloc_locked(shpool, size);
    }

    if (entry == NULL) {
        return NULL;
    }

    entry->node.node.key = hash;
    entry->node.str.len = name.len;
    entry->node.str.data = entry->name;
    entry->size = size;

    ngx_memcpy(entry->name, name.data, name.len);

    ngx_rbtree_insert(&tenants->tree, &entry->node.node);
    ngx_queue_insert_head(&tenants->recent, &entry->recent);

    tenants->size += size;

    return entry;
}


/* with the first tenant */

static ngx_http_notify_tenants_t *
ngx_http_notify_tenants_create(ngx_slab_pool_t *shpool)
{
    void                       **place;
    ngx_http_notify_tenants_t   *tenants;

    place = ngx_http_notify_metrics_tenants();

    if (*place == NULL) {
        tenants = ngx_slab_calloc_locked(shpool,
                                         sizeof(ngx_http_notify_tenants_t));
        if (tenants == NULL) {
            return NULL;
        }

        ngx_rbtree_init(&tenants->tree, &tenants->sentinel,
                        ngx_str_rbtree_insert_value);
        ngx_queue_init(&tenants->recent);

        *place = tenants;
    }

    return *place;
}


static void
ngx_http_notify_tenants_forget(ngx_slab_pool_t *shpool,
    ngx_http_notify_tenants_t *tenants)
{
    ngx_queue_t                      *q;
    ngx_http_notify_tenants_entry_t  *entry;

    q = ngx_queue_last(&tenants->recent);
    entry = ngx_queue_data(q, ngx_http_notify_tenants_entry_t, recent);

    ngx_queue_remove(q);
    ngx_rbtree_delete(&tenants->tree, &entry->node.node);
    tenants->size -= entry->size;

    ngx_slab_free_locked(shpool, entry);
}


/* as the slab allocates it */

static size_t
ngx_http_notify_tenants_size(const ngx_str_t *tenant)
{
    size_t  size, need;

    need = offsetof(ngx_http_notify_tenants_entry_t, name) + tenant->len;
    need = ngx_max(need, sizeof(ngx_http_notify_tenants_entry_t));

    for (size = 512; size < need; size *= 2) { /* void */ }

    return size;
}
