/*
 * Providers: `type`, what each may have, and one by its name.  Must not know
 * how a provider is called.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_text.h"


static char *ngx_http_notify_provider_set_type(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


static ngx_command_t  ngx_http_notify_provider_type_commands[] = {

    { ngx_string("type"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_provider_set_type,
      NGX_HTTP_NOTIFY_BLOCK_OFFSET,
      0,
      NULL },

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
        { ngx_string("webpush"), NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH }
    };

    if (provider->type) {
        return "is duplicate";
    }

    value = cf->args->elts;

    found = ngx_http_notify_text_find_in(&value[1], types);

    if (found == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"type\" \"%V\", it must be \"http\" or "
                           "\"webpush\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    provider->type = found->value;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_provider_type(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider)
{
    ngx_http_notify_call_conf_t  *call;

    call = &provider->profile.call;

    if (provider->type == 0) {
        provider->type = NGX_HTTP_NOTIFY_PROVIDER_HTTP;
    }

    if (provider->type == NGX_HTTP_NOTIFY_PROVIDER_HTTP) {

        if (call->webpush) {
            return "has a directive of \"type webpush\", but is not of that "
                   "type";
        }

        return provider->url[0].data ? NGX_CONF_OK : "has no \"url\"";
    }

    if (provider->url[0].data || provider->url[1].data || provider->groups) {
        return "has a \"url\", \"debug_url\" or \"group\", but "
               "\"type webpush\" calls the endpoint of each session";
    }

    return ngx_http_notify_webpush_conf_init(cf, call->webpush,
                                             &call->payload);
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
