
/*
 * Numbers and lists to which each subscriber belongs.
 */

#include "ngx_http_notify_subscriber.h"


static void ngx_http_notify_subscriber_count(ngx_http_notify_feed_t *feed,
    ngx_int_t n);


ngx_http_notify_subscriber_t *
ngx_http_notify_subscriber_find(ngx_http_notify_feed_t *feed,
    const ngx_str_t *id)
{
    ngx_str_t  key;

    key = *id;

    return (ngx_http_notify_subscriber_t *)
               ngx_str_rbtree_lookup(&feed->subscribers, &key,
                                     ngx_crc32_long(key.data, key.len));
}


ngx_uint_t
ngx_http_notify_subscriber_is_paused(ngx_http_notify_subscriber_t *s)
{
    return s->state != NGX_HTTP_NOTIFY_SUBSCRIBER_ACTIVE
           || s->unusable
           || s->changed > s->doc->version
           || s->lease->state == NGX_HTTP_NOTIFY_LEASE_DRAIN
           || s->lease->feed->leaving;
}


ngx_uint_t
ngx_http_notify_subscriber_batch(const ngx_http_notify_subscriber_t *s)
{
    if (s->target == NULL) {
        return 1;
    }

    return ngx_max(ngx_http_notify_call_batches(s->target)->max, 1);
}


void
ngx_http_notify_subscriber_behind(ngx_http_notify_subscriber_t *s,
    ngx_uint_t behind, const ngx_http_notify_id_t *read)
{
    if (behind) {
        s->read = *read;

        /* what it gives back is its own again */

        if (ngx_http_notify_id_compare(read, &s->start) < 0) {
            s->start = *read;
        }
    }

    if (s->behind != behind) {
        s->behind = behind;
        ngx_http_notify_subscriber_count(s->lease->feed, behind ? 1 : -1);
        ngx_http_notify_subscriber_update_backlog(s);
    }
}


/* only subscribers that are behind read pages */

static void
ngx_http_notify_subscriber_count(ngx_http_notify_feed_t *feed, ngx_int_t n)
{
    feed->behind += n;

    if (feed->behind == 0) {
        ngx_http_notify_page_clear(&feed->pages);
    }
}


void
ngx_http_notify_subscriber_update_backlog(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t  full;

    full = !s->behind
           && s->queued > ngx_max(NGX_HTTP_NOTIFY_SUBSCRIBER_HUNGRY,
                                  ngx_http_notify_subscriber_batch(s));

    if (s->full != full) {
        s->full = full;
        s->lease->feed->full += full ? 1 : -1;
    }
}


void
ngx_http_notify_subscriber_tally(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_metrics_e counter)
{
    s->lease->feed->counts[counter]++;

    ngx_http_notify_share_count(s->share, counter);
}


void
ngx_http_notify_subscriber_release(ngx_http_notify_subscriber_t *s)
{
    s->release = 1;
    ngx_http_notify_subscriber_touch(s);
}


void
ngx_http_notify_subscriber_touch(ngx_http_notify_subscriber_t *s)
{
    if (!s->dirty) {
        s->dirty = 1;
        ngx_queue_insert_tail(&s->lease->dirty, &s->dirty_link);
    }

    ngx_http_notify_lease_touch(s->lease);

    if (s->unacked * 2 >= s->limit) {
        s->lease->urgent = 1;
    }

    ngx_http_notify_feed_commit_soon(s->lease->feed,
                                     s->unacked * 2 >= s->limit);
}


void
ngx_http_notify_subscriber_clean(ngx_http_notify_subscriber_t *s)
{
    if (s->dirty) {
        s->dirty = 0;
        ngx_queue_remove(&s->dirty_link);
    }

    if (ngx_queue_empty(&s->lease->dirty)) {
        ngx_http_notify_lease_clean(s->lease);
    }
}


void
ngx_http_notify_subscriber_uncount(ngx_http_notify_subscriber_t *s)
{
    if (s->behind) {
        ngx_http_notify_subscriber_count(s->lease->feed, -1);
    }

    if (s->full) {
        s->lease->feed->full--;
    }
}
