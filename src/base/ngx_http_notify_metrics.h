/*
 * What is counted and measured, in shared memory: one set a channel and one of
 * nginx as a whole.  Counters are added to by all workers; gauges and
 * histograms are each worker's own, and added up by who reads.  Never reset
 * while the zone lives.  Lock-free.  Names no channel and no URL.
 */

#ifndef _NGX_HTTP_NOTIFY_METRICS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_METRICS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_METRICS_CHANNELS  256
#define NGX_HTTP_NOTIFY_METRICS_BUCKETS   14    /* and one without a bound */

/* the number of the set that is no channel's */
#define NGX_HTTP_NOTIFY_METRICS_ALL  NGX_HTTP_NOTIFY_METRICS_CHANNELS


typedef enum {
    NGX_HTTP_NOTIFY_METRICS_PUBLISHED = 0,  /* events appended to the log */
    NGX_HTTP_NOTIFY_METRICS_REPEATED,       /* publishes that were there */
    NGX_HTTP_NOTIFY_METRICS_REFUSED,        /* invalid, full, unavailable */
    NGX_HTTP_NOTIFY_METRICS_MATCHED,        /* deliveries that came to be */
    NGX_HTTP_NOTIFY_METRICS_ATTEMPTS,       /* calls started */
    NGX_HTTP_NOTIFY_METRICS_DELIVERED,      /* attempts that succeeded */
    NGX_HTTP_NOTIFY_METRICS_FAILED,         /* attempts that did not, but for
                                               those without a resolver */
    NGX_HTTP_NOTIFY_METRICS_BLOCKED,        /* of these: refused by the guard */
    NGX_HTTP_NOTIFY_METRICS_DEAD,           /* deliveries given up */
    NGX_HTTP_NOTIFY_METRICS_DROPPED,        /* breaker open with retry off */
    NGX_HTTP_NOTIFY_METRICS_EXPIRED,        /* overtaken by retention */
    NGX_HTTP_NOTIFY_METRICS_GONE,           /* subscriptions disabled by 410 */
    NGX_HTTP_NOTIFY_METRICS_OPENED,         /* breakers that opened */
    NGX_HTTP_NOTIFY_METRICS_FENCED,         /* commits refused: lease lost */
    NGX_HTTP_NOTIFY_METRICS_STUCK,          /* buckets that Redis refused */
    NGX_HTTP_NOTIFY_METRICS_HOPS,           /* loops cut */
    NGX_HTTP_NOTIFY_METRICS_LOST,           /* captured, no room to wait */
    NGX_HTTP_NOTIFY_METRICS_UNREAD,         /* bodies that were no data */
    NGX_HTTP_NOTIFY_METRICS_SKIPPED,        /* sessions that are connected */
    NGX_HTTP_NOTIFY_METRICS_UNREGISTERED,   /* sessions that were to be */
    NGX_HTTP_NOTIFY_METRICS_UNHELD,         /* connections of sessions that
                                               are not taken for such */
    NGX_HTTP_NOTIFY_METRICS_PUSH_FAILED,    /* pushes dropped: the call */
    NGX_HTTP_NOTIFY_METRICS_PUSH_HELD,      /* the breaker was open */
    NGX_HTTP_NOTIFY_METRICS_PUSH_NO_NODE,   /* none alive in the group */
    NGX_HTTP_NOTIFY_METRICS_PUSH_NO_DEVICE, /* the session has none */
    NGX_HTTP_NOTIFY_METRICS_PUSH_NO_PROVIDER,   /* not configured */
    NGX_HTTP_NOTIFY_METRICS_NO_RESOLVER,    /* failed attempts: to a name */
    NGX_HTTP_NOTIFY_METRICS_LIMITED,        /* events above publish_rate */
    NGX_HTTP_NOTIFY_METRICS_CROWDED,        /* waits for tenant_share */
    NGX_HTTP_NOTIFY_METRICS_SESSIONS_REFUSED,   /* above sessions_max */
    NGX_HTTP_NOTIFY_METRICS_FAILING,        /* subscriptions disabled after
                                               disable_after */
    NGX_HTTP_NOTIFY_METRICS_ERASED,         /* events, by their DELETE */
    NGX_HTTP_NOTIFY_METRICS_SEGMENTS,       /* made of events of the log */
    NGX_HTTP_NOTIFY_METRICS_COMPRESSED,     /* events put into these, */
    NGX_HTTP_NOTIFY_METRICS_COMPRESSED_BYTES,   /* their bytes before */
    NGX_HTTP_NOTIFY_METRICS_SEGMENT_BYTES,  /* and after */
    NGX_HTTP_NOTIFY_METRICS_N
} ngx_http_notify_metrics_e;


/* how a call ended: what the endpoint answered, or why there is no answer */
typedef enum {
    NGX_HTTP_NOTIFY_METRICS_SUCCEEDED = 0,
    NGX_HTTP_NOTIFY_METRICS_2XX,            /* this and the next ones failed */
    NGX_HTTP_NOTIFY_METRICS_3XX,
    NGX_HTTP_NOTIFY_METRICS_4XX,
    NGX_HTTP_NOTIFY_METRICS_5XX,
    NGX_HTTP_NOTIFY_METRICS_TIMEOUT,
    NGX_HTTP_NOTIFY_METRICS_CONNECT,
    NGX_HTTP_NOTIFY_METRICS_DNS,
    NGX_HTTP_NOTIFY_METRICS_TLS,
    NGX_HTTP_NOTIFY_METRICS_GUARD,
    NGX_HTTP_NOTIFY_METRICS_PROXY,
    NGX_HTTP_NOTIFY_METRICS_UNRESOLVED,
    NGX_HTTP_NOTIFY_METRICS_TOKENLESS,
    NGX_HTTP_NOTIFY_METRICS_CLASSES
} ngx_http_notify_metrics_class_e;


/* what a worker has now */
typedef enum {
    /* of a channel */
    NGX_HTTP_NOTIFY_METRICS_SUBSCRIPTIONS = 0,  /* loaded */
    NGX_HTTP_NOTIFY_METRICS_QUEUED,         /* matched, in memory */
    NGX_HTTP_NOTIFY_METRICS_IN_FLIGHT,      /* deliveries */
    NGX_HTTP_NOTIFY_METRICS_RETRYING,       /* failed, waiting for a retry */
    NGX_HTTP_NOTIFY_METRICS_BEHIND,         /* subscriptions */
    NGX_HTTP_NOTIFY_METRICS_OPEN,           /* breakers */
    NGX_HTTP_NOTIFY_METRICS_LAG,            /* ms; the highest, not the sum */
    NGX_HTTP_NOTIFY_METRICS_OUTBOX,         /* events on their way to Redis */

    /* of all */
    NGX_HTTP_NOTIFY_METRICS_WORKERS,        /* 1 */
    NGX_HTTP_NOTIFY_METRICS_REDIS,          /* 1 when connected */
    NGX_HTTP_NOTIFY_METRICS_PENDING,        /* commands without an answer */
    NGX_HTTP_NOTIFY_METRICS_BYTES,          /* of all outboxes */
    NGX_HTTP_NOTIFY_METRICS_GAUGES
} ngx_http_notify_metrics_gauge_e;


typedef enum {
    NGX_HTTP_NOTIFY_METRICS_CALL = 0,       /* an attempt, of a channel */
    NGX_HTTP_NOTIFY_METRICS_DELAY,          /* publish to success, the same */
    NGX_HTTP_NOTIFY_METRICS_ROUND_TRIP,     /* a command of Redis, of all */
    NGX_HTTP_NOTIFY_METRICS_HISTOGRAMS
} ngx_http_notify_metrics_histogram_e;


/* each value in one bucket: of microseconds up to its bound, the last of any */
typedef struct {
    uint64_t       buckets[NGX_HTTP_NOTIFY_METRICS_BUCKETS + 1];
    uint64_t       sum;         /* microseconds */
} ngx_http_notify_metrics_histogram_t;


/* a call that a bucket has counted, for who wants to look at one */
typedef struct {
    uint32_t       trace[4];    /* the id of its trace */
    uint64_t       usec;        /* how long it took */
    uint64_t       time;        /* epoch ms; 0: there is none */
} ngx_http_notify_metrics_exemplar_t;


/* the shared zone "notify"; NULL after logging */
ngx_shm_zone_t *ngx_http_notify_metrics_zone(ngx_conf_t *cf, size_t size,
    void *tag);

/*
 * The zone that the functions below work on, when a worker starts: not while
 * the zone is initialised, for a reload may fail behind that, and the worker
 * that takes a dead one's place then has the old configuration's zone.
 */
void ngx_http_notify_metrics_attach(ngx_shm_zone_t *zone);

/* The zone's pool, or NULL: none is attached.  And places in it for what is
 * kept of tenants and of tokens, see there; under the pool's lock. */
ngx_slab_pool_t *ngx_http_notify_metrics_pool(void);
void **ngx_http_notify_metrics_tenants(void);
void **ngx_http_notify_metrics_tokens(void);

/* a number for each channel name, kept by name in the zone: the same in all
 * workers and over reloads; NGX_ERROR: more names than
 * NGX_HTTP_NOTIFY_METRICS_CHANNELS, or than the zone can hold */
ngx_int_t ngx_http_notify_metrics_channel(const ngx_str_t *name);

/* a number that is none (NGX_ERROR) counts nothing, and has counted nothing */
void ngx_http_notify_metrics_add(ngx_int_t channel,
    ngx_http_notify_metrics_e counter, ngx_uint_t n);
uint64_t ngx_http_notify_metrics_get(ngx_int_t channel,
    ngx_http_notify_metrics_e counter);
/* the same of calls, by class */
void ngx_http_notify_metrics_call(ngx_int_t channel,
    ngx_http_notify_metrics_class_e class);
uint64_t ngx_http_notify_metrics_calls(ngx_int_t channel,
    ngx_http_notify_metrics_class_e class);
/* "published", "attempts", ...: as in stats */
const char *ngx_http_notify_metrics_name(ngx_http_notify_metrics_e counter);


/*
 * A worker takes its place in a set when it starts, and leaves all of them when
 * it exits; the place of one that was killed is taken by the next.  NGX_ERROR:
 * the zone is full.  Gauges count for as long as _beat is called.
 */
ngx_int_t ngx_http_notify_metrics_join(ngx_int_t channel);
void ngx_http_notify_metrics_leave(void);
void ngx_http_notify_metrics_beat(void);

/* in a set that the worker is not in: nothing */
void ngx_http_notify_metrics_set(ngx_int_t channel,
    ngx_http_notify_metrics_gauge_e gauge, uint64_t value);
void ngx_http_notify_metrics_observe(ngx_int_t channel,
    ngx_http_notify_metrics_histogram_e histogram, uint64_t usec);

/* of the histogram of calls, the last one of each bucket: by a traceparent of
 * version 00 that says sampled, else nothing; ms: now */
void ngx_http_notify_metrics_exemplify(ngx_int_t channel, uint64_t usec,
    const ngx_str_t *traceparent, uint64_t ms);
/* the latest of all workers, one a bucket */
void ngx_http_notify_metrics_exemplars(ngx_int_t channel,
    ngx_http_notify_metrics_exemplar_t *exemplars);

/* of all workers */
uint64_t ngx_http_notify_metrics_gauge(ngx_int_t channel,
    ngx_http_notify_metrics_gauge_e gauge);
void ngx_http_notify_metrics_histogram(ngx_int_t channel,
    ngx_http_notify_metrics_histogram_e histogram,
    ngx_http_notify_metrics_histogram_t *values);
/* of the buckets, microseconds, ascending */
const uint64_t *ngx_http_notify_metrics_bounds(
    ngx_http_notify_metrics_histogram_e histogram);


#endif /* _NGX_HTTP_NOTIFY_METRICS_H_INCLUDED_ */
