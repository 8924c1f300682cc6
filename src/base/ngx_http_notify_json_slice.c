/*
 * Slices of text that was scanned before: walking, decoding, quoting.  They
 * live as long as the text.  Relies on the scanner for the grammar, and stays
 * within the slice whatever is in it.
 */

#include "ngx_http_notify_json.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_JSON_NAMES  64


/* The member names of all objects that are open, the innermost's on top. */
typedef struct {
    ngx_pool_t                    *pool;
    ngx_str_t                     *elts;
    ngx_uint_t                     n;
    ngx_uint_t                     max;
    ngx_str_t                      twice;
    ngx_str_t                      fixed[NGX_HTTP_NOTIFY_JSON_NAMES];
} ngx_http_notify_json_names_t;


ngx_http_notify_json_kind_e
ngx_http_notify_json_kind(const ngx_str_t *value)
{
    if (value->len == 0) {
        return NGX_HTTP_NOTIFY_JSON_NONE;
    }

    switch (value->data[0]) {

    case '{':
        return NGX_HTTP_NOTIFY_JSON_OBJECT;

    case '[':
        return NGX_HTTP_NOTIFY_JSON_ARRAY;

    case '"':
        return NGX_HTTP_NOTIFY_JSON_STRING;

    case 'n':
        return NGX_HTTP_NOTIFY_JSON_NULL;

    case 't':
        return NGX_HTTP_NOTIFY_JSON_TRUE;

    case 'f':
        return NGX_HTTP_NOTIFY_JSON_FALSE;

    default:
        return NGX_HTTP_NOTIFY_JSON_NUMBER;
    }
}


/*
 * p behind the opening quote of a string that was scanned before; returns the
 * place behind its closing quote.  The quote ends it unless it is escaped: an
 * odd number of backslashes before it.
 */

static u_char *
ngx_http_notify_json_skip_string(u_char *p, u_char *last)
{
    u_char  *start, *slash;

    start = p;

    while (p < last) {
        p = memchr(p, '"', last - p);
        if (p == NULL) {
            break;
        }

        for (slash = p; slash > start && slash[-1] == '\\'; slash--) {
            /* void */
        }

        start = ++p;

        if ((p - 1 - slash) % 2 == 0) {
            return p;
        }
    }

    return last;
}


/* p at a value that was scanned before; returns its end */

static u_char *
ngx_http_notify_json_skip_value(u_char *p, u_char *last)
{
    ngx_uint_t  depth;

    depth = 0;

    while (p < last) {

        switch (*p) {

        case '"':
            p = ngx_http_notify_json_skip_string(p + 1, last);
            break;

        case '{':
        case '[':
            depth++;
            p++;
            continue;

        case '}':
        case ']':
            p++;
            depth = depth ? depth - 1 : 0;
            break;

        default:
            if (depth) {
                p++;
                continue;
            }

            while (p < last
                   && *p != ',' && *p != '}' && *p != ']'
                   && !ngx_http_notify_json_is_space(*p))
            {
                p++;
            }
        }

        if (depth == 0) {
            break;
        }
    }

    return p;
}


void
ngx_http_notify_json_iter(ngx_http_notify_json_iter_t *it,
    const ngx_str_t *value)
{
    ngx_http_notify_json_kind_e  kind;

    kind = ngx_http_notify_json_kind(value);

    it->object = (kind == NGX_HTTP_NOTIFY_JSON_OBJECT);

    if ((it->object || kind == NGX_HTTP_NOTIFY_JSON_ARRAY)
        && value->len >= 2)
    {
        it->pos = value->data + 1;
        it->last = value->data + value->len - 1;
        return;
    }

    it->pos = value->data;
    it->last = value->data;
}


ngx_int_t
ngx_http_notify_json_next(ngx_http_notify_json_iter_t *it, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *p, *last;

    last = it->last;
    p = ngx_http_notify_json_skip_space(it->pos, last);

    if (p < last && *p == ',') {
        p = ngx_http_notify_json_skip_space(p + 1, last);
    }

    if (p == last) {
        it->pos = last;
        return NGX_DONE;
    }

    ngx_str_null(name);

    if (it->object) {
        name->data = p + 1;
        p = ngx_http_notify_json_skip_string(p + 1, last);
        name->len = (p > name->data) ? p - 1 - name->data : 0;

        p = ngx_http_notify_json_skip_space(p, last);
        p += (p < last);
        p = ngx_http_notify_json_skip_space(p, last);
    }

    value->data = p;
    p = ngx_http_notify_json_skip_value(p, last);
    value->len = p - value->data;

    it->pos = p;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_text(ngx_pool_t *pool, const ngx_str_t *value,
    ngx_str_t *text)
{
    u_char    *p, *last, *slash, *dst;
    uint32_t   c;

    if (value->len < 2 || value->data[0] != '"') {
        return NGX_DECLINED;
    }

    p = value->data + 1;
    last = value->data + value->len - 1;

    slash = memchr(p, '\\', last - p);

    if (slash == NULL) {
        text->data = p;
        text->len = last - p;
        return NGX_OK;
    }

    /* no escape sequence is shorter than what it stands for */

    dst = ngx_pnalloc(pool, last - p);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    text->data = dst;

    while (slash) {
        dst = ngx_cpymem(dst, p, slash - p);

        p = ngx_http_notify_json_escape(slash, last, &c);
        if (p == NULL) {
            return NGX_DECLINED;
        }

        dst = ngx_http_notify_text_put_char(dst, c);
        slash = memchr(p, '\\', last - p);
    }

    dst = ngx_cpymem(dst, p, last - p);
    text->len = dst - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_name(ngx_pool_t *pool, ngx_str_t *name)
{
    if (ngx_strlchr(name->data, name->data + name->len, '\\') == NULL) {
        return NGX_OK;
    }

    /* the quotes stand around it in the text */

    name->data--;
    name->len += 2;

    return ngx_http_notify_json_text(pool, name, name);
}


ngx_int_t
ngx_http_notify_json_find(ngx_pool_t *pool, const ngx_str_t *object,
    const ngx_str_t *want, ngx_str_t *value)
{
    ngx_int_t                     rc;
    ngx_str_t                     name;
    ngx_http_notify_json_iter_t   it;

    ngx_http_notify_json_iter(&it, object);

    while (ngx_http_notify_json_next(&it, &name, value) == NGX_OK) {

        rc = ngx_http_notify_json_name(pool, &name);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK && ngx_http_notify_text_equal(&name, want)) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* p at three bytes that encode a surrogate, which UTF-8 does not have */

static ngx_uint_t
ngx_http_notify_json_surrogate(const u_char *p, const u_char *last)
{
    return last - p >= 3 && p[0] == 0xed && (p[1] & 0xe0) == 0xa0
           && (p[2] & 0xc0) == 0x80;
}


/*
 * One character as it stands in a JSON string: at most six bytes.  What is not
 * UTF-8 becomes U+FFFD, so that the result is JSON whatever came in.
 */

static u_char *
ngx_http_notify_json_quote_char(u_char *dst, u_char **pos, u_char *last)
{
    size_t         n;
    u_char        *p;
    static u_char  hex[] = "0123456789abcdef";
    static u_char  shorts[] = "btn\0fr";

    p = *pos;
    n = ngx_http_notify_text_char(p, last);

    if (n == 0 && ngx_http_notify_json_surrogate(p, last)) {
        *pos = p + 3;

        dst = ngx_cpymem(dst, "\\ud", 3);
        *dst++ = hex[0x8 | (p[1] >> 2 & 0x7)];
        *dst++ = hex[(p[1] & 0x3) << 2 | (p[2] >> 4 & 0x3)];
        *dst++ = hex[p[2] & 0xf];

        return dst;
    }

    if (n == 0) {
        *pos = p + 1;
        return ngx_cpymem(dst, "\xef\xbf\xbd", 3);
    }

    *pos = p + n;

    if (*p >= 0x20 && *p != '"' && *p != '\\') {
        return ngx_cpymem(dst, p, n);
    }

    *dst++ = '\\';

    if (*p >= 0x20) {
        *dst++ = *p;
        return dst;
    }

    if (*p >= '\b' && *p <= '\r' && *p != '\v') {
        *dst++ = shorts[*p - '\b'];
        return dst;
    }

    dst = ngx_cpymem(dst, "u00", 3);
    *dst++ = hex[*p >> 4];
    *dst++ = hex[*p & 0xf];

    return dst;
}


/* where the bytes end that stand for themselves */

static u_char *
ngx_http_notify_json_plain(u_char *p, u_char *last)
{
    while (p < last && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


size_t
ngx_http_notify_json_escaped_len(const ngx_str_t *text)
{
    size_t   len;
    u_char  *p, *last, *plain, buf[6];

    /* an empty one may be at NULL */

    if (text->len == 0) {
        return 0;
    }

    len = 0;
    last = text->data + text->len;

    for (p = text->data; p < last; /* void */ ) {
        plain = ngx_http_notify_json_plain(p, last);
        len += plain - p;
        p = plain;

        if (p < last) {
            len += ngx_http_notify_json_quote_char(buf, &p, last) - buf;
        }
    }

    return len;
}


u_char *
ngx_http_notify_json_put_escaped(u_char *dst, const ngx_str_t *text)
{
    u_char  *p, *last, *plain;

    if (text->len == 0) {
        return dst;
    }

    last = text->data + text->len;

    for (p = text->data; p < last; /* void */ ) {
        plain = ngx_http_notify_json_plain(p, last);
        dst = ngx_cpymem(dst, p, plain - p);
        p = plain;

        if (p < last) {
            dst = ngx_http_notify_json_quote_char(dst, &p, last);
        }
    }

    return dst;
}


ngx_int_t
ngx_http_notify_json_quote(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_str_t *quoted)
{
    u_char  *p;

    quoted->len = 2 + ngx_http_notify_json_escaped_len(text);
    quoted->data = ngx_pnalloc(pool, quoted->len);

    if (quoted->data == NULL) {
        return NGX_ERROR;
    }

    p = quoted->data;

    *p++ = '"';
    p = ngx_http_notify_json_put_escaped(p, text);
    *p = '"';

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_int64(const ngx_str_t *text, int64_t *n)
{
    u_char      *p, *last, *digits;
    uint64_t     max, value;
    ngx_uint_t   negative, digit;

    p = text->data;
    last = p + text->len;

    negative = (p < last && *p == '-');
    p += negative;

    max = (uint64_t) INT64_MAX + negative;
    digits = p;

    for (value = 0; p < last; p++) {

        if (!ngx_http_notify_json_is_digit(*p)) {
            return NGX_DECLINED;
        }

        digit = *p - '0';

        if (value > (max - digit) / 10) {
            return NGX_DECLINED;
        }

        value = value * 10 + digit;
    }

    if (p == digits || (*digits == '0' && (negative || p - digits > 1))) {
        return NGX_DECLINED;
    }

    if (n) {
        *n = (negative && value) ? -(int64_t) (value - 1) - 1
                                 : (int64_t) value;
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_notify_json_compare_names(const void *one, const void *two)
{
    const ngx_str_t  *a, *b;

    a = one;
    b = two;

    if (a->len != b->len) {
        return (a->len < b->len) ? -1 : 1;
    }

    return ngx_memcmp(a->data, b->data, a->len);
}


/* puts a name, without its quotes and decoded, on the stack */

static ngx_int_t
ngx_http_notify_json_push_name(ngx_http_notify_json_names_t *names,
    ngx_str_t *quoted)
{
    ngx_str_t  *elts;

    if (names->pool == NULL
        && (names->n == names->max
            || memchr(quoted->data, '\\', quoted->len) != NULL))
    {
        names->pool = ngx_create_pool(4096, ngx_cycle->log);
        if (names->pool == NULL) {
            return NGX_ERROR;
        }
    }

    if (names->n == names->max) {
        elts = ngx_palloc(names->pool, 2 * names->max * sizeof(ngx_str_t));
        if (elts == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(elts, names->elts, names->n * sizeof(ngx_str_t));

        names->elts = elts;
        names->max *= 2;
    }

    return ngx_http_notify_json_text(names->pool, quoted,
                                     &names->elts[names->n++]);
}


/* looks at the names from the first on, of one object, and takes them off */

static ngx_int_t
ngx_http_notify_json_pop_names(ngx_http_notify_json_names_t *names,
    ngx_uint_t first)
{
    ngx_str_t   *elts;
    ngx_uint_t   i, n;

    elts = &names->elts[first];
    n = names->n - first;
    names->n = first;

    if (n > 1) {
        ngx_qsort(elts, n, sizeof(ngx_str_t),
                  ngx_http_notify_json_compare_names);
    }

    for (i = 1; i < n; i++) {
        if (ngx_http_notify_json_compare_names(&elts[i - 1], &elts[i]) == 0) {
            names->twice = elts[i];
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_json_unique_names(ngx_http_notify_json_names_t *names,
    const ngx_str_t *value)
{
    u_char      *p, *last;
    ngx_int_t    rc;
    ngx_str_t    string;
    ngx_uint_t   depth, first[NGX_HTTP_NOTIFY_JSON_LEVELS];

    depth = 0;
    last = value->data + value->len;

    for (p = value->data; p < last; p++) {

        if (*p == '{' || *p == '[') {
            if (depth == NGX_HTTP_NOTIFY_JSON_LEVELS) {
                return NGX_DECLINED;
            }

            first[depth++] = names->n;
            continue;
        }

        if (*p == '}' || *p == ']') {
            if (depth == 0) {
                return NGX_DECLINED;
            }

            rc = ngx_http_notify_json_pop_names(names, first[--depth]);
            if (rc != NGX_OK) {
                return rc;
            }

            continue;
        }

        if (*p != '"') {
            continue;
        }

        string.data = p;
        p = ngx_http_notify_json_skip_string(p + 1, last);
        string.len = p - string.data;

        p = ngx_http_notify_json_skip_space(p, last);

        /* a string in front of a colon is a name */

        if (p < last && *p == ':') {
            rc = ngx_http_notify_json_push_name(names, &string);
            if (rc != NGX_OK) {
                return rc;
            }

        } else {
            p--;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_unique(const ngx_str_t *value, ngx_str_t *twice)
{
    ngx_int_t                     rc;
    ngx_http_notify_json_names_t  names;

    names.pool = NULL;
    names.elts = names.fixed;
    names.n = 0;
    names.max = NGX_HTTP_NOTIFY_JSON_NAMES;

    ngx_str_null(&names.twice);

    rc = ngx_http_notify_json_unique_names(&names, value);

    /* a name that was decoded goes with the pool */

    if (twice) {
        *twice = names.twice;

        if (twice->data < value->data
            || twice->data >= value->data + value->len)
        {
            ngx_str_null(twice);
        }
    }

    if (names.pool) {
        ngx_destroy_pool(names.pool);
    }

    return rc;
}
