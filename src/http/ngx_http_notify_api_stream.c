/*
 * Deltas as server-sent events: what is kept, page by page as fast as the
 * client takes it, then what comes, as the watch tells.  A stream that cannot
 * go on ends; its client comes again with Last-Event-ID.
 * WHATWG HTML, 9.2.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_api_message.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_watch.h"


#define NGX_HTTP_NOTIFY_API_STREAM_PING    15000    /* ms */
#define NGX_HTTP_NOTIFY_API_STREAM_RETRY   1000     /* ms, Redis is away */
#define NGX_HTTP_NOTIFY_API_STREAM_LOW     (64 * 1024)  /* then it reads on */
#define NGX_HTTP_NOTIFY_API_STREAM_UNSENT  (1024 * 1024)


struct ngx_http_notify_api_stream_s {
    ngx_http_notify_watch_waiter_t     waiter;
    ngx_queue_t                        queue;       /* of all, by `sent` */
    ngx_msec_t                         sent;        /* something, last */
    ngx_http_notify_api_deltas_t      *deltas;
    ngx_http_notify_redis_command_t   *command;     /* a page is read */
    ngx_http_notify_id_t               told;        /* from, as it knows */
    ngx_http_notify_api_message_t      messages;
    ngx_event_t                        timer;
    unsigned                           ended:1;
};


static ngx_int_t ngx_http_notify_api_stream_header(
    ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_stream_hello(
    ngx_http_notify_api_stream_t *st);
static ngx_http_notify_api_stream_t *ngx_http_notify_api_stream_create(
    ngx_http_notify_api_deltas_t *deltas);
static ngx_int_t ngx_http_notify_api_stream_read(
    ngx_http_notify_api_stream_t *st);
static void ngx_http_notify_api_stream_page(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_api_stream_take(
    ngx_http_notify_api_stream_t *st, const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_api_stream_follow(
    ngx_http_notify_api_stream_t *st);
static void ngx_http_notify_api_stream_handler(
    ngx_http_notify_watch_waiter_t *waiter,
    const ngx_http_notify_watch_batch_t *batch);
static ngx_int_t ngx_http_notify_api_stream_batch(
    ngx_http_notify_api_stream_t *st,
    const ngx_http_notify_watch_batch_t *batch);
static ngx_int_t ngx_http_notify_api_stream_text(
    ngx_http_notify_api_stream_t *st, const ngx_str_t *text);
static ngx_int_t ngx_http_notify_api_stream_flush(
    ngx_http_notify_api_stream_t *st);
static void ngx_http_notify_api_stream_writer(ngx_http_request_t *r);
static void ngx_http_notify_api_stream_done(ngx_http_notify_api_stream_t *st,
    ngx_int_t rc);
static void ngx_http_notify_api_stream_timer(ngx_event_t *ev);
static void ngx_http_notify_api_stream_pings(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_api_stream_ping(
    ngx_http_notify_api_stream_t *st);
static void ngx_http_notify_api_stream_cleanup(void *data);


static ngx_queue_t  ngx_http_notify_api_streams;
static ngx_event_t  ngx_http_notify_api_stream_pinger;

/* what the pinger's timer is said to be of, in a debug log */
static ngx_connection_t  ngx_http_notify_api_stream_none;


void
ngx_http_notify_api_stream(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_int_t                      rc;
    ngx_http_request_t            *r;
    ngx_http_notify_api_stream_t  *st;

    r = deltas->api->request;

    st = ngx_http_notify_api_stream_create(deltas);
    if (st == NULL) {
        ngx_http_notify_api_failed(deltas->api);
        return;
    }

    rc = ngx_http_notify_api_stream_header(deltas->api);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_notify_api_stream_done(st, rc);
        return;
    }

    r->write_event_handler = ngx_http_notify_api_stream_writer;

    rc = ngx_http_notify_api_stream_hello(st);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_api_stream_read(st);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(st, rc);
    }
}


void
ngx_http_notify_api_stream_unavailable(ngx_http_notify_api_t *api)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_uint_t           suspended;
    ngx_chain_t          out;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    static u_char  text[] = "retry: 1000\n: the store does not answer\n\n";

    r = api->request;
    c = r->connection;
    suspended = api->suspended;

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

    ngx_http_finalize_request(r, rc);

    if (suspended) {
        ngx_http_run_posted_requests(c);
    }
}


static ngx_int_t
ngx_http_notify_api_stream_header(ngx_http_notify_api_t *api)
{
    ngx_http_request_t  *r;

    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  no = ngx_string("no");

    r = api->request;

    if (ngx_http_notify_api_header(api, "Cache-Control", &no_store) != NGX_OK
        || ngx_http_notify_api_header(api, "X-Accel-Buffering", &no)
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
ngx_http_notify_api_stream_hello(ngx_http_notify_api_stream_t *st)
{
    u_char     buf[96];
    ngx_str_t  text;

    text.data = buf;
    text.len = ngx_sprintf(buf, "retry: %ui\n\n%s",
                           (ngx_uint_t) (500 + ngx_random() % 1000),
                           st->deltas->resync
                           ? "event: resync\ndata: {\"resync\":true}\n\n" : "")
               - buf;

    return ngx_http_notify_api_stream_text(st, &text);
}


static ngx_http_notify_api_stream_t *
ngx_http_notify_api_stream_create(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_pool_cleanup_t            *cln;
    ngx_http_request_t            *r;
    ngx_http_notify_api_stream_t  *st;

    r = deltas->api->request;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_notify_api_stream_t));
    if (cln == NULL) {
        return NULL;
    }

    st = cln->data;
    ngx_memzero(st, sizeof(ngx_http_notify_api_stream_t));

    cln->handler = ngx_http_notify_api_stream_cleanup;

    st->deltas = deltas;
    st->told = deltas->from;
    st->waiter.handler = ngx_http_notify_api_stream_handler;
    st->waiter.data = st;
    st->timer.handler = ngx_http_notify_api_stream_timer;
    st->timer.data = st;
    st->timer.log = r->connection->log;

    deltas->streaming = st;

    if (ngx_http_notify_api_streams.next == NULL) {
        ngx_queue_init(&ngx_http_notify_api_streams);
        ngx_http_notify_api_stream_pinger.handler =
                                             ngx_http_notify_api_stream_pings;
        ngx_http_notify_api_stream_pinger.log = ngx_cycle->log;
        ngx_http_notify_api_stream_pinger.cancelable = 1;
        ngx_http_notify_api_stream_pinger.data =
                                             &ngx_http_notify_api_stream_none;
        ngx_http_notify_api_stream_none.fd = (ngx_socket_t) -1;
    }

    st->sent = ngx_current_msec;
    ngx_queue_insert_tail(&ngx_http_notify_api_streams, &st->queue);

    if (!ngx_http_notify_api_stream_pinger.timer_set) {
        ngx_add_timer(&ngx_http_notify_api_stream_pinger,
                      NGX_HTTP_NOTIFY_API_STREAM_PING);
    }

    return st;
}


/* a page of what is kept, unless the client has yet to take the last one */

static ngx_int_t
ngx_http_notify_api_stream_read(ngx_http_notify_api_stream_t *st)
{
    ngx_http_notify_id_t           to;
    ngx_http_notify_api_deltas_t  *deltas;

    if (st->command || st->waiter.watch || st->timer.timer_set) {
        return NGX_OK;
    }

    if (ngx_exiting) {
        return NGX_DONE;
    }

    if (st->messages.unsent > NGX_HTTP_NOTIFY_API_STREAM_LOW) {
        return NGX_OK;
    }

    deltas = st->deltas;

    to.ms = (uint64_t) -1;
    to.seq = (uint64_t) -1;

    deltas->limit = NGX_HTTP_NOTIFY_API_DELTAS_PAGE;
    deltas->page = ngx_http_notify_api_deltas_count(deltas);

    st->command = ngx_http_notify_log_range(deltas->api->channel->redis,
                                            &deltas->api->channel->keys,
                                            &deltas->from, 0, &to,
                                            deltas->page,
                                            ngx_http_notify_api_stream_page,
                                            st);
    if (st->command == NULL) {
        ngx_add_timer(&st->timer, NGX_HTTP_NOTIFY_API_STREAM_RETRY);
    }

    return NGX_OK;
}


static void
ngx_http_notify_api_stream_page(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_stream_t *st = data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    st->command = NULL;

    r = st->deltas->api->request;
    ngx_http_set_log_request(r->connection->log, r);

    if (ngx_http_notify_script_verdict(st->deltas->api->channel->redis, resp,
                                       "stream")
        != NGX_OK)
    {
        ngx_add_timer(&st->timer, NGX_HTTP_NOTIFY_API_STREAM_RETRY);
        return;
    }

    rc = ngx_http_notify_api_stream_take(st, resp);

    if (rc == NGX_OK) {
        rc = resp->nelts < st->deltas->page
                 ? ngx_http_notify_api_stream_follow(st)
                 : ngx_http_notify_api_stream_read(st);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(st, rc);
    }
}


/* one message of all that is wanted of a page, so that few buffers are kept */

static ngx_int_t
ngx_http_notify_api_stream_take(ngx_http_notify_api_stream_t *st,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                             rc;
    ngx_uint_t                            i;
    ngx_pool_t                           *pool;
    ngx_http_notify_event_t              *event;
    ngx_http_notify_api_deltas_t         *deltas;
    ngx_http_notify_api_message_text_t    text;

    deltas = st->deltas;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_api_message_init(&text, pool, &deltas->api->tenant,
                                          deltas->hmac);
    deltas->bytes = 0;
    deltas->scanned = 0;

    for (i = 0; rc == NGX_OK && i < resp->nelts; i++) {
        (void) ngx_http_notify_log_entry_id(resp->elts[i], &deltas->from);
        deltas->scanned++;

        event = ngx_http_notify_log_event(resp->elts[i], ngx_cycle->log);
        if (event == NULL) {
            continue;
        }

        deltas->bytes += event->size;

        if (ngx_http_notify_api_deltas_wanted(deltas, event)) {
            rc = ngx_http_notify_api_message_add(&text, event);
        }

        ngx_http_notify_log_unref(event);
    }

    if (rc == NGX_OK && text.len) {
        rc = ngx_http_notify_api_message_put(&st->messages,
                                             deltas->api->request, &text);
        st->told = deltas->from;

        if (rc == NGX_OK) {
            rc = ngx_http_notify_api_stream_flush(st);
        }
    }

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_http_notify_api_stream_follow(ngx_http_notify_api_stream_t *st)
{
    ngx_http_notify_channel_t     *channel;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = st->deltas;
    channel = deltas->api->channel;

    /* what a read after that did not find is not there any more */

    if (ngx_http_notify_id_compare(&deltas->from, &deltas->seen) < 0) {
        deltas->from = deltas->seen;
    }

    switch (ngx_http_notify_watch_join(&st->waiter, channel, channel->store,
                                       &deltas->from, &deltas->seen))
    {
    case NGX_OK:
        return NGX_OK;

    case NGX_AGAIN:
        return ngx_http_notify_api_stream_read(st);

    case NGX_DECLINED:
        return NGX_DONE;

    default:
        return NGX_ERROR;
    }
}


static void
ngx_http_notify_api_stream_handler(ngx_http_notify_watch_waiter_t *waiter,
    const ngx_http_notify_watch_batch_t *batch)
{
    ngx_http_notify_api_stream_t *st = waiter->data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = st->deltas->api->request;
    ngx_http_set_log_request(r->connection->log, r);

    rc = NGX_DONE;

    if (batch->why == NGX_HTTP_NOTIFY_WATCH_EVENTS) {
        rc = ngx_http_notify_api_stream_batch(st, batch);
    }

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(st, rc);
    }
}


/* what most streams send of a batch, one event, is made once for all */

static ngx_int_t
ngx_http_notify_api_stream_batch(ngx_http_notify_api_stream_t *st,
    const ngx_http_notify_watch_batch_t *batch)
{
    ngx_int_t                            rc;
    ngx_uint_t                           i, n, at;
    ngx_http_request_t                  *r;
    ngx_http_notify_event_t             *event;
    ngx_http_notify_api_deltas_t        *deltas;
    ngx_http_notify_api_message_text_t   text;

    deltas = st->deltas;
    r = deltas->api->request;
    n = 0;
    at = 0;
    rc = NGX_OK;

    text.pool = NULL;

    for (i = 0; rc == NGX_OK && i < batch->n; i++) {
        event = batch->events[i];

        if (ngx_http_notify_id_compare(&event->id, &deltas->from) <= 0
            || !ngx_http_notify_api_deltas_wanted(deltas, event))
        {
            continue;
        }

        if (n == 1) {
            rc = ngx_http_notify_api_message_init(&text, batch->pool,
                                                  &deltas->api->tenant,
                                                  deltas->hmac);
            if (rc == NGX_OK) {
                rc = ngx_http_notify_api_message_add(&text,
                                                     batch->events[at]);
            }
        }

        if (rc == NGX_OK && n) {
            rc = ngx_http_notify_api_message_add(&text, event);
        }

        at = i;
        n++;
    }

    if (ngx_http_notify_id_compare(&deltas->from, &batch->last) < 0) {
        deltas->from = batch->last;
    }

    if (rc != NGX_OK || n == 0) {
        return rc;
    }

    if (st->messages.unsent > NGX_HTTP_NOTIFY_API_STREAM_UNSENT) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "notify stream: the client takes less than there is, "
                      "%uz bytes are unsent", st->messages.unsent);
        return NGX_ERROR;
    }

    rc = n > 1 ? ngx_http_notify_api_message_put(&st->messages, r, &text)
               : ngx_http_notify_api_message_share(&st->messages, r,
                                                   batch->events[at],
                                                   deltas->hmac,
                                                   &batch->slots[at],
                                                   batch->pool);
    if (rc != NGX_OK) {
        return rc;
    }

    st->told = deltas->from;

    return ngx_http_notify_api_stream_flush(st);
}


static ngx_int_t
ngx_http_notify_api_stream_text(ngx_http_notify_api_stream_t *st,
    const ngx_str_t *text)
{
    if (ngx_http_notify_api_message_text(&st->messages,
                                         st->deltas->api->request, text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_api_stream_flush(st);
}


static ngx_int_t
ngx_http_notify_api_stream_flush(ngx_http_notify_api_stream_t *st)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = st->deltas->api->request;
    c = r->connection;
    wev = c->write;
    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (ngx_http_notify_api_message_send(&st->messages, r) != NGX_OK) {
        return NGX_ERROR;
    }

    st->sent = ngx_current_msec;
    ngx_queue_remove(&st->queue);
    ngx_queue_insert_tail(&ngx_http_notify_api_streams, &st->queue);

    if (r->buffered || c->buffered) {

        if (!wev->timer_set) {
            ngx_add_timer(wev, clcf->send_timeout);
        }

    } else if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    return ngx_handle_write_event(wev, clcf->send_lowat) == NGX_OK
               ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_notify_api_stream_writer(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_event_t                   *wev;
    ngx_http_notify_api_t         *api;
    ngx_http_notify_api_deltas_t  *deltas;

    wev = r->connection->write;

    api = ngx_http_get_module_ctx(r, ngx_http_notify_api_module);
    deltas = api->data;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT,
                      "client timed out");
        r->connection->timedout = 1;
        rc = NGX_HTTP_REQUEST_TIME_OUT;
        goto done;
    }

    /* the client has taken something */

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    rc = ngx_http_notify_api_stream_flush(deltas->streaming);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_api_stream_read(deltas->streaming);
    }

done:

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(deltas->streaming, rc);
    }
}


/* NGX_DONE: it ends as it should, and the client comes again */

static void
ngx_http_notify_api_stream_done(ngx_http_notify_api_stream_t *st,
    ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = st->deltas->api->request;
    c = r->connection;

    if (st->ended) {
        return;
    }

    st->ended = 1;

    ngx_http_notify_watch_leave(&st->waiter);
    ngx_queue_remove(&st->queue);

    if (st->timer.timer_set) {
        ngx_del_timer(&st->timer);
    }

    if (rc == NGX_DONE) {
        rc = ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


/* Redis was away */

static void
ngx_http_notify_api_stream_timer(ngx_event_t *ev)
{
    ngx_http_notify_api_stream_t *st = ev->data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = st->deltas->api->request;
    ngx_http_set_log_request(r->connection->log, r);

    rc = ngx_http_notify_api_stream_read(st);

    if (rc != NGX_OK) {
        ngx_http_notify_api_stream_done(st, rc);
    }
}


/* those that were silent for long enough are the first of the queue */

static void
ngx_http_notify_api_stream_pings(ngx_event_t *ev)
{
    ngx_msec_t                     idle;
    ngx_queue_t                   *q;
    ngx_http_request_t            *r;
    ngx_http_notify_api_stream_t  *st;

    while (!ngx_queue_empty(&ngx_http_notify_api_streams)) {
        q = ngx_queue_head(&ngx_http_notify_api_streams);
        st = ngx_queue_data(q, ngx_http_notify_api_stream_t, queue);

        idle = ngx_current_msec - st->sent;

        if (idle < NGX_HTTP_NOTIFY_API_STREAM_PING) {

            /* some at a time, not one */

            idle = NGX_HTTP_NOTIFY_API_STREAM_PING - idle;
            ngx_add_timer(ev, ngx_max(idle, 100));
            return;
        }

        r = st->deltas->api->request;
        ngx_http_set_log_request(r->connection->log, r);

        if (ngx_http_notify_api_stream_ping(st) != NGX_OK) {
            ngx_http_notify_api_stream_done(st, NGX_ERROR);
        }
    }
}


/* with the place that was come to meanwhile: coming again is cheap then */

static ngx_int_t
ngx_http_notify_api_stream_ping(ngx_http_notify_api_stream_t *st)
{
    u_char                         buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN + 32];
    u_char                        *p;
    ngx_str_t                      text;
    ngx_http_notify_api_deltas_t  *deltas;

    deltas = st->deltas;

    if (st->messages.unsent) {
        st->sent = ngx_current_msec;
        ngx_queue_remove(&st->queue);
        ngx_queue_insert_tail(&ngx_http_notify_api_streams, &st->queue);

        return NGX_OK;
    }

    p = ngx_sprintf(buf, ": ping\n");

    if (ngx_http_notify_id_compare(&st->told, &deltas->from) < 0) {
        p = ngx_cpymem(p, "id: ", sizeof("id: ") - 1);

        p = ngx_http_notify_id_cursor(p, &deltas->from, &deltas->api->tenant,
                                      deltas->hmac);
        if (p == NULL) {
            return NGX_ERROR;
        }

        *p++ = '\n';
        st->told = deltas->from;
    }

    *p++ = '\n';

    text.data = buf;
    text.len = p - buf;

    return ngx_http_notify_api_stream_text(st, &text);
}


static void
ngx_http_notify_api_stream_cleanup(void *data)
{
    ngx_http_notify_api_stream_t *st = data;

    ngx_http_notify_watch_leave(&st->waiter);

    if (!st->ended) {
        ngx_queue_remove(&st->queue);
    }

    if (st->command) {
        ngx_http_notify_redis_cancel(st->command);
    }

    if (st->timer.timer_set) {
        ngx_del_timer(&st->timer);
    }

    ngx_http_notify_api_message_free(&st->messages);
}
