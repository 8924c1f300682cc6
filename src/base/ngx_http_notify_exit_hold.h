/*
 * What clients wait for from Redis.  Nothing else keeps a worker that is to
 * end: the timers of connections to Redis do not.  In a worker, until it exits.
 */

#ifndef _NGX_HTTP_NOTIFY_EXIT_HOLD_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_EXIT_HOLD_H_INCLUDED_


/* One more, and one less: as often as the other. */
void ngx_http_notify_exit_hold_begin(void);
void ngx_http_notify_exit_hold_end(void);


#endif /* _NGX_HTTP_NOTIFY_EXIT_HOLD_H_INCLUDED_ */
