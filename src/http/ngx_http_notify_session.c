/*
 * notify_session: which session a request registers, and for how long it is
 * connected by it.  What is known of a request lives in its pool and survives
 * its redirects.  Must not know how answers pass the filters.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_holds.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_push.h"
#include "ngx_http_notify_session.h"
#include "ngx_http_notify_tenant.h"


#define NGX_HTTP_NOTIFY_SESSION_ARGS  7     /* of join, before the values */
#define NGX_HTTP_NOTIFY_SESSION_NONCE 12


/* of a client's request */
typedef struct {
    ngx_http_notify_hold_t        *hold;
    ngx_str_t                      key;         /* of the hold */
    ngx_msec_t                     grace;
    ngx_uint_t                     registered;
} ngx_http_notify_session_ctx_t;

/* a registration on its way; outlives its request */
typedef struct {
    ngx_queue_t                    link;
    ngx_http_notify_emit_ctx_t    *emit;        /* who waits, or NULL */
    ngx_http_notify_channel_t     *channel;
} ngx_http_notify_session_box_t;


static ngx_http_notify_session_ctx_t *ngx_http_notify_session_ctx(
    ngx_http_request_t *r);
static void ngx_http_notify_session_cleanup(void *data);
static ngx_int_t ngx_http_notify_session_key(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, ngx_str_t *tenant, ngx_str_t *id,
    ngx_str_t *key);
static void ngx_http_notify_session_hold(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *key);
static void ngx_http_notify_session_release(
    ngx_http_notify_session_ctx_t *ctx);
static ngx_int_t ngx_http_notify_session_wanted(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session);
static ngx_int_t ngx_http_notify_session_args(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, ngx_array_t *args);
static ngx_int_t ngx_http_notify_session_push(ngx_array_t *args,
    const ngx_str_t *value);
static ngx_int_t ngx_http_notify_session_push_ms(ngx_http_request_t *r,
    ngx_array_t *args, uint64_t ms);
static ngx_int_t ngx_http_notify_session_send(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_array_t *args, ngx_http_notify_emit_ctx_t *emit);
static void ngx_http_notify_session_answered(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_session_failed(ngx_http_notify_channel_t *channel,
    ngx_log_t *log, const char *reason);
static ngx_int_t ngx_http_notify_session_acknowledge(ngx_http_request_t *r,
    ngx_uint_t registered);
static void *ngx_http_notify_session_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_notify_session_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_session_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_int_t ngx_http_notify_session_init_process(ngx_cycle_t *cycle);
static void ngx_http_notify_session_exit_process(ngx_cycle_t *cycle);


static ngx_queue_t  ngx_http_notify_session_boxes;


static ngx_command_t  ngx_http_notify_session_commands[] = {

    { ngx_string("notify_session"),
      NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_notify_session_conf_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_session_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_notify_session_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_session_create_loc_conf, /* create location configuration */
    ngx_http_notify_session_merge_loc_conf /* merge location configuration */
};


ngx_module_t  ngx_http_notify_session_module = {
    NGX_MODULE_V1,
    &ngx_http_notify_session_module_ctx,   /* module context */
    ngx_http_notify_session_commands,      /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_notify_session_init_process,  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_notify_session_exit_process,  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_uint_t
ngx_http_notify_session_used(ngx_conf_t *cf)
{
    ngx_http_notify_session_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_session_module);

    return smcf->used;
}


ngx_http_notify_session_conf_t *
ngx_http_notify_session_here(ngx_http_request_t *r)
{
    ngx_http_notify_session_loc_conf_t  *slcf;

    if (r != r->main || (r->method & (NGX_HTTP_HEAD|NGX_HTTP_OPTIONS))) {
        return NULL;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_session_module);

    return slcf->session;
}


/*
 * The header of a long poll's answer is its end: who is registered is taken
 * for connected before.  Somebody else's id makes nobody so for longer than
 * the backend needs to refuse it.
 */

ngx_int_t
ngx_http_notify_session_handler(ngx_http_request_t *r)
{
    ngx_str_t                        tenant, id, key;
    ngx_http_notify_session_conf_t  *session;

    session = ngx_http_notify_session_here(r);

    if (session && session->presence
        && ngx_http_notify_session_key(r, session, &tenant, &id, &key)
           == NGX_OK)
    {
        ngx_http_notify_session_hold(r, session, &key);
    }

    return NGX_DECLINED;
}


static ngx_http_notify_session_ctx_t *
ngx_http_notify_session_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t             *cln;
    ngx_http_notify_session_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_session_module);

    if (ctx) {
        return ctx;
    }

    /* a redirect forgets the contexts, but not what is in the pool */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_notify_session_cleanup) {
            ctx = cln->data;
            ngx_http_set_ctx(r, ctx, ngx_http_notify_session_module);
            return ctx;
        }
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_notify_session_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_notify_session_ctx_t));

    cln->handler = ngx_http_notify_session_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_notify_session_module);

    return ctx;
}


static void
ngx_http_notify_session_cleanup(void *data)
{
    ngx_http_notify_session_release(data);
}


/* NGX_DECLINED: there is no id, or it is none; NGX_ERROR: memory */

static ngx_int_t
ngx_http_notify_session_key(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, ngx_str_t *tenant, ngx_str_t *id,
    ngx_str_t *key)
{
    size_t     i;
    ngx_int_t  rc;

    if (ngx_http_complex_value(r, session->id, id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (id->len == 0 || id->len > NGX_HTTP_NOTIFY_SESSIONS_ID
        || !ngx_http_notify_api_utf8(id))
    {
        return NGX_DECLINED;
    }

    for (i = 0; i < id->len; i++) {
        if (id->data[i] < 0x20 || id->data[i] == 0x7f) {
            return NGX_DECLINED;
        }
    }

    if (session->tenant) {
        rc = ngx_http_complex_value(r, session->tenant, tenant);

        if (rc == NGX_OK && tenant->len > NGX_HTTP_NOTIFY_TENANT_MAX) {
            return NGX_DECLINED;
        }

    } else {
        rc = ngx_http_notify_tenant(r, tenant);
    }

    if (rc != NGX_OK) {
        return rc == NGX_ERROR ? NGX_ERROR : NGX_DECLINED;
    }

    *key = ngx_http_notify_sessions_key(r->pool, &session->channel->keys,
                                        tenant, id);

    return key->data ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_notify_session_hold(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *key)
{
    ngx_http_notify_session_ctx_t  *ctx;

    ctx = ngx_http_notify_session_ctx(r);
    if (ctx == NULL) {
        return;
    }

    if (ctx->hold) {

        if (ctx->key.len == key->len
            && ngx_memcmp(ctx->key.data, key->data, key->len) == 0)
        {
            ctx->grace = session->grace;
            return;
        }

        ctx->grace = 0;
        ngx_http_notify_session_release(ctx);
    }

    ctx->key = *key;
    ctx->grace = session->grace;
    ctx->hold = ngx_http_notify_holds_open(key, session->lease,
                                           session->channel->metrics);
}


static void
ngx_http_notify_session_release(ngx_http_notify_session_ctx_t *ctx)
{
    if (ctx->hold) {
        ngx_http_notify_holds_close(ctx->hold, ctx->grace);
        ctx->hold = NULL;
    }
}


ngx_http_notify_session_when_e
ngx_http_notify_session_answer(ngx_http_request_t *r)
{
    ngx_str_t                        tenant, id, key;
    ngx_uint_t                       success;
    ngx_http_notify_session_ctx_t   *ctx;
    ngx_http_notify_session_conf_t  *session;

    if (r != r->main) {
        return NGX_HTTP_NOTIFY_SESSION_NONE;
    }

    session = ngx_http_notify_session_here(r);

    success = r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS
              || (r->headers_out.status >= NGX_HTTP_OK
                  && r->headers_out.status < NGX_HTTP_SPECIAL_RESPONSE);

    if (session == NULL || !success) {
        ctx = ngx_http_get_module_ctx(r, ngx_http_notify_session_module);

        if (ctx == NULL && r->internal) {
            ctx = ngx_http_notify_session_ctx(r);
        }

        if (ctx) {
            ctx->grace = 0;
            ngx_http_notify_session_release(ctx);
        }

        return NGX_HTTP_NOTIFY_SESSION_NONE;
    }

    ctx = ngx_http_notify_session_ctx(r);

    if (ctx == NULL || ctx->registered) {
        return NGX_HTTP_NOTIFY_SESSION_NONE;
    }

    /* a stream has no end to wait for */

    if (r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS
        || (session->presence
            && ngx_http_notify_session_key(r, session, &tenant, &id, &key)
               == NGX_OK))
    {
        return NGX_HTTP_NOTIFY_SESSION_NOW;
    }

    return NGX_HTTP_NOTIFY_SESSION_BODY;
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

    rc = ngx_http_notify_session_wanted(r, session);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_session_key(r, session, &tenant, &id, &key);
    }

    if (rc == NGX_DECLINED) {
        ctx->grace = 0;
        ngx_http_notify_session_release(ctx);
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (session->presence) {
        ngx_http_notify_session_hold(r, session, &key);
    }

    rc = ngx_http_notify_session_args(r, session, &args);

    if (rc == NGX_OK) {
        return ngx_http_notify_session_send(r, session, &tenant, &id, &args,
                                            emit);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_notify_session_failed(session->channel, r->connection->log,
                                   "its values are too long, or not UTF-8");

    return emit ? ngx_http_notify_session_acknowledge(r, 0) : NGX_OK;
}


/* NGX_DECLINED: if= says that it is none */

static ngx_int_t
ngx_http_notify_session_wanted(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session)
{
    ngx_str_t  value;

    if (session->condition == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, session->condition, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return value.len == 0 || (value.len == 1 && value.data[0] == '0')
           ? NGX_DECLINED : NGX_OK;
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
        || ngx_http_notify_session_push(args, ctx->hold
                                              ? ngx_http_notify_holds_name()
                                              : &none)
           != NGX_OK
        || ngx_http_notify_session_push_ms(r, args, session->lease) != NGX_OK)
    {
        return NGX_ERROR;
    }

    param = session->params.elts;
    bytes = 0;

    for (i = 0; i < session->params.nelts; i++) {

        if (ngx_http_complex_value(r, &param[i].value, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        bytes += param[i].name.len + value.len;

        if (bytes > NGX_HTTP_NOTIFY_SESSION_BYTES
            || !ngx_http_notify_api_utf8(&value))
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

    text.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (text.data == NULL) {
        return NGX_ERROR;
    }

    text.len = ngx_sprintf(text.data, "%uL", ms) - text.data;

    return ngx_http_notify_session_push(args, &text);
}


static ngx_int_t
ngx_http_notify_session_send(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_array_t *args, ngx_http_notify_emit_ctx_t *emit)
{
    ngx_http_notify_redis_t        *redis;
    ngx_http_notify_session_box_t  *box;

    redis = ngx_http_notify_module_redis();

    if (redis == NULL || !ngx_http_notify_redis_ready(redis)) {
        ngx_http_notify_session_failed(session->channel, r->connection->log,
                                       "there is no connection to Redis");

        return emit ? ngx_http_notify_session_acknowledge(r, 0) : NGX_OK;
    }

    box = ngx_alloc(sizeof(ngx_http_notify_session_box_t),
                    r->connection->log);
    if (box == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_push_register(redis, session->channel, tenant, id,
                                      args->elts, args->nelts,
                                      ngx_http_notify_session_answered, box)
        != NGX_OK)
    {
        ngx_free(box);
        return NGX_ERROR;
    }

    box->emit = emit;
    box->channel = session->channel;

    ngx_queue_insert_tail(&ngx_http_notify_session_boxes, &box->link);

    if (emit == NULL) {
        return NGX_OK;
    }

    emit->session = box;
    emit->waiting++;

    return NGX_AGAIN;
}


static void
ngx_http_notify_session_answered(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_session_box_t *box = data;

    ngx_uint_t                   ok;
    ngx_http_notify_emit_ctx_t  *emit;

    ok = ngx_http_notify_script_verdict(ngx_http_notify_module_redis(), resp,
                                        "session")
         == NGX_OK;

    if (!ok) {
        ngx_http_notify_session_failed(box->channel, ngx_cycle->log,
                                       "Redis has not taken it");

    } else if (ngx_http_notify_script_says(resp, "subscription")) {
        ok = 0;
        ngx_http_notify_session_failed(box->channel, ngx_cycle->log,
                                       "there is no such subscription");
    }

    emit = box->emit;

    ngx_queue_remove(&box->link);
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


void
ngx_http_notify_session_abandon(ngx_http_notify_emit_ctx_t *emit)
{
    ngx_http_notify_session_box_t  *box;

    box = emit->session;

    if (box) {
        box->emit = NULL;
        emit->session = NULL;
    }
}


/* neither the id nor a value: who knows an id may use it */

static void
ngx_http_notify_session_failed(ngx_http_notify_channel_t *channel,
    ngx_log_t *log, const char *reason)
{
    ngx_http_notify_metrics_add(channel->metrics,
                                NGX_HTTP_NOTIFY_METRICS_UNREGISTERED, 1);

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "notify session: a session of \"%V\" is not registered: %s",
                  &channel->name, reason);
}


static ngx_int_t
ngx_http_notify_session_acknowledge(ngx_http_request_t *r,
    ngx_uint_t registered)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "X-Notify-Session");

    if (registered) {
        ngx_str_set(&h->value, "registered");

    } else {
        ngx_str_set(&h->value, "failed");
    }

    return NGX_OK;
}


static void *
ngx_http_notify_session_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_session_main_conf_t));
}


static void *
ngx_http_notify_session_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_notify_session_loc_conf_t  *slcf;

    slcf = ngx_palloc(cf->pool, sizeof(ngx_http_notify_session_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    slcf->session = NGX_CONF_UNSET_PTR;

    return slcf;
}


static char *
ngx_http_notify_session_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_notify_session_loc_conf_t *prev = parent;
    ngx_http_notify_session_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->session, prev->session, NULL);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_notify_session_init_process(ngx_cycle_t *cycle)
{
    u_char                                buf[NGX_HTTP_NOTIFY_SESSION_NONCE
                                              + 1 + NGX_INT_T_LEN];
    ngx_str_t                             name;
    ngx_http_notify_main_conf_t          *mcf;
    ngx_http_notify_session_main_conf_t  *smcf;

    ngx_queue_init(&ngx_http_notify_session_boxes);

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_notify_module);
    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_notify_session_module);

    if (smcf == NULL || !smcf->presence
        || ngx_http_notify_module_redis() == NULL)
    {
        return NGX_OK;
    }

    /* that of a worker that was killed: what it held is over with it */

    name.data = buf;
    name.len = ngx_sprintf(buf, "%*s-%ui",
                           ngx_min(mcf->nonce.len,
                                   NGX_HTTP_NOTIFY_SESSION_NONCE),
                           mcf->nonce.data, ngx_worker)
               - buf;

    return ngx_http_notify_holds_init(cycle, ngx_http_notify_module_redis(),
                                      &name);
}


static void
ngx_http_notify_session_exit_process(ngx_cycle_t *cycle)
{
    ngx_queue_t  *q;

    ngx_http_notify_holds_exit();

    if (ngx_http_notify_session_boxes.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_notify_session_boxes)) {
        q = ngx_queue_head(&ngx_http_notify_session_boxes);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_http_notify_session_box_t, link));
    }
}
