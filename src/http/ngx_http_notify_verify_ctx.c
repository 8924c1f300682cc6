/*
 * What is known of a request for notify_verify.  Lives in its pool and
 * survives its redirects.
 */

#include "ngx_http_notify_request_ctx.h"
#include "ngx_http_notify_verify.h"


ngx_http_notify_verify_ctx_t *
ngx_http_notify_verify_ctx_next(ngx_http_request_t *r,
    const ngx_http_notify_verify_ctx_t *previous)
{
    return ngx_http_notify_request_ctx_next(r,
               ngx_http_notify_verify_ctx_cleanup, previous);
}


ngx_http_notify_verify_ctx_t *
ngx_http_notify_verify_ctx_find(ngx_http_request_t *r,
    ngx_http_notify_verify_conf_t *verify)
{
    ngx_http_notify_verify_ctx_t  *ctx;

    ctx = NULL;

    do {
        ctx = ngx_http_notify_verify_ctx_next(r, ctx);

    } while (ctx && (ctx->verify != verify || ctx->request != r));

    return ctx;
}


ngx_http_notify_verify_ctx_t *
ngx_http_notify_verify_ctx_passed(ngx_http_request_t *r)
{
    ngx_http_notify_verify_ctx_t  *ctx;

    ctx = NULL;

    do {
        ctx = ngx_http_notify_verify_ctx_next(r, ctx);

    } while (ctx && ctx->state != NGX_HTTP_NOTIFY_VERIFY_PASS);

    return ctx;
}


/* marks the context, too */

void
ngx_http_notify_verify_ctx_cleanup(void *data)
{
    ngx_http_notify_verify_ctx_t *ctx = data;

    if (ctx->once) {
        ctx->ended(ctx);
    }
}
