/*
 * notify_metrics: what the shared zone holds as Prometheus' text format 0.0.4,
 * or as OpenMetrics 1.0.0 for who accepts it.  Asks nobody, so it answers while
 * Redis is away.  Labels are names of channels and a fixed list of outcomes;
 * what a client or a subscriber says is none.
 */

#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_request_header.h"
#include "ngx_http_notify_serve.h"
#include "ngx_http_notify_version.h"


#define NGX_HTTP_NOTIFY_PROMETHEUS_BUF   8192
#define NGX_HTTP_NOTIFY_PROMETHEUS_LINE  512    /* with the longest name */


/* of a family of counters, one line a channel */
typedef struct {
    const char                  *name;
    const char                  *help;
    const char                  *labels;    /* besides the channel, or NULL */
    ngx_http_notify_metrics_e    counter;
} ngx_http_notify_prometheus_counter_t;

typedef struct {
    const char                        *name;
    const char                        *help;
    ngx_http_notify_metrics_gauge_e    gauge;
    unsigned                           all:1;   /* of nginx, not a channel */
    unsigned                           seconds:1;   /* of milliseconds */
} ngx_http_notify_prometheus_gauge_t;

typedef struct {
    const char                            *name;
    const char                            *help;
    ngx_http_notify_metrics_histogram_e    histogram;
    ngx_uint_t                             all;
} ngx_http_notify_prometheus_histogram_t;

/* the text as it grows */
typedef struct {
    ngx_pool_t                   *pool;
    ngx_array_t                  *channels;
    ngx_chain_t                  *out;
    ngx_chain_t                 **next;
    ngx_buf_t                    *buf;
    off_t                         size;
    ngx_uint_t                    failed;
    ngx_uint_t                    open;     /* unsigned  open:1; OpenMetrics */
} ngx_http_notify_prometheus_t;


static ngx_int_t ngx_http_notify_prometheus_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_notify_prometheus_open(ngx_http_request_t *r);
static void ngx_http_notify_prometheus_calls(
    ngx_http_notify_prometheus_t *text, const char *name);
static void ngx_http_notify_prometheus_counters(
    ngx_http_notify_prometheus_t *text);
static void ngx_http_notify_prometheus_gauges(
    ngx_http_notify_prometheus_t *text);
static void ngx_http_notify_prometheus_histograms(
    ngx_http_notify_prometheus_t *text);
static void ngx_http_notify_prometheus_histogram(
    ngx_http_notify_prometheus_t *text,
    const ngx_http_notify_prometheus_histogram_t *family, ngx_int_t channel,
    const ngx_str_t *name);
static void ngx_http_notify_prometheus_exemplar(
    ngx_http_notify_prometheus_t *text,
    const ngx_http_notify_metrics_exemplar_t *e);
static size_t ngx_http_notify_prometheus_seconds(u_char *buf, uint64_t usec,
    ngx_uint_t open);
static void ngx_http_notify_prometheus_head(
    ngx_http_notify_prometheus_t *text, const char *name, const char *help,
    const char *type);
static void ngx_http_notify_prometheus_line(
    ngx_http_notify_prometheus_t *text, const char *fmt, ...);
static ngx_buf_t *ngx_http_notify_prometheus_room(
    ngx_http_notify_prometheus_t *text);
static char *ngx_http_notify_prometheus_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


/* lines of one family stand together */
static const ngx_http_notify_prometheus_counter_t
    ngx_http_notify_prometheus_counter[] =
{
    { "events", "Events that were to be published.", "outcome=\"published\"",
      NGX_HTTP_NOTIFY_METRICS_PUBLISHED },
    { "events", NULL, "outcome=\"repeated\"",
      NGX_HTTP_NOTIFY_METRICS_REPEATED },
    { "events", NULL, "outcome=\"refused\"", NGX_HTTP_NOTIFY_METRICS_REFUSED },
    { "events", NULL, "outcome=\"lost\"", NGX_HTTP_NOTIFY_METRICS_LOST },

    { "matches", "Deliveries that came to be.", NULL,
      NGX_HTTP_NOTIFY_METRICS_MATCHED },

    { "deliveries", "Deliveries by how they ended.", "outcome=\"delivered\"",
      NGX_HTTP_NOTIFY_METRICS_DELIVERED },
    { "deliveries", NULL, "outcome=\"dead\"", NGX_HTTP_NOTIFY_METRICS_DEAD },
    { "deliveries", NULL, "outcome=\"dropped\"",
      NGX_HTTP_NOTIFY_METRICS_DROPPED },
    { "deliveries", NULL, "outcome=\"expired\"",
      NGX_HTTP_NOTIFY_METRICS_EXPIRED },
    { "deliveries", NULL, "outcome=\"skipped\"",
      NGX_HTTP_NOTIFY_METRICS_SKIPPED },

    { "pushes_dropped", "Pushes that a provider dropped.", "outcome=\"failed\"",
      NGX_HTTP_NOTIFY_METRICS_PUSH_FAILED },
    { "pushes_dropped", NULL, "outcome=\"held\"",
      NGX_HTTP_NOTIFY_METRICS_PUSH_HELD },
    { "pushes_dropped", NULL, "outcome=\"no_node\"",
      NGX_HTTP_NOTIFY_METRICS_PUSH_NO_NODE },
    { "pushes_dropped", NULL, "outcome=\"no_device\"",
      NGX_HTTP_NOTIFY_METRICS_PUSH_NO_DEVICE },
    { "pushes_dropped", NULL, "outcome=\"no_provider\"",
      NGX_HTTP_NOTIFY_METRICS_PUSH_NO_PROVIDER },

    { "calls_started", "Calls to subscribers.", NULL,
      NGX_HTTP_NOTIFY_METRICS_ATTEMPTS },
    { "calls", "Calls to subscribers that have ended.", NULL,
      NGX_HTTP_NOTIFY_METRICS_N },     /* by class, see below */

    { "guard_refusals", "Failed calls whose address may not be called.", NULL,
      NGX_HTTP_NOTIFY_METRICS_BLOCKED },
    { "calls_without_resolver", "Failed calls to a name, without a resolver.",
      NULL, NGX_HTTP_NOTIFY_METRICS_NO_RESOLVER },
    { "events_limited", "Events above publish_rate, refused or dropped.", NULL,
      NGX_HTTP_NOTIFY_METRICS_LIMITED },
    { "share_waits", "Waits for calls of the same tenant, by tenant_share.",
      NULL, NGX_HTTP_NOTIFY_METRICS_CROWDED },
    { "sessions_refused", "Sessions above sessions_max.", NULL,
      NGX_HTTP_NOTIFY_METRICS_SESSIONS_REFUSED },
    { "breaker_openings", "Breakers that opened.", NULL,
      NGX_HTTP_NOTIFY_METRICS_OPENED },
    { "subscriptions_gone", "Subscriptions disabled by a 410.", NULL,
      NGX_HTTP_NOTIFY_METRICS_GONE },
    { "subscriptions_failing", "Subscriptions disabled by disable_after.",
      NULL, NGX_HTTP_NOTIFY_METRICS_FAILING },
    { "events_erased", "Events that were erased.", NULL,
      NGX_HTTP_NOTIFY_METRICS_ERASED },
    { "segments", "Segments that were made of old events.", NULL,
      NGX_HTTP_NOTIFY_METRICS_SEGMENTS },
    { "events_compressed", "Events that were put into segments.", NULL,
      NGX_HTTP_NOTIFY_METRICS_COMPRESSED },
    { "compressed_bytes", "Bytes of these events.", NULL,
      NGX_HTTP_NOTIFY_METRICS_COMPRESSED_BYTES },
    { "segment_bytes", "Bytes of the segments that were made of them.", NULL,
      NGX_HTTP_NOTIFY_METRICS_SEGMENT_BYTES },
    { "commits_fenced", "Results that came after a lease was lost.", NULL,
      NGX_HTTP_NOTIFY_METRICS_FENCED },
    { "commits_stuck", "Buckets that wait, as Redis refuses what they write.",
      NULL, NGX_HTTP_NOTIFY_METRICS_STUCK },
    { "loops", "Events and questions that came through too many calls.", NULL,
      NGX_HTTP_NOTIFY_METRICS_HOPS },
    { "bodies_unread", "Emitted events whose body could not be taken.", NULL,
      NGX_HTTP_NOTIFY_METRICS_UNREAD },
    { "sessions_unregistered", "Sessions that could not be registered.", NULL,
      NGX_HTTP_NOTIFY_METRICS_UNREGISTERED },
    { "connections_unheld", "Connections not taken for their session's.",
      NULL, NGX_HTTP_NOTIFY_METRICS_UNHELD },

    { NULL, NULL, NULL, 0 }
};


static const char
    *ngx_http_notify_prometheus_classes[NGX_HTTP_NOTIFY_METRICS_CLASSES] =
{
    "outcome=\"succeeded\",class=\"2xx\"",
    "outcome=\"failed\",class=\"2xx\"",
    "outcome=\"failed\",class=\"3xx\"",
    "outcome=\"failed\",class=\"4xx\"",
    "outcome=\"failed\",class=\"5xx\"",
    "outcome=\"failed\",class=\"timeout\"",
    "outcome=\"failed\",class=\"connect\"",
    "outcome=\"failed\",class=\"dns\"",
    "outcome=\"failed\",class=\"tls\"",
    "outcome=\"failed\",class=\"refused\"",
    "outcome=\"failed\",class=\"proxy\"",
    "outcome=\"failed\",class=\"no_resolver\"",
    "outcome=\"failed\",class=\"token\""
};


static const ngx_http_notify_prometheus_gauge_t
    ngx_http_notify_prometheus_gauge[] =
{
    { "subscriptions", "Subscriptions that are delivered to.",
      NGX_HTTP_NOTIFY_METRICS_SUBSCRIPTIONS, 0, 0 },
    { "queued_deliveries", "Deliveries that wait in memory.",
      NGX_HTTP_NOTIFY_METRICS_QUEUED, 0, 0 },
    { "in_flight_deliveries", "Deliveries that are being called.",
      NGX_HTTP_NOTIFY_METRICS_IN_FLIGHT, 0, 0 },
    { "retrying_deliveries", "Deliveries that wait for another attempt.",
      NGX_HTTP_NOTIFY_METRICS_RETRYING, 0, 0 },
    { "lagging_subscriptions", "Subscriptions that are far behind the log.",
      NGX_HTTP_NOTIFY_METRICS_BEHIND, 0, 0 },
    { "lag_seconds", "Age of the oldest event without a finished attempt.",
      NGX_HTTP_NOTIFY_METRICS_LAG, 0, 1 },
    { "breakers_open", "Breakers that are open.",
      NGX_HTTP_NOTIFY_METRICS_OPEN, 0, 0 },
    { "outbox_events", "Emitted events on their way to Redis.",
      NGX_HTTP_NOTIFY_METRICS_OUTBOX, 0, 0 },

    { "outbox_bytes", "Memory taken of notify_buffer.",
      NGX_HTTP_NOTIFY_METRICS_BYTES, 1, 0 },
    { "workers", "Workers that have been seen in the last ten seconds.",
      NGX_HTTP_NOTIFY_METRICS_WORKERS, 1, 0 },
    { "redis_connected_workers", "Workers that are connected to Redis.",
      NGX_HTTP_NOTIFY_METRICS_REDIS, 1, 0 },
    { "redis_pending_commands", "Commands that Redis has not answered yet.",
      NGX_HTTP_NOTIFY_METRICS_PENDING, 1, 0 },

    { NULL, NULL, 0, 0, 0 }
};


static const ngx_http_notify_prometheus_histogram_t
    ngx_http_notify_prometheus_families[] =
{
    { "call_duration_seconds", "Calls to subscribers, from start to verdict.",
      NGX_HTTP_NOTIFY_METRICS_CALL, 0 },
    { "delivery_delay_seconds", "From the publish to the delivery.",
      NGX_HTTP_NOTIFY_METRICS_DELAY, 0 },
    { "redis_round_trip_seconds", "Commands of Redis, from asked to answered.",
      NGX_HTTP_NOTIFY_METRICS_ROUND_TRIP, 1 },

    { NULL, NULL, 0, 0 }
};


static ngx_command_t  ngx_http_notify_prometheus_commands[] = {

    { ngx_string("notify_metrics"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_notify_prometheus_directive,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_prometheus_module_ctx =
    ngx_http_notify_http_module_location(NULL, NULL);


ngx_module_t  ngx_http_notify_prometheus_module =
    ngx_http_notify_http_module(&ngx_http_notify_prometheus_module_ctx,
                                ngx_http_notify_prometheus_commands);


static ngx_int_t
ngx_http_notify_prometheus_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_http_notify_main_conf_t   *mcf;
    ngx_http_notify_prometheus_t   text;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_notify_reply_not_allowed(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_notify_module);

    ngx_memzero(&text, sizeof(ngx_http_notify_prometheus_t));
    text.pool = r->pool;
    text.channels = mcf->channels;
    text.next = &text.out;
    text.open = ngx_http_notify_prometheus_open(r);

    ngx_http_notify_prometheus_head(&text, "build_info",
                                    "The module, by its version.", "gauge");
    ngx_http_notify_prometheus_line(&text,
            "notify_build_info{version=\"" NGX_HTTP_NOTIFY_VERSION "\"} 1\n");

    ngx_http_notify_prometheus_counters(&text);
    ngx_http_notify_prometheus_gauges(&text);
    ngx_http_notify_prometheus_histograms(&text);

    if (text.open) {
        ngx_http_notify_prometheus_line(&text, "# EOF\n");
    }

    if (text.failed || text.buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.buf->last_buf = (r == r->main);
    text.buf->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = text.size;

    if (text.open) {
        ngx_str_set(&r->headers_out.content_type,
                    "application/openmetrics-text; version=1.0.0; "
                    "charset=utf-8");
        r->headers_out.content_type_len =
                                    sizeof("application/openmetrics-text") - 1;
    } else {
        ngx_str_set(&r->headers_out.content_type,
                    "text/plain; version=0.0.4; charset=utf-8");
        r->headers_out.content_type_len = sizeof("text/plain") - 1;
    }

    r->headers_out.content_type_lowcase = NULL;
    ngx_str_set(&r->headers_out.charset, "utf-8");

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, text.out);
}


/* whether the client names it among what it accepts */

static ngx_uint_t
ngx_http_notify_prometheus_open(ngx_http_request_t *r)
{
    ngx_str_t  value;

    static ngx_str_t  accept = ngx_string("Accept");
    static ngx_str_t  type = ngx_string("application/openmetrics-text");

    return ngx_http_notify_request_header(r, &accept, &value)
           && ngx_strlcasestrn(value.data, value.data + value.len, type.data,
                               type.len - 1)
              != NULL;
}


static void
ngx_http_notify_prometheus_counters(ngx_http_notify_prometheus_t *text)
{
    ngx_uint_t                                   i;
    ngx_http_notify_channel_t                  **channel;
    const ngx_http_notify_prometheus_counter_t  *c;

    channel = text->channels->elts;

    for (c = ngx_http_notify_prometheus_counter; c->name; c++) {

        if (c->help) {
            ngx_http_notify_prometheus_line(text,
                                            "# HELP notify_%s%s %s\n"
                                            "# TYPE notify_%s%s counter\n",
                                            c->name,
                                            text->open ? "" : "_total",
                                            c->help, c->name,
                                            text->open ? "" : "_total");
        }

        if (c->counter == NGX_HTTP_NOTIFY_METRICS_N) {
            ngx_http_notify_prometheus_calls(text, c->name);
            continue;
        }

        for (i = 0; i < text->channels->nelts; i++) {
            ngx_http_notify_prometheus_line(text,
                    "notify_%s_total{channel=\"%V\"%s%s} %uL\n",
                    c->name, &channel[i]->name,
                    c->labels ? "," : "", c->labels ? c->labels : "",
                    ngx_http_notify_metrics_get(channel[i]->metrics,
                                                c->counter));
        }
    }
}


static void
ngx_http_notify_prometheus_calls(ngx_http_notify_prometheus_t *text,
    const char *name)
{
    ngx_uint_t                   i, n;
    ngx_http_notify_channel_t  **channel;

    channel = text->channels->elts;

    for (i = 0; i < text->channels->nelts; i++) {
        for (n = 0; n < NGX_HTTP_NOTIFY_METRICS_CLASSES; n++) {
            ngx_http_notify_prometheus_line(text,
                    "notify_%s_total{channel=\"%V\",%s} %uL\n",
                    name, &channel[i]->name,
                    ngx_http_notify_prometheus_classes[n],
                    ngx_http_notify_metrics_calls(channel[i]->metrics, n));
        }
    }
}


static void
ngx_http_notify_prometheus_gauges(ngx_http_notify_prometheus_t *text)
{
    uint64_t                                   value;
    ngx_uint_t                                 i;
    ngx_http_notify_channel_t                **channel;
    const ngx_http_notify_prometheus_gauge_t  *g;

    channel = text->channels->elts;

    for (g = ngx_http_notify_prometheus_gauge; g->name; g++) {

        ngx_http_notify_prometheus_head(text, g->name, g->help, "gauge");

        if (g->all) {
            ngx_http_notify_prometheus_line(text, "notify_%s %uL\n", g->name,
                    ngx_http_notify_metrics_gauge(NGX_HTTP_NOTIFY_METRICS_ALL,
                                                  g->gauge));
            continue;
        }

        for (i = 0; i < text->channels->nelts; i++) {
            value = ngx_http_notify_metrics_gauge(channel[i]->metrics,
                                                  g->gauge);

            if (g->seconds) {
                ngx_http_notify_prometheus_line(text,
                        "notify_%s{channel=\"%V\"} %uL.%03uL\n", g->name,
                        &channel[i]->name, value / 1000, value % 1000);

            } else {
                ngx_http_notify_prometheus_line(text,
                        "notify_%s{channel=\"%V\"} %uL\n", g->name,
                        &channel[i]->name, value);
            }
        }
    }
}


static void
ngx_http_notify_prometheus_histograms(ngx_http_notify_prometheus_t *text)
{
    ngx_uint_t                                     i;
    ngx_http_notify_channel_t                    **channel;
    const ngx_http_notify_prometheus_histogram_t  *h;

    static const ngx_str_t  none = ngx_null_string;

    channel = text->channels->elts;

    for (h = ngx_http_notify_prometheus_families; h->name; h++) {

        ngx_http_notify_prometheus_head(text, h->name, h->help, "histogram");

        if (h->all) {
            ngx_http_notify_prometheus_histogram(text, h,
                                                 NGX_HTTP_NOTIFY_METRICS_ALL,
                                                 &none);
            continue;
        }

        for (i = 0; i < text->channels->nelts; i++) {
            ngx_http_notify_prometheus_histogram(text, h, channel[i]->metrics,
                                                 &channel[i]->name);
        }
    }
}


/* _count is the sum of the buckets as they were read: it is +Inf's value */

static void
ngx_http_notify_prometheus_histogram(ngx_http_notify_prometheus_t *text,
    const ngx_http_notify_prometheus_histogram_t *family, ngx_int_t channel,
    const ngx_str_t *name)
{
    u_char                                *p;
    uint64_t                               n;
    ngx_str_t                              label, only;
    ngx_uint_t                             i;
    const uint64_t                        *bounds;
    ngx_http_notify_metrics_histogram_t    values;
    ngx_http_notify_metrics_exemplar_t     exemplars
                                        [NGX_HTTP_NOTIFY_METRICS_BUCKETS + 1];
    u_char                                 buf[128];
    u_char                                 bound[NGX_INT64_LEN + 8];

    ngx_memzero(exemplars, sizeof(exemplars));

    if (text->open && family->histogram == NGX_HTTP_NOTIFY_METRICS_CALL) {
        ngx_http_notify_metrics_exemplars(channel, exemplars);
    }

    bounds = ngx_http_notify_metrics_bounds(family->histogram);
    ngx_http_notify_metrics_histogram(channel, family->histogram, &values);

    ngx_str_set(&label, "");
    ngx_str_set(&only, "");

    if (name->len) {
        p = ngx_snprintf(buf, sizeof(buf), "{channel=\"%V\"},", name);

        /* with its braces, and as the first of several */

        only.data = buf;
        only.len = p - buf - 1;
        label.data = buf + 1;
        label.len = only.len - 2;
    }

    n = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_BUCKETS; i++) {
        n += values.buckets[i];

        ngx_http_notify_prometheus_line(text,
                "notify_%s_bucket{%V%sle=\"%*s\"} %uL", family->name,
                &label, label.len ? "," : "",
                ngx_http_notify_prometheus_seconds(bound, bounds[i],
                                                   text->open),
                bound, n);
        ngx_http_notify_prometheus_exemplar(text, &exemplars[i]);
    }

    n += values.buckets[i];

    ngx_http_notify_prometheus_line(text,
            "notify_%s_bucket{%V%sle=\"+Inf\"} %uL",
            family->name, &label, label.len ? "," : "", n);
    ngx_http_notify_prometheus_exemplar(text, &exemplars[i]);

    ngx_http_notify_prometheus_line(text,
            "notify_%s_sum%V %uL.%06uL\n"
            "notify_%s_count%V %uL\n",
            family->name, &only, values.sum / 1000000, values.sum % 1000000,
            family->name, &only, n);
}


/* ends a line, perhaps with a call that the bucket has counted */

static void
ngx_http_notify_prometheus_exemplar(ngx_http_notify_prometheus_t *text,
    const ngx_http_notify_metrics_exemplar_t *e)
{
    if (e->time == 0) {
        ngx_http_notify_prometheus_line(text, "\n");
        return;
    }

    ngx_http_notify_prometheus_line(text,
            " # {trace_id=\"%08xD%08xD%08xD%08xD\"} %uL.%06uL %uL.%03uL\n",
            e->trace[0], e->trace[1], e->trace[2], e->trace[3],
            e->usec / 1000000, e->usec % 1000000,
            e->time / 1000, e->time % 1000);
}


/* as short as everybody writes it: 0.005, 30; OpenMetrics has 30.0 */

static size_t
ngx_http_notify_prometheus_seconds(u_char *buf, uint64_t usec, ngx_uint_t open)
{
    u_char  *p;

    p = ngx_sprintf(buf, "%uL.%06uL", usec / 1000000, usec % 1000000);

    while (p[-1] == '0') {
        p--;
    }

    if (p[-1] == '.') {
        p += open ? 1 : -1;
    }

    return p - buf;
}


static void
ngx_http_notify_prometheus_head(ngx_http_notify_prometheus_t *text,
    const char *name, const char *help, const char *type)
{
    ngx_http_notify_prometheus_line(text, "# HELP notify_%s %s\n"
                                    "# TYPE notify_%s %s\n",
                                    name, help, name, type);
}


static void
ngx_http_notify_prometheus_line(ngx_http_notify_prometheus_t *text,
    const char *fmt, ...)
{
    u_char     *p;
    va_list     args;
    ngx_buf_t  *b;

    b = ngx_http_notify_prometheus_room(text);
    if (b == NULL) {
        text->failed = 1;
        return;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(b->last, b->end, fmt, args);
    va_end(args);

    text->size += p - b->last;
    b->last = p;
}


static ngx_buf_t *
ngx_http_notify_prometheus_room(ngx_http_notify_prometheus_t *text)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = text->buf;

    if (b && b->end - b->last >= NGX_HTTP_NOTIFY_PROMETHEUS_LINE) {
        return b;
    }

    b = ngx_create_temp_buf(text->pool, NGX_HTTP_NOTIFY_PROMETHEUS_BUF);
    cl = ngx_alloc_chain_link(text->pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    cl->buf = b;
    cl->next = NULL;

    *text->next = cl;
    text->next = &cl->next;
    text->buf = b;

    return b;
}


static char *
ngx_http_notify_prometheus_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    return ngx_http_notify_serve(cf, ngx_http_notify_prometheus_handler);
}
