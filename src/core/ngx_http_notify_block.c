/*
 * Directives in our blocks: found in the tables of the layers that own them,
 * argument counts as in ngx_conf_handler().  Runs while the configuration is
 * read.  Must not know what a directive means.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_text.h"


/* a block that is being read */
typedef struct {
    ngx_http_notify_block_kind_e    kind;
    void                           *conf;
} ngx_http_notify_block_t;


static char *ngx_http_notify_block_directive(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);
static char *ngx_http_notify_block_unknown(ngx_conf_t *cf,
    ngx_http_notify_block_kind_e kind, const ngx_str_t *name);
static void ngx_http_notify_block_semicolon(ngx_conf_t *cf,
    ngx_http_notify_block_kind_e kind);
static ngx_command_t *ngx_http_notify_block_find(
    ngx_http_notify_block_kind_e kind, const ngx_str_t *name);
static ngx_uint_t ngx_http_notify_block_nargs(const ngx_command_t *cmd,
    ngx_uint_t nargs);
static ngx_str_t *ngx_http_notify_block_repeated(ngx_array_t *args);

char *
ngx_http_notify_block_parse(ngx_conf_t *cf, ngx_http_notify_block_kind_e kind,
    void *conf)
{
    char                     *rv;
    ngx_conf_t                save;
    ngx_http_notify_block_t   block;

    save = *cf;

    block.kind = kind;
    block.conf = conf;

    cf->handler = ngx_http_notify_block_directive;
    cf->handler_conf = (void *) &block;

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
    ngx_str_t      *name, *repeated;
    ngx_command_t  *cmd;

    name = cf->args->elts;

    if (ngx_strcmp(name->data, "include") == 0) {

        if (cf->args->nelts != 2) {
            goto invalid;
        }

        return ngx_conf_include(cf, dummy, conf);
    }

    cmd = ngx_http_notify_block_find(block->kind, name);

    if (cmd == NULL) {
        return ngx_http_notify_block_unknown(cf, block->kind, name);
    }

    if (!ngx_http_notify_block_nargs(cmd, cf->args->nelts)) {
        goto invalid;
    }

    repeated = ngx_http_notify_block_repeated(cf->args);

    if (repeated) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"%V\", "
                           "it is given twice", repeated, name);
        return NGX_CONF_ERROR;
    }

    rv = cmd->set(cf, cmd, block->conf);

    if (rv == NGX_CONF_OK) {
        return NGX_CONF_OK;
    }

    if (rv != NGX_CONF_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive %s", name,
                           rv);
    }

    ngx_http_notify_block_semicolon(cf, block->kind);

    return NGX_CONF_ERROR;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid number of arguments in \"%V\" directive",
                       name);

    ngx_http_notify_block_semicolon(cf, block->kind);

    return NGX_CONF_ERROR;
}


/* an argument that is a directive's name is likely to begin the next line */

static void
ngx_http_notify_block_semicolon(ngx_conf_t *cf,
    ngx_http_notify_block_kind_e kind)
{
    ngx_str_t   *arg;
    ngx_uint_t   i;

    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_notify_block_find(kind, &arg[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "is a \";\" missing before \"%V\"?", &arg[i]);
            return;
        }
    }
}


/* an alias is one of many */

static ngx_str_t *
ngx_http_notify_block_repeated(ngx_array_t *args)
{
    u_char      *p;
    ngx_str_t   *arg, name;
    ngx_uint_t   i;

    arg = args->elts;

    for (i = 1; i < args->nelts; i++) {
        name = arg[i];

        p = ngx_strlchr(name.data, name.data + name.len, '=');
        if (p == NULL) {
            continue;
        }

        name.len = p - name.data;

        if (ngx_http_notify_args_again(arg, 1, i, &name)
            && !ngx_http_notify_text_is(&name, "alias"))
        {
            return &arg[i];
        }
    }

    return NULL;
}


static char *
ngx_http_notify_block_unknown(ngx_conf_t *cf,
    ngx_http_notify_block_kind_e kind, const ngx_str_t *name)
{
    ngx_uint_t   i;
    const char  *here;

    here = ngx_http_notify_block_kinds[kind].name;

    for (i = 0; i < NGX_HTTP_NOTIFY_BLOCK_KINDS; i++) {

        if (ngx_http_notify_block_find(i, name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "directive \"%V\" is not allowed in %s {}, it "
                               "belongs in %s {}", name, here,
                               ngx_http_notify_block_kinds[i].name);
            return NGX_CONF_ERROR;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown directive \"%V\" in %s", name, here);

    return NGX_CONF_ERROR;
}


static ngx_command_t *
ngx_http_notify_block_find(ngx_http_notify_block_kind_e kind,
    const ngx_str_t *name)
{
    ngx_command_t  *cmd, **table;

    for (table = ngx_http_notify_block_kinds[kind].tables; *table; table++) {

        for (cmd = *table; cmd->name.len; cmd++) {
            if (ngx_http_notify_text_equal(&cmd->name, name)) {
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
