/*
 * Contexts that a redirect does not take away.
 */

#include "ngx_http_notify_request_ctx.h"
#include "ngx_http_notify_memory.h"


void *
ngx_http_notify_request_ctx_create(ngx_http_request_t *r,
    ngx_module_t *module, size_t size, ngx_pool_cleanup_pt handler)
{
    void  *ctx;

    ctx = ngx_http_notify_memory_owned(r->pool, size, handler);

    if (ctx) {
        ngx_http_set_ctx(r, ctx, (*module));
    }

    return ctx;
}


void *
ngx_http_notify_request_ctx_next(ngx_http_request_t *r,
    ngx_pool_cleanup_pt handler, const void *previous)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != handler) {
            continue;
        }

        if (previous == NULL) {
            return cln->data;
        }

        if (cln->data == previous) {
            previous = NULL;
        }
    }

    return NULL;
}
