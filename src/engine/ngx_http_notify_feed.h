/*
 * A feed: a partition of a channel as this worker follows it.  Its turn is one
 * posted event: whatever needs work marks it and posts the turn, which works
 * later in the same iteration of the event loop.  For the engine's own files.
 */

#ifndef _NGX_HTTP_NOTIFY_FEED_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FEED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_page.h"
#include "ngx_http_notify_redis.h"


#define NGX_HTTP_NOTIFY_FEED_TRUST   7000   /* ms, then nothing is started */
#define NGX_HTTP_NOTIFY_FEED_COMMIT  10     /* ms, until what is dirty goes */
/* ms, between two commits that nobody waits for */
#define NGX_HTTP_NOTIFY_FEED_COMMIT_EVERY  100


typedef struct ngx_http_notify_feed_s        ngx_http_notify_feed_t;
typedef struct ngx_http_notify_lease_s       ngx_http_notify_lease_t;
typedef struct ngx_http_notify_subscriber_s  ngx_http_notify_subscriber_t;
typedef struct ngx_http_notify_delivery_s    ngx_http_notify_delivery_t;
typedef struct ngx_http_notify_match_s       ngx_http_notify_match_t;
typedef struct ngx_http_notify_trunk_s       ngx_http_notify_trunk_t;


typedef enum {
    NGX_HTTP_NOTIFY_FEED_TAIL_IDLE = 0,
    NGX_HTTP_NOTIFY_FEED_TAIL_READS,    /* a read is under way */
    NGX_HTTP_NOTIFY_FEED_TAIL_PAUSES    /* until tail_timer, or a subscriber
                                           is hungry */
} ngx_http_notify_feed_tail_e;


/* the walk of the gauges over a feed's subscribers, shard after shard */
typedef struct {
    ngx_uint_t                        shard;    /* the next one */
    uint64_t                          open;
    uint64_t                          retrying;
    uint64_t                          lag;      /* milliseconds */
} ngx_http_notify_feed_gauges_t;


struct ngx_http_notify_feed_s {
    ngx_http_notify_channel_t        *channel;
    ngx_http_notify_redis_t          *redis;    /* commands; borrowed */
    ngx_log_t                        *log;
    ngx_str_t                         owner;
    ngx_uint_t                        serial;   /* of questions, and others */

    /* feed: time, and what a turn has to do */
    uint64_t                          clock;        /* epoch ms, and what the */
    ngx_msec_t                        clock_msec;   /* monotonic one was then */
    ngx_event_t                       turn;
    ngx_event_t                       commit_timer;
    ngx_msec_t                        committed;  /* when, at last */
    unsigned                          again:1;      /* a pass, after this one */
    unsigned                          working:1;    /* the turn is */
    unsigned                          commits:1;    /* in this turn */
    unsigned                          joins:1;      /* leases to the tail */

    /* run_queue */
    ngx_queue_t                       waiting;  /* subscribers that run next */
    ngx_queue_t                       pass;     /* those that run first */
    ngx_queue_t                       finished; /* those that end */
    ngx_queue_t                       room_link;    /* of those that wait for
                                                   room in the worker */
    ngx_uint_t                        crowded;  /* unsigned  crowded:1; it is
                                                   one of these, */
    ngx_uint_t                        yields;   /* unsigned  yields:1; and the
                                                   turn is another's */

    /* lease, ownership */
    ngx_http_notify_lease_t          *leases;   /* one a shard */
    ngx_queue_t                       dirty;    /* leases to commit */
    ngx_event_t                       lease_timer;
    ngx_msec_t                        renewed;  /* when the last pass that
                                                   succeeded was asked for */
    ngx_msec_t                        asked;
    ngx_uint_t                        share;
    unsigned                          broken:1;     /* some leases are */
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

    /* lifecycle, subscriber */
    ngx_rbtree_t                      subscribers;  /* ngx_str_rbtree by id */
    ngx_rbtree_node_t                 sentinel;
    ngx_uint_t                        nsubscribers;
    ngx_http_notify_match_t          *match;
    ngx_uint_t                        behind;
    ngx_uint_t                        full;     /* subscribers that follow the
                                                   tail and are not hungry */
    ngx_uint_t                        queued;
    ngx_uint_t                        counts[NGX_HTTP_NOTIFY_METRICS_N];

    /* load */
    ngx_http_notify_id_t              end;          /* of the log, at first */
    ngx_http_notify_id_t              changes;      /* in subs:log */
    ngx_int_t                         version;      /* of the last one, or 0 */
    ngx_uint_t                        scan_count;   /* documents to ask for */
    unsigned                          anchored:1;   /* end, changes are known */
    unsigned                          rescan:1;
    unsigned                          scanning:1;

    /* tail, reader */
    ngx_http_notify_feed_tail_e       tail_state;
    ngx_http_notify_command_t        *tail_command; /* its own read, or NULL */
    ngx_http_notify_id_t              position;
    ngx_http_notify_id_t              packed;       /* the end of the segments
                                                       that it reads */
    ngx_event_t                       tail_timer;
    ngx_uint_t                        tail_size;    /* an entry's, roughly */
    ngx_uint_t                        tail_tests;   /* eight times the
                                                   subscribers tested for
                                                   one, roughly */
    ngx_uint_t                        tail_asked;   /* entries, by the read */
    unsigned                          tail_log:1;   /* by its own read, too */
    unsigned                          tail_failed:1;    /* by its own, first */
    unsigned                          positioned:1; /* position is known */
    unsigned                          more:1;       /* the last read was full */
    ngx_http_notify_pages_t           pages;    /* while any are behind */

    /* trunk */
    ngx_http_notify_trunk_t          *trunk;    /* NULL: none yet */
    ngx_queue_t                       trunk_link;   /* of a line's feeds that
                                                       wait, or alone */
    ngx_msec_t                        trunk_told;
    ngx_uint_t                        trunk_rests;  /* unsigned  rests:1; on
                                                       the second line */

    /* range */
    ngx_http_notify_id_t              range_from;   /* of the last range that a
                                                       subscriber asked for, */
    ngx_uint_t                        ranges;   /* its number */
    unsigned                          ranging:1;    /* is it under way? */

    /* delivery, window */
    ngx_uint_t                        active;   /* deliveries under way */
    ngx_queue_t                       calls;    /* first attempts, by start */
    ngx_queue_t                       discarded;    /* without a subscriber */
    ngx_event_t                       pass_timer;

    /* presence */
    struct ngx_http_notify_presence_s  *asking; /* to be sent in this turn */
    ngx_queue_t                       questions;    /* about sessions */
    ngx_event_t                       ask_event;

    ngx_event_t                       trim_timer;   /* of retention */
    struct ngx_http_notify_pack_s    *pack;     /* NULL: compress is off */

    /* settings_follow */
    ngx_event_t                       settings_timer;
    ngx_int_t                         settings_version; /* copied, or 0 */
    ngx_int_t                         settings_asked;

    ngx_http_notify_feed_gauges_t     gauges;   /* the walk, */
    ngx_http_notify_feed_gauges_t     measured; /* and what the last found */
};


/* epoch milliseconds, as cached by nginx */
uint64_t ngx_http_notify_feed_time(void);
/* the same for what waits: it never goes back */
uint64_t ngx_http_notify_feed_now(void);

/* turn: works, by the top file of the engine */
void ngx_http_notify_feed_init(ngx_http_notify_feed_t *feed,
    ngx_event_handler_pt turn);
void ngx_http_notify_feed_exit(ngx_http_notify_feed_t *feed);

/* The feed works before this iteration ends; from within its turn, in the
 * next iteration. */
void ngx_http_notify_feed_post(ngx_http_notify_feed_t *feed);
/* It works in the next iteration. */
void ngx_http_notify_feed_post_next(ngx_http_notify_feed_t *feed);
/* It works in so many milliseconds, or sooner. */
void ngx_http_notify_feed_post_later(ngx_http_notify_feed_t *feed,
    ngx_msec_t delay);

/* It waits for calls of this worker, behind the feeds that do already. */
void ngx_http_notify_feed_crowd(ngx_http_notify_feed_t *feed);
/* It does so no longer. */
void ngx_http_notify_feed_uncrowd(ngx_http_notify_feed_t *feed);
/* the one that has waited longest; NULL: none waits */
ngx_http_notify_feed_t *ngx_http_notify_feed_crowded(void);

/* A number that was not given before, of questions and owners. */
ngx_uint_t ngx_http_notify_feed_number(ngx_http_notify_feed_t *feed);

/* Leases may join the tail: the turn tries. */
void ngx_http_notify_feed_join(ngx_http_notify_feed_t *feed);

/*
 * Something is dirty: a commit follows in 10 ms, or 100 ms after the one
 * before, or, `now`, at the end of this iteration.
 */
void ngx_http_notify_feed_commit_soon(ngx_http_notify_feed_t *feed,
    ngx_uint_t now);

/* A queue has become shorter: a tail that pauses may read on. */
void ngx_http_notify_feed_hungry(ngx_http_notify_feed_t *feed);

/* 1 while the last renewal of the leases is recent enough to start calls */
ngx_uint_t ngx_http_notify_feed_trusted(const ngx_http_notify_feed_t *feed);

/* Epoch ms: what is older leaves the log. */
uint64_t ngx_http_notify_feed_horizon(const ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_FEED_H_INCLUDED_ */
