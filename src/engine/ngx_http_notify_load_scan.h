/*
 * The subscriptions of new leases come into the worker by one scan.
 */

#ifndef _NGX_HTTP_NOTIFY_LOAD_SCAN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOAD_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


/* Reads the subscriptions of all leases in the state SCAN; their cursors
 * follow. */
void ngx_http_notify_load_scan(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_LOAD_SCAN_H_INCLUDED_ */
