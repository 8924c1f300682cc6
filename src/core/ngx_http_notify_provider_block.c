/*
 * notify_provider NAME {}: its directives are its own and those of a profile
 * but for what a provider has not.  What is wrong with the whole is said of the
 * line where it begins.  Must not know what a directive means.
 */

#include "ngx_http_notify_block.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_provider_block.h"
#include "ngx_http_notify_text.h"


static char *ngx_http_notify_provider_block_add(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf, ngx_http_notify_provider_t *provider);


char *
ngx_http_notify_provider_block(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf, const ngx_str_t *name)
{
    char                        *rv;
    ngx_uint_t                   i, line;
    ngx_http_notify_profile_t   *profile;
    ngx_http_notify_provider_t  *provider, **other;

    other = mcf->providers ? mcf->providers->elts : NULL;

    for (i = 0; other && i < mcf->providers->nelts; i++) {

        profile = &other[i]->profile;

        if (ngx_http_notify_text_equal(&profile->name, name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate notify_provider \"%V\", first in "
                               "%s:%ui", name, profile->file, profile->line);
            return NGX_CONF_ERROR;
        }
    }

    provider = ngx_http_notify_provider_create(cf, name);

    if (provider == NULL
        || ngx_http_notify_provider_block_add(cf, mcf, provider)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_block_parse(cf, NGX_HTTP_NOTIFY_PROVIDER_CONF,
                                    provider)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    line = cf->conf_file->line;
    cf->conf_file->line = provider->profile.line;

    rv = ngx_http_notify_provider_init(cf, provider);

    if (rv != NGX_CONF_OK && rv != NGX_CONF_ERROR) {

        /* `name` is one of the arguments, which are others now */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "notify_provider \"%V\" %s",
                           &provider->profile.name, rv);
        rv = NGX_CONF_ERROR;
    }

    cf->conf_file->line = line;

    return rv;
}


static char *
ngx_http_notify_provider_block_add(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf, ngx_http_notify_provider_t *provider)
{
    ngx_http_notify_provider_t  **entry;

    provider->profile.file = cf->conf_file->file.name.data;
    provider->profile.line = cf->conf_file->line;

    entry = ngx_http_notify_memory_push(cf->pool, &mcf->providers,
                                        sizeof(ngx_http_notify_provider_t *));
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = provider;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_provider_block_init(ngx_conf_t *cf,
    ngx_http_notify_main_conf_t *mcf)
{
    ngx_uint_t                    i, nodes;
    ngx_http_notify_channel_t   **channel;
    ngx_http_notify_provider_t  **provider;

    if (mcf->providers == NULL) {
        return NGX_CONF_OK;
    }

    nodes = 0;
    provider = mcf->providers->elts;

    for (i = 0; i < mcf->providers->nelts; i++) {
        if (ngx_http_notify_provider_resolve(cf, provider[i], &nodes)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    channel = mcf->channels->elts;

    for (i = 0; i < mcf->channels->nelts; i++) {
        channel[i]->providers = mcf->providers;
    }

    return NGX_CONF_OK;
}
