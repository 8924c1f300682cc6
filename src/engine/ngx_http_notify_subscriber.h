/*
 * The engine's objects, all of them of one worker: a feed (a channel as this
 * worker follows it), its leases on buckets, the subscribers in them, the
 * deliveries under way.  For the engine's own files; no layer above sees them.
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
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_gauges.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_page.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_redis.h"
#include "ngx_http_notify_subscriptions.h"


#define NGX_HTTP_NOTIFY_SUBSCRIBER_QUEUE   1024    /* events at most, and */
#define NGX_HTTP_NOTIFY_SUBSCRIBER_BYTES   (8 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_SUBSCRIBER_HUNGRY  256     /* the tail reads on */
#define NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY   1000    /* a full retry set */
#define NGX_HTTP_NOTIFY_SUBSCRIBER_PASS    1000    /* ms, then it is passed */


typedef struct ngx_http_notify_feed_s        ngx_http_notify_feed_t;
typedef struct ngx_http_notify_lease_s       ngx_http_notify_lease_t;
typedef struct ngx_http_notify_subscriber_s  ngx_http_notify_subscriber_t;
typedef struct ngx_http_notify_delivery_s    ngx_http_notify_delivery_t;
typedef struct ngx_http_notify_match_s       ngx_http_notify_match_t;
typedef struct ngx_http_notify_match_link_s  ngx_http_notify_match_link_t;
typedef struct ngx_http_notify_redeliver_s   ngx_http_notify_redeliver_t;


typedef enum {
    NGX_HTTP_NOTIFY_LEASE_NONE = 0,
    NGX_HTTP_NOTIFY_LEASE_SCAN,         /* its subscriptions are being read */
    NGX_HTTP_NOTIFY_LEASE_LOAD,         /* its cursors are being read */
    NGX_HTTP_NOTIFY_LEASE_READ,         /* it reads the log up to the tail */
    NGX_HTTP_NOTIFY_LEASE_JOINED,       /* the tail feeds it */
    NGX_HTTP_NOTIFY_LEASE_DRAIN         /* starts nothing: to be given back */
} ngx_http_notify_lease_state_e;


struct ngx_http_notify_lease_s {
    ngx_http_notify_feed_t           *feed;
    ngx_uint_t                        shard;
    ngx_http_notify_lease_state_e     state;
    uint64_t                          epoch;
    ngx_uint_t                        serial;   /* of this ownership: answers
                                                   to an earlier one are void */
    ngx_http_notify_id_t              position; /* dispatched up to here */
    ngx_http_notify_id_t              committed;    /* what Redis has of it */
    ngx_queue_t                       subscribers;
    ngx_queue_t                       dirty;    /* subscribers to commit */
    ngx_queue_t                       loads;    /* of single subscribers */
    ngx_uint_t                        active;   /* deliveries under way */

    struct ngx_http_notify_commit_s  *commit;   /* the one in flight */
    unsigned                          reading:1;
    unsigned                          placed:1; /* its position is known */
    unsigned                          urgent:1; /* somebody waits for it */
    unsigned                          broken:1; /* an operation was lost */
    unsigned                          stuck:1;  /* Redis refuses its commit */
    unsigned                          back:1;   /* to be given back */
};


struct ngx_http_notify_feed_s {
    ngx_http_notify_channel_t        *channel;
    ngx_http_notify_redis_t          *redis;    /* commands; borrowed */
    ngx_http_notify_redis_t          *tail;     /* blocking reads; own */
    ngx_log_t                        *log;
    ngx_str_t                         owner;

    ngx_http_notify_lease_t           leases[NGX_HTTP_NOTIFY_KEYS_SHARDS];
    ngx_event_t                       lease_timer;
    ngx_msec_t                        renewed;  /* when the last pass that
                                                   succeeded was asked for */
    ngx_msec_t                        asked;
    ngx_uint_t                        serial;
    ngx_uint_t                        share;
    unsigned                          fresh:1;      /* not yet claimed */
    unsigned                          claiming:1;
    unsigned                          leaving:1;
    unsigned                          draining:1;   /* so asks the claim */
    unsigned                          drained:1;    /* Redis knows of it */
    unsigned                          left:1;
    unsigned                          refused:1;    /* by a Redis that takes
                                                       no writes */
    unsigned                          alone:1;      /* leaving, without Redis */
    ngx_msec_t                        leave;        /* since then, monotonic */
    ngx_msec_t                        away;         /* alone since then */

    ngx_rbtree_t                      subscribers;  /* ngx_str_rbtree by id */
    ngx_rbtree_node_t                 sentinel;
    ngx_uint_t                        nsubscribers;
    ngx_http_notify_match_t          *match;

    ngx_http_notify_id_t              position;     /* of the tail */
    ngx_http_notify_id_t              end;          /* of the log, at first */
    ngx_http_notify_id_t              changes;      /* in subs:log */
    ngx_int_t                         version;      /* of the last one, or 0 */
    ngx_event_t                       tail_timer;
    ngx_uint_t                        tail_size;    /* an entry's, roughly */
    ngx_uint_t                        tail_tests;   /* subscribers tested for
                                                   one, roughly */
    ngx_uint_t                        tail_asked;   /* entries, by the read */
    uint64_t                          clock;        /* epoch ms, and what the */
    ngx_msec_t                        clock_msec;   /* monotonic one was then */
    unsigned                          positioned:1; /* position is known */
    unsigned                          tailing:1;    /* a read is under way */
    unsigned                          pausing:1;    /* until tail_timer, or
                                                       somebody is hungry */
    unsigned                          more:1;       /* the last read was full */
    unsigned                          anchored:1;   /* end, changes are known */
    ngx_uint_t                        scan_count;   /* documents to ask for */

    unsigned                          rescan:1;
    unsigned                          scanning:1;

    ngx_queue_t                       waiting;  /* subscribers without room */
    ngx_queue_t                       calls;    /* first attempts, by start */
    ngx_queue_t                       discarded;    /* calls of nobody */
    ngx_event_t                       pass_timer;
    ngx_event_t                       commit_event;
    ngx_event_t                       commit_timer;
    ngx_event_t                       resume;
    ngx_event_t                       trim_timer;

    struct ngx_http_notify_presence_s  *asking; /* to be sent in this turn */
    ngx_queue_t                       questions;    /* about sessions */
    ngx_event_t                       ask_event;

    ngx_uint_t                        queued;
    ngx_uint_t                        active;   /* deliveries under way */
    ngx_uint_t                        behind;
    ngx_uint_t                        full;     /* subscribers that follow the
                                                   tail and are not hungry */
    ngx_http_notify_pages_t           pages;    /* while any are behind */
    ngx_http_notify_id_t              range_from;   /* the last range that one
                                                       of these asked for, */
    ngx_uint_t                        ranges;   /* its number */
    unsigned                          ranging:1;    /* is it under way? */
    ngx_uint_t                        counts[NGX_HTTP_NOTIFY_METRICS_N];
    ngx_http_notify_gauges_t          gauges;
};


struct ngx_http_notify_subscriber_s {
    ngx_str_node_t                    node;     /* in feed->subscribers */
    ngx_queue_t                       link;     /* in lease->subscribers */
    ngx_queue_t                       dirty_link;
    ngx_queue_t                       wait_link;    /* in feed->waiting, or
                                                   in share->waiting */
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
    ngx_http_notify_id_t              read_end; /* of the tail at that time */
    ngx_uint_t                        awaited;  /* number of another's range */

    ngx_queue_t                       window;   /* first attempts, by id */
    ngx_queue_t                       others;   /* retries and redeliveries */
    ngx_uint_t                        nwindow;
    ngx_uint_t                        in_flight;
    ngx_uint_t                        unacked;  /* done, not yet committed */
    ngx_uint_t                        unacked_sent;

    ngx_uint_t                        nretry;   /* in the retry set */
    uint64_t                          due;      /* epoch ms, the next that is
                                                   in Redis; 0: none known */
    struct ngx_http_notify_retry_batch_s  *batch;   /* of retries that are due
                                                   and start next, or NULL */
    ngx_uint_t                        fetching; /* number of the question for
                                                   these, or 0 */
    ngx_uint_t                        owed;     /* calls, to retries that are
                                                   due, */
    ngx_uint_t                        redeliver_owed;   /* and to that */
    ngx_http_notify_redeliver_t      *redelivery;   /* or NULL */
    ngx_int_t                         redelivered; /* version of the last one */

    ngx_http_notify_breaker_t         breaker;
    ngx_http_notify_bucket_t          bucket;
    ngx_http_notify_bucket_conf_t     rate;
    ngx_uint_t                        limit;    /* in_flight at most */
    uint64_t                          until;    /* ms from the first attempt,
                                                   by the channel's settings */
    uint64_t                          paused;   /* epoch ms, Retry-After */
    ngx_http_notify_id_t              gap_from; /* dropped since, exclusive */
    ngx_http_notify_id_t              gap_to;

    ngx_event_t                       timer;
    ngx_queue_t                       operations;
    ngx_queue_t                       sent;     /* of these: of the retry set,
                                                   in the commit in flight */
    struct ngx_http_notify_attempts_s  *attempts;   /* not committed, or NULL */
    ngx_http_notify_id_t              stored_id;
    ngx_uint_t                        stored_flags;

    unsigned                          behind:1;
    unsigned                          full:1;       /* counted in feed->full */
    unsigned                          reading:1;
    unsigned                          awaiting:1;
    unsigned                          look:1;       /* again, at what is due */
    unsigned                          dirty:1;
    unsigned                          waiting:1;
    unsigned                          crowded:1;    /* waits in its share */
    unsigned                          stored:1;     /* has a cursor entry */
    unsigned                          gap:1;
    unsigned                          disabled:1;   /* drains, then goes */
    unsigned                          again:1;      /* enabled since */
    unsigned                          giving_up:1;  /* paused for that */
    unsigned                          asked:1;      /* for a redelivery, before
                                                       it was located */
    unsigned                          unusable:1;   /* no profile, no filter:
                                                       held at its cursor */
    unsigned                          release:1;    /* all due now, at commit */
    unsigned                          released:1;   /* by the one in flight */
    unsigned                          located:1;    /* its cursor is known */
};


struct ngx_http_notify_delivery_s {
    ngx_queue_t                       link;     /* in window or others */
    ngx_queue_t                       call_link;    /* in feed->calls */
    ngx_http_notify_feed_t           *feed;
    ngx_http_notify_subscriber_t     *subscriber;   /* NULL: discarded */
    ngx_http_notify_lease_t          *lease;
    ngx_http_notify_event_t          *event;
    ngx_http_notify_id_t              id;
    ngx_http_notify_call_t           *call;
    ngx_http_notify_provider_node_t  *node;     /* called by a provider */
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
};


/* epoch milliseconds, as cached by nginx */
uint64_t ngx_http_notify_subscriber_time(void);
/* the same for what waits: it never goes back */
uint64_t ngx_http_notify_subscriber_now(void);

ngx_http_notify_subscriber_t *ngx_http_notify_subscriber_find(
    ngx_http_notify_feed_t *feed, const ngx_str_t *id);

/*
 * Takes over the document.  A subscriber of that id that runs goes on with the
 * new values (its next attempts use them); an older version changes nothing.
 * One that has been enabled again, whether or not this worker had noticed that
 * it was disabled, starts anew: the place, if known, tells (see locate).
 * NULL: memory, or not now, or an older version; the document is then freed.
 */
ngx_http_notify_subscriber_t *ngx_http_notify_subscriber_put(
    ngx_http_notify_lease_t *lease, ngx_http_notify_subscription_t *doc,
    const ngx_str_t *place);

/* What it selected before, as in cursor:<bucket>; takes the place of what is
 * known of that.  Before it is located, or told of its next events. */
void ngx_http_notify_subscriber_former(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *value);
/* Whether an event is for it: by the document of its time. */
ngx_uint_t ngx_http_notify_subscriber_wants(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event);

/*
 * Where it stands: the value of its field in cursor:<bucket>, or an empty text
 * when it has none and so stands where its bucket stands.
 */
void ngx_http_notify_subscriber_locate(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *value);

/*
 * Its document has changed, to this version at least: nothing is started with
 * the one that is here, and nothing that follows in the log is matched by it,
 * until the new one is put.
 */
void ngx_http_notify_subscriber_change(ngx_http_notify_subscriber_t *s,
    uint64_t version);

/* Whether it starts nothing now, whatever there is. */
ngx_uint_t ngx_http_notify_subscriber_is_paused(
    ngx_http_notify_subscriber_t *s);

/* What it would lose with this worker: the id up to which all is settled. */
ngx_http_notify_id_t ngx_http_notify_subscriber_cursor(
    ngx_http_notify_subscriber_t *s);

/* It reads by itself from there on, or (`behind` 0) follows the tail. */
void ngx_http_notify_subscriber_behind(ngx_http_notify_subscriber_t *s,
    ngx_uint_t behind, const ngx_http_notify_id_t *read);

/* Its queue has changed: is it hungry? */
void ngx_http_notify_subscriber_update_backlog(ngx_http_notify_subscriber_t *s);

/* Counts for the channel, and for its tenant. */
void ngx_http_notify_subscriber_tally(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_metrics_e counter);

/* Puts it on the list of what the next commit writes. */
void ngx_http_notify_subscriber_touch(ngx_http_notify_subscriber_t *s);

/* Forgets it at once; calls under way end and are discarded. */
void ngx_http_notify_subscriber_drop(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_SUBSCRIBER_H_INCLUDED_ */
