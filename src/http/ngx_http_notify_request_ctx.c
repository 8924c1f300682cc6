/*
 * Contexts that a redirect does not take away.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_request_ctx.h"


void *
ngx_http_notify_request_ctx_create(ngx_http_request_t *r,
    ngx_module_t *module, size_t size, ngx_pool_cleanup_pt handler)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, size);
    if (cln == NULL) {
        return NULL;
    }

    ngx_memzero(cln->data, size);

    cln->handler = handler;

    ngx_http_set_ctx(r, cln->data, (*module));

    return cln->data;
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
