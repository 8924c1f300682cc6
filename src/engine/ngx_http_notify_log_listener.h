/*
 * Listening to the log for the waiters of this worker: one blocking read a
 * channel for all of them, which exists as long as any waits.  Waiters get the
 * events and judge for themselves.
 */

#ifndef _NGX_HTTP_NOTIFY_LOG_LISTENER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOG_LISTENER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_redis.h"


typedef struct ngx_http_notify_log_listener_s  ngx_http_notify_log_listener_t;
typedef struct ngx_http_notify_log_listener_waiter_s
    ngx_http_notify_log_listener_waiter_t;


typedef enum {
    NGX_HTTP_NOTIFY_LOG_LISTENER_EVENTS = 0,
    NGX_HTTP_NOTIFY_LOG_LISTENER_RESET,    /* the log has lost its
                                              end: begin anew */
    NGX_HTTP_NOTIFY_LOG_LISTENER_QUIT  /* the worker ends */
} ngx_http_notify_log_listener_why_e;

/* lives until all were told */
typedef struct {
    ngx_http_notify_log_listener_why_e  why;
    ngx_uint_t                    n;
    ngx_http_notify_event_t     **events;   /* in log order */
    void                        **slots;    /* one each, for the waiters' use */
    ngx_http_notify_id_t          last;     /* seen up to here */
    ngx_pool_t                   *pool;
} ngx_http_notify_log_listener_batch_t;

/* may leave, end its request, and join again */
typedef void (*ngx_http_notify_log_listener_pt)(
    ngx_http_notify_log_listener_waiter_t *waiter,
    const ngx_http_notify_log_listener_batch_t *batch);

/* part of what waits; zeroed, then handler and data are set */
struct ngx_http_notify_log_listener_waiter_s {
    ngx_queue_t                queue;
    ngx_http_notify_log_listener_t  *watch;       /* NULL: it does not wait */
    ngx_http_notify_log_listener_pt  handler;
    void                      *data;
};


/*
 * A waiter that has read up to `from` gets what comes after it, and perhaps
 * some of what it has read.  NGX_AGAIN: others have been told of all up to
 * *seen already, read once more and come again (what that read does not have
 * was trimmed); NGX_DECLINED: the worker ends; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_log_listener_join(
    ngx_http_notify_log_listener_waiter_t *waiter,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_redis_conf_t *conf, const ngx_http_notify_id_t *from,
    ngx_http_notify_id_t *seen);
/* also if it does not wait */
void ngx_http_notify_log_listener_leave(
    ngx_http_notify_log_listener_waiter_t *waiter);

/* when the worker exits */
void ngx_http_notify_log_listener_exit(void);


#endif /* _NGX_HTTP_NOTIFY_LOG_LISTENER_H_INCLUDED_ */
