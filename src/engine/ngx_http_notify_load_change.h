/*
 * The change log: subscriptions of leased shards come, change and go.
 */

#ifndef _NGX_HTTP_NOTIFY_LOAD_CHANGE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOAD_CHANGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* Entries of subs:log: each names a subscription that was changed. */
void ngx_http_notify_load_change(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_resp_t *entries);

/* The subscriber goes, and comes as what is in Redis. */
void ngx_http_notify_load_change_again(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_LOAD_CHANGE_H_INCLUDED_ */
