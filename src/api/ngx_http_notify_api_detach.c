/*
 * Whether a stream needs its request, and how nginx is told that the request is
 * over while its connection goes on, as with one that is kept alive.  Must not
 * know what is sent.
 */

#include "ngx_http_notify_api_detach.h"
#include "ngx_http_notify_timer.h"
#include "ngx_http_notify_verify.h"


static ngx_uint_t ngx_http_notify_api_detach_contexts(ngx_http_request_t *r);
static ngx_uint_t ngx_http_notify_api_detach_ready(
    ngx_http_notify_api_detach_t *detach, ngx_http_notify_stream_t *st);
static ngx_uint_t ngx_http_notify_api_detach_plain(
    ngx_http_notify_api_detach_t *detach);
static ngx_uint_t ngx_http_notify_api_detach_held(
    ngx_http_notify_api_detach_t *detach);
static ngx_uint_t ngx_http_notify_api_detach_realip(ngx_http_request_t *r,
    const ngx_pool_cleanup_t *cln);
static void ngx_http_notify_api_detach_strip(ngx_connection_t *c,
    ngx_http_connection_t *hc);
static void ngx_http_notify_api_detach_chains(ngx_connection_t *c,
    ngx_chain_t *cl);


extern ngx_module_t  ngx_http_chunked_filter_module;
extern ngx_module_t  ngx_http_copy_filter_module;


void
ngx_http_notify_api_detach_init(ngx_http_notify_api_detach_t *detach,
    ngx_http_request_t *r, ngx_pool_cleanup_t *before,
    ngx_pool_cleanup_t *own)
{
    detach->request = r;
    detach->before = before;
    detach->own = own;
    detach->contexts = ngx_http_notify_api_detach_contexts(r);
}


/* a filter that does something has a context: these two are everybody's */

static ngx_uint_t
ngx_http_notify_api_detach_contexts(ngx_http_request_t *r)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < ngx_http_max_module; i++) {
        n += (r->ctx[i] != NULL);
    }

    n -= (ngx_http_get_module_ctx(r, ngx_http_chunked_filter_module) != NULL);
    n -= (ngx_http_get_module_ctx(r, ngx_http_copy_filter_module) != NULL);

    return n;
}


void
ngx_http_notify_api_detach_sends(ngx_http_notify_api_detach_t *detach,
    const ngx_http_notify_api_message_t *messages)
{
    u_char        buf[NGX_OFF_T_LEN];
    off_t         size;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = messages->out; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (size && detach->request->chunked) {
        size += ngx_sprintf(buf, "%xO", size) - buf + sizeof(CRLF CRLF) - 1;
    }

    detach->sent += size;
}


void
ngx_http_notify_api_detach(ngx_http_notify_api_detach_t *detach,
    ngx_http_notify_stream_t *st)
{
    ngx_uint_t                 chunked;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_connection_t     *hc;
    ngx_http_core_loc_conf_t  *clcf;

    if (detach->bound || !ngx_http_notify_api_detach_ready(detach, st)) {
        return;
    }

    r = detach->request;
    c = r->connection;
    hc = r->http_connection;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    chunked = r->chunked;

    if (!ngx_http_notify_api_detach_plain(detach)
        || ngx_http_notify_api_detach_held(detach)
        || (clcf->tcp_nodelay && ngx_tcp_nodelay(c) != NGX_OK))
    {
        detach->bound = 1;
        return;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, c->log, 0,
                   "notify stream outlives its request");

    detach->own->handler = NULL;

    ngx_http_notify_timer_stop(c->read);

    /* it leaves c->destroyed set, for whoever runs posted requests */

    ngx_http_free_request(r, 0);

    ngx_http_notify_api_detach_strip(c, hc);
    ngx_http_notify_stream_detach(st, clcf, chunked);
}


/* nothing is under way */

static ngx_uint_t
ngx_http_notify_api_detach_ready(ngx_http_notify_api_detach_t *detach,
    ngx_http_notify_stream_t *st)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    if (st->waiter.watch == NULL || st->ended
        || !ngx_http_notify_api_message_none(&st->messages))
    {
        return 0;
    }

    r = detach->request;
    c = r->connection;

    if (r->count != 1 || r->blocked || r->discard_body || r->postponed
        || r->posted_requests || r->buffered || c->buffered || c->error
        || c->close || c->tcp_nopush == NGX_TCP_NOPUSH_SET)
    {
        return 0;
    }

#if (NGX_HTTP_SSL)
    if (c->ssl
        && (c->ssl->saved_read_handler || c->ssl->saved_write_handler))
    {
        return 0;
    }
#endif

    return 1;
}


/*
 * The body went to the connection as it was put, and nothing says otherwise of
 * what comes.
 */

static ngx_uint_t
ngx_http_notify_api_detach_plain(ngx_http_notify_api_detach_t *detach)
{
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = detach->request;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return (r->http_version == NGX_HTTP_VERSION_10
            || r->http_version == NGX_HTTP_VERSION_11)
           && r->header_in->pos == r->header_in->last   /* nothing pipelined */
           && r->limit_rate == 0
           && !r->expect_trailers
           && clcf->post_action.data == NULL
           && r->connection->sent - (off_t) r->header_size == detach->sent
           && ngx_http_notify_api_detach_contexts(r) == detach->contexts;
}


/* what a module has begun for the time of the request ends by a cleanup */

static ngx_uint_t
ngx_http_notify_api_detach_held(ngx_http_notify_api_detach_t *detach)
{
    ngx_http_request_t  *r;
    ngx_http_cleanup_t  *hcln;
    ngx_pool_cleanup_t  *cln;

    r = detach->request;

    for (hcln = r->cleanup; hcln; hcln = hcln->next) {
        if (hcln->handler) {
            return 1;
        }
    }

    for (cln = r->pool->cleanup; cln != detach->own; cln = cln->next) {
        if (cln->handler) {
            return 1;
        }
    }

    for (cln = detach->before; cln; cln = cln->next) {
        if (cln->handler && cln->handler != ngx_http_notify_verify_ctx_cleanup
            && !ngx_http_notify_api_detach_realip(r, cln))
        {
            return 1;
        }
    }

    return 0;
}


/* it gives back the connection's address: that is in time at any time */

static ngx_uint_t
ngx_http_notify_api_detach_realip(ngx_http_request_t *r,
    const ngx_pool_cleanup_t *cln)
{
    ngx_uint_t     i;
    ngx_module_t  *module;

    /* the module need not be there */

    for (i = 0; ngx_cycle->modules[i]; i++) {
        module = ngx_cycle->modules[i];

        if (ngx_strcmp(module->name, "ngx_http_realip_module") == 0) {
            return r->ctx[module->ctx_index] == cln->data;
        }
    }

    return 0;
}


/* what was read of the client, as for an idle connection */

static void
ngx_http_notify_api_detach_strip(ngx_connection_t *c,
    ngx_http_connection_t *hc)
{
    ngx_buf_t  *b;

    b = c->buffer;

    if (b && ngx_pfree(c->pool, b->start) == NGX_OK) {
        b->start = NULL;
        b->pos = NULL;
        b->last = NULL;
    }

    ngx_http_notify_api_detach_chains(c, hc->free);
    hc->free = NULL;

    ngx_http_notify_api_detach_chains(c, hc->busy);
    hc->busy = NULL;
    hc->nbusy = 0;

#if (NGX_HTTP_SSL)
    if (c->ssl) {
        ngx_ssl_free_buffer(c);
    }
#endif
}


static void
ngx_http_notify_api_detach_chains(ngx_connection_t *c, ngx_chain_t *cl)
{
    ngx_chain_t  *ln;

    while (cl) {
        ln = cl;
        cl = cl->next;

        (void) ngx_pfree(c->pool, ln->buf->start);
        ngx_free_chain(c->pool, ln);
    }
}
