/*
 * `in_flight auto`: how many calls of a subscriber are under way at once
 * follows its endpoint.
 */

#ifndef _NGX_HTTP_NOTIFY_PACE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PACE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_delivery.h"


/* s->limit may be so much; the pace is kept unless `anew`, or is the limit
 * itself where the profile says so. */
void ngx_http_notify_pace_init(ngx_http_notify_subscriber_t *s,
    ngx_uint_t max, ngx_uint_t anew);

/* Another call would be made if the limit were higher. */
void ngx_http_notify_pace_reached(ngx_http_notify_subscriber_t *s);

/* What the call of a delivery came to. */
void ngx_http_notify_pace_result(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);


#endif /* _NGX_HTTP_NOTIFY_PACE_H_INCLUDED_ */
