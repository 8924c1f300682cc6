/*
 * What is known of a client's request for notify_emit: which events were made,
 * and what it waits for.  Lives in the request's pool and survives its
 * redirects.
 */

#include "ngx_http_notify_emit_filter_internal.h"
#include "ngx_http_notify_outbox.h"
#include "ngx_http_notify_request_ctx.h"


static void ngx_http_notify_emit_cleanup(void *data);


ngx_http_notify_emit_ctx_t *
ngx_http_notify_emit_ctx(ngx_http_request_t *r)
{
    ngx_array_t                  done, pending;
    ngx_http_notify_emit_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_emit_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_http_notify_request_ctx_next(r, ngx_http_notify_emit_cleanup,
                                           NULL);
    if (ctx) {
        ngx_http_set_ctx(r, ctx, ngx_http_notify_emit_module);
        return ctx;
    }

    if (ngx_array_init(&done, r->pool, 4,
                       sizeof(ngx_http_notify_emit_conf_t *))
        != NGX_OK
        || ngx_array_init(&pending, r->pool, 2,
                          sizeof(ngx_http_notify_emit_pending_t *))
           != NGX_OK)
    {
        return NULL;
    }

    ctx = ngx_http_notify_request_ctx_create(r, &ngx_http_notify_emit_module,
                                         sizeof(ngx_http_notify_emit_ctx_t),
                                         ngx_http_notify_emit_cleanup);
    if (ctx == NULL) {
        return NULL;
    }

    ctx->request = r;
    ctx->done = done;
    ctx->pending = pending;

    return ctx;
}


ngx_uint_t
ngx_http_notify_emit_open(ngx_http_request_t *r,
    ngx_http_notify_emit_ctx_t *ctx, ngx_http_notify_emit_conf_t *emit)
{
    ngx_uint_t                        i;
    ngx_http_notify_emit_conf_t     **done;
    ngx_http_notify_emit_loc_conf_t  *main, *elcf;

    if (r != r->main) {

        /* parts of one answer, and updates of a cache, are the main's */

        main = ngx_http_get_module_loc_conf(r->main,
                                            ngx_http_notify_emit_module);
        elcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_emit_module);

        if (!emit->location || main->list == elcf->list) {
            return 0;
        }
    }

    done = ctx->done.elts;

    for (i = 0; i < ctx->done.nelts; i++) {
        if (done[i] == emit) {
            return 0;
        }
    }

    return 1;
}


void
ngx_http_notify_emit_settled(ngx_http_notify_emit_ctx_t *ctx)
{
    if (--ctx->waiting == 0) {
        ctx->pending.nelts = 0;
        ctx->resume(ctx);
    }
}


void
ngx_http_notify_emit_abandon(ngx_http_notify_emit_ctx_t *ctx)
{
    ngx_uint_t                        i;
    ngx_http_notify_emit_pending_t  **pending;

    pending = ctx->pending.elts;

    for (i = 0; i < ctx->pending.nelts; i++) {

        if (pending[i]->event == NULL) {
            continue;
        }

        if (pending[i]->emit->fail) {
            ngx_http_notify_outbox_withdraw(pending[i]->event);

        } else {
            ngx_http_notify_outbox_leave(pending[i]->event);
        }

        pending[i]->event = NULL;
    }

    if (ctx->session) {
        ctx->unsession(ctx);
    }

    ctx->pending.nelts = 0;
    ctx->waiting = 0;
}


static void
ngx_http_notify_emit_cleanup(void *data)
{
    ngx_http_notify_emit_abandon(data);
}


ngx_http_notify_emit_answer_t *
ngx_http_notify_emit_answer(ngx_http_request_t *r)
{
    ngx_http_notify_emit_filter_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_emit_filter_module);

    return ctx && ctx->capture ? &ctx->answer : NULL;
}
