/*
 * service_account, project, notification, android, data of a provider of `type
 * fcm`.  The templates are compiled where they stand, to be judged, and again
 * as parts of the body.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_fcm_conf.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_oauth2.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_FCM_PROJECT  128
#define NGX_HTTP_NOTIFY_FCM_SCOPE                                             \
    "https://www.googleapis.com/auth/firebase.messaging"
#define NGX_HTTP_NOTIFY_FCM_AT    "https://fcm.googleapis.com/v1/projects/"
#define NGX_HTTP_NOTIFY_FCM_SEND  "/messages:send"


static ngx_http_notify_args_cmd_t  ngx_http_notify_fcm_set_account;
static ngx_http_notify_args_cmd_t  ngx_http_notify_fcm_set_project;
static ngx_uint_t ngx_http_notify_fcm_is_project(const ngx_str_t *text);
static ngx_http_notify_args_cmd_t  ngx_http_notify_fcm_set_text;
static ngx_http_notify_fcm_conf_t *ngx_http_notify_fcm_conf(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf);


static ngx_command_t  ngx_http_notify_fcm_commands[] = {

    { ngx_string("service_account"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_fcm_set_account,
      ngx_http_notify_block_whole },

    { ngx_string("project"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_fcm_set_project,
      ngx_http_notify_block_whole },

    { ngx_string("notification"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_fcm_set_text,
      ngx_http_notify_block_field(ngx_http_notify_fcm_conf_t, notification),
      NULL },

    { ngx_string("android"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_fcm_set_text,
      ngx_http_notify_block_field(ngx_http_notify_fcm_conf_t, android),
      NULL },

    { ngx_string("data"),
      NGX_HTTP_NOTIFY_PROVIDER_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_fcm_set_text,
      ngx_http_notify_block_field(ngx_http_notify_fcm_conf_t, data),
      NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_fcm_module =
    ngx_http_notify_block_module(ngx_http_notify_fcm_commands);


static char *
ngx_http_notify_fcm_set_account(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t                   *value;
    ngx_http_notify_fcm_conf_t  *fcm;

    static const ngx_str_t  scope = ngx_string(NGX_HTTP_NOTIFY_FCM_SCOPE);

    fcm = ngx_http_notify_fcm_conf(cf, ccf);
    if (fcm == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    fcm->account = 1;

    return ngx_http_notify_oauth2_conf_account(cf, ccf, &value[1], &scope);
}


static char *
ngx_http_notify_fcm_set_project(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t                   *value;
    ngx_http_notify_fcm_conf_t  *fcm;

    fcm = ngx_http_notify_fcm_conf(cf, conf);
    if (fcm == NULL) {
        return NGX_CONF_ERROR;
    }

    if (fcm->project.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!ngx_http_notify_fcm_is_project(&value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"project\" \"%V\", it must be the id of "
                           "one, 1 to %d characters of [A-Za-z0-9_.:-]",
                           &value[1], NGX_HTTP_NOTIFY_FCM_PROJECT);
        return NGX_CONF_ERROR;
    }

    fcm->project = value[1];

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_notify_fcm_is_project(const ngx_str_t *text)
{
    u_char  ch;
    size_t  i;

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];

        if (!((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
            && !(ch >= '0' && ch <= '9')
            && ch != '_' && ch != '.' && ch != ':' && ch != '-')
        {
            return 0;
        }
    }

    return i && i <= NGX_HTTP_NOTIFY_FCM_PROJECT;
}


static char *
ngx_http_notify_fcm_set_text(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                      *p;
    ngx_str_t                   *value, *text;
    ngx_uint_t                   data;
    const char                  *reason;
    ngx_http_notify_fcm_conf_t  *fcm;

    fcm = ngx_http_notify_fcm_conf(cf, conf);
    if (fcm == NULL) {
        return NGX_CONF_ERROR;
    }

    text = (ngx_str_t *) ((u_char *) fcm + cmd->offset);

    if (text->len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    data = (text == &fcm->data);

    if (ngx_http_notify_payload_compile_json(cf, &value[1], 1, &reason)
        == NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\"", reason,
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    /* it is JSON, and so more than white space */

    for (p = value[1].data; ngx_http_notify_json_is_space(*p); p++) {
        /* void */
    }

    if (*p != '{' && !(data && *p == '"')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"%V\", it must be a JSON object%s",
                           &cmd->name,
                           data ? " or a variable, as \"$notify_data\"" : "");
        return NGX_CONF_ERROR;
    }

    *text = value[1];

    return NGX_CONF_OK;
}


static ngx_http_notify_fcm_conf_t *
ngx_http_notify_fcm_conf(ngx_conf_t *cf, ngx_http_notify_call_conf_t *ccf)
{
    if (ccf->fcm == NULL) {
        ccf->fcm = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_fcm_conf_t));
    }

    return ccf->fcm;
}


char *
ngx_http_notify_fcm_conf_init(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *call, ngx_uint_t named)
{
    ngx_http_notify_fcm_conf_t  *fcm;

    fcm = call->fcm;

    if (fcm == NULL || !fcm->account) {
        return "has no \"service_account\", which \"type fcm\" needs";
    }

    if (call->payload.method.len
        && !ngx_http_notify_text_is(&call->payload.method, "POST"))
    {
        return "has a \"method\", but \"type fcm\" sends by POST";
    }

    if (call->response_limit == 0) {
        return "has \"type fcm\" and a \"response_limit\" of 0";
    }

    if (named) {
        return NGX_CONF_OK;
    }

    if (fcm->project.len == 0) {
        fcm->project = call->oauth2->project;
    }

    if (fcm->project.len == 0) {
        return "has no \"project\", nor has its \"service_account\" a "
               "\"project_id\"";
    }

    if (!ngx_http_notify_fcm_is_project(&fcm->project)) {
        return "has a \"service_account\" with an invalid \"project_id\"";
    }

    if (ngx_http_notify_memory_printf(cf->pool, &fcm->url,
        NGX_HTTP_NOTIFY_FCM_AT "%V" NGX_HTTP_NOTIFY_FCM_SEND, &fcm->project)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
