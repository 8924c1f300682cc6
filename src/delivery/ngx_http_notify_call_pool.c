/*
 * The memory of calls: pools that most calls fit into are used again.  Must
 * not know what is in them.
 */

#include "ngx_http_notify_call_internal.h"


#define NGX_HTTP_NOTIFY_CALL_POOL    4480   /* two blocks for most calls */
#define NGX_HTTP_NOTIFY_CALL_SPARE   64     /* pools for the next calls */


/* of the worker */
static struct {
    ngx_uint_t     nspare;
    ngx_pool_t    *spare[NGX_HTTP_NOTIFY_CALL_SPARE];
} ngx_http_notify_call_pools;


ngx_pool_t *
ngx_http_notify_call_pool_get(void)
{
    if (ngx_http_notify_call_pools.nspare) {
        return ngx_http_notify_call_pools.spare[
                                        --ngx_http_notify_call_pools.nspare];
    }

    return ngx_create_pool(NGX_HTTP_NOTIFY_CALL_POOL, ngx_cycle->log);
}


/* what most calls need is kept for the next ones; debuggers see each die */

void
ngx_http_notify_call_pool_free(ngx_pool_t *pool)
{
#if !(NGX_DEBUG_PALLOC)

    ngx_pool_t          *block;
    ngx_pool_cleanup_t  *cln;

    block = pool->d.next;

    if (ngx_http_notify_call_pools.nspare < NGX_HTTP_NOTIFY_CALL_SPARE
        && (block == NULL || block->d.next == NULL))
    {
        for (cln = pool->cleanup; cln; cln = cln->next) {
            if (cln->handler) {
                cln->handler(cln->data);
            }
        }

        pool->cleanup = NULL;
        ngx_reset_pool(pool);

        ngx_http_notify_call_pools.spare[
                               ngx_http_notify_call_pools.nspare++] = pool;
        return;
    }

#endif

    ngx_destroy_pool(pool);
}


void
ngx_http_notify_call_pool_exit(void)
{
    while (ngx_http_notify_call_pools.nspare) {
        ngx_destroy_pool(
            ngx_http_notify_call_pools.spare[
                                       --ngx_http_notify_call_pools.nspare]);
    }
}
