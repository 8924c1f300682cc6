/*
 * The body of an answer that notify_emit is about: its text is copied for the
 * events, its buffers are kept while it is held.  Must not know why it is.
 */

#include "ngx_http_notify_emit_filter_internal.h"


static ngx_int_t ngx_http_notify_emit_filter_copy(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_buf_t *b);
static ngx_int_t ngx_http_notify_emit_filter_bytes(ngx_http_request_t *r,
    ngx_buf_t *b, u_char *p, size_t size);
static void ngx_http_notify_emit_filter_use_up(ngx_buf_t *b);


ngx_int_t
ngx_http_notify_emit_filter_look(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_buf_t   *b;
    ngx_uint_t   flush;

    flush = 0;

    for ( /* void */ ; in; in = in->next) {
        b = in->buf;

        if (ctx->capture && !ctx->over
            && ngx_http_notify_emit_filter_copy(r, ctx, b) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (b->last_buf || (r != r->main && b->last_in_chain)) {
            ctx->last = 1;
        }

        flush |= b->flush;
    }

    /* an upstream that broke off ends with this and never with a last one */

    if (ctx->state == NGX_HTTP_NOTIFY_EMIT_GATHER
        && flush && !ctx->last
        && r->upstream && r->upstream->peer.connection == NULL)
    {
        ctx->over = 1;
    }

    ctx->answer.usable = ctx->capture && !ctx->over && ctx->last;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_emit_filter_copy(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_buf_t *b)
{
    off_t       size;
    u_char     *p;
    ngx_str_t  *text;

    size = ngx_buf_size(b);

    if (size == 0) {
        return NGX_OK;
    }

    text = &ctx->answer.text;

    if (size > (off_t) (ctx->limit - text->len)) {
        ctx->over = 1;
        return NGX_OK;
    }

    if (size > (off_t) (ctx->allocated - text->len)) {

        ctx->allocated = ngx_max(2 * ctx->allocated, text->len + size);

        if (r->headers_out.content_length_n > (off_t) ctx->allocated) {
            ctx->allocated = r->headers_out.content_length_n;
        }

        ctx->allocated = ngx_min(ctx->allocated, ctx->limit);

        p = ngx_pnalloc(r->pool, ctx->allocated);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (text->len) {
            ngx_memcpy(p, text->data, text->len);
        }

        text->data = p;
    }

    if (ngx_http_notify_emit_filter_bytes(r, b, text->data + text->len, size)
        != NGX_OK)
    {
        ctx->over = 1;
        return NGX_OK;
    }

    text->len += size;

    if (ctx->state == NGX_HTTP_NOTIFY_EMIT_GATHER) {

        /* its owner may have no other buffer: the copy is sent instead */

        ngx_http_notify_emit_filter_use_up(b);
        ctx->gathered = text->len;
        ctx->flush |= (b->flush || b->recycled);
    }

    return NGX_OK;
}


/* NGX_ERROR: its file cannot be read, or has become shorter */

static ngx_int_t
ngx_http_notify_emit_filter_bytes(ngx_http_request_t *r, ngx_buf_t *b,
    u_char *p, size_t size)
{
    ssize_t      n;
    ngx_file_t  *file;

    if (ngx_buf_in_memory(b)) {
        ngx_memcpy(p, b->pos, size);
        return NGX_OK;
    }

    file = b->file;

#if (NGX_HAVE_ALIGNED_DIRECTIO)

    /* as ngx_output_chain() does with what is not aligned */

    if (file->directio
        && ngx_directio_off(file->fd) == NGX_FILE_ERROR)
    {
        return NGX_ERROR;
    }

#endif

    n = ngx_read_file(file, p, size, b->file_pos);

#if (NGX_HAVE_ALIGNED_DIRECTIO)

    if (file->directio && ngx_directio_on(file->fd) == NGX_FILE_ERROR) {
        return NGX_ERROR;
    }

#endif

    return n == (ssize_t) size ? NGX_OK : NGX_ERROR;
}


/*
 * Bytes stay in their buffers, which their owner sees as busy.  Buffers without
 * any would be taken back: what they say is copied.
 */

ngx_int_t
ngx_http_notify_emit_filter_keep(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_chain_t *in)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for ( /* void */ ; in; in = in->next) {

        b = in->buf;

        if (ngx_buf_size(b) == 0) {

            if (!b->last_buf && !b->last_in_chain && !b->flush && !b->sync) {
                continue;
            }

            if (ctx->gathered && ctx->held == NULL
                && !b->last_buf && !b->last_in_chain && !b->sync)
            {
                /* the gathered text is flushed instead */
                ctx->flush = 1;
                continue;
            }

            b = ngx_calloc_buf(r->pool);
            if (b == NULL) {
                return NGX_ERROR;
            }

            b->last_buf = in->buf->last_buf;
            b->last_in_chain = in->buf->last_in_chain;
            b->flush = in->buf->flush;
            b->sync = in->buf->sync || !(b->last_buf || b->flush);
        }

        cl = ngx_alloc_chain_link(r->pool);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        cl->buf = b;
        cl->next = NULL;

        *ctx->last_held = cl;
        ctx->last_held = &cl->next;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_emit_filter_prepend(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(r->pool);
    b = ngx_calloc_buf(r->pool);

    if (cl == NULL || b == NULL) {
        return NGX_ERROR;
    }

    /* filters write into memory that is not temporary by copying it: events
     * are made of the text later, too */

    b->memory = 1;
    b->pos = ctx->answer.text.data;
    b->last = b->pos + ctx->gathered;
    b->flush = ctx->flush && !ctx->last;

    cl->buf = b;
    cl->next = ctx->held;

    ctx->held = cl;

    return NGX_OK;
}


void
ngx_http_notify_emit_filter_drop(ngx_http_notify_emit_filter_ctx_t *ctx)
{
    ngx_chain_t  *cl;

    for (cl = ctx->held; cl; cl = cl->next) {
        ngx_http_notify_emit_filter_use_up(cl->buf);
    }

    ctx->held = NULL;
    ctx->last_held = &ctx->held;
}


static void
ngx_http_notify_emit_filter_use_up(ngx_buf_t *b)
{
    if (ngx_buf_in_memory(b)) {
        b->pos = b->last;
    }

    if (b->in_file) {
        b->file_pos = b->file_last;
    }
}
