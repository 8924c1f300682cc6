/*
 * The arguments of notify_emit.  Run while the configuration is read.
 * Must not know when and how an event is made.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_emit.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


static ngx_http_notify_emit_conf_t *ngx_http_notify_emit_conf_create(
    ngx_conf_t *cf);
static char *ngx_http_notify_emit_conf_arg(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value);
static char *ngx_http_notify_emit_conf_data(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *value);


/* notify_emit CHANNEL EVENT [NAME=VALUE]... [commit] | off */

char *
ngx_http_notify_emit_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_emit_loc_conf_t *elcf = conf;

    ngx_str_t                    *args;
    ngx_http_notify_emit_conf_t  *emit, **entry;

    args = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_notify_text_is(&args[1], "off")) {
        if (elcf->list != NGX_CONF_UNSET_PTR) {
            return "is duplicate";
        }

        elcf->list = NULL;
        return NGX_CONF_OK;
    }

    if (cf->args->nelts < 3) {
        return "needs a channel and an event";
    }

    if (elcf->list == NULL) {
        return "cannot be used beside \"notify_emit off\"";
    }

    emit = ngx_http_notify_emit_conf_create(cf);
    if (emit == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_args(cf, 3, ngx_http_notify_emit_conf_arg, emit)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (emit->request && emit->data == NGX_HTTP_NOTIFY_EMIT_RESPONSE) {
        return "on=request has no data=response";
    }

    if (emit->fail && !emit->commit) {
        return "has on_error=fail without \"commit\"";
    }

    if (emit->source.optional && emit->source.tenant == NULL) {
        return "has \"optional\" without \"tenant=\"";
    }

    entry = ngx_http_notify_memory_push(cf->pool, &elcf->list,
                                        sizeof(ngx_http_notify_emit_conf_t *));
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = emit;

    return NGX_CONF_OK;
}


static ngx_http_notify_emit_conf_t *
ngx_http_notify_emit_conf_create(ngx_conf_t *cf)
{
    ngx_http_notify_emit_conf_t       *emit, **entry;
    ngx_http_notify_emit_main_conf_t  *emcf;

    emit = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_emit_conf_t));

    if (emit == NULL
        || ngx_http_notify_source_create(cf, &emit->source) != NGX_CONF_OK)
    {
        return NULL;
    }

    emit->location = (cf->cmd_type & NGX_HTTP_LOC_CONF) ? 1 : 0;

    emcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_emit_module);

    entry = ngx_array_push(&emcf->list);
    if (entry == NULL) {
        return NULL;
    }

    *entry = emit;

    return emit;
}


static char *
ngx_http_notify_emit_conf_arg(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value)
{
    ngx_http_notify_emit_conf_t *emit = conf;

    if (value->data == NULL) {
        if (!ngx_http_notify_text_is(name, "commit")) {
            return ngx_http_notify_source_arg(cf, &emit->source, name, value);
        }

        emit->commit = 1;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_text_is(name, "if")) {
        return ngx_http_notify_args_value(cf, value, &emit->condition);
    }

    if (ngx_http_notify_text_is(name, "data")) {
        return ngx_http_notify_emit_conf_data(cf, emit, value);
    }

    if (ngx_http_notify_text_is(name, "on")) {
        emit->request = ngx_http_notify_text_is(value, "request");

        return emit->request
               || ngx_http_notify_text_is(value, "response")
               ? NGX_CONF_OK : ", it must be \"request\" or \"response\"";
    }

    if (ngx_http_notify_text_is(name, "on_error")) {
        emit->fail = ngx_http_notify_text_is(value, "fail");

        return emit->fail || ngx_http_notify_text_is(value, "pass")
               ? NGX_CONF_OK : ", it must be \"pass\" or \"fail\"";
    }

    return ngx_http_notify_source_arg(cf, &emit->source, name, value);
}


static char *
ngx_http_notify_emit_conf_data(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *value)
{
    if (emit->data != NGX_HTTP_NOTIFY_EMIT_NOTHING) {
        return ", it is given twice";
    }

    if (ngx_http_notify_text_is(value, "request")) {
        emit->data = NGX_HTTP_NOTIFY_EMIT_REQUEST;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_text_is(value, "response")) {
        emit->data = NGX_HTTP_NOTIFY_EMIT_RESPONSE;
        return NGX_CONF_OK;
    }

    emit->data = NGX_HTTP_NOTIFY_EMIT_VALUE;

    return ngx_http_notify_args_value(cf, value, &emit->value);
}
