/*
 * The bodies of answers that notify_emit is about, before any other filter sees
 * them: a part of one (Range, slice) is cut only after it was let go.  Slices
 * look at the header right after the other filters: theirs is held here, too.
 * Must not know why an answer is held.
 */

#include "ngx_http_notify_emit_filter_internal.h"
#include "ngx_http_notify_http_module.h"


static ngx_int_t ngx_http_notify_emit_top_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_emit_top_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_notify_emit_top_held(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_chain_t *in);
static ngx_int_t ngx_http_notify_emit_top_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_notify_emit_top_module_ctx =
    ngx_http_notify_http_module_filter(ngx_http_notify_emit_top_init);


ngx_module_t  ngx_http_notify_emit_top_module =
    ngx_http_notify_http_module(&ngx_http_notify_emit_top_module_ctx, NULL);


/* that of nginx, where it is built in */
static ngx_module_t                     *ngx_http_notify_emit_top_slice;

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_notify_emit_top_header_filter(ngx_http_request_t *r)
{
    if (r != r->main
        || ngx_http_get_module_ctx(r, (*ngx_http_notify_emit_top_slice))
           == NULL)
    {
        return ngx_http_next_header_filter(r);
    }

    return ngx_http_notify_emit_filter_header(r, ngx_http_next_header_filter);
}


static ngx_int_t
ngx_http_notify_emit_top_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                           rc;
    ngx_uint_t                          last;
    ngx_http_notify_emit_filter_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_emit_filter_module);

    if (ctx == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    if (ctx->woken) {
        ctx->woken = 0;

        /* nginx takes it for an error to write where there is nothing */

        if (in == NULL && !r->buffered && !r->connection->buffered) {
            return NGX_OK;
        }
    }

    if (ctx->ended && ctx->state == NGX_HTTP_NOTIFY_EMIT_PASS) {
        return ngx_http_next_body_filter(r, in);
    }

    if (ngx_http_notify_emit_filter_look(r, ctx, in) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ctx->state == NGX_HTTP_NOTIFY_EMIT_PASS
             ? ngx_http_next_body_filter(r, in)
             : ngx_http_notify_emit_top_held(r, ctx, in);

    last = ctx->last && ctx->state == NGX_HTTP_NOTIFY_EMIT_PASS;

    if (rc != NGX_ERROR && last) {
        ngx_http_notify_emit_filter_background(r, ctx);
    }

    return rc;
}


static ngx_int_t
ngx_http_notify_emit_top_held(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_int_t     rc;
    ngx_chain_t  *out;

    if (ngx_http_notify_emit_filter_keep(r, ctx, in) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->state == NGX_HTTP_NOTIFY_EMIT_GATHER
        && (ctx->last || ctx->over)
        && ngx_http_notify_emit_filter_commit(r, ctx) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    if (ctx->state != NGX_HTTP_NOTIFY_EMIT_READY) {
        return NGX_AGAIN;
    }

    rc = ngx_http_notify_emit_filter_release(r, ctx);

    if (rc == NGX_ERROR || ctx->failed || r->header_only) {
        return rc;
    }

    if (ctx->gathered && ngx_http_notify_emit_filter_prepend(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    out = ctx->held;
    ctx->held = NULL;
    ctx->last_held = &ctx->held;

    return ngx_http_next_body_filter(r, out);
}


static ngx_int_t
ngx_http_notify_emit_top_init(ngx_conf_t *cf)
{
    ngx_uint_t     i;
    ngx_module_t  *module;

    if (!ngx_http_notify_emit_filter_used(cf)) {
        return NGX_OK;
    }

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_notify_emit_top_body_filter;

    for (i = 0; (module = cf->cycle->modules[i]) != NULL; i++) {

        if (ngx_strcmp(module->name, "ngx_http_slice_filter_module") == 0) {
            ngx_http_notify_emit_top_slice = module;

            ngx_http_next_header_filter = ngx_http_top_header_filter;
            ngx_http_top_header_filter = ngx_http_notify_emit_top_header_filter;
        }
    }

    return NGX_OK;
}
