/*
 * The directives of signatures: sign, jwt.  Their headers are reserved, so
 * that nothing else of the profile or of a subscriber writes them.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_sign_conf.h"


static char *ngx_http_notify_sign_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_notify_sign_set_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf);
static char *ngx_http_notify_sign_set_hmac(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf);
static char *ngx_http_notify_sign_set_parameter(ngx_conf_t *cf,
    ngx_http_notify_sign_scheme_t *scheme, const ngx_str_t *value);
static char *ngx_http_notify_sign_set_jwt(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_http_notify_sign_scheme_t *ngx_http_notify_sign_push(
    ngx_conf_t *cf, ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_sign_kind_e kind);


static const struct {
    const char  *text;
    ngx_uint_t   encoding;
    ngx_uint_t   value;
} ngx_http_notify_sign_names[] = {
    { "algorithm=sha1", 0, NGX_HTTP_NOTIFY_CRYPTO_SHA1 },
    { "algorithm=sha256", 0, NGX_HTTP_NOTIFY_CRYPTO_SHA256 },
    { "algorithm=sha512", 0, NGX_HTTP_NOTIFY_CRYPTO_SHA512 },
    { "encoding=hex", 1, 0 },
    { "encoding=base64", 1, 1 },
    { NULL, 0, 0 }
};


ngx_command_t  ngx_http_notify_sign_commands[] = {

    { ngx_string("sign"),
      NGX_CONF_1MORE,
      ngx_http_notify_sign_set,
      0,
      0,
      NULL },

    { ngx_string("jwt"),
      NGX_CONF_2MORE,
      ngx_http_notify_sign_set_jwt,
      0,
      0,
      NULL },

      ngx_null_command
};


char *
ngx_http_notify_sign_conf_init(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf)
{
    return NGX_CONF_OK;
}


char *
ngx_http_notify_sign_conf_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf)
{
    return ngx_http_notify_sign_set_standard(cf, conf);
}


static char *
ngx_http_notify_sign_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "hmac") == 0) {
        return ngx_http_notify_sign_set_hmac(cf, ccf);
    }

    if (ngx_strcmp(value[1].data, "standard") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"sign\", "
                           "it must be \"standard\" or \"hmac\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts > 2) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"sign\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_sign_set_standard(cf, &ccf->sign);
}


static char *
ngx_http_notify_sign_set_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    if (conf->schemes != NULL) {
        scheme = conf->schemes->elts;

        for (i = 0; i < conf->schemes->nelts; i++) {
            if (scheme[i].kind == NGX_HTTP_NOTIFY_SIGN_STANDARD) {
                return "is duplicate";
            }
        }
    }

    if (ngx_http_notify_sign_push(cf, conf, NGX_HTTP_NOTIFY_SIGN_STANDARD)
        == NULL)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_sign_set_hmac(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf)
{
    char                           *rv;
    ngx_str_t                      *value;
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = ngx_http_notify_sign_push(cf, &ccf->sign,
                                       NGX_HTTP_NOTIFY_SIGN_HMAC);
    if (scheme == NULL) {
        return NGX_CONF_ERROR;
    }

    scheme->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA256;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_http_notify_sign_set_parameter(cf, scheme, &value[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (scheme->header.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"header=\" is missing in \"sign hmac\"");
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_payload_reserve(cf, &ccf->payload,
                                           &scheme->header);
}


static char *
ngx_http_notify_sign_set_parameter(ngx_conf_t *cf,
    ngx_http_notify_sign_scheme_t *scheme, const ngx_str_t *value)
{
    u_char      *p;
    ngx_str_t    text;
    ngx_uint_t   i;
    const char  *reason;

    p = (u_char *) ngx_strchr(value->data, '=');
    if (p == NULL) {
        goto invalid;
    }

    text.data = p + 1;
    text.len = value->data + value->len - text.data;

    if (ngx_strncmp(value->data, "header=", 7) == 0) {
        scheme->header = text;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "data=", 5) == 0) {
        if (text.len == 0) {
            reason = "\"data=\" is empty";
            goto failed;
        }

        scheme->data = ngx_http_notify_payload_compile(cf, &text, &reason);
        if (scheme->data == NULL) {
            goto failed;
        }

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "prefix=", 7) == 0) {
        scheme->prefix = ngx_http_notify_payload_compile(cf, &text, &reason);
        if (scheme->prefix == NULL) {
            goto failed;
        }

        return NGX_CONF_OK;
    }

    for (i = 0; ngx_http_notify_sign_names[i].text != NULL; i++) {

        if (ngx_strcmp(value->data, ngx_http_notify_sign_names[i].text) != 0)
        {
            continue;
        }

        if (ngx_http_notify_sign_names[i].encoding) {
            scheme->base64 = ngx_http_notify_sign_names[i].value;

        } else {
            scheme->hash = ngx_http_notify_sign_names[i].value;
        }

        return NGX_CONF_OK;
    }

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"sign hmac\"", value);
    return NGX_CONF_ERROR;

failed:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"sign hmac\"", reason);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_notify_sign_set_jwt(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = ngx_http_notify_sign_push(cf, &ccf->sign,
                                       NGX_HTTP_NOTIFY_SIGN_JWT);
    if (scheme == NULL) {
        return NGX_CONF_ERROR;
    }

    scheme->jwt = ngx_http_notify_jwt_create(cf, &scheme->header,
                                             &scheme->scheme);
    if (scheme->jwt == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_payload_reserve(cf, &ccf->payload,
                                           &scheme->header);
}


static ngx_http_notify_sign_scheme_t *
ngx_http_notify_sign_push(ngx_conf_t *cf, ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_sign_kind_e kind)
{
    ngx_http_notify_sign_scheme_t  *scheme;

    if (conf->schemes == NULL) {
        conf->schemes = ngx_array_create(cf->pool, 2,
                                       sizeof(ngx_http_notify_sign_scheme_t));
        if (conf->schemes == NULL) {
            return NULL;
        }
    }

    scheme = ngx_array_push(conf->schemes);
    if (scheme == NULL) {
        return NULL;
    }

    ngx_memzero(scheme, sizeof(ngx_http_notify_sign_scheme_t));
    scheme->kind = kind;

    return scheme;
}


ngx_int_t
ngx_http_notify_sign_conf_named(const ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_payload_named_pt handler, void *data)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    if (conf->schemes == NULL) {
        return NGX_OK;
    }

    scheme = conf->schemes->elts;

    for (i = 0; i < conf->schemes->nelts; i++) {

        rc = ngx_http_notify_payload_named(scheme[i].data, handler, data);

        if (rc == NGX_OK) {
            rc = ngx_http_notify_payload_named(scheme[i].prefix, handler,
                                               data);
        }

        if (rc == NGX_OK && scheme[i].jwt) {
            rc = ngx_http_notify_jwt_named(scheme[i].jwt, handler, data);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}
