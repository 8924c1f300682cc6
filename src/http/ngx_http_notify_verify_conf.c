/*
 * The arguments of notify_verify, and the secrets and keys that they name.
 * Run while the configuration is read.
 * Must not know how a request is judged.
 */

#include "ngx_http_notify_file.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_verify.h"
#include "ngx_http_notify_verify_value.h"


#define NGX_HTTP_NOTIFY_VERIFY_WINDOW    300
#define NGX_HTTP_NOTIFY_VERIFY_WINDOW_MAX  (365 * 24 * 60 * 60)
#define NGX_HTTP_NOTIFY_VERIFY_LIMIT     (1024 * 1024)
/* GitHub's, the largest of them */
#define NGX_HTTP_NOTIFY_VERIFY_SERVICE_LIMIT  (25 * 1024 * 1024)

#define NGX_HTTP_NOTIFY_VERIFY_S  (1 << NGX_HTTP_NOTIFY_VERIFY_STANDARD)
#define NGX_HTTP_NOTIFY_VERIFY_H  (1 << NGX_HTTP_NOTIFY_VERIFY_HMAC)
#define NGX_HTTP_NOTIFY_VERIFY_J  (1 << NGX_HTTP_NOTIFY_VERIFY_JWT)
#define NGX_HTTP_NOTIFY_VERIFY_T  (1 << NGX_HTTP_NOTIFY_VERIFY_TWILIO)
#define NGX_HTTP_NOTIFY_VERIFY_ALL  ((2 << NGX_HTTP_NOTIFY_VERIFY_TWILIO) - 1)
/* the services */
#define NGX_HTTP_NOTIFY_VERIFY_V  ((2 << NGX_HTTP_NOTIFY_VERIFY_TWILIO)      \
                                   - (1 << NGX_HTTP_NOTIFY_VERIFY_STRIPE))


typedef struct {
    ngx_str_t  secret_file;
    ngx_str_t  window;
    ngx_str_t  header;
    ngx_str_t  data;
    ngx_str_t  algorithm;
    ngx_str_t  encoding;
    ngx_str_t  prefix;
    ngx_str_t  once;
    ngx_str_t  alg;
    ngx_str_t  key;
    ngx_str_t  token;
    ngx_str_t  aud;
    ngx_str_t  iss;
    ngx_str_t  typ;
    ngx_str_t  limit;
    ngx_str_t  url;
} ngx_http_notify_verify_args_t;


static char *ngx_http_notify_verify_conf_parse(ngx_conf_t *cf,
    ngx_http_notify_verify_scheme_e scheme,
    ngx_http_notify_verify_args_t *args);
static char *ngx_http_notify_verify_conf_common(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args);
static char *ngx_http_notify_verify_conf_once(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args);
static char *ngx_http_notify_verify_conf_hmac(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args);
static char *ngx_http_notify_verify_conf_data(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args);
static void ngx_http_notify_verify_conf_unsigned(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args);
static ngx_uint_t ngx_http_notify_verify_conf_carrier(
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args, const ngx_str_t *name);
static char *ngx_http_notify_verify_conf_jwt(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args);


static const struct {
    ngx_str_t    name;
    ngx_uint_t   schemes;
    size_t       offset;
} ngx_http_notify_verify_conf_args[] = {
    { ngx_string("secret_file="),
      NGX_HTTP_NOTIFY_VERIFY_S|NGX_HTTP_NOTIFY_VERIFY_H
      |NGX_HTTP_NOTIFY_VERIFY_V,
      offsetof(ngx_http_notify_verify_args_t, secret_file) },
    { ngx_string("window="),
      NGX_HTTP_NOTIFY_VERIFY_S|NGX_HTTP_NOTIFY_VERIFY_J
      |NGX_HTTP_NOTIFY_VERIFY_V,
      offsetof(ngx_http_notify_verify_args_t, window) },
    { ngx_string("header="),
      NGX_HTTP_NOTIFY_VERIFY_H|NGX_HTTP_NOTIFY_VERIFY_J,
      offsetof(ngx_http_notify_verify_args_t, header) },
    { ngx_string("data="), NGX_HTTP_NOTIFY_VERIFY_H,
      offsetof(ngx_http_notify_verify_args_t, data) },
    { ngx_string("algorithm="), NGX_HTTP_NOTIFY_VERIFY_H,
      offsetof(ngx_http_notify_verify_args_t, algorithm) },
    { ngx_string("encoding="), NGX_HTTP_NOTIFY_VERIFY_H,
      offsetof(ngx_http_notify_verify_args_t, encoding) },
    { ngx_string("prefix="), NGX_HTTP_NOTIFY_VERIFY_H,
      offsetof(ngx_http_notify_verify_args_t, prefix) },
    { ngx_string("limit="),
      NGX_HTTP_NOTIFY_VERIFY_ALL,
      offsetof(ngx_http_notify_verify_args_t, limit) },
    { ngx_string("once="),
      NGX_HTTP_NOTIFY_VERIFY_ALL,
      offsetof(ngx_http_notify_verify_args_t, once) },
    { ngx_string("alg="), NGX_HTTP_NOTIFY_VERIFY_J,
      offsetof(ngx_http_notify_verify_args_t, alg) },
    { ngx_string("key="), NGX_HTTP_NOTIFY_VERIFY_J,
      offsetof(ngx_http_notify_verify_args_t, key) },
    { ngx_string("url="), NGX_HTTP_NOTIFY_VERIFY_T,
      offsetof(ngx_http_notify_verify_args_t, url) },
    { ngx_string("token="), NGX_HTTP_NOTIFY_VERIFY_J,
      offsetof(ngx_http_notify_verify_args_t, token) },
    { ngx_string("aud="), NGX_HTTP_NOTIFY_VERIFY_J,
      offsetof(ngx_http_notify_verify_args_t, aud) },
    { ngx_string("iss="), NGX_HTTP_NOTIFY_VERIFY_J,
      offsetof(ngx_http_notify_verify_args_t, iss) },
    { ngx_string("typ="), NGX_HTTP_NOTIFY_VERIFY_J,
      offsetof(ngx_http_notify_verify_args_t, typ) },
    { ngx_null_string, 0, 0 }
};


/* notify_verify standard|hmac|jwt|SERVICE NAME=VALUE... | off */

char *
ngx_http_notify_verify_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_verify_loc_conf_t *vlcf = conf;

    ngx_str_t                           *value;
    ngx_uint_t                           i;
    ngx_http_notify_verify_args_t        args;
    ngx_http_notify_verify_conf_t       *verify;
    ngx_http_notify_verify_main_conf_t  *vmcf;

    static const char  *schemes[] = { "standard", "hmac", "jwt", NULL };

    if (vlcf->verify != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_http_notify_text_is(&value[1], "off")) {
        vlcf->verify = NULL;
        return NGX_CONF_OK;
    }

    ngx_memzero(&args, sizeof(ngx_http_notify_verify_args_t));

    verify = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_verify_conf_t));
    if (verify == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; schemes[i]; i++) {
        if (ngx_http_notify_text_is(&value[1], schemes[i])) {
            break;
        }
    }

    verify->scheme = i;

    if (schemes[i] == NULL
        && ngx_http_notify_verify_service_find(&value[1], verify) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid scheme \"%V\", it must be \"standard\", "
                           "\"hmac\", \"jwt\", \"stripe\", \"slack\", "
                           "\"github\", \"shopify\", \"svix\" or "
                           "\"twilio\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_verify_conf_parse(cf, verify->scheme, &args)
        != NGX_CONF_OK
        || ngx_http_notify_verify_conf_common(cf, verify, &args)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    vmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_verify_module);
    vmcf->used = 1;
    vlcf->verify = verify;

    switch (verify->scheme) {

    case NGX_HTTP_NOTIFY_VERIFY_HMAC:
        return ngx_http_notify_verify_conf_hmac(cf, verify, &args);

    case NGX_HTTP_NOTIFY_VERIFY_JWT:
        return ngx_http_notify_verify_conf_jwt(cf, verify, &args);

    default: /* NGX_HTTP_NOTIFY_VERIFY_STANDARD, the services */
        return ngx_http_notify_verify_conf_secrets(cf, verify,
                                                   &args.secret_file);
    }
}


static char *
ngx_http_notify_verify_conf_parse(ngx_conf_t *cf,
    ngx_http_notify_verify_scheme_e scheme,
    ngx_http_notify_verify_args_t *args)
{
    ngx_str_t   *value, *field;
    ngx_uint_t   i, n;

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        for (n = 0; ngx_http_notify_verify_conf_args[n].name.len; n++) {
            if (ngx_strncmp(value[i].data,
                            ngx_http_notify_verify_conf_args[n].name.data,
                            ngx_http_notify_verify_conf_args[n].name.len)
                == 0)
            {
                break;
            }
        }

        if (!(ngx_http_notify_verify_conf_args[n].schemes & (1 << scheme))) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in \"notify_verify\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        field = (ngx_str_t *) ((u_char *) args
                               + ngx_http_notify_verify_conf_args[n].offset);

        if (field->data != NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        field->data = value[i].data
                      + ngx_http_notify_verify_conf_args[n].name.len;
        field->len = value[i].len
                     - ngx_http_notify_verify_conf_args[n].name.len;

        if (field->len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "empty parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_verify_conf_common(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args)
{
    size_t   i;
    ssize_t  limit;

    for (i = 0; i < args->header.len; i++) {
        if (args->header.data[i] <= ' '
            || args->header.data[i] >= 0x7f
            || args->header.data[i] == ':')
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid name in \"header=%V\"",
                               &args->header);
            return NGX_CONF_ERROR;
        }
    }

    verify->limit = NGX_HTTP_NOTIFY_VERIFY_LIMIT;
    verify->prefix = args->prefix;

    if (args->header.data != NULL) {
        verify->header = args->header;
    }

    if (verify->prefix.data == NULL) {
        ngx_str_set(&verify->prefix, "");
    }

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_STANDARD || verify->timed) {
        verify->window = NGX_HTTP_NOTIFY_VERIFY_WINDOW;
    }

    if (verify->scheme >= NGX_HTTP_NOTIFY_VERIFY_STRIPE) {
        verify->limit = NGX_HTTP_NOTIFY_VERIFY_SERVICE_LIMIT;

        if (args->window.data != NULL && !verify->timed) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "\"%V\" is only how long \"once=\" remembers "
                               "at least, no time is signed", &args->window);
        }
    }

    if (args->url.data != NULL
        && ngx_http_notify_verify_value(cf, "url", &args->url, &verify->url)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (args->window.data != NULL) {
        verify->window = ngx_parse_time(&args->window, 1);

        if (verify->window < 1
            || verify->window > NGX_HTTP_NOTIFY_VERIFY_WINDOW_MAX)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid time \"window=%V\", it must be 1s to "
                               "365d", &args->window);
            return NGX_CONF_ERROR;
        }
    }

    if (args->limit.data != NULL) {
        limit = ngx_parse_size(&args->limit);

        if (limit == NGX_ERROR || limit == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid size \"limit=%V\"", &args->limit);
            return NGX_CONF_ERROR;
        }

        verify->limit = limit;
    }

    return args->once.data ? ngx_http_notify_verify_conf_once(cf, verify, args)
                           : NGX_CONF_OK;
}


/* the scope keeps the values of different senders apart */

static char *
ngx_http_notify_verify_conf_once(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args)
{
    ngx_str_t                           *file, header, rest;
    ngx_http_notify_main_conf_t         *mcf;
    ngx_http_notify_verify_value_t       variable;
    ngx_http_notify_verify_main_conf_t  *vmcf;

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_JWT
        && ngx_http_notify_text_is(&args->once, "jti"))
    {
        verify->once_jti = 1;

    } else if (ngx_http_notify_verify_value(cf, "once", &args->once,
                                                 &verify->once)
               != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;

    } else if (verify->once->lengths == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"once=%V\" has no variable, all calls would have "
                           "the same value", &args->once);
        return NGX_CONF_ERROR;
    }

    rest = args->once;

    while (ngx_http_notify_verify_value_next(&rest, args->once.data,
                                                &variable))
    {
        if (ngx_http_notify_verify_conf_carrier(verify, args,
                                                &variable.name))
        {
            verify->once_signed = 1;
        }
    }

    if (verify->once && !verify->once_signed) {
        ngx_http_notify_verify_conf_unsigned(cf, verify, args);
    }

    file = args->key.data ? &args->key : &args->secret_file;
    ngx_str_set(&header, "");

    if (args->header.data != NULL) {
        header = args->header;
    }

    if (ngx_http_notify_memory_printf(cf->pool, &verify->scope, "%V %V %V",
                                      file, &header, &args->once)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_notify_module);

    mcf->used = 1;
    mcf->commands = 1;

    vmcf = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_notify_verify_module);
    vmcf->once = 1;

    return NGX_CONF_OK;
}


/* whether the signature, or the token, comes in this variable */

static ngx_uint_t
ngx_http_notify_verify_conf_carrier(ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args, const ngx_str_t *name)
{
    ngx_str_t  header;

    if (args->token.data != NULL) {
        return ngx_http_notify_verify_value_has(&args->token, name);
    }

    if (verify->header.len
        && ngx_http_notify_verify_value_names(name, &verify->header))
    {
        return 1;
    }

    if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_STANDARD
        || verify->scheme == NGX_HTTP_NOTIFY_VERIFY_SVIX)
    {
        ngx_str_set(&header, "webhook-signature");

    } else if (verify->header.len == 0) {
        ngx_str_set(&header, "Authorization");

    } else {
        return 0;
    }

    return ngx_http_notify_verify_value_names(name, &header);
}


/* a sender, and each forger, may write what it likes where nothing is signed */

static void
ngx_http_notify_verify_conf_unsigned(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args)
{
    ngx_str_t                           rest;
    ngx_uint_t                          free;
    ngx_http_notify_verify_value_t       variable;

    free = 0;
    rest = args->once;

    while (ngx_http_notify_verify_value_next(&rest, args->once.data,
                                                &variable))
    {
        if (args->data.data != NULL) {

            if (ngx_http_notify_verify_value_has(&args->data,
                                                     &variable.name))
            {
                return;
            }

        } else if (ngx_http_notify_verify_service_covers(verify->scheme,
                                                         &variable.name))
        {
            return;

        } else if (verify->scheme == NGX_HTTP_NOTIFY_VERIFY_STANDARD
                   && (ngx_http_notify_verify_value_begins(&variable.name,
                                                          "http_webhook_id")
                       || ngx_http_notify_verify_value_begins(&variable.name,
                                                "http_webhook_timestamp")))
        {
            return;
        }

        if (ngx_http_notify_verify_value_begins(&variable.name, "http_")
            || ngx_http_notify_verify_value_begins(&variable.name, "arg_")
            || ngx_http_notify_verify_value_begins(&variable.name, "cookie_")
            || ngx_http_notify_verify_value_begins(&variable.name, "request_id")
            || (args->data.data != NULL
                && ngx_http_notify_verify_value_begins(&variable.name,
                                                      "notify_body_")))
        {
            free = 1;
            continue;
        }

        return;
    }

    if (free) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"once=%V\" is not signed, a call may be repeated "
                           "with another value", &args->once);
    }
}


static char *
ngx_http_notify_verify_conf_hmac(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args)
{
    if (args->header.len == 0) {
        return "needs \"header=\"";
    }

    verify->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA256;

    if (ngx_http_notify_text_is(&args->algorithm, "sha1")) {
        verify->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA1;

    } else if (ngx_http_notify_text_is(&args->algorithm, "sha512")) {
        verify->hash = NGX_HTTP_NOTIFY_CRYPTO_SHA512;

    } else if (args->algorithm.data
               && !ngx_http_notify_text_is(&args->algorithm, "sha256"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"algorithm=%V\" must be sha1, sha256 or sha512",
                           &args->algorithm);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_notify_text_is(&args->encoding, "base64")) {
        verify->base64 = 1;

    } else if (args->encoding.data
               && !ngx_http_notify_text_is(&args->encoding, "hex"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"encoding=%V\" must be hex or base64",
                           &args->encoding);
        return NGX_CONF_ERROR;
    }

    if (args->data.data != NULL
        && ngx_http_notify_verify_conf_data(cf, verify, args) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_verify_conf_secrets(cf, verify,
                                               &args->secret_file);
}


/*
 * What is signed must be what the backend will read: the handler refuses
 * bodies that have one of these members twice.
 */

static char *
ngx_http_notify_verify_conf_data(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args)
{
    ngx_str_t                           rest, *name;
    ngx_http_notify_verify_value_t       variable;

    static const char  prefix[] = "notify_body_";

    if (ngx_http_notify_verify_value(cf, "data", &args->data,
                                          &verify->data)
        != NGX_CONF_OK
        || ngx_array_init(&verify->members, cf->pool, 2, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    rest = args->data;

    while (ngx_http_notify_verify_value_next(&rest, args->data.data,
                                                &variable))
    {
        if (variable.adjacent) {
            verify->adjacent = 1;
        }

        if (!ngx_http_notify_verify_value_begins(&variable.name, prefix)) {
            continue;
        }

        name = ngx_array_push(&verify->members);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        name->data = variable.name.data + sizeof(prefix) - 1;
        name->len = variable.name.len - (sizeof(prefix) - 1);
    }

    if (verify->adjacent) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "variables of \"data=%V\" stand side by side, what "
                           "is signed does not say where one ends",
                           &args->data);
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_verify_conf_jwt(ngx_conf_t *cf,
    ngx_http_notify_verify_conf_t *verify,
    ngx_http_notify_verify_args_t *args)
{
    ngx_str_t                           text, rest;
    const char                         *reason;
    ngx_http_notify_crypto_jws_e        alg;
    ngx_http_notify_verify_value_t       variable;

    if (ngx_http_notify_crypto_jws(&args->alg, &alg) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"alg=%V\" must be "
                           NGX_HTTP_NOTIFY_CRYPTO_JWS_NAMES, &args->alg);
        return NGX_CONF_ERROR;
    }

    if (args->key.len == 0) {
        return "needs \"key=\"";
    }

    verify->alg = args->alg;
    verify->aud = args->aud;
    verify->iss = args->iss;
    verify->typ = args->typ;
    verify->body = (args->once.data != NULL);

    if (args->token.data != NULL) {

        if (args->header.data != NULL) {
            return "takes \"header=\" or \"token=\"";
        }

        if (ngx_http_notify_verify_value(cf, "token", &args->token,
                                              &verify->token)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        rest = args->token;

        while (ngx_http_notify_verify_value_next(&rest, args->token.data,
                                                    &variable))
        {
            if (ngx_http_notify_verify_value_begins(&variable.name,
                                                   "notify_body_")
                || ngx_http_notify_verify_value_begins(&variable.name,
                                                      "notify_payload_text"))
            {
                verify->body = 1;
            }
        }
    }

    if (verify->header.len == 0) {
        ngx_str_set(&verify->header, "Authorization");
    }

    if (ngx_http_notify_file_secret(cf, &args->key, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    verify->key = ngx_http_notify_crypto_key_public(cf->pool, &text, alg,
                                                    &reason);

    ngx_http_notify_file_wipe(&text);

    if (verify->key == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key \"%V\" cannot be used: %s", &args->key,
                           reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
