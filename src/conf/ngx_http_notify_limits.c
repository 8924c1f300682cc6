/*
 * Limits of a tenant: the directives, and what is asked of them.  The bucket of
 * publish_rate is in the shared zone, the share of calls in the worker, the
 * number of sessions in Redis.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_tenants.h"


#define NGX_HTTP_NOTIFY_LIMITS_SESSIONS  100000000
#define NGX_HTTP_NOTIFY_LIMITS_QUIET     10     /* s between two lines */


static ngx_http_notify_args_cmd_t  ngx_http_notify_limits_rate;
static ngx_http_notify_args_cmd_t  ngx_http_notify_limits_percent;


/* of the worker: events that no line in the log has told of */
static struct {
    time_t        said;
    ngx_uint_t    unsaid;
} ngx_http_notify_limits;


static ngx_http_notify_args_param_t  ngx_http_notify_limits_sessions = {
    ngx_string("number"), NULL, 0, 1, NGX_HTTP_NOTIFY_LIMITS_SESSIONS, NULL, 0
};


static ngx_command_t  ngx_http_notify_limits_commands[] = {

    { ngx_string("publish_rate"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_limits_rate,
      ngx_http_notify_block_whole },

    { ngx_string("tenant_share"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_limits_percent,
      ngx_http_notify_block_whole },

    { ngx_string("sessions_max"),
      NGX_HTTP_NOTIFY_CHANNEL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_number_slot,
      ngx_http_notify_block_field(ngx_http_notify_channel_t, sessions_max),
      &ngx_http_notify_limits_sessions },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_limits_module =
    ngx_http_notify_block_module(ngx_http_notify_limits_commands);


/* publish_rate N[r/s|r/m] [burst=N] | off; by default a second's burst */
static char *
ngx_http_notify_limits_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    return ngx_http_notify_profile_set_rate(cf, &channel->publish_rate, 1);
}


/* tenant_share N% */
static char *
ngx_http_notify_limits_percent(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_channel_t *channel = conf;

    ngx_int_t   n;
    ngx_str_t  *args;

    if (channel->tenant_share != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    args = cf->args->elts;

    n = (args[1].len && args[1].data[args[1].len - 1] == '%')
        ? ngx_atoi(args[1].data, args[1].len - 1) : NGX_ERROR;

    if (n < 1 || n > 100) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid tenant_share \"%V\", it must be 1%% to "
                           "100%%, as \"50%%\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    channel->tenant_share = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


ngx_msec_t
ngx_http_notify_limits_publish(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *tenant, ngx_uint_t n)
{
    ngx_msec_t  wait;

    wait = ngx_http_notify_tenants_take(channel->metrics, tenant,
                                        &channel->publish_rate, n);
    if (wait == 0) {
        return 0;
    }

    ngx_http_notify_tenants_add(channel->metrics, tenant,
                                NGX_HTTP_NOTIFY_METRICS_LIMITED, n);

    ngx_http_notify_limits.unsaid += n;

    if (ngx_time() - ngx_http_notify_limits.said
        >= NGX_HTTP_NOTIFY_LIMITS_QUIET)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "notify limits: %ui events above publish_rate, the last "
                      "one of channel \"%V\", tenant \"%V\"",
                      ngx_http_notify_limits.unsaid, &channel->name, tenant);

        ngx_http_notify_limits.said = ngx_time();
        ngx_http_notify_limits.unsaid = 0;
    }

    return wait;
}


ngx_http_notify_share_t *
ngx_http_notify_limits_share(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *tenant)
{
    return ngx_http_notify_share_get(channel, channel->metrics, tenant,
                                     channel->tenant_share, ngx_cycle->log);
}
