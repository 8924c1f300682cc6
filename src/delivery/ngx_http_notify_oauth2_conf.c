/*
 * The directive `oauth2`.  Its header is reserved, so that nothing else of the
 * profile or of a subscriber writes it.  The guard is asked when the block has
 * ended: its rules may stand behind.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_file.h"
#include "ngx_http_notify_oauth2.h"
#include "ngx_http_notify_text.h"


/* the first member is what the source needs */
typedef struct {
    ngx_http_notify_oauth2_conf_t   conf;
    ngx_str_t                       secret_file;
    ngx_str_t                       key_file;
    ngx_str_t                       claims;
    ngx_str_t                       auth;
    u_char                         *file;
    ngx_uint_t                      line;
    ngx_uint_t                      in_place;   /* unsigned  in_place:1; of
                                                   another directive */
} ngx_http_notify_oauth2_conf_args_t;


static ngx_http_notify_args_cmd_t  ngx_http_notify_oauth2_conf_set;
static ngx_http_notify_oauth2_conf_args_t *ngx_http_notify_oauth2_conf_args(
    ngx_conf_t *cf, ngx_http_notify_call_conf_t *ccf);
static char *ngx_http_notify_oauth2_conf_client(ngx_conf_t *cf,
    ngx_http_notify_oauth2_conf_args_t *args);
static char *ngx_http_notify_oauth2_conf_jwt(ngx_conf_t *cf,
    ngx_http_notify_oauth2_conf_args_t *args);
static char *ngx_http_notify_oauth2_conf_key(ngx_conf_t *cf,
    ngx_http_notify_oauth2_conf_args_t *args);
static ngx_http_notify_args_set_t  ngx_http_notify_oauth2_conf_auth;
static char *ngx_http_notify_oauth2_conf_missing(ngx_conf_t *cf,
    const char *name);


#define ngx_http_notify_oauth2_conf_of(name)                                  \
    offsetof(ngx_http_notify_oauth2_conf_args_t, conf)                        \
    + offsetof(ngx_http_notify_oauth2_conf_t, name)


static ngx_http_notify_args_param_t  ngx_http_notify_oauth2_conf_params[] = {

    { ngx_string("token_url="),
      ngx_http_notify_args_text,
      ngx_http_notify_oauth2_conf_of(url),
      1, NGX_HTTP_NOTIFY_GUARD_URL_MAX, "a URL", 0 },

    { ngx_string("client_id="),
      ngx_http_notify_args_text,
      ngx_http_notify_oauth2_conf_of(client_id),
      1, 1024, "a text of 1 to 1024 bytes", 0 },

    { ngx_string("secret_file="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_oauth2_conf_args_t, secret_file),
      1, NGX_MAX_SIZE_T_VALUE, "a file", 0 },

    { ngx_string("scope="),
      ngx_http_notify_args_text,
      ngx_http_notify_oauth2_conf_of(scope),
      1, 1024, "a text of 1 to 1024 bytes", 0 },

    { ngx_string("audience="),
      ngx_http_notify_args_text,
      ngx_http_notify_oauth2_conf_of(audience),
      1, 1024, "a text of 1 to 1024 bytes", 0 },

    { ngx_string("auth="),
      ngx_http_notify_oauth2_conf_auth,
      offsetof(ngx_http_notify_oauth2_conf_args_t, auth),
      0, 0, "\"basic\" or \"post\"", 0 },

    ngx_http_notify_args_end
};

static ngx_http_notify_args_param_t
    ngx_http_notify_oauth2_conf_jwt_params[] =
{
    { ngx_string("token_url="),
      ngx_http_notify_args_text,
      ngx_http_notify_oauth2_conf_of(url),
      1, NGX_HTTP_NOTIFY_GUARD_URL_MAX, "a URL", 0 },

    { ngx_string("key_file="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_oauth2_conf_args_t, key_file),
      1, NGX_MAX_SIZE_T_VALUE, "a file", 0 },

    { ngx_string("claims="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_oauth2_conf_args_t, claims),
      1, NGX_MAX_SIZE_T_VALUE, "a JSON object", 0 },

    { ngx_string("scope="),
      ngx_http_notify_args_text,
      ngx_http_notify_oauth2_conf_of(scope),
      1, 1024, "a text of 1 to 1024 bytes", 0 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_oauth2_conf_commands[] = {

    { ngx_string("oauth2"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_oauth2_conf_set,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_oauth2_conf_module =
    ngx_http_notify_block_module(ngx_http_notify_oauth2_conf_commands);


static char *
ngx_http_notify_oauth2_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    char                                *rv;
    ngx_str_t                           *value;
    ngx_http_notify_oauth2_conf_args_t  *args;

    args = (ngx_http_notify_oauth2_conf_args_t *) ccf->oauth2;

    if (args) {
        return args->in_place ? "cannot be beside \"service_account\""
                              : "is duplicate";
    }

    args = ngx_http_notify_oauth2_conf_args(cf, ccf);
    if (args == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "jwt_bearer") == 0) {
        rv = ngx_http_notify_args_parse(cf, 2,
                                        ngx_http_notify_oauth2_conf_jwt_params,
                                        args);
        if (rv == NGX_CONF_OK) {
            rv = ngx_http_notify_oauth2_conf_jwt(cf, args);
        }

    } else {
        rv = ngx_http_notify_args_parse(cf, 1,
                                        ngx_http_notify_oauth2_conf_params,
                                        args);
        if (rv == NGX_CONF_OK) {
            rv = ngx_http_notify_oauth2_conf_client(cf, args);
        }
    }

    return rv;
}


char *
ngx_http_notify_oauth2_conf_account(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *call, const ngx_str_t *file,
    const ngx_str_t *scope)
{
    char                                *rv;
    ngx_http_notify_oauth2_conf_args_t  *args;

    args = (ngx_http_notify_oauth2_conf_args_t *) call->oauth2;

    if (args) {
        return args->in_place ? "is duplicate" : "cannot be beside \"oauth2\"";
    }

    args = ngx_http_notify_oauth2_conf_args(cf, call);
    if (args == NULL) {
        return NGX_CONF_ERROR;
    }

    args->in_place = 1;

    args->key_file = *file;
    args->conf.scope = *scope;

    rv = ngx_http_notify_oauth2_conf_key(cf, args);

    if (rv == NGX_CONF_OK
        && (!args->conf.account
            || !ngx_http_notify_text_is(&args->conf.alg, "RS256")))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"service_account\" cannot be used: it "
                           "is not the JSON of a service account with an RSA "
                           "key", file);
        return NGX_CONF_ERROR;
    }

    return rv;
}


/* of a directive that has not been there yet */

static ngx_http_notify_oauth2_conf_args_t *
ngx_http_notify_oauth2_conf_args(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *ccf)
{
    ngx_http_notify_oauth2_conf_args_t  *args;

    static const ngx_str_t  name = ngx_string("Authorization");

    args = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_oauth2_conf_args_t));

    if (args == NULL
        || ngx_http_notify_payload_reserve(cf, &ccf->payload, &name)
           != NGX_CONF_OK)
    {
        return NULL;
    }

    args->file = cf->conf_file->file.name.data;
    args->line = cf->conf_file->line;

    ccf->oauth2 = &args->conf;

    return args;
}


/* the secret is the first line of its file */

static char *
ngx_http_notify_oauth2_conf_client(ngx_conf_t *cf,
    ngx_http_notify_oauth2_conf_args_t *args)
{
    u_char     *p;
    ngx_str_t   text, *secret;

    if (args->conf.url.len == 0) {
        return ngx_http_notify_oauth2_conf_missing(cf, "token_url=");
    }

    if (args->conf.client_id.len == 0) {
        return ngx_http_notify_oauth2_conf_missing(cf, "client_id=");
    }

    if (args->secret_file.len == 0) {
        return ngx_http_notify_oauth2_conf_missing(cf, "secret_file=");
    }

    args->conf.post = ngx_http_notify_text_is(&args->auth, "post");

    if (ngx_http_notify_file_secret(cf, &args->secret_file, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    p = ngx_strlchr(text.data, text.data + text.len, LF);

    if (p) {
        text.len = p - text.data;
    }

    if (text.len && text.data[text.len - 1] == CR) {
        text.len--;
    }

    secret = &args->conf.client_secret;
    secret->len = text.len;
    secret->data = text.len ? ngx_pstrdup(cf->pool, &text) : text.data;

    ngx_http_notify_file_wipe(&text);

    if (secret->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"oauth2\" has no secret in its first "
                           "line", &args->secret_file);
        return NGX_CONF_ERROR;
    }

    return secret->data ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_notify_oauth2_conf_jwt(ngx_conf_t *cf,
    ngx_http_notify_oauth2_conf_args_t *args)
{
    char  *rv;

    if (args->key_file.len == 0) {
        return ngx_http_notify_oauth2_conf_missing(cf, "key_file=");
    }

    rv = ngx_http_notify_oauth2_conf_key(cf, args);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (args->conf.url.len == 0) {
        return ngx_http_notify_oauth2_conf_missing(cf, "token_url=");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_oauth2_conf_key(ngx_conf_t *cf,
    ngx_http_notify_oauth2_conf_args_t *args)
{
    ngx_int_t    rc;
    ngx_str_t    text;
    const char  *reason;

    if (ngx_http_notify_file_secret(cf, &args->key_file, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    rc = ngx_http_notify_oauth2_key(cf->pool, &args->conf, &text,
                                    &args->claims, &reason);

    ngx_http_notify_file_wipe(&text);

    if (rc != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key \"%V\" of \"%s\" cannot be used: %s",
                           &args->key_file, args->in_place ? "service_account"
                                                           : "oauth2", reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_oauth2_conf_auth(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    if (!ngx_http_notify_text_is(value, "basic")
        && !ngx_http_notify_text_is(value, "post"))
    {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    *(ngx_str_t *) field = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_oauth2_conf_missing(ngx_conf_t *cf, const char *name)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%s\" is missing in \"oauth2\"",
                       name);
    return NGX_CONF_ERROR;
}


char *
ngx_http_notify_oauth2_conf_init(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *call)
{
    ngx_str_t                            tenant;
    const char                          *reason;
    ngx_http_notify_guard_url_t          url;
    ngx_http_notify_oauth2_conf_args_t  *args;

    if (call->oauth2 == NULL) {
        return NGX_CONF_OK;
    }

    args = (ngx_http_notify_oauth2_conf_args_t *) call->oauth2;

    if (ngx_http_notify_guard_url(cf->pool, &args->conf.url, &call->guard,
                                  &url, &reason)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "invalid \"%s%V\" in \"%s\": %s in %s:%ui",
                      args->in_place ? "token_uri " : "token_url=",
                      &args->conf.url,
                      args->in_place ? "service_account" : "oauth2", reason,
                      args->file, args->line);
        return NGX_CONF_ERROR;
    }

    ngx_str_null(&tenant);

    call->token = ngx_http_notify_oauth2_create(cf->pool, &args->conf, call,
                                                &tenant);

    return call->token ? NGX_CONF_OK : NGX_CONF_ERROR;
}
