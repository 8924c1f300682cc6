/*
 * The answers that notify_emit is about, on their way out: when one is held,
 * and with `commit` it is until Redis has the event, and when it is let go.
 * One context a request that may emit.  Must not know what events are made of.
 *
 * Headers pass here in the place of the auxiliary filters: after what makes a
 * 304 of the answer of a cache or a file, before what cuts it (Range) or
 * changes its bytes (sub_filter, SSI, gzip).  Bodies pass in emit_top, before
 * all of it.  So both are what the application has said.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_emit_filter_internal.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_sync_result.h"
#include "ngx_http_notify_session.h"
#include "ngx_http_notify_var.h"
#include "ngx_http_notify_serve.h"


/*
 * The bit of r->buffered that image_filter has: it sees an answer only when
 * this filter lets it go, and does not touch the bit any more.
 */
#define NGX_HTTP_NOTIFY_EMIT_BUFFERED  0x08


static ngx_int_t ngx_http_notify_emit_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_notify_emit_filter_wanted(ngx_http_request_t *r,
    ngx_http_notify_emit_loc_conf_t *elcf);
static ngx_http_notify_emit_filter_ctx_t *ngx_http_notify_emit_filter_create(
    ngx_http_request_t *r, ngx_uint_t emits,
    ngx_http_notify_session_when_e when);
static ngx_uint_t ngx_http_notify_emit_filter_reads(ngx_http_request_t *r,
    ngx_uint_t emits, ngx_http_notify_session_when_e when);
static ngx_uint_t ngx_http_notify_emit_filter_waits(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx);
static ngx_int_t ngx_http_notify_emit_filter_register(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_uint_t wait);
static ngx_int_t ngx_http_notify_emit_filter_hold(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx);
static void ngx_http_notify_emit_filter_resume(
    ngx_http_notify_emit_ctx_t *emit);
static ngx_int_t ngx_http_notify_emit_filter_replace(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_int_t status);
static ngx_uint_t ngx_http_notify_emit_filter_success(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_emit_filter_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_notify_emit_filter_module_ctx =
    ngx_http_notify_http_module_filter(ngx_http_notify_emit_filter_init);


ngx_module_t  ngx_http_notify_emit_filter_module =
    ngx_http_notify_http_module(&ngx_http_notify_emit_filter_module_ctx, NULL);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


static ngx_int_t
ngx_http_notify_emit_header_filter(ngx_http_request_t *r)
{
    ngx_http_notify_emit_filter_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_emit_filter_module);

    if (ctx && ctx->passing) {
        return ngx_http_next_header_filter(r);
    }

    return ngx_http_notify_emit_filter_header(r, ngx_http_next_header_filter);
}


ngx_int_t
ngx_http_notify_emit_filter_header(ngx_http_request_t *r,
    ngx_http_output_header_filter_pt next)
{
    ngx_int_t                           rc;
    ngx_uint_t                          emits;
    ngx_http_notify_session_when_e      when;
    ngx_http_notify_emit_loc_conf_t    *elcf;
    ngx_http_notify_emit_filter_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_emit_filter_module);

    if (ctx) {
        /* another answer in the place of one that was held */

        if (ctx->state != NGX_HTTP_NOTIFY_EMIT_PASS) {
            ngx_http_notify_emit_abandon(ctx->emit);
            ngx_http_notify_emit_filter_drop(ctx);
            r->buffered &= ~NGX_HTTP_NOTIFY_EMIT_BUFFERED;
        }

        ngx_http_set_ctx(r, NULL, ngx_http_notify_emit_filter_module);
    }

    elcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_emit_module);

    when = ngx_http_notify_session_answer(r);
    emits = elcf->response && ngx_http_notify_emit_filter_wanted(r, elcf);

    if (!emits && when == NGX_HTTP_NOTIFY_SESSION_NONE) {
        return next(r);
    }

    ctx = ngx_http_notify_emit_filter_create(r, emits, when);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->next = next;

    if (ngx_http_notify_emit_filter_waits(r, ctx)) {
        rc = ngx_http_notify_emit_filter_hold(r, ctx);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    if ((!ctx->capture || ctx->over)
        && ngx_http_notify_emit_filter_register(r, ctx, 0) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    ctx->passing = 1;

    rc = next(r);

    ctx->passing = 0;

    /* an error from there has its own answer, and no context any more */

    if ((rc == NGX_OK || rc == NGX_AGAIN) && r->header_only) {
        ngx_http_notify_emit_filter_background(r, ctx);
    }

    return rc;
}


static ngx_uint_t
ngx_http_notify_emit_filter_wanted(ngx_http_request_t *r,
    ngx_http_notify_emit_loc_conf_t *elcf)
{
    ngx_uint_t                     i;
    ngx_http_notify_emit_ctx_t    *emit_ctx;
    ngx_http_notify_emit_conf_t  **emit;

    if ((r->method & (NGX_HTTP_HEAD|NGX_HTTP_OPTIONS))
        || !ngx_http_notify_emit_filter_success(r)
        || ngx_http_notify_serve_is(r))
    {
        return 0;
    }

    emit_ctx = ngx_http_notify_emit_ctx(r);
    if (emit_ctx == NULL) {
        return 0;
    }

    emit = elcf->list->elts;

    for (i = 0; i < elcf->list->nelts; i++) {
        if (!emit[i]->request && ngx_http_notify_emit_open(r, emit_ctx,
                                                           emit[i]))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_notify_emit_filter_success(ngx_http_request_t *r)
{
    return r->headers_out.status >= NGX_HTTP_OK
           && r->headers_out.status < NGX_HTTP_BAD_REQUEST;
}


static ngx_http_notify_emit_filter_ctx_t *
ngx_http_notify_emit_filter_create(ngx_http_request_t *r, ngx_uint_t emits,
    ngx_http_notify_session_when_e when)
{
    off_t                               length;
    ngx_http_notify_emit_filter_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_notify_emit_filter_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ctx->emit = ngx_http_notify_emit_ctx(r);

    if (ctx->emit == NULL) {
        return NULL;
    }

    ctx->emits = emits;
    ctx->session = (when != NGX_HTTP_NOTIFY_SESSION_NONE);
    ctx->last_held = &ctx->held;
    ctx->limit = ngx_http_notify_body_size(r);

    ngx_http_set_ctx(r, ctx, ngx_http_notify_emit_filter_module);

    /* as ngx_http_header_filter() will find, which may be too late here */

    if (r == r->main
        && (r->headers_out.status == NGX_HTTP_NO_CONTENT
            || r->headers_out.status == NGX_HTTP_NOT_MODIFIED))
    {
        r->header_only = 1;
    }

    if (r->header_only || !ngx_http_notify_emit_filter_reads(r, emits, when)) {
        return ctx;
    }

    ctx->capture = 1;
    length = r->headers_out.content_length_n;

    if (length > (off_t) ctx->limit
        || r->headers_out.content_encoding
        || r->headers_out.status == NGX_HTTP_PARTIAL_CONTENT)
    {
        ctx->over = 1;
    }

    return ctx;
}


/* whether an event, or a session, may be made of the body */

static ngx_uint_t
ngx_http_notify_emit_filter_reads(ngx_http_request_t *r, ngx_uint_t emits,
    ngx_http_notify_session_when_e when)
{
    ngx_uint_t                        reads;
    ngx_http_notify_emit_loc_conf_t  *elcf;

    elcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_emit_module);

    reads = ngx_http_notify_var_reads(r) & NGX_HTTP_NOTIFY_VAR_RESPONSE;

    return (emits && (reads || elcf->reads_response))
           || (when == NGX_HTTP_NOTIFY_SESSION_BODY && reads);
}


static ngx_uint_t
ngx_http_notify_emit_filter_waits(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx)
{
    ngx_http_notify_emit_loc_conf_t  *elcf;

    /* what follows a 101 does not pass filters; an error page that a filter
     * puts in the place of an answer is lost when it is not sent at once */

    if (r != r->main
        || r->filter_finalize
        || r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS)
    {
        return 0;
    }

    elcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_emit_module);

    return (ctx->emits && elcf->commits)
           || (ctx->session && ngx_http_notify_session_here(r)->commit);
}


static ngx_int_t
ngx_http_notify_emit_filter_register(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_uint_t wait)
{
    if (!ctx->session) {
        return NGX_OK;
    }

    ctx->session = 0;

    wait = wait && ngx_http_notify_session_here(r)->commit;

    return ngx_http_notify_session_register(r, wait ? ctx->emit : NULL);
}


/* NGX_DECLINED: it need not be held */

static ngx_int_t
ngx_http_notify_emit_filter_hold(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->waited = 1;

    /* SSI, which is asked for parts later, has not said so yet */

    r->preserve_body = 1;

    if (ctx->capture && !ctx->over) {
        ctx->state = NGX_HTTP_NOTIFY_EMIT_GATHER;
        r->buffered |= NGX_HTTP_NOTIFY_EMIT_BUFFERED;
        return NGX_OK;
    }

    rc = ngx_http_notify_emit_filter_commit(r, ctx);

    if (rc == NGX_AGAIN) {
        r->buffered |= NGX_HTTP_NOTIFY_EMIT_BUFFERED;
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (!ctx->failed) {
        ctx->state = NGX_HTTP_NOTIFY_EMIT_PASS;
        return NGX_DECLINED;
    }

    ctx->state = NGX_HTTP_NOTIFY_EMIT_PASS;
    ngx_http_clean_header(r);

    return ctx->loop ? NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP
                     : NGX_HTTP_SERVICE_UNAVAILABLE;
}


/* NGX_AGAIN: Redis is asked; NGX_OK: ready, ctx->failed says how */

ngx_int_t
ngx_http_notify_emit_filter_commit(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx)
{
    ngx_int_t                         rc;
    ngx_uint_t                        i;
    ngx_http_notify_emit_conf_t     **emit;
    ngx_http_notify_emit_loc_conf_t  *elcf;

    elcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_emit_module);

    ctx->emit->failed = 0;
    ctx->emit->resume = ngx_http_notify_emit_filter_resume;
    ctx->emit->data = ctx;

    emit = ctx->emits ? elcf->list->elts : NULL;

    for (i = 0; ctx->emits && i < elcf->list->nelts; i++) {

        if (emit[i]->request
            || !emit[i]->commit
            || !ngx_http_notify_emit_open(r, ctx->emit, emit[i]))
        {
            continue;
        }

        rc = ngx_http_notify_emit(r, ctx->emit, emit[i], 1);

        if (rc == NGX_ERROR) {
            ngx_http_notify_emit_abandon(ctx->emit);
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED || rc == NGX_ABORT) {
            ngx_http_notify_emit_abandon(ctx->emit);
            ctx->failed = 1;
            ctx->loop = (rc == NGX_ABORT);
            break;
        }
    }

    if (!ctx->failed
        && ngx_http_notify_emit_filter_register(r, ctx, 1) == NGX_ERROR)
    {
        ngx_http_notify_emit_abandon(ctx->emit);
        return NGX_ERROR;
    }

    if (ctx->emit->waiting) {
        ctx->state = NGX_HTTP_NOTIFY_EMIT_HELD;
        return NGX_AGAIN;
    }

    ctx->state = NGX_HTTP_NOTIFY_EMIT_READY;

    return NGX_OK;
}


/*
 * Redis has answered.  What is held goes out from inside of a filter call, and
 * the write event lets the producer of the answer go on, or the request end.
 */

static void
ngx_http_notify_emit_filter_resume(ngx_http_notify_emit_ctx_t *emit)
{
    ngx_uint_t                          count;
    ngx_connection_t                   *c;
    ngx_http_request_t                 *r;
    ngx_http_notify_emit_filter_ctx_t  *ctx;

    r = emit->request;
    c = r->connection;
    ctx = emit->data;

    ctx->failed = emit->failed;
    ctx->state = NGX_HTTP_NOTIFY_EMIT_READY;

    ngx_http_set_log_request(c->log, r);

    count = r->count;

    if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {

        /* an error_page of a filter's error may be under way */

        ngx_http_finalize_request(r, r->count > count ? NGX_DONE : NGX_ERROR);

    } else {
        ctx->woken = (!r->buffered && !c->buffered && r->postponed == NULL);
        ngx_post_event(c->write, &ngx_posted_events);
    }

    ngx_http_run_posted_requests(c);
}


ngx_int_t
ngx_http_notify_emit_filter_release(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx)
{
    ngx_int_t  rc;

    ctx->state = NGX_HTTP_NOTIFY_EMIT_PASS;
    r->buffered &= ~NGX_HTTP_NOTIFY_EMIT_BUFFERED;

    if (ctx->failed) {
        return ngx_http_notify_emit_filter_replace(r, ctx,
                   ctx->loop ? NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP
                             : NGX_HTTP_SERVICE_UNAVAILABLE);
    }

    ctx->passing = 1;

    rc = ctx->next(r);

    ctx->passing = 0;

    if (rc > NGX_OK) {
        return ngx_http_notify_emit_filter_replace(r, ctx, rc);
    }

    if (r->header_only) {
        ngx_http_notify_emit_filter_drop(ctx);
        ctx->last = 1;
    }

    return rc;
}


/* the request ends with an error, and its connection with it */

static ngx_int_t
ngx_http_notify_emit_filter_replace(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_int_t status)
{
    ngx_int_t  rc;

    ctx->failed = 1;
    ngx_http_notify_emit_filter_drop(ctx);

    r->keepalive = 0;

    if (status != NGX_HTTP_RANGE_NOT_SATISFIABLE) {
        return ngx_http_filter_finalize_request(r, NULL, status);
    }

    /* as there, but the header says which ranges there are (Content-Range) */

    r->filter_finalize = 1;
    ngx_memzero(r->ctx, sizeof(void *) * ngx_http_max_module);

    rc = ngx_http_special_response_handler(r, status);

    return (rc == NGX_OK || rc == NGX_DONE) ? NGX_ERROR : rc;
}


/* behind the answer: what nobody waits for */

void
ngx_http_notify_emit_filter_background(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx)
{
    ngx_uint_t                        i;
    ngx_http_notify_emit_conf_t     **emit;
    ngx_http_notify_emit_loc_conf_t  *elcf;

    if (ctx->ended) {
        return;
    }

    ctx->ended = 1;

    if (!ngx_http_notify_emit_filter_success(r)) {
        return;
    }

    if (ngx_http_notify_emit_filter_register(r, ctx, 0) == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "notify emit: no memory for a session");
    }

    if (!ctx->emits) {
        return;
    }

    elcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_emit_module);

    emit = elcf->list->elts;

    for (i = 0; i < elcf->list->nelts; i++) {

        if (emit[i]->request
            || (emit[i]->commit && ctx->waited && !ctx->gone)
            || (emit[i]->fail && ctx->gone)
            || !ngx_http_notify_emit_open(r, ctx->emit, emit[i]))
        {
            continue;
        }

        if (ngx_http_notify_emit(r, ctx->emit, emit[i], 0) == NGX_ERROR) {
            ngx_log_error(NGX_LOG_ERR,
                          ngx_http_notify_source_log(r, &emit[i]->source), 0,
                          "notify emit: no memory for \"%V\"",
                          &emit[i]->source.event);
        }
    }
}


void
ngx_http_notify_emit_filter_end(ngx_http_request_t *r)
{
    ngx_http_notify_emit_filter_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_emit_filter_module);

    if (ctx && !ctx->ended) {
        ctx->gone = (ctx->state == NGX_HTTP_NOTIFY_EMIT_GATHER);
        ngx_http_notify_emit_filter_background(r, ctx);
    }
}


ngx_uint_t
ngx_http_notify_emit_filter_used(ngx_conf_t *cf)
{
    ngx_http_notify_emit_main_conf_t  *emcf;

    emcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_emit_module);

    return emcf->list.nelts || ngx_http_notify_session_used(cf);
}


static ngx_int_t
ngx_http_notify_emit_filter_init(ngx_conf_t *cf)
{
    if (!ngx_http_notify_emit_filter_used(cf)) {
        return NGX_OK;
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_notify_emit_header_filter;

    return NGX_OK;
}
