/*
 * Providers: `type`, what each may have, and one by its name.  Must not know
 * how a provider is called.
 */

#include "ngx_http_notify_block.h"
#include "ngx_http_notify_fcm_conf.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_text.h"


static char *ngx_http_notify_provider_set_type(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_provider_type_fcm(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider);


static ngx_command_t  ngx_http_notify_provider_type_commands[] = {

    { ngx_string("type"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_provider_set_type,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_provider_type_module =
    ngx_http_notify_block_module(ngx_http_notify_provider_type_commands);


static char *
ngx_http_notify_provider_set_type(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_provider_t *provider = conf;

    ngx_str_t        *value;
    ngx_conf_enum_t  *found;

    static ngx_conf_enum_t  types[] = {
        { ngx_string("http"), NGX_HTTP_NOTIFY_PROVIDER_HTTP },
        { ngx_string("webpush"), NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH },
        { ngx_string("fcm"), NGX_HTTP_NOTIFY_PROVIDER_FCM }
    };

    if (provider->type) {
        return "is duplicate";
    }

    value = cf->args->elts;

    found = ngx_http_notify_text_find_in(&value[1], types);

    if (found == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"type\" \"%V\", it must be \"http\", "
                           "\"webpush\" or \"fcm\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    provider->type = found->value;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_provider_type(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider)
{
    ngx_uint_t                    line;
    ngx_http_notify_call_conf_t  *call;

    call = &provider->profile.call;

    if (provider->type == 0) {
        provider->type = NGX_HTTP_NOTIFY_PROVIDER_HTTP;
    }

    if (call->webpush && provider->type != NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {
        return "has a directive of \"type webpush\", but is not of that type";
    }

    if (call->fcm && provider->type != NGX_HTTP_NOTIFY_PROVIDER_FCM) {
        return "has a directive of \"type fcm\", but is not of that type";
    }

    if (provider->type == NGX_HTTP_NOTIFY_PROVIDER_FCM) {
        return ngx_http_notify_provider_type_fcm(cf, provider);
    }

    if (provider->retry_line) {
        line = cf->conf_file->line;
        cf->conf_file->line = provider->retry_line;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"retry\" directive cannot be in notify_provider: "
                           "nothing is sent again");

        cf->conf_file->line = line;

        return NGX_CONF_ERROR;
    }

    provider->profile.retry.nsteps = 0;

    if (provider->type == NGX_HTTP_NOTIFY_PROVIDER_HTTP) {
        return provider->url[0].data ? NGX_CONF_OK : "has no \"url\"";
    }

    if (provider->url[0].data || provider->url[1].data || provider->groups) {
        return "has a \"url\", \"debug_url\" or \"group\", but "
               "\"type webpush\" calls the endpoint of each session";
    }

    return ngx_http_notify_webpush_conf_init(cf, call->webpush,
                                             &call->payload);
}


static char *
ngx_http_notify_provider_type_fcm(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider)
{
    char                        *rv;
    ngx_http_notify_fcm_conf_t  *fcm;

    /* 10s 20s 40s 80s ... jitter=20% until=1h: what its guide asks for */

    static const ngx_http_notify_backoff_t  retry = {
        7, 20, 3600 * 1000,
        { 10 * 1000, 20 * 1000, 40 * 1000, 80 * 1000, 160 * 1000, 320 * 1000,
          640 * 1000 }
    };

    if (provider->groups) {
        return "has a \"group\", but \"type fcm\" calls one URL";
    }

    rv = ngx_http_notify_fcm_conf_init(cf, &provider->profile.call,
                                       provider->url[0].data != NULL);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    fcm = provider->profile.call.fcm;

    if (provider->url[0].data == NULL) {
        provider->url[0] = fcm->url;
        provider->line[0] = cf->conf_file->line;
    }

    if (fcm->notification.len
        && (provider->message[0].data || provider->message[1].data))
    {
        return "has a \"notification\" and a \"message\" or "
               "\"debug_message\", which is one's body";
    }

    if (fcm->data.len && provider->payload) {
        return "has \"data\" and \"payload on\", which are the event's data";
    }

    if (provider->retry_line == 0) {
        provider->profile.retry = retry;
    }

    return NGX_CONF_OK;
}


ngx_http_notify_provider_t *
ngx_http_notify_provider_find(const ngx_array_t *providers,
    const ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_http_notify_provider_t  **provider, *standard;

    if (providers == NULL || providers->nelts == 0) {
        return NULL;
    }

    provider = providers->elts;
    standard = provider[0];

    for (i = 0; i < providers->nelts; i++) {
        if (ngx_http_notify_text_equal(&provider[i]->profile.name, name)) {
            return provider[i];
        }

        if (ngx_http_notify_text_is(&provider[i]->profile.name, "default")) {
            standard = provider[i];
        }
    }

    return name->len ? NULL : standard;
}


ngx_http_notify_provider_t *
ngx_http_notify_provider_webpush(const ngx_array_t *providers)
{
    ngx_str_t                     none;
    ngx_uint_t                    i;
    ngx_http_notify_provider_t  **provider, *standard;

    ngx_str_null(&none);

    standard = ngx_http_notify_provider_find(providers, &none);

    if (standard == NULL
        || standard->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH)
    {
        return standard;
    }

    provider = providers->elts;

    for (i = 0; i < providers->nelts; i++) {
        if (provider[i]->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {
            return provider[i];
        }
    }

    return NULL;
}
