/*
 * notify_console: one page that shows subscriptions, deliveries and events, and
 * speaks to the REST API in its folder, with the rights of who looks at it.
 * The page is console.html, a file of this folder; a title, a logo and the name
 * of the header that says whose data is asked for are put into it when the
 * configuration is read.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_pages.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_serve.h"
#include "ngx_http_notify_text.h"


/* what stands in the page until it is given */
#define NGX_HTTP_NOTIFY_CONSOLE_TITLE                                         \
    "<title>Notifications</title>"
#define NGX_HTTP_NOTIFY_CONSOLE_BODY                                          \
    "<body>"
#define NGX_HTTP_NOTIFY_CONSOLE_HEAD                                          \
    "<h1 id=\"channel\">Notifications</h1>"


typedef struct {
    ngx_str_t     policy;       /* Content-Security-Policy */
    ngx_str_t     page;
    ngx_str_t     title;
    ngx_str_t     logo;
    ngx_str_t     tenant;       /* a header's name */
    ngx_array_t  *ancestors;    /* of ngx_str_t, or NULL: none */
} ngx_http_notify_console_loc_conf_t;


static ngx_int_t ngx_http_notify_console_handler(ngx_http_request_t *r);
static void *ngx_http_notify_console_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_console_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_notify_console_args(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf);
static ngx_uint_t ngx_http_notify_console_field(
    ngx_http_notify_console_loc_conf_t *nclcf, const ngx_str_t *arg,
    ngx_str_t **field);
static const char *ngx_http_notify_console_refused(
    const ngx_http_notify_console_loc_conf_t *nclcf, const ngx_str_t *field);
static ngx_int_t ngx_http_notify_console_quoted(ngx_conf_t *cf, ngx_uint_t *i,
    ngx_str_t *text);
static char *ngx_http_notify_console_ancestors(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf, u_char *p, u_char *last);
static ngx_uint_t ngx_http_notify_console_plain(const ngx_str_t *text);
static ngx_int_t ngx_http_notify_console_page(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf);
static ngx_int_t ngx_http_notify_console_policy(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf);
static ngx_str_t ngx_http_notify_console_origin(const ngx_str_t *url);
static ngx_int_t ngx_http_notify_console_hash(ngx_conf_t *cf,
    const char *open, const char *close, ngx_str_t *hash);


static ngx_command_t  ngx_http_notify_console_commands[] = {

    { ngx_string("notify_console"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
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

    return ngx_http_notify_reply(r, NGX_HTTP_OK, "text/html", &clcf->page);
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

    char  *rv;

    rv = ngx_http_notify_serve(cf, ngx_http_notify_console_handler);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    rv = ngx_http_notify_console_args(cf, nclcf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (ngx_http_notify_console_page(cf, nclcf) != NGX_OK
        || ngx_http_notify_console_policy(cf, nclcf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* what follows the first frame_ancestors= without a name is one of them */

static char *
ngx_http_notify_console_args(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf)
{
    char        *rv;
    u_char      *p, *last;
    ngx_str_t   *arg, *field;
    ngx_uint_t   i;
    const char  *must;

    arg = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        p = arg[i].data;
        last = p + arg[i].len;

        if (ngx_http_notify_console_field(nclcf, &arg[i], &field)) {
            if (field->data) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate parameter \"%V\"", &arg[i]);
                return NGX_CONF_ERROR;
            }

            field->data = ngx_strlchr(p, last, '=') + 1;
            field->len = last - field->data;

            if (ngx_http_notify_console_quoted(cf, &i, field) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            must = ngx_http_notify_console_refused(nclcf, field);

            if (must) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid parameter \"%V\", it must be %s",
                                   &arg[i], must);
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strncmp(p, "frame_ancestors=", 16) == 0) {
            p += 16;

        } else if (nclcf->ancestors == NULL || ngx_strlchr(p, last, '=')) {
            return ngx_http_notify_args_unknown(cf, &arg[i]);
        }

        rv = ngx_http_notify_console_ancestors(cf, nclcf, p, last);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/* whether it is one of those with one value */

static ngx_uint_t
ngx_http_notify_console_field(ngx_http_notify_console_loc_conf_t *nclcf,
    const ngx_str_t *arg, ngx_str_t **field)
{
    if (ngx_http_notify_text_starts(arg, "title=")) {
        *field = &nclcf->title;
        return 1;
    }

    if (ngx_http_notify_text_starts(arg, "logo=")) {
        *field = &nclcf->logo;
        return 1;
    }

    *field = &nclcf->tenant;

    return ngx_http_notify_text_starts(arg, "tenant=");
}


/* NULL, or what its value must be */

static const char *
ngx_http_notify_console_refused(
    const ngx_http_notify_console_loc_conf_t *nclcf, const ngx_str_t *field)
{
    size_t  i;
    u_char  c;

    if (field == &nclcf->title) {
        return field->len && !ngx_http_notify_text_control(field)
               && ngx_http_notify_text_utf8(field) ? NULL : "a text";
    }

    if (field == &nclcf->logo) {
        return ngx_http_notify_console_plain(field) ? NULL : "a URL or a path";
    }

    /* others do not come as far as a variable */

    for (i = 0; i < field->len; i++) {
        c = field->data[i] | 0x20;

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') {
            break;
        }
    }

    return field->len && i == field->len ? NULL : "the name of a header";
}


/*
 * title="Acme events": nginx takes quotes off an argument that begins with
 * them, and the rest of such a value is in the arguments that follow.
 */

static ngx_int_t
ngx_http_notify_console_quoted(ngx_conf_t *cf, ngx_uint_t *i,
    ngx_str_t *text)
{
    u_char      quote, *p;
    size_t      len;
    ngx_str_t  *arg;
    ngx_uint_t  last;

    quote = text->len ? text->data[0] : 0;

    if (quote != '"' && quote != '\'') {
        return NGX_OK;
    }

    arg = cf->args->elts;
    len = text->len;

    for (last = *i;
         last < cf->args->nelts
         && (arg[last].len == 0 || arg[last].data[arg[last].len - 1] != quote
             || (last == *i && text->len == 1));
         last++)
    {
        len += (last > *i) ? 1 + arg[last].len : 0;
    }

    if (last == cf->args->nelts) {
        return NGX_OK;
    }

    len += (last > *i) ? 1 + arg[last].len : 0;

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = ngx_cpymem(p, text->data + 1, text->len - 1);

    while (*i < last) {
        (*i)++;
        *text->data++ = ' ';
        text->data = ngx_cpymem(text->data, arg[*i].data, arg[*i].len);
    }

    text->len = text->data - p - 1;
    text->data = p;

    return NGX_OK;
}


/* one, or several with spaces between */

static char *
ngx_http_notify_console_ancestors(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf, u_char *p, u_char *last)
{
    char        *rv;
    u_char      *space;
    ngx_str_t    source;
    ngx_uint_t   word;

    do {
        space = ngx_strlchr(p, last, ' ');

        source.data = p;
        source.len = (space ? space : last) - p;
        p += source.len + 1;

        word = ngx_http_notify_text_is(&source, "'self'")
               || ngx_http_notify_text_is(&source, "'none'");

        if (ngx_http_notify_text_is(&source, "self")) {
            ngx_str_set(&source, "'self'");
            word = 1;
        }

        if (!word
            && (!ngx_http_notify_console_plain(&source)
                || ngx_strlchr(source.data, source.data + source.len, ':')
                   == NULL))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid source \"%V\" in \"frame_ancestors\", "
                               "it must be \"self\" or one as "
                               "\"https://app.example\"", &source);
            return NGX_CONF_ERROR;
        }

        rv = ngx_http_notify_args_append(cf, &nclcf->ancestors, &source);

        if (rv != NGX_CONF_OK) {
            return rv;
        }

    } while (space);

    return NGX_CONF_OK;
}


/* nothing that ends a word or a part of the policy, or begins markup */

static ngx_uint_t
ngx_http_notify_console_plain(const ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] <= ' '
            || text->data[i] >= 0x7f
            || ngx_strchr("\"'`;,<>\\", text->data[i]))
        {
            return 0;
        }
    }

    return text->len != 0;
}


static ngx_int_t
ngx_http_notify_console_page(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf)
{
    u_char     *p, *title, *body, *head, *last, *dst;
    ngx_str_t   text;
    uintptr_t   len;

    p = (u_char *) ngx_http_notify_page_console;
    last = p + sizeof(ngx_http_notify_page_console) - 1;

    nclcf->page.data = p;
    nclcf->page.len = last - p;

    if (nclcf->title.len == 0 && nclcf->logo.len == 0
        && nclcf->tenant.len == 0)
    {
        return NGX_OK;
    }

    title = ngx_strnstr(p, NGX_HTTP_NOTIFY_CONSOLE_TITLE, last - p);
    body = ngx_strnstr(p, NGX_HTTP_NOTIFY_CONSOLE_BODY, last - p);
    head = ngx_strnstr(p, NGX_HTTP_NOTIFY_CONSOLE_HEAD, last - p);

    if (title == NULL || body == NULL || head == NULL
        || title > body || body > head)
    {
        return NGX_ERROR;
    }

    len = ngx_escape_html(NULL, nclcf->title.data, nclcf->title.len);

    text.len = nclcf->title.len + len;
    text.data = ngx_pnalloc(cf->pool, text.len + 1);

    len = ngx_escape_html(NULL, nclcf->logo.data, nclcf->logo.len);

    dst = ngx_pnalloc(cf->pool, nclcf->page.len + 2 * text.len
                                + nclcf->logo.len + len
                                + nclcf->tenant.len + 256);

    if (text.data == NULL || dst == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_escape_html(text.data, nclcf->title.data, nclcf->title.len);

    nclcf->page.data = dst;

    if (nclcf->title.len) {
        dst = ngx_cpymem(dst, p, title - p);
        dst = ngx_sprintf(dst, "<title>%V</title>", &text);
        p = title + sizeof(NGX_HTTP_NOTIFY_CONSOLE_TITLE) - 1;
    }

    if (nclcf->tenant.len) {
        dst = ngx_cpymem(dst, p, body - p);
        dst = ngx_sprintf(dst, "<body data-tenant=\"%V\">", &nclcf->tenant);
        p = body + sizeof(NGX_HTTP_NOTIFY_CONSOLE_BODY) - 1;
    }

    dst = ngx_cpymem(dst, p, head - p);
    p = head;

    if (nclcf->logo.len) {
        dst = ngx_cpymem(dst, "<img id=\"logo\" alt=\"\" src=\"",
                         sizeof("<img id=\"logo\" alt=\"\" src=\"") - 1);
        dst = (u_char *) ngx_escape_html(dst, nclcf->logo.data,
                                         nclcf->logo.len);
        dst = ngx_cpymem(dst, "\">\n    ", sizeof("\">\n    ") - 1);
    }

    if (nclcf->title.len) {
        dst = ngx_sprintf(dst, "<h1 id=\"channel\" data-given=\"title\">"
                          "%V</h1>", &text);
        p += sizeof(NGX_HTTP_NOTIFY_CONSOLE_HEAD) - 1;
    }

    dst = ngx_cpymem(dst, p, last - p);

    nclcf->page.len = dst - nclcf->page.data;

    return NGX_OK;
}


/* nothing but its own script and style, calls to its own server, the logo */

static ngx_int_t
ngx_http_notify_console_policy(ngx_conf_t *cf,
    ngx_http_notify_console_loc_conf_t *nclcf)
{
    size_t      len;
    u_char     *p;
    ngx_str_t   script, style, image, *source;
    ngx_uint_t  i;

    if (ngx_http_notify_console_hash(cf, "<script>", "</script>", &script)
        != NGX_OK
        || ngx_http_notify_console_hash(cf, "<style>", "</style>", &style)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    image = ngx_http_notify_console_origin(&nclcf->logo);
    source = nclcf->ancestors ? nclcf->ancestors->elts : NULL;

    len = 512 + image.len;

    for (i = 0; source && i < nclcf->ancestors->nelts; i++) {
        len += 1 + source[i].len;
    }

    nclcf->policy.data = ngx_pnalloc(cf->pool, len);
    if (nclcf->policy.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(nclcf->policy.data,
                    "default-src 'none'; script-src 'sha256-%V'; "
                    "style-src 'sha256-%V'; connect-src 'self'; "
                    "%s%V%sbase-uri 'none'; form-action 'none'; "
                    "frame-ancestors", &script, &style,
                    image.len ? "img-src " : "", &image,
                    image.len ? "; " : "");

    for (i = 0; source && i < nclcf->ancestors->nelts; i++) {
        *p++ = ' ';
        p = ngx_cpymem(p, source[i].data, source[i].len);
    }

    if (source == NULL) {
        p = ngx_cpymem(p, " 'none'", sizeof(" 'none'") - 1);
    }

    nclcf->policy.len = p - nclcf->policy.data;

    return NGX_OK;
}


/* a source of the policy: https://cdn.example of what is there, data:, or the
 * own server */

static ngx_str_t
ngx_http_notify_console_origin(const ngx_str_t *url)
{
    u_char     *p, *last;
    ngx_str_t   origin;

    if (url->len == 0) {
        ngx_str_null(&origin);
        return origin;
    }

    if (ngx_http_notify_text_starts_nocase(url, "data:")) {
        ngx_str_set(&origin, "data:");
        return origin;
    }

    ngx_str_set(&origin, "'self'");

    if (!ngx_http_notify_text_starts_nocase(url, "https://")
        && !ngx_http_notify_text_starts_nocase(url, "http://"))
    {
        return origin;
    }

    last = url->data + url->len;
    p = ngx_strlchr(url->data, last, ':') + 3;

    while (p < last && *p != '/' && *p != '?' && *p != '#') {
        p++;
    }

    origin.data = url->data;
    origin.len = p - url->data;

    return origin;
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
