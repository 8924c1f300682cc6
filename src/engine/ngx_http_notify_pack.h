/*
 * What is older than `compress after=` is put into segments, by the worker that
 * has the first shard.
 */

#ifndef _NGX_HTTP_NOTIFY_PACK_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PACK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


/* NGX_ERROR: memory */
ngx_int_t ngx_http_notify_pack_init(ngx_http_notify_feed_t *feed,
    ngx_pool_t *pool);
void ngx_http_notify_pack_exit(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_PACK_H_INCLUDED_ */
