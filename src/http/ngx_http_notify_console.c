/*
 * notify_console: one page that shows subscriptions, deliveries and events, and
 * speaks to the REST API in its folder, with the rights of who looks at it.
 * The page is console.html, a file of this folder; nothing in it varies.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_pages.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_serve.h"


typedef struct {
    ngx_str_t   policy;     /* Content-Security-Policy */
} ngx_http_notify_console_loc_conf_t;


static ngx_int_t ngx_http_notify_console_handler(ngx_http_request_t *r);
static void *ngx_http_notify_console_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_console_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_http_notify_console_policy(ngx_conf_t *cf,
    ngx_str_t *policy);
static ngx_int_t ngx_http_notify_console_hash(ngx_conf_t *cf,
    const char *open, const char *close, ngx_str_t *hash);


static ngx_command_t  ngx_http_notify_console_commands[] = {

    { ngx_string("notify_console"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_notify_console_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_console_module_ctx = {
    NULL,                                     /* preconfiguration */
    NULL,                                     /* postconfiguration */

    NULL,                                     /* create main configuration */
    NULL,                                     /* init main configuration */

    NULL,                                     /* create server configuration */
    NULL,                                     /* merge server configuration */

    ngx_http_notify_console_create_loc_conf,
    NULL                                      /* merge location configuration */
};


ngx_module_t  ngx_http_notify_console_module = {
    NGX_MODULE_V1,
    &ngx_http_notify_console_module_ctx,   /* module context */
    ngx_http_notify_console_commands,      /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_notify_console_handler(ngx_http_request_t *r)
{
    ngx_int_t                            rc;
    ngx_http_notify_console_loc_conf_t  *clcf;

    static const ngx_str_t  page = ngx_string(ngx_http_notify_page_console);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_notify_reply_not_allowed(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_console_module);

    if (ngx_http_notify_reply_header(r, "Content-Security-Policy",
                                     &clcf->policy)
        != NGX_OK
        || ngx_http_notify_reply_header_text(r, "Cache-Control", "no-cache")
           != NGX_OK
        || ngx_http_notify_reply_header_text(r, "X-Content-Type-Options",
                                             "nosniff")
           != NGX_OK
        || ngx_http_notify_reply_header_text(r, "Referrer-Policy",
                                             "no-referrer")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&r->headers_out.charset, "utf-8");

    return ngx_http_notify_reply(r, NGX_HTTP_OK, "text/html", &page);
}


static void *
ngx_http_notify_console_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_console_loc_conf_t));
}


static char *
ngx_http_notify_console_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_notify_console_loc_conf_t *nclcf = conf;

    if (ngx_http_notify_console_policy(cf, &nclcf->policy) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_serve(cf, ngx_http_notify_console_handler);
}


/* nothing but its own script and style, and calls to its own server */

static ngx_int_t
ngx_http_notify_console_policy(ngx_conf_t *cf, ngx_str_t *policy)
{
    u_char     *p;
    ngx_str_t   script, style;

    if (ngx_http_notify_console_hash(cf, "<script>", "</script>", &script)
        != NGX_OK
        || ngx_http_notify_console_hash(cf, "<style>", "</style>", &style)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    policy->data = ngx_pnalloc(cf->pool, 512);
    if (policy->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_snprintf(policy->data, 512,
                     "default-src 'none'; script-src 'sha256-%V'; "
                     "style-src 'sha256-%V'; connect-src 'self'; "
                     "base-uri 'none'; form-action 'none'; "
                     "frame-ancestors 'none'", &script, &style);

    policy->len = p - policy->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_console_hash(ngx_conf_t *cf, const char *open,
    const char *close, ngx_str_t *hash)
{
    u_char     *start, *end, *page, *last;
    ngx_str_t   text, digest;
    u_char      buf[NGX_HTTP_NOTIFY_CRYPTO_DIGEST_MAX];

    page = (u_char *) ngx_http_notify_page_console;
    last = page + sizeof(ngx_http_notify_page_console) - 1;

    start = ngx_strnstr(page, (char *) open, last - page);
    if (start == NULL) {
        return NGX_ERROR;
    }

    start += ngx_strlen(open);

    end = ngx_strnstr(start, (char *) close, last - start);
    if (end == NULL) {
        return NGX_ERROR;
    }

    text.data = start;
    text.len = end - start;

    digest.data = buf;
    digest.len = ngx_http_notify_crypto_digest(NGX_HTTP_NOTIFY_CRYPTO_SHA256,
                                               &text, 1, buf);

    hash->data = ngx_pnalloc(cf->pool, ngx_base64_encoded_length(digest.len));

    if (digest.len == 0 || hash->data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64(hash, &digest);

    return NGX_OK;
}
