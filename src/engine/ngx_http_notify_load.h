/*
 * Subscriptions come into the worker: all of a new lease's by one scan, later
 * ones by the change log.
 */

#ifndef _NGX_HTTP_NOTIFY_LOAD_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOAD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* Reads the subscriptions of all leases in the state SCAN, then their
 * cursors; they JOIN or READ afterwards. */
void ngx_http_notify_load_scan(ngx_http_notify_feed_t *feed);

/* Entries of subs:log: each names a subscription that was changed. */
void ngx_http_notify_load_changes(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_resp_t *entries);

/* The subscriber goes, and comes as what is in Redis. */
void ngx_http_notify_load_again(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_LOAD_H_INCLUDED_ */
