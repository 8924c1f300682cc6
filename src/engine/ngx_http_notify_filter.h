/*
 * A subscription's `filter`: conditions on the members of an event, compiled
 * once, bounded in depth and size.
 */

#ifndef _NGX_HTTP_NOTIFY_FILTER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FILTER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"


#define NGX_HTTP_NOTIFY_FILTER_DEPTH  8
#define NGX_HTTP_NOTIFY_FILTER_NODES  256


typedef struct ngx_http_notify_filter_s  ngx_http_notify_filter_t;


/*
 * {"data.amount":{"$gte":100},"data.state":"open"} with $eq $ne $in $nin $gt
 * $gte $lt $lte $exists $prefix $and $or $not.  Paths begin with a member of
 * the call format, id, time, or an attribute.  NULL: memory (*reason NULL), or
 * not a filter: *reason is a phrase, *pointer a JSON pointer into it (pool).
 */
ngx_http_notify_filter_t *ngx_http_notify_filter_compile(ngx_pool_t *pool,
    const ngx_str_t *json, const char **reason, ngx_str_t *pointer);

/* whether the event fulfils it; an absent member fulfils only $ne, $nin,
 * $not and $exists false; numbers are compared exactly where both are int64 */
ngx_uint_t ngx_http_notify_filter_test(ngx_http_notify_filter_t *filter,
    const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_FILTER_H_INCLUDED_ */
