/*
 * notify_tenant: the value that says whose data a request may see.  Evaluated
 * per request, inherited by inner levels.  Knows nothing of channels.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_tenant.h"
#include "ngx_http_notify_text.h"


typedef struct {
    ngx_http_complex_value_t   *value;
    ngx_flag_t                  optional;
} ngx_http_notify_tenant_loc_conf_t;


static void *ngx_http_notify_tenant_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_tenant_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_http_notify_args_cmd_t  ngx_http_notify_tenant_directive;


static ngx_command_t  ngx_http_notify_tenant_commands[] = {

    { ngx_string("notify_tenant"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_tenant_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_tenant_module_ctx =
    ngx_http_notify_http_module_location(
                                       ngx_http_notify_tenant_create_loc_conf,
                                       ngx_http_notify_tenant_merge_loc_conf);


ngx_module_t  ngx_http_notify_tenant_module =
    ngx_http_notify_http_module(&ngx_http_notify_tenant_module_ctx,
                                ngx_http_notify_tenant_commands);


ngx_int_t
ngx_http_notify_tenant(ngx_http_request_t *r, ngx_str_t *tenant)
{
    ngx_http_notify_tenant_loc_conf_t  *tlcf;

    ngx_str_null(tenant);

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_tenant_module);

    if (tlcf->value == NULL) {
        return NGX_OK;
    }

    return ngx_http_notify_tenant_value(r, tlcf->value, tlcf->optional,
                                        tenant);
}


ngx_int_t
ngx_http_notify_tenant_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *value, ngx_uint_t optional, ngx_str_t *tenant)
{
    ngx_str_null(tenant);

    if (ngx_http_complex_value(r, value, tenant) != NGX_OK) {
        return NGX_ERROR;
    }

    if (tenant->len == 0) {
        return optional ? NGX_OK : NGX_DECLINED;
    }

    return ngx_http_notify_tenant_check(tenant);
}


ngx_int_t
ngx_http_notify_tenant_check(const ngx_str_t *tenant)
{
    return (tenant->len > NGX_HTTP_NOTIFY_TENANT_MAX
            || ngx_http_notify_text_control(tenant)
            || !ngx_http_notify_text_utf8(tenant))
           ? NGX_ABORT : NGX_OK;
}


/* RFC 9110, 11.6.1; how clients log in is not known here */

ngx_int_t
ngx_http_notify_tenant_challenge(ngx_http_request_t *r)
{
    return ngx_http_notify_reply_header_text(r, "WWW-Authenticate", "Bearer");
}


static void *
ngx_http_notify_tenant_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_notify_tenant_loc_conf_t  *tlcf;

    tlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_tenant_loc_conf_t));
    if (tlcf == NULL) {
        return NULL;
    }

    tlcf->value = NGX_CONF_UNSET_PTR;
    tlcf->optional = NGX_CONF_UNSET;

    return tlcf;
}


static char *
ngx_http_notify_tenant_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_notify_tenant_loc_conf_t *prev = parent;
    ngx_http_notify_tenant_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->value, prev->value, NULL);
    ngx_conf_merge_value(conf->optional, prev->optional, 0);

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_tenant_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_tenant_loc_conf_t *tlcf = conf;

    ngx_str_t  *value;

    if (tlcf->value != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    /* the configuration itself says that it is the default tenant */

    tlcf->optional = (value[1].len == 0);

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[2].data, "optional") == 0) {
            tlcf->optional = 1;

        } else if (ngx_strcmp(value[2].data, "required") != 0
                   || tlcf->optional)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"notify_tenant\"",
                               &value[2]);
            return NGX_CONF_ERROR;
        }
    }

    tlcf->value = NULL;

    return ngx_http_notify_args_value(cf, &value[1], &tlcf->value);
}
