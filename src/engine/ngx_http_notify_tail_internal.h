/*
 * The tail, and the ranges of those who are behind it.
 */

#ifndef _NGX_HTTP_NOTIFY_TAIL_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TAIL_INTERNAL_H_INCLUDED_


#include "ngx_http_notify_tail.h"


/* how many entries one read may ask for */
ngx_uint_t ngx_http_notify_tail_count(ngx_http_notify_feed_t *feed);

/* NULL: not an event, which is logged */
ngx_http_notify_event_t *ngx_http_notify_tail_parse(
    ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *entry,
    ngx_http_notify_id_t *id);

/* whether a read of so many was too large; the next one is of one entry */
ngx_uint_t ngx_http_notify_tail_large(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_resp_t *resp, ngx_uint_t asked);

/* in tail_range: takes over the page; is there anybody to read it? */
void ngx_http_notify_tail_keep(ngx_http_notify_feed_t *feed,
    ngx_http_notify_page_t *page);

/* of a subscriber, or (NULL) of all of a lease that does not stand elsewhere */
void ngx_http_notify_tail_range(ngx_http_notify_lease_t *lease,
    ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_TAIL_INTERNAL_H_INCLUDED_ */
