/*
 * The tail: one reader of the log and the change log a feed, for all
 * subscribers that keep up.  It waits on the trunk.
 */

#ifndef _NGX_HTTP_NOTIFY_TAIL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TAIL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


ngx_int_t ngx_http_notify_tail_init(ngx_http_notify_feed_t *feed);
/* also where no lease is left: the next one to join begins it anew */
void ngx_http_notify_tail_exit(ngx_http_notify_feed_t *feed);
/* Stops: what is under way follows a position that is void. */
void ngx_http_notify_tail_reset(ngx_http_notify_feed_t *feed);
/* whether a read is under way */
ngx_uint_t ngx_http_notify_tail_follows(const ngx_http_notify_feed_t *feed);

/* Reads on, unless a read is under way or all are busy. */
void ngx_http_notify_tail_read(ngx_http_notify_feed_t *feed);

/*
 * Leases whose positions are known join the tail, or read up to it first, once
 * the last one is loaded.
 */
void ngx_http_notify_tail_join(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_TAIL_H_INCLUDED_ */
