
/*
 * The lists of deliveries: a subscriber's window has its first attempts, in
 * the order of the log, `others` its retries and redeliveries.
 */

#include "ngx_http_notify_delivery.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_setting.h"


void
ngx_http_notify_delivery_began(ngx_http_notify_delivery_t *d)
{
    d->subscriber->in_flight += !ngx_http_notify_delivery_joined(d);
    d->lease->active++;
    d->feed->active++;
}


void
ngx_http_notify_delivery_ended(ngx_http_notify_delivery_t *d)
{
    if (d->queued) {
        ngx_queue_remove(&d->call_link);
        d->queued = 0;
    }

    d->feed->active--;

    if (d->subscriber != NULL) {
        d->subscriber->in_flight -= !ngx_http_notify_delivery_joined(d);
        d->lease->active--;
        ngx_http_notify_order_end(d->subscriber, d->line);
    }
}


uint64_t
ngx_http_notify_delivery_delay(ngx_http_notify_delivery_t *d, uint64_t delay)
{
    if (d->head == NULL || d->attempt != d->head->attempt) {
        return delay;
    }

    if (d->head->delay == 0) {
        d->head->delay = delay;
    }

    return d->head->delay;
}


ngx_http_notify_delivery_t *
ngx_http_notify_delivery_first(const ngx_http_notify_subscriber_t *s)
{
    if (ngx_queue_empty(&s->window)) {
        return NULL;
    }

    return ngx_queue_data(ngx_queue_head(&s->window),
                          ngx_http_notify_delivery_t, link);
}


ngx_uint_t
ngx_http_notify_delivery_under_way(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    ngx_queue_t                 *q;
    ngx_http_notify_delivery_t  *d;

    for (q = ngx_queue_head(&s->resends);
         q != ngx_queue_sentinel(&s->resends);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

        if (ngx_http_notify_id_compare(&d->id, id) == 0) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_notify_delivery_erased(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q, *lists[2];
    ngx_http_notify_delivery_t  *d;

    lists[0] = &s->window;
    lists[1] = &s->resends;

    for (i = 0; i < 2; i++) {

        for (q = ngx_queue_head(lists[i]);
             q != ngx_queue_sentinel(lists[i]);
             q = ngx_queue_next(q))
        {
            d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

            if (ngx_http_notify_id_compare(&d->id, id) == 0) {
                d->erased = 1;
            }
        }
    }
}


ngx_uint_t
ngx_http_notify_delivery_redelivers(const ngx_http_notify_subscriber_t *s)
{
    ngx_queue_t                 *q;
    ngx_http_notify_delivery_t  *d;

    for (q = ngx_queue_head(&s->resends);
         q != ngx_queue_sentinel(&s->resends);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

        if (d->redelivered) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_notify_delivery_discard(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                   i;
    ngx_queue_t                 *q, *lists[2];
    ngx_http_notify_delivery_t  *d;

    lists[0] = &s->window;
    lists[1] = &s->resends;

    for (i = 0; i < 2; i++) {

        while (!ngx_queue_empty(lists[i])) {
            q = ngx_queue_head(lists[i]);
            d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

            ngx_queue_remove(q);

            if (d->done) {
                ngx_free(d);
                continue;
            }

            if (d->queued) {
                ngx_queue_remove(&d->call_link);
            }

            if (d->parked) {
                ngx_http_notify_order_unpark(s, d->line, &d->park_link);
                s->lease->feed->active--;
                s->lease->active--;
                ngx_http_notify_log_unref(d->event);
                ngx_free(d);
                continue;
            }

            d->queued = 1;
            ngx_queue_insert_tail(&s->lease->feed->discarded, &d->call_link);

            d->subscriber = NULL;
            s->lease->active--;
        }
    }

    s->in_flight = 0;
    s->nwindow = 0;
}


ngx_uint_t
ngx_http_notify_delivery_abort(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                   n;
    ngx_queue_t                 *q;
    ngx_http_notify_delivery_t  *d;

    for (n = 0; !ngx_queue_empty(&feed->discarded); n++) {
        q = ngx_queue_head(&feed->discarded);
        d = ngx_queue_data(q, ngx_http_notify_delivery_t, call_link);

        ngx_queue_remove(q);
        feed->active--;

        if (d->call != NULL) {
            ngx_http_notify_call_abort(d->call);
        }

        ngx_http_notify_log_unref(d->event);
        ngx_free(d);
    }

    return n;
}


/* of the profile's `until` and that of the channel's settings, the earlier */

ngx_int_t
ngx_http_notify_delivery_again(ngx_http_notify_delivery_t *d, uint64_t now,
    uint64_t *delay)
{
    ngx_http_notify_backoff_t      backoff;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    if (s->retry == NULL || s->until == 0) {
        return NGX_DONE;
    }

    if (s->until == NGX_HTTP_NOTIFY_SETTING_FOREVER) {
        return ngx_http_notify_backoff_next(s->retry, d->attempt, d->first,
                                            now, delay);
    }

    backoff = *s->retry;

    if (backoff.until == 0 || s->until < backoff.until) {
        backoff.until = s->until;
    }

    return ngx_http_notify_backoff_next(&backoff, d->attempt, d->first, now,
                                        delay);
}
