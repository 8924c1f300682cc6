/*
 * Events that a worker has to publish and nobody may lose: kept in memory, in
 * order, until Redis has them; sent again, with the same numbers, when it was
 * away.  One outbox a log.  Knows nothing of requests and channels.
 */

#ifndef _NGX_HTTP_NOTIFY_OUTBOX_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OUTBOX_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log_publish.h"


typedef struct ngx_http_notify_outbox_s        ngx_http_notify_outbox_t;
typedef struct ngx_http_notify_outbox_event_s  ngx_http_notify_outbox_event_t;

/*
 * Exactly once, never inside _add.  NGX_OK: Redis has it; NGX_DECLINED: it was
 * refused and is gone; NGX_ERROR: Redis did not take it now, it stays in the
 * outbox (unless it is withdrawn in the handler) and is tried again.
 */
typedef void (*ngx_http_notify_outbox_pt)(ngx_int_t rc, void *data);


/* when a worker starts; size: bytes of all outboxes together */
ngx_int_t ngx_http_notify_outbox_init(size_t size);
/* when it exits; what is left is lost, and said so in the log */
void ngx_http_notify_outbox_exit(void);

/* keys stay where they are; metrics: of the channel; NULL: memory */
ngx_http_notify_outbox_t *ngx_http_notify_outbox_open(
    const ngx_http_notify_keys_t *keys, size_t max_size, ngx_int_t metrics);
/* gauges of this worker's outboxes */
void ngx_http_notify_outbox_measure(void);
/* whether what is added now would be sent at once */
ngx_uint_t ngx_http_notify_outbox_ready(ngx_http_notify_redis_t *redis);

/*
 * Copies the event.  The handler may be NULL.  NULL: there is no room or no
 * memory; the event was counted and logged as lost.
 */
ngx_http_notify_outbox_event_t *ngx_http_notify_outbox_add(
    ngx_http_notify_outbox_t *outbox, ngx_http_notify_redis_t *redis,
    const ngx_http_notify_log_entry_t *entry,
    ngx_http_notify_outbox_pt handler, void *data);
/* The handler will not be called; the event stays.  Not after the handler. */
void ngx_http_notify_outbox_leave(ngx_http_notify_outbox_event_t *event);
/* It is not published, unless that was done and only the answer is missing;
 * in the handler with NGX_ERROR, or instead of it. */
void ngx_http_notify_outbox_withdraw(ngx_http_notify_outbox_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_OUTBOX_H_INCLUDED_ */
