/*
 * attempt_log and response_log of a profile.  Runs while the configuration is
 * read.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_attempts_conf.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_profile.h"


#define NGX_HTTP_NOTIFY_ATTEMPTS_CONF_LIMIT     100000
#define NGX_HTTP_NOTIFY_ATTEMPTS_CONF_RESPONSE  (1024 * 1024)


static ngx_http_notify_args_cmd_t  ngx_http_notify_attempts_conf_log;


static ngx_http_notify_args_param_t
    ngx_http_notify_attempts_conf_log_params[] =
{
    { ngx_string("max="),
      ngx_http_notify_args_number,
      offsetof(ngx_http_notify_attempts_conf_t, max),
      1, NGX_HTTP_NOTIFY_ATTEMPTS_CONF_LIMIT, NULL, 0 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t
    ngx_http_notify_attempts_conf_response =
{
    ngx_string("size"), NULL, 0,
    0, NGX_HTTP_NOTIFY_ATTEMPTS_CONF_RESPONSE, "\"off\" or 1 to 1m", 0
};


static ngx_command_t  ngx_http_notify_attempts_conf_commands[] = {

    { ngx_string("attempt_log"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_attempts_conf_log,
      ngx_http_notify_block_whole },

    { ngx_string("response_log"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_size_slot,
      ngx_http_notify_block_field(ngx_http_notify_profile_t, attempts.response),
      &ngx_http_notify_attempts_conf_response },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_attempts_conf_module =
    ngx_http_notify_block_module(ngx_http_notify_attempts_conf_commands);


/* attempt_log all|failures|off [max=N] */

static char *
ngx_http_notify_attempts_conf_log(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ngx_str_t                        *args;
    ngx_http_notify_attempts_conf_t  *attempts;

    attempts = &profile->attempts;

    if (attempts->mode != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_strcmp(args[1].data, "all") == 0) {
        attempts->mode = NGX_HTTP_NOTIFY_ATTEMPTS_ALL;

    } else if (ngx_strcmp(args[1].data, "failures") == 0) {
        attempts->mode = NGX_HTTP_NOTIFY_ATTEMPTS_FAILURES;

    } else if (ngx_strcmp(args[1].data, "off") == 0) {
        attempts->mode = NGX_HTTP_NOTIFY_ATTEMPTS_OFF;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\" in \"attempt_log\", it must "
                           "be \"all\", \"failures\" or \"off\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    attempts->max = NGX_HTTP_NOTIFY_ATTEMPTS_MAX;

    return ngx_http_notify_args_parse(cf, 2,
                                      ngx_http_notify_attempts_conf_log_params,
                                      attempts);
}
