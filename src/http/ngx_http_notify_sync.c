/*
 * notify_sync: in front of what serves a location, the one subscriber of an
 * event is asked; it answers in place of the backend, or lets the request
 * through.  State lives in the request's pool, and survives its redirects.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_context.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_sync.h"
#include "ngx_http_notify_tenant.h"


static ngx_int_t ngx_http_notify_sync_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_sync_begin(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync);
static ngx_int_t ngx_http_notify_sync_tenant(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync, ngx_str_t *tenant);
static ngx_int_t ngx_http_notify_sync_part(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx);
static void ngx_http_notify_sync_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_sync_ask(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx);
static ngx_int_t ngx_http_notify_sync_fail(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx, const char *code, const char *text);
static void ngx_http_notify_sync_answered(ngx_http_notify_ask_t *ask);
static void ngx_http_notify_sync_decide(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx);
static ngx_int_t ngx_http_notify_sync_reply(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx);
static ngx_int_t ngx_http_notify_sync_send(ngx_http_request_t *r,
    ngx_uint_t status, const ngx_str_t *text);
static ngx_int_t ngx_http_notify_sync_init(ngx_conf_t *cf);
static void *ngx_http_notify_sync_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_notify_sync_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_notify_sync_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_sync_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_notify_sync_init_process(ngx_cycle_t *cycle);
static void ngx_http_notify_sync_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_notify_sync_commands[] = {

    { ngx_string("notify_sync"),
      NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_notify_sync_conf_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_sync_module_ctx = {
    ngx_http_notify_sync_variable_add,     /* preconfiguration */
    ngx_http_notify_sync_init,             /* postconfiguration */

    ngx_http_notify_sync_create_main_conf, /* create main configuration */
    ngx_http_notify_sync_init_main_conf,   /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_sync_create_loc_conf,  /* create location configuration */
    ngx_http_notify_sync_merge_loc_conf    /* merge location configuration */
};


ngx_module_t  ngx_http_notify_sync_module =
    ngx_http_notify_http_module_process(&ngx_http_notify_sync_module_ctx,
                                        ngx_http_notify_sync_commands,
                                        ngx_http_notify_sync_init_process,
                                        ngx_http_notify_sync_exit_process);


/*
 * Entered again when the subscriber has answered, and behind each internal
 * redirect: what was asked once is not asked again.
 */

static ngx_int_t
ngx_http_notify_sync_handler(ngx_http_request_t *r)
{
    ngx_http_notify_sync_ctx_t       *ctx;
    ngx_http_notify_sync_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_sync_module);

    if (slcf->sync == NULL) {
        return NGX_DECLINED;
    }

    /* what the client's request has passed holds for its parts */

    if (r != r->main) {
        ctx = ngx_http_notify_sync_ctx_find(r->main, slcf->sync);

        if (ctx && ctx->state == NGX_HTTP_NOTIFY_SYNC_PASS) {
            return NGX_DECLINED;
        }
    }

    ctx = ngx_http_notify_sync_ctx(r, slcf->sync);

    if (ctx == NULL) {
        return ngx_http_notify_sync_begin(r, slcf->sync);
    }

    switch (ctx->state) {

    case NGX_HTTP_NOTIFY_SYNC_WAIT:
        return NGX_DONE;

    case NGX_HTTP_NOTIFY_SYNC_REPLY:
        return ngx_http_notify_sync_reply(r, ctx);

    default: /* NGX_HTTP_NOTIFY_SYNC_PASS, NGX_HTTP_NOTIFY_SYNC_SENT */
        return NGX_DECLINED;
    }
}


static ngx_int_t
ngx_http_notify_sync_begin(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync)
{
    ngx_int_t                    rc;
    ngx_str_t                    tenant;
    ngx_http_notify_sync_ctx_t       *ctx;
    ngx_http_notify_sync_registry_t  *claims;

    rc = ngx_http_notify_sync_tenant(r, sync, &tenant);
    if (rc != NGX_OK) {
        return rc;
    }

    claims = ngx_http_notify_sync_registry_open(
                 ngx_http_notify_channel_of(sync->source.channel, &tenant));
    if (claims == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_notify_sync_registry_any(claims, &tenant,
                                           &sync->source.event);

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_notify_sync_ctx_create(r, sync);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->tenant = tenant;

    if (rc != NGX_OK) {

        if (ngx_http_notify_sync_fail(r, ctx, "NOTIFICATION_UNAVAILABLE",
                                      "the subscribers are not known now")
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_http_notify_sync_decide(r, ctx);

        return ngx_http_notify_sync_handler(r);
    }

    if (r != r->main) {
        return ngx_http_notify_sync_part(r, ctx);
    }

    rc = ngx_http_notify_body_read(r, ngx_http_notify_sync_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* NGX_OK, or what the phase returns */

static ngx_int_t
ngx_http_notify_sync_tenant(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync, ngx_str_t *tenant)
{
    switch (ngx_http_notify_source_tenant(r, &sync->source, tenant)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_http_notify_tenant_challenge(r) == NGX_OK
               ? NGX_HTTP_UNAUTHORIZED : NGX_HTTP_INTERNAL_SERVER_ERROR;

    case NGX_ABORT:
        return NGX_HTTP_BAD_REQUEST;

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* a subrequest has the body that the client's request has */

static ngx_int_t
ngx_http_notify_sync_part(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx)
{
    switch (ngx_http_notify_sync_ask(r, ctx)) {

    case NGX_AGAIN:
        return ngx_http_notify_body_wait(r) == NGX_OK
               ? NGX_DONE : NGX_HTTP_INTERNAL_SERVER_ERROR;

    case NGX_OK:
        ngx_http_notify_sync_decide(r, ctx);
        return ngx_http_notify_sync_handler(r);

    case NGX_DECLINED:
        ctx->state = NGX_HTTP_NOTIFY_SYNC_PASS;
        return NGX_DECLINED;

    default: /* NGX_ERROR */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


/* the body is read, and stays for the backend */

static void
ngx_http_notify_sync_body(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_notify_sync_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_sync_module);

    r->preserve_body = 1;

    rc = ngx_http_notify_sync_ask(r, ctx);

    if (rc == NGX_AGAIN) {
        if (ngx_http_notify_body_wait(r) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        return;
    }

    if (rc == NGX_OK) {
        ngx_http_notify_sync_decide(r, ctx);

    } else if (rc == NGX_DECLINED) {
        ctx->state = NGX_HTTP_NOTIFY_SYNC_PASS;

    } else {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


/* NGX_AGAIN; NGX_OK: the response is there; NGX_DECLINED: nobody is asked */

static ngx_int_t
ngx_http_notify_sync_ask(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx)
{
    ngx_int_t                     rc;
    ngx_http_notify_ask_t        *ask;
    ngx_http_notify_claim_t      *claim;
    ngx_http_notify_sync_registry_t  *claims;
    ngx_http_notify_invalid_t     invalid;
    ngx_http_notify_sync_conf_t  *sync;

    sync = ctx->sync;

    rc = ngx_http_notify_sync_event(r, sync, &ctx->tenant, &ctx->event,
                                    &invalid);

    if (rc == NGX_ABORT) {
        return ngx_http_notify_sync_fail(r, ctx, "NOTIFICATION_INVALID_EVENT",
                                         "the body is not read before this "
                                         "subrequest");
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_notify_sync_fail(r, ctx,
                                         invalid.code.len
                                             ? (char *) invalid.code.data
                                             : "NOTIFICATION_INVALID_EVENT",
                                         "the request does not make an event "
                                         "of the channel");
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    claims = ngx_http_notify_sync_registry_open(
                 ngx_http_notify_channel_of(sync->source.channel,
                                            &ctx->tenant));
    if (claims == NULL) {
        return NGX_ERROR;
    }

    claim = ngx_http_notify_sync_registry_find(claims, &ctx->event);
    if (claim == NULL) {
        return NGX_DECLINED;
    }

    ask = &ctx->ask;

    ask->request = r;
    ask->channel = sync->source.channel;
    ask->event = &ctx->event;
    ask->timeout = sync->timeout;
    ask->limit = sync->limit;
    ask->gate = sync->gate;
    ask->handler = ngx_http_notify_sync_answered;
    ask->data = ctx;

    return ngx_http_notify_ask(ask, claim);
}


static ngx_int_t
ngx_http_notify_sync_fail(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx, const char *code, const char *text)
{
    return ngx_http_notify_sync_result_fail(r->pool, &ctx->ask.response,
                                            NGX_HTTP_BAD_GATEWAY, code, "%s",
                                            text);
}


static void
ngx_http_notify_sync_answered(ngx_http_notify_ask_t *ask)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ask->request;
    c = r->connection;

    if (ask->failed) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        ngx_http_run_posted_requests(c);
        return;
    }

    ngx_http_notify_sync_decide(r, ask->data);

    ngx_http_notify_body_go_on(r);
}


/* on_error speaks of our failures only, and never of loops */

static void
ngx_http_notify_sync_decide(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx)
{
    ngx_http_notify_context_t     context;
    ngx_http_notify_sync_result_t  *response;
    ngx_http_notify_sync_conf_t  *sync;

    sync = ctx->sync;
    response = &ctx->ask.response;

    ctx->asked = 1;
    ctx->state = NGX_HTTP_NOTIFY_SYNC_REPLY;
    ctx->status = NGX_HTTP_OK;

    if (response->status) {

        ngx_memzero(&context, sizeof(ngx_http_notify_context_t));

        context.subscription = &ctx->ask.subscription;
        context.channel = &sync->source.channel->name;
        context.tenant = &ctx->tenant;
        context.url = &ctx->ask.host;

        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_context_log(r->connection->log,
                                                  &context),
                      0, "notify sync: \"%V\" failed: %V %V",
                      &sync->source.event, &response->code,
                      &response->message);

        ctx->status = response->status;

        if (sync->pass
            && response->status != NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP)
        {
            ctx->state = NGX_HTTP_NOTIFY_SYNC_PASS;
        }

        return;
    }

    if (!sync->gate) {
        return;
    }

    if (response->success) {
        ctx->state = NGX_HTTP_NOTIFY_SYNC_PASS;

    } else {
        ctx->status = sync->refused;
    }
}


static ngx_int_t
ngx_http_notify_sync_reply(ngx_http_request_t *r,
    ngx_http_notify_sync_ctx_t *ctx)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    ctx->state = NGX_HTTP_NOTIFY_SYNC_SENT;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_notify_sync_result_text(r->pool, &ctx->ask.response, &text)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, ngx_http_notify_sync_send(r, ctx->status,
                                                           &text));
    return NGX_DONE;
}


static ngx_int_t
ngx_http_notify_sync_send(ngx_http_request_t *r, ngx_uint_t status,
    const ngx_str_t *text)
{
    if (ngx_http_notify_reply_header_text(r, "Cache-Control", "no-store")
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* nginx has no text for these */

    if (status == 422) {
        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");

    } else if (status == NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP) {
        ngx_str_set(&r->headers_out.status_line, "508 Loop Detected");
    }

    r->disable_not_modified = 1;

    return ngx_http_notify_reply(r, status, "application/json", text);
}


static ngx_int_t
ngx_http_notify_sync_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt               *h;
    ngx_http_core_main_conf_t         *cmcf;
    ngx_http_notify_sync_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_sync_module);

    if (smcf->list.nelts == 0) {
        return NGX_OK;
    }

    /* behind the access phase, where nginx knows who the client is */

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_notify_sync_handler;

    return NGX_OK;
}


static void *
ngx_http_notify_sync_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_notify_sync_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_sync_main_conf_t));

    if (smcf == NULL
        || ngx_array_init(&smcf->list, cf->pool, 4,
                          sizeof(ngx_http_notify_sync_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


/* the channels are there: ngx_http_notify_module comes before */

static char *
ngx_http_notify_sync_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_notify_sync_main_conf_t *smcf = conf;

    ngx_uint_t                     i;
    ngx_http_notify_sync_conf_t  **sync;

    sync = smcf->list.elts;

    for (i = 0; i < smcf->list.nelts; i++) {
        if (ngx_http_notify_sync_conf_init(cf, sync[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_notify_sync_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_notify_sync_loc_conf_t  *slcf;

    slcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_sync_loc_conf_t));
    if (slcf == NULL) {
        return NULL;
    }

    slcf->sync = NGX_CONF_UNSET_PTR;

    return slcf;
}


static char *
ngx_http_notify_sync_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_notify_sync_loc_conf_t *prev = parent;
    ngx_http_notify_sync_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->sync, prev->sync, NULL);

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_notify_sync_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                          i;
    ngx_http_notify_channel_t          *part;
    ngx_http_notify_sync_registry_t    *claims;
    ngx_http_notify_sync_conf_t       **sync;
    ngx_http_notify_sync_main_conf_t   *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_notify_sync_module);

    if (smcf == NULL) {
        return NGX_OK;
    }

    sync = smcf->list.elts;

    for (i = 0; i < smcf->list.nelts; i++) {

        if (sync[i]->source.channel->redis == NULL) {
            continue;           /* not a worker */
        }

        for (part = sync[i]->source.channel;
             part;
             part = ngx_http_notify_channel_next(part))
        {
            claims = ngx_http_notify_sync_registry_open(part);

            if (claims == NULL
                || ngx_http_notify_sync_registry_follow(claims) != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* those of sync/{event} too */

static void
ngx_http_notify_sync_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_notify_sync_registry_exit_process();
}
