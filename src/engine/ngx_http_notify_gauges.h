/*
 * Gauges of the engine: what a worker has of each channel, measured once a
 * second.  Bounded work a time: of many subscriptions a part.
 */

#ifndef _NGX_HTTP_NOTIFY_GAUGES_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_GAUGES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* the walk over a feed's subscribers, bucket after bucket */
typedef struct {
    ngx_uint_t   shard;     /* the next one */
    uint64_t     open;
    uint64_t     retrying;
    uint64_t     lag;       /* milliseconds */
} ngx_http_notify_gauges_t;

struct ngx_http_notify_feed_s;

void ngx_http_notify_gauges(struct ngx_http_notify_feed_s *feed);


#endif /* _NGX_HTTP_NOTIFY_GAUGES_H_INCLUDED_ */
