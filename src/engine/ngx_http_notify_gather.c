/*
 * A batch occupies one call: of in_flight, of the rate, of the tenant's share.
 * All else is its deliveries' own.
 */

#include "ngx_http_notify_gather.h"
#include "ngx_http_notify_outcome.h"
#include "ngx_http_notify_run_queue.h"


static void ngx_http_notify_gather_rest(ngx_http_notify_subscriber_t *s);


ngx_uint_t
ngx_http_notify_gather_waits(ngx_http_notify_subscriber_t *s)
{
    ngx_msec_int_t                       left;
    const ngx_http_notify_batch_conf_t  *conf;

    if (ngx_http_notify_subscriber_batch(s) == 1 || s->gather != NULL) {
        return 0;
    }

    conf = ngx_http_notify_call_batches(s->target);

    if (s->queued == 0) {
        s->gathers = 0;
        return 0;
    }

    if (!s->gathers) {
        s->gathers = 1;
        s->gathers_since = ngx_current_msec;
    }

    /* what is due again, or has not failed by itself, has waited */

    if (s->batch != NULL || s->redelivery != NULL
        || s->queued >= conf->max || s->queued_bytes >= conf->size)
    {
        return 0;
    }

    left = (ngx_msec_int_t) (s->gathers_since + conf->wait
                             - ngx_current_msec);

    if (left <= 0) {
        return 0;
    }

    ngx_http_notify_run_queue_wait_time(s, (uint64_t) left);

    return 1;
}


ngx_int_t
ngx_http_notify_gather_add(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_delivery_t *d)
{
    ngx_int_t  rc;

    if (s->gather == NULL) {
        s->gather = ngx_http_notify_call_batch(s->target, d->feed->log);

        if (s->gather == NULL) {
            ngx_http_notify_run_queue_wait_room(s);
            return NGX_ERROR;
        }

        s->gather_head = NULL;
    }

    rc = ngx_http_notify_call_batch_add(s->target, s->gather, d->event,
                                        &d->feed->channel->name, d->attempt);
    if (rc != NGX_OK) {

        if (s->gather_head == NULL) {
            ngx_http_notify_batch_destroy(s->gather);
            s->gather = NULL;
        }

        ngx_http_notify_gather_start(s);

        if (rc == NGX_DECLINED) {
            ngx_http_notify_run_queue_ready(s);

        } else {
            ngx_http_notify_run_queue_wait_room(s);
        }

        return rc;
    }

    if (s->gather_head == NULL) {
        s->gather_head = d;

    } else {
        s->gather_tail->next = d;
    }

    s->gather_tail = d;
    d->head = s->gather_head;

    return NGX_OK;
}


/* what is left waits since it was published, others since they come */

static void
ngx_http_notify_gather_rest(ngx_http_notify_subscriber_t *s)
{
    uint64_t    now, time;
    ngx_msec_t  wait;

    s->gathers = 0;

    if (s->queued == 0) {
        return;
    }

    now = ngx_http_notify_feed_now();
    time = s->ring[s->ring_head]->id.ms;
    wait = ngx_http_notify_call_batches(s->target)->wait;

    s->gathers = 1;
    s->gathers_since = ngx_current_msec;

    if (now > time) {
        s->gathers_since -= (ngx_msec_t) ngx_min(now - time, wait);
    }
}


void
ngx_http_notify_gather_start(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t         *feed;
    ngx_http_notify_batch_t        *batch;
    ngx_http_notify_delivery_t     *head;
    ngx_http_notify_call_result_t   result;

    batch = s->gather;

    if (batch == NULL) {
        return;
    }

    head = s->gather_head;
    feed = head->feed;

    s->gather = NULL;
    ngx_http_notify_gather_rest(s);

    head->call = ngx_http_notify_call_start(s->target,
                                            ngx_http_notify_batch_first(batch),
                                            batch, &feed->channel->name,
                                            feed->channel->hops,
                                            head->attempt, 0,
                                            ngx_http_notify_outcome_result,
                                            head);
    if (head->call != NULL) {
        return;
    }

    ngx_http_notify_batch_destroy(batch);

    ngx_memzero(&result, sizeof(ngx_http_notify_call_result_t));

    result.verdict = NGX_HTTP_NOTIFY_CALL_RETRY;
    result.error = "no memory";
    result.retry_after = -1;

    ngx_http_notify_outcome_result(&result, head);
}
