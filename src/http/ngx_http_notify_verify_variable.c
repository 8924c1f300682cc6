/*
 * $notify_payload_text, the whole body wherever nginx keeps it, and
 * $notify_jwt_claim_NAME of a token that has been found valid.
 * Must not know how a call is judged.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_verify.h"


static ngx_int_t ngx_http_notify_verify_variable_payload(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_notify_verify_variable_claim(
    ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_notify_verify_variable_mark(void *data);


static ngx_str_t  ngx_http_notify_verify_variable_text =
    ngx_string("notify_payload_text");
static ngx_str_t  ngx_http_notify_verify_variable_prefix =
    ngx_string("notify_jwt_claim_");


static ngx_int_t
ngx_http_notify_verify_variable_payload(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    size_t                              limit;
    ngx_int_t                           rc;
    ngx_str_t                           text;
    ngx_pool_cleanup_t                 *cln;
    ngx_http_notify_verify_loc_conf_t  *vlcf;

    v->not_found = 1;
    r = r->main;

    if (r->request_body == NULL || r->reading_body) {

        /* "set" would keep the empty text: the pool remembers it */

        if (!ngx_http_notify_verify_variable_early(r)) {
            cln = ngx_pool_cleanup_add(r->pool, 0);
            if (cln == NULL) {
                return NGX_ERROR;
            }

            cln->handler = ngx_http_notify_verify_variable_mark;
        }

        return NGX_OK;
    }

    vlcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_verify_module);
    limit = vlcf->verify ? vlcf->verify->limit : ngx_http_notify_body_size(r);

    rc = ngx_http_notify_body(r, limit, &text);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    v->data = text.data;
    v->len = text.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* nothing to clean up: that it is there says what there is to say */

static void
ngx_http_notify_verify_variable_mark(void *data)
{
}


ngx_uint_t
ngx_http_notify_verify_variable_early(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_notify_verify_variable_mark) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_notify_verify_variable_claim(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t                      rc;
    ngx_str_t                     *variable, name, text;
    ngx_http_notify_verify_ctx_t  *ctx;

    variable = (ngx_str_t *) data;

    name.data = variable->data + ngx_http_notify_verify_variable_prefix.len;
    name.len = variable->len - ngx_http_notify_verify_variable_prefix.len;

    v->not_found = 1;

    ctx = ngx_http_notify_verify_ctx_passed(r->main);

    if (ctx == NULL || ctx->proof.claims.len == 0 || name.len == 0) {
        return NGX_OK;
    }

    rc = ngx_http_notify_verify_token_claim(r->pool, &ctx->proof.claims,
                                            &name, &text);
    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    return rc == NGX_OK ? ngx_http_notify_body_value(r, v, &text) : NGX_ERROR;
}


ngx_int_t
ngx_http_notify_verify_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    var = ngx_http_add_variable(cf, &ngx_http_notify_verify_variable_text,
                                NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_notify_verify_variable_payload;

    var = ngx_http_add_variable(cf, &ngx_http_notify_verify_variable_prefix,
                                NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_notify_verify_variable_claim;

    return NGX_OK;
}
