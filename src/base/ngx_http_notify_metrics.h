/*
 * Counters in shared memory: one set a channel, added to by all workers, never
 * reset while the zone lives.  Lock-free.  Names no channel and no URL.
 */

#ifndef _NGX_HTTP_NOTIFY_METRICS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_METRICS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_METRICS_CHANNELS  256


typedef enum {
    NGX_HTTP_NOTIFY_METRICS_PUBLISHED = 0,  /* events appended to the log */
    NGX_HTTP_NOTIFY_METRICS_REPEATED,       /* publishes that were there */
    NGX_HTTP_NOTIFY_METRICS_REFUSED,        /* invalid, full, unavailable */
    NGX_HTTP_NOTIFY_METRICS_MATCHED,        /* deliveries that came to be */
    NGX_HTTP_NOTIFY_METRICS_ATTEMPTS,       /* calls started */
    NGX_HTTP_NOTIFY_METRICS_DELIVERED,      /* attempts that succeeded */
    NGX_HTTP_NOTIFY_METRICS_FAILED,         /* attempts that did not */
    NGX_HTTP_NOTIFY_METRICS_BLOCKED,        /* of these: refused by the guard */
    NGX_HTTP_NOTIFY_METRICS_DEAD,           /* deliveries given up */
    NGX_HTTP_NOTIFY_METRICS_DROPPED,        /* breaker open with retry off */
    NGX_HTTP_NOTIFY_METRICS_EXPIRED,        /* overtaken by retention */
    NGX_HTTP_NOTIFY_METRICS_GONE,           /* subscriptions disabled by 410 */
    NGX_HTTP_NOTIFY_METRICS_OPENED,         /* breakers that opened */
    NGX_HTTP_NOTIFY_METRICS_FENCED,         /* commits refused: lease lost */
    NGX_HTTP_NOTIFY_METRICS_HOPS,           /* loops cut */
    NGX_HTTP_NOTIFY_METRICS_LOST,           /* captured, no room to wait */
    NGX_HTTP_NOTIFY_METRICS_UNREAD,         /* captured without their data */
    NGX_HTTP_NOTIFY_METRICS_N
} ngx_http_notify_metrics_e;


/* the shared zone "notify"; NULL after logging */
ngx_shm_zone_t *ngx_http_notify_metrics_zone(ngx_conf_t *cf, size_t size,
    void *tag);

/*
 * The zone that the functions below work on, when a worker starts: not while
 * the zone is initialised, for a reload may fail behind that, and the worker
 * that takes a dead one's place then has the old configuration's zone.
 */
void ngx_http_notify_metrics_attach(ngx_shm_zone_t *zone);

/* a number for each channel name, kept by name in the zone: the same in all
 * workers and over reloads; NGX_ERROR: more names than
 * NGX_HTTP_NOTIFY_METRICS_CHANNELS, or than the zone can hold */
ngx_int_t ngx_http_notify_metrics_channel(const ngx_str_t *name);

/* a number that is none (NGX_ERROR) counts nothing, and has counted nothing */
void ngx_http_notify_metrics_add(ngx_int_t channel,
    ngx_http_notify_metrics_e counter, ngx_uint_t n);
uint64_t ngx_http_notify_metrics_get(ngx_int_t channel,
    ngx_http_notify_metrics_e counter);
/* "published", "attempts", ...: as in stats */
const char *ngx_http_notify_metrics_name(ngx_http_notify_metrics_e counter);


#endif /* _NGX_HTTP_NOTIFY_METRICS_H_INCLUDED_ */
