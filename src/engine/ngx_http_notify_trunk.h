/*
 * The trunk: what the tails of one Redis share.  A connection with one blocking
 * read of all their logs and change logs; a feed waits on it until it is told
 * what has come.  Where many channels are at rest, a second connection waits
 * for those, so that the read of the others stays short.  Keys of a cluster
 * may be in no read together: there each feed has a trunk of its own.
 */

#ifndef _NGX_HTTP_NOTIFY_TRUNK_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TRUNK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


/*
 * The feed waits no longer: the answer has its streams alone, at most
 * feed->tail_asked entries of each.  An error is its own.  NULL: a read of
 * several has failed, and it has to see by itself whether it is the cause.
 */
typedef void (*ngx_http_notify_trunk_pt)(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *resp);


/* NGX_ERROR: memory */
ngx_int_t ngx_http_notify_trunk_join(ngx_http_notify_feed_t *feed,
    ngx_http_notify_trunk_pt handler);
/* The feed is told nothing any more. */
void ngx_http_notify_trunk_leave(ngx_http_notify_feed_t *feed);

/* Waits for what follows the feed's position and changes. */
void ngx_http_notify_trunk_wait(ngx_http_notify_feed_t *feed);
/* Waits no longer; the connections, which may be to a former master, are made
 * anew. */
void ngx_http_notify_trunk_reset(ngx_http_notify_feed_t *feed);

/* whether others have it, too, and whether they read already, without it */
ngx_uint_t ngx_http_notify_trunk_is_shared(const ngx_http_notify_feed_t *feed);
ngx_uint_t ngx_http_notify_trunk_is_taken(const ngx_http_notify_feed_t *feed);
/* whether a read is under way that tells the feed */
ngx_uint_t ngx_http_notify_trunk_is_read(const ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_TRUNK_H_INCLUDED_ */
