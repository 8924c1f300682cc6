/*
 * Deltas as server-sent events: what is kept, page by page as fast as the
 * client takes it; then the stream follows the log.  A stream that cannot go on
 * ends; its client comes again with Last-Event-ID.  Lives in the request's
 * pool, which a stream may outlive (api_detach).
 * WHATWG HTML, 9.2.
 */

#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_api_detach.h"
#include "ngx_http_notify_exit_hold.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_stream.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_API_STREAM_RETRY   1000     /* ms, Redis is away */
#define NGX_HTTP_NOTIFY_API_STREAM_LOW     (64 * 1024)  /* then it reads on */


struct ngx_http_notify_api_stream_s {
    ngx_http_notify_stream_t          *stream;
    ngx_http_notify_api_deltas_t      *deltas;
    ngx_http_notify_command_t   *command;     /* a page is read */
    ngx_event_t                        timer;
    ngx_http_notify_api_detach_t       detach;
};


static ngx_int_t ngx_http_notify_api_stream_header(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_stream_hello(
    ngx_http_notify_api_stream_t *as);
static ngx_http_notify_api_stream_t *ngx_http_notify_api_stream_create(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_stream_read(
    ngx_http_notify_api_stream_t *as);
static ngx_http_notify_redis_handler_t  ngx_http_notify_api_stream_page;
static ngx_int_t ngx_http_notify_api_stream_take(
    ngx_http_notify_api_stream_t *as, const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_api_stream_follow(
    ngx_http_notify_api_stream_t *as);
static ngx_int_t ngx_http_notify_api_stream_send(
    ngx_http_notify_api_stream_t *as);
static ngx_int_t ngx_http_notify_api_stream_flush(
    ngx_http_notify_stream_t *st);
static void ngx_http_notify_api_stream_writer(ngx_http_request_t *r);
static void ngx_http_notify_api_stream_done(ngx_http_notify_stream_t *st,
    ngx_int_t rc);
static void ngx_http_notify_api_stream_timer(ngx_event_t *ev);
static void ngx_http_notify_api_stream_cleanup(void *data);
static void ngx_http_notify_api_stream_stop(ngx_http_notify_api_stream_t *as);


void
ngx_http_notify_api_stream(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t                      rc;
    ngx_http_request_t            *r;
    ngx_http_notify_api_stream_t  *as;

    r = deltas->api->request;

    as = ngx_http_notify_api_stream_create(deltas);
    if (as == NULL) {
        ngx_http_notify_api_failed(deltas->api);
        return;
    }

    rc = ngx_http_notify_api_stream_header(deltas->api);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_notify_api_stream_done(as->stream, rc);
        return;
    }

    r->write_event_handler = ngx_http_notify_api_stream_writer;

    rc = ngx_http_notify_api_stream_hello(as);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_api_stream_read(as);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(as->stream, rc);
    }
}


void
ngx_http_notify_api_stream_unavailable(ngx_http_notify_api_t *api)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    static u_char  text[] = "retry: 1000\n: the store does not answer\n\n";

    r = api->request;

    rc = ngx_http_notify_api_stream_header(api);

    if (rc == NGX_OK && !r->header_only) {
        b = ngx_calloc_buf(r->pool);

        if (b) {
            b->pos = text;
            b->last = text + sizeof(text) - 1;
            b->memory = 1;
            b->last_buf = 1;

            out.buf = b;
            out.next = NULL;

            rc = ngx_http_output_filter(r, &out);

        } else {
            rc = NGX_ERROR;
        }
    }

    ngx_http_notify_api_end(api, rc);
}


static ngx_int_t
ngx_http_notify_api_stream_header(ngx_http_notify_api_t *api)
{
    ngx_http_request_t  *r;

    r = api->request;

    if (ngx_http_notify_reply_header_text(r, "Cache-Control", "no-store")
        != NGX_OK
        || ngx_http_notify_reply_header_text(r, "X-Accel-Buffering", "no")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->disable_not_modified = 1;

    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    return ngx_http_send_header(r);
}


/* clients that lose their worker together do not come back together */

static ngx_int_t
ngx_http_notify_api_stream_hello(ngx_http_notify_api_stream_t *as)
{
    u_char     buf[96];
    ngx_str_t  text;

    text.data = buf;
    text.len = ngx_sprintf(buf, "retry: %ui\n\n%s",
                           (ngx_uint_t) (500 + ngx_random() % 1000),
                           as->deltas->resync
                           ? "event: resync\ndata: {\"resync\":true}\n\n" : "")
               - buf;

    return ngx_http_notify_stream_text(as->stream, &text);
}


static ngx_http_notify_api_stream_t *
ngx_http_notify_api_stream_create(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_request_t            *r;
    ngx_http_notify_stream_t      *st;
    ngx_http_notify_api_stream_t  *as;

    r = deltas->api->request;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_notify_api_stream_t));
    if (cln == NULL) {
        return NULL;
    }

    as = cln->data;
    ngx_memzero(as, sizeof(ngx_http_notify_api_stream_t));

    st = ngx_http_notify_stream_create(&deltas->want, r->connection);
    if (st == NULL) {
        return NULL;
    }

    if (deltas->selected) {
        deltas->selected->handler = NULL;
    }

    cln->handler = ngx_http_notify_api_stream_cleanup;

    st->from = deltas->from;
    st->told = deltas->from;
    st->hmac = deltas->hmac;
    st->flush = ngx_http_notify_api_stream_flush;
    st->done = ngx_http_notify_api_stream_done;
    st->u.answer = as;

    as->stream = st;
    as->deltas = deltas;
    ngx_http_notify_timer_init(&as->timer, ngx_http_notify_api_stream_timer,
                               as, r->connection->log);

    deltas->streaming = as;

    ngx_http_notify_api_detach_init(&as->detach, r, deltas->api->cleanups,
                                    cln);

    return as;
}


/* a page of what is kept, unless the client has yet to take the last one */

static ngx_int_t
ngx_http_notify_api_stream_read(ngx_http_notify_api_stream_t *as)
{
    ngx_uint_t                     n;
    ngx_http_notify_id_t           to;
    ngx_http_notify_api_deltas_t  *deltas;

    if (as->command || as->stream->waiter.watch || as->timer.timer_set) {
        return NGX_OK;
    }

    if (ngx_exiting) {
        return NGX_DONE;
    }

    if (as->stream->messages.unsent > NGX_HTTP_NOTIFY_API_STREAM_LOW) {
        return NGX_OK;
    }

    deltas = as->deltas;

    to.ms = (uint64_t) -1;
    to.seq = (uint64_t) -1;

    /* few at first, more while they are small */

    n = 4 * deltas->page;

    deltas->limit = NGX_HTTP_NOTIFY_API_DELTAS_PAGE;
    deltas->page = ngx_http_notify_api_deltas_count(deltas);
    deltas->page = ngx_max(ngx_min(deltas->page, n), 1);

    as->command = ngx_http_notify_log_range(deltas->api->channel->redis,
                                            &deltas->api->channel->keys,
                                            &as->stream->from, 0, &to,
                                            deltas->page,
                                            ngx_http_notify_api_stream_page,
                                            as);
    if (as->command) {
        ngx_http_notify_exit_hold_begin();

    } else {
        ngx_add_timer(&as->timer, NGX_HTTP_NOTIFY_API_STREAM_RETRY);
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_stream_page(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_stream_t *as = data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    as->command = NULL;
    ngx_http_notify_exit_hold_end();

    r = as->deltas->api->request;
    ngx_http_set_log_request(r->connection->log, r);

    if (resp != NULL && as->deltas->page > 1
        && ngx_http_notify_resp_is_error(resp, NGX_HTTP_NOTIFY_RESP_LARGE))
    {
        as->deltas->page = 0;
        rc = ngx_http_notify_api_stream_read(as);

        if (rc != NGX_OK) {
            ngx_http_notify_api_stream_done(as->stream, rc);
        }

        return;
    }

    if (ngx_http_notify_script_verdict(as->deltas->api->channel->redis, resp,
                                       "stream")
        != NGX_OK)
    {
        ngx_add_timer(&as->timer, NGX_HTTP_NOTIFY_API_STREAM_RETRY);
        return;
    }

    rc = ngx_http_notify_api_stream_take(as, resp);

    if (rc == NGX_OK) {
        rc = resp->nelts < as->deltas->page
                 ? ngx_http_notify_api_stream_follow(as)
                 : ngx_http_notify_api_stream_read(as);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(as->stream, rc);
        return;
    }

    ngx_http_notify_api_detach(&as->detach, as->stream);
}


/* one message of all that is wanted of a page, so that few buffers are kept */

static ngx_int_t
ngx_http_notify_api_stream_take(ngx_http_notify_api_stream_t *as,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                            rc;
    ngx_uint_t                           i;
    ngx_pool_t                          *pool;
    ngx_http_notify_event_t             *event;
    ngx_http_notify_stream_t            *st;
    ngx_http_notify_api_deltas_t        *deltas;
    ngx_http_notify_api_message_text_t   text;

    st = as->stream;
    deltas = as->deltas;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_api_message_init(&text, pool, &st->want.tenant,
                                          st->hmac);
    deltas->bytes = 0;
    deltas->scanned = 0;

    for (i = 0; rc == NGX_OK && i < resp->nelts; i++) {
        (void) ngx_http_notify_log_entry_id(resp->elts[i], &st->from);
        deltas->scanned++;

        event = ngx_http_notify_log_event(resp->elts[i], ngx_cycle->log);
        if (event == NULL) {
            continue;
        }

        deltas->bytes += event->size;

        if (ngx_http_notify_want_test(&st->want, event)) {
            rc = ngx_http_notify_api_message_add(&text, event);
        }

        ngx_http_notify_log_unref(event);
    }

    if (rc == NGX_OK && text.len) {
        rc = ngx_http_notify_api_message_put(&st->messages, &text);
        st->told = st->from;

        if (rc == NGX_OK) {
            rc = ngx_http_notify_api_stream_send(as);
        }
    }

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_http_notify_api_stream_follow(ngx_http_notify_api_stream_t *as)
{
    ngx_http_notify_id_t        at;
    ngx_http_notify_stream_t   *st;
    ngx_http_notify_channel_t  *channel;

    st = as->stream;
    channel = as->deltas->api->channel;

    at = ngx_http_notify_api_deltas_wait_at(as->deltas, &st->from);

    switch (ngx_http_notify_log_listener_join(&st->waiter, channel,
                                              channel->store, &at,
                                              &as->deltas->seen))
    {
    case NGX_OK:
        return NGX_OK;

    case NGX_AGAIN:
        return ngx_http_notify_api_stream_read(as);

    case NGX_DECLINED:
        return NGX_DONE;

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_notify_api_stream_send(ngx_http_notify_api_stream_t *as)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = as->deltas->api->request;
    c = r->connection;
    wev = c->write;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_http_set_log_request(c->log, r);

    ngx_http_notify_api_detach_sends(&as->detach, &as->stream->messages);

    if (ngx_http_notify_api_message_send(&as->stream->messages, r)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_stream_touch(as->stream);

    if (r->buffered || c->buffered) {

        ngx_http_notify_timer_start(wev, clcf->send_timeout);

    } else if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    return ngx_handle_write_event(wev, clcf->send_lowat) == NGX_OK
               ? NGX_OK : NGX_ERROR;
}


/* what it followed has come; after that the request may be over */

static ngx_int_t
ngx_http_notify_api_stream_flush(ngx_http_notify_stream_t *st)
{
    ngx_http_notify_api_stream_t *as = st->u.answer;

    if (ngx_http_notify_api_stream_send(as) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_notify_api_detach(&as->detach, st);

    return NGX_OK;
}


static void
ngx_http_notify_api_stream_writer(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_event_t                   *wev;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_api_deltas_t  *deltas;
    ngx_http_notify_api_stream_t  *as;

    wev = r->connection->write;

    api = ngx_http_get_module_ctx(r, ngx_http_notify_api_module);
    deltas = api->data;
    as = deltas->streaming;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        ngx_http_notify_api_stream_done(as->stream,
                                        NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    /* the client has taken something */

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    rc = ngx_http_notify_api_stream_send(as);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_api_stream_read(as);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(as->stream, rc);
        return;
    }

    ngx_http_notify_api_detach(&as->detach, as->stream);
}


static void
ngx_http_notify_api_stream_done(ngx_http_notify_stream_t *st, ngx_int_t rc)
{
    ngx_http_notify_api_stream_t *as = st->u.answer;

    ngx_http_request_t  *r;

    if (st->ended) {
        return;
    }

    st->ended = 1;

    r = as->deltas->api->request;

    ngx_http_set_log_request(r->connection->log, r);

    ngx_http_notify_log_listener_leave(&st->waiter);
    ngx_http_notify_api_stream_stop(as);

    if (rc == NGX_DONE) {
        rc = ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    ngx_http_notify_api_end(as->deltas->api, rc);
}


/* Redis was away */

static void
ngx_http_notify_api_stream_timer(ngx_event_t *ev)
{
    ngx_http_notify_api_stream_t *as = ev->data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = as->deltas->api->request;
    ngx_http_set_log_request(r->connection->log, r);

    rc = ngx_http_notify_api_stream_read(as);

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(as->stream, rc);
    }
}


static void
ngx_http_notify_api_stream_cleanup(void *data)
{
    ngx_http_notify_api_stream_t *as = data;

    ngx_http_notify_api_stream_stop(as);
    ngx_http_notify_stream_free(as->stream);
}


static void
ngx_http_notify_api_stream_stop(ngx_http_notify_api_stream_t *as)
{
    if (as->command) {
        ngx_http_notify_redis_cancel(as->command);
        ngx_http_notify_exit_hold_end();
        as->command = NULL;
    }

    ngx_http_notify_timer_stop(&as->timer);
}
