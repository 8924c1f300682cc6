/*
 * Ownership of shards: claimed and renewed in one script, given back when
 * other workers come or this one leaves.
 */

#ifndef _NGX_HTTP_NOTIFY_OWNERSHIP_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OWNERSHIP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


void ngx_http_notify_ownership_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_ownership_exit(ngx_http_notify_feed_t *feed);

/* Redis is there (again): claim, with new epochs. */
void ngx_http_notify_ownership_claim(ngx_http_notify_feed_t *feed);
/* Forgets everything that was loaded: it will be read again. */
void ngx_http_notify_ownership_drop_all(ngx_http_notify_feed_t *feed);

/* The worker exits: calls end, commits are written, leases given back; sets
 * feed->left in the end. */
void ngx_http_notify_ownership_leave(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_OWNERSHIP_H_INCLUDED_ */
