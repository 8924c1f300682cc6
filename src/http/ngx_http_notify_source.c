/*
 * From a request to an event, as notify_emit and notify_sync are told to.
 * Read with the configuration, run once an event.
 * Must not know what becomes of the event.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_request_trace.h"
#include "ngx_http_notify_source.h"
#include "ngx_http_notify_context.h"
#include "ngx_http_notify_tenant.h"
#include "ngx_http_notify_trusted.h"
#include "ngx_http_notify_text.h"


/* NAME=VALUE */
typedef struct {
    ngx_str_t                   name;       /* as it was given */
    ngx_str_t                   member;     /* "entityID", an attribute */
    ngx_http_complex_value_t   *value;
} ngx_http_notify_source_param_t;


static char *ngx_http_notify_source_param(ngx_conf_t *cf,
    ngx_http_notify_source_t *source, const ngx_str_t *name,
    ngx_str_t *value);


static const struct {
    const char   *name;
    ngx_str_t     member;
} ngx_http_notify_source_members[] = {
    { "entity_type_id",  ngx_string("entityTypeID") },
    { "entity_id",       ngx_string("entityID") },
    { "session_id",      ngx_string("sessionId") },
    { "customer_id",     ngx_string("customerId") },
    { "conversation_id", ngx_string("conversationId") },
    { "id",              ngx_string("uid") },
    { NULL,              ngx_null_string }
};


char *
ngx_http_notify_source_create(ngx_conf_t *cf, ngx_http_notify_source_t *source)
{
    ngx_str_t  *args;

    if (ngx_array_init(&source->params, cf->pool, 4,
                       sizeof(ngx_http_notify_source_param_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    args = cf->args->elts;

    source->directive = args[0];
    source->event = args[2];
    source->file = cf->conf_file->file.name.data;
    source->line = cf->conf_file->line;

    return ngx_http_notify_module_channel(cf, &args[1], &source->channel);
}


char *
ngx_http_notify_source_arg(ngx_conf_t *cf, ngx_http_notify_source_t *source,
    const ngx_str_t *name, ngx_str_t *value)
{
    if (value->data == NULL) {
        if (!ngx_http_notify_text_is(name, "optional")) {
            return "";
        }

        source->optional = 1;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_text_is(name, "tenant")) {

        /* the configuration itself says that it is the default tenant */

        if (value->len == 0) {
            source->optional = 1;
        }

        return ngx_http_notify_args_value(cf, value, &source->tenant);
    }

    return ngx_http_notify_source_param(cf, source, name, value);
}


/* what it names is known when the channel is */

static char *
ngx_http_notify_source_param(ngx_conf_t *cf, ngx_http_notify_source_t *source,
    const ngx_str_t *name, ngx_str_t *value)
{
    ngx_uint_t                       i;
    ngx_http_notify_source_param_t  *param;

    if (ngx_http_notify_text_find_array(name, &source->params)) {
        return ", it is given twice";
    }

    param = ngx_array_push(&source->params);
    if (param == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(param, sizeof(ngx_http_notify_source_param_t));

    param->name = *name;

    for (i = 0; ngx_http_notify_source_members[i].name; i++) {
        if (ngx_http_notify_text_is(name,
                                    ngx_http_notify_source_members[i].name))
        {
            param->member = ngx_http_notify_source_members[i].member;
        }
    }

    return ngx_http_notify_args_value(cf, value, &param->value);
}


char *
ngx_http_notify_source_init(ngx_conf_t *cf, ngx_http_notify_source_t *source,
    const ngx_http_notify_channel_event_t **event)
{
    ngx_str_t                                   name;
    ngx_uint_t                                  i;
    ngx_http_notify_source_param_t             *param;
    const ngx_http_notify_channel_attribute_t  *attribute;

    name = source->event;

    if (name.len
        && ngx_http_notify_channel_event(source->channel, &source->event,
                                         &name, event)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "unknown event \"%V\" of notify_channel \"%V\" in "
                      "%s:%ui", &source->event, &source->channel->name,
                      source->file, source->line);
        return NGX_CONF_ERROR;
    }

    source->event = name;
    param = source->params.elts;

    for (i = 0; i < source->params.nelts; i++) {

        if (param[i].member.len) {
            continue;
        }

        attribute = ngx_http_notify_channel_attribute(source->channel,
                                                      &param[i].name);
        if (attribute == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "invalid parameter \"%V=\" of %V, it is no "
                          "attribute of notify_channel \"%V\" in %s:%ui",
                          &param[i].name, &source->directive,
                          &source->channel->name, source->file, source->line);
            return NGX_CONF_ERROR;
        }

        param[i].member = attribute->name;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_notify_source_tenant(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source, ngx_str_t *tenant)
{
    if (source->tenant == NULL) {
        return ngx_http_notify_tenant(r, tenant);
    }

    return ngx_http_notify_tenant_value(r, source->tenant, source->optional,
                                        tenant);
}


/*
 * As in access_log, and false is no, too: it is what a notify_var of JSON's
 * false is.
 */

ngx_int_t
ngx_http_notify_source_if(ngx_http_request_t *r,
    ngx_http_complex_value_t *condition)
{
    ngx_str_t  value;

    if (condition == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, condition, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (value.len == 0
        || (value.len == 1 && value.data[0] == '0')
        || ngx_http_notify_text_is(&value, "false"))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
ngx_http_notify_source_form(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source, ngx_http_notify_event_form_t *form)
{
    const ngx_time_t  *now;

    form->pool = r->pool;
    form->channel = source->channel;
    form->event_type = source->event;

    form->event->hops = ngx_http_notify_trusted_hops(r, source->channel,
                                                     &form->event->tenant);

    now = ngx_timeofday();
    form->event->time = (uint64_t) now->sec * 1000 + now->msec;
}


ngx_int_t
ngx_http_notify_source_params(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source, ngx_http_notify_event_form_t *form)
{
    ngx_str_t                        value, quoted;
    ngx_uint_t                       i;
    ngx_http_notify_source_param_t  *param;

    if (ngx_http_notify_request_trace(r, form->event) != NGX_OK) {
        return NGX_ERROR;
    }

    param = source->params.elts;

    for (i = 0; i < source->params.nelts; i++) {

        if (ngx_http_complex_value(r, param[i].value, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        if (value.len == 0) {
            continue;
        }

        if (ngx_http_notify_json_quote(r->pool, &value, &quoted) != NGX_OK
            || ngx_http_notify_event_form_set(form, &param[i].member, &quoted)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_log_t *
ngx_http_notify_source_log(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source)
{
    static ngx_str_t                  tenant;
    static ngx_http_notify_context_t  context;

    if (ngx_http_notify_source_tenant(r, source, &tenant) != NGX_OK) {
        ngx_str_null(&tenant);
    }

    ngx_memzero(&context, sizeof(ngx_http_notify_context_t));

    context.channel = &source->channel->name;
    context.tenant = &tenant;

    return ngx_http_notify_context_log(r->connection->log, &context);
}
