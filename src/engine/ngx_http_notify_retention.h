/*
 * How long the log is kept.  Knows nothing of who reads it.
 */

#ifndef _NGX_HTTP_NOTIFY_RETENTION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_RETENTION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* From now on what is older than the channel's `retention` goes. */
void ngx_http_notify_retention_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_retention_exit(ngx_http_notify_feed_t *feed);

/* Epoch ms: what is older leaves the log. */
uint64_t ngx_http_notify_retention_horizon(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_RETENTION_H_INCLUDED_ */
