/*
 * A text within a string of an event, whose escapes are read on the way:
 * Knuth, Morris and Pratt's search, so that no text and no string makes it
 * slow.
 */

#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_text.h"


static ngx_uint_t ngx_http_notify_filter_search_bytes(
    const ngx_http_notify_filter_t *node, u_char *p, size_t len, size_t *at);


ngx_int_t
ngx_http_notify_filter_search_init(ngx_pool_t *pool,
    ngx_http_notify_filter_t *node)
{
    size_t      i, n;
    ngx_str_t  *text;

    text = &node->value.text;

    node->back = ngx_pcalloc(pool, (text->len + 1) * sizeof(uint32_t));
    if (node->back == NULL) {
        return NGX_ERROR;
    }

    /* back[i]: how much of its beginning ends the first i bytes */

    n = 0;

    for (i = 1; i < text->len; i++) {

        while (n && text->data[i] != text->data[n]) {
            n = node->back[n];
        }

        n += (text->data[i] == text->data[n]);
        node->back[i + 1] = (uint32_t) n;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_filter_search(const ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item)
{
    u_char    *p, *last, *slash;
    size_t     at;
    uint32_t   c;
    u_char     buf[4];

    if (item->kind != NGX_HTTP_NOTIFY_JSON_STRING) {
        return 0;
    }

    at = 0;

    if (item->plain) {
        return ngx_http_notify_filter_search_bytes(node, item->text.data,
                                                   item->text.len, &at)
               || at == node->value.text.len;
    }

    if (item->text.len < 2) {
        return 0;
    }

    p = item->text.data + 1;
    last = item->text.data + item->text.len - 1;

    for ( ;; ) {

        slash = (p < last) ? memchr(p, '\\', last - p) : NULL;

        if (ngx_http_notify_filter_search_bytes(node, p,
                                                (slash ? slash : last) - p,
                                                &at))
        {
            return 1;
        }

        if (slash == NULL) {
            return at == node->value.text.len;
        }

        p = ngx_http_notify_json_escape(slash, last, &c);

        if (p == NULL) {
            return 0;
        }

        if (ngx_http_notify_filter_search_bytes(node, buf,
                              ngx_http_notify_text_put_char(buf, c) - buf,
                              &at))
        {
            return 1;
        }
    }
}


/* whether all of it was found and the rest does not matter */

static ngx_uint_t
ngx_http_notify_filter_search_bytes(const ngx_http_notify_filter_t *node,
    u_char *p, size_t len, size_t *at)
{
    size_t            n;
    u_char           *last;
    const ngx_str_t  *text;

    text = &node->value.text;
    n = *at;

    for (last = p + len; p < last; p++) {

        if (n == text->len) {

            if (node->op == NGX_HTTP_NOTIFY_FILTER_CONTAINS) {
                break;
            }

            n = node->back[n];
        }

        while (n && *p != text->data[n]) {
            n = node->back[n];
        }

        if (n < text->len) {
            n += (*p == text->data[n]);
        }
    }

    *at = n;

    return n == text->len && node->op == NGX_HTTP_NOTIFY_FILTER_CONTAINS;
}
