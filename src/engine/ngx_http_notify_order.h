/*
 * `order key=`: the events of a subscriber that have the same value are a line
 * and go one after the other.  A line is here while one of its events is under
 * way or in the retry set; a later one then goes there, too, to wait.
 */

#ifndef _NGX_HTTP_NOTIFY_ORDER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ORDER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* The line of an event, a number that is the same in every worker; 0: none.
 * NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_order_line(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event, ngx_uint_t *line);

/* Whether its lines are known: what is in the retry set has been read, or there
 * is nothing. */
ngx_uint_t ngx_http_notify_order_known(ngx_http_notify_subscriber_t *s);
/* They are, since all of these were read: pairs of an id and its line. */
void ngx_http_notify_order_load(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_resp_t *pairs);

/*
 * Whether a new event may stand before some of its line in the retry set: a
 * worker that died had come further than its cursor.
 */
ngx_uint_t ngx_http_notify_order_again(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);

/* An event of the line is under way; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_order_begin(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line);
/* It is no more. */
void ngx_http_notify_order_end(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line);

/* Whether another may be parked: the line has none in the retry set, and not
 * too many are. */
ngx_uint_t ngx_http_notify_order_parks(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line);
/* One waits for those of the line that are under way, after those that do; and
 * it waits no longer. */
void ngx_http_notify_order_park(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, ngx_queue_t *link);
void ngx_http_notify_order_unpark(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, ngx_queue_t *link);
/* The first that is parked in a line of which none is under way any more; NULL:
 * there is none. */
ngx_queue_t *ngx_http_notify_order_ready(ngx_http_notify_subscriber_t *s);

/* One is in the retry set, or on its way there, once; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_order_store(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, const ngx_http_notify_id_t *id);
/* It has left the retry set. */
void ngx_http_notify_order_forget(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, const ngx_http_notify_id_t *id);

/* The same of whichever line it is in. */
void ngx_http_notify_order_erased(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);

/* Whether one is under way; whether one is, or waits. */
ngx_uint_t ngx_http_notify_order_active(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line);
ngx_uint_t ngx_http_notify_order_busy(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line);
/* Whether that one waits in the retry set. */
ngx_uint_t ngx_http_notify_order_stored(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, const ngx_http_notify_id_t *id);
/* Whether the next one of the line is another than this one, and waits only
 * for it. */
ngx_uint_t ngx_http_notify_order_next(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, const ngx_http_notify_id_t *id);

/* The first of the line in the retry set; NULL: there is none. */
const ngx_http_notify_id_t *ngx_http_notify_order_first(
    ngx_http_notify_subscriber_t *s, ngx_uint_t line);
/* Redis has another as the first one: said twice of the same, it is so. */
void ngx_http_notify_order_doubt(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line);

/* Adds "=LINE" for each line of which one is under way. */
void ngx_http_notify_order_args(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command);

void ngx_http_notify_order_free(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_ORDER_H_INCLUDED_ */
