/*
 * The sync subscriptions that a worker knows, by id and by event, each made
 * ready to be called.
 */

#ifndef _NGX_HTTP_NOTIFY_SYNC_INDEX_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SYNC_INDEX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_subscriptions.h"


typedef struct ngx_http_notify_claim_s   ngx_http_notify_claim_t;

/*
 * One subscription.  Valid in the turn in which it was found; a call holds the
 * target, and with it the subscription, for as long as it lasts.
 */
struct ngx_http_notify_claim_s {
    ngx_str_node_t                    node;     /* by id */
    ngx_queue_t                       link;     /* of the event's */
    struct ngx_http_notify_sync_index_event_s    *event;  /* NULL: disabled */
    ngx_http_notify_subscription_t   *subscription;
    ngx_http_notify_call_conf_t      *conf;     /* of its profile, with a
                                                   response_limit to be set
                                                   before each call */
    ngx_http_notify_target_t         *target;   /* NULL: cannot be called, */
    const char                       *reason;   /* and why */
    ngx_http_notify_filter_t         *filter;   /* or NULL */
    ngx_uint_t                        serial;   /* of the load it was in */
};


typedef struct {
    ngx_http_notify_channel_t        *channel;
    ngx_rbtree_t                      ids;
    ngx_rbtree_node_t                 ids_sentinel;
    ngx_rbtree_t                      events;
    ngx_rbtree_node_t                 events_sentinel;
    ngx_queue_t                       confs;
    ngx_uint_t                        serial;   /* of the load under way */
} ngx_http_notify_sync_index_t;


void ngx_http_notify_sync_index_init(ngx_http_notify_sync_index_t *index,
    ngx_http_notify_channel_t *channel);
void ngx_http_notify_sync_index_free(ngx_http_notify_sync_index_t *index);

/* A document as stored, "<version> <json>"; one that is no use is skipped.
 * That of the version we have is kept, unless `replace`.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_sync_index_put(
    ngx_http_notify_sync_index_t *index, ngx_str_t *id,
    const ngx_str_t *text, ngx_uint_t replace);
/* removes what was not put since the serial was raised */
void ngx_http_notify_sync_index_sweep(ngx_http_notify_sync_index_t *index);

ngx_uint_t ngx_http_notify_sync_index_any(
    ngx_http_notify_sync_index_t *index, const ngx_str_t *tenant,
    const ngx_str_t *type);
ngx_http_notify_claim_t *ngx_http_notify_sync_index_find(
    ngx_http_notify_sync_index_t *index,
    const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_SYNC_INDEX_H_INCLUDED_ */
