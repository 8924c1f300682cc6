/*
 * The strict JSON scanner: one pass, no recursion, no memory.  It keeps no
 * state behind a call, and must not know what any text means.
 */

#include "ngx_http_notify_json.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_text.h"


/* the same byte in all eight, and: the high bit of each byte that is zero */
#define ngx_http_notify_json_fill(ch)                                         \
    ((uint64_t) 0x0101010101010101 * (ch))
#define ngx_http_notify_json_zeros(w)                                         \
    (((w) - ngx_http_notify_json_fill(0x01)) & ~(w))


typedef struct {
    u_char                        *start;
    u_char                        *last;
    ngx_uint_t                     depth;       /* the most there may be */
    ngx_uint_t                     values;
    ngx_http_notify_json_error_t  *error;
} ngx_http_notify_json_scan_t;


static u_char *
ngx_http_notify_json_fail(ngx_http_notify_json_scan_t *scan, u_char *p,
    const char *reason)
{
    scan->error->reason = reason;
    scan->error->offset = p - scan->start;

    return NULL;
}


static ngx_int_t
ngx_http_notify_json_hex4(const u_char *p, const u_char *last, uint32_t *unit)
{
    u_char      ch;
    uint32_t    u;
    ngx_uint_t  i;

    if (last - p < 4) {
        return NGX_DECLINED;
    }

    for (u = 0, i = 0; i < 4; i++) {

        if (ngx_http_notify_json_is_digit(p[i])) {
            u = u << 4 | (uint32_t) (p[i] - '0');
            continue;
        }

        ch = (u_char) (p[i] | 0x20);

        if (ch < 'a' || ch > 'f') {
            return NGX_DECLINED;
        }

        u = u << 4 | (uint32_t) (ch - 'a' + 10);
    }

    *unit = u;

    return NGX_OK;
}


/* RFC 8259, 7 and 8.2: half of a surrogate pair is grammatical alone, too */

u_char *
ngx_http_notify_json_escape(u_char *p, u_char *last, uint32_t *c)
{
    const char          *found;
    uint32_t             unit;
    static const char    letters[] = "\"\\/bfnrt";
    static const u_char  chars[] = "\"\\/\b\f\n\r\t";

    if (last - p < 2) {
        return NULL;
    }

    if (p[1] != 'u') {
        found = memchr(letters, p[1], sizeof(letters) - 1);
        if (found == NULL) {
            return NULL;
        }

        *c = chars[found - letters];
        return p + 2;
    }

    if (ngx_http_notify_json_hex4(p + 2, last, c) != NGX_OK) {
        return NULL;
    }

    p += 6;

    if (*c < 0xd800
        || *c > 0xdbff
        || last - p < 6
        || p[0] != '\\'
        || p[1] != 'u'
        || ngx_http_notify_json_hex4(p + 2, last, &unit) != NGX_OK
        || unit < 0xdc00
        || unit > 0xdfff)
    {
        return p;
    }

    *c = 0x10000 + ((*c - 0xd800) << 10 | (unit - 0xdc00));

    return p + 6;
}


/* the first byte that is not plain: no ASCII, a control, quote or backslash */

static ngx_inline u_char *
ngx_http_notify_json_scan_plain(u_char *p, u_char *last)
{
    uint64_t  w;

    while (last - p >= 8) {
        ngx_memcpy(&w, p, 8);

        if ((w | ngx_http_notify_json_zeros(w ^ ngx_http_notify_json_fill('"'))
             | ngx_http_notify_json_zeros(w ^ ngx_http_notify_json_fill('\\'))
             | (w - ngx_http_notify_json_fill(0x20)))
            & ngx_http_notify_json_fill(0x80))
        {
            break;
        }

        p += 8;
    }

    while (p < last && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


/* p behind the opening quote; returns the place behind the closing one */

static u_char *
ngx_http_notify_json_scan_string(ngx_http_notify_json_scan_t *scan, u_char *p)
{
    size_t     n;
    u_char    *end;
    uint32_t   c;

    for ( ;; ) {
        p = ngx_http_notify_json_scan_plain(p, scan->last);

        if (p == scan->last) {
            return ngx_http_notify_json_fail(scan, p, "unterminated string");
        }

        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\') {
            end = ngx_http_notify_json_escape(p, scan->last, &c);
            if (end == NULL) {
                return ngx_http_notify_json_fail(scan, p,
                                                 "invalid escape sequence");
            }

            p = end;
            continue;
        }

        if (*p < 0x20) {
            return ngx_http_notify_json_fail(scan, p,
                                             "control character in a string");
        }

        do {
            n = ngx_http_notify_text_char(p, scan->last);
            if (n == 0) {
                return ngx_http_notify_json_fail(scan, p, "invalid UTF-8");
            }

            p += n;

        } while (p < scan->last && *p >= 0x80);
    }
}


static u_char *
ngx_http_notify_json_scan_digits(u_char *p, u_char *last)
{
    while (p < last && ngx_http_notify_json_is_digit(*p)) {
        p++;
    }

    return p;
}


static u_char *
ngx_http_notify_json_scan_number(ngx_http_notify_json_scan_t *scan, u_char *p)
{
    u_char  *last, *digits;

    last = scan->last;

    if (*p == '-') {
        p++;
    }

    digits = p;
    p = ngx_http_notify_json_scan_digits(p, last);

    if (p == digits || (*digits == '0' && p - digits > 1)) {
        return ngx_http_notify_json_fail(scan, digits, "invalid number");
    }

    if (p < last && *p == '.') {
        digits = p + 1;
        p = ngx_http_notify_json_scan_digits(digits, last);

        if (p == digits) {
            return ngx_http_notify_json_fail(scan, p, "invalid number");
        }
    }

    if (p < last && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < last && (*p == '+' || *p == '-')) {
            p++;
        }

        digits = p;
        p = ngx_http_notify_json_scan_digits(digits, last);

        if (p == digits) {
            return ngx_http_notify_json_fail(scan, p, "invalid number");
        }
    }

    return p;
}


/* a value that is no object and no array */

static u_char *
ngx_http_notify_json_scan_scalar(ngx_http_notify_json_scan_t *scan, u_char *p)
{
    size_t       len;
    const char  *word;

    switch (*p) {

    case '"':
        return ngx_http_notify_json_scan_string(scan, p + 1);

    case 't':
        word = "true";
        len = 4;
        break;

    case 'f':
        word = "false";
        len = 5;
        break;

    case 'n':
        word = "null";
        len = 4;
        break;

    default:
        if (*p == '-' || ngx_http_notify_json_is_digit(*p)) {
            return ngx_http_notify_json_scan_number(scan, p);
        }

        if (scan->last - p >= 3 && ngx_memcmp(p, "\xef\xbb\xbf", 3) == 0) {
            return ngx_http_notify_json_fail(scan, p,
                                             "a byte order mark, which JSON "
                                             "does not have,");
        }

        return ngx_http_notify_json_fail(scan, p, "a value is expected");
    }

    if ((size_t) (scan->last - p) < len || ngx_memcmp(p, word, len) != 0) {
        return ngx_http_notify_json_fail(scan, p, "a value is expected");
    }

    return p + len;
}


/* p at a member's name; returns the place behind the colon */

static u_char *
ngx_http_notify_json_scan_name(ngx_http_notify_json_scan_t *scan, u_char *p)
{
    if (*p != '"') {
        return ngx_http_notify_json_fail(scan, p, "a member name is expected");
    }

    p = ngx_http_notify_json_scan_string(scan, p + 1);
    if (p == NULL) {
        return NULL;
    }

    p = ngx_http_notify_json_skip_space(p, scan->last);

    if (p == scan->last || *p != ':') {
        return ngx_http_notify_json_fail(scan, p, "\":\" is expected");
    }

    return p + 1;
}


/* one value and all in it; returns its end */

static u_char *
ngx_http_notify_json_scan_value(ngx_http_notify_json_scan_t *scan, u_char *p)
{
    u_char      stack[NGX_HTTP_NOTIFY_JSON_LEVELS];
    ngx_uint_t  depth, n;
    enum {
        sw_value = 0,
        sw_first_value,
        sw_name,
        sw_first_name,
        sw_next
    } state;

    depth = 0;
    n = 0;
    state = sw_value;

    do {
        p = ngx_http_notify_json_skip_space(p, scan->last);

        if (p == scan->last) {
            return ngx_http_notify_json_fail(scan, p, "unexpected end");
        }

        if ((state == sw_first_value && *p == ']')
            || (state == sw_first_name && *p == '}')
            || (state == sw_next && *p == stack[depth - 1]))
        {
            depth--;
            p++;
            state = sw_next;
            continue;
        }

        if (state == sw_next) {
            if (*p != ',') {
                return ngx_http_notify_json_fail(scan, p,
                                        "\",\" or a closing bracket expected");
            }

            p++;
            state = (stack[depth - 1] == '}') ? sw_name : sw_value;
            continue;
        }

        if (state == sw_name || state == sw_first_name) {
            p = ngx_http_notify_json_scan_name(scan, p);
            state = sw_value;
            continue;
        }

        if (++n > scan->values) {
            return ngx_http_notify_json_fail(scan, p, "too many values");
        }

        if (*p != '{' && *p != '[') {
            p = ngx_http_notify_json_scan_scalar(scan, p);
            state = sw_next;
            continue;
        }

        if (depth == scan->depth) {
            return ngx_http_notify_json_fail(scan, p,
                           scan->depth < NGX_HTTP_NOTIFY_JSON_DEPTH
                           ? "nested more than 32 levels deep"
                           : "nested more than 512 levels deep");
        }

        state = (*p == '{') ? sw_first_name : sw_first_value;
        stack[depth++] = (u_char) (*p++ == '{' ? '}' : ']');

    } while (p != NULL && (depth > 0 || state != sw_next));

    return p;
}


ngx_int_t
ngx_http_notify_json_scan(const ngx_str_t *text, ngx_str_t *value,
    ngx_http_notify_json_error_t *error)
{
    return ngx_http_notify_json_scan_within(text, NGX_HTTP_NOTIFY_JSON_DEPTH,
                                            NGX_HTTP_NOTIFY_JSON_SIZE, value,
                                            error);
}


ngx_int_t
ngx_http_notify_json_scan_events(const ngx_str_t *text, ngx_str_t *value,
    ngx_http_notify_json_error_t *error)
{
    u_char      *p, *last;
    ngx_uint_t   around;

    last = text->data + text->len;
    p = ngx_http_notify_json_skip_space(text->data, last);

    around = (p < last && *p == '[') ? 2 : 1;

    return ngx_http_notify_json_scan_within(text,
                                         NGX_HTTP_NOTIFY_JSON_DEPTH + around,
                                         NGX_HTTP_NOTIFY_JSON_SIZE, value,
                                         error);
}


ngx_int_t
ngx_http_notify_json_scan_within(const ngx_str_t *text, ngx_uint_t depth,
    ngx_uint_t values, ngx_str_t *value, ngx_http_notify_json_error_t *error)
{
    u_char                       *start, *end, *p;
    ngx_http_notify_json_scan_t   scan;

    if (text->len == 0) {
        error->reason = "empty text";
        error->offset = 0;
        return NGX_DECLINED;
    }

    if (text->len > NGX_HTTP_NOTIFY_JSON_SIZE) {
        error->reason = "longer than 64 MB";
        error->offset = NGX_HTTP_NOTIFY_JSON_SIZE;
        return NGX_DECLINED;
    }

    scan.start = text->data;
    scan.last = text->data + text->len;
    scan.depth = depth;
    scan.values = values;
    scan.error = error;

    start = ngx_http_notify_json_skip_space(scan.start, scan.last);

    end = ngx_http_notify_json_scan_value(&scan, start);
    if (end == NULL) {
        return NGX_DECLINED;
    }

    p = ngx_http_notify_json_skip_space(end, scan.last);

    if (p != scan.last) {
        (void) ngx_http_notify_json_fail(&scan, p, "text after the value");
        return NGX_DECLINED;
    }

    value->data = start;
    value->len = end - start;

    return NGX_OK;
}
