/*
 * Events of our own: timers, and what is posted.
 */

#ifndef _NGX_HTTP_NOTIFY_TIMER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TIMER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* one that an exiting worker waits for while it is set */
static ngx_inline void
ngx_http_notify_timer_init(ngx_event_t *ev, ngx_event_handler_pt handler,
    void *data, ngx_log_t *log)
{
    ev->handler = handler;
    ev->data = data;
    ev->log = log;
}


/* one that it does not wait for */
static ngx_inline void
ngx_http_notify_timer_idle(ngx_event_t *ev, ngx_event_handler_pt handler,
    void *data, ngx_log_t *log)
{
    ngx_http_notify_timer_init(ev, handler, data, log);
    ev->cancelable = 1;
}


/* unless it is set already */
static ngx_inline void
ngx_http_notify_timer_start(ngx_event_t *ev, ngx_msec_t delay)
{
    if (!ev->timer_set) {
        ngx_add_timer(ev, delay);
    }
}


static ngx_inline void
ngx_http_notify_timer_stop(ngx_event_t *ev)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }
}


#endif /* _NGX_HTTP_NOTIFY_TIMER_H_INCLUDED_ */
