
/*
 * What the tail and the ranges have in common: how much they may ask for, and
 * what becomes of an entry.
 */

#include "ngx_http_notify_reader.h"
#include "ngx_http_notify_context.h"


#define NGX_HTTP_NOTIFY_READER_TESTS  1024      /* for all entries, roughly */


void
ngx_http_notify_reader_init(ngx_http_notify_feed_t *feed)
{
    /* until it is known: a first read of 16 */

    feed->tail_size = NGX_HTTP_NOTIFY_READER_BYTES / 16;
    feed->tail_tests = 8 * 128;
}


ngx_uint_t
ngx_http_notify_reader_count(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  n;

    n = NGX_HTTP_NOTIFY_READER_BYTES / ngx_max(feed->tail_size, 1);

    /* other requests wait as long as the entries of one read take */

    n = ngx_min(n, 8 * NGX_HTTP_NOTIFY_READER_TESTS
                   / ngx_max(feed->tail_tests, 8));

    return ngx_max(ngx_min(n, NGX_HTTP_NOTIFY_READER_COUNT), 1);
}


ngx_uint_t
ngx_http_notify_reader_large(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_resp_t *resp, ngx_uint_t asked)
{
    if (asked <= 1
        || !ngx_http_notify_resp_is_error(resp, NGX_HTTP_NOTIFY_RESP_LARGE))
    {
        return 0;
    }

    feed->tail_size = NGX_HTTP_NOTIFY_READER_BYTES;

    return 1;
}


ngx_http_notify_event_t *
ngx_http_notify_reader_parse(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *entry, ngx_http_notify_id_t *id)
{
    ngx_http_notify_event_t  *event;

    (void) ngx_http_notify_log_entry_id(entry, id);

    event = ngx_http_notify_log_event(entry, feed->log);

    if (event == NULL) {
        ngx_log_error(NGX_LOG_ERR, feed->log, 0,
                      "notify tail: entry %V of channel \"%V\" is not an "
                      "event, passed over", ngx_http_notify_context_event(id),
                      &feed->channel->name);
        return NULL;
    }

    feed->tail_size = (feed->tail_size * 7 + event->size) / 8;

    return event;
}


void
ngx_http_notify_reader_keep(ngx_http_notify_feed_t *feed,
    ngx_http_notify_page_t *page)
{
    if (feed->behind && page->n) {
        ngx_http_notify_page_keep(&feed->pages, page);

    } else {
        ngx_http_notify_page_free(page);
    }
}


void
ngx_http_notify_reader_tested(ngx_http_notify_feed_t *feed, ngx_uint_t n)
{
    feed->tail_tests += n - feed->tail_tests / 8;
}
