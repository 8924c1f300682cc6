/*
 * The first attempts of a subscriber that hold its cursor, and how the cursor
 * passes those that take long.
 */

#ifndef _NGX_HTTP_NOTIFY_WINDOW_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_WINDOW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* what is done at its head goes */
void ngx_http_notify_window_close(ngx_http_notify_subscriber_t *s);

/* the handler of the feed's pass_timer */
void ngx_http_notify_window_pass(ngx_event_t *ev);


#endif /* _NGX_HTTP_NOTIFY_WINDOW_H_INCLUDED_ */
