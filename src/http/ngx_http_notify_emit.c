/*
 * notify_emit: which events a request emits, once each, and the waiting for
 * Redis where `commit` says so.  Lives in the request's pool and survives
 * its redirects.  Must not know how answers pass the filters.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_emit.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_sync_result.h"
#include "ngx_http_notify_session.h"
#include "ngx_http_notify_var.h"
#include "ngx_http_notify_serve.h"


#define NGX_HTTP_NOTIFY_EMIT_BUFFER  (4 * 1024 * 1024)


static ngx_int_t ngx_http_notify_emit_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_notify_emit_reads(ngx_http_request_t *r,
    ngx_http_notify_emit_loc_conf_t *elcf);
static void ngx_http_notify_emit_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_emit_request(ngx_http_request_t *r,
    ngx_http_notify_emit_loc_conf_t *elcf);
static void ngx_http_notify_emit_resume(ngx_http_notify_emit_ctx_t *ctx);
static ngx_int_t ngx_http_notify_emit_log(ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_emit_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_notify_emit_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_notify_emit_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_notify_emit_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_emit_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void ngx_http_notify_emit_summarize(
    ngx_http_notify_emit_loc_conf_t *elcf);
static ngx_int_t ngx_http_notify_emit_init_process(ngx_cycle_t *cycle);
static void ngx_http_notify_emit_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_notify_emit_commands[] = {

    { ngx_string("notify_emit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_notify_emit_conf_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("notify_buffer"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_notify_emit_main_conf_t, buffer),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_emit_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_notify_emit_postconfiguration, /* postconfiguration */

    ngx_http_notify_emit_create_main_conf, /* create main configuration */
    ngx_http_notify_emit_init_main_conf,   /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_emit_create_loc_conf,  /* create location configuration */
    ngx_http_notify_emit_merge_loc_conf    /* merge location configuration */
};


ngx_module_t  ngx_http_notify_emit_module =
    ngx_http_notify_http_module_process(&ngx_http_notify_emit_module_ctx,
                                        ngx_http_notify_emit_commands,
                                        ngx_http_notify_emit_init_process,
                                        ngx_http_notify_emit_exit_process);


/*
 * In front of what serves the location: reads the body where an event is made
 * of it, and emits what is on=request.
 */

static ngx_int_t
ngx_http_notify_emit_handler(ngx_http_request_t *r)
{
    ngx_int_t                         rc;
    ngx_http_notify_emit_ctx_t       *ctx;
    ngx_http_notify_emit_loc_conf_t  *elcf;

    elcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_emit_module);

    if ((elcf->list == NULL && ngx_http_notify_session_here(r) == NULL)
        || (r->method & (NGX_HTTP_HEAD|NGX_HTTP_OPTIONS))
        || ngx_http_notify_serve_is(r))
    {
        return NGX_DECLINED;
    }

    if (r != r->main) {
        return ngx_http_notify_emit_request(r, elcf);
    }

    if (!elcf->request && !ngx_http_notify_emit_reads(r, elcf)) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_notify_emit_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->reading || ctx->waiting) {
        return NGX_DONE;
    }

    if (ctx->asked) {
        ctx->asked = 0;

        return ctx->failed ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_DECLINED;
    }

    if (ctx->read || !ngx_http_notify_emit_reads(r, elcf)) {
        return ngx_http_notify_emit_request(r, elcf);
    }

    ctx->reading = 1;

    rc = ngx_http_notify_body_read(r, ngx_http_notify_emit_read);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* whether there is a body that an event here may be made of */

static ngx_uint_t
ngx_http_notify_emit_reads(ngx_http_request_t *r,
    ngx_http_notify_emit_loc_conf_t *elcf)
{
    ngx_http_notify_emit_main_conf_t  *emcf;

    if (!r->headers_in.chunked
        && (r->headers_in.content_length_n <= 0
            || r->headers_in.content_length_n
               > (off_t) ngx_http_notify_body_size(r)))
    {
        return 0;
    }

    emcf = ngx_http_get_module_main_conf(r, ngx_http_notify_emit_module);

    return elcf->reads_request || emcf->variables
           || (ngx_http_notify_var_reads(r) & NGX_HTTP_NOTIFY_VAR_REQUEST);
}


static void
ngx_http_notify_emit_read(ngx_http_request_t *r)
{
    ngx_http_notify_emit_ctx_t  *ctx;

    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;

    ctx = ngx_http_notify_emit_ctx(r);
    if (ctx == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->reading = 0;
    ctx->read = 1;

    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_notify_emit_request(ngx_http_request_t *r,
    ngx_http_notify_emit_loc_conf_t *elcf)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_array_t                   *list;
    ngx_http_notify_emit_ctx_t    *ctx;
    ngx_http_notify_emit_conf_t  **emit;

    list = elcf->list;

    if (list == NULL || !elcf->request) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_notify_emit_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r == r->main) {
        ctx->failed = 0;
        ctx->resume = ngx_http_notify_emit_resume;
    }

    emit = list->elts;

    for (i = 0; i < list->nelts; i++) {

        if (!emit[i]->request || !ngx_http_notify_emit_open(r, ctx, emit[i])) {
            continue;
        }

        rc = ngx_http_notify_emit(r, ctx, emit[i], r == r->main);

        if (rc == NGX_OK || rc == NGX_AGAIN) {
            continue;
        }

        ngx_http_notify_emit_abandon(ctx);

        switch (rc) {

        case NGX_DECLINED:
            return NGX_HTTP_SERVICE_UNAVAILABLE;

        case NGX_ABORT:
            return NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP;

        default: /* NGX_ERROR */
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (r == r->main && ctx->waiting) {
        ctx->asked = 1;

        return ngx_http_notify_body_wait(r) == NGX_OK
               ? NGX_DONE : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


static void
ngx_http_notify_emit_resume(ngx_http_notify_emit_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    ngx_http_set_log_request(r->connection->log, r);

    ngx_http_notify_body_go_on(r);
}


static ngx_int_t
ngx_http_notify_emit_log(ngx_http_request_t *r)
{
    ngx_http_notify_emit_filter_end(r);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_emit_postconfiguration(ngx_conf_t *cf)
{
    ngx_uint_t                         i;
    ngx_http_handler_pt               *h;
    ngx_http_variable_t               *v;
    ngx_http_core_main_conf_t         *cmcf;
    ngx_http_notify_emit_main_conf_t  *emcf;

    static ngx_str_t  prefix = ngx_string("notify_body_");

    emcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_emit_module);

    if (emcf->list.nelts == 0 && !ngx_http_notify_session_used(cf)) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    /* the last one is called first, and reads the body */

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_notify_session_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_notify_emit_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_notify_emit_log;

    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {
        if (v[i].name.len > prefix.len
            && ngx_strncmp(v[i].name.data, prefix.data, prefix.len) == 0)
        {
            emcf->variables = 1;
        }
    }

    return NGX_OK;
}


static void *
ngx_http_notify_emit_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_notify_emit_main_conf_t  *emcf;

    emcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_emit_main_conf_t));
    if (emcf == NULL) {
        return NULL;
    }

    emcf->buffer = NGX_CONF_UNSET_SIZE;

    if (ngx_array_init(&emcf->list, cf->pool, 4,
                       sizeof(ngx_http_notify_emit_conf_t *))
        != NGX_OK)
    {
        return NULL;
    }

    return emcf;
}


/* the main module's has resolved the channels before */

static char *
ngx_http_notify_emit_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_notify_emit_main_conf_t *emcf = conf;

    ngx_uint_t                     i;
    ngx_http_notify_emit_conf_t  **emit;

    ngx_conf_init_size_value(emcf->buffer, NGX_HTTP_NOTIFY_EMIT_BUFFER);

    emit = emcf->list.elts;

    for (i = 0; i < emcf->list.nelts; i++) {

        if (ngx_http_notify_source_init(cf, &emit[i]->source, NULL)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_notify_emit_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_notify_emit_loc_conf_t  *elcf;

    elcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_emit_loc_conf_t));
    if (elcf == NULL) {
        return NULL;
    }

    elcf->list = NGX_CONF_UNSET_PTR;

    return elcf;
}


static char *
ngx_http_notify_emit_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_notify_emit_loc_conf_t *prev = parent;
    ngx_http_notify_emit_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->list, prev->list, NULL);

    ngx_http_notify_emit_summarize(conf);

    return NGX_CONF_OK;
}


static void
ngx_http_notify_emit_summarize(ngx_http_notify_emit_loc_conf_t *elcf)
{
    ngx_uint_t                     i;
    ngx_http_notify_emit_conf_t  **emit;

    if (elcf->list == NULL) {
        return;
    }

    emit = elcf->list->elts;

    for (i = 0; i < elcf->list->nelts; i++) {

        if (emit[i]->data == NGX_HTTP_NOTIFY_EMIT_REQUEST) {
            elcf->reads_request = 1;
        }

        if (emit[i]->request) {
            elcf->request = 1;
            continue;
        }

        elcf->response = 1;

        if (emit[i]->commit) {
            elcf->commits = 1;
        }

        if (emit[i]->data == NGX_HTTP_NOTIFY_EMIT_RESPONSE) {
            elcf->reads_response = 1;
        }
    }
}


static ngx_int_t
ngx_http_notify_emit_init_process(ngx_cycle_t *cycle)
{
    ngx_http_notify_emit_main_conf_t  *emcf;

    ngx_http_notify_session_register_init();

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    emcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_notify_emit_module);

    if (emcf == NULL || emcf->list.nelts == 0) {
        return NGX_OK;
    }

    return ngx_http_notify_outbox_init(emcf->buffer);
}


static void
ngx_http_notify_emit_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_notify_session_register_exit();
    ngx_http_notify_outbox_exit();
}
