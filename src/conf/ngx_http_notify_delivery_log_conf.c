/*
 * The directive delivery_log.  Runs while the configuration is read.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_delivery_log_conf.h"


static ngx_http_notify_args_cmd_t  ngx_http_notify_delivery_log_conf;


static ngx_http_notify_args_param_t
    ngx_http_notify_delivery_log_conf_params[] =
{
    ngx_http_notify_args_flag("failures", ngx_http_notify_delivery_log_t,
                              failures),

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_delivery_log_conf_commands[] = {

    { ngx_string("delivery_log"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_delivery_log_conf,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_delivery_log_conf_module =
    ngx_http_notify_block_module(ngx_http_notify_delivery_log_conf_commands);


/* delivery_log PATH|off [failures] */

static char *
ngx_http_notify_delivery_log_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_str_t                       *args;
    ngx_http_notify_delivery_log_t  *log;

    if (channel->delivery_log_given) {
        return "is duplicate";
    }

    channel->delivery_log_given = 1;
    args = cf->args->elts;

    if (ngx_strcmp(args[1].data, "off") == 0) {
        return cf->args->nelts == 2
               ? NGX_CONF_OK
               : ngx_http_notify_args_unknown(cf, &args[2]);
    }

    if (args[1].len == 0) {
        return "must name a file, or be \"off\"";
    }

    log = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_delivery_log_t));
    if (log == NULL) {
        return NGX_CONF_ERROR;
    }

    log->file = ngx_conf_open_file(cf->cycle, &args[1]);
    if (log->file == NULL) {
        return NGX_CONF_ERROR;
    }

    channel->delivery_log = log;

    return ngx_http_notify_args_parse(cf, 2,
                                      ngx_http_notify_delivery_log_conf_params,
                                      log);
}
