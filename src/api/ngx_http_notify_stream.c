/*
 * Those who have read the log up to where the others are: what comes they are
 * told, and pinged when nothing does.  Lives until its connection is closed, or
 * as long as the request that it is the answer to.  Must not know a request.
 * WHATWG HTML, 9.2; RFC 9112, 7.1.
 */

#include "ngx_http_notify_stream.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_STREAM_PING    15000        /* ms */
#define NGX_HTTP_NOTIFY_STREAM_UNSENT  (1024 * 1024)
/* what a client may say after its request, which nobody listens to */
#define NGX_HTTP_NOTIFY_STREAM_HEARD   4096


static void ngx_http_notify_stream_handler(
    ngx_http_notify_log_listener_waiter_t *waiter,
    const ngx_http_notify_log_listener_batch_t *batch);
static ngx_int_t ngx_http_notify_stream_batch(ngx_http_notify_stream_t *st,
    const ngx_http_notify_log_listener_batch_t *batch);
static void ngx_http_notify_stream_pings(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_stream_ping(ngx_http_notify_stream_t *st);
static ngx_int_t ngx_http_notify_stream_flush(ngx_http_notify_stream_t *st);
static void ngx_http_notify_stream_done(ngx_http_notify_stream_t *st,
    ngx_int_t rc);
static void ngx_http_notify_stream_reader(ngx_event_t *rev);
static void ngx_http_notify_stream_writer(ngx_event_t *wev);
static void ngx_http_notify_stream_close(ngx_http_notify_stream_t *st);
static void ngx_http_notify_stream_reset(ngx_http_notify_stream_t *st);


static ngx_queue_t  ngx_http_notify_streams;
static ngx_event_t  ngx_http_notify_stream_pinger;

/* what the pinger's timer is said to be of, in a debug log */
static ngx_connection_t  ngx_http_notify_stream_none;


ngx_http_notify_stream_t *
ngx_http_notify_stream_create(ngx_http_notify_want_t *want,
    ngx_connection_t *c)
{
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_str_t                 *text[3];
    ngx_http_notify_stream_t  *st;

    st = ngx_alloc(sizeof(ngx_http_notify_stream_t) + want->tenant.len
                   + want->event_type.len + want->entity_type.len, c->log);
    if (st == NULL) {
        return NULL;
    }

    ngx_memzero(st, sizeof(ngx_http_notify_stream_t));

    st->want = *want;
    want->selector = NULL;

    text[0] = &st->want.tenant;
    text[1] = &st->want.event_type;
    text[2] = &st->want.entity_type;

    p = (u_char *) st + sizeof(ngx_http_notify_stream_t);

    for (i = 0; i < 3; i++) {
        if (text[i]->len) {
            ngx_memcpy(p, text[i]->data, text[i]->len);
            text[i]->data = p;
            p += text[i]->len;
        }
    }

    st->connection = c;
    st->waiter.handler = ngx_http_notify_stream_handler;
    st->waiter.data = st;

    if (ngx_http_notify_streams.next == NULL) {
        ngx_queue_init(&ngx_http_notify_streams);
        ngx_http_notify_stream_pinger.handler = ngx_http_notify_stream_pings;
        ngx_http_notify_stream_pinger.log = ngx_cycle->log;
        ngx_http_notify_stream_pinger.cancelable = 1;
        ngx_http_notify_stream_pinger.data = &ngx_http_notify_stream_none;
        ngx_http_notify_stream_none.fd = (ngx_socket_t) -1;
    }

    st->sent = ngx_current_msec;
    ngx_queue_insert_tail(&ngx_http_notify_streams, &st->queue);

    ngx_http_notify_timer_start(&ngx_http_notify_stream_pinger,
                                NGX_HTTP_NOTIFY_STREAM_PING);

    return st;
}


void
ngx_http_notify_stream_free(ngx_http_notify_stream_t *st)
{
    ngx_http_notify_log_listener_leave(&st->waiter);
    ngx_queue_remove(&st->queue);
    ngx_http_notify_api_message_free(&st->messages);

    if (st->want.selector) {
        ngx_http_notify_selector_destroy(st->want.selector);
    }

    ngx_free(st);
}


static void
ngx_http_notify_stream_handler(ngx_http_notify_log_listener_waiter_t *waiter,
    const ngx_http_notify_log_listener_batch_t *batch)
{
    ngx_http_notify_stream_t *st = waiter->data;

    ngx_int_t  rc;

    rc = NGX_DONE;

    if (batch->why == NGX_HTTP_NOTIFY_LOG_LISTENER_EVENTS) {
        rc = ngx_http_notify_stream_batch(st, batch);
    }

    if (rc != NGX_OK) {
        st->done(st, rc);
    }
}


/* what most streams send of a batch, one event, is made once for all */

static ngx_int_t
ngx_http_notify_stream_batch(ngx_http_notify_stream_t *st,
    const ngx_http_notify_log_listener_batch_t *batch)
{
    ngx_int_t                            rc;
    ngx_uint_t                           i, n, at;
    ngx_http_notify_event_t             *event;
    ngx_http_notify_api_message_text_t   text;

    n = 0;
    at = 0;
    rc = NGX_OK;

    text.pool = NULL;

    for (i = 0; rc == NGX_OK && i < batch->n; i++) {
        event = batch->events[i];

        if (ngx_http_notify_id_compare(&event->id, &st->from) <= 0
            || !ngx_http_notify_want_test(&st->want, event))
        {
            continue;
        }

        if (n == 1) {
            rc = ngx_http_notify_api_message_init(&text, batch->pool,
                                                  &st->want.tenant, st->hmac);
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

    if (ngx_http_notify_id_compare(&st->from, &batch->last) < 0) {
        st->from = batch->last;
    }

    if (rc != NGX_OK || n == 0) {
        return rc;
    }

    if (st->messages.unsent > NGX_HTTP_NOTIFY_STREAM_UNSENT) {
        ngx_log_error(NGX_LOG_INFO, st->connection->log, 0,
                      "notify stream: the client takes less than there is, "
                      "%uz bytes are unsent", st->messages.unsent);
        return NGX_ERROR;
    }

    rc = n > 1 ? ngx_http_notify_api_message_put(&st->messages, &text)
               : ngx_http_notify_api_message_share(&st->messages,
                                                   batch->events[at],
                                                   st->hmac,
                                                   &batch->slots[at],
                                                   batch->pool);
    if (rc != NGX_OK) {
        return rc;
    }

    st->told = st->from;

    return st->flush(st);
}


ngx_int_t
ngx_http_notify_stream_text(ngx_http_notify_stream_t *st,
    const ngx_str_t *text)
{
    if (ngx_http_notify_api_message_text(&st->messages, text) != NGX_OK) {
        return NGX_ERROR;
    }

    return st->flush(st);
}


void
ngx_http_notify_stream_touch(ngx_http_notify_stream_t *st)
{
    st->sent = ngx_current_msec;

    ngx_queue_remove(&st->queue);
    ngx_queue_insert_tail(&ngx_http_notify_streams, &st->queue);
}


/* those that were silent for long enough are the first of the queue */

static void
ngx_http_notify_stream_pings(ngx_event_t *ev)
{
    ngx_msec_t                 idle;
    ngx_queue_t               *q;
    ngx_http_notify_stream_t  *st;

    while (!ngx_queue_empty(&ngx_http_notify_streams)) {
        q = ngx_queue_head(&ngx_http_notify_streams);
        st = ngx_queue_data(q, ngx_http_notify_stream_t, queue);

        idle = ngx_current_msec - st->sent;

        if (idle < NGX_HTTP_NOTIFY_STREAM_PING) {

            /* some at a time, not one */

            idle = NGX_HTTP_NOTIFY_STREAM_PING - idle;
            ngx_add_timer(ev, ngx_max(idle, 100));
            return;
        }

        if (st->ended || st->messages.unsent) {
            ngx_http_notify_stream_touch(st);
            continue;
        }

        if (ngx_http_notify_stream_ping(st) != NGX_OK) {
            st->done(st, NGX_ERROR);
        }
    }
}


/* with the place that was come to meanwhile: coming again is cheap then */

static ngx_int_t
ngx_http_notify_stream_ping(ngx_http_notify_stream_t *st)
{
    u_char      buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN + 32];
    u_char     *p;
    ngx_str_t   text;

    p = ngx_sprintf(buf, ": ping\n");

    if (ngx_http_notify_id_compare(&st->told, &st->from) < 0) {
        p = ngx_cpymem(p, "id: ", sizeof("id: ") - 1);

        p = ngx_http_notify_id_cursor(p, &st->from, &st->want.tenant,
                                      st->hmac);
        if (p == NULL) {
            return NGX_ERROR;
        }

        *p++ = '\n';
        st->told = st->from;
    }

    *p++ = '\n';

    text.data = buf;
    text.len = p - buf;

    return ngx_http_notify_stream_text(st, &text);
}


/* from here on it is alone */

void
ngx_http_notify_stream_detach(ngx_http_notify_stream_t *st,
    ngx_http_core_loc_conf_t *clcf, ngx_uint_t chunked)
{
    ngx_connection_t  *c;

    c = st->connection;

    st->alone = 1;
    st->flush = ngx_http_notify_stream_flush;
    st->done = ngx_http_notify_stream_done;
    st->u.clcf = clcf;
    st->messages.chunked = chunked;

    ngx_http_notify_api_message_trim(&st->messages);

    c->data = st;
    c->log->action = "sending events to client";
    c->read->handler = ngx_http_notify_stream_reader;
    c->write->handler = ngx_http_notify_stream_writer;

    /* for as long as it lasts it is what nginx calls writing */

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_writing, 1);
#endif

    ngx_post_event(c->read, &ngx_posted_events);
}


static ngx_int_t
ngx_http_notify_stream_flush(ngx_http_notify_stream_t *st)
{
    ngx_event_t       *wev;
    ngx_connection_t  *c;

    c = st->connection;
    wev = c->write;

    if (ngx_http_notify_api_message_write(&st->messages, c) != NGX_OK) {
        c->error = 1;
        return NGX_ERROR;
    }

    ngx_http_notify_stream_touch(st);

    if (!ngx_http_notify_api_message_none(&st->messages) || c->buffered) {

        ngx_http_notify_timer_start(wev, st->u.clcf->send_timeout);

    } else {

        ngx_http_notify_timer_stop(wev);

#if (NGX_HTTP_SSL)
        if (c->ssl) {
            ngx_ssl_free_buffer(c);
        }
#endif
    }

    return ngx_handle_write_event(wev, st->u.clcf->send_lowat) == NGX_OK
               ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_notify_stream_done(ngx_http_notify_stream_t *st, ngx_int_t rc)
{
    ngx_connection_t  *c;

    static ngx_str_t  last = ngx_string("0" CRLF CRLF);

    c = st->connection;

    if (rc == NGX_DONE && !st->ended && !c->error) {
        st->ended = 1;
        ngx_http_notify_log_listener_leave(&st->waiter);

        if (st->messages.chunked) {
            st->messages.chunked = 0;
            rc = ngx_http_notify_stream_text(st, &last);

        } else {
            rc = NGX_OK;
        }

        if (rc == NGX_OK
            && (!ngx_http_notify_api_message_none(&st->messages)
                || c->buffered))
        {
            return;                 /* the writer goes on */
        }
    }

    ngx_http_notify_stream_close(st);
}


static void
ngx_http_notify_stream_reader(ngx_event_t *rev)
{
    ssize_t                    n;
    ngx_connection_t          *c;
    ngx_http_notify_stream_t  *st;
    u_char                     buf[512];

    c = rev->data;
    st = c->data;

    if (c->close) {
        ngx_http_notify_stream_close(st);
        return;
    }

    do {
        n = c->recv(c, buf, sizeof(buf));

        if (n > 0) {
            st->heard += n;
        }

    } while (n > 0 && st->heard <= NGX_HTTP_NOTIFY_STREAM_HEARD);

    if (n == NGX_AGAIN && ngx_handle_read_event(rev, 0) == NGX_OK) {
        return;
    }

    if (n > 0) {
        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "notify stream: the client does not only listen");

    } else {
        ngx_log_error(NGX_LOG_INFO, c->log, 0, "client closed connection");

#if (NGX_HTTP_SSL)
        if (c->ssl) {
            c->ssl->no_send_shutdown = 1;
        }
#endif
    }

    ngx_http_notify_stream_close(st);
}


static void
ngx_http_notify_stream_writer(ngx_event_t *wev)
{
    ngx_connection_t          *c;
    ngx_http_notify_stream_t  *st;

    c = wev->data;
    st = c->data;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "client timed out");
        ngx_http_notify_stream_reset(st);
        ngx_http_notify_stream_close(st);
        return;
    }

    /* the client has taken something */

    ngx_http_notify_timer_stop(wev);

    if (ngx_http_notify_stream_flush(st) != NGX_OK
        || (st->ended && ngx_http_notify_api_message_none(&st->messages)
            && !c->buffered))
    {
        ngx_http_notify_stream_close(st);
    }
}


static void
ngx_http_notify_stream_close(ngx_http_notify_stream_t *st)
{
    ngx_connection_t  *c;

    c = st->connection;

    ngx_http_notify_stream_free(st);

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_writing, -1);
#endif

    c->data = NULL;
    c->log->action = "closing connection";

    ngx_http_close_connection(c);
}


/* as with a request that timed out */

static void
ngx_http_notify_stream_reset(ngx_http_notify_stream_t *st)
{
    struct linger      linger;
    ngx_connection_t  *c;

    c = st->connection;
    c->timedout = 1;

    if (!st->u.clcf->reset_timedout_connection) {
        return;
    }

    linger.l_onoff = 1;
    linger.l_linger = 0;

    if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER, (const void *) &linger,
                   sizeof(struct linger))
        == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, c->log, ngx_socket_errno,
                      "setsockopt(SO_LINGER) failed");
    }
}


void
ngx_http_notify_stream_exit(void)
{
    ngx_queue_t               *q, *next;
    ngx_http_notify_stream_t  *st;

    if (ngx_http_notify_streams.next == NULL) {
        return;
    }

    for (q = ngx_queue_head(&ngx_http_notify_streams);
         q != ngx_queue_sentinel(&ngx_http_notify_streams);
         q = next)
    {
        next = ngx_queue_next(q);
        st = ngx_queue_data(q, ngx_http_notify_stream_t, queue);

        if (st->alone) {
            ngx_http_notify_stream_free(st);
        }
    }
}
