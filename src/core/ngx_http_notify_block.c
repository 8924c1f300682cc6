/*
 * Directives in our blocks: found in the tables of the layers that own them,
 * argument counts as in ngx_conf_handler().  Runs while the configuration is
 * read.  Must not know what a directive means.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_block.h"


static char *ngx_http_notify_block_directive(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);
static char *ngx_http_notify_block_unknown(ngx_conf_t *cf,
    const ngx_http_notify_block_t *block, const ngx_str_t *name);
static ngx_command_t *ngx_http_notify_block_find(
    const ngx_http_notify_block_t *block, const ngx_str_t *name);
static ngx_uint_t ngx_http_notify_block_nargs(const ngx_command_t *cmd,
    ngx_uint_t nargs);


char *
ngx_http_notify_block_parse(ngx_conf_t *cf, ngx_http_notify_block_t *block)
{
    char        *rv;
    ngx_conf_t   save;

    save = *cf;

    cf->handler = ngx_http_notify_block_directive;
    cf->handler_conf = (void *) block;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_http_notify_block_directive(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf)
{
    ngx_http_notify_block_t *block = conf;

    char           *rv;
    ngx_str_t      *name;
    ngx_command_t  *cmd;

    name = cf->args->elts;

    if (ngx_strcmp(name->data, "include") == 0) {

        if (cf->args->nelts != 2) {
            goto invalid;
        }

        return ngx_conf_include(cf, dummy, conf);
    }

    cmd = ngx_http_notify_block_find(block, name);

    if (cmd == NULL) {
        return ngx_http_notify_block_unknown(cf, block, name);
    }

    if (!ngx_http_notify_block_nargs(cmd, cf->args->nelts)) {
        goto invalid;
    }

    rv = cmd->set(cf, cmd, block->conf);

    if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
        return rv;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive %s", name, rv);

    return NGX_CONF_ERROR;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid number of arguments in \"%V\" directive",
                       name);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_notify_block_unknown(ngx_conf_t *cf,
    const ngx_http_notify_block_t *block, const ngx_str_t *name)
{
    const char  **later;

    for (later = block->later; *later; later++) {

        if (ngx_strcmp(name->data, *later) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "directive \"%V\" in %s is not supported yet",
                               name, block->name);
            return NGX_CONF_ERROR;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown directive \"%V\" in %s", name, block->name);

    return NGX_CONF_ERROR;
}


static ngx_command_t *
ngx_http_notify_block_find(const ngx_http_notify_block_t *block,
    const ngx_str_t *name)
{
    ngx_command_t  *cmd, **table;

    for (table = block->tables; *table; table++) {

        for (cmd = *table; cmd->name.len; cmd++) {

            if (cmd->name.len == name->len
                && ngx_strcmp(cmd->name.data, name->data) == 0)
            {
                return cmd;
            }
        }
    }

    return NULL;
}


/* nargs counts the name of the directive as well */
static ngx_uint_t
ngx_http_notify_block_nargs(const ngx_command_t *cmd, ngx_uint_t nargs)
{
    if (cmd->type & NGX_CONF_ANY) {
        return 1;
    }

    if (cmd->type & NGX_CONF_FLAG) {
        return nargs == 2;
    }

    if (cmd->type & NGX_CONF_1MORE) {
        return nargs >= 2;
    }

    if (cmd->type & NGX_CONF_2MORE) {
        return nargs >= 3;
    }

    /* NGX_CONF_NOARGS, NGX_CONF_TAKE1, ... are consecutive bits */

    return nargs <= NGX_CONF_MAX_ARGS
           && (cmd->type & (NGX_CONF_NOARGS << (nargs - 1))) != 0;
}
