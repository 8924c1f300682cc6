/*
 * Tunnels: connect, CONNECT, and the proxy's answer, of which only the status
 * counts.  Must not know what goes through.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>
#include "ngx_http_notify_tunnel.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_TUNNEL_ANSWER  8192     /* bytes of the headers */


static void ngx_http_notify_tunnel_write(ngx_event_t *ev);
static void ngx_http_notify_tunnel_read(ngx_event_t *ev);
static void ngx_http_notify_tunnel_idle(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_tunnel_request(
    ngx_http_notify_tunnel_t *tunnel);
static ngx_int_t ngx_http_notify_tunnel_status(
    ngx_http_notify_tunnel_t *tunnel);
static void ngx_http_notify_tunnel_fail(ngx_http_notify_tunnel_t *tunnel,
    const char *error, const char *detail);
static const char *ngx_http_notify_tunnel_errno(ngx_err_t err);


ngx_int_t
ngx_http_notify_tunnel_open(ngx_http_notify_tunnel_t *tunnel)
{
    ngx_int_t               rc;
    ngx_addr_t             *addr;
    ngx_connection_t       *c;
    ngx_peer_connection_t  *pc;

    tunnel->error = "no memory";

    if (ngx_http_notify_tunnel_request(tunnel) != NGX_OK) {
        return NGX_ERROR;
    }

    addr = &tunnel->way->proxy->addr;
    pc = &tunnel->peer;

    pc->sockaddr = addr->sockaddr;
    pc->socklen = addr->socklen;
    pc->name = &tunnel->way->proxy->host;
    pc->get = ngx_event_get_peer;
    pc->log = ngx_cycle->log;
    pc->log_error = NGX_ERROR_INFO;
    pc->local = ngx_http_notify_proxy_local(tunnel->way, addr->sockaddr);

    rc = ngx_event_connect_peer(pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_http_notify_tunnel_close(tunnel);
        tunnel->error = "proxy not reached";
        ngx_str_set(&tunnel->detail, "connection failed");
        return NGX_ERROR;
    }

    c = pc->connection;
    c->data = tunnel;
    c->read->handler = ngx_http_notify_tunnel_read;
    c->write->handler = ngx_http_notify_tunnel_write;

    ngx_add_timer(c->read, tunnel->timeout);

    if (rc == NGX_OK) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_notify_tunnel_request(ngx_http_notify_tunnel_t *tunnel)
{
    size_t      len;
    u_char     *p;
    ngx_str_t   to, *authorization;
    u_char      text[NGX_SOCKADDR_STRLEN];

    to.data = text;
    to.len = ngx_sock_ntop(tunnel->to->sockaddr, tunnel->to->socklen, text,
                           NGX_SOCKADDR_STRLEN, 1);

    authorization = &tunnel->way->proxy->authorization;

    len = sizeof("CONNECT  HTTP/1.1" CRLF "Host: " CRLF CRLF) + 2 * to.len
          + authorization->len;

    p = ngx_pnalloc(tunnel->pool, len + NGX_HTTP_NOTIFY_TUNNEL_ANSWER);
    if (p == NULL) {
        return NGX_ERROR;
    }

    tunnel->answer = p + len;

    tunnel->request.data = p;
    tunnel->request.len = ngx_sprintf(p, "CONNECT %V HTTP/1.1" CRLF
                                      "Host: %V" CRLF "%V" CRLF, &to, &to,
                                      authorization)
                          - p;

    return NGX_OK;
}


static void
ngx_http_notify_tunnel_write(ngx_event_t *ev)
{
    int                        err;
    ssize_t                    n;
    socklen_t                  len;
    ngx_connection_t          *c;
    ngx_http_notify_tunnel_t  *tunnel;

    c = ev->data;
    tunnel = c->data;

    if (!tunnel->connected) {
        err = 0;
        len = sizeof(int);

        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len)
            == -1)
        {
            err = ngx_socket_errno;
        }

        if (err) {
            ngx_http_notify_tunnel_fail(tunnel, "proxy not reached",
                                        ngx_http_notify_tunnel_errno(err));
            return;
        }

        tunnel->connected = 1;
    }

    while (tunnel->sent < tunnel->request.len) {

        n = c->send(c, tunnel->request.data + tunnel->sent,
                    tunnel->request.len - tunnel->sent);

        if (n == NGX_AGAIN) {
            if (ngx_handle_write_event(ev, 0) != NGX_OK) {
                ngx_http_notify_tunnel_fail(tunnel, "proxy not reached", NULL);
            }

            return;
        }

        if (n == NGX_ERROR) {
            ngx_http_notify_tunnel_fail(tunnel, "proxy closed the connection",
                                        NULL);
            return;
        }

        tunnel->sent += n;
    }

    ev->handler = ngx_http_notify_tunnel_idle;

    if (ngx_handle_write_event(ev, 0) != NGX_OK) {
        ngx_http_notify_tunnel_fail(tunnel, "proxy not reached", NULL);
    }
}


static void
ngx_http_notify_tunnel_read(ngx_event_t *ev)
{
    ssize_t                    n;
    ngx_int_t                  rc;
    ngx_connection_t          *c;
    ngx_http_notify_tunnel_t  *tunnel;

    c = ev->data;
    tunnel = c->data;

    if (ev->timedout) {
        ngx_http_notify_tunnel_fail(tunnel, tunnel->connected
                                            ? "proxy does not answer"
                                            : "proxy not reached", "timeout");
        return;
    }

    if (!tunnel->connected) {

        /* an error of connect() */

        ngx_http_notify_tunnel_write(c->write);
        return;
    }

    for ( ;; ) {

        n = c->recv(c, tunnel->answer + tunnel->len,
                    NGX_HTTP_NOTIFY_TUNNEL_ANSWER - tunnel->len);

        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(ev, 0) != NGX_OK) {
                ngx_http_notify_tunnel_fail(tunnel, "proxy not reached", NULL);
            }

            return;
        }

        if (n <= 0) {
            ngx_http_notify_tunnel_fail(tunnel, "proxy closed the connection",
                                        NULL);
            return;
        }

        tunnel->len += n;

        rc = ngx_http_notify_tunnel_status(tunnel);

        if (rc == NGX_OK) {
            ngx_del_timer(ev);
            c->write->handler = ngx_http_notify_tunnel_idle;
            ev->handler = ngx_http_notify_tunnel_idle;
            tunnel->handler(tunnel, NGX_OK);
            return;
        }

        if (rc == NGX_ERROR) {
            return;
        }
    }
}


static void
ngx_http_notify_tunnel_idle(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "notify tunnel: idle");
}


/* NGX_AGAIN: more has to come; NGX_ERROR: it has failed, and is closed */

static ngx_int_t
ngx_http_notify_tunnel_status(ngx_http_notify_tunnel_t *tunnel)
{
    u_char     *p, *end;
    ngx_int_t   status;

    p = tunnel->answer;
    end = ngx_strnstr(p, CRLF CRLF, tunnel->len);

    if (end == NULL) {

        if (tunnel->len < NGX_HTTP_NOTIFY_TUNNEL_ANSWER) {
            return NGX_AGAIN;
        }

        ngx_http_notify_tunnel_fail(tunnel, "malformed answer of the proxy",
                                    "headers are too large");
        return NGX_ERROR;
    }

    status = NGX_ERROR;

    if (tunnel->len > sizeof("HTTP/1.1 200") && p[8] == ' '
        && ngx_strncmp(p, "HTTP/1.", 7) == 0)
    {
        status = ngx_atoi(p + 9, 3);
    }

    if (status == NGX_ERROR) {
        ngx_http_notify_tunnel_fail(tunnel, "malformed answer of the proxy",
                                    NULL);
        return NGX_ERROR;
    }

    if (status < 200 || status > 299) {
        tunnel->detail.data = p;
        tunnel->detail.len = ngx_sprintf(p, "status %i", status) - p;
        ngx_http_notify_tunnel_fail(tunnel, "proxy refused", NULL);
        return NGX_ERROR;
    }

    if (end + 4 != p + tunnel->len) {
        ngx_http_notify_tunnel_fail(tunnel, "malformed answer of the proxy",
                                    "bytes behind its headers");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_notify_tunnel_fail(ngx_http_notify_tunnel_t *tunnel,
    const char *error, const char *detail)
{
    ngx_http_notify_tunnel_close(tunnel);

    tunnel->error = error;

    if (detail) {
        tunnel->detail = ngx_http_notify_text(detail);
    }

    tunnel->handler(tunnel, NGX_ERROR);
}


static const char *
ngx_http_notify_tunnel_errno(ngx_err_t err)
{
    switch (err) {

    case NGX_ECONNREFUSED:
        return "connection refused";

    case NGX_ETIMEDOUT:
        return "timeout";

    case NGX_ECONNRESET:
        return "connection reset";

    default:
        return "connection failed";
    }
}


ngx_connection_t *
ngx_http_notify_tunnel_take(ngx_http_notify_tunnel_t *tunnel)
{
    ngx_connection_t  *c;

    c = tunnel->peer.connection;
    tunnel->peer.connection = NULL;

    return c;
}


void
ngx_http_notify_tunnel_close(ngx_http_notify_tunnel_t *tunnel)
{
    ngx_connection_t  *c;

    c = ngx_http_notify_tunnel_take(tunnel);

    if (c) {
        ngx_close_connection(c);
    }
}
