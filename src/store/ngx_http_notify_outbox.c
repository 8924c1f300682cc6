/*
 * The outboxes of a worker: their memory and the events that they take, which
 * are numbered.  An event that nobody waits for goes with others, a few
 * milliseconds later.  Lives as long as the worker.
 */

#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_outbox_internal.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_OUTBOX_LINGER    5          /* milliseconds */
#define NGX_HTTP_NOTIFY_OUTBOX_QUIET     10         /* seconds */
#define NGX_HTTP_NOTIFY_OUTBOX_NAME      16         /* bytes, before hex */


static ngx_http_notify_outbox_event_t *ngx_http_notify_outbox_copy(
    const ngx_http_notify_log_entry_t *entry);
static size_t ngx_http_notify_outbox_strings(
    ngx_http_notify_log_entry_t *entry, u_char *p);
static void ngx_http_notify_outbox_lost(ngx_http_notify_outbox_t *outbox,
    ngx_uint_t n, const char *why);


/* of the worker */
static struct {
    ngx_queue_t   outboxes;
    size_t        size;
    size_t        used;
    ngx_str_t     name;
    time_t        said;
    ngx_uint_t    unsaid;
    unsigned      started:1;
    u_char        text[2 * NGX_HTTP_NOTIFY_OUTBOX_NAME];
} ngx_http_notify_outboxes;


ngx_int_t
ngx_http_notify_outbox_init(size_t size)
{
    u_char  bytes[NGX_HTTP_NOTIFY_OUTBOX_NAME];

    ngx_memzero(&ngx_http_notify_outboxes, sizeof(ngx_http_notify_outboxes));

    if (ngx_http_notify_crypto_random(bytes, sizeof(bytes)) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_queue_init(&ngx_http_notify_outboxes.outboxes);
    ngx_http_notify_outboxes.size = size;
    ngx_http_notify_outboxes.name.len = 2 * sizeof(bytes);
    ngx_http_notify_outboxes.name.data = ngx_http_notify_outboxes.text;
    ngx_hex_dump(ngx_http_notify_outboxes.text, bytes, sizeof(bytes));
    ngx_http_notify_outboxes.started = 1;

    return NGX_OK;
}


void
ngx_http_notify_outbox_exit(void)
{
    ngx_uint_t                       n;
    ngx_queue_t                     *q;
    ngx_http_notify_outbox_t        *outbox;
    ngx_http_notify_outbox_event_t  *event;

    if (!ngx_http_notify_outboxes.started) {
        return;
    }

    ngx_http_notify_outboxes.started = 0;

    while (!ngx_queue_empty(&ngx_http_notify_outboxes.outboxes)) {
        q = ngx_queue_head(&ngx_http_notify_outboxes.outboxes);
        ngx_queue_remove(q);

        outbox = ngx_queue_data(q, ngx_http_notify_outbox_t, queue);
        n = 0;

        while (!ngx_queue_empty(&outbox->events)) {
            event = ngx_queue_data(ngx_queue_head(&outbox->events),
                                   ngx_http_notify_outbox_event_t, queue);
            n += event->entry.hole ? 0 : 1;
            ngx_http_notify_outbox_send_free(event);
        }

        if (n) {
            ngx_http_notify_outboxes.said = 0;
            ngx_http_notify_outbox_lost(outbox, n, "the worker exits");
        }

        ngx_http_notify_timer_stop(&outbox->timer);

        ngx_http_notify_timer_stop(&outbox->event);

        if (outbox->event.posted) {
            ngx_delete_posted_event(&outbox->event);
        }

        ngx_free(outbox);
    }
}


ngx_http_notify_outbox_t *
ngx_http_notify_outbox_open(const ngx_http_notify_keys_t *keys,
    size_t max_size, ngx_int_t metrics)
{
    ngx_queue_t               *q;
    ngx_http_notify_outbox_t  *outbox;

    if (!ngx_http_notify_outboxes.started) {
        return NULL;
    }

    for (q = ngx_queue_head(&ngx_http_notify_outboxes.outboxes);
         q != ngx_queue_sentinel(&ngx_http_notify_outboxes.outboxes);
         q = ngx_queue_next(q))
    {
        outbox = ngx_queue_data(q, ngx_http_notify_outbox_t, queue);

        if (outbox->keys == keys) {
            return outbox;
        }
    }

    outbox = ngx_calloc(sizeof(ngx_http_notify_outbox_t), ngx_cycle->log);
    if (outbox == NULL) {
        return NULL;
    }

    outbox->name = &ngx_http_notify_outboxes.name;
    outbox->used = &ngx_http_notify_outboxes.used;
    outbox->keys = keys;
    outbox->max_size = max_size;
    outbox->metrics = metrics;
    ngx_queue_init(&outbox->events);

    /* the timers are not cancelable: an exiting worker waits for them */

    outbox->dumb.fd = (ngx_socket_t) -1;
    outbox->dumb.data = outbox;

    ngx_http_notify_timer_init(&outbox->event,
                               ngx_http_notify_outbox_send_handler,
                               &outbox->dumb, ngx_cycle->log);

    ngx_http_notify_timer_init(&outbox->timer,
                               ngx_http_notify_outbox_send_again,
                               &outbox->dumb, ngx_cycle->log);

    ngx_queue_insert_tail(&ngx_http_notify_outboxes.outboxes, &outbox->queue);

    return outbox;
}


void
ngx_http_notify_outbox_measure(void)
{
    ngx_queue_t               *q;
    ngx_http_notify_outbox_t  *outbox;

    if (!ngx_http_notify_outboxes.started) {
        return;
    }

    for (q = ngx_queue_head(&ngx_http_notify_outboxes.outboxes);
         q != ngx_queue_sentinel(&ngx_http_notify_outboxes.outboxes);
         q = ngx_queue_next(q))
    {
        outbox = ngx_queue_data(q, ngx_http_notify_outbox_t, queue);

        ngx_http_notify_metrics_set(outbox->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_OUTBOX,
                                    ngx_queue_empty(&outbox->events)
                                    ? 0 : outbox->last - outbox->done);
    }

    ngx_http_notify_metrics_set(NGX_HTTP_NOTIFY_METRICS_ALL,
                                NGX_HTTP_NOTIFY_METRICS_BYTES,
                                ngx_http_notify_outboxes.used);
}


ngx_uint_t
ngx_http_notify_outbox_ready(ngx_http_notify_redis_t *redis)
{
    return redis && ngx_http_notify_redis_ready(redis);
}


ngx_http_notify_outbox_event_t *
ngx_http_notify_outbox_add(ngx_http_notify_outbox_t *outbox,
    ngx_http_notify_redis_t *redis, const ngx_http_notify_log_entry_t *entry,
    ngx_http_notify_outbox_pt handler, void *data)
{
    ngx_http_notify_outbox_event_t  *event;

    event = ngx_http_notify_outbox_copy(entry);

    if (event == NULL) {
        ngx_http_notify_outbox_lost(outbox, 1, "no memory");
        return NULL;
    }

    if (event->size
        > ngx_http_notify_outboxes.size - ngx_http_notify_outboxes.used)
    {
        ngx_free(event);
        ngx_http_notify_tenants_count(outbox->metrics, &entry->event.tenant,
                                      NGX_HTTP_NOTIFY_METRICS_LOST, 1);
        ngx_http_notify_outbox_lost(outbox, 1, "notify_buffer is full");
        return NULL;
    }

    ngx_http_notify_outboxes.used += event->size;

    event->outbox = outbox;
    event->handler = handler;
    event->data = data;
    event->number = ++outbox->last;
    outbox->redis = redis;

    ngx_queue_insert_tail(&outbox->events, &event->queue);

    if (handler
        || outbox->last - outbox->sent >= NGX_HTTP_NOTIFY_OUTBOX_EVENTS)
    {
        ngx_post_event(&outbox->event, &ngx_posted_events);

    } else if (!outbox->event.timer_set) {
        ngx_add_timer(&outbox->event, NGX_HTTP_NOTIFY_OUTBOX_LINGER);
    }

    return event;
}


void
ngx_http_notify_outbox_leave(ngx_http_notify_outbox_event_t *event)
{
    event->handler = NULL;
}


void
ngx_http_notify_outbox_withdraw(ngx_http_notify_outbox_event_t *event)
{
    event->handler = NULL;
    event->entry.hole = 1;
    event->entry.key.len = 0;
    event->entry.last.len = 0;
}


static ngx_http_notify_outbox_event_t *
ngx_http_notify_outbox_copy(const ngx_http_notify_log_entry_t *entry)
{
    size_t                           size;
    u_char                          *p;
    ngx_uint_t                       n;
    ngx_http_notify_log_entry_t      copy;
    ngx_http_notify_outbox_event_t  *event;

    copy = *entry;
    n = copy.event.nattributes;

    size = sizeof(ngx_http_notify_outbox_event_t) + n * sizeof(ngx_keyval_t)
           + ngx_http_notify_outbox_strings(&copy, NULL);

    event = ngx_alloc(size, ngx_cycle->log);
    if (event == NULL) {
        return NULL;
    }

    ngx_memzero(event, sizeof(ngx_http_notify_outbox_event_t));

    event->size = size;
    event->entry = copy;
    event->entry.event.attributes = (ngx_keyval_t *) &event[1];

    p = (u_char *) &event->entry.event.attributes[n];

    if (n) {
        ngx_memcpy(event->entry.event.attributes, copy.event.attributes,
                   n * sizeof(ngx_keyval_t));
    }

    (void) ngx_http_notify_outbox_strings(&event->entry, p);

    return event;
}


/* their bytes; with p, moves them there */

static size_t
ngx_http_notify_outbox_strings(ngx_http_notify_log_entry_t *entry, u_char *p)
{
    size_t                    size;
    ngx_str_t                *s;
    ngx_uint_t                i, n;
    ngx_http_notify_event_t  *event;

    event = &entry->event;

    ngx_str_t  *strings[] = {
        &event->type, &event->tenant, &event->entity_type_id,
        &event->entity_id, &event->data, &event->session_id,
        &event->customer_id, &event->conversation_id, &event->uid,
        &event->traceparent, &event->tracestate,
        &entry->key, &entry->body, &entry->last, &entry->value
    };

    n = sizeof(strings) / sizeof(strings[0]);
    size = 0;

    for (i = 0; i < n + 2 * event->nattributes; i++) {

        if (i < n) {
            s = strings[i];

        } else {
            s = (i - n) % 2 ? &event->attributes[(i - n) / 2].value
                            : &event->attributes[(i - n) / 2].key;
        }

        size += s->len;

        if (p && s->len) {
            ngx_memcpy(p, s->data, s->len);
            s->data = p;
            p += s->len;
        }
    }

    return size;
}


static void
ngx_http_notify_outbox_lost(ngx_http_notify_outbox_t *outbox, ngx_uint_t n,
    const char *why)
{
    ngx_http_notify_metrics_add(outbox->metrics, NGX_HTTP_NOTIFY_METRICS_LOST,
                                n);

    ngx_http_notify_outboxes.unsaid += n;

    if (ngx_time() - ngx_http_notify_outboxes.said
        < NGX_HTTP_NOTIFY_OUTBOX_QUIET)
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify outbox: %ui events are lost, the last one of "
                  "\"%V\": %s", ngx_http_notify_outboxes.unsaid,
                  &outbox->keys->prefix, why);

    ngx_http_notify_outboxes.said = ngx_time();
    ngx_http_notify_outboxes.unsaid = 0;
}
