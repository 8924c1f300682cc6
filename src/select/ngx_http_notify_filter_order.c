/*
 * The order of a string of an event and a text, its escapes read on the way.
 */

#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_json_scan.h"


static ngx_int_t ngx_http_notify_filter_order_bytes(u_char *p, size_t len,
    ngx_str_t *rest);
static ngx_int_t ngx_http_notify_filter_order_char(uint32_t c,
    ngx_str_t *rest);


ngx_int_t
ngx_http_notify_filter_order_text(const ngx_http_notify_filter_item_t *item,
    ngx_str_t *rest)
{
    ngx_int_t  order;

    if (!item->plain) {

        if (item->text.len < 2) {
            return -1;
        }

        return ngx_http_notify_filter_order_json(item->text.data + 1,
                                item->text.data + item->text.len - 1, rest);
    }

    order = ngx_http_notify_filter_order_bytes(item->text.data,
                                               item->text.len, rest);

    return (order == 0 && rest->len) ? -1 : order;
}


ngx_int_t
ngx_http_notify_filter_order_json(u_char *p, u_char *last, ngx_str_t *rest)
{
    u_char     *slash;
    uint32_t    c;
    ngx_int_t   order;

    for ( ;; ) {

        slash = (p < last) ? memchr(p, '\\', last - p) : NULL;

        order = ngx_http_notify_filter_order_bytes(p,
                                            (slash ? slash : last) - p, rest);

        if (order != 0) {
            return order;
        }

        if (slash == NULL) {
            return rest->len ? -1 : 0;
        }

        p = ngx_http_notify_json_escape(slash, last, &c);

        if (p == NULL) {
            return -1;
        }

        order = ngx_http_notify_filter_order_char(c, rest);

        if (order != 0) {
            return order;
        }
    }
}


static ngx_int_t
ngx_http_notify_filter_order_bytes(u_char *p, size_t len, ngx_str_t *rest)
{
    size_t     n;
    ngx_int_t  order;

    n = ngx_min(len, rest->len);

    order = n ? ngx_memcmp(p, rest->data, n) : 0;

    if (order != 0) {
        return order;
    }

    rest->data += n;
    rest->len -= n;

    return len > n;
}


static ngx_int_t
ngx_http_notify_filter_order_char(uint32_t c, ngx_str_t *rest)
{
    u_char    *p;
    uint32_t   expected;

    if (rest->len == 0) {
        return 1;
    }

    p = rest->data;

    expected = (*p < 0x80) ? *p++ : ngx_utf8_decode(&p, rest->len);

    if (c != expected) {
        return c < expected ? -1 : 1;
    }

    rest->len -= p - rest->data;
    rest->data = p;

    return 0;
}
