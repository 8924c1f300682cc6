
/*
 * The operations of a subscriber wait in two lists: those that no commit has
 * taken yet, and, of the retry set, those that the commit in flight has.
 */

#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_delivery.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_redelivery.h"


static ngx_http_notify_operation_t *ngx_http_notify_operation_add(
    ngx_http_notify_subscriber_t *s, u_char code,
    const ngx_http_notify_id_t *id, ngx_int_t more);
static ngx_http_notify_operation_t *ngx_http_notify_operation_after(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_operation_t *op);


ngx_int_t
ngx_http_notify_operation_retry(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line, uint64_t due,
    ngx_uint_t attempts, uint64_t first, ngx_uint_t known)
{
    ngx_http_notify_operation_t  *op;

    if (line && ngx_http_notify_order_store(s, line, id) != NGX_OK) {
        ngx_http_notify_lease_break(s->lease);
        return NGX_ERROR;
    }

    op = ngx_http_notify_operation_add(s, 'r', id, known ? 0 : 1);
    if (op == NULL) {
        return NGX_ERROR;
    }

    op->due = due;
    op->attempts = attempts;
    op->first = first;
    op->line = line;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_operation_line_up(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line)
{
    if (ngx_http_notify_order_stored(s, line, id)) {
        return NGX_OK;
    }

    if (ngx_http_notify_operation_retry(s, id, line, ngx_http_notify_feed_now(),
                                        0, 0, 0)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->nretry++;

    return NGX_OK;
}


void
ngx_http_notify_operation_done(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line, ngx_uint_t known)
{
    ngx_http_notify_order_forget(s, line, id);

    (void) ngx_http_notify_operation_add(s, 'd', id, known ? -1 : 0);
}


void
ngx_http_notify_operation_dead(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line, const char *reason,
    ngx_uint_t known)
{
    ngx_http_notify_operation_t  *op;

    ngx_http_notify_order_forget(s, line, id);

    op = ngx_http_notify_operation_add(s, 'k', id, known ? -1 : 0);

    if (op != NULL) {
        op->reason = reason;
    }
}


ngx_int_t
ngx_http_notify_operation_gap(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to)
{
    ngx_http_notify_operation_t  *op;

    op = ngx_http_notify_operation_add(s, 'g', from, 0);
    if (op == NULL) {
        return NGX_ERROR;
    }

    op->to = *to;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_operation_dropped(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_id_t  from;

    if (!s->gap
        || ngx_http_notify_id_compare(&s->gap_from, &s->gap_to) >= 0)
    {
        return NGX_OK;
    }

    from = s->gap_from;
    s->gap_from = s->gap_to;

    ngx_http_notify_redelivery_skipped(s, &from);

    return ngx_http_notify_operation_gap(s, &from, &s->gap_to);
}


void
ngx_http_notify_operation_recovered(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to,
    const ngx_http_notify_id_t *last)
{
    ngx_http_notify_operation_t  *op;

    op = ngx_http_notify_operation_add(s, 'G', from, 0);

    if (op != NULL) {
        op->to = *to;
        op->last = *last;
    }
}


void
ngx_http_notify_operation_redelivery(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place)
{
    ngx_http_notify_operation_t  *op;

    op = ngx_http_notify_operation_add(s, place ? 'p' : 'P', place, 0);

    if (op != NULL) {
        op->version = s->redelivered;
    }
}


static ngx_http_notify_operation_t *
ngx_http_notify_operation_add(ngx_http_notify_subscriber_t *s, u_char code,
    const ngx_http_notify_id_t *id, ngx_int_t more)
{
    ngx_http_notify_operation_t  *op;

    op = ngx_calloc(sizeof(ngx_http_notify_operation_t), s->lease->feed->log);
    if (op == NULL) {
        ngx_http_notify_lease_break(s->lease);
        return NULL;
    }

    op->code = code;
    op->more = more;

    if (id != NULL) {
        op->id = *id;
    }

    ngx_queue_insert_tail(&s->operations, &op->queue);

    ngx_http_notify_subscriber_touch(s);

    return op;
}


ngx_int_t
ngx_http_notify_operation_open(ngx_http_notify_subscriber_t *s,
    ngx_array_t *ids, ngx_int_t *more)
{
    ngx_http_notify_id_t         *id;
    ngx_http_notify_operation_t  *op;

    *more = 0;

    for (op = ngx_http_notify_operation_after(s, NULL);
         op;
         op = ngx_http_notify_operation_after(s, op))
    {
        *more += op->more;

        if (ids == NULL || !ngx_http_notify_operation_of_retries(op)) {
            continue;
        }

        id = ngx_array_push(ids);
        if (id == NULL) {
            return NGX_ERROR;
        }

        *id = op->id;
    }

    return NGX_OK;
}


void
ngx_http_notify_operation_lines(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command)
{
    ngx_http_notify_operation_t  *op;

    for (op = ngx_http_notify_operation_after(s, NULL);
         op;
         op = ngx_http_notify_operation_after(s, op))
    {
        if (op->code == 'r' && op->line && op->attempts) {
            ngx_http_notify_command_printf(command, "=%xi", op->line);
        }
    }
}


ngx_uint_t
ngx_http_notify_operation_covers(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    ngx_http_notify_operation_t  *op;

    for (op = ngx_http_notify_operation_after(s, NULL);
         op;
         op = ngx_http_notify_operation_after(s, op))
    {
        if (ngx_http_notify_operation_of_retries(op)
            && ngx_http_notify_id_compare(&op->id, id) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* those that were sent, then those that were not; NULL: before the first one,
 * and after the last one */

static ngx_http_notify_operation_t *
ngx_http_notify_operation_after(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_operation_t *op)
{
    ngx_queue_t  *q;

    q = ngx_queue_next(op ? &op->queue : &s->sent);

    if (q == ngx_queue_sentinel(&s->sent)) {
        q = ngx_queue_head(&s->operations);
    }

    return q == ngx_queue_sentinel(&s->operations)
           ? NULL : ngx_queue_data(q, ngx_http_notify_operation_t, queue);
}


void
ngx_http_notify_operation_settle(ngx_http_notify_subscriber_t *s)
{
    ngx_queue_t                  *q;
    ngx_http_notify_operation_t  *op;

    while (!ngx_queue_empty(&s->sent)) {
        q = ngx_queue_head(&s->sent);
        op = ngx_queue_data(q, ngx_http_notify_operation_t, queue);
        ngx_queue_remove(q);

        if (op->code == 'r'
            && !ngx_http_notify_delivery_under_way(s, &op->id))
        {
            ngx_http_notify_operation_due(s, op->due);
        }

        ngx_free(op);
    }

    if (s->released) {
        s->released = 0;
        ngx_http_notify_operation_due(s, ngx_http_notify_feed_now());
    }
}


void
ngx_http_notify_operation_next(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, const ngx_http_notify_id_t *id)
{
    if (ngx_http_notify_order_next(s, line, id)) {
        ngx_http_notify_operation_due(s, ngx_http_notify_feed_now());
    }
}


/* an answer that is on its way may pass it over */

void
ngx_http_notify_operation_due(ngx_http_notify_subscriber_t *s, uint64_t due)
{
    s->due = s->due ? ngx_min(s->due, due) : due;

    if (s->fetching) {
        s->settled = s->settled ? ngx_min(s->settled, due) : due;
    }
}


void
ngx_http_notify_operation_free(ngx_http_notify_subscriber_t *s)
{
    ngx_queue_t                  *q, all;
    ngx_http_notify_operation_t  *op;

    ngx_queue_init(&all);
    ngx_queue_add(&all, &s->operations);
    ngx_queue_init(&s->operations);
    ngx_queue_add(&all, &s->sent);
    ngx_queue_init(&s->sent);

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        op = ngx_queue_data(q, ngx_http_notify_operation_t, queue);
        ngx_queue_remove(q);
        ngx_free(op);
    }
}
