/*
 * A delivery: one event under way to one subscriber.
 */

#ifndef _NGX_HTTP_NOTIFY_DELIVERY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DELIVERY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_subscriber.h"


struct ngx_http_notify_delivery_s {
    ngx_queue_t                       link;     /* in window or others */
    ngx_queue_t                       call_link;    /* in feed->calls */
    ngx_http_notify_feed_t           *feed;
    ngx_http_notify_subscriber_t     *subscriber;   /* NULL: discarded */
    ngx_http_notify_lease_t          *lease;
    ngx_http_notify_event_t          *event;
    ngx_http_notify_id_t              id;
    ngx_http_notify_call_t           *call;     /* NULL: that of head, too */
    ngx_http_notify_delivery_t       *head;     /* of its batch, or NULL */
    ngx_http_notify_delivery_t       *next;     /* of its batch */
    uint64_t                          delay;    /* of a head, when it failed:
                                                   then all go together again */
    ngx_http_notify_provider_node_t  *node;     /* called by a provider */
    ngx_uint_t                        line;     /* of `order key=`, or 0 */
    ngx_queue_t                       park_link;    /* in that, while parked */
    ngx_uint_t                        attempt;
    uint64_t                          version;  /* of the document it is by */
    uint64_t                          first;    /* epoch ms, first attempt */
    ngx_msec_t                        started;
    unsigned                          retry:1;      /* it is in the retry set */
    unsigned                          redelivered:1;
    unsigned                          windowed:1;
    unsigned                          queued:1;     /* in feed->calls, or
                                                       among the discarded */
    unsigned                          done:1;
    unsigned                          probe:1;
    unsigned                          erased:1;     /* its event, since then */
    unsigned                          parked:1;     /* no call yet: waits for
                                                       others of its line */
};


/* whether its call is another delivery's, and counted there */
#define ngx_http_notify_delivery_joined(d)                                    \
    ((d)->head != NULL && (d)->head != (d))

/* A call of it is under way, or it is settled at once. */
void ngx_http_notify_delivery_began(ngx_http_notify_delivery_t *d);
/* The call has ended. */
void ngx_http_notify_delivery_ended(ngx_http_notify_delivery_t *d);

/* Milliseconds from now to the attempt after one that has failed now; NGX_DONE:
 * there is none. */
ngx_int_t ngx_http_notify_delivery_again(ngx_http_notify_delivery_t *d,
    uint64_t now, uint64_t *delay);
/* What a delivery waits that has failed: those of a batch that had as many
 * attempts wait as long as its first. */
uint64_t ngx_http_notify_delivery_delay(ngx_http_notify_delivery_t *d,
    uint64_t delay);

/* the first attempt that is open and longest so; NULL: there is none */
ngx_http_notify_delivery_t *ngx_http_notify_delivery_first(
    const ngx_http_notify_subscriber_t *s);

/* Whether an event is being sent again at this moment. */
ngx_uint_t ngx_http_notify_delivery_under_way(
    const ngx_http_notify_subscriber_t *s, const ngx_http_notify_id_t *id);
/* That one has been erased: it is not sent again. */
void ngx_http_notify_delivery_erased(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);
/* Whether any event of a redelivery is. */
ngx_uint_t ngx_http_notify_delivery_redelivers(
    const ngx_http_notify_subscriber_t *s);

/* The subscriber goes: its calls under way end without one. */
void ngx_http_notify_delivery_discard(ngx_http_notify_subscriber_t *s);
/* Aborts all such calls; how many there were. */
ngx_uint_t ngx_http_notify_delivery_abort(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_DELIVERY_H_INCLUDED_ */
