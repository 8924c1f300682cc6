/*
 * What a tenant may take of a channel: the rate of its events, its part of a
 * worker's calls, the number of its sessions.
 */

#ifndef _NGX_HTTP_NOTIFY_LIMITS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LIMITS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_share.h"


/*
 * Takes n events of the tenant's publish_rate: 0, or the milliseconds until so
 * many may come (all of them, or none, is taken).  Those refused are counted,
 * and a line in the log says so, once in ten seconds.
 */
ngx_msec_t ngx_http_notify_limits_publish(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *tenant,
    ngx_uint_t n);

/* of this worker; NULL: memory */
ngx_http_notify_share_t *ngx_http_notify_limits_share(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *tenant);


#endif /* _NGX_HTTP_NOTIFY_LIMITS_H_INCLUDED_ */
