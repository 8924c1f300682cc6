/*
 * The bodies of clients' requests: notify_body_size, $notify_body_NAME.  Looks
 * at what somebody else has read, reads nothing from the client.
 * Must not know channels or events.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_urlencoded.h"


typedef struct {
    size_t        size;
} ngx_http_notify_body_loc_conf_t;

typedef struct {
    ngx_str_t     text;
    ngx_str_t     object;       /* scanned, or empty */
    ngx_uint_t    form;         /* unsigned  form:1; */
} ngx_http_notify_body_ctx_t;


static ngx_int_t ngx_http_notify_body_copy(ngx_chain_t *cl, u_char *p);
static ngx_http_notify_body_ctx_t *ngx_http_notify_body_ctx(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_notify_body_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_notify_body_member(ngx_http_request_t *r,
    const ngx_str_t *object, const ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_http_notify_body_add_variables(ngx_conf_t *cf);
static void *ngx_http_notify_body_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_body_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);


static ngx_str_t  ngx_http_notify_body_prefix = ngx_string("notify_body_");


static ngx_command_t  ngx_http_notify_body_commands[] = {

    { ngx_string("notify_body_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_notify_body_loc_conf_t, size),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_body_module_ctx = {
    ngx_http_notify_body_add_variables,    /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_notify_body_create_loc_conf,  /* create location configuration */
    ngx_http_notify_body_merge_loc_conf    /* merge location configuration */
};


ngx_module_t  ngx_http_notify_body_module =
    ngx_http_notify_http_module(&ngx_http_notify_body_module_ctx,
                                ngx_http_notify_body_commands);


ngx_int_t
ngx_http_notify_body(ngx_http_request_t *r, size_t limit, ngx_str_t *text)
{
    off_t                     size, sent;
    u_char                   *p;
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;

    ngx_str_set(text, "");

    rb = r->request_body;

    /* what the client sent has been discarded, or is another request's */

    sent = ngx_max(r->headers_in.content_length_n, 0);

    if (rb == NULL || rb->bufs == NULL) {
        return sent ? NGX_DECLINED : NGX_OK;
    }

    /* whoever used it up has closed its file */

    if (rb->temp_file && rb->temp_file->file.fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    size = 0;

    for (cl = rb->bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    /* a part of it is not the whole */

    if (size < sent || size > (off_t) limit) {
        return NGX_DECLINED;
    }

    if (size == 0) {
        return NGX_OK;
    }

    b = rb->bufs->buf;

    if (rb->bufs->next == NULL && ngx_buf_in_memory(b)) {
        text->data = b->pos;
        text->len = b->last - b->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = size;

    return ngx_http_notify_body_copy(rb->bufs, p);
}


static ngx_int_t
ngx_http_notify_body_copy(ngx_chain_t *cl, u_char *p)
{
    ssize_t     n;
    ngx_buf_t  *b;

    for ( /* void */ ; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (ngx_buf_special(b)) {
            continue;
        }

        n = ngx_read_file(b->file, p, b->file_last - b->file_pos,
                          b->file_pos);

        if (n != b->file_last - b->file_pos) {
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_body_here(ngx_http_request_t *r, size_t limit, ngx_str_t *text)
{
    off_t                length;
    ngx_int_t            rc;
    ngx_http_request_t  *main;

    if (r->request_body && r->request_body->bufs) {
        return ngx_http_notify_body(r, limit, text);
    }

    /* auth_request gives its subrequest an empty one; that of the client may
     * not be read yet, or be passed on in pieces */

    main = r->main;
    length = main->headers_in.content_length_n;

    if (main->reading_body
        || (main->request_body == NULL
            && (length > 0 || main->headers_in.chunked)))
    {
        return NGX_ABORT;
    }

    rc = ngx_http_notify_body(main, limit, text);

    if (rc == NGX_OK && length < 0 && main->headers_in.chunked) {
        return NGX_ABORT;
    }

    return rc;
}


ngx_int_t
ngx_http_notify_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler)
{
    /* its name may be handed on: $request_body_file, Perl, Lua */

    if (!r->request_body_in_persistent_file) {
        r->request_body_in_persistent_file = 1;
        r->request_body_in_clean_file = 1;
    }

    /* this is for WebDAV, which renames the file; all others have a handler */

    if (r->method == NGX_HTTP_PUT && r->content_handler == NULL) {
        r->request_body_in_file_only = 1;
        r->request_body_file_group_access = 1;
        r->request_body_file_log_level = 0;
    }

    return ngx_http_read_client_request_body(r, handler);
}


ngx_int_t
ngx_http_notify_body_wait(ngx_http_request_t *r)
{
    r->write_event_handler = ngx_http_request_empty_handler;

    if (r != r->main) {
        return NGX_OK;
    }

    r->read_event_handler = ngx_http_test_reading;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);
        return NGX_OK;
    }

    return ngx_handle_read_event(r->connection->read, 0);
}


void
ngx_http_notify_body_go_on(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    if (r == r->main) {
        r->read_event_handler = ngx_http_block_reading;
    }

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    ngx_http_run_posted_requests(c);
}


size_t
ngx_http_notify_body_size(ngx_http_request_t *r)
{
    ngx_http_notify_body_loc_conf_t  *blcf;

    blcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_body_module);

    return blcf->size;
}


ngx_uint_t
ngx_http_notify_body_is(ngx_http_request_t *r, const char *type)
{
    size_t      len;
    ngx_str_t  *value;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    value = &r->headers_in.content_type->value;
    len = ngx_strlen(type);

    return value->len >= len
           && ngx_strncasecmp(value->data, (u_char *) type, len) == 0
           && (value->len == len
               || value->data[len] == ';'
               || value->data[len] == ' '
               || value->data[len] == '\t');
}


ngx_int_t
ngx_http_notify_body_value(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    const ngx_str_t *text)
{
    size_t   i;
    u_char  *p;

    p = ngx_pnalloc(r->pool, text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < text->len; i++) {
        p[i] = (text->data[i] < 0x20 || text->data[i] == 0x7f)
                   ? ' ' : text->data[i];
    }

    v->data = p;
    v->len = text->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_body_plain(ngx_pool_t *pool, ngx_str_t *value)
{
    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_NULL:
        return NGX_DECLINED;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        return ngx_http_notify_json_text(pool, value, value);

    default:
        return NGX_OK;
    }
}


/* NULL: there is no body to look into yet, or no memory */

static ngx_http_notify_body_ctx_t *
ngx_http_notify_body_ctx(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_http_notify_body_ctx_t    *ctx;
    ngx_http_notify_json_error_t   error;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_notify_body_module);

    if (ctx) {
        return ctx;
    }

    if (r->request_body == NULL || r->reading_body) {
        return NULL;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_notify_body_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    rc = ngx_http_notify_body(r, ngx_http_notify_body_size(r), &ctx->text);

    if (rc == NGX_ERROR) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_notify_body_module);

    ctx->form = ngx_http_notify_body_is(r,
                                        "application/x-www-form-urlencoded");

    if (!ctx->form
        && ctx->text.len
        && (ngx_http_notify_json_scan(&ctx->text, &ctx->object, &error)
            != NGX_OK
            || ngx_http_notify_json_kind(&ctx->object)
               != NGX_HTTP_NOTIFY_JSON_OBJECT))
    {
        ctx->object.len = 0;
    }

    return ctx;
}


static ngx_int_t
ngx_http_notify_body_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t                    rc;
    ngx_str_t                   *variable, name, value;
    ngx_http_notify_body_ctx_t  *ctx;

    variable = (ngx_str_t *) data;

    name.data = variable->data + ngx_http_notify_body_prefix.len;
    name.len = variable->len - ngx_http_notify_body_prefix.len;

    v->not_found = 1;

    ctx = ngx_http_notify_body_ctx(r);

    if (ctx == NULL || name.len == 0) {
        return NGX_OK;
    }

    rc = ctx->form
             ? ngx_http_notify_body_field(r, &ctx->text, &name, &value)
             : ngx_http_notify_body_member(r, &ctx->object, &name, &value);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    return rc == NGX_OK ? ngx_http_notify_body_value(r, v, &value) : NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_body_member(ngx_http_request_t *r, const ngx_str_t *object,
    const ngx_str_t *name, ngx_str_t *value)
{
    ngx_str_t                     member;
    ngx_http_notify_json_iter_t   it;

    if (object->len == 0) {
        return NGX_DECLINED;
    }

    ngx_http_notify_json_iter(&it, object);

    while (ngx_http_notify_json_next(&it, &member, value) == NGX_OK) {

        if (!ngx_http_notify_text_equal_nocase(&member, name)) {
            continue;
        }

        return ngx_http_notify_body_plain(r->pool, value);
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_body_field(ngx_http_request_t *r, const ngx_str_t *form,
    const ngx_str_t *name, ngx_str_t *value)
{
    ngx_str_t  rest, field;

    rest = *form;

    while (ngx_http_notify_urlencoded_next(&rest, &field, value) == NGX_OK) {

        if (ngx_http_notify_urlencoded_decode(r->pool, &field, &field)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ngx_http_notify_text_equal_nocase(&field, name)) {
            return ngx_http_notify_urlencoded_decode(r->pool, value, value);
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_notify_body_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    var = ngx_http_add_variable(cf, &ngx_http_notify_body_prefix,
                                NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_notify_body_variable;

    return NGX_OK;
}


static void *
ngx_http_notify_body_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_notify_body_loc_conf_t  *blcf;

    blcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_body_loc_conf_t));
    if (blcf == NULL) {
        return NULL;
    }

    blcf->size = NGX_CONF_UNSET_SIZE;

    return blcf;
}


static char *
ngx_http_notify_body_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_notify_body_loc_conf_t *prev = parent;
    ngx_http_notify_body_loc_conf_t *conf = child;

    ngx_conf_merge_size_value(conf->size, prev->size, 64 * 1024);

    return NGX_CONF_OK;
}
