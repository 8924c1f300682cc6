/*
 * Contexts of lines in the error log, by the handler of a log as nginx itself
 * appends a client's address.  Nothing lives longer than the line.
 */

#include "ngx_http_notify_context.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CONTEXT_TEXT  256       /* bytes of a value */


typedef struct {
    ngx_log_t                         log;
    ngx_log_t                        *parent;
    const ngx_http_notify_context_t  *context;
} ngx_http_notify_context_line_t;


static u_char *ngx_http_notify_context_handler(ngx_log_t *log, u_char *buf,
    size_t len);
static u_char *ngx_http_notify_context_text(u_char *p, u_char *last,
    const char *name, const ngx_str_t *text);


static ngx_http_notify_context_line_t  ngx_http_notify_context_line;


ngx_log_t *
ngx_http_notify_context_log(ngx_log_t *log,
    const ngx_http_notify_context_t *context)
{
    ngx_http_notify_context_line_t  *line;

    line = &ngx_http_notify_context_line;

    line->log = *log;
    line->log.handler = ngx_http_notify_context_handler;
    line->log.data = line;
    line->log.action = NULL;
    line->parent = log;
    line->context = context;

    return &line->log;
}


static u_char *
ngx_http_notify_context_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                          *p;
    ngx_log_t                       *parent;
    ngx_http_notify_context_line_t  *line;

    line = log->data;
    parent = line->parent;
    p = buf;

    if (parent->handler) {
        p = parent->handler(parent, p, len);
        len -= p - buf;
    }

    return ngx_http_notify_context_write(line->context, p, len);
}


u_char *
ngx_http_notify_context_write(const ngx_http_notify_context_t *context,
    u_char *buf, size_t len)
{
    u_char     *p, *last;
    ngx_str_t   host;

    p = buf;
    last = buf + len;

    if (context->event) {
        p = ngx_http_notify_context_text(p, last, "event",
                            ngx_http_notify_context_event(context->event));
    }

    p = ngx_http_notify_context_text(p, last, "subscription",
                                     context->subscription);
    p = ngx_http_notify_context_text(p, last, "channel", context->channel);
    p = ngx_http_notify_context_text(p, last, "tenant", context->tenant);

    if (context->url) {
        host = ngx_http_notify_context_host(context->url);
        p = ngx_http_notify_context_text(p, last, "host", &host);
    }

    return p;
}


static u_char *
ngx_http_notify_context_text(u_char *p, u_char *last, const char *name,
    const ngx_str_t *text)
{
    if (text == NULL || text->len == 0) {
        return p;
    }

    p = ngx_slprintf(p, last, ", %s: \"", name);

    /* a tenant may come from a header */

    p = ngx_http_notify_text_quote(p, text,
                              ngx_min(NGX_HTTP_NOTIFY_CONTEXT_TEXT, last - p));

    return ngx_slprintf(p, last, "\"");
}


ngx_str_t *
ngx_http_notify_context_event(const ngx_http_notify_id_t *id)
{
    static ngx_str_t  text;
    static u_char     buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];

    text.data = buf;
    text.len = ngx_http_notify_id_event(buf, id) - buf;

    return &text;
}


ngx_str_t
ngx_http_notify_context_host(const ngx_str_t *url)
{
    u_char     *p, *last;
    ngx_str_t   host;

    p = url->data;
    last = p + url->len;

    for ( /* void */ ; p + 3 <= last; p++) {
        if (ngx_strncmp(p, "://", 3) == 0) {
            p += 3;
            break;
        }
    }

    if (p + 3 > last) {
        p = url->data;
    }

    host.data = p;

    while (p < last && *p != '/' && *p != '?' && *p != '#') {
        p++;
    }

    host.len = p - host.data;

    return host;
}
