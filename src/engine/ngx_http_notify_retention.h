/*
 * What is too old leaves the log, and some subscribers are too late for it.
 */

#ifndef _NGX_HTTP_NOTIFY_RETENTION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_RETENTION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* From now on what is older than the channel's `retention` goes. */
void ngx_http_notify_retention_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_retention_exit(ngx_http_notify_feed_t *feed);

/*
 * The log was read from there on, for the subscriber: has it been overtaken,
 * that is, does the log not reach back to its cursor any more?  Then it jumps.
 */
void ngx_http_notify_retention_overtaken(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_resp_t *resp, const ngx_http_notify_id_t *from);


#endif /* _NGX_HTTP_NOTIFY_RETENTION_H_INCLUDED_ */
