/*
 * A feed's turn, after whatever an iteration of the event loop has brought.
 */

#ifndef _NGX_HTTP_NOTIFY_TURN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TURN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* the handler of feed->turn; data: the feed */
void ngx_http_notify_turn(ngx_event_t *ev);


#endif /* _NGX_HTTP_NOTIFY_TURN_H_INCLUDED_ */
