/*
 * What came of deliveries goes to Redis: operations are collected at the
 * subscribers and written in fenced commits, one at a time for a bucket.
 */

#ifndef _NGX_HTTP_NOTIFY_COMMIT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_COMMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


#define NGX_HTTP_NOTIFY_COMMIT_INTERVAL  10     /* milliseconds */
#define NGX_HTTP_NOTIFY_COMMIT_FIELDS    500    /* a script */


ngx_int_t ngx_http_notify_commit_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_commit_exit(ngx_http_notify_feed_t *feed);

/* Something is dirty: a commit follows within the interval, or, `now`, at the
 * end of this turn of the event loop. */
void ngx_http_notify_commit_soon(ngx_http_notify_feed_t *feed, ngx_uint_t now);

/* Operations, in order; NGX_ERROR: memory.  `known`: it is in the retry set. */
ngx_int_t ngx_http_notify_commit_retry(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, uint64_t due, ngx_uint_t attempts,
    uint64_t first, ngx_uint_t known);
ngx_int_t ngx_http_notify_commit_done(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t known);
/* reason: a static word, "exhausted", "gone", "expired", ... */
ngx_int_t ngx_http_notify_commit_dead(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, const char *reason, ngx_uint_t known);
/* the interval (from, to] was skipped */
/* the same of what the breaker has dropped, so far */
ngx_int_t ngx_http_notify_commit_dropped(ngx_http_notify_subscriber_t *s);
ngx_int_t ngx_http_notify_commit_gap(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to);
/* the interval (from, to] was redelivered by one who knows of the gaps up to
 * the one that ends at `last` */
ngx_int_t ngx_http_notify_commit_recovered(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to,
    const ngx_http_notify_id_t *last);
/* how far a redelivery is; NULL: it is done */
ngx_int_t ngx_http_notify_commit_replay(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place);

/*
 * What is on its way to the retry set: the ids are pushed to an array of
 * ngx_http_notify_id_t, unless that is NULL; by how many entries the set grows.
 */
ngx_int_t ngx_http_notify_commit_open(ngx_http_notify_subscriber_t *s,
    ngx_array_t *ids, ngx_int_t *more);
/* Whether that one is among these. */
ngx_uint_t ngx_http_notify_commit_covers(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);

/* The positions move although nothing else has changed. */
void ngx_http_notify_commit_positions(ngx_http_notify_feed_t *feed);

/* Whether something of the lease is not yet known to be in Redis. */
ngx_uint_t ngx_http_notify_commit_pending(ngx_http_notify_lease_t *lease);

/* The lease is no more: nothing of it will be written. */
void ngx_http_notify_commit_forget(ngx_http_notify_lease_t *lease);
void ngx_http_notify_commit_drop(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_COMMIT_H_INCLUDED_ */
