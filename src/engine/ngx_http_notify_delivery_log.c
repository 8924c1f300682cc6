/*
 * A JSON object a line, written together with those of the same turn of the
 * event loop.  nginx opens the file, and opens it again on USR1.
 */

#include "ngx_http_notify_delivery_log.h"
#include "ngx_http_notify_delivery_log_conf.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_DELIVERY_LOG_SIZE   65536   /* bytes, of a write */
#define NGX_HTTP_NOTIFY_DELIVERY_LOG_QUIET  60      /* seconds */

/* of a line without its texts */
#define NGX_HTTP_NOTIFY_DELIVERY_LOG_LINE                                     \
    (sizeof("{\"time\":\"\",\"channel\":\"\",\"tenant\":\"\","                \
            "\"subscription\":\"\",\"event\":\"\",\"attempt\":,\"url\":\"\"," \
            "\"status\":null,\"error\":\"\",\"latency\":,"                    \
            "\"traceId\":\"\"}\n")                                            \
     + NGX_HTTP_NOTIFY_ID_TIME_LEN + NGX_HTTP_NOTIFY_ID_EVENT_LEN             \
     + 3 * NGX_INT_T_LEN + NGX_HTTP_NOTIFY_DELIVERY_LOG_TRACE)

#define NGX_HTTP_NOTIFY_DELIVERY_LOG_TRACE  32      /* of a traceparent */


static void ngx_http_notify_delivery_log_write(
    ngx_http_notify_delivery_log_t *log, const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result, const ngx_str_t *texts);
static u_char *ngx_http_notify_delivery_log_text(u_char *p, const char *name,
    const ngx_str_t *text);
static ngx_str_t ngx_http_notify_delivery_log_url(const ngx_str_t *url);
static void ngx_http_notify_delivery_log_handler(ngx_event_t *ev);
static void ngx_http_notify_delivery_log_flush(
    ngx_http_notify_delivery_log_t *log);


/* the texts of a line, whose length is not known */
enum {
    NGX_HTTP_NOTIFY_DELIVERY_LOG_CHANNEL = 0,
    NGX_HTTP_NOTIFY_DELIVERY_LOG_TENANT,
    NGX_HTTP_NOTIFY_DELIVERY_LOG_SUBSCRIPTION,
    NGX_HTTP_NOTIFY_DELIVERY_LOG_URL,
    NGX_HTTP_NOTIFY_DELIVERY_LOG_ERROR,
    NGX_HTTP_NOTIFY_DELIVERY_LOG_TEXTS
};


void
ngx_http_notify_delivery_log_add(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    size_t                           len;
    ngx_str_t                        texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_TEXTS];
    ngx_uint_t                       i;
    ngx_http_notify_subscriber_t    *s;
    ngx_http_notify_delivery_log_t  *log;

    s = d->subscriber;
    log = d->feed->channel->delivery_log;

    if (log == NULL
        || (log->failures && result->verdict == NGX_HTTP_NOTIFY_CALL_OK))
    {
        return;
    }

    texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_CHANNEL] = d->feed->channel->name;
    texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_TENANT] = d->event->tenant;
    texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_SUBSCRIPTION] = s->doc->id;
    texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_URL] =
        ngx_http_notify_delivery_log_url(d->node ? &d->node->call[0].url
                                                 : &s->doc->url);

    ngx_str_null(&texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_ERROR]);

    if (result->error && result->verdict != NGX_HTTP_NOTIFY_CALL_OK) {
        texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_ERROR].data =
                                                     (u_char *) result->error;
        texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_ERROR].len =
                                                    ngx_strlen(result->error);
    }

    len = NGX_HTTP_NOTIFY_DELIVERY_LOG_LINE;

    for (i = 0; i < NGX_HTTP_NOTIFY_DELIVERY_LOG_TEXTS; i++) {
        len += ngx_http_notify_json_escaped_len(&texts[i]);
    }

    if (log->start == NULL) {
        log->start = ngx_pnalloc(ngx_cycle->pool,
                                 NGX_HTTP_NOTIFY_DELIVERY_LOG_SIZE);
        if (log->start == NULL) {
            return;
        }

        ngx_http_notify_timer_init(&log->flush,
                                   ngx_http_notify_delivery_log_handler, log,
                                   ngx_cycle->log);
    }

    if (len > NGX_HTTP_NOTIFY_DELIVERY_LOG_SIZE) {
        return;
    }

    if (log->len + len > NGX_HTTP_NOTIFY_DELIVERY_LOG_SIZE) {
        ngx_http_notify_delivery_log_flush(log);
    }

    ngx_http_notify_delivery_log_write(log, d, result, texts);

    if (!log->flush.posted) {
        ngx_post_event(&log->flush, &ngx_posted_events);
    }
}


static void
ngx_http_notify_delivery_log_write(ngx_http_notify_delivery_log_t *log,
    const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result, const ngx_str_t *texts)
{
    u_char           *p;
    uint64_t          time;
    const ngx_str_t  *trace;

    p = log->start + log->len;

    time = ngx_http_notify_feed_time();
    time -= ngx_min(time, result->latency);

    p = ngx_cpymem(p, "{\"time\":\"", sizeof("{\"time\":\"") - 1);
    p = ngx_http_notify_id_time(p, time);
    p = ngx_cpymem(p, "\"", sizeof("\"") - 1);

    p = ngx_http_notify_delivery_log_text(p, "channel",
                         &texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_CHANNEL]);
    p = ngx_http_notify_delivery_log_text(p, "tenant",
                         &texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_TENANT]);
    p = ngx_http_notify_delivery_log_text(p, "subscription",
                         &texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_SUBSCRIPTION]);

    p = ngx_cpymem(p, ",\"event\":\"", sizeof(",\"event\":\"") - 1);
    p = ngx_http_notify_id_event(p, &d->id);
    p = ngx_sprintf(p, "\",\"attempt\":%ui", d->attempt);

    p = ngx_http_notify_delivery_log_text(p, "url",
                         &texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_URL]);

    if (result->status) {
        p = ngx_sprintf(p, ",\"status\":%ui", result->status);

    } else {
        p = ngx_cpymem(p, ",\"status\":null", sizeof(",\"status\":null") - 1);
    }

    if (texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_ERROR].len) {
        p = ngx_http_notify_delivery_log_text(p, "error",
                         &texts[NGX_HTTP_NOTIFY_DELIVERY_LOG_ERROR]);

    } else {
        p = ngx_cpymem(p, ",\"error\":null", sizeof(",\"error\":null") - 1);
    }

    p = ngx_sprintf(p, ",\"latency\":%M,\"traceId\":", result->latency);

    /* 00-TRACE-PARENT-FLAGS */

    trace = &d->event->traceparent;

    if (trace->len > 3 + NGX_HTTP_NOTIFY_DELIVERY_LOG_TRACE) {
        *p++ = '"';
        p = ngx_cpymem(p, trace->data + 3, NGX_HTTP_NOTIFY_DELIVERY_LOG_TRACE);
        *p++ = '"';

    } else {
        p = ngx_cpymem(p, "null", sizeof("null") - 1);
    }

    *p++ = '}';
    *p++ = LF;

    log->len = p - log->start;
}


static u_char *
ngx_http_notify_delivery_log_text(u_char *p, const char *name,
    const ngx_str_t *text)
{
    p = ngx_sprintf(p, ",\"%s\":\"", name);
    p = ngx_http_notify_json_put_escaped(p, text);

    return ngx_cpymem(p, "\"", sizeof("\"") - 1);
}


/* without what may be secret: the query, and a user before the host */

static ngx_str_t
ngx_http_notify_delivery_log_url(const ngx_str_t *url)
{
    u_char     *p, *last, *host;
    ngx_str_t   shown;

    shown = *url;
    last = url->data + url->len;

    for (p = url->data; p < last; p++) {

        if (*p == '?' || *p == '#') {
            shown.len = p - shown.data;
            break;
        }
    }

    last = shown.data + shown.len;
    host = ngx_strlcasestrn(shown.data, last, (u_char *) "://", 3 - 1);

    if (host == NULL) {
        return shown;
    }

    host += 3;
    p = ngx_strlchr(host, last, '/');
    p = ngx_strlchr(host, p ? p : last, '@');

    if (p) {
        shown.data = p + 1;
        shown.len = last - (p + 1);
    }

    return shown;
}


static void
ngx_http_notify_delivery_log_handler(ngx_event_t *ev)
{
    ngx_http_notify_delivery_log_flush(ev->data);
}


static void
ngx_http_notify_delivery_log_flush(ngx_http_notify_delivery_log_t *log)
{
    ssize_t    n;
    ngx_err_t  err;

    if (log->len == 0) {
        return;
    }

    n = ngx_write_fd(log->file->fd, log->start, log->len);
    err = (n == -1) ? ngx_errno : 0;

    if (n != (ssize_t) log->len
        && ngx_time() - log->said > NGX_HTTP_NOTIFY_DELIVERY_LOG_QUIET)
    {
        log->said = ngx_time();

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, err,
                      "notify delivery_log: \"%V\" cannot be written, its "
                      "lines are lost", &log->file->name);
    }

    log->len = 0;
}


void
ngx_http_notify_delivery_log_exit(const ngx_http_notify_channel_t *channel)
{
    ngx_http_notify_delivery_log_t  *log;

    log = channel->delivery_log;

    if (log == NULL) {
        return;
    }

    if (log->flush.posted) {
        ngx_delete_posted_event(&log->flush);
    }

    ngx_http_notify_delivery_log_flush(log);
}
