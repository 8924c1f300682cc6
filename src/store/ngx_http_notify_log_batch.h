/*
 * Calls of publish.lua.  What is published to a log in one turn goes in one
 * call, in its order, and each publish has an answer of its own.  Does not know
 * the publishers, nor what the answers say.
 */

#ifndef _NGX_HTTP_NOTIFY_LOG_BATCH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOG_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log_publish.h"
#include "ngx_http_notify_log_replicas.h"


/*
 * The publishes of a call by their queue, in their order, and the reply to all
 * of them, NULL: none.  Takes them all out.  Called once, never inside.
 */
typedef void (*ngx_http_notify_log_batch_pt)(ngx_queue_t *publishes,
    const ngx_http_notify_resp_t *resp);

typedef struct {
    ngx_http_notify_redis_t           *redis;
    const ngx_http_notify_keys_t      *keys;
    size_t                             max_size;
    const ngx_http_notify_log_entry_t *entries;     /* are copied */
    ngx_uint_t                         n;
    ngx_http_notify_log_replicas_t    *publish;     /* from ngx_alloc() */
    ngx_http_notify_log_batch_pt       handler;     /* the same for all */
} ngx_http_notify_log_batch_ctx_t;


/* NGX_ERROR: memory, or too much for a command; the publish is not in it */
ngx_int_t ngx_http_notify_log_batch_add(ngx_http_notify_log_batch_ctx_t *ctx);
/* in a call of its own, after those that were added before */
ngx_int_t ngx_http_notify_log_batch_numbered(
    ngx_http_notify_log_batch_ctx_t *ctx,
    const ngx_http_notify_log_publisher_t *publisher);
/* whether some are not on their way yet; keys NULL: of any log */
ngx_uint_t ngx_http_notify_log_batch_held(
    const ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys);
/* frees all publishes, without calling handlers */
void ngx_http_notify_log_batch_exit(void);


#endif /* _NGX_HTTP_NOTIFY_LOG_BATCH_H_INCLUDED_ */
