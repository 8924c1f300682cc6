/*
 * Events on their way into a log.  They are numbered; several batches are
 * under way at once, and when one fails all behind it are sent again, in
 * order: publish.lua appends each number once.  What nobody waits for goes
 * with others, a few milliseconds later.  Lives as long as the worker.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_outbox.h"
#include "ngx_http_notify_tenants.h"


#define NGX_HTTP_NOTIFY_OUTBOX_BATCHES   8
#define NGX_HTTP_NOTIFY_OUTBOX_EVENTS    128        /* of a batch */
#define NGX_HTTP_NOTIFY_OUTBOX_BYTES     (256 * 1024)
#define NGX_HTTP_NOTIFY_OUTBOX_LINGER    5          /* milliseconds */
#define NGX_HTTP_NOTIFY_OUTBOX_AGAIN     100
#define NGX_HTTP_NOTIFY_OUTBOX_EXIT      30000
#define NGX_HTTP_NOTIFY_OUTBOX_QUIET     10         /* seconds */
#define NGX_HTTP_NOTIFY_OUTBOX_NAME      16         /* bytes, before hex */


/* one allocation, attributes and bytes behind the structure */
struct ngx_http_notify_outbox_event_s {
    ngx_queue_t                   queue;
    ngx_http_notify_outbox_t     *outbox;
    ngx_http_notify_outbox_pt     handler;      /* NULL: nobody waits */
    void                         *data;
    ngx_int_t                     rc;           /* for the handler */
    uint64_t                      number;
    size_t                        size;
    ngx_http_notify_log_entry_t   entry;
};

typedef struct {
    ngx_http_notify_outbox_t     *outbox;
    uint64_t                      first;
    ngx_uint_t                    n;
} ngx_http_notify_outbox_batch_t;

struct ngx_http_notify_outbox_s {
    ngx_queue_t                   queue;
    const ngx_http_notify_keys_t *keys;
    size_t                        max_size;
    ngx_int_t                     metrics;
    ngx_http_notify_redis_t      *redis;
    ngx_queue_t                   events;       /* lowest number first */
    uint64_t                      last;         /* number given */
    uint64_t                      due;          /* all up to it are to go */
    uint64_t                      sent;         /* number under way */
    uint64_t                      done;         /* all up to it are gone */
    ngx_uint_t                    batches;      /* under way */
    ngx_event_t                   event;        /* sends: posted, or timed */
    ngx_event_t                   timer;        /* tries again */
    ngx_connection_t              dumb;         /* of the timers, for a log */
    ngx_msec_t                    exiting;      /* since then */
    unsigned                      failed:1;     /* all behind it again */
    unsigned                      wait:1;       /* but not at once */
};


static ngx_http_notify_outbox_event_t *ngx_http_notify_outbox_copy(
    const ngx_http_notify_log_entry_t *entry);
static size_t ngx_http_notify_outbox_strings(
    ngx_http_notify_log_entry_t *entry, u_char *p);
static void ngx_http_notify_outbox_lost(ngx_http_notify_outbox_t *outbox,
    ngx_uint_t n, const char *why);
static void ngx_http_notify_outbox_event(ngx_event_t *ev);
static void ngx_http_notify_outbox_send(ngx_http_notify_outbox_t *outbox);
static ngx_uint_t ngx_http_notify_outbox_gather(
    ngx_http_notify_outbox_t *outbox, ngx_http_notify_log_entry_t *entries);
static ngx_int_t ngx_http_notify_outbox_publish(
    ngx_http_notify_outbox_t *outbox);
static void ngx_http_notify_outbox_published(
    const ngx_http_notify_log_published_t *published, void *data);
static void ngx_http_notify_outbox_result(ngx_http_notify_outbox_t *outbox,
    const ngx_http_notify_outbox_batch_t *batch,
    const ngx_http_notify_log_published_t *published, ngx_queue_t *told);
static void ngx_http_notify_outbox_tenants(ngx_http_notify_outbox_t *outbox,
    const ngx_http_notify_outbox_batch_t *batch,
    const ngx_http_notify_log_published_t *published);
static void ngx_http_notify_outbox_settle(ngx_http_notify_outbox_t *outbox,
    uint64_t number, ngx_int_t rc, ngx_queue_t *told);
static void ngx_http_notify_outbox_refuse(ngx_http_notify_outbox_t *outbox,
    uint64_t number);
static void ngx_http_notify_outbox_tell(ngx_http_notify_outbox_t *outbox);
static void ngx_http_notify_outbox_again(ngx_http_notify_outbox_t *outbox);
static void ngx_http_notify_outbox_timer(ngx_event_t *ev);
static void ngx_http_notify_outbox_free(
    ngx_http_notify_outbox_event_t *event);


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
            ngx_http_notify_outbox_free(event);
        }

        if (n) {
            ngx_http_notify_outboxes.said = 0;
            ngx_http_notify_outbox_lost(outbox, n, "the worker exits");
        }

        if (outbox->timer.timer_set) {
            ngx_del_timer(&outbox->timer);
        }

        if (outbox->event.timer_set) {
            ngx_del_timer(&outbox->event);
        }

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

    outbox->keys = keys;
    outbox->max_size = max_size;
    outbox->metrics = metrics;
    ngx_queue_init(&outbox->events);

    /* the timers are not cancelable: an exiting worker waits for them */

    outbox->dumb.fd = (ngx_socket_t) -1;
    outbox->dumb.data = outbox;

    outbox->event.handler = ngx_http_notify_outbox_event;
    outbox->event.data = &outbox->dumb;
    outbox->event.log = ngx_cycle->log;

    outbox->timer.handler = ngx_http_notify_outbox_timer;
    outbox->timer.data = &outbox->dumb;
    outbox->timer.log = ngx_cycle->log;

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


static void
ngx_http_notify_outbox_event(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_http_notify_outbox_send(c->data);
}


static void
ngx_http_notify_outbox_send(ngx_http_notify_outbox_t *outbox)
{
    if (outbox->event.timer_set) {
        ngx_del_timer(&outbox->event);
    }

    outbox->due = outbox->last;

    while (!outbox->failed
           && outbox->sent < outbox->due
           && outbox->batches < NGX_HTTP_NOTIFY_OUTBOX_BATCHES)
    {
        if (!ngx_http_notify_outbox_ready(outbox->redis)
            || ngx_http_notify_outbox_publish(outbox) != NGX_OK)
        {
            outbox->failed = 1;
            outbox->wait = 1;
        }
    }

    if (outbox->failed && outbox->batches == 0) {
        ngx_http_notify_outbox_tell(outbox);
        ngx_http_notify_outbox_again(outbox);
    }

    if (!ngx_queue_empty(&outbox->events) && !outbox->timer.timer_set) {
        ngx_add_timer(&outbox->timer, NGX_HTTP_NOTIFY_OUTBOX_AGAIN);
    }
}


static ngx_int_t
ngx_http_notify_outbox_publish(ngx_http_notify_outbox_t *outbox)
{
    ngx_uint_t                        n;
    ngx_http_notify_outbox_batch_t   *batch;
    ngx_http_notify_log_publisher_t   publisher;
    ngx_http_notify_log_entry_t       entries[NGX_HTTP_NOTIFY_OUTBOX_EVENTS];

    n = ngx_http_notify_outbox_gather(outbox, entries);

    batch = ngx_alloc(sizeof(ngx_http_notify_outbox_batch_t), ngx_cycle->log);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    batch->outbox = outbox;
    batch->first = outbox->sent + 1;
    batch->n = n;

    publisher.name = ngx_http_notify_outboxes.name;
    publisher.first = batch->first;
    publisher.done = outbox->done;

    if (ngx_http_notify_log_publish(outbox->redis, outbox->keys, &publisher,
                                    entries, n, outbox->max_size,
                                    ngx_http_notify_outbox_published, batch)
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
ngx_http_notify_outbox_gather(ngx_http_notify_outbox_t *outbox,
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
ngx_http_notify_outbox_published(
    const ngx_http_notify_log_published_t *published, void *data)
{
    ngx_http_notify_outbox_batch_t *batch = data;

    ngx_queue_t                      told;
    ngx_http_notify_outbox_t        *outbox;
    ngx_http_notify_outbox_event_t  *event;

    outbox = batch->outbox;
    outbox->batches--;

    ngx_queue_init(&told);

    ngx_http_notify_outbox_result(outbox, batch, published, &told);
    ngx_free(batch);

    /* a handler may add, and leave or withdraw those that are still here */

    while (!ngx_queue_empty(&told)) {
        event = ngx_queue_data(ngx_queue_head(&told),
                               ngx_http_notify_outbox_event_t, queue);

        if (event->handler) {
            event->handler(event->rc, event->data);
        }

        ngx_http_notify_outbox_free(event);
    }

    if (outbox->failed || outbox->sent < outbox->due) {
        ngx_post_event(&outbox->event, &ngx_posted_events);
    }

    if (ngx_queue_empty(&outbox->events) && outbox->timer.timer_set) {
        ngx_del_timer(&outbox->timer);
    }
}


static void
ngx_http_notify_outbox_result(ngx_http_notify_outbox_t *outbox,
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
        ngx_http_notify_outbox_tenants(outbox, batch, published);

        ngx_http_notify_outbox_settle(outbox, last, NGX_OK, told);
        return;

    case NGX_HTTP_NOTIFY_LOG_FULL:

        if (!outbox->failed) {
            ngx_http_notify_metrics_add(outbox->metrics,
                                        NGX_HTTP_NOTIFY_METRICS_REFUSED,
                                        batch->n);
            ngx_http_notify_outbox_settle(outbox, last, NGX_DECLINED, told);
        }

        /* what is behind it has a gap before it */

        outbox->failed = (outbox->batches > 0 || outbox->failed);
        return;

    case NGX_HTTP_NOTIFY_LOG_CONFLICT:

        if (!outbox->failed) {
            ngx_http_notify_outbox_refuse(outbox, batch->first
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
ngx_http_notify_outbox_tenants(ngx_http_notify_outbox_t *outbox,
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
ngx_http_notify_outbox_settle(ngx_http_notify_outbox_t *outbox,
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
ngx_http_notify_outbox_refuse(ngx_http_notify_outbox_t *outbox,
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
ngx_http_notify_outbox_tell(ngx_http_notify_outbox_t *outbox)
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
ngx_http_notify_outbox_again(ngx_http_notify_outbox_t *outbox)
{
    outbox->failed = 0;
    outbox->sent = outbox->done;

    if (outbox->wait) {
        outbox->wait = 0;
        return;
    }

    ngx_post_event(&outbox->event, &ngx_posted_events);
}


static void
ngx_http_notify_outbox_timer(ngx_event_t *ev)
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


static void
ngx_http_notify_outbox_free(ngx_http_notify_outbox_event_t *event)
{
    ngx_queue_remove(&event->queue);
    ngx_http_notify_outboxes.used -= event->size;
    ngx_free(event);
}
