/*
 * attempt_log and response_log of a profile.  Runs while the configuration is
 * read.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_attempts_conf.h"
#include "ngx_http_notify_profile.h"


#define NGX_HTTP_NOTIFY_ATTEMPTS_CONF_LIMIT     100000
#define NGX_HTTP_NOTIFY_ATTEMPTS_CONF_RESPONSE  (1024 * 1024)


static char *ngx_http_notify_attempts_conf_log(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_attempts_conf_response(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


ngx_command_t  ngx_http_notify_attempts_conf_commands[] = {

    { ngx_string("attempt_log"),
      NGX_CONF_TAKE12,
      ngx_http_notify_attempts_conf_log,
      0,
      0,
      NULL },

    { ngx_string("response_log"),
      NGX_CONF_TAKE1,
      ngx_http_notify_attempts_conf_response,
      0,
      0,
      NULL },

      ngx_null_command
};


/* attempt_log all|failures|off [max=N] */

static char *
ngx_http_notify_attempts_conf_log(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ngx_int_t                         n;
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
                           "invalid value \"%V\", it must be \"all\", "
                           "\"failures\" or \"off\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    attempts->max = NGX_HTTP_NOTIFY_ATTEMPTS_MAX;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    n = NGX_ERROR;

    if (ngx_strncmp(args[2].data, "max=", 4) == 0) {
        n = ngx_atoi(args[2].data + 4, args[2].len - 4);
    }

    if (n < 1 || n > NGX_HTTP_NOTIFY_ATTEMPTS_CONF_LIMIT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it must be \"max=\" and "
                           "1 to %d", &args[2],
                           NGX_HTTP_NOTIFY_ATTEMPTS_CONF_LIMIT);
        return NGX_CONF_ERROR;
    }

    attempts->max = n;

    return NGX_CONF_OK;
}


/* response_log off|SIZE */

static char *
ngx_http_notify_attempts_conf_response(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_profile_t *profile = conf;

    ssize_t     size;
    ngx_str_t  *args;

    if (profile->attempts.response != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    args = cf->args->elts;

    if (ngx_strcmp(args[1].data, "off") == 0) {
        profile->attempts.response = 0;
        return NGX_CONF_OK;
    }

    size = ngx_parse_size(&args[1]);

    if (size < 1 || size > NGX_HTTP_NOTIFY_ATTEMPTS_CONF_RESPONSE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\", it must be \"off\" or 1 to "
                           "1m", &args[1]);
        return NGX_CONF_ERROR;
    }

    profile->attempts.response = size;

    return NGX_CONF_OK;
}
