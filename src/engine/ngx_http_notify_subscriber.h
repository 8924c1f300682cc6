/*
 * A subscriber: a subscription as it is followed here.
 *
 * A subscriber's events come to it by one of two ways: the feed's tail puts
 * them into its queue, or, when it is `behind`, it reads the log itself.  What
 * lies at or before its cursor is done, dead, or in its retry set in Redis.
 */

#ifndef _NGX_HTTP_NOTIFY_SUBSCRIBER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SUBSCRIBER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_breaker.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_profile.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_subscriptions.h"


#define NGX_HTTP_NOTIFY_SUBSCRIBER_HUNGRY  256     /* the tail reads on */
#define NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY   1000    /* a full retry set */


typedef struct ngx_http_notify_match_link_s  ngx_http_notify_match_link_t;
typedef struct ngx_http_notify_redelivery_s  ngx_http_notify_redelivery_t;


typedef enum {
    NGX_HTTP_NOTIFY_SUBSCRIBER_LOADING = 0,     /* its cursor is not known */
    NGX_HTTP_NOTIFY_SUBSCRIBER_ACTIVE,
    NGX_HTTP_NOTIFY_SUBSCRIBER_DISABLED,        /* drains, then goes */
    NGX_HTTP_NOTIFY_SUBSCRIBER_RESTARTED        /* enabled since: drains, then
                                                   is loaded again */
} ngx_http_notify_subscriber_state_e;


typedef enum {
    NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_NOT = 0,
    NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_RUN,       /* in feed->waiting */
    NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_SHARE,     /* in share->waiting */
    NGX_HTTP_NOTIFY_SUBSCRIBER_WAITS_END        /* in feed->finished */
} ngx_http_notify_subscriber_waits_e;


/* of a subscriber that is behind */

typedef enum {
    NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_NONE = 0,
    NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_OWN,       /* is being read */
    NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_OTHER      /* of another subscriber may
                                                   have what comes next */
} ngx_http_notify_subscriber_range_e;


/* of `in_flight auto` */

typedef struct {
    ngx_uint_t                        max;      /* 0: the limit is fixed */
    ngx_uint_t                        successes;    /* of the window, */
    uint64_t                          latency;  /* and all of theirs, ms */
    ngx_uint_t                        lowest;   /* mean of a window */
    ngx_uint_t                        ceiling;  /* where calls were refused, */
    ngx_uint_t                        patience; /* and successes since then */
    ngx_msec_t                        since;    /* when it was halved */
    unsigned                          slow:1;   /* one by one from now on */
    unsigned                          reached:1;    /* in this window */
    unsigned                          measured:1;   /* lowest is */
    unsigned                          halved:1;
    unsigned                          worked:1; /* since then */
} ngx_http_notify_subscriber_pace_t;


struct ngx_http_notify_subscriber_s {
    ngx_str_node_t                    node;     /* in feed->subscribers */
    ngx_queue_t                       link;     /* in lease->subscribers */
    ngx_queue_t                       dirty_link;
    ngx_queue_t                       wait_link;
    ngx_http_notify_subscriber_state_e  state;
    ngx_http_notify_subscriber_waits_e  waits;
    ngx_http_notify_share_t          *share;    /* its tenant's */
    ngx_http_notify_lease_t          *lease;
    ngx_http_notify_subscription_t   *doc;      /* owned until handed over to
                                                   the target's release */
    ngx_http_notify_profile_t        *profile;
    ngx_http_notify_provider_t       *provider; /* or NULL: a target an event,
                                                   nothing is sent again */
    ngx_http_notify_target_t         *target;   /* NULL: cannot be called */
    const char                       *reason;   /* then why */
    ngx_http_notify_filter_t         *filter;   /* in doc's pool, or NULL */
    const ngx_http_notify_backoff_t  *retry;    /* the profile's, or in doc's
                                                   pool; NULL: no profile */
    ngx_http_notify_former_t         *former;   /* of what is not yet
                                                   delivered, or NULL */
    ngx_http_notify_match_link_t     *links;    /* in doc's pool */
    ngx_uint_t                        nlinks;
    uint64_t                          seen;     /* the last event matched */
    uint64_t                          changed;  /* version of the document that
                                                   is on its way, or older */

    ngx_http_notify_event_t         **ring;     /* the queue */
    ngx_uint_t                        ring_size;
    ngx_uint_t                        ring_head;
    ngx_uint_t                        queued;
    size_t                            queued_bytes;

    ngx_http_notify_id_t              start;    /* none of its own up to here */
    uint64_t                          since;    /* version that has placed it */
    uint64_t                          moved;    /* version that has brought its
                                                   URL; 0: all that are here */
    ngx_http_notify_id_t              read;     /* when behind: read up to */
    ngx_http_notify_subscriber_range_e  range;
    ngx_uint_t                        awaited;  /* number of another's range */

    ngx_queue_t                       window;   /* first attempts, by id */
    ngx_queue_t                       resends;  /* retries and redeliveries */
    ngx_uint_t                        nwindow;
    ngx_uint_t                        in_flight;
    ngx_uint_t                        unacked;  /* done, not yet committed */
    ngx_uint_t                        unacked_sent;

    ngx_uint_t                        nretry;   /* in the retry set */
    uint64_t                          due;      /* epoch ms, the next that is
                                                   in Redis; 0: none known */
    uint64_t                          settled;  /* the same of what a commit
                                                   wrote while `fetching` */
    struct ngx_http_notify_retry_batch_s  *batch;   /* of retries that are due
                                                   and start next, or NULL */
    ngx_uint_t                        fetching; /* number of the question for
                                                   these, or 0 */
    ngx_uint_t                        owed;     /* calls, to retries that are
                                                   due, */
    ngx_uint_t                        redeliver_owed;   /* and to that */
    ngx_http_notify_redelivery_t     *redelivery;   /* or NULL */
    ngx_int_t                         redelivered; /* version of the last one */

    ngx_http_notify_breaker_t         breaker;
    ngx_http_notify_bucket_t          bucket;
    ngx_http_notify_bucket_conf_t     rate;
    ngx_uint_t                        limit;    /* in_flight at most, now */
    ngx_http_notify_subscriber_pace_t  pace;
    uint64_t                          until;    /* ms from the first attempt,
                                                   by the channel's settings */
    uint64_t                          paused;   /* epoch ms, Retry-After */
    uint64_t                          succeeded;    /* epoch ms, the last time;
                                                       0: never */
    uint64_t                          failing;  /* epoch ms, since; 0: not */
    uint64_t                          written;  /* of `succeeded`, in Redis */
    ngx_uint_t                        told;     /* stages of its failing */
    ngx_http_notify_id_t              gap_from; /* dropped since, exclusive */
    ngx_http_notify_id_t              gap_to;

    ngx_event_t                       timer;
    ngx_queue_t                       operations;
    ngx_queue_t                       sent;     /* of these: of the retry set,
                                                   in the commit in flight */
    struct ngx_http_notify_attempts_s  *attempts;   /* not committed, or NULL */
    struct ngx_http_notify_order_s   *order;    /* its lines, or NULL */
    struct ngx_http_notify_batch_s     *gather;     /* within a dispatch: what
                                                   its next call carries, */
    ngx_http_notify_delivery_t         *gather_head;    /* these */
    ngx_http_notify_delivery_t         *gather_tail;
    ngx_msec_t                        gathers_since;
    struct ngx_http_notify_tallies_s   *tallies;    /* the same of counts */
    ngx_http_notify_id_t              stored_id;
    ngx_uint_t                        stored_flags;

    unsigned                          behind:1;
    unsigned                          gathers:1;    /* waits for more events */
    unsigned                          full:1;       /* counted in feed->full */
    unsigned                          look:1;       /* again, at what is due */
    unsigned                          dirty:1;
    unsigned                          stored:1;     /* has a cursor entry */
    unsigned                          gap:1;
    unsigned                          giving_up:1;  /* paused for that */
    unsigned                          ill:1;    /* failing, told: to write */
    unsigned                          asked:1;      /* for a redelivery, before
                                                       it was located */
    unsigned                          unusable:1;   /* no profile, no filter:
                                                       kept at its cursor */
    unsigned                          release:1;    /* all due now, at commit */
    unsigned                          released:1;   /* by the one in flight */
};


#define ngx_http_notify_subscriber_is_loading(s)                              \
    ((s)->state == NGX_HTTP_NOTIFY_SUBSCRIBER_LOADING)

#define ngx_http_notify_subscriber_is_ending(s)                               \
    ((s)->state >= NGX_HTTP_NOTIFY_SUBSCRIBER_DISABLED)


ngx_http_notify_subscriber_t *ngx_http_notify_subscriber_find(
    ngx_http_notify_feed_t *feed, const ngx_str_t *id);

/* Whether it starts nothing now, whatever there is. */
ngx_uint_t ngx_http_notify_subscriber_is_paused(
    ngx_http_notify_subscriber_t *s);

/* How many events one call carries, at most. */
ngx_uint_t ngx_http_notify_subscriber_batch(
    const ngx_http_notify_subscriber_t *s);

/* It reads by itself from there on, or (`behind` 0) follows the tail. */
void ngx_http_notify_subscriber_behind(ngx_http_notify_subscriber_t *s,
    ngx_uint_t behind, const ngx_http_notify_id_t *read);

/* Its queue has changed: is it hungry? */
void ngx_http_notify_subscriber_update_backlog(ngx_http_notify_subscriber_t *s);

/* It goes: the feed counts it no longer. */
void ngx_http_notify_subscriber_uncount(ngx_http_notify_subscriber_t *s);

/* Counts for the channel, and for its tenant. */
void ngx_http_notify_subscriber_tally(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_metrics_e counter);

/* All of its retry set is due now, with the next commit. */
void ngx_http_notify_subscriber_release(ngx_http_notify_subscriber_t *s);

/* Puts it on the list of what the next commit writes. */
void ngx_http_notify_subscriber_touch(ngx_http_notify_subscriber_t *s);
/* Takes it off. */
void ngx_http_notify_subscriber_clean(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_SUBSCRIBER_H_INCLUDED_ */
