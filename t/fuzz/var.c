/*
 * notify_var and $notify_body_NAME: a path is taken or refused, and a value
 * can stand in a header; both say the same of a member by its name.
 */

#include "fuzz_request.h"
#include "ngx_http_notify_body.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_var.h"


static void
fuzz_request_body(ngx_http_request_t *r, ngx_str_t *text)
{
    ngx_buf_t                *b;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    b = ngx_calloc_buf(r->pool);
    fuzz_check(rb && b);

    rb->bufs = ngx_alloc_chain_link(r->pool);
    fuzz_check(rb->bufs != NULL);

    rb->bufs->buf = b;
    rb->bufs->next = NULL;

    b->pos = text->data;
    b->last = text->data + text->len;
    b->memory = 1;

    r->request_body = rb;
    r->headers_in.content_length_n = text->len;
}


/* a location's configuration, as the directive in it, if there is any */

static void *
fuzz_location(ngx_conf_t *cf, ngx_http_request_t *r, ngx_module_t *module,
    ngx_str_t *args, ngx_uint_t n)
{
    char               *rv;
    void               *conf, *outer;
    ngx_array_t         array;
    ngx_http_module_t  *ctx;

    ctx = module->ctx;

    outer = ctx->create_loc_conf(cf);
    conf = ctx->create_loc_conf(cf);
    fuzz_check(outer && conf);

    if (n) {
        array.elts = args;
        array.nelts = n;
        cf->args = &array;

        rv = module->commands[0].set(cf, &module->commands[0], conf);

        cf->args = NULL;

        if (rv != NGX_CONF_OK) {
            return NULL;
        }
    }

    fuzz_check(ctx->merge_loc_conf(cf, outer, conf) == NGX_CONF_OK);

    r->loc_conf[module->ctx_index] = conf;

    return conf;
}


static void
fuzz_value(ngx_http_variable_value_t *v)
{
    size_t  i;

    fuzz_check(v->not_found + v->valid == 1);

    for (i = 0; v->valid && i < v->len; i++) {
        fuzz_check(v->data[i] >= 0x20 && v->data[i] != 0x7f);
    }
}


/* whether notify_body_NAME can be asked for the same */

static ngx_uint_t
fuzz_name(const ngx_str_t *path, const ngx_str_t *body, ngx_uint_t form)
{
    ngx_str_t                      value;
    ngx_uint_t                     i;
    ngx_http_notify_json_error_t   error;

    if (form) {
        return 1;
    }

    for (i = 0; i < path->len; i++) {
        if (path->data[i] == '.' || path->data[i] == '['
            || path->data[i] == ']')
        {
            return 0;
        }
    }

    return ngx_http_notify_json_scan(body, &value, &error) != NGX_OK
           || ngx_http_notify_json_kind(&value) == NGX_HTTP_NOTIFY_JSON_OBJECT;
}


/* a path, and a body */

void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    u_char                     *p;
    ngx_str_t                   args[4], path, body, name;
    ngx_conf_t                  cf;
    ngx_hash_key_t             *key;
    ngx_http_module_t          *module;
    ngx_http_request_t         *r;
    ngx_http_variable_t        *variable, *prefix;
    ngx_http_core_main_conf_t  *cmcf;
    ngx_http_variable_value_t   v, w;

    r = fuzz_request(pool);
    cmcf = fuzz_request_conf(&cf, r);

    /* as every argument of a directive they end with a NUL */

    path = fuzz_cut(pool, input, '\0');
    args[3].len = path.len;
    args[3].data = ngx_pcalloc(pool, path.len + 1);
    fuzz_check(args[3].data != NULL);
    ngx_memcpy(args[3].data, path.data, path.len);

    body = fuzz_copy(pool, input->data, input->len);
    fuzz_request_body(r, &body);

    if (choice & 1) {
        ngx_str_set(&name, "application/x-www-form-urlencoded");
        fuzz_request_header(r, "Content-Type", &name);
    }

    ngx_str_set(&args[0], "notify_var");
    name = (ngx_str_t) ngx_string("$found");
    args[1] = fuzz_copy(pool, name.data, name.len);
    ngx_str_set(&args[2], "request");

    fuzz_check(fuzz_location(&cf, r, &ngx_http_notify_body_module, NULL, 0));

    if (fuzz_location(&cf, r, &ngx_http_notify_var_module, args, 4) == NULL) {
        return;
    }

    fuzz_check(ngx_http_notify_var_reads(r) == NGX_HTTP_NOTIFY_VAR_REQUEST);

    key = cmcf->variables_keys->keys.elts;
    variable = key[0].value;

    ngx_memzero(&v, sizeof(ngx_http_variable_value_t));
    fuzz_check(variable->get_handler(r, &v, variable->data) == NGX_OK);
    fuzz_value(&v);

    /* the other one, by the path as a name */

    module = ngx_http_notify_body_module.ctx;
    fuzz_check(module->preconfiguration(&cf) == NGX_OK);
    prefix = cmcf->prefix_variables.elts;

    name.len = sizeof("notify_body_") - 1 + args[3].len;
    name.data = ngx_pnalloc(pool, name.len);
    fuzz_check(name.data != NULL);

    p = ngx_cpymem(name.data, "notify_body_", sizeof("notify_body_") - 1);
    ngx_memcpy(p, args[3].data, args[3].len);

    ngx_memzero(&w, sizeof(ngx_http_variable_value_t));
    fuzz_check(prefix->get_handler(r, &w, (uintptr_t) &name) == NGX_OK);
    fuzz_value(&w);

    if (fuzz_name(&args[3], &body, choice & 1)) {
        fuzz_check(v.valid == w.valid);
        fuzz_check(!v.valid
                   || (v.len == w.len
                       && ngx_memcmp(v.data, w.data, v.len) == 0));
    }
}
