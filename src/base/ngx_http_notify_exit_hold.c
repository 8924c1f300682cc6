/*
 * One timer of a worker, that is cancelable while nobody waits.  Each command
 * has a deadline, so that it comes to an end.  Must not know who waits, nor for
 * what.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_http_notify_exit_hold.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_EXIT_HOLD_ROUND  1000     /* ms */


static void ngx_http_notify_exit_hold_timer(ngx_event_t *ev);


static struct {
    ngx_uint_t        n;
    ngx_event_t       timer;
    ngx_connection_t  none;         /* what the timer is said to be of */
} ngx_http_notify_exit_hold;


void
ngx_http_notify_exit_hold_begin(void)
{
    ngx_event_t  *ev;

    ngx_http_notify_exit_hold.n++;

    ev = &ngx_http_notify_exit_hold.timer;
    ev->cancelable = 0;

    if (ev->timer_set) {
        return;
    }

    ngx_http_notify_exit_hold.none.fd = (ngx_socket_t) -1;

    ngx_http_notify_timer_init(ev, ngx_http_notify_exit_hold_timer,
                               &ngx_http_notify_exit_hold.none,
                               ngx_cycle->log);

    ngx_add_timer(ev, NGX_HTTP_NOTIFY_EXIT_HOLD_ROUND);
}


void
ngx_http_notify_exit_hold_end(void)
{
    if (--ngx_http_notify_exit_hold.n == 0) {
        ngx_http_notify_exit_hold.timer.cancelable = 1;
    }
}


static void
ngx_http_notify_exit_hold_timer(ngx_event_t *ev)
{
    if (ngx_http_notify_exit_hold.n) {
        ngx_add_timer(ev, NGX_HTTP_NOTIFY_EXIT_HOLD_ROUND);
    }
}
