/*
 * The events of an outbox on their way into the log.  Several batches are
 * under way at once; when one fails all later ones are sent again, in order:
 * publish.lua appends each number once.
 */

#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_outbox_internal.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_OUTBOX_BATCHES   8
#define NGX_HTTP_NOTIFY_OUTBOX_BYTES     (256 * 1024)
#define NGX_HTTP_NOTIFY_OUTBOX_AGAIN     100        /* milliseconds */
#define NGX_HTTP_NOTIFY_OUTBOX_EXIT      30000


typedef struct {
    ngx_http_notify_outbox_t     *outbox;
    uint64_t                      first;
    ngx_uint_t                    n;
} ngx_http_notify_outbox_batch_t;


static void ngx_http_notify_outbox_send(ngx_http_notify_outbox_t *outbox);
static ngx_uint_t ngx_http_notify_outbox_send_gather(
    ngx_http_notify_outbox_t *outbox, ngx_http_notify_log_entry_t *entries);
static ngx_int_t ngx_http_notify_outbox_send_publish(
    ngx_http_notify_outbox_t *outbox);
static void ngx_http_notify_outbox_send_published(
    const ngx_http_notify_log_published_t *published, void *data);
static void ngx_http_notify_outbox_send_result(ngx_http_notify_outbox_t *outbox,
    const ngx_http_notify_outbox_batch_t *batch,
    const ngx_http_notify_log_published_t *published, ngx_queue_t *told);
static void ngx_http_notify_outbox_send_tenants(
    ngx_http_notify_outbox_t *outbox,
    const ngx_http_notify_outbox_batch_t *batch,
    const ngx_http_notify_log_published_t *published);
static void ngx_http_notify_outbox_send_settle(ngx_http_notify_outbox_t *outbox,
    uint64_t number, ngx_int_t rc, ngx_queue_t *told);
static void ngx_http_notify_outbox_send_refuse(ngx_http_notify_outbox_t *outbox,
    uint64_t number);
static void ngx_http_notify_outbox_send_tell(ngx_http_notify_outbox_t *outbox);
static void ngx_http_notify_outbox_send_rewind(
    ngx_http_notify_outbox_t *outbox);


void
ngx_http_notify_outbox_send_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_notify_outbox_send(c->data);
}


static void
ngx_http_notify_outbox_send(ngx_http_notify_outbox_t *outbox)
{
    ngx_http_notify_timer_stop(&outbox->event);

    outbox->due = outbox->last;

    while (!outbox->failed
           && outbox->sent < outbox->due
           && outbox->batches < NGX_HTTP_NOTIFY_OUTBOX_BATCHES)
    {
        if (outbox->redis == NULL
            || !ngx_http_notify_redis_ready(outbox->redis)
            || ngx_http_notify_outbox_send_publish(outbox) != NGX_OK)
        {
            outbox->failed = 1;
            outbox->wait = 1;
        }
    }

    if (outbox->failed && outbox->batches == 0) {
        ngx_http_notify_outbox_send_tell(outbox);
        ngx_http_notify_outbox_send_rewind(outbox);
    }

    if (!ngx_queue_empty(&outbox->events) && !outbox->timer.timer_set) {
        ngx_add_timer(&outbox->timer, NGX_HTTP_NOTIFY_OUTBOX_AGAIN);
    }
}


static ngx_int_t
ngx_http_notify_outbox_send_publish(ngx_http_notify_outbox_t *outbox)
{
    ngx_uint_t                        n;
    ngx_http_notify_outbox_batch_t   *batch;
    ngx_http_notify_log_publisher_t   publisher;
    ngx_http_notify_log_entry_t       entries[NGX_HTTP_NOTIFY_OUTBOX_EVENTS];

    n = ngx_http_notify_outbox_send_gather(outbox, entries);

    batch = ngx_alloc(sizeof(ngx_http_notify_outbox_batch_t), ngx_cycle->log);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    batch->outbox = outbox;
    batch->first = outbox->sent + 1;
    batch->n = n;

    publisher.name = *outbox->name;
    publisher.first = batch->first;
    publisher.done = outbox->done;

    if (ngx_http_notify_log_publish(outbox->redis, outbox->keys, &publisher,
                                    entries, n, outbox->max_size,
                                    ngx_http_notify_outbox_send_published,
                                    batch)
        == NULL)
    {
        ngx_free(batch);
        return NGX_ERROR;
    }

    outbox->sent += n;
    outbox->batches++;

    return NGX_OK;
}


/* those behind the ones that are under way; at least one */

static ngx_uint_t
ngx_http_notify_outbox_send_gather(ngx_http_notify_outbox_t *outbox,
    ngx_http_notify_log_entry_t *entries)
{
    size_t                           size;
    ngx_uint_t                       n;
    ngx_queue_t                     *q;
    ngx_http_notify_outbox_event_t  *event;

    /* the new ones are at the end, and mostly few */

    for (q = ngx_queue_last(&outbox->events);
         q != ngx_queue_sentinel(&outbox->events);
         q = ngx_queue_prev(q))
    {
        event = ngx_queue_data(q, ngx_http_notify_outbox_event_t, queue);

        if (event->number <= outbox->sent) {
            break;
        }
    }

    size = 0;
    n = 0;

    for (q = ngx_queue_next(q);
         q != ngx_queue_sentinel(&outbox->events);
         q = ngx_queue_next(q))
    {
        event = ngx_queue_data(q, ngx_http_notify_outbox_event_t, queue);

        if (n == NGX_HTTP_NOTIFY_OUTBOX_EVENTS
            || (n && size + event->size > NGX_HTTP_NOTIFY_OUTBOX_BYTES))
        {
            break;
        }

        entries[n++] = event->entry;
        size += event->size;
    }

    return n;
}


static void
ngx_http_notify_outbox_send_published(
    const ngx_http_notify_log_published_t *published, void *data)
{
    ngx_http_notify_outbox_batch_t *batch = data;

    ngx_queue_t                      told;
    ngx_http_notify_outbox_t        *outbox;
    ngx_http_notify_outbox_event_t  *event;

    outbox = batch->outbox;
    outbox->batches--;

    ngx_queue_init(&told);

    ngx_http_notify_outbox_send_result(outbox, batch, published, &told);
    ngx_free(batch);

    /* a handler may add, and leave or withdraw those that are still here */

    while (!ngx_queue_empty(&told)) {
        event = ngx_queue_data(ngx_queue_head(&told),
                               ngx_http_notify_outbox_event_t, queue);

        if (event->handler) {
            event->handler(event->rc, event->data);
        }

        ngx_http_notify_outbox_send_free(event);
    }

    if (outbox->failed || outbox->sent < outbox->due) {
        ngx_post_event(&outbox->event, &ngx_posted_events);
    }

    if (ngx_queue_empty(&outbox->events) && outbox->timer.timer_set) {
        ngx_del_timer(&outbox->timer);
    }
}


static void
ngx_http_notify_outbox_send_result(ngx_http_notify_outbox_t *outbox,
    const ngx_http_notify_outbox_batch_t *batch,
    const ngx_http_notify_log_published_t *published, ngx_queue_t *told)
{
    ngx_uint_t  i, n, last;

    last = batch->first + batch->n - 1;

    switch (published->status) {

    case NGX_HTTP_NOTIFY_LOG_OK:

        for (i = 0, n = 0; i < published->n; i++) {
            n += published->ids[i].ms ? 1 : 0;
        }

        ngx_http_notify_metrics_add(outbox->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_PUBLISHED, n);
        ngx_http_notify_outbox_send_tenants(outbox, batch, published);

        ngx_http_notify_outbox_send_settle(outbox, last, NGX_OK, told);
        return;

    case NGX_HTTP_NOTIFY_LOG_FULL:

        if (!outbox->failed) {
            ngx_http_notify_metrics_add(outbox->metrics,
                                        NGX_HTTP_NOTIFY_METRICS_REFUSED,
                                        batch->n);
            ngx_http_notify_outbox_send_settle(outbox, last, NGX_DECLINED,
                                               told);
        }

        /* what is behind it has a gap before it */

        outbox->failed = (outbox->batches > 0 || outbox->failed);
        return;

    case NGX_HTTP_NOTIFY_LOG_CONFLICT:

        if (!outbox->failed) {
            ngx_http_notify_outbox_send_refuse(outbox, batch->first
                                                  + published->conflict);
        }

        break;

    case NGX_HTTP_NOTIFY_LOG_GAP:
        break;

    default: /* NGX_HTTP_NOTIFY_LOG_UNAVAILABLE */
        outbox->wait = 1;
    }

    outbox->failed = 1;
}


/* the channel's have been counted: now those of each tenant */

static void
ngx_http_notify_outbox_send_tenants(ngx_http_notify_outbox_t *outbox,
    const ngx_http_notify_outbox_batch_t *batch,
    const ngx_http_notify_log_published_t *published)
{
    ngx_queue_t                     *q;
    ngx_http_notify_outbox_event_t  *event;

    for (q = ngx_queue_head(&outbox->events);
         q != ngx_queue_sentinel(&outbox->events);
         q = ngx_queue_next(q))
    {
        event = ngx_queue_data(q, ngx_http_notify_outbox_event_t, queue);

        if (event->number >= batch->first + published->n) {
            break;
        }

        if (event->number >= batch->first
            && published->ids[event->number - batch->first].ms)
        {
            ngx_http_notify_tenants_count(outbox->metrics,
                                          &event->entry.event.tenant,
                                          NGX_HTTP_NOTIFY_METRICS_PUBLISHED,
                                          1);
        }
    }
}


/* a number that was taken says the same of all lower ones */

static void
ngx_http_notify_outbox_send_settle(ngx_http_notify_outbox_t *outbox,
    uint64_t number, ngx_int_t rc, ngx_queue_t *told)
{
    ngx_queue_t                     *q;
    ngx_http_notify_outbox_event_t  *event;

    while (!ngx_queue_empty(&outbox->events)) {
        q = ngx_queue_head(&outbox->events);
        event = ngx_queue_data(q, ngx_http_notify_outbox_event_t, queue);

        if (event->number > number) {
            break;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(told, q);

        event->rc = rc;
    }

    if (outbox->done < number) {
        outbox->done = number;
    }
}


/* its key was used for another event: nobody waits for a better answer */

static void
ngx_http_notify_outbox_send_refuse(ngx_http_notify_outbox_t *outbox,
    uint64_t number)
{
    ngx_queue_t                     *q;
    ngx_http_notify_outbox_event_t  *event;

    for (q = ngx_queue_head(&outbox->events);
         q != ngx_queue_sentinel(&outbox->events);
         q = ngx_queue_next(q))
    {
        event = ngx_queue_data(q, ngx_http_notify_outbox_event_t, queue);

        if (event->number != number) {
            continue;
        }

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "notify outbox: the id \"%V\" of an event \"%V\" was "
                      "used for another one, it is dropped, of \"%V\"",
                      &event->entry.event.uid, &event->entry.event.type,
                      &outbox->keys->prefix);

        ngx_http_notify_metrics_add(outbox->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_REFUSED, 1);

        event->entry.hole = 1;
        event->entry.key.len = 0;
        event->entry.last.len = 0;
        return;
    }
}


/*
 * To all who wait: it is not done now.  A handler may add events, withdraw and
 * leave others, but none goes away meanwhile.
 */

static void
ngx_http_notify_outbox_send_tell(ngx_http_notify_outbox_t *outbox)
{
    uint64_t                         last;
    ngx_queue_t                     *q;
    ngx_http_notify_outbox_pt        handler;
    ngx_http_notify_outbox_event_t  *event;

    if (!outbox->wait) {
        return;
    }

    last = outbox->last;

    for (q = ngx_queue_head(&outbox->events);
         q != ngx_queue_sentinel(&outbox->events);
         q = ngx_queue_next(q))
    {
        event = ngx_queue_data(q, ngx_http_notify_outbox_event_t, queue);

        if (event->number > last) {
            return;
        }

        handler = event->handler;

        if (handler) {
            event->handler = NULL;
            handler(NGX_ERROR, event->data);
        }
    }
}


static void
ngx_http_notify_outbox_send_rewind(ngx_http_notify_outbox_t *outbox)
{
    outbox->failed = 0;
    outbox->sent = outbox->done;

    if (outbox->wait) {
        outbox->wait = 0;
        return;
    }

    ngx_post_event(&outbox->event, &ngx_posted_events);
}


void
ngx_http_notify_outbox_send_again(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_notify_outbox_t  *outbox;

    c = ev->data;
    outbox = c->data;

    if (ngx_queue_empty(&outbox->events)) {
        return;
    }

    if (ngx_exiting) {

        if (outbox->exiting == 0) {
            outbox->exiting = ngx_current_msec ? ngx_current_msec : 1;
        }

        if ((ngx_msec_int_t) (ngx_current_msec - outbox->exiting)
            > NGX_HTTP_NOTIFY_OUTBOX_EXIT)
        {
            /* the rest is counted when the worker exits */
            return;
        }
    }

    ngx_http_notify_outbox_send(outbox);
}


void
ngx_http_notify_outbox_send_free(ngx_http_notify_outbox_event_t *event)
{
    ngx_queue_remove(&event->queue);
    *event->outbox->used -= event->size;
    ngx_free(event);
}
