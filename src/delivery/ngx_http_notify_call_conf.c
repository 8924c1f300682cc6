/*
 * Directives of a profile that say how a call is made, and what is derived
 * from them.  Runs while the configuration is read, never in a worker.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_call_conf.h"
#include "ngx_http_notify_oauth2.h"
#include "ngx_http_notify_peer.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CALL_RESPONSE_MAX  (16 * 1024 * 1024)


static ngx_http_notify_args_cmd_t  ngx_http_notify_call_conf_msec;
static ngx_http_notify_args_cmd_t  ngx_http_notify_call_conf_keepalive;
static ngx_http_notify_args_cmd_t  ngx_http_notify_call_conf_size;
static ngx_http_notify_args_cmd_t  ngx_http_notify_call_conf_set_protocols;
static char *ngx_http_notify_call_conf_not_empty(ngx_conf_t *cf, void *post,
    void *data);
static void ngx_http_notify_call_conf_upstream(
    ngx_http_notify_call_conf_t *conf);
static ngx_int_t ngx_http_notify_call_conf_ssl(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *conf);
static ngx_int_t ngx_http_notify_call_conf_trust(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *conf);


static ngx_conf_enum_t  ngx_http_notify_call_conf_confirm[] = {
    { ngx_string("off"), NGX_HTTP_NOTIFY_CONFIRM_OFF },
    { ngx_string("challenge"), NGX_HTTP_NOTIFY_CONFIRM_CHALLENGE },
    { ngx_string("cloudevents"), NGX_HTTP_NOTIFY_CONFIRM_CLOUDEVENTS },
    { ngx_null_string, 0 }
};

static ngx_conf_bitmask_t  ngx_http_notify_call_conf_customize[] = {
    { ngx_string("payload"), NGX_HTTP_NOTIFY_CUSTOM_PAYLOAD },
    { ngx_string("retry"), NGX_HTTP_NOTIFY_CUSTOM_RETRY },
    { ngx_string("timeout"), NGX_HTTP_NOTIFY_CUSTOM_TIMEOUT },
    { ngx_string("tls"), NGX_HTTP_NOTIFY_CUSTOM_TLS },
    { ngx_string("oauth2"), NGX_HTTP_NOTIFY_CUSTOM_OAUTH2 },
    { ngx_string("batch"), NGX_HTTP_NOTIFY_CUSTOM_BATCH },
    { ngx_null_string, 0 }
};

static ngx_conf_bitmask_t  ngx_http_notify_call_conf_protocols[] = {
    { ngx_string("TLSv1"), NGX_SSL_TLSv1 },
    { ngx_string("TLSv1.1"), NGX_SSL_TLSv1_1 },
    { ngx_string("TLSv1.2"), NGX_SSL_TLSv1_2 },
    { ngx_string("TLSv1.3"), NGX_SSL_TLSv1_3 },
    { ngx_null_string, 0 }
};


static ngx_http_notify_args_param_t  ngx_http_notify_call_conf_depth = {
    ngx_string("number"), NULL, 0, 0, 100, NULL, 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_call_conf_time = {
    ngx_string("time"), NULL, 0, 1, 24 * 60 * 60 * 1000,
    "1ms to 24h, as \"30s\"", 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_call_conf_body = {
    ngx_string("size"), NULL, 0, 0, NGX_HTTP_NOTIFY_CALL_RESPONSE_MAX,
    "0 to 16m, as \"16k\"", 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_call_conf_headers = {
    ngx_string("size"), NULL, 0, 1024, 1024 * 1024, "1k to 1m, as \"32k\"", 0
};

static ngx_conf_post_t  ngx_http_notify_call_conf_text = {
    ngx_http_notify_call_conf_not_empty
};


static ngx_http_notify_args_param_t  ngx_http_notify_call_conf_number = {
    ngx_string("number"), NULL, 0, 0, 65535, NULL, 0
};

static ngx_http_notify_args_param_t  ngx_http_notify_call_conf_params[] = {

    { ngx_string("idle="),
      ngx_http_notify_args_msec,
      offsetof(ngx_http_notify_call_conf_t, keepalive_idle),
      1, NGX_HTTP_NOTIFY_ARGS_YEAR, NGX_HTTP_NOTIFY_ARGS_TIME, 0 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_call_commands[] = {

    { ngx_string("connect_timeout"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_call_conf_msec,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, connect_timeout),
      &ngx_http_notify_call_conf_time },

    { ngx_string("send_timeout"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_call_conf_msec,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, send_timeout),
      &ngx_http_notify_call_conf_time },

    { ngx_string("read_timeout"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_call_conf_msec,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, read_timeout),
      &ngx_http_notify_call_conf_time },

    { ngx_string("timeout"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_call_conf_msec,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, timeout),
      &ngx_http_notify_call_conf_time },

    { ngx_string("keepalive"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE12,
      ngx_http_notify_call_conf_keepalive,
      ngx_http_notify_block_whole },

    { ngx_string("response_limit"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_call_conf_size,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, response_limit),
      &ngx_http_notify_call_conf_body },

    { ngx_string("response_header_limit"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_call_conf_size,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t,
          response_header_limit),
      &ngx_http_notify_call_conf_headers },

    { ngx_string("trace"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, trace),
      NULL },

    { ngx_string("confirm"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, confirm),
      &ngx_http_notify_call_conf_confirm },

    { ngx_string("customize"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, customize),
      &ngx_http_notify_call_conf_customize },

    { ngx_string("ssl_verify"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, ssl_verify),
      NULL },

    { ngx_string("ssl_verify_depth"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_http_notify_args_number_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t,
          ssl_verify_depth),
      &ngx_http_notify_call_conf_depth },

    { ngx_string("ssl_trusted_certificate"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t,
          ssl_trusted_certificate),
      &ngx_http_notify_call_conf_text },

    { ngx_string("ssl_certificate"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, ssl_certificate),
      &ngx_http_notify_call_conf_text },

    { ngx_string("ssl_certificate_key"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t,
          ssl_certificate_key),
      &ngx_http_notify_call_conf_text },

    { ngx_string("ssl_protocols"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_call_conf_set_protocols,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, ssl_protocols),
      &ngx_http_notify_call_conf_protocols },

    { ngx_string("ssl_ciphers"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      ngx_http_notify_block_field(ngx_http_notify_call_conf_t, ssl_ciphers),
      &ngx_http_notify_call_conf_text },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_call_module =
    ngx_http_notify_block_module(ngx_http_notify_call_commands);


void
ngx_http_notify_call_conf_create(ngx_http_notify_call_conf_t *conf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     payload, sign, guard, the strings, customize, ssl_protocols and
     *     state
     */

    conf->connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->send_timeout = NGX_CONF_UNSET_MSEC;
    conf->read_timeout = NGX_CONF_UNSET_MSEC;
    conf->timeout = NGX_CONF_UNSET_MSEC;
    conf->keepalive = NGX_CONF_UNSET_UINT;
    conf->keepalive_idle = NGX_CONF_UNSET_MSEC;
    conf->response_limit = NGX_CONF_UNSET_SIZE;
    conf->response_header_limit = NGX_CONF_UNSET_SIZE;
    conf->confirm = NGX_CONF_UNSET_UINT;
    conf->trace = NGX_CONF_UNSET;
    conf->ssl_verify = NGX_CONF_UNSET;
    conf->ssl_verify_depth = NGX_CONF_UNSET_UINT;
}


char *
ngx_http_notify_call_conf_init(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *conf)
{
    char  *rv;

    ngx_conf_init_msec_value(conf->connect_timeout, 5000);
    ngx_conf_init_msec_value(conf->send_timeout, 10000);
    ngx_conf_init_msec_value(conf->read_timeout, 15000);
    ngx_conf_init_msec_value(conf->timeout, 30000);
    ngx_conf_init_uint_value(conf->keepalive, 64);
    ngx_conf_init_msec_value(conf->keepalive_idle, 60000);
    ngx_conf_init_size_value(conf->response_limit, 16 * 1024);
    ngx_conf_init_size_value(conf->response_header_limit, 32 * 1024);
    ngx_conf_init_uint_value(conf->confirm, NGX_HTTP_NOTIFY_CONFIRM_OFF);
    ngx_conf_init_value(conf->trace, 1);
    ngx_conf_init_value(conf->ssl_verify, 1);
    ngx_conf_init_uint_value(conf->ssl_verify_depth, 4);

    if (conf->ssl_protocols == 0) {
        conf->ssl_protocols = NGX_CONF_BITMASK_SET
                              |NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3;
    }

    if (conf->ssl_ciphers.len == 0) {
        ngx_str_set(&conf->ssl_ciphers, "DEFAULT");
    }

    rv = ngx_http_notify_payload_conf_init(cf, &conf->payload);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_notify_batch_conf_init(cf, &conf->payload, &conf->sign);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    conf->state = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_call_state_t));
    if (conf->state == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_call_conf_ssl(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_http_notify_call_conf_upstream(conf);

    return ngx_http_notify_oauth2_conf_init(cf, conf);
}


static void
ngx_http_notify_call_conf_upstream(ngx_http_notify_call_conf_t *conf)
{
    ngx_http_upstream_conf_t      *ucf;
    ngx_http_notify_call_state_t  *state;

    state = conf->state;

    state->srv.peer.init = ngx_http_notify_peer_init;
    ngx_str_set(&state->srv.host, "notify");

    ucf = &state->upstream;

    ucf->upstream = &state->srv;
    ucf->connect_timeout = conf->connect_timeout;
    ucf->send_timeout = conf->send_timeout;
    ucf->read_timeout = conf->read_timeout;

    /* who may try again is for peer.free alone to say, by peer.tries */

    ucf->next_upstream = NGX_HTTP_UPSTREAM_FT_ERROR
                         |NGX_HTTP_UPSTREAM_FT_TIMEOUT
                         |NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT;

    ucf->ignore_client_abort = 1;
    ucf->ignore_headers = (ngx_uint_t) -1;
    ngx_str_set(&ucf->module, "notify");

    ucf->ssl = &state->ssl;
    ucf->ssl_session_reuse = 1;
    ucf->ssl_server_name = 1;
    ucf->ssl_verify = conf->ssl_verify;

    state->literal = *ucf;
    state->literal.ssl_verify = 0;
}


static ngx_int_t
ngx_http_notify_call_conf_ssl(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *conf)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    if ((conf->ssl_certificate.len == 0)
        != (conf->ssl_certificate_key.len == 0))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"ssl_certificate\" and \"ssl_certificate_key\" "
                           "need each other");
        return NGX_ERROR;
    }

    ssl = &conf->state->ssl;
    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, conf->ssl_protocols, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_ssl_ciphers(cf, ssl, &conf->ssl_ciphers, 0) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cannot use \"ssl_ciphers\" \"%V\"",
                           &conf->ssl_ciphers);
        return NGX_ERROR;
    }

    if (conf->ssl_certificate.len
        && ngx_ssl_certificate(cf, ssl, &conf->ssl_certificate,
                               &conf->ssl_certificate_key, NULL)
           != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cannot use \"ssl_certificate\" \"%V\"",
                           &conf->ssl_certificate);
        return NGX_ERROR;
    }

    if (conf->ssl_verify
        && ngx_http_notify_call_conf_trust(cf, conf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ssl_client_session_cache(cf, ssl, 1);
}


static ngx_int_t
ngx_http_notify_call_conf_trust(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *conf)
{
    ngx_ssl_t  *ssl;

    ssl = &conf->state->ssl;

    if (ngx_ssl_trusted_certificate(cf, ssl, &conf->ssl_trusted_certificate,
                                    conf->ssl_verify_depth)
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "cannot use \"ssl_trusted_certificate\" \"%V\"",
                           &conf->ssl_trusted_certificate);
        return NGX_ERROR;
    }

    if (conf->ssl_trusted_certificate.len) {
        return NGX_OK;
    }

    /* the system's */

    if (SSL_CTX_set_default_verify_paths(ssl->ctx) != 1) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    ERR_clear_error();

    return NGX_OK;
}


static char *
ngx_http_notify_call_conf_msec(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t   *value;
    ngx_msec_t  *msec;

    value = cf->args->elts;
    msec = (ngx_msec_t *) ((char *) conf + cmd->offset);

    if (*msec != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    return ngx_http_notify_args_msec(cf, cmd->post, &value[1], msec);
}


static char *
ngx_http_notify_call_conf_keepalive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    char       *rv;
    ngx_str_t  *value;

    if (ccf->keepalive != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    rv = ngx_http_notify_args_number(cf, &ngx_http_notify_call_conf_number,
                                     &value[1], &ccf->keepalive);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_notify_args_parse(cf, 2, ngx_http_notify_call_conf_params,
                                      ccf);
}


static char *
ngx_http_notify_call_conf_size(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    size_t                              *size;
    ssize_t                              n;
    ngx_str_t                           *value;
    const ngx_http_notify_args_param_t  *param;

    value = cf->args->elts;
    param = cmd->post;
    size = (size_t *) ((char *) conf + cmd->offset);

    if (*size != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    n = ngx_parse_size(&value[1]);

    if (n == NGX_ERROR || n < param->min || n > param->max) {
        return ngx_http_notify_args_invalid(cf, param, &value[1]);
    }

    *size = (size_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_call_conf_set_protocols(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_conf_bitmask_t  *mask;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (mask = cmd->post; mask->name.len; mask++) {
            if (ngx_http_notify_text_equal_nocase(&mask->name, &value[i])) {
                break;
            }
        }

        if (mask->name.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid protocol \"%V\" in \"ssl_protocols\", "
                               "it must be \"TLSv1\", \"TLSv1.1\", "
                               "\"TLSv1.2\" or \"TLSv1.3\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return ngx_conf_set_bitmask_slot(cf, cmd, conf);
}


static char *
ngx_http_notify_call_conf_not_empty(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t  *text = data;

    return text->len ? NGX_CONF_OK : "is empty";
}
