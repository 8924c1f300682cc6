/*
 * A redelivery: an interval of the log delivered to one subscriber again, or
 * what it missed of it.  A place in the log and no list, so a million events
 * cost one key.
 */

#ifndef _NGX_HTTP_NOTIFY_REDELIVER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REDELIVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* Reads what was asked for, in replay:<id>, and begins. */
void ngx_http_notify_redeliver_load(ngx_http_notify_subscriber_t *s);

/*
 * Goes on, by one call at most.  NGX_OK: it is under way; NGX_AGAIN: there is
 * no room; NGX_DECLINED: there is no redelivery, or nothing of it to start now.
 */
ngx_int_t ngx_http_notify_redeliver_run(ngx_http_notify_subscriber_t *s);

/* What follows this place is on record as skipped now, and was not before. */
void ngx_http_notify_redeliver_skipped(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from);

void ngx_http_notify_redeliver_free(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_REDELIVER_H_INCLUDED_ */
