
/*
 * A ring of references that grows up to a limit of entries and bytes; beyond
 * it the events are left in the log.
 */

#include "ngx_http_notify_queue.h"


#define NGX_HTTP_NOTIFY_QUEUE_EVENTS  1024      /* at most, and */
#define NGX_HTTP_NOTIFY_QUEUE_BYTES   (8 * 1024 * 1024)

static ngx_int_t ngx_http_notify_queue_grow(ngx_http_notify_subscriber_t *s);


void
ngx_http_notify_queue_put(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event)
{
    ngx_http_notify_id_t     before;
    ngx_http_notify_feed_t  *feed;

    feed = s->lease->feed;

    if (s->state != NGX_HTTP_NOTIFY_SUBSCRIBER_ACTIVE || s->unusable
        || ngx_http_notify_id_compare(&event->id, &s->start) <= 0)
    {
        return;
    }

    if ((s->queued == s->ring_size
         && ngx_http_notify_queue_grow(s) != NGX_OK)
        || (s->queued && s->queued_bytes + event->size
                         > NGX_HTTP_NOTIFY_QUEUE_BYTES))
    {
        before = ngx_http_notify_id_before(&event->id);
        ngx_http_notify_subscriber_behind(s, 1, &before);
        ngx_http_notify_subscriber_touch(s);
        return;
    }

    ngx_http_notify_log_ref(event);

    s->ring[(s->ring_head + s->queued) % s->ring_size] = event;
    s->queued++;
    s->queued_bytes += event->size;
    feed->queued++;

    ngx_http_notify_subscriber_update_backlog(s);
    ngx_http_notify_subscriber_tally(s, NGX_HTTP_NOTIFY_METRICS_MATCHED);

    ngx_http_notify_subscriber_touch(s);
}


static ngx_int_t
ngx_http_notify_queue_grow(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                 size, i;
    ngx_http_notify_event_t  **ring;

    size = s->ring_size ? s->ring_size * 2 : 8;

    if (size > NGX_HTTP_NOTIFY_QUEUE_EVENTS) {
        return NGX_DECLINED;
    }

    ring = ngx_alloc(size * sizeof(ngx_http_notify_event_t *),
                     s->lease->feed->log);
    if (ring == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < s->queued; i++) {
        ring[i] = s->ring[(s->ring_head + i) % s->ring_size];
    }

    if (s->ring != NULL) {
        ngx_free(s->ring);
    }

    s->ring = ring;
    s->ring_size = size;
    s->ring_head = 0;

    return NGX_OK;
}


ngx_http_notify_event_t *
ngx_http_notify_queue_pop(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_event_t  *event;

    feed = s->lease->feed;

    event = s->ring[s->ring_head];

    s->ring_head = (s->ring_head + 1) % s->ring_size;
    s->queued--;

    s->queued_bytes -= event->size;
    feed->queued--;

    ngx_http_notify_subscriber_update_backlog(s);

    ngx_http_notify_feed_hungry(feed);

    return event;
}


void
ngx_http_notify_queue_clear(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_id_t  before;

    if (s->queued == 0) {
        return;
    }

    before = ngx_http_notify_id_before(&s->ring[s->ring_head]->id);
    ngx_http_notify_subscriber_behind(s, 1, &before);

    while (s->queued) {
        ngx_http_notify_log_unref(ngx_http_notify_queue_pop(s));
    }
}
