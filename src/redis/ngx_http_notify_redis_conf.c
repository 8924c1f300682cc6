/*
 * The directive notify_redis, its parameters and defaults.  Runs only while
 * the configuration is read; must not know connections.
 */

#include "ngx_http_notify_redis_internal.h"
#include "ngx_http_notify_file.h"


#define NGX_HTTP_NOTIFY_REDIS_CONF_PORT      6379
#define NGX_HTTP_NOTIFY_REDIS_CONF_ADDR      "127.0.0.1:6379"
#define NGX_HTTP_NOTIFY_REDIS_CONF_PREFIX    "notify:"
#define NGX_HTTP_NOTIFY_REDIS_CONF_TIMEOUT   2000
#define NGX_HTTP_NOTIFY_REDIS_CONF_PASSWORD  4096     /* bytes, the longest */
#define NGX_HTTP_NOTIFY_REDIS_CONF_REPLICAS  100


typedef char *(*ngx_http_notify_redis_conf_pt)(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);

typedef struct {
    ngx_str_t                       name;
    ngx_http_notify_redis_conf_pt   set;
} ngx_http_notify_redis_conf_param_t;


static char *ngx_http_notify_redis_conf_address(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_user(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_password(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_db(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_prefix(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_timeout(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_replicas(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_sentinel(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_cluster(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_ssl(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_verify(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_name(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_cert(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);
static char *ngx_http_notify_redis_conf_key(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value);


static ngx_http_notify_redis_conf_param_t
    ngx_http_notify_redis_conf_params[] =
{
    { ngx_string("user="), ngx_http_notify_redis_conf_user },
    { ngx_string("password_file="), ngx_http_notify_redis_conf_password },
    { ngx_string("db="), ngx_http_notify_redis_conf_db },
    { ngx_string("prefix="), ngx_http_notify_redis_conf_prefix },
    { ngx_string("timeout="), ngx_http_notify_redis_conf_timeout },
    { ngx_string("ssl"), ngx_http_notify_redis_conf_ssl },
    { ngx_string("ssl_verify="), ngx_http_notify_redis_conf_verify },
    { ngx_string("ssl_name="), ngx_http_notify_redis_conf_name },
    { ngx_string("ssl_certificate="), ngx_http_notify_redis_conf_cert },
    { ngx_string("ssl_certificate_key="), ngx_http_notify_redis_conf_key },
    { ngx_string("sentinel="), ngx_http_notify_redis_conf_sentinel },
    { ngx_string("replicas="), ngx_http_notify_redis_conf_replicas },
    { ngx_string("cluster"), ngx_http_notify_redis_conf_cluster },
    { ngx_null_string, NULL }
};


/* the parameter that the argument names, or NULL */
static ngx_http_notify_redis_conf_param_t *
ngx_http_notify_redis_conf_find(ngx_str_t *arg)
{
    ngx_http_notify_redis_conf_param_t  *param;

    for (param = ngx_http_notify_redis_conf_params; param->name.len; param++) {

        if (param->name.data[param->name.len - 1] != '='
            && arg->len != param->name.len)
        {
            continue;
        }

        if (arg->len >= param->name.len
            && ngx_memcmp(arg->data, param->name.data, param->name.len) == 0)
        {
            return param;
        }
    }

    return NULL;
}


char *
ngx_http_notify_redis_conf_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char                                *rv;
    ngx_str_t                           *arg, value;
    ngx_uint_t                           i, bit, seen;
    ngx_http_notify_redis_conf_t        *rcf;
    ngx_http_notify_redis_conf_param_t  *param;

    rcf = (ngx_http_notify_redis_conf_t *) ((char *) conf + cmd->offset);

    if (rcf->addrs) {
        return "is duplicate";
    }

    rcf->addrs = ngx_array_create(cf->pool, 2, sizeof(ngx_addr_t));
    rcf->hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));

    if (rcf->addrs == NULL || rcf->hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    seen = 0;
    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        param = ngx_http_notify_redis_conf_find(&arg[i]);

        if (param == NULL) {
            rv = ngx_http_notify_redis_conf_address(cf, rcf, &arg[i]);

        } else {
            bit = (ngx_uint_t) 1 << (param - ngx_http_notify_redis_conf_params);

            if (seen & bit) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate parameter \"%V\"", &arg[i]);
                return NGX_CONF_ERROR;
            }

            seen |= bit;

            value.data = arg[i].data + param->name.len;
            value.len = arg[i].len - param->name.len;

            rv = param->set(cf, rcf, &value);
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (rcf->addrs->nelts == 0) {
        return "needs an address";
    }

    if (rcf->user.len && rcf->password.len == 0) {
        return "has \"user\" but no \"password_file\"";
    }

    if (rcf->cluster && (rcf->sentinel.len || rcf->replicas || rcf->db)) {
        return "cannot have \"cluster\" together with \"sentinel\", "
               "\"replicas\" or \"db\"";
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

        if (ngx_http_notify_redis_conf_address(cf, conf, &addr)
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
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    ngx_url_t    u;
    ngx_str_t   *host;
    ngx_uint_t   i;
    ngx_addr_t  *addr;

    if (ngx_strlchr(value->data, value->data + value->len, '=')
        && ngx_strncmp(value->data, "unix:", 5) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown parameter \"%V\" of \"notify_redis\"",
                           value);
        return NGX_CONF_ERROR;
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
ngx_http_notify_redis_conf_user(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    if (value->len == 0) {
        return "has an empty \"user\"";
    }

    rcf->user = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_password(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
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

    rcf->password = text;

    if (p) {
        rcf->password.len = p - text.data;
    }

    if (rcf->password.len && text.data[rcf->password.len - 1] == '\r') {
        rcf->password.len--;
    }

    if (rcf->password.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password in the first line of \"%V\"", value);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_db(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    ngx_int_t  db;

    db = ngx_atoi(value->data, value->len);

    if (db == NGX_ERROR || db > 65535) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"db=%V\" of \"notify_redis\"", value);
        return NGX_CONF_ERROR;
    }

    rcf->db = (ngx_uint_t) db;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_prefix(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
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

    rcf->prefix = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_timeout(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms < 10 || ms > 3600 * 1000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"timeout=%V\" of \"notify_redis\", "
                           "10ms to 1h", value);
        return NGX_CONF_ERROR;
    }

    rcf->timeout = (ngx_msec_t) ms;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_replicas(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n == 0 || n > NGX_HTTP_NOTIFY_REDIS_CONF_REPLICAS) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid \"replicas=%V\" of \"notify_redis\", "
                           "1 to %d", value,
                           NGX_HTTP_NOTIFY_REDIS_CONF_REPLICAS);
        return NGX_CONF_ERROR;
    }

    rcf->replicas = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_sentinel(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    if (value->len == 0) {
        return "has an empty \"sentinel\"";
    }

    rcf->sentinel = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_cluster(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    rcf->cluster = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_ssl(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    rcf->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));

    return rcf->ssl ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_notify_redis_conf_verify(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    if (value->len == 0) {
        return "has an empty \"ssl_verify\"";
    }

    rcf->ssl_verify = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_name(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    if (value->len == 0 || value->len > NGX_HTTP_NOTIFY_REDIS_NAME_MAX) {
        return "has an empty or too long \"ssl_name\"";
    }

    rcf->ssl_name = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_cert(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    if (value->len == 0) {
        return "has an empty \"ssl_certificate\"";
    }

    rcf->ssl_certificate = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_notify_redis_conf_key(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf, ngx_str_t *value)
{
    if (value->len == 0) {
        return "has an empty \"ssl_certificate_key\"";
    }

    rcf->ssl_certificate_key = *value;

    return NGX_CONF_OK;
}
