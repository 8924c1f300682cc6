/*
 * Ranges of the log, for leases and subscribers that are behind the tail.
 */

#ifndef _NGX_HTTP_NOTIFY_RANGE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_RANGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* A lease in the state READ reads up to the tail, and joins it. */
void ngx_http_notify_range_lease(ngx_http_notify_lease_t *lease);

/*
 * A subscriber that is behind reads on.  NGX_OK: from a page that is kept, so
 * its queue may have more now; NGX_AGAIN: it will be ready.
 */
ngx_int_t ngx_http_notify_range_read(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_RANGE_H_INCLUDED_ */
