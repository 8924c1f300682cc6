/*
 * Reading the log: one blocking read a feed for all that keep up, ranges for
 * leases and subscribers that are behind.
 */

#ifndef _NGX_HTTP_NOTIFY_TAIL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TAIL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


ngx_int_t ngx_http_notify_tail_init(ngx_http_notify_feed_t *feed,
    ngx_http_notify_redis_conf_t *conf);
void ngx_http_notify_tail_exit(ngx_http_notify_feed_t *feed);

/* Reads on, unless a read is under way or nobody is hungry. */
void ngx_http_notify_tail_read(ngx_http_notify_feed_t *feed);

/* The lease's position is known: joins the tail, or reads up to it first. */
void ngx_http_notify_tail_join(ngx_http_notify_lease_t *lease);
/* The same for all that wait for the last one to be loaded. */
void ngx_http_notify_tail_start(ngx_http_notify_feed_t *feed);

/*
 * A subscriber that is behind reads on.  NGX_OK: from what others have read,
 * so its queue may have more now; NGX_AGAIN: it will be pumped.
 */
ngx_int_t ngx_http_notify_tail_behind(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_TAIL_H_INCLUDED_ */
