/*
 * The directives of the guard: allow, deny, schemes, ports.  What they fill is
 * read-only after start.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_memory.h"


static ngx_http_notify_args_cmd_t  ngx_http_notify_guard_set_rule;
static ngx_http_notify_args_cmd_t  ngx_http_notify_guard_set_schemes;
static ngx_http_notify_args_cmd_t  ngx_http_notify_guard_set_ports;


static ngx_command_t  ngx_http_notify_guard_commands[] = {

    { ngx_string("allow"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_guard_set_rule,
      ngx_http_notify_block_whole },

    { ngx_string("deny"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_guard_set_rule,
      ngx_http_notify_block_whole },

    { ngx_string("schemes"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_guard_set_schemes,
      ngx_http_notify_block_whole },

    { ngx_string("ports"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_guard_set_ports,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_guard_module =
    ngx_http_notify_block_module(ngx_http_notify_guard_commands);


static char *
ngx_http_notify_guard_set_rule(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_int_t                      rc;
    ngx_str_t                     *value;
    ngx_cidr_t                     cidr;
    ngx_http_notify_cidr_rule_t   *rule;
    ngx_http_notify_guard_conf_t  *gcf;

    gcf = &ccf->guard;
    value = cf->args->elts;

    ngx_memzero(&cidr, sizeof(ngx_cidr_t));

    if (ngx_strcmp(value[1].data, "all") != 0) {

        rc = ngx_ptocidr(&value[1], &cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid address or network \"%V\" in \"%V\"",
                               &value[1], &value[0]);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &value[1]);
        }
    }

    rule = ngx_http_notify_memory_push(cf->pool, &gcf->rules,
                                       sizeof(ngx_http_notify_cidr_rule_t));
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    rule->cidr = cidr;
    rule->text = cidr.family ? (char *) value[1].data : "\"deny all\"";
    rule->deny = (value[0].data[0] == 'd');

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_guard_set_schemes(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t                     *value;
    ngx_uint_t                     i, *scheme;
    ngx_http_notify_guard_conf_t  *gcf;

    gcf = &ccf->guard;

    if (gcf->http || gcf->https) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "http") == 0) {
            scheme = &gcf->http;

        } else if (ngx_strcmp(value[i].data, "https") == 0) {
            scheme = &gcf->https;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid scheme \"%V\" in \"schemes\", "
                               "it must be \"http\" or \"https\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (*scheme) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate scheme \"%V\" in \"schemes\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        *scheme = 1;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_guard_set_ports(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_int_t                      n;
    in_port_t                     *port;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_notify_guard_conf_t  *gcf;

    gcf = &ccf->guard;

    if (gcf->ports != NULL) {
        return "is duplicate";
    }

    gcf->ports = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                  sizeof(in_port_t));
    if (gcf->ports == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        n = ngx_atoi(value[i].data, value[i].len);

        if (n < 1 || n > 65535) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid port \"%V\" in \"ports\", it must be "
                               "1 to 65535", &value[i]);
            return NGX_CONF_ERROR;
        }

        port = ngx_array_push(gcf->ports);
        if (port == NULL) {
            return NGX_CONF_ERROR;
        }

        *port = (in_port_t) n;
    }

    return NGX_CONF_OK;
}
