/*
 * Reads a block, and says more of a directive that is not in its place or that
 * lacks its semicolon.  Must not know what a directive means.
 */

#include "ngx_http_notify_block.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_block_explain(ngx_conf_t *cf, ngx_uint_t type);
static ngx_uint_t ngx_http_notify_block_find(ngx_conf_t *cf,
    const ngx_str_t *name);


static const struct {
    ngx_uint_t   type;
    const char  *name;
} ngx_http_notify_block_names[] = {
    { NGX_HTTP_NOTIFY_PROFILE_CONF, "notify_profile" },
    { NGX_HTTP_NOTIFY_PROVIDER_CONF, "notify_provider" },
    { NGX_HTTP_NOTIFY_CHANNEL_CONF, "notify_channel" },
    { 0, NULL }
};


char *
ngx_http_notify_block_parse(ngx_conf_t *cf, ngx_uint_t type, void *conf)
{
    char                         *rv;
    ngx_int_t                     i, n;
    ngx_conf_t                    save;
    ngx_http_notify_block_ctx_t   ctx;

    n = ngx_count_modules(cf->cycle, NGX_HTTP_NOTIFY_BLOCK_TYPE);

    ctx.http = *(ngx_http_conf_ctx_t *) cf->ctx;
    ctx.confs = ngx_palloc(cf->temp_pool, n * sizeof(void *));
    if (ctx.confs == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < n; i++) {
        ctx.confs[i] = conf;
    }

    save = *cf;

    cf->ctx = &ctx;
    cf->module_type = NGX_HTTP_NOTIFY_BLOCK_TYPE;
    cf->cmd_type = type;

    rv = ngx_conf_parse(cf, NULL);

    if (rv != NGX_CONF_OK) {
        ngx_http_notify_block_explain(cf, type);
    }

    *cf = save;

    return rv;
}


/* The arguments are still those of the directive that failed. */

static void
ngx_http_notify_block_explain(ngx_conf_t *cf, ngx_uint_t type)
{
    u_char      *p;
    ngx_str_t   *arg;
    ngx_uint_t   i, k, here, types;
    u_char       buf[128];

    arg = cf->args->elts;

    for (here = 0; ngx_http_notify_block_names[here].type != type; here++) {
        /* void */
    }

    for (i = 0; i < cf->args->nelts; i++) {
        types = ngx_http_notify_block_find(cf, &arg[i]);

        if (i == 0 && types && !(types & type)) {

            p = buf;

            for (k = 0; ngx_http_notify_block_names[k].name; k++) {
                if (types & ngx_http_notify_block_names[k].type) {
                    p = ngx_sprintf(p, "%s%s {}", p == buf ? "" : " or ",
                                    ngx_http_notify_block_names[k].name);
                }
            }

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" belongs in %*s, not in %s {}", arg,
                               (size_t) (p - buf), buf,
                               ngx_http_notify_block_names[here].name);
            return;
        }

        if (i && (types & type)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "is a \";\" missing before \"%V\"?", &arg[i]);
            return;
        }
    }
}


/* the types of the blocks that have a directive of that name */

static ngx_uint_t
ngx_http_notify_block_find(ngx_conf_t *cf, const ngx_str_t *name)
{
    ngx_uint_t      i, types;
    ngx_module_t   *module;
    ngx_command_t  *cmd;

    types = 0;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (module->type != NGX_HTTP_NOTIFY_BLOCK_TYPE) {
            continue;
        }

        for (cmd = module->commands; cmd->name.len; cmd++) {
            if (ngx_http_notify_text_equal(&cmd->name, name)
                && cmd->set != ngx_http_notify_block_refuse)
            {
                types |= cmd->type;
            }
        }
    }

    return types;
}


char *
ngx_http_notify_block_refuse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return cmd->post;
}
