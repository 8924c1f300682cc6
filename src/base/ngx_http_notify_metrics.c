/*
 * Counters in a shared zone, found by channel name once when a worker starts
 * and by number from then on.  What has one writer needs no atomic operation:
 * gauges and histograms lie in places, one a worker in each set, which are
 * never freed, only taken over.  The zone outlives reloads of the same size.
 * Must not know what is counted.
 */

#include "ngx_http_notify_metrics.h"


#define NGX_HTTP_NOTIFY_METRICS_NAME  64        /* of a channel */
#define NGX_HTTP_NOTIFY_METRICS_EACH  2         /* histograms of a set */
#define NGX_HTTP_NOTIFY_METRICS_STALE 10000     /* ms without a beat */


typedef struct {
    ngx_atomic_t   buckets[NGX_HTTP_NOTIFY_METRICS_BUCKETS + 1];
    ngx_atomic_t   sum;
} ngx_http_notify_metrics_values_t;


/* odd: it is being written, or its writer was killed meanwhile */
typedef struct {
    ngx_atomic_t                         version;
    ngx_http_notify_metrics_exemplar_t   value;
} ngx_http_notify_metrics_kept_t;


/* written by the worker of that pid alone; a dead one's histograms stay */
typedef struct ngx_http_notify_metrics_place_s
    ngx_http_notify_metrics_place_t;

struct ngx_http_notify_metrics_place_s {
    ngx_http_notify_metrics_place_t   *next;
    ngx_atomic_t                       pid;     /* 0: nobody's */
    ngx_atomic_t                       beat;    /* ngx_current_msec, which all
                                                   processes count from the
                                                   same time */
    ngx_atomic_t                       gauges[NGX_HTTP_NOTIFY_METRICS_GAUGES];
    ngx_http_notify_metrics_values_t   values[NGX_HTTP_NOTIFY_METRICS_EACH];
    ngx_http_notify_metrics_kept_t
                                kept[NGX_HTTP_NOTIFY_METRICS_BUCKETS + 1];
};


typedef struct {
    ngx_atomic_t                       counters[NGX_HTTP_NOTIFY_METRICS_N];
    ngx_atomic_t                       calls[NGX_HTTP_NOTIFY_METRICS_CLASSES];
    ngx_http_notify_metrics_place_t   *places;
    size_t                             len;
    u_char                             name[NGX_HTTP_NOTIFY_METRICS_NAME];
} ngx_http_notify_metrics_set_t;


/* only ever grows: what a number stands for never changes */
typedef struct {
    ngx_http_notify_metrics_set_t      all;
    void                              *tenants;
    void                              *tokens;
    ngx_uint_t                         nsets;
    ngx_http_notify_metrics_set_t     *sets[NGX_HTTP_NOTIFY_METRICS_CHANNELS];
} ngx_http_notify_metrics_t;


static ngx_int_t ngx_http_notify_metrics_init(ngx_shm_zone_t *zone,
    void *data);
static ngx_atomic_t *ngx_http_notify_metrics_counter(ngx_int_t channel,
    ngx_http_notify_metrics_e counter);
static ngx_http_notify_metrics_set_t *ngx_http_notify_metrics_find(
    ngx_int_t channel);
static ngx_uint_t ngx_http_notify_metrics_bucket(
    ngx_http_notify_metrics_histogram_e histogram, uint64_t usec);
static ngx_uint_t ngx_http_notify_metrics_vacant(
    ngx_http_notify_metrics_place_t *place);


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
    "stuck",
    "hops",
    "lost",
    "unread",
    "skipped",
    "unregistered",
    "unheld",
    "pushFailed",
    "pushHeld",
    "pushNoNode",
    "pushNoDevice",
    "pushNoProvider",
    "noResolver",
    "limited",
    "crowded",
    "sessionsRefused",
    "failing",
    "erased",
    "segments",
    "compressed",
    "compressedBytes",
    "segmentBytes"
};


static const uint64_t
    ngx_http_notify_metrics_limits[NGX_HTTP_NOTIFY_METRICS_HISTOGRAMS]
                                  [NGX_HTTP_NOTIFY_METRICS_BUCKETS] =
{
    { 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000,
      1000000, 2000000, 5000000, 10000000, 30000000 },

    { 5000, 10000, 50000, 100000, 500000, 1000000, 5000000, 30000000,
      60000000, 300000000, 1800000000, 7200000000, 36000000000,
      86400000000 },

    { 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000,
      200000, 500000, 1000000 }
};


static ngx_shm_zone_t  *ngx_http_notify_metrics_attached;

/* of the worker */
static ngx_http_notify_metrics_place_t
    *ngx_http_notify_metrics_places[NGX_HTTP_NOTIFY_METRICS_CHANNELS + 1];


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


ngx_slab_pool_t *
ngx_http_notify_metrics_pool(void)
{
    return ngx_http_notify_metrics_attached
           ? (ngx_slab_pool_t *) ngx_http_notify_metrics_attached->shm.addr
           : NULL;
}


void **
ngx_http_notify_metrics_tenants(void)
{
    ngx_http_notify_metrics_t  *metrics;

    metrics = ngx_http_notify_metrics_attached->data;

    return &metrics->tenants;
}


void **
ngx_http_notify_metrics_tokens(void)
{
    ngx_http_notify_metrics_t  *metrics;

    metrics = ngx_http_notify_metrics_attached->data;

    return &metrics->tokens;
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


void
ngx_http_notify_metrics_call(ngx_int_t channel,
    ngx_http_notify_metrics_class_e class)
{
    ngx_http_notify_metrics_set_t  *set;

    set = ngx_http_notify_metrics_find(channel);

    if (set) {
        (void) ngx_atomic_fetch_add(&set->calls[class], 1);
    }
}


uint64_t
ngx_http_notify_metrics_calls(ngx_int_t channel,
    ngx_http_notify_metrics_class_e class)
{
    ngx_http_notify_metrics_set_t  *set;

    set = ngx_http_notify_metrics_find(channel);

    return set ? (uint64_t) set->calls[class] : 0;
}


static ngx_atomic_t *
ngx_http_notify_metrics_counter(ngx_int_t channel,
    ngx_http_notify_metrics_e counter)
{
    ngx_http_notify_metrics_set_t  *set;

    set = ngx_http_notify_metrics_find(channel);

    if (set == NULL || counter >= NGX_HTTP_NOTIFY_METRICS_N) {
        return NULL;
    }

    return &set->counters[counter];
}


/* sets are only added, so a number once given out needs no lock */
static ngx_http_notify_metrics_set_t *
ngx_http_notify_metrics_find(ngx_int_t channel)
{
    ngx_http_notify_metrics_t  *metrics;

    if (ngx_http_notify_metrics_attached == NULL
        || channel < 0
        || channel > NGX_HTTP_NOTIFY_METRICS_ALL)
    {
        return NULL;
    }

    metrics = ngx_http_notify_metrics_attached->data;

    if (channel == NGX_HTTP_NOTIFY_METRICS_ALL) {
        return &metrics->all;
    }

    return metrics->sets[channel];
}


const char *
ngx_http_notify_metrics_name(ngx_http_notify_metrics_e counter)
{
    if (counter >= NGX_HTTP_NOTIFY_METRICS_N) {
        return "";
    }

    return ngx_http_notify_metrics_names[counter];
}


ngx_int_t
ngx_http_notify_metrics_join(ngx_int_t channel)
{
    ngx_slab_pool_t                  *shpool;
    ngx_http_notify_metrics_set_t    *set;
    ngx_http_notify_metrics_place_t  *place;

    set = ngx_http_notify_metrics_find(channel);
    if (set == NULL) {
        return NGX_ERROR;
    }

    shpool = (ngx_slab_pool_t *) ngx_http_notify_metrics_attached->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    for (place = set->places; place; place = place->next) {
        if (ngx_http_notify_metrics_vacant(place)) {
            break;
        }
    }

    if (place == NULL) {
        place = ngx_slab_calloc_locked(shpool,
                                     sizeof(ngx_http_notify_metrics_place_t));
        if (place) {
            place->next = set->places;
            ngx_memory_barrier();
            set->places = place;
        }
    }

    if (place) {
        ngx_memzero((void *) place->gauges, sizeof(place->gauges));
        place->beat = ngx_current_msec;
        place->pid = ngx_pid;
    }

    ngx_shmtx_unlock(&shpool->mutex);

    ngx_http_notify_metrics_places[channel] = place;

    return place ? NGX_OK : NGX_ERROR;
}


/* a pid that another process has got meanwhile keeps the place from use */
static ngx_uint_t
ngx_http_notify_metrics_vacant(ngx_http_notify_metrics_place_t *place)
{
    return place->pid == 0
           || (kill((ngx_pid_t) place->pid, 0) == -1 && ngx_errno == ESRCH);
}


void
ngx_http_notify_metrics_leave(void)
{
    ngx_uint_t                        i;
    ngx_http_notify_metrics_place_t  *place;

    for (i = 0; i <= NGX_HTTP_NOTIFY_METRICS_ALL; i++) {
        place = ngx_http_notify_metrics_places[i];
        ngx_http_notify_metrics_places[i] = NULL;

        if (place) {
            ngx_memory_barrier();
            place->pid = 0;
        }
    }
}


void
ngx_http_notify_metrics_beat(void)
{
    ngx_uint_t                        i;
    ngx_http_notify_metrics_place_t  *place;

    for (i = 0; i <= NGX_HTTP_NOTIFY_METRICS_ALL; i++) {
        place = ngx_http_notify_metrics_places[i];

        if (place) {
            place->beat = ngx_current_msec;
        }
    }
}


void
ngx_http_notify_metrics_set(ngx_int_t channel,
    ngx_http_notify_metrics_gauge_e gauge, uint64_t value)
{
    ngx_http_notify_metrics_place_t  *place;

    if (channel < 0 || channel > NGX_HTTP_NOTIFY_METRICS_ALL) {
        return;
    }

    place = ngx_http_notify_metrics_places[channel];

    if (place) {
        place->gauges[gauge] = (ngx_atomic_uint_t) value;
    }
}


void
ngx_http_notify_metrics_observe(ngx_int_t channel,
    ngx_http_notify_metrics_histogram_e histogram, uint64_t usec)
{
    ngx_http_notify_metrics_place_t   *place;
    ngx_http_notify_metrics_values_t  *values;

    if (channel < 0 || channel > NGX_HTTP_NOTIFY_METRICS_ALL) {
        return;
    }

    place = ngx_http_notify_metrics_places[channel];

    if (place == NULL) {
        return;
    }

    values = &place->values[histogram % NGX_HTTP_NOTIFY_METRICS_EACH];

    values->buckets[ngx_http_notify_metrics_bucket(histogram, usec)]++;
    values->sum += (ngx_atomic_uint_t) usec;
}


static ngx_uint_t
ngx_http_notify_metrics_bucket(ngx_http_notify_metrics_histogram_e histogram,
    uint64_t usec)
{
    ngx_uint_t       i;
    const uint64_t  *bounds;

    bounds = ngx_http_notify_metrics_limits[histogram];

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_BUCKETS; i++) {
        if (usec <= bounds[i]) {
            break;
        }
    }

    return i;
}


/* "00-<trace id>-<parent id>-<flags>", the last flag is that of sampling */

void
ngx_http_notify_metrics_exemplify(ngx_int_t channel, uint64_t usec,
    const ngx_str_t *traceparent, uint64_t ms)
{
    u_char                           *p;
    ngx_int_t                         flags;
    ngx_uint_t                        i;
    ngx_http_notify_metrics_kept_t   *kept;
    ngx_http_notify_metrics_place_t  *place;

    if (traceparent->len < 55
        || channel < 0
        || channel > NGX_HTTP_NOTIFY_METRICS_ALL)
    {
        return;
    }

    p = traceparent->data;
    place = ngx_http_notify_metrics_places[channel];
    flags = ngx_hextoi(p + 53, 2);

    if (place == NULL || flags == NGX_ERROR || !(flags & 1)) {
        return;
    }

    kept = &place->kept[ngx_http_notify_metrics_bucket(
                                          NGX_HTTP_NOTIFY_METRICS_CALL, usec)];

    kept->version |= 1;
    ngx_memory_barrier();

    for (i = 0; i < 4; i++) {
        kept->value.trace[i] = (uint32_t) ngx_hextoi(p + 3 + 8 * i, 8);
    }

    kept->value.usec = usec;
    kept->value.time = ms;

    ngx_memory_barrier();
    kept->version++;
}


void
ngx_http_notify_metrics_exemplars(ngx_int_t channel,
    ngx_http_notify_metrics_exemplar_t *exemplars)
{
    ngx_uint_t                           i;
    ngx_atomic_uint_t                    version;
    ngx_http_notify_metrics_set_t       *set;
    ngx_http_notify_metrics_kept_t      *kept;
    ngx_http_notify_metrics_place_t     *place;
    ngx_http_notify_metrics_exemplar_t   value;

    ngx_memzero(exemplars, (NGX_HTTP_NOTIFY_METRICS_BUCKETS + 1)
                           * sizeof(ngx_http_notify_metrics_exemplar_t));

    set = ngx_http_notify_metrics_find(channel);

    for (place = set ? set->places : NULL; place; place = place->next) {

        for (i = 0; i <= NGX_HTTP_NOTIFY_METRICS_BUCKETS; i++) {
            kept = &place->kept[i];

            version = kept->version;
            ngx_memory_barrier();
            value = kept->value;
            ngx_memory_barrier();

            if (version == kept->version && !(version & 1)
                && value.time > exemplars[i].time)
            {
                exemplars[i] = value;
            }
        }
    }
}


uint64_t
ngx_http_notify_metrics_gauge(ngx_int_t channel,
    ngx_http_notify_metrics_gauge_e gauge)
{
    uint64_t                          value;
    ngx_http_notify_metrics_set_t    *set;
    ngx_http_notify_metrics_place_t  *place;

    value = 0;
    set = ngx_http_notify_metrics_find(channel);

    for (place = set ? set->places : NULL; place; place = place->next) {

        if (place->pid == 0
            || ngx_current_msec - (ngx_msec_t) place->beat
               > NGX_HTTP_NOTIFY_METRICS_STALE)
        {
            continue;
        }

        if (gauge == NGX_HTTP_NOTIFY_METRICS_LAG) {
            value = ngx_max(value, (uint64_t) place->gauges[gauge]);

        } else {
            value += place->gauges[gauge];
        }
    }

    return value;
}


void
ngx_http_notify_metrics_histogram(ngx_int_t channel,
    ngx_http_notify_metrics_histogram_e histogram,
    ngx_http_notify_metrics_histogram_t *values)
{
    ngx_uint_t                         i;
    ngx_http_notify_metrics_set_t     *set;
    ngx_http_notify_metrics_place_t   *place;
    ngx_http_notify_metrics_values_t  *own;

    ngx_memzero(values, sizeof(ngx_http_notify_metrics_histogram_t));

    set = ngx_http_notify_metrics_find(channel);

    for (place = set ? set->places : NULL; place; place = place->next) {
        own = &place->values[histogram % NGX_HTTP_NOTIFY_METRICS_EACH];

        for (i = 0; i <= NGX_HTTP_NOTIFY_METRICS_BUCKETS; i++) {
            values->buckets[i] += own->buckets[i];
        }

        values->sum += own->sum;
    }
}


const uint64_t *
ngx_http_notify_metrics_bounds(ngx_http_notify_metrics_histogram_e histogram)
{
    return ngx_http_notify_metrics_limits[histogram];
}
