/*
 * notify_trusted, and the header that tells loops.  A client that nobody
 * vouches for cannot suppress an event by it: what it says is ignored.
 */

#include "ngx_http_notify_call.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_module.h"
#include "ngx_http_notify_trusted.h"
#include "ngx_http_notify_request_header.h"


/* calls over several channels and tenants */
#define NGX_HTTP_NOTIFY_TRUSTED_HOPS  5


typedef struct {
    ngx_array_t  *cidrs;        /* of ngx_cidr_t, or NULL */
} ngx_http_notify_trusted_loc_conf_t;


static ngx_int_t ngx_http_notify_trusted_header(ngx_http_request_t *r,
    ngx_uint_t *n, ngx_str_t *signature);
static ngx_uint_t ngx_http_notify_trusted_signed(ngx_http_request_t *r,
    ngx_uint_t n, const ngx_str_t *signature);
static void *ngx_http_notify_trusted_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_trusted_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_http_notify_trusted_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_notify_trusted_commands[] = {

    { ngx_string("notify_trusted"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_notify_trusted_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_trusted_module_ctx =
    ngx_http_notify_http_module_location(
                                      ngx_http_notify_trusted_create_loc_conf,
                                      ngx_http_notify_trusted_merge_loc_conf);


ngx_module_t  ngx_http_notify_trusted_module =
    ngx_http_notify_http_module(&ngx_http_notify_trusted_module_ctx,
                                ngx_http_notify_trusted_commands);


ngx_uint_t
ngx_http_notify_trusted_hops(ngx_http_request_t *r,
    const ngx_http_notify_channel_t *channel, const ngx_str_t *tenant)
{
    ngx_str_t                            signature;
    ngx_uint_t                           n, same;
    ngx_http_notify_trusted_loc_conf_t  *tlcf;

    r = r->main;

    if (ngx_http_notify_trusted_header(r, &n, &signature) != NGX_OK) {
        return 0;
    }

    same = 0;

    if (signature.len
        && ngx_http_notify_hops_check(channel->hops, n, &signature, tenant,
                                      &same)
           == NGX_OK)
    {
        if (same) {
            return n > channel->hops_max ? NGX_HTTP_NOTIFY_TRUSTED_LOOP : n;
        }

    } else {
        tlcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_trusted_module);

        if ((tlcf->cidrs == NULL
             || ngx_cidr_match(r->connection->sockaddr, tlcf->cidrs) != NGX_OK)
            && !ngx_http_notify_trusted_signed(r, n, &signature))
        {
            return 0;
        }
    }

    return n >= NGX_HTTP_NOTIFY_TRUSTED_HOPS
               ? NGX_HTTP_NOTIFY_TRUSTED_LOOP : n;
}


/* N or N;SIGNATURE; NGX_DECLINED: there is none, or it says nothing */

static ngx_int_t
ngx_http_notify_trusted_header(ngx_http_request_t *r, ngx_uint_t *n,
    ngx_str_t *signature)
{
    u_char     *p, *last, *end;
    ngx_str_t   value;

    static const ngx_str_t  name = ngx_string(NGX_HTTP_NOTIFY_CALL_HOPS);

    if (ngx_http_notify_request_header(r, &name, &value) == 0) {
        return NGX_DECLINED;
    }

    p = value.data;
    last = p + value.len;

    end = ngx_strlchr(p, last, ';');
    if (end == NULL) {
        end = last;
    }

    signature->data = end < last ? end + 1 : last;
    signature->len = last - signature->data;

    if (p == end) {
        return NGX_DECLINED;
    }

    for (*n = 0; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        *n = ngx_min(*n * 10 + (*p - '0'), NGX_MAX_INT32_VALUE / 10 - 10);
    }

    return NGX_OK;
}


/* by a call of any channel */

static ngx_uint_t
ngx_http_notify_trusted_signed(ngx_http_request_t *r, ngx_uint_t n,
    const ngx_str_t *signature)
{
    ngx_str_t                     tenant;
    ngx_uint_t                    i, same;
    ngx_http_notify_channel_t   **channel;
    ngx_http_notify_main_conf_t  *mcf;

    if (signature->len == 0) {
        return 0;
    }

    mcf = ngx_http_get_module_main_conf(r, ngx_http_notify_module);

    ngx_str_null(&tenant);

    channel = mcf->channels->elts;

    for (i = 0; i < mcf->channels->nelts; i++) {

        if (ngx_http_notify_hops_check(channel[i]->hops, n, signature, &tenant,
                                       &same)
            == NGX_OK)
        {
            return 1;
        }
    }

    return 0;
}


static void *
ngx_http_notify_trusted_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_notify_trusted_loc_conf_t  *tlcf;

    tlcf = ngx_palloc(cf->pool, sizeof(ngx_http_notify_trusted_loc_conf_t));
    if (tlcf == NULL) {
        return NULL;
    }

    tlcf->cidrs = NGX_CONF_UNSET_PTR;

    return tlcf;
}


static char *
ngx_http_notify_trusted_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_notify_trusted_loc_conf_t *prev = parent;
    ngx_http_notify_trusted_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->cidrs, prev->cidrs, NULL);

    return NGX_CONF_OK;
}


/* notify_trusted ADDRESS|CIDR...; repeatable, as set_real_ip_from is */

static char *
ngx_http_notify_trusted_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_trusted_loc_conf_t *tlcf = conf;

    ngx_int_t    rc;
    ngx_str_t   *args;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    args = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_http_notify_memory_push(cf->pool, &tlcf->cidrs,
                                           sizeof(ngx_cidr_t));
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        if (ngx_strcmp(args[i].data, "unix:") == 0) {
            cidr->family = AF_UNIX;
            continue;
        }

        rc = ngx_ptocidr(&args[i], cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid address \"%V\" in \"notify_trusted\", "
                               "it must be an address or a network",
                               &args[i]);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &args[i]);
        }
    }

    return NGX_CONF_OK;
}
