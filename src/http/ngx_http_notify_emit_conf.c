/*
 * The arguments of notify_emit.  Run while the configuration is read.
 * Must not know when and how an event is made.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_emit.h"
#include "ngx_http_notify_module.h"


static ngx_http_notify_emit_conf_t *ngx_http_notify_emit_conf_create(
    ngx_conf_t *cf);
static char *ngx_http_notify_emit_conf_arg(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *arg);
static char *ngx_http_notify_emit_conf_choice(
    ngx_http_notify_emit_conf_t *emit, const ngx_str_t *name,
    const ngx_str_t *value);
static char *ngx_http_notify_emit_conf_data(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *value);
static char *ngx_http_notify_emit_conf_param(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, const ngx_str_t *name,
    ngx_str_t *value);
static char *ngx_http_notify_emit_conf_pointer(ngx_conf_t *cf,
    ngx_str_t *text, ngx_http_complex_value_t **pointer);
static char *ngx_http_notify_emit_conf_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t *value);
static ngx_uint_t ngx_http_notify_emit_conf_is(const ngx_str_t *text,
    const char *word);


static const struct {
    const char   *name;
    ngx_str_t     member;
} ngx_http_notify_emit_conf_members[] = {
    { "entity_type_id",  ngx_string("entityTypeID") },
    { "entity_id",       ngx_string("entityID") },
    { "session_id",      ngx_string("sessionId") },
    { "customer_id",     ngx_string("customerId") },
    { "conversation_id", ngx_string("conversationId") },
    { "id",              ngx_string("uid") },
    { NULL,              ngx_null_string }
};


/* notify_emit CHANNEL EVENT [NAME=VALUE]... [commit] | off */

char *
ngx_http_notify_emit_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_emit_loc_conf_t *elcf = conf;

    char                         *rv;
    ngx_str_t                    *args;
    ngx_uint_t                    i;
    ngx_http_notify_emit_conf_t  *emit, **entry;

    args = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_notify_emit_conf_is(&args[1], "off"))
    {
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

    emit->event = args[2];

    for (i = 3; i < cf->args->nelts; i++) {
        rv = ngx_http_notify_emit_conf_arg(cf, emit, &args[i]);

        if (rv == NGX_CONF_ERROR) {
            return NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"%s", &args[i], rv);
            return NGX_CONF_ERROR;
        }
    }

    if (emit->request && emit->data == NGX_HTTP_NOTIFY_EMIT_RESPONSE) {
        return "on=request has no data=response";
    }

    if (elcf->list == NGX_CONF_UNSET_PTR) {
        elcf->list = ngx_array_create(cf->pool, 2, sizeof(emit));
        if (elcf->list == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    entry = ngx_array_push(elcf->list);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = emit;

    return ngx_http_notify_module_channel(cf, &args[1], &emit->channel);
}


static ngx_http_notify_emit_conf_t *
ngx_http_notify_emit_conf_create(ngx_conf_t *cf)
{
    ngx_http_notify_emit_conf_t       *emit, **entry;
    ngx_http_notify_emit_main_conf_t  *emcf;

    emit = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_emit_conf_t));

    if (emit == NULL
        || ngx_array_init(&emit->params, cf->pool, 4,
                          sizeof(ngx_http_notify_emit_param_t))
           != NGX_OK)
    {
        return NULL;
    }

    emit->location = (cf->cmd_type & NGX_HTTP_LOC_CONF) ? 1 : 0;
    emit->file = cf->conf_file->file.name.data;
    emit->line = cf->conf_file->line;

    emcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_emit_module);

    entry = ngx_array_push(&emcf->list);
    if (entry == NULL) {
        return NULL;
    }

    *entry = emit;

    return emit;
}


/* what is not right is a phrase that follows the argument */

static char *
ngx_http_notify_emit_conf_arg(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *arg)
{
    char       *rv;
    u_char     *p;
    ngx_str_t   name, value;

    if (ngx_http_notify_emit_conf_is(arg, "commit")) {
        emit->commit = 1;
        return NGX_CONF_OK;
    }

    p = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    if (p == NULL || p == arg->data) {
        return "";
    }

    name.data = arg->data;
    name.len = p - name.data;
    value.data = p + 1;
    value.len = arg->data + arg->len - value.data;

    if (ngx_http_notify_emit_conf_is(&name, "if")) {
        return ngx_http_notify_emit_conf_pointer(cf, &value,
                                                 &emit->condition);
    }

    if (ngx_http_notify_emit_conf_is(&name, "tenant")) {
        return ngx_http_notify_emit_conf_pointer(cf, &value, &emit->tenant);
    }

    if (ngx_http_notify_emit_conf_is(&name, "data")) {
        return ngx_http_notify_emit_conf_data(cf, emit, &value);
    }

    rv = ngx_http_notify_emit_conf_choice(emit, &name, &value);

    if (rv) {
        return rv;
    }

    return ngx_http_notify_emit_conf_param(cf, emit, &name, &value);
}


/* NULL: it is none of these; NGX_CONF_OK is NULL, too */

static char *
ngx_http_notify_emit_conf_choice(ngx_http_notify_emit_conf_t *emit,
    const ngx_str_t *name, const ngx_str_t *value)
{
    if (ngx_http_notify_emit_conf_is(name, "on")) {
        emit->request = ngx_http_notify_emit_conf_is(value, "request");

        if (!emit->request && !ngx_http_notify_emit_conf_is(value, "response"))
        {
            return ", it must be \"request\" or \"response\"";
        }

    } else if (ngx_http_notify_emit_conf_is(name, "on_error")) {
        emit->fail = ngx_http_notify_emit_conf_is(value, "fail");

        if (!emit->fail && !ngx_http_notify_emit_conf_is(value, "pass")) {
            return ", it must be \"pass\" or \"fail\"";
        }
    }

    return NULL;
}


static char *
ngx_http_notify_emit_conf_data(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, ngx_str_t *value)
{
    if (emit->data != NGX_HTTP_NOTIFY_EMIT_NOTHING) {
        return ", it is given twice";
    }

    if (ngx_http_notify_emit_conf_is(value, "request")) {
        emit->data = NGX_HTTP_NOTIFY_EMIT_REQUEST;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_emit_conf_is(value, "response")) {
        emit->data = NGX_HTTP_NOTIFY_EMIT_RESPONSE;
        return NGX_CONF_OK;
    }

    emit->data = NGX_HTTP_NOTIFY_EMIT_VALUE;

    return ngx_http_notify_emit_conf_pointer(cf, value, &emit->value);
}


/* what it names is known when the channel is */

static char *
ngx_http_notify_emit_conf_param(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t                     i;
    ngx_http_notify_emit_param_t  *param;

    if (ngx_http_notify_emit_conf_is(name, "on")
        || ngx_http_notify_emit_conf_is(name, "on_error"))
    {
        return NGX_CONF_OK;
    }

    param = emit->params.elts;

    for (i = 0; i < emit->params.nelts; i++) {
        if (param[i].name.len == name->len
            && ngx_strncmp(param[i].name.data, name->data, name->len) == 0)
        {
            return ", it is given twice";
        }
    }

    param = ngx_array_push(&emit->params);
    if (param == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(param, sizeof(ngx_http_notify_emit_param_t));

    param->name = *name;

    for (i = 0; ngx_http_notify_emit_conf_members[i].name; i++) {
        if (ngx_http_notify_emit_conf_is(name,
                                  ngx_http_notify_emit_conf_members[i].name))
        {
            param->member = ngx_http_notify_emit_conf_members[i].member;
        }
    }

    return ngx_http_notify_emit_conf_value(cf, value, &param->value);
}


char *
ngx_http_notify_emit_conf_init(ngx_conf_t *cf,
    ngx_http_notify_emit_conf_t *emit)
{
    ngx_str_t                                   name;
    ngx_uint_t                                  i;
    ngx_http_notify_emit_param_t               *param;
    const ngx_http_notify_channel_attribute_t  *attribute;

    if (ngx_http_notify_channel_event(emit->channel, &emit->event, &name, NULL)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "unknown event \"%V\" of notify_channel \"%V\" in "
                      "%s:%ui", &emit->event, &emit->channel->name,
                      emit->file, emit->line);
        return NGX_CONF_ERROR;
    }

    emit->event = name;
    param = emit->params.elts;

    for (i = 0; i < emit->params.nelts; i++) {

        if (param[i].member.len) {
            continue;
        }

        attribute = ngx_http_notify_channel_attribute(emit->channel,
                                                      &param[i].name);
        if (attribute == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "invalid parameter \"%V=\" of notify_emit, it is no "
                          "attribute of notify_channel \"%V\" in %s:%ui",
                          &param[i].name, &emit->channel->name, emit->file,
                          emit->line);
            return NGX_CONF_ERROR;
        }

        param[i].member = attribute->name;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_emit_conf_pointer(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t **pointer)
{
    if (*pointer) {
        return ", it is given twice";
    }

    *pointer = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*pointer == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_emit_conf_value(cf, text, *pointer);
}


static char *
ngx_http_notify_emit_conf_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t *value)
{
    ngx_http_compile_complex_value_t  ccv;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static ngx_uint_t
ngx_http_notify_emit_conf_is(const ngx_str_t *text, const char *word)
{
    return text->len == ngx_strlen(word)
           && ngx_strncmp(text->data, word, text->len) == 0;
}
