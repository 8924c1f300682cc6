/*
 * A redelivery under way: how far it is, its page of the log, and the gaps it
 * knows of.
 */

#ifndef _NGX_HTTP_NOTIFY_REDELIVERY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REDELIVERY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


#define NGX_HTTP_NOTIFY_REDELIVERY_PAGE  64     /* events at most */


typedef struct {
    ngx_http_notify_id_t       from;
    ngx_http_notify_id_t       to;
} ngx_http_notify_redelivery_gap_t;


struct ngx_http_notify_redelivery_s {
    ngx_uint_t                      serial;     /* of this redelivery */
    ngx_http_notify_id_t            position;   /* settled up to here */
    ngx_http_notify_id_t            to;
    ngx_http_notify_id_t            last;       /* of the page */
    ngx_http_notify_event_t        *page[NGX_HTTP_NOTIFY_REDELIVERY_PAGE];
    u_char                          sure[NGX_HTTP_NOTIFY_REDELIVERY_PAGE];
    ngx_uint_t                      n;
    ngx_uint_t                      next;
    ngx_uint_t                      count;      /* entries to ask for */
    ngx_http_notify_redelivery_gap_t  *gaps;
    ngx_uint_t                      ngaps;
    ngx_http_notify_id_t            known;      /* where the last gap ends */
    unsigned                        all:1;
    unsigned                        reading:1;
    unsigned                        full:1;     /* the page was */
    unsigned                        ready:1;
};


/* It is read anew from Redis; answers that are on their way are void. */
void ngx_http_notify_redelivery_restart(ngx_http_notify_subscriber_t *s);

/* What follows this place is on record as skipped now, and was not before. */
void ngx_http_notify_redelivery_skipped(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from);
/* That event is not in the log any more. */
void ngx_http_notify_redelivery_erased(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);
/* Whether an event is in one of the gaps. */
ngx_uint_t ngx_http_notify_redelivery_skips(
    const ngx_http_notify_redelivery_t *r, const ngx_http_notify_id_t *id);

void ngx_http_notify_redelivery_free(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_REDELIVERY_H_INCLUDED_ */
