/*
 * Gauges of the engine: what a worker has of each channel, measured once a
 * second.  Each time a bounded number of subscribers is looked at.
 */

#ifndef _NGX_HTTP_NOTIFY_GAUGES_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_GAUGES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


void ngx_http_notify_gauges(ngx_http_notify_feed_t **feeds, ngx_uint_t n);


#endif /* _NGX_HTTP_NOTIFY_GAUGES_H_INCLUDED_ */
