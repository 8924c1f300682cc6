/*
 * notify_session: what a session keeps, on its way to Redis, and the
 * acknowledgement in the answer.  A registration outlives its request; one
 * that nobody waits for is kept while Redis is away, in the order they came.
 * Must not know when it is time for one.
 */

#include "ngx_http_notify_context.h"
#include "ngx_http_notify_exit_hold.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_push.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_session.h"
#include "ngx_http_notify_source.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_SESSION_ARGS  7     /* of join, before the values */
#define NGX_HTTP_NOTIFY_SESSION_HELD  4     /* which of these is the worker */

/* those that wait for Redis */
#define NGX_HTTP_NOTIFY_SESSION_KEPT      (1024 * 1024)     /* bytes a worker */
#define NGX_HTTP_NOTIFY_SESSION_AGAIN     500               /* ms */
#define NGX_HTTP_NOTIFY_SESSION_PATIENCE  (5 * 60 * 1000)   /* ms */
#define NGX_HTTP_NOTIFY_SESSION_TRIES     5

#define NGX_HTTP_NOTIFY_SESSION_QUIET     10    /* s */


typedef struct {
    ngx_queue_t                    link;        /* in boxes, or in waiting */
    ngx_http_notify_emit_ctx_t    *emit;        /* who waits, or NULL */
    ngx_http_notify_channel_t     *channel;
    ngx_uint_t                     number;      /* in the order they came */
    ngx_uint_t                     tries;
    ngx_msec_t                     since;
    size_t                         size;
    ngx_str_t                      tenant;
    ngx_str_t                      id;
    ngx_uint_t                     nargs;
    ngx_str_t                      args[1];     /* nargs of them */
} ngx_http_notify_session_box_t;


static ngx_int_t ngx_http_notify_session_args(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, ngx_array_t *args);
static ngx_int_t ngx_http_notify_session_push(ngx_array_t *args,
    const ngx_str_t *value);
static ngx_int_t ngx_http_notify_session_push_ms(ngx_http_request_t *r,
    ngx_array_t *args, uint64_t ms);
static ngx_int_t ngx_http_notify_session_send(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_array_t *args, ngx_http_notify_emit_ctx_t *emit);
static ngx_http_notify_session_box_t *ngx_http_notify_session_box(
    const ngx_str_t *tenant, const ngx_str_t *id, const ngx_array_t *args,
    ngx_log_t *log);
static u_char *ngx_http_notify_session_copy(u_char *p, const ngx_str_t *from,
    ngx_str_t *to);
static ngx_int_t ngx_http_notify_session_ask(
    ngx_http_notify_session_box_t *box);
static ngx_http_notify_redis_handler_t  ngx_http_notify_session_answered;
static void ngx_http_notify_session_keep(ngx_http_notify_session_box_t *box);
static void ngx_http_notify_session_flush(void);
static void ngx_http_notify_session_again(ngx_event_t *ev);
static void ngx_http_notify_session_drop(ngx_http_notify_session_box_t *box,
    const char *reason);
static void ngx_http_notify_session_failed(ngx_http_notify_channel_t *channel,
    const ngx_str_t *tenant, ngx_log_t *log, const char *reason);
static void ngx_http_notify_session_abandon(ngx_http_notify_emit_ctx_t *emit);
static void ngx_http_notify_session_full(ngx_http_notify_session_box_t *box);
static ngx_int_t ngx_http_notify_session_acknowledge(ngx_http_request_t *r,
    ngx_uint_t registered);


static ngx_queue_t       ngx_http_notify_session_boxes;     /* asked */
static ngx_queue_t       ngx_http_notify_session_waiting;
static size_t            ngx_http_notify_session_kept;
static ngx_uint_t        ngx_http_notify_session_number;
static ngx_uint_t        ngx_http_notify_session_told;      /* that they wait */
static time_t            ngx_http_notify_session_said;      /* of the limit */
static ngx_uint_t        ngx_http_notify_session_unsaid;
static ngx_event_t       ngx_http_notify_session_timer;
static ngx_connection_t  ngx_http_notify_session_dumb;


void
ngx_http_notify_session_register_init(void)
{
    ngx_queue_init(&ngx_http_notify_session_boxes);
    ngx_queue_init(&ngx_http_notify_session_waiting);

    ngx_http_notify_session_dumb.fd = (ngx_socket_t) -1;

    ngx_http_notify_timer_idle(&ngx_http_notify_session_timer,
                               ngx_http_notify_session_again,
                               &ngx_http_notify_session_dumb, ngx_cycle->log);
}


/* the connection is gone by now: no answer comes any more */

void
ngx_http_notify_session_register_exit(void)
{
    ngx_queue_t                    *q;
    ngx_http_notify_session_box_t  *box;

    if (ngx_http_notify_session_boxes.next == NULL) {
        return;
    }

    ngx_http_notify_timer_stop(&ngx_http_notify_session_timer);

    while (!ngx_queue_empty(&ngx_http_notify_session_waiting)) {
        q = ngx_queue_head(&ngx_http_notify_session_waiting);
        box = ngx_queue_data(q, ngx_http_notify_session_box_t, link);

        ngx_queue_remove(q);
        ngx_http_notify_session_drop(box, "the worker exits");
    }

    while (!ngx_queue_empty(&ngx_http_notify_session_boxes)) {
        q = ngx_queue_head(&ngx_http_notify_session_boxes);
        ngx_queue_remove(q);
        ngx_http_notify_exit_hold_end();
        ngx_free(ngx_queue_data(q, ngx_http_notify_session_box_t, link));
    }
}


ngx_int_t
ngx_http_notify_session_register(ngx_http_request_t *r,
    ngx_http_notify_emit_ctx_t *emit)
{
    ngx_int_t                        rc;
    ngx_str_t                        tenant, id, key;
    ngx_array_t                      args;
    ngx_http_notify_session_ctx_t   *ctx;
    ngx_http_notify_session_conf_t  *session;

    session = ngx_http_notify_session_here(r);
    ctx = ngx_http_notify_session_ctx(r);

    if (session == NULL || ctx == NULL || ctx->registered) {
        return ctx ? NGX_OK : NGX_ERROR;
    }

    ctx->registered = 1;

    rc = ngx_http_notify_source_if(r, session->condition);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_session_key(r, session, &tenant, &id, &key);
    }

    if (rc == NGX_DECLINED || rc == NGX_ABORT) {
        ctx->grace = 0;
        ngx_http_notify_session_release(ctx);
    }

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc == NGX_ABORT) {
        ngx_str_null(&tenant);
        ngx_http_notify_session_failed(session->channel, &tenant,
                                       r->connection->log,
                                       "there is no tenant");

        return emit ? ngx_http_notify_session_acknowledge(r, 0) : NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (session->presence) {
        ngx_http_notify_session_hold(r, session, &tenant, &key);
    }

    rc = ngx_http_notify_session_args(r, session, &args);

    if (rc == NGX_OK) {
        return ngx_http_notify_session_send(r, session, &tenant, &id, &args,
                                            emit);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_notify_session_failed(session->channel, &tenant,
                                   r->connection->log,
                                   "its values are too long, or not UTF-8");

    return emit ? ngx_http_notify_session_acknowledge(r, 0) : NGX_OK;
}


static ngx_int_t
ngx_http_notify_session_args(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, ngx_array_t *args)
{
    size_t                            bytes;
    ngx_str_t                         value;
    ngx_uint_t                        i;
    ngx_http_notify_session_ctx_t    *ctx;
    ngx_http_notify_session_param_t  *param;

    static ngx_str_t  verb = ngx_string("join");
    static ngx_str_t  none = ngx_null_string;
    static ngx_str_t  ttl = ngx_string("86400000");

    ctx = ngx_http_notify_session_ctx(r);
    value = none;

    if (ngx_array_init(args, r->pool, NGX_HTTP_NOTIFY_SESSION_ARGS
                       + 2 * session->params.nelts, sizeof(ngx_str_t))
        != NGX_OK
        || (session->subscription
            && ngx_http_complex_value(r, session->subscription, &value)
               != NGX_OK)
        || ngx_http_notify_session_push(args, &verb) != NGX_OK
        || (session->ttl
            ? ngx_http_notify_session_push_ms(r, args,
                                              (uint64_t) session->ttl * 1000)
            : ngx_http_notify_session_push(args, &none))
           != NGX_OK
        || ngx_http_notify_session_push(args, &ttl) != NGX_OK
        || ngx_http_notify_session_push(args, &value) != NGX_OK
        || ngx_http_notify_session_push(args,
               ctx->hold ? ngx_http_notify_session_conns_name() : &none)
           != NGX_OK
        || ngx_http_notify_session_push_ms(r, args, session->lease) != NGX_OK)
    {
        return NGX_ERROR;
    }

    param = session->params.elts;
    bytes = 0;

    for (i = 0; i < session->params.nelts; i++) {

        if (ngx_http_complex_value(r, param[i].value, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        bytes += param[i].name.len + value.len;

        if (bytes > NGX_HTTP_NOTIFY_SESSION_BYTES
            || !ngx_http_notify_text_utf8(&value))
        {
            return NGX_DECLINED;
        }

        if (ngx_http_notify_session_push(args, &param[i].name) != NGX_OK
            || ngx_http_notify_session_push(args, &value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_session_push(ngx_array_t *args, const ngx_str_t *value)
{
    ngx_str_t  *arg;

    arg = ngx_array_push(args);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    *arg = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_session_push_ms(ngx_http_request_t *r, ngx_array_t *args,
    uint64_t ms)
{
    ngx_str_t  text;

    if (ngx_http_notify_memory_printf(r->pool, &text, "%uL", ms) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_session_push(args, &text);
}


static ngx_int_t
ngx_http_notify_session_send(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_array_t *args, ngx_http_notify_emit_ctx_t *emit)
{
    ngx_uint_t                      ready;
    ngx_http_notify_redis_t        *redis;
    ngx_http_notify_channel_t      *channel;
    ngx_http_notify_session_box_t  *box;

    channel = ngx_http_notify_channel_of(session->channel, tenant);

    redis = channel->redis;
    ready = redis != NULL && ngx_http_notify_redis_ready(redis);

    if (ready) {
        ngx_http_notify_session_flush();

    } else if (emit) {
        ngx_http_notify_session_failed(session->channel, tenant,
                                       r->connection->log,
                                       "there is no connection to Redis");

        return ngx_http_notify_session_acknowledge(r, 0);
    }

    box = ngx_http_notify_session_box(tenant, id, args, r->connection->log);

    if (box == NULL) {
        goto failed;
    }

    box->emit = emit;
    box->channel = channel;

    if (emit == NULL
        && (!ready || !ngx_queue_empty(&ngx_http_notify_session_waiting)))
    {
        ngx_http_notify_session_keep(box);
        return NGX_OK;
    }

    if (ngx_http_notify_session_ask(box) != NGX_OK) {

        if (emit == NULL) {
            ngx_http_notify_session_keep(box);
            return NGX_OK;
        }

        ngx_free(box);
        goto failed;
    }

    if (emit == NULL) {
        return NGX_OK;
    }

    emit->session = box;
    emit->unsession = ngx_http_notify_session_abandon;
    emit->waiting++;

    return NGX_AGAIN;

failed:

    /* no memory, or too much waits for Redis: no request fails for it */

    ngx_http_notify_session_failed(session->channel, tenant,
                                   r->connection->log,
                                   "Redis cannot be asked now");

    return emit ? ngx_http_notify_session_acknowledge(r, 0) : NGX_OK;
}


/* one block, with copies of all */

static ngx_http_notify_session_box_t *
ngx_http_notify_session_box(const ngx_str_t *tenant, const ngx_str_t *id,
    const ngx_array_t *args, ngx_log_t *log)
{
    u_char                         *p;
    size_t                          size;
    ngx_str_t                      *arg;
    ngx_uint_t                      i;
    ngx_http_notify_session_box_t  *box;

    arg = args->elts;
    size = sizeof(ngx_http_notify_session_box_t)
           + args->nelts * sizeof(ngx_str_t) + tenant->len + id->len;

    for (i = 0; i < args->nelts; i++) {
        size += arg[i].len;
    }

    box = ngx_alloc(size, log);
    if (box == NULL) {
        return NULL;
    }

    ngx_memzero(box, sizeof(ngx_http_notify_session_box_t));

    box->number = ngx_http_notify_session_number++;
    box->since = ngx_current_msec;
    box->size = size;
    box->nargs = args->nelts;

    p = (u_char *) &box->args[args->nelts];

    p = ngx_http_notify_session_copy(p, tenant, &box->tenant);
    p = ngx_http_notify_session_copy(p, id, &box->id);

    for (i = 0; i < args->nelts; i++) {
        p = ngx_http_notify_session_copy(p, &arg[i], &box->args[i]);
    }

    return box;
}


static u_char *
ngx_http_notify_session_copy(u_char *p, const ngx_str_t *from, ngx_str_t *to)
{
    to->data = p;
    to->len = from->len;

    return from->len ? ngx_cpymem(p, from->data, from->len) : p;
}


static ngx_int_t
ngx_http_notify_session_ask(ngx_http_notify_session_box_t *box)
{
    if (ngx_http_notify_push_register(box->channel->redis, box->channel,
                                      &box->tenant, &box->id, box->args,
                                      box->nargs,
                                      ngx_http_notify_session_answered, box)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_http_notify_session_boxes, &box->link);
    ngx_http_notify_exit_hold_begin();

    return NGX_OK;
}


static void
ngx_http_notify_session_answered(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_session_box_t *box = data;

    ngx_uint_t                   ok;
    ngx_http_notify_emit_ctx_t  *emit;

    emit = box->emit;

    ngx_http_notify_exit_hold_end();
    ngx_queue_remove(&box->link);

    ok = ngx_http_notify_script_verdict(box->channel->redis, resp, "session")
         == NGX_OK;

    if (!ok) {
        if (emit == NULL && ++box->tries < NGX_HTTP_NOTIFY_SESSION_TRIES) {
            ngx_http_notify_session_keep(box);
            return;
        }

        ngx_http_notify_session_failed(box->channel, &box->tenant,
                                       ngx_cycle->log,
                                       "Redis has not taken it");

    } else if (ngx_http_notify_script_says(resp, "subscription")) {
        ok = 0;
        ngx_http_notify_session_failed(box->channel, &box->tenant,
                                       ngx_cycle->log,
                                       "there is no such subscription");

    } else if (ngx_http_notify_script_says(resp, "full")) {
        ok = 0;
        ngx_http_notify_session_full(box);
    }

    ngx_free(box);

    if (emit == NULL) {
        return;
    }

    emit->session = NULL;

    if (ngx_http_notify_session_acknowledge(emit->request, ok) != NGX_OK) {
        emit->failed = 1;
    }

    ngx_http_notify_emit_settled(emit);
}


/*
 * Until Redis takes it.  By then its connection may be another worker's, or
 * gone: those that are there say so themselves, see holds.
 */

static void
ngx_http_notify_session_keep(ngx_http_notify_session_box_t *box)
{
    ngx_queue_t                    *q;
    ngx_http_notify_session_box_t  *before;

    if (ngx_http_notify_session_kept + box->size
        > NGX_HTTP_NOTIFY_SESSION_KEPT)
    {
        ngx_http_notify_session_drop(box, "too many wait for Redis");
        return;
    }

    ngx_str_set(&box->args[NGX_HTTP_NOTIFY_SESSION_HELD], "");

    for (q = ngx_queue_last(&ngx_http_notify_session_waiting);
         q != ngx_queue_sentinel(&ngx_http_notify_session_waiting);
         q = ngx_queue_prev(q))
    {
        before = ngx_queue_data(q, ngx_http_notify_session_box_t, link);

        if (before->number < box->number) {
            break;
        }
    }

    ngx_queue_insert_after(q, &box->link);
    ngx_http_notify_session_kept += box->size;

    if (!ngx_http_notify_session_told) {
        ngx_http_notify_session_told = 1;

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "notify session: sessions of \"%V\" wait for Redis",
                      &box->channel->name);
    }

    ngx_http_notify_timer_start(&ngx_http_notify_session_timer,
                                NGX_HTTP_NOTIFY_SESSION_AGAIN);
}


static void
ngx_http_notify_session_flush(void)
{
    ngx_queue_t                    *q, *next;
    ngx_http_notify_session_box_t  *box;

    for (q = ngx_queue_head(&ngx_http_notify_session_waiting);
         q != ngx_queue_sentinel(&ngx_http_notify_session_waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        box = ngx_queue_data(q, ngx_http_notify_session_box_t, link);

        if (!ngx_http_notify_redis_ready(box->channel->redis)) {

            if (ngx_current_msec - box->since
                < NGX_HTTP_NOTIFY_SESSION_PATIENCE)
            {
                continue;
            }

            ngx_queue_remove(q);
            ngx_http_notify_session_kept -= box->size;
            ngx_http_notify_session_drop(box, "Redis was away for too long");
            continue;
        }

        ngx_queue_remove(q);
        ngx_http_notify_session_kept -= box->size;

        if (ngx_http_notify_session_ask(box) != NGX_OK) {
            ngx_http_notify_session_keep(box);
            return;
        }
    }
}


static void
ngx_http_notify_session_again(ngx_event_t *ev)
{
    ngx_http_notify_session_flush();

    if (ngx_queue_empty(&ngx_http_notify_session_waiting)) {
        ngx_http_notify_session_told = 0;

    } else if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_NOTIFY_SESSION_AGAIN);
    }
}


static void
ngx_http_notify_session_drop(ngx_http_notify_session_box_t *box,
    const char *reason)
{
    ngx_http_notify_session_failed(box->channel, &box->tenant, ngx_cycle->log,
                                   reason);
    ngx_free(box);
}


static void
ngx_http_notify_session_abandon(ngx_http_notify_emit_ctx_t *emit)
{
    ngx_http_notify_session_box_t  *box;

    box = emit->session;

    box->emit = NULL;
    emit->session = NULL;
}


/* as often as clients like: a line in ten seconds says so */

static void
ngx_http_notify_session_full(ngx_http_notify_session_box_t *box)
{
    ngx_http_notify_tenants_add(box->channel->metrics, &box->tenant,
                                NGX_HTTP_NOTIFY_METRICS_SESSIONS_REFUSED, 1);
    ngx_http_notify_tenants_add(box->channel->metrics, &box->tenant,
                                NGX_HTTP_NOTIFY_METRICS_UNREGISTERED, 1);

    ngx_http_notify_session_unsaid++;

    if (ngx_time() - ngx_http_notify_session_said
        < NGX_HTTP_NOTIFY_SESSION_QUIET)
    {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "notify session: %ui sessions are not registered, the last "
                  "one of \"%V\", tenant \"%V\", which has as many as "
                  "sessions_max allows",
                  ngx_http_notify_session_unsaid, &box->channel->name,
                  &box->tenant);

    ngx_http_notify_session_said = ngx_time();
    ngx_http_notify_session_unsaid = 0;
}


/* neither the id nor a value: who knows an id may use it */

static void
ngx_http_notify_session_failed(ngx_http_notify_channel_t *channel,
    const ngx_str_t *tenant, ngx_log_t *log, const char *reason)
{
    ngx_http_notify_context_t  context;

    ngx_http_notify_tenants_add(channel->metrics, tenant,
                                NGX_HTTP_NOTIFY_METRICS_UNREGISTERED, 1);

    ngx_memzero(&context, sizeof(ngx_http_notify_context_t));

    context.channel = &channel->name;
    context.tenant = tenant;

    ngx_log_error(NGX_LOG_WARN, ngx_http_notify_context_log(log, &context), 0,
                  "notify session: a session of \"%V\" is not registered: %s",
                  &channel->name, reason);
}


static ngx_int_t
ngx_http_notify_session_acknowledge(ngx_http_request_t *r,
    ngx_uint_t registered)
{
    return ngx_http_notify_reply_header_text(r, "X-Notify-Session",
                                             registered ? "registered"
                                                        : "failed");
}
