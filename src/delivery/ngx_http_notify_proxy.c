/*
 * The directives `proxy` and `bind`.  The proxy's name is resolved when the
 * configuration is read, as nginx does it for its own upstreams.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_block.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_file.h"
#include "ngx_http_notify_text.h"


typedef struct {
    ngx_str_t    user;
    ngx_str_t    password_file;
} ngx_http_notify_proxy_args_t;


static ngx_http_notify_args_cmd_t  ngx_http_notify_proxy_set;
static ngx_int_t ngx_http_notify_proxy_url(ngx_conf_t *cf,
    ngx_http_notify_proxy_t *proxy, const ngx_str_t *text);
static ngx_int_t ngx_http_notify_proxy_password(ngx_conf_t *cf,
    ngx_http_notify_proxy_t *proxy, ngx_http_notify_proxy_args_t *args);
static ngx_int_t ngx_http_notify_proxy_basic(ngx_conf_t *cf,
    ngx_http_notify_proxy_t *proxy, const ngx_str_t *user,
    const ngx_str_t *password);
static ngx_http_notify_args_cmd_t  ngx_http_notify_proxy_set_bind;


static ngx_http_notify_args_param_t  ngx_http_notify_proxy_params[] = {

    { ngx_string("user="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_proxy_args_t, user),
      1, 256, "a text of 1 to 256 bytes", 0 },

    { ngx_string("password_file="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_proxy_args_t, password_file),
      1, NGX_MAX_SIZE_T_VALUE, "a file", 0 },

    ngx_http_notify_args_end
};


static ngx_command_t  ngx_http_notify_proxy_commands[] = {

    { ngx_string("proxy"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_proxy_set,
      ngx_http_notify_block_whole },

    { ngx_string("bind"),
      NGX_HTTP_NOTIFY_CALL_CONF|NGX_CONF_1MORE,
      ngx_http_notify_proxy_set_bind,
      ngx_http_notify_block_whole },

      ngx_null_command
};


ngx_module_t  ngx_http_notify_proxy_module =
    ngx_http_notify_block_module(ngx_http_notify_proxy_commands);


ngx_addr_t *
ngx_http_notify_proxy_local(const ngx_http_notify_proxy_conf_t *conf,
    const struct sockaddr *to)
{
    ngx_uint_t   i, n;
    ngx_addr_t  *addr;

    static ngx_uint_t  turn;

    if (conf->bind == NULL) {
        return NULL;
    }

    addr = conf->bind->elts;
    n = conf->bind->nelts;
    turn++;

    for (i = 0; i < n; i++) {
        if (addr[(turn + i) % n].sockaddr->sa_family == to->sa_family) {
            return &addr[(turn + i) % n];
        }
    }

    return NULL;
}


static char *
ngx_http_notify_proxy_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    char                          *rv;
    ngx_str_t                     *value;
    ngx_http_notify_proxy_t       *proxy;
    ngx_http_notify_proxy_args_t   args;

    if (ccf->way.proxy) {
        return "is duplicate";
    }

    proxy = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_proxy_t));
    if (proxy == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&args, sizeof(ngx_http_notify_proxy_args_t));

    value = cf->args->elts;

    rv = ngx_http_notify_args_parse(cf, 2, ngx_http_notify_proxy_params,
                                    &args);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_http_notify_proxy_url(cf, proxy, &value[1]) != NGX_OK
        || ngx_http_notify_proxy_password(cf, proxy, &args) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ccf->way.proxy = proxy;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_notify_proxy_url(ngx_conf_t *cf, ngx_http_notify_proxy_t *proxy,
    const ngx_str_t *text)
{
    ngx_url_t  url;

    static const char  scheme[] = "http://";

    ngx_memzero(&url, sizeof(ngx_url_t));

    if (ngx_http_notify_text_starts_nocase(text, scheme)) {
        url.url.data = text->data + sizeof(scheme) - 1;
        url.url.len = text->len - (sizeof(scheme) - 1);

        if (url.url.len && url.url.data[url.url.len - 1] == '/') {
            url.url.len--;
        }
    }

    if (url.url.len == 0
        || ngx_strlchr(url.url.data, url.url.data + url.url.len, '/')
        || ngx_strlchr(url.url.data, url.url.data + url.url.len, '@'))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid proxy \"%V\", it must be "
                           "\"http://HOST:PORT\"", text);
        return NGX_ERROR;
    }

    proxy->host = url.url;
    url.default_port = 3128;

    if (ngx_parse_url(cf->pool, &url) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"proxy\" \"%V\"",
                           url.err ? url.err : "no memory", text);
        return NGX_ERROR;
    }

    proxy->addr = url.addrs[0];

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_proxy_password(ngx_conf_t *cf, ngx_http_notify_proxy_t *proxy,
    ngx_http_notify_proxy_args_t *args)
{
    u_char     *p;
    ngx_int_t   rc;
    ngx_str_t   text, password;

    if ((args->user.len == 0) != (args->password_file.len == 0)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"user=\" and \"password_file=\" of \"proxy\" "
                           "need each other");
        return NGX_ERROR;
    }

    if (args->user.len == 0) {
        return NGX_OK;
    }

    if (ngx_strlchr(args->user.data, args->user.data + args->user.len, ':')) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"user=%V\" of \"proxy\" has a colon",
                           &args->user);
        return NGX_ERROR;
    }

    if (ngx_http_notify_file_secret(cf, &args->password_file, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_strlchr(text.data, text.data + text.len, LF);

    password.data = text.data;
    password.len = (p ? p : text.data + text.len) - text.data;

    if (password.len && password.data[password.len - 1] == CR) {
        password.len--;
    }

    rc = ngx_http_notify_proxy_basic(cf, proxy, &args->user, &password);

    ngx_http_notify_file_wipe(&text);

    return rc;
}


static ngx_int_t
ngx_http_notify_proxy_basic(ngx_conf_t *cf, ngx_http_notify_proxy_t *proxy,
    const ngx_str_t *user, const ngx_str_t *password)
{
    u_char     *p;
    ngx_str_t   plain, encoded;

    static const char  name[] = "Proxy-Authorization: Basic ";

    plain.len = user->len + 1 + password->len;
    plain.data = ngx_pnalloc(cf->pool, plain.len);

    p = ngx_pnalloc(cf->pool, sizeof(name) - 1
                              + ngx_base64_encoded_length(plain.len)
                              + sizeof(CRLF) - 1);

    if (plain.data == NULL || p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(plain.data, "%V:%V", user, password);

    proxy->authorization.data = p;

    encoded.data = ngx_cpymem(p, name, sizeof(name) - 1);
    ngx_encode_base64(&encoded, &plain);

    p = encoded.data + encoded.len;
    *p++ = CR; *p++ = LF;

    proxy->authorization.len = p - proxy->authorization.data;

    ngx_explicit_memzero(plain.data, plain.len);

    return NGX_OK;
}


static char *
ngx_http_notify_proxy_set_bind(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_call_conf_t *ccf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;
    ngx_addr_t  *addr;

    if (ccf->way.bind) {
        return "is duplicate";
    }

    value = cf->args->elts;

    ccf->way.bind = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                     sizeof(ngx_addr_t));
    if (ccf->way.bind == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        addr = ngx_array_push(ccf->way.bind);
        if (addr == NULL) {
            return NGX_CONF_ERROR;
        }

        if (ngx_parse_addr(cf->pool, addr, value[i].data, value[i].len)
            != NGX_OK)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid address \"%V\" in \"bind\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        addr->name = value[i];
    }

    return NGX_CONF_OK;
}
