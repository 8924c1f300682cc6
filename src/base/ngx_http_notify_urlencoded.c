/*
 * Arguments of URLs, and bodies of forms: split and decoded.
 */

#include "ngx_http_notify_text.h"
#include "ngx_http_notify_urlencoded.h"


static ngx_int_t ngx_http_notify_urlencoded_bytes(ngx_pool_t *pool,
    const ngx_str_t *in, ngx_uint_t strict, ngx_str_t *out);


ngx_int_t
ngx_http_notify_urlencoded_next(ngx_str_t *text, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *end, *eq, *last;

    if (text->len == 0) {
        return NGX_DONE;
    }

    last = text->data + text->len;

    end = ngx_strlchr(text->data, last, '&');
    end = end ? end : last;

    eq = ngx_strlchr(text->data, end, '=');
    eq = eq ? eq : end;

    name->data = text->data;
    name->len = eq - name->data;

    value->data = eq + (eq < end);
    value->len = end - value->data;

    text->data = end + (end < last);
    text->len = last - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_urlencoded_decode(ngx_pool_t *pool, const ngx_str_t *in,
    ngx_str_t *out)
{
    return ngx_http_notify_urlencoded_bytes(pool, in, 0, out);
}


ngx_int_t
ngx_http_notify_urlencoded_decode_strict(ngx_pool_t *pool,
    const ngx_str_t *in, ngx_str_t *out)
{
    ngx_int_t  rc;

    rc = ngx_http_notify_urlencoded_bytes(pool, in, 1, out);

    return rc == NGX_OK && !ngx_http_notify_text_utf8(out) ? NGX_DECLINED
                                                           : rc;
}


static ngx_int_t
ngx_http_notify_urlencoded_bytes(ngx_pool_t *pool, const ngx_str_t *in,
    ngx_uint_t strict, ngx_str_t *out)
{
    u_char     *p, *last, *dst;
    ngx_int_t   ch;

    p = in->data;
    last = p + in->len;

    dst = ngx_pnalloc(pool, in->len + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    out->data = dst;

    while (p < last) {

        if (*p != '%') {
            *dst++ = (*p == '+' && !strict) ? ' ' : *p;
            p++;
            continue;
        }

        ch = last - p > 2 ? ngx_hextoi(p + 1, 2) : NGX_ERROR;

        if (strict && (ch == NGX_ERROR || ch == 0)) {
            return NGX_DECLINED;
        }

        *dst++ = ch == NGX_ERROR ? '%' : (u_char) ch;
        p += ch == NGX_ERROR ? 1 : 3;
    }

    out->len = dst - out->data;

    return NGX_OK;
}
