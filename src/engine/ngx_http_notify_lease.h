/*
 * A lease of this worker on a shard of the subscriptions.  For the engine's
 * own files.
 */

#ifndef _NGX_HTTP_NOTIFY_LEASE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LEASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


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
    ngx_queue_t                       dirty_link;   /* in feed->dirty */
    ngx_queue_t                       loads;    /* of single subscribers */
    ngx_uint_t                        active;   /* deliveries under way */

    struct ngx_http_notify_commit_s  *commit;   /* the one in flight */
    unsigned                          listed:1; /* in feed->dirty */
    unsigned                          reading:1;
    unsigned                          placed:1; /* its position is known */
    unsigned                          urgent:1; /* its commit is waited for */
    unsigned                          broken:1; /* an operation was lost */
    unsigned                          stuck:1;  /* Redis refuses its commit */
    unsigned                          back:1;   /* to be given back */
};


/* the leases of a feed, one a shard; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_lease_init(ngx_http_notify_feed_t *feed,
    ngx_pool_t *pool);

/* Some of its subscribers are dirty: a commit looks at it. */
void ngx_http_notify_lease_touch(ngx_http_notify_lease_t *lease);
/* None of them is any more. */
void ngx_http_notify_lease_clean(ngx_http_notify_lease_t *lease);

/*
 * What is here of it may differ from what Redis has, or it belongs to another
 * worker: nothing of it is written, and the turn drops it, to be read again.
 */
void ngx_http_notify_lease_break(ngx_http_notify_lease_t *lease);
void ngx_http_notify_lease_break_all(ngx_http_notify_feed_t *feed);

/* Nothing is held of it any more. */
void ngx_http_notify_lease_reset(ngx_http_notify_lease_t *lease);


#endif /* _NGX_HTTP_NOTIFY_LEASE_H_INCLUDED_ */
