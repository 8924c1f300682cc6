/*
 * notify_session: which session a request registers, and for how long it is
 * connected by it.  What is known of a request lives in its pool and survives
 * its redirects.  Must not know how answers pass the filters.
 */

#include "ngx_http_notify_connections.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_session_conns.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_session.h"
#include "ngx_http_notify_sessions.h"
#include "ngx_http_notify_tenant.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_request_ctx.h"


#define NGX_HTTP_NOTIFY_SESSION_NONCE  12


static void ngx_http_notify_session_cleanup(void *data);
static void *ngx_http_notify_session_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_notify_session_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_session_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_int_t ngx_http_notify_session_init_process(ngx_cycle_t *cycle);
static void ngx_http_notify_session_exit_process(ngx_cycle_t *cycle);


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


ngx_module_t  ngx_http_notify_session_module =
    ngx_http_notify_http_module_process(&ngx_http_notify_session_module_ctx,
                                        ngx_http_notify_session_commands,
                                        ngx_http_notify_session_init_process,
                                        ngx_http_notify_session_exit_process);


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
    ngx_uint_t                      *index;
    ngx_http_notify_session_conf_t  *session;

    session = ngx_http_notify_session_here(r);

    if (session == NULL || !session->presence) {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_session_key(r, session, &tenant, &id, &key)
        == NGX_OK)
    {
        ngx_http_notify_session_hold(r, session, &tenant, &key);
        return NGX_DECLINED;
    }

    /* the answer may say it; nginx would remember that there was none */

    for (index = session->id->flushes;
         index && *index != (ngx_uint_t) -1;
         index++)
    {
        r->variables[*index].not_found = 0;
    }

    return NGX_DECLINED;
}


ngx_http_notify_session_ctx_t *
ngx_http_notify_session_ctx(ngx_http_request_t *r)
{
    ngx_http_notify_session_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_session_module);

    if (ctx) {
        return ctx;
    }

    ctx = ngx_http_notify_request_ctx_next(r, ngx_http_notify_session_cleanup,
                                           NULL);
    if (ctx) {
        ngx_http_set_ctx(r, ctx, ngx_http_notify_session_module);
        return ctx;
    }

    return ngx_http_notify_request_ctx_create(r,
               &ngx_http_notify_session_module,
               sizeof(ngx_http_notify_session_ctx_t),
               ngx_http_notify_session_cleanup);
}


static void
ngx_http_notify_session_cleanup(void *data)
{
    ngx_http_notify_session_release(data);
}


ngx_int_t
ngx_http_notify_session_key(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, ngx_str_t *tenant, ngx_str_t *id,
    ngx_str_t *key)
{
    ngx_int_t                   rc;
    ngx_http_notify_channel_t  *channel;

    if (ngx_http_complex_value(r, session->id, id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (id->len == 0 || id->len > NGX_HTTP_NOTIFY_SESSIONS_ID
        || !ngx_http_notify_text_utf8(id)
        || ngx_http_notify_text_control(id))
    {
        return NGX_DECLINED;
    }

    rc = session->tenant
         ? ngx_http_notify_tenant_value(r, session->tenant, session->optional,
                                        tenant)
         : ngx_http_notify_tenant(r, tenant);

    if (rc != NGX_OK) {
        return rc == NGX_ERROR ? NGX_ERROR : NGX_ABORT;
    }

    channel = ngx_http_notify_channel_of(session->channel, tenant);

    *key = ngx_http_notify_sessions_key(r->pool, &channel->keys, tenant, id);

    return key->data ? NGX_OK : NGX_ERROR;
}


void
ngx_http_notify_session_hold(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *tenant,
    const ngx_str_t *key)
{
    ngx_http_notify_channel_t      *channel;
    ngx_http_notify_session_ctx_t  *ctx;

    ctx = ngx_http_notify_session_ctx(r);
    if (ctx == NULL) {
        return;
    }

    if (ctx->hold) {

        if (ngx_http_notify_text_equal(&ctx->key, key)) {
            ctx->grace = session->grace;
            return;
        }

        ctx->grace = 0;
        ngx_http_notify_session_release(ctx);
    }

    ctx->key = *key;
    ctx->grace = session->grace;

    channel = ngx_http_notify_channel_of(session->channel, tenant);

    ctx->hold = ngx_http_notify_session_conns_open(channel->redis, key,
                                                   session->lease,
                                                   channel->metrics);
}


void
ngx_http_notify_session_release(ngx_http_notify_session_ctx_t *ctx)
{
    if (ctx->hold) {
        ngx_http_notify_session_conns_close(ctx->hold, ctx->grace);
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

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_notify_module);
    smcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_notify_session_module);

    if (smcf == NULL || !smcf->presence
        || ngx_http_notify_connections_redis() == NULL)
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

    return ngx_http_notify_session_conns_init(cycle, &name);
}


static void
ngx_http_notify_session_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_notify_session_conns_exit();
}
