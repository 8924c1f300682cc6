/*
 * What came of deliveries goes to Redis: operations are collected at the
 * subscribers and written in fenced commits, one at a time for a shard.
 */

#ifndef _NGX_HTTP_NOTIFY_COMMIT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_COMMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* Writes what is dirty, as far as nothing of the same lease is in flight. */
void ngx_http_notify_commit(ngx_http_notify_feed_t *feed);

/* The positions move although nothing else has changed. */
void ngx_http_notify_commit_positions(ngx_http_notify_feed_t *feed);

/* Whether something of the lease is not yet known to be in Redis. */
ngx_uint_t ngx_http_notify_commit_pending(ngx_http_notify_lease_t *lease);

/* The lease, or the subscriber, goes: nothing more of it will be written. */
void ngx_http_notify_commit_forget(ngx_http_notify_lease_t *lease);
void ngx_http_notify_commit_forget_subscriber(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_COMMIT_H_INCLUDED_ */
