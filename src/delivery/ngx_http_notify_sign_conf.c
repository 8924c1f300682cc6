/*
 * The directives of signatures: sign, jwt.  Their headers are reserved, so
 * that nothing else of the profile or of a subscriber writes them.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_sign.h"
#include "ngx_http_notify_sign_conf.h"
#include "ngx_http_notify_text.h"


static ngx_http_notify_args_cmd_t  ngx_http_notify_sign_set;
static char *ngx_http_notify_sign_set_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf, ngx_uint_t params);
static char *ngx_http_notify_sign_set_hmac(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf);
static char *ngx_http_notify_sign_set_aws(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf);
static ngx_http_notify_args_set_t  ngx_http_notify_sign_set_template;
static ngx_http_notify_args_set_t  ngx_http_notify_sign_set_algorithm;
static ngx_http_notify_args_set_t  ngx_http_notify_sign_set_encoding;
static ngx_http_notify_args_cmd_t  ngx_http_notify_sign_set_jwt;
static ngx_http_notify_sign_scheme_t *ngx_http_notify_sign_push(
    ngx_conf_t *cf, ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_sign_kind_e kind);


static ngx_conf_enum_t  ngx_http_notify_sign_algorithms[] = {
    { ngx_string("sha1"), NGX_HTTP_NOTIFY_CRYPTO_SHA1 },
    { ngx_string("sha256"), NGX_HTTP_NOTIFY_CRYPTO_SHA256 },
    { ngx_string("sha512"), NGX_HTTP_NOTIFY_CRYPTO_SHA512 }
};

static ngx_conf_enum_t  ngx_http_notify_sign_encodings[] = {
    { ngx_string("hex"), 0 },
    { ngx_string("base64"), 1 }
};

static ngx_http_notify_args_param_t  ngx_http_notify_sign_standard_params[] = {

    { ngx_string("id="),
      ngx_http_notify_sign_set_template,
      offsetof(ngx_http_notify_sign_scheme_t, data),
      1, 0, NULL, 0 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t  ngx_http_notify_sign_params[] = {

    { ngx_string("header="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_sign_scheme_t, header),
      1, 256, "the name of a header", 0 },

    { ngx_string("data="),
      ngx_http_notify_sign_set_template,
      offsetof(ngx_http_notify_sign_scheme_t, data),
      1, 0, NULL, 0 },

    { ngx_string("prefix="),
      ngx_http_notify_sign_set_template,
      offsetof(ngx_http_notify_sign_scheme_t, prefix),
      0, 0, NULL, 0 },

    { ngx_string("algorithm="),
      ngx_http_notify_sign_set_algorithm,
      0,
      0, 0, "\"sha1\", \"sha256\" or \"sha512\"", 0 },

    { ngx_string("encoding="),
      ngx_http_notify_sign_set_encoding,
      0,
      0, 0, "\"hex\" or \"base64\"", 0 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_sign_commands[] = {

    { ngx_string("sign"),
      NGX_HTTP_NOTIFY_PROFILE_CONF|NGX_CONF_1MORE,
      ngx_http_notify_sign_set,
      ngx_http_notify_block_whole },

    { ngx_string("jwt"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_sign_set_jwt,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_sign_module =
    ngx_http_notify_block_module(ngx_http_notify_sign_commands);


char *
ngx_http_notify_sign_conf_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf)
{
    return ngx_http_notify_sign_set_standard(cf, conf, 0);
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

    if (ngx_strcmp(value[1].data, "aws") == 0) {
        return ngx_http_notify_sign_set_aws(cf, ccf);
    }

    if (ngx_strcmp(value[1].data, "standard") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\" in \"sign\", "
                           "it must be \"standard\", \"hmac\" or \"aws\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_sign_set_standard(cf, &ccf->sign, 1);
}


static char *
ngx_http_notify_sign_set_standard(ngx_conf_t *cf,
    ngx_http_notify_sign_conf_t *conf, ngx_uint_t params)
{
    ngx_http_notify_sign_scheme_t  *scheme;

    if (ngx_http_notify_sign_conf_find_standard(conf)) {
        return "is duplicate";
    }

    scheme = ngx_http_notify_sign_push(cf, conf,
                                       NGX_HTTP_NOTIFY_SIGN_STANDARD);
    if (scheme == NULL) {
        return NGX_CONF_ERROR;
    }

    return params ? ngx_http_notify_args_parse(cf, 2,
                                    ngx_http_notify_sign_standard_params,
                                    scheme)
                  : NGX_CONF_OK;
}


static char *
ngx_http_notify_sign_set_hmac(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf)
{
    char                           *rv;
    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = ngx_http_notify_sign_push(cf, &ccf->sign,
                                       NGX_HTTP_NOTIFY_SIGN_HMAC);
    if (scheme == NULL) {
        return NGX_CONF_ERROR;
    }

    scheme->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA256;

    rv = ngx_http_notify_args_parse(cf, 2, ngx_http_notify_sign_params,
                                    scheme);
    if (rv != NGX_CONF_OK) {
        return rv;
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
ngx_http_notify_sign_set_aws(ngx_conf_t *cf, ngx_http_notify_call_conf_t *ccf)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    static const ngx_str_t  headers[] = {
        ngx_string("Authorization"),
        ngx_string("X-Amz-Content-Sha256"),
        ngx_string("X-Amz-Date"),
        ngx_string("X-Amz-Security-Token")
    };

    scheme = ngx_http_notify_sign_push(cf, &ccf->sign,
                                       NGX_HTTP_NOTIFY_SIGN_AWS);
    if (scheme == NULL) {
        return NGX_CONF_ERROR;
    }

    scheme->aws = ngx_http_notify_sign_aws_conf(cf);
    if (scheme->aws == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < 4; i++) {
        if (ngx_http_notify_payload_reserve(cf, &ccf->payload, &headers[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_sign_set_template(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_template_t **template = field;

    ngx_str_t   *args;
    const char  *reason;

    args = cf->args->elts;

    if (value->len < (size_t) param->min) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is empty in \"sign %V\"", &param->name,
                           &args[1]);
        return NGX_CONF_ERROR;
    }

    *template = ngx_http_notify_payload_compile(cf, value, &reason);

    if (*template) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"sign %V\"", reason,
                       &args[1]);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_notify_sign_set_algorithm(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_sign_scheme_t *scheme = field;

    ngx_conf_enum_t  *algorithm;

    algorithm = ngx_http_notify_text_find_in(value,
                                             ngx_http_notify_sign_algorithms);
    if (algorithm == NULL) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    scheme->hash = algorithm->value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_sign_set_encoding(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_sign_scheme_t *scheme = field;

    ngx_conf_enum_t  *encoding;

    encoding = ngx_http_notify_text_find_in(value,
                                            ngx_http_notify_sign_encodings);
    if (encoding == NULL) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    scheme->base64 = encoding->value;

    return NGX_CONF_OK;
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

    if (conf->schemes.elts == NULL
        && ngx_array_init(&conf->schemes, cf->pool, 2,
                          sizeof(ngx_http_notify_sign_scheme_t))
           != NGX_OK)
    {
        return NULL;
    }

    scheme = ngx_array_push(&conf->schemes);
    if (scheme == NULL) {
        return NULL;
    }

    ngx_memzero(scheme, sizeof(ngx_http_notify_sign_scheme_t));
    scheme->kind = kind;

    return scheme;
}


ngx_http_notify_sign_scheme_t *
ngx_http_notify_sign_conf_find_standard(
    const ngx_http_notify_sign_conf_t *conf)
{
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = conf->schemes.elts;

    for (i = 0; i < conf->schemes.nelts; i++) {
        if (scheme[i].kind == NGX_HTTP_NOTIFY_SIGN_STANDARD) {
            return &scheme[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_notify_sign_conf_named(const ngx_http_notify_sign_conf_t *conf,
    ngx_http_notify_payload_named_pt handler, void *data)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_notify_sign_scheme_t  *scheme;

    scheme = conf->schemes.elts;

    for (i = 0; i < conf->schemes.nelts; i++) {

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
