/*
 * The sync subscriptions of a channel, as a worker knows them: which one is
 * asked about an event.  Loaded from Redis when the change log says so, checked
 * against its version counter, never written.  Lives until the worker exits.
 */

#ifndef _NGX_HTTP_NOTIFY_SYNC_REGISTRY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SYNC_REGISTRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_redis.h"
#include "ngx_http_notify_sync_index.h"


typedef struct ngx_http_notify_sync_registry_s  ngx_http_notify_sync_registry_t;


/* The channel's, made at the first call; NULL: memory. */
ngx_http_notify_sync_registry_t *ngx_http_notify_sync_registry_open(
    ngx_http_notify_channel_t *channel);
/* From now on it is kept fresh, without being asked. */
ngx_int_t ngx_http_notify_sync_registry_follow(
    ngx_http_notify_sync_registry_t *claims);

/*
 * Whether any subscription is asked about events of that name; takes no time
 * where none is.  NGX_DECLINED: none is; NGX_ERROR: not loaded, or not checked
 * for more than 10 seconds.
 */
ngx_int_t ngx_http_notify_sync_registry_any(
    ngx_http_notify_sync_registry_t *claims, const ngx_str_t *tenant,
    const ngx_str_t *type);
/* the one that is asked about this event; NULL: there is none */
ngx_http_notify_claim_t *ngx_http_notify_sync_registry_find(
    ngx_http_notify_sync_registry_t *claims,
    const ngx_http_notify_event_t *event);

/*
 * For callers that can wait: the handler is called once, never inside, when
 * what is known is what Redis had after this call (NGX_OK), or when Redis does
 * not say (NGX_ERROR).  Returns NGX_ERROR without memory: not called then.
 */
typedef void (*ngx_http_notify_sync_registry_pt)(ngx_int_t rc, void *data);

ngx_int_t ngx_http_notify_sync_registry_refresh(
    ngx_http_notify_sync_registry_t *claims,
    ngx_http_notify_sync_registry_pt handler, void *data);

/*
 * The same, where a gate of this worker asks them: NGX_DECLINED where none
 * does.
 */
ngx_int_t ngx_http_notify_sync_registry_settle(
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_sync_registry_pt handler, void *data);

/* the change log of subscriptions is being read: polling can be slow */
void ngx_http_notify_sync_registry_heard(
    const ngx_http_notify_channel_t *channel);
/* it says that a sync subscription has changed, or was lost track of */
void ngx_http_notify_sync_registry_changed(
    const ngx_http_notify_channel_t *channel);

/* all of the worker's; handlers that wait are not called */
void ngx_http_notify_sync_registry_exit_process(void);


#endif /* _NGX_HTTP_NOTIFY_SYNC_REGISTRY_H_INCLUDED_ */
