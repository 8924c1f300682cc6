/*
 * The arguments of notify_sync.  Run while the configuration is read.
 * Must not know how a request is asked about.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_ask.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_sync.h"


static char *ngx_http_notify_sync_conf_arg(ngx_conf_t *cf,
    ngx_http_notify_sync_conf_t *sync, const ngx_str_t *name,
    ngx_str_t *value);
static char *ngx_http_notify_sync_conf_param(ngx_conf_t *cf,
    ngx_http_notify_sync_conf_t *sync, const ngx_str_t *name,
    ngx_str_t *value);
static char *ngx_http_notify_sync_conf_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t *value);
static ngx_http_complex_value_t *ngx_http_notify_sync_conf_pointer(
    ngx_conf_t *cf, ngx_str_t *text);
static ngx_uint_t ngx_http_notify_sync_conf_is(const ngx_str_t *text,
    const char *word);


static const struct {
    const char   *name;
    ngx_str_t     member;
} ngx_http_notify_sync_conf_members[] = {
    { "entity_type_id",  ngx_string("entityTypeID") },
    { "entity_id",       ngx_string("entityID") },
    { "session_id",      ngx_string("sessionId") },
    { "customer_id",     ngx_string("customerId") },
    { "conversation_id", ngx_string("conversationId") },
    { "id",              ngx_string("uid") },
    { NULL,              ngx_null_string }
};


/* notify_sync CHANNEL EVENT answer|gate [NAME=VALUE]... | off */

char *
ngx_http_notify_sync_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_sync_loc_conf_t *slcf = conf;

    char                               *rv;
    u_char                             *p;
    ngx_str_t                          *args, name, value;
    ngx_uint_t                          i;
    ngx_http_notify_sync_conf_t        *sync, **entry;
    ngx_http_notify_sync_main_conf_t   *smcf;

    if (slcf->sync != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_notify_sync_conf_is(&args[1], "off"))
    {
        slcf->sync = NULL;
        return NGX_CONF_OK;
    }

    if (cf->args->nelts < 4) {
        return "needs a channel, an event, and \"answer\" or \"gate\"";
    }

    sync = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_sync_conf_t));
    if (sync == NULL
        || ngx_array_init(&sync->params, cf->pool, 4,
                          sizeof(ngx_http_notify_sync_param_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    sync->event = args[2];
    sync->gate = ngx_http_notify_sync_conf_is(&args[3], "gate");

    if (!sync->gate && !ngx_http_notify_sync_conf_is(&args[3], "answer")) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid mode \"%V\", it must be \"answer\" or "
                           "\"gate\"", &args[3]);
        return NGX_CONF_ERROR;
    }

    sync->pass = !sync->gate;
    sync->refused = 422;
    sync->timeout = 5000;
    sync->limit = NGX_HTTP_NOTIFY_ASK_LIMIT;
    sync->file = cf->conf_file->file.name.data;
    sync->line = cf->conf_file->line;

    for (i = 4; i < cf->args->nelts; i++) {

        p = ngx_strlchr(args[i].data, args[i].data + args[i].len, '=');

        if (p == NULL || p == args[i].data) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &args[i]);
            return NGX_CONF_ERROR;
        }

        name.data = args[i].data;
        name.len = p - name.data;
        value.data = p + 1;
        value.len = args[i].data + args[i].len - value.data;

        rv = ngx_http_notify_sync_conf_arg(cf, sync, &name, &value);

        if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
            if (rv == NGX_CONF_OK) {
                continue;
            }

            return rv;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"%s",
                           &args[i], rv);
        return NGX_CONF_ERROR;
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_sync_module);

    entry = ngx_array_push(&smcf->list);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = sync;
    slcf->sync = sync;

    return ngx_http_notify_module_channel(cf, &args[1], &sync->channel);
}


/* a phrase that follows what is wrong */

static char *
ngx_http_notify_sync_conf_arg(ngx_conf_t *cf,
    ngx_http_notify_sync_conf_t *sync, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_int_t  n;

    if (ngx_http_notify_sync_conf_is(name, "timeout")) {
        n = ngx_parse_time(value, 0);

        if (n == NGX_ERROR || n == 0) {
            return ", it must be a time";
        }

        sync->timeout = n;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_sync_conf_is(name, "limit")) {
        n = ngx_parse_size(value);

        if (n == NGX_ERROR || n == 0) {
            return ", it must be a size";
        }

        sync->limit = n;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_sync_conf_is(name, "on_error")) {
        sync->pass = ngx_http_notify_sync_conf_is(value, "pass");

        if (!sync->pass && !ngx_http_notify_sync_conf_is(value, "fail")) {
            return ", it must be \"pass\" or \"fail\"";
        }

        return NGX_CONF_OK;
    }

    if (ngx_http_notify_sync_conf_is(name, "refused")) {
        n = ngx_atoi(value->data, value->len);

        if (!sync->gate) {
            return ", only a gate refuses";
        }

        if (n < 400 || n > 599) {
            return ", it must be a status from 400 to 599";
        }

        sync->refused = n;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_sync_conf_is(name, "data")) {

        if (ngx_http_notify_sync_conf_is(value, "request")) {
            return NGX_CONF_OK;
        }

        sync->data = ngx_http_notify_sync_conf_pointer(cf, value);

        return sync->data ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (ngx_http_notify_sync_conf_is(name, "tenant")) {
        sync->tenant = ngx_http_notify_sync_conf_pointer(cf, value);

        return sync->tenant ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    return ngx_http_notify_sync_conf_param(cf, sync, name, value);
}


/* what it names is known when the channel is */

static char *
ngx_http_notify_sync_conf_param(ngx_conf_t *cf,
    ngx_http_notify_sync_conf_t *sync, const ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t                     i;
    ngx_http_notify_sync_param_t  *param;

    param = sync->params.elts;

    for (i = 0; i < sync->params.nelts; i++) {
        if (param[i].name.len == name->len
            && ngx_strncmp(param[i].name.data, name->data, name->len) == 0)
        {
            return ", it is given twice";
        }
    }

    param = ngx_array_push(&sync->params);
    if (param == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(param, sizeof(ngx_http_notify_sync_param_t));

    param->name = *name;

    for (i = 0; ngx_http_notify_sync_conf_members[i].name; i++) {
        if (ngx_http_notify_sync_conf_is(name,
                                  ngx_http_notify_sync_conf_members[i].name))
        {
            param->member = ngx_http_notify_sync_conf_members[i].member;
        }
    }

    return ngx_http_notify_sync_conf_value(cf, value, &param->value);
}


char *
ngx_http_notify_sync_conf_init(ngx_conf_t *cf,
    ngx_http_notify_sync_conf_t *sync)
{
    ngx_str_t                                   name;
    ngx_uint_t                                  i;
    ngx_http_notify_sync_param_t               *param;
    const ngx_http_notify_channel_event_t      *event;
    const ngx_http_notify_channel_attribute_t  *attribute;

    event = NULL;

    if (ngx_http_notify_channel_event(sync->channel, &sync->event, &name,
                                      &event)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "unknown event \"%V\" of notify_channel \"%V\" in "
                      "%s:%ui", &sync->event, &sync->channel->name,
                      sync->file, sync->line);
        return NGX_CONF_ERROR;
    }

    if (event == NULL || !(event->sync || (event->iframe && !sync->gate))) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "event \"%V\" of notify_channel \"%V\" is not declared "
                      "\"sync\" in %s:%ui", &sync->event,
                      &sync->channel->name, sync->file, sync->line);
        return NGX_CONF_ERROR;
    }

    sync->event = name;
    param = sync->params.elts;

    for (i = 0; i < sync->params.nelts; i++) {

        if (param[i].member.len) {
            continue;
        }

        attribute = ngx_http_notify_channel_attribute(sync->channel,
                                                      &param[i].name);
        if (attribute == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "invalid parameter \"%V=\" of notify_sync, it is no "
                          "attribute of notify_channel \"%V\" in %s:%ui",
                          &param[i].name, &sync->channel->name, sync->file,
                          sync->line);
            return NGX_CONF_ERROR;
        }

        param[i].member = attribute->name;
    }

    return NGX_CONF_OK;
}


static ngx_http_complex_value_t *
ngx_http_notify_sync_conf_pointer(ngx_conf_t *cf, ngx_str_t *text)
{
    ngx_http_complex_value_t  *value;

    value = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));

    if (value == NULL
        || ngx_http_notify_sync_conf_value(cf, text, value) != NGX_CONF_OK)
    {
        return NULL;
    }

    return value;
}


static char *
ngx_http_notify_sync_conf_value(ngx_conf_t *cf, ngx_str_t *text,
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
ngx_http_notify_sync_conf_is(const ngx_str_t *text, const char *word)
{
    return text->len == ngx_strlen(word)
           && ngx_strncmp(text->data, word, text->len) == 0;
}
