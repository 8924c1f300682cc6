/*
 * What is known of a request for notify_sync.  Lives in its pool and survives
 * its redirects.
 */

#include "ngx_http_notify_request_ctx.h"
#include "ngx_http_notify_sync.h"


static void ngx_http_notify_sync_ctx_cleanup(void *data);


ngx_http_notify_sync_ctx_t *
ngx_http_notify_sync_ctx(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync)
{
    ngx_http_notify_sync_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_sync_module);

    if (ctx && (sync ? ctx->sync == sync : ctx->asked)) {
        return ctx;
    }

    if (!r->internal && !r->filter_finalize) {
        return NULL;
    }

    /* a redirect forgets the contexts, but not what is in the pool */

    return ngx_http_notify_sync_ctx_find(r, sync);
}


/* the pool is that of a client's request and its subrequests together */

ngx_http_notify_sync_ctx_t *
ngx_http_notify_sync_ctx_find(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync)
{
    ngx_http_notify_sync_ctx_t  *ctx;

    ctx = NULL;

    do {
        ctx = ngx_http_notify_request_ctx_next(r,
                                         ngx_http_notify_sync_ctx_cleanup, ctx);

    } while (ctx && !(ctx->request == r
                      && (sync ? ctx->sync == sync : ctx->asked)));

    return ctx;
}


ngx_http_notify_sync_ctx_t *
ngx_http_notify_sync_ctx_create(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync)
{
    ngx_http_notify_sync_ctx_t  *ctx;

    ctx = ngx_http_notify_request_ctx_create(r, &ngx_http_notify_sync_module,
                                         sizeof(ngx_http_notify_sync_ctx_t),
                                         ngx_http_notify_sync_ctx_cleanup);
    if (ctx) {
        ctx->request = r;
        ctx->sync = sync;
    }

    return ctx;
}


/* marks the context; the call is ended by a cleanup of its own */

static void
ngx_http_notify_sync_ctx_cleanup(void *data)
{
    /* void */
}


/* of the last that was asked, in this location or before a redirect */

const ngx_http_notify_sync_result_t *
ngx_http_notify_sync_response(ngx_http_request_t *r)
{
    ngx_http_notify_sync_ctx_t  *ctx;

    ctx = ngx_http_notify_sync_ctx(r, NULL);

    if (ctx == NULL && r != r->main) {
        ctx = ngx_http_notify_sync_ctx_find(r->main, NULL);
    }

    return ctx ? &ctx->ask.response : NULL;
}
