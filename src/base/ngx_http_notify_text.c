/*
 * Text: comparison and checks.
 */

#include "ngx_http_notify_text.h"


typedef ngx_uint_t (*ngx_http_notify_text_compare_pt)(const ngx_str_t *a,
    const ngx_str_t *b);


static void *ngx_http_notify_text_walk(const ngx_str_t *name,
    const void *elts, ngx_uint_t n, size_t size,
    ngx_http_notify_text_compare_pt same);
static ngx_uint_t ngx_http_notify_text_is_control(u_char c);


ngx_str_t
ngx_http_notify_text(const char *word)
{
    ngx_str_t  text;

    text.data = (u_char *) word;
    text.len = ngx_strlen(word);

    return text;
}


ngx_uint_t
ngx_http_notify_text_equal(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


ngx_uint_t
ngx_http_notify_text_equal_nocase(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len && ngx_strncasecmp(a->data, b->data, a->len) == 0;
}


ngx_uint_t
ngx_http_notify_text_is(const ngx_str_t *text, const char *word)
{
    return text->len == ngx_strlen(word)
           && ngx_http_notify_text_starts(text, word);
}


ngx_uint_t
ngx_http_notify_text_is_nocase(const ngx_str_t *text, const char *word)
{
    return text->len == ngx_strlen(word)
           && ngx_http_notify_text_starts_nocase(text, word);
}


ngx_uint_t
ngx_http_notify_text_starts(const ngx_str_t *text, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    return text->len >= len
           && (len == 0 || ngx_memcmp(text->data, prefix, len) == 0);
}


ngx_uint_t
ngx_http_notify_text_starts_nocase(const ngx_str_t *text, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    return text->len >= len
           && ngx_strncasecmp(text->data, (u_char *) prefix, len) == 0;
}


void *
ngx_http_notify_text_find(const ngx_str_t *name, const void *elts,
    ngx_uint_t n, size_t size)
{
    return ngx_http_notify_text_walk(name, elts, n, size,
                                     ngx_http_notify_text_equal);
}


void *
ngx_http_notify_text_find_nocase(const ngx_str_t *name, const void *elts,
    ngx_uint_t n, size_t size)
{
    return ngx_http_notify_text_walk(name, elts, n, size,
                                     ngx_http_notify_text_equal_nocase);
}


void *
ngx_http_notify_text_find_same_name(const ngx_str_t *name, const void *elts,
    ngx_uint_t n, size_t size)
{
    return ngx_http_notify_text_walk(name, elts, n, size,
                                     ngx_http_notify_text_same_name);
}


static void *
ngx_http_notify_text_walk(const ngx_str_t *name, const void *elts,
    ngx_uint_t n, size_t size, ngx_http_notify_text_compare_pt same)
{
    u_char  *p;

    for (p = (u_char *) elts; n; n--, p += size) {
        if (same(name, (ngx_str_t *) p)) {
            return p;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_notify_text_utf8(const ngx_str_t *text)
{
    size_t   n;
    u_char  *p, *last;

    p = text->data;
    last = p + text->len;

    while (p < last) {
        n = ngx_http_notify_text_char(p, last);
        if (n == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}


/* Unicode, table 3-7 */

size_t
ngx_http_notify_text_char(const u_char *p, const u_char *last)
{
    size_t  n, i;
    u_char  low, high;

    low = 0x80;
    high = 0xbf;

    if (*p < 0x80) {
        return 1;

    } else if (*p < 0xc2) {
        return 0;

    } else if (*p < 0xe0) {
        n = 2;

    } else if (*p < 0xf0) {
        n = 3;
        low = (*p == 0xe0) ? 0xa0 : 0x80;
        high = (*p == 0xed) ? 0x9f : 0xbf;

    } else if (*p < 0xf5) {
        n = 4;
        low = (*p == 0xf0) ? 0x90 : 0x80;
        high = (*p == 0xf4) ? 0x8f : 0xbf;

    } else {
        return 0;
    }

    if ((size_t) (last - p) < n || p[1] < low || p[1] > high) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}


u_char *
ngx_http_notify_text_put_char(u_char *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (u_char) c;
        return p;
    }

    if (c < 0x800) {
        *p++ = (u_char) (0xc0 | c >> 6);
        *p++ = (u_char) (0x80 | (c & 0x3f));
        return p;
    }

    if (c < 0x10000) {
        *p++ = (u_char) (0xe0 | c >> 12);

    } else {
        *p++ = (u_char) (0xf0 | c >> 18);
        *p++ = (u_char) (0x80 | (c >> 12 & 0x3f));
    }

    *p++ = (u_char) (0x80 | (c >> 6 & 0x3f));
    *p++ = (u_char) (0x80 | (c & 0x3f));

    return p;
}


ngx_uint_t
ngx_http_notify_text_control(const ngx_str_t *text)
{
    size_t  i;

    for (i = 0; i < text->len; i++) {
        if (ngx_http_notify_text_is_control(text->data[i])) {
            return 1;
        }
    }

    return 0;
}


u_char *
ngx_http_notify_text_quote(u_char *dst, const ngx_str_t *text, size_t max)
{
    u_char   c;
    u_char  *p, *last;

    p = text->data;
    last = p + ngx_min(text->len, max);

    while (p < last) {
        c = *p++;
        *dst++ = (c == '"' || ngx_http_notify_text_is_control(c)) ? '?' : c;
    }

    return dst;
}


ngx_uint_t
ngx_http_notify_text_same_name(const ngx_str_t *a, const ngx_str_t *b)
{
    u_char  *p, *q, *plast, *qlast;

    p = a->data;
    q = b->data;
    plast = p + a->len;
    qlast = q + b->len;

    for ( ;; ) {

        while (p < plast && (*p == '_' || *p == '-')) {
            p++;
        }

        while (q < qlast && (*q == '_' || *q == '-')) {
            q++;
        }

        if (p == plast || q == qlast) {
            return p == plast && q == qlast;
        }

        if (ngx_tolower(*p) != ngx_tolower(*q)) {
            return 0;
        }

        p++;
        q++;
    }
}


static ngx_uint_t
ngx_http_notify_text_is_control(u_char c)
{
    return c < 0x20 || c == 0x7f;
}
