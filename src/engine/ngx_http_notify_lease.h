/*
 * Ownership of buckets: claimed and renewed in one script, given back when
 * other workers come or this one leaves.
 */

#ifndef _NGX_HTTP_NOTIFY_LEASE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LEASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


#define NGX_HTTP_NOTIFY_LEASE_TTL     10000     /* milliseconds */
#define NGX_HTTP_NOTIFY_LEASE_RENEW   3000
#define NGX_HTTP_NOTIFY_LEASE_TRUST   7000      /* then nothing is started */
#define NGX_HTTP_NOTIFY_LEASE_LEAVE   60000     /* an exiting worker's most */
#define NGX_HTTP_NOTIFY_LEASE_ALONE   5000      /* the same without Redis */
#define NGX_HTTP_NOTIFY_LEASE_CLOSED  1000      /* and without calls */


ngx_int_t ngx_http_notify_lease_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_lease_exit(ngx_http_notify_feed_t *feed);

/* Redis is there (again): claim, with new epochs. */
void ngx_http_notify_lease_claim(ngx_http_notify_feed_t *feed);
/* Forgets everything that was loaded: it will be read again. */
void ngx_http_notify_lease_drop_all(ngx_http_notify_feed_t *feed);
void ngx_http_notify_lease_drop(ngx_http_notify_lease_t *lease);

/* 1 while the last renewal is recent enough to start calls */
ngx_uint_t ngx_http_notify_lease_trusted(ngx_http_notify_feed_t *feed);

/* The worker exits: calls end, commits are written, leases given back; sets
 * feed->left in the end. */
void ngx_http_notify_lease_leave(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_LEASE_H_INCLUDED_ */
