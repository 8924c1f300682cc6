
/*
 * Two may not be known to Redis when it says what is due: one of the line that
 * is under way, and one that is on its way to the retry set.
 */

#include "ngx_http_notify_dispatch_line.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_window.h"


#define NGX_HTTP_NOTIFY_DISPATCH_LINE_WAIT  10  /* ms, for the log to come up */


static ngx_uint_t ngx_http_notify_dispatch_line_turn(
    ngx_http_notify_subscriber_t *s, const ngx_http_notify_id_t *id,
    ngx_uint_t line);


ngx_int_t
ngx_http_notify_dispatch_line(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t *line)
{
    *line = 0;

    if (!ngx_http_notify_order_known(s)) {
        ngx_http_notify_retry_look(s);
        return NGX_AGAIN;
    }

    if (ngx_http_notify_order_line(s, event, line) != NGX_OK) {
        goto failed;
    }

    if (!ngx_http_notify_order_busy(s, *line)
        && !ngx_http_notify_order_again(s, &event->id))
    {
        return NGX_OK;
    }

    if (s->target != NULL && ngx_http_notify_subscriber_batch(s) == 1
        && !ngx_http_notify_order_again(s, &event->id)
        && ngx_http_notify_order_parks(s, *line))
    {
        if (ngx_http_notify_window_park(s, event, *line) != NGX_OK) {
            goto failed;
        }

        return NGX_DONE;
    }

    if (ngx_http_notify_window_line_up(s, &event->id, *line) != NGX_OK) {
        goto failed;
    }

    ngx_http_notify_subscriber_touch(s);

    return NGX_DECLINED;

failed:

    ngx_http_notify_run_queue_wait_room(s);

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_notify_dispatch_line_retry(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_retry_t *next, ngx_uint_t *line)
{
    if (ngx_http_notify_order_line(s, next->event, line) != NGX_OK) {
        ngx_http_notify_run_queue_wait_room(s);
        return NGX_AGAIN;
    }

    if (*line && *line == next->line
        && !ngx_http_notify_dispatch_line_turn(s, &next->event->id, *line))
    {
        ngx_http_notify_operation_due(s, ngx_http_notify_feed_now()
                                         + NGX_HTTP_NOTIFY_DISPATCH_LINE_WAIT);
        return NGX_DECLINED;
    }

    if (!ngx_http_notify_order_active(s, *line)) {
        return NGX_OK;
    }

    if (*line != next->line) {
        (void) ngx_http_notify_operation_retry(s, &next->event->id, *line,
                                               ngx_http_notify_feed_now(),
                                               next->attempt - 1, next->first,
                                               1);
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_dispatch_line_redelivery(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, ngx_uint_t *line)
{
    *line = 0;

    if (!ngx_http_notify_order_known(s)) {
        ngx_http_notify_retry_look(s);
        return NGX_AGAIN;
    }

    if (ngx_http_notify_order_line(s, event, line) != NGX_OK) {
        ngx_http_notify_run_queue_wait_room(s);
        return NGX_AGAIN;
    }

    if (*line == 0) {
        return NGX_OK;
    }

    if (!ngx_http_notify_window_passed(s, &event->id)) {
        return NGX_DECLINED;
    }

    return ngx_http_notify_operation_line_up(s, &event->id, *line) == NGX_OK
           ? NGX_DECLINED : NGX_AGAIN;
}


/* what a worker that died had not written comes from the log once more, and
 * may be on its way to the retry set when the next one has been read there */

static ngx_uint_t
ngx_http_notify_dispatch_line_turn(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line)
{
    const ngx_http_notify_id_t  *first;

    if (!ngx_http_notify_window_passed(s, id)) {
        return 0;
    }

    first = ngx_http_notify_order_first(s, line);

    if (first == NULL || ngx_http_notify_id_compare(first, id) >= 0) {
        return 1;
    }

    if (!ngx_http_notify_operation_covers(s, first)) {
        ngx_http_notify_order_doubt(s, line);
    }

    return 0;
}
