/*
 * Reads of the log, by the tail and by those that are behind it: their size,
 * and the pages that are kept of them.
 */

#ifndef _NGX_HTTP_NOTIFY_READER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_READER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"
#include "ngx_http_notify_page.h"


#define NGX_HTTP_NOTIFY_READER_COUNT  256       /* entries a read */
#define NGX_HTTP_NOTIFY_READER_BYTES  (2 * 1024 * 1024)


void ngx_http_notify_reader_init(ngx_http_notify_feed_t *feed);

/* how many entries one read may ask for */
ngx_uint_t ngx_http_notify_reader_count(ngx_http_notify_feed_t *feed);

/* whether a read of so many was too large; the next one is of one entry */
ngx_uint_t ngx_http_notify_reader_large(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_resp_t *resp, ngx_uint_t asked);

/* NULL: not an event, which is logged */
ngx_http_notify_event_t *ngx_http_notify_reader_parse(
    ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *entry,
    ngx_http_notify_id_t *id);

/* an event was tested for so many subscribers */
void ngx_http_notify_reader_tested(ngx_http_notify_feed_t *feed,
    ngx_uint_t n);

/* takes over the page: it is kept while any subscriber is behind */
void ngx_http_notify_reader_keep(ngx_http_notify_feed_t *feed,
    ngx_http_notify_page_t *page);


#endif /* _NGX_HTTP_NOTIFY_READER_H_INCLUDED_ */
