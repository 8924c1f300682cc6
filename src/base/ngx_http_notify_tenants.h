/*
 * What is counted of a tenant, and its token bucket, in the zone of the
 * metrics: the same for all workers, and over reloads.  The tenants seen last
 * are kept, in at most half of the zone.  Must not know what a tenant is.
 */

#ifndef _NGX_HTTP_NOTIFY_TENANTS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TENANTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_bucket.h"
#include "ngx_http_notify_metrics.h"


/* Counts for the channel and, unless it is the default one, for the tenant. */
void ngx_http_notify_tenants_add(ngx_int_t channel, const ngx_str_t *tenant,
    ngx_http_notify_metrics_e counter, ngx_uint_t n);

/* the same for the tenant alone: the channel's was counted elsewhere */
void ngx_http_notify_tenants_count(ngx_int_t channel, const ngx_str_t *tenant,
    ngx_http_notify_metrics_e counter, ngx_uint_t n);

/* NGX_HTTP_NOTIFY_METRICS_N numbers for the tenant alone, which become zero */
void ngx_http_notify_tenants_flush(ngx_int_t channel, const ngx_str_t *tenant,
    ngx_uint_t *counts);

/* all counters of a tenant, 0 where it is not known */
void ngx_http_notify_tenants_get(ngx_int_t channel, const ngx_str_t *tenant,
    uint64_t *counters);

/* Takes n tokens of the tenant's bucket and returns 0; or none, and the
 * milliseconds until it may have them. */
ngx_msec_t ngx_http_notify_tenants_take(ngx_int_t channel,
    const ngx_str_t *tenant, const ngx_http_notify_bucket_conf_t *conf,
    ngx_uint_t n);


#endif /* _NGX_HTTP_NOTIFY_TENANTS_H_INCLUDED_ */
