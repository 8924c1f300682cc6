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
#define NGX_HTTP_NOTIFY_FILTER_STEPS  32


typedef struct ngx_http_notify_filter_s  ngx_http_notify_filter_t;


/*
 * {"data.amount":{"$gte":100},"data.state":"open"} with $eq $ne $in $nin $gt
 * $gte $lt $lte $exists $prefix $suffix $contains $and $or $not.  Paths begin
 * with a member of an event or an attribute.  NULL: memory (*reason NULL), or
 * not a filter: *reason is a phrase, *pointer a JSON pointer into it (pool).
 */
ngx_http_notify_filter_t *ngx_http_notify_filter_compile(ngx_pool_t *pool,
    const ngx_str_t *json, const char **reason, ngx_str_t *pointer);
/* the same for a new filter: conditions without a meaning are refused, too */
ngx_http_notify_filter_t *ngx_http_notify_filter_compile_new(ngx_pool_t *pool,
    const ngx_str_t *json, const char **reason, ngx_str_t *pointer);

/* the n-th name that is no member of every event, so an attribute, or NULL;
 * n is used up */
const ngx_str_t *ngx_http_notify_filter_attributes(
    const ngx_http_notify_filter_t *filter, ngx_uint_t *n);

/* whether the event fulfils it; an absent member fulfils only $ne, $nin,
 * $not and $exists false; numbers are compared by value, of any size */
ngx_uint_t ngx_http_notify_filter_match(ngx_http_notify_filter_t *filter,
    const ngx_http_notify_event_t *event);

/*
 * The n-th condition that each event that fulfils the filter must fulfil: that
 * entityID, entityTypeID or a value in data equals a string or a number.  NULL:
 * there are not so many.
 */
const ngx_http_notify_filter_t *ngx_http_notify_filter_key(
    const ngx_http_notify_filter_t *filter, ngx_uint_t n);
/* a copy of what it is about; memory of its own, freed by ngx_free() */
ngx_http_notify_filter_t *ngx_http_notify_filter_key_copy(
    const ngx_http_notify_filter_t *key, ngx_log_t *log);
/* whether two are about the same value */
ngx_uint_t ngx_http_notify_filter_key_same(const ngx_http_notify_filter_t *a,
    const ngx_http_notify_filter_t *b);
/* equal values have equal hashes */
uint32_t ngx_http_notify_filter_key_hash(const ngx_http_notify_filter_t *key);
/* of what an event has there; NGX_DECLINED: nothing that could be equal */
ngx_int_t ngx_http_notify_filter_key_find(const ngx_http_notify_filter_t *key,
    const ngx_http_notify_event_t *event, uint32_t *hash);


#endif /* _NGX_HTTP_NOTIFY_FILTER_H_INCLUDED_ */
