/*
 * The directive notify_redis, its parameters and defaults.  Runs only while
 * the configuration is read; must not know connections.
 */

#include "ngx_http_notify_redis_internal.h"
#include "ngx_http_notify_args.h"
#include "ngx_http_notify_file.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_REDIS_CONF_PORT      6379
#define NGX_HTTP_NOTIFY_REDIS_CONF_ADDR      "127.0.0.1:6379"
#define NGX_HTTP_NOTIFY_REDIS_CONF_PREFIX    "notify:"
#define NGX_HTTP_NOTIFY_REDIS_CONF_TIMEOUT   2000
#define NGX_HTTP_NOTIFY_REDIS_CONF_PASSWORD  4096     /* bytes, the longest */
#define NGX_HTTP_NOTIFY_REDIS_CONF_REPLICAS  100


static char *ngx_http_notify_redis_conf_address(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);
static char *ngx_http_notify_redis_conf_password(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);
static char *ngx_http_notify_redis_conf_prefix(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);
static char *ngx_http_notify_redis_conf_ssl(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field);


static ngx_http_notify_args_param_t  ngx_http_notify_redis_conf_params[] = {

    { ngx_string("user="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_redis_conf_t, user),
      1, NGX_MAX_SIZE_T_VALUE, "a text that is not empty", 0 },

    { ngx_string("password_file="),
      ngx_http_notify_redis_conf_password,
      offsetof(ngx_http_notify_redis_conf_t, password),
      0, 0, NULL, 0 },

    { ngx_string("db="),
      ngx_http_notify_args_number,
      offsetof(ngx_http_notify_redis_conf_t, db),
      0, 65535, NULL, 0 },

    { ngx_string("prefix="),
      ngx_http_notify_redis_conf_prefix,
      offsetof(ngx_http_notify_redis_conf_t, prefix),
      0, 0, NULL, 0 },

    { ngx_string("timeout="),
      ngx_http_notify_args_msec,
      offsetof(ngx_http_notify_redis_conf_t, timeout),
      10, 3600 * 1000, "10ms to 1h", 0 },

    { ngx_string("ssl"),
      ngx_http_notify_redis_conf_ssl,
      offsetof(ngx_http_notify_redis_conf_t, ssl),
      0, 0, NULL, 0 },

    { ngx_string("ssl_verify="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_redis_conf_t, ssl_verify),
      1, NGX_MAX_SIZE_T_VALUE, "a text that is not empty", 0 },

    { ngx_string("ssl_name="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_redis_conf_t, ssl_name),
      1, NGX_HTTP_NOTIFY_REDIS_NAME_MAX, "a name", 0 },

    { ngx_string("ssl_certificate="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_redis_conf_t, ssl_certificate),
      1, NGX_MAX_SIZE_T_VALUE, "a text that is not empty", 0 },

    { ngx_string("ssl_certificate_key="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_redis_conf_t, ssl_certificate_key),
      1, NGX_MAX_SIZE_T_VALUE, "a text that is not empty", 0 },

    { ngx_string("sentinel="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_redis_conf_t, sentinel),
      1, NGX_MAX_SIZE_T_VALUE, "a text that is not empty", 0 },

    { ngx_string("replicas="),
      ngx_http_notify_args_number,
      offsetof(ngx_http_notify_redis_conf_t, replicas),
      1, NGX_HTTP_NOTIFY_REDIS_CONF_REPLICAS, NULL, 0 },

    ngx_http_notify_args_flag("cluster", ngx_http_notify_redis_conf_t,
                              cluster),

    { ngx_null_string, ngx_http_notify_redis_conf_address, 0, 0, 0, NULL, 0 }
};


char *
ngx_http_notify_redis_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                          *rv;
    ngx_http_notify_redis_conf_t  *rcf;

    rcf = (ngx_http_notify_redis_conf_t *) ((char *) conf + cmd->offset);

    if (rcf->addrs) {
        return "is duplicate";
    }

    rcf->addrs = ngx_array_create(cf->pool, 2, sizeof(ngx_addr_t));
    rcf->hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));

    if (rcf->addrs == NULL || rcf->hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_notify_args_parse(cf, 1, ngx_http_notify_redis_conf_params,
                                    rcf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (rcf->addrs->nelts == 0) {
        return "needs an address";
    }

    if (rcf->user.len && rcf->password.len == 0) {
        return "has \"user\" but no \"password_file\"";
    }

    if (rcf->cluster && (rcf->sentinel.len || rcf->db)) {
        return "cannot have \"cluster\" together with \"sentinel\" "
               "or \"db\"";
    }

    return ngx_http_notify_redis_ssl_conf(cf, rcf);
}


ngx_int_t
ngx_http_notify_redis_conf_init(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *conf)
{
    ngx_str_t  addr = ngx_string(NGX_HTTP_NOTIFY_REDIS_CONF_ADDR);

    if (conf->addrs == NULL) {
        conf->addrs = ngx_array_create(cf->pool, 1, sizeof(ngx_addr_t));
        conf->hosts = ngx_array_create(cf->pool, 1, sizeof(ngx_str_t));

        if (conf->addrs == NULL || conf->hosts == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_notify_redis_conf_address(cf, NULL, &addr, conf)
            != NGX_CONF_OK)
        {
            return NGX_ERROR;
        }
    }

    if (conf->prefix.data == NULL) {
        ngx_str_set(&conf->prefix, NGX_HTTP_NOTIFY_REDIS_CONF_PREFIX);
    }

    if (conf->timeout == 0) {
        conf->timeout = NGX_HTTP_NOTIFY_REDIS_CONF_TIMEOUT;
    }

    return NGX_OK;
}


static char *
ngx_http_notify_redis_conf_address(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_http_notify_redis_conf_t *rcf = field;

    ngx_url_t    u;
    ngx_str_t   *host;
    ngx_uint_t   i;
    ngx_addr_t  *addr;

    if (ngx_strlchr(value->data, value->data + value->len, '=')
        && !ngx_http_notify_text_starts(value, "unix:"))
    {
        return ngx_http_notify_args_unknown(cf, value);
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *value;
    u.default_port = NGX_HTTP_NOTIFY_REDIS_CONF_PORT;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in \"%V\" of \"notify_redis\"",
                           u.err ? u.err : "no memory for address", value);
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {
        addr = ngx_array_push(rcf->addrs);
        if (addr == NULL) {
            return NGX_CONF_ERROR;
        }

        *addr = u.addrs[i];

        host = ngx_array_push(rcf->hosts);
        if (host == NULL) {
            return NGX_CONF_ERROR;
        }

        *host = u.host;

        if (host->len > 2 && host->data[0] == '[') {
            host->data++;
            host->len -= 2;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_password(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_str_t *password = field;

    u_char     *p;
    ngx_str_t   text;

    if (value->len == 0) {
        return "has an empty \"password_file\"";
    }

    text.len = NGX_HTTP_NOTIFY_REDIS_CONF_PASSWORD + 1;

    text.data = ngx_pnalloc(cf->pool, text.len);

    if (text.data == NULL
        || ngx_http_notify_file_read(cf, value, &text) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    p = ngx_strlchr(text.data, text.data + text.len, '\n');

    if (p == NULL && text.len > NGX_HTTP_NOTIFY_REDIS_CONF_PASSWORD) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "password in \"%V\" is too long", value);
        return NGX_CONF_ERROR;
    }

    *password = text;

    if (p) {
        password->len = p - text.data;
    }

    if (password->len && text.data[password->len - 1] == '\r') {
        password->len--;
    }

    if (password->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password in the first line of \"%V\"", value);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_prefix(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    size_t  i;

    if (value->len == 0) {
        return "has an empty \"prefix\"";
    }

    for (i = 0; i < value->len; i++) {

        /* a brace would take the place of the channel's hash tag */

        if (value->data[i] <= ' '
            || value->data[i] == 0x7f
            || value->data[i] == '{'
            || value->data[i] == '}')
        {
            return "has a \"prefix\" with a brace, a space "
                   "or a control character";
        }
    }

    *(ngx_str_t *) field = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_ssl(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_ssl_t **ssl = field;

    *ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));

    return *ssl ? NGX_CONF_OK : NGX_CONF_ERROR;
}
