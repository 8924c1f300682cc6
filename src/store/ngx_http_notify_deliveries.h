/*
 * What Redis knows of deliveries: an event's state for a subscription, and the
 * wish that it be delivered again.  Raw replies; see deliveries.lua.
 */

#ifndef _NGX_HTTP_NOTIFY_DELIVERIES_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DELIVERIES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_redis.h"


/* the elements of the reply, and of a row in the last of them */
typedef enum {
    NGX_HTTP_NOTIFY_DELIVERIES_DOCUMENT = 0,
    NGX_HTTP_NOTIFY_DELIVERIES_CURSOR,
    NGX_HTTP_NOTIFY_DELIVERIES_POSITION,
    NGX_HTTP_NOTIFY_DELIVERIES_GAPS,
    NGX_HTTP_NOTIFY_DELIVERIES_ATTEMPTED,
    NGX_HTTP_NOTIFY_DELIVERIES_ATTEMPTS,
    NGX_HTTP_NOTIFY_DELIVERIES_ROWS,
    NGX_HTTP_NOTIFY_DELIVERIES_FORMER,
    NGX_HTTP_NOTIFY_DELIVERIES_CUT,      /* 1: there may be more rows */
    NGX_HTTP_NOTIFY_DELIVERIES_N
} ngx_http_notify_deliveries_reply_e;

typedef enum {
    NGX_HTTP_NOTIFY_DELIVERIES_EVENT = 0,
    NGX_HTTP_NOTIFY_DELIVERIES_ENTRY,
    NGX_HTTP_NOTIFY_DELIVERIES_DUE,
    NGX_HTTP_NOTIFY_DELIVERIES_TRIES,
    NGX_HTTP_NOTIFY_DELIVERIES_REASON,
    NGX_HTTP_NOTIFY_DELIVERIES_ROW
} ngx_http_notify_deliveries_row_e;

typedef enum {
    NGX_HTTP_NOTIFY_DELIVERIES_ONE = 0,     /* the event `place` */
    NGX_HTTP_NOTIFY_DELIVERIES_LOG,         /* the newest before `place` of */
    NGX_HTTP_NOTIFY_DELIVERIES_RETRY,       /* the log, the retry set, the */
    NGX_HTTP_NOTIFY_DELIVERIES_DEAD,        /* dead ones */
    NGX_HTTP_NOTIFY_DELIVERIES_KEPT         /* those of both sets from `place`
                                               on, in any order, without
                                               their entries */
} ngx_http_notify_deliveries_how_e;


/* place: NULL: from the newest on; attempts: with the attempt log.  Same
 * contract as ngx_http_notify_redis_send(). */
ngx_int_t ngx_http_notify_deliveries_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    ngx_http_notify_deliveries_how_e how, const ngx_http_notify_id_t *place,
    ngx_uint_t limit, ngx_uint_t attempts,
    ngx_http_notify_redis_handler_pt handler, void *data);

/* reply: ["ok"], ["not_found"], ["expired"] */
ngx_int_t ngx_http_notify_deliveries_again(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    const ngx_http_notify_id_t *event, uint64_t now,
    ngx_http_notify_redis_handler_pt handler, void *data);


#endif /* _NGX_HTTP_NOTIFY_DELIVERIES_H_INCLUDED_ */
