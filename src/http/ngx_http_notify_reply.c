/*
 * How the API and the directives that answer by themselves write an answer.
 * Must not know what is answered.
 */

#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_text.h"


ngx_int_t
ngx_http_notify_reply_header(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key = ngx_http_notify_text(name);
    h->value = *value;

    if (ngx_strcmp(name, "ETag") == 0) {
        r->headers_out.etag = h;

    } else if (ngx_strcmp(name, "WWW-Authenticate") == 0) {

        /* auth_request hands it on */
        r->headers_out.www_authenticate = h;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_reply_header_text(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_str_t  text;

    text = ngx_http_notify_text(value);

    return ngx_http_notify_reply_header(r, name, &text);
}


/* by what has no methods but these */

ngx_int_t
ngx_http_notify_reply_not_allowed(ngx_http_request_t *r)
{
    return ngx_http_notify_reply_header_text(r, "Allow", "GET, HEAD")
           == NGX_OK
           ? NGX_HTTP_NOT_ALLOWED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


ngx_int_t
ngx_http_notify_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, const ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = body->len;
    r->headers_out.content_type = ngx_http_notify_text(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = (body->len != 0);
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
