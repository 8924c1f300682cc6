/*
 * The body of an answer: of known length, in chunks, or up to the end.
 */

#include "ngx_http_notify_http_response_internal.h"


static ngx_int_t ngx_http_notify_http_response_body_room(
    ngx_http_notify_http_response_t *a, size_t size);


ngx_int_t
ngx_http_notify_http_response_body_chunk(ngx_http_notify_http_response_t *a,
    u_char ch)
{
    u_char  c;

    switch (a->state) {

    case sw_chunk_start:
        a->length = 0;
        a->digits = 0;
        a->line_bytes = 0;
        a->state = sw_chunk_size;

        /* fall through */

    case sw_chunk_size:
        c = ngx_tolower(ch);

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {

            if (++a->digits == 16) {
                break;
            }

            a->length = a->length * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
            return NGX_AGAIN;
        }

        if (a->digits == 0 || (ch != ';' && ch != '\r')) {
            break;
        }

        a->state = (ch == ';') ? sw_chunk_extension : sw_chunk_lf;
        return NGX_AGAIN;

    case sw_chunk_extension:
        if (ch == '\r') {
            a->state = sw_chunk_lf;
            return NGX_AGAIN;
        }

        if (!ngx_http_notify_http_response_text(ch)
            || ++a->line_bytes > NGX_HTTP_NOTIFY_HTTP_RESPONSE_CHUNK)
        {
            break;
        }

        return NGX_AGAIN;

    case sw_chunk_lf:
        if (ch != '\n') {
            break;
        }

        if (a->length) {
            a->state = sw_chunk_data;

        } else {
            a->trailers = 1;
            a->state = sw_header_start;
        }

        return NGX_AGAIN;

    case sw_chunk_data_cr:
        if (ch != '\r') {
            break;
        }

        a->state = sw_chunk_data_lf;
        return NGX_AGAIN;

    case sw_chunk_data_lf:
        if (ch != '\n') {
            break;
        }

        a->state = sw_chunk_start;
        return NGX_AGAIN;
    }

    return ngx_http_notify_http_response_error(a, "malformed chunk");
}


/* takes what it can of [p, last); NULL: memory */

const u_char *
ngx_http_notify_http_response_body_data(ngx_http_notify_http_response_t *a,
    const u_char *p, const u_char *last)
{
    off_t   size;
    size_t  n;

    size = last - p;

    if ((a->length_given || a->chunked) && size > a->length) {
        size = a->length;
    }

    n = (size_t) ngx_min(size, (off_t) (a->limit - a->body.len));

    if (n) {
        if (ngx_http_notify_http_response_body_room(a, n) != NGX_OK) {
            a->error = "no memory";
            return NULL;
        }

        ngx_memcpy(a->body.data + a->body.len, p, n);
        a->body.len += n;
    }

    if ((off_t) n < size) {
        a->truncated = 1;
    }

    if (a->length_given || a->chunked) {
        a->length -= size;

        if (a->length == 0) {
            a->state = a->chunked ? sw_chunk_data_cr : sw_done;
        }
    }

    return p + size;
}


static ngx_int_t
ngx_http_notify_http_response_body_room(ngx_http_notify_http_response_t *a,
    size_t size)
{
    u_char  *p;
    size_t   n;

    if (size <= a->allocated - a->body.len) {
        return NGX_OK;
    }

    /* a body of known length takes what it needs, others grow */

    if (a->length_given && a->body.len == 0) {
        n = (size_t) ngx_min(a->length, (off_t) a->limit);

    } else {
        n = ngx_max(a->allocated * 2, 512);
        n = ngx_max(n, a->body.len + size);
        n = ngx_min(n, a->limit);
    }

    p = ngx_pnalloc(a->pool, n);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (a->body.len) {
        ngx_memcpy(p, a->body.data, a->body.len);
        (void) ngx_pfree(a->pool, a->body.data);
    }

    a->body.data = p;
    a->allocated = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_http_response_body_keep(
    ngx_http_notify_http_response_t *a, ngx_str_t *to)
{
    if (to->len || a->value_len == 0) {
        return NGX_AGAIN;
    }

    to->len = ngx_min(a->value_len, NGX_HTTP_NOTIFY_HTTP_RESPONSE_VALUE);

    to->data = ngx_pnalloc(a->pool, to->len);
    if (to->data == NULL) {
        to->len = 0;
        return ngx_http_notify_http_response_error(a, "no memory");
    }

    ngx_memcpy(to->data, a->value, to->len);

    return NGX_AGAIN;
}
