/*
 * The arguments of notify_sync.  Run while the configuration is read.
 * Must not know how a request is asked about.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_ask.h"
#include "ngx_http_notify_sync.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SYNC_TIMEOUT  (24 * 60 * 60 * 1000)    /* ms */


static char *ngx_http_notify_sync_conf_arg(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value);


/* notify_sync CHANNEL EVENT answer|gate [NAME=VALUE]... | off */

char *
ngx_http_notify_sync_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_sync_loc_conf_t *slcf = conf;

    ngx_str_t                         *args;
    ngx_http_notify_sync_conf_t       *sync, **entry;
    ngx_http_notify_sync_main_conf_t  *smcf;

    if (slcf->sync != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_notify_text_is(&args[1], "off")) {
        slcf->sync = NULL;
        return NGX_CONF_OK;
    }

    if (cf->args->nelts < 4) {
        return "needs a channel, an event, and \"answer\" or \"gate\"";
    }

    sync = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_sync_conf_t));
    if (sync == NULL
        || ngx_http_notify_source_create(cf, &sync->source) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    sync->gate = ngx_http_notify_text_is(&args[3], "gate");

    if (!sync->gate && !ngx_http_notify_text_is(&args[3], "answer")) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid mode \"%V\", it must be \"answer\" or "
                           "\"gate\"", &args[3]);
        return NGX_CONF_ERROR;
    }

    sync->pass = !sync->gate;
    sync->refused = 422;
    sync->timeout = 5000;
    sync->limit = NGX_HTTP_NOTIFY_ASK_LIMIT;

    if (ngx_http_notify_args(cf, 4, ngx_http_notify_sync_conf_arg, sync)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (sync->source.optional && sync->source.tenant == NULL) {
        return "has \"optional\" without \"tenant=\"";
    }

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_sync_module);

    entry = ngx_array_push(&smcf->list);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = sync;
    slcf->sync = sync;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_sync_conf_arg(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value)
{
    ngx_http_notify_sync_conf_t *sync = conf;

    ngx_int_t  n;

    if (value->data == NULL) {
        return ngx_http_notify_source_arg(cf, &sync->source, name, value);
    }

    if (ngx_http_notify_text_is(name, "timeout")) {
        n = ngx_parse_time(value, 0);

        if (n < 1 || n > NGX_HTTP_NOTIFY_SYNC_TIMEOUT) {
            return ", it must be a time of 1ms to 24h";
        }

        sync->timeout = n;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_text_is(name, "limit")) {
        n = ngx_parse_size(value);

        if (n == NGX_ERROR || n == 0) {
            return ", it must be a size";
        }

        sync->limit = n;
        return NGX_CONF_OK;
    }

    if (ngx_http_notify_text_is(name, "on_error")) {
        sync->pass = ngx_http_notify_text_is(value, "pass");

        if (!sync->pass && !ngx_http_notify_text_is(value, "fail")) {
            return ", it must be \"pass\" or \"fail\"";
        }

        return NGX_CONF_OK;
    }

    if (ngx_http_notify_text_is(name, "refused")) {
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

    if (ngx_http_notify_text_is(name, "data")) {

        if (ngx_http_notify_text_is(value, "request")) {
            return NGX_CONF_OK;
        }

        if (ngx_http_notify_text_is(value, "response")) {
            return ", there is no response yet";
        }

        return ngx_http_notify_args_value(cf, value, &sync->data);
    }

    return ngx_http_notify_source_arg(cf, &sync->source, name, value);
}


char *
ngx_http_notify_sync_conf_init(ngx_conf_t *cf,
    ngx_http_notify_sync_conf_t *sync)
{
    ngx_http_notify_source_t               *source;
    const ngx_http_notify_channel_event_t  *event;

    event = NULL;
    source = &sync->source;

    if (ngx_http_notify_source_init(cf, source, &event) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (event == NULL || !(event->sync || (event->iframe && !sync->gate))) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "event \"%V\" of notify_channel \"%V\" is not declared "
                      "\"sync\" in %s:%ui", &source->event,
                      &source->channel->name, source->file, source->line);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
