/*
 * Punycode of host names, label by label.
 */

#include "ngx_http_notify_punycode.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_PUNYCODE_LABEL  63
#define NGX_HTTP_NOTIFY_PUNYCODE_HOST   253

#define NGX_HTTP_NOTIFY_PUNYCODE_BASE   36
#define NGX_HTTP_NOTIFY_PUNYCODE_TMIN   1
#define NGX_HTTP_NOTIFY_PUNYCODE_TMAX   26
#define NGX_HTTP_NOTIFY_PUNYCODE_SKEW   38
#define NGX_HTTP_NOTIFY_PUNYCODE_DAMP   700
#define NGX_HTTP_NOTIFY_PUNYCODE_BIAS   72
#define NGX_HTTP_NOTIFY_PUNYCODE_FIRST  0x80


static u_char *ngx_http_notify_punycode_label(u_char *p, const u_char *label,
    const u_char *end);
static ngx_int_t ngx_http_notify_punycode_read(const u_char *label,
    const u_char *end, uint32_t *chars);
static ngx_uint_t ngx_http_notify_punycode_letter(uint32_t c);
static u_char *ngx_http_notify_punycode_encode(u_char *p,
    const uint32_t *chars, ngx_uint_t n);
static u_char *ngx_http_notify_punycode_number(u_char *p, uint32_t delta,
    uint32_t bias);
static uint32_t ngx_http_notify_punycode_adapt(uint32_t delta, uint32_t n,
    ngx_uint_t first);


ngx_int_t
ngx_http_notify_punycode(ngx_pool_t *pool, const ngx_str_t *host,
    ngx_str_t *ascii)
{
    u_char  *p, *label, *end, *last;

    if (host->len > 4 * NGX_HTTP_NOTIFY_PUNYCODE_HOST) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(pool, 8 * host->len + sizeof("xn--"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ascii->data = p;

    label = host->data;
    last = label + host->len;

    for ( ;; ) {
        end = ngx_strlchr(label, last, '.');
        end = end ? end : last;

        p = ngx_http_notify_punycode_label(p, label, end);

        if (p == NULL) {
            return NGX_DECLINED;
        }

        if (end == last) {
            break;
        }

        *p++ = '.';
        label = end + 1;
    }

    ascii->len = p - ascii->data;

    return ascii->len <= NGX_HTTP_NOTIFY_PUNYCODE_HOST ? NGX_OK
                                                       : NGX_DECLINED;
}


static u_char *
ngx_http_notify_punycode_label(u_char *p, const u_char *label,
    const u_char *end)
{
    u_char        *start;
    ngx_int_t      n;
    const u_char  *c;
    uint32_t       chars[NGX_HTTP_NOTIFY_PUNYCODE_LABEL];

    start = p;

    for (c = label; c < end && *c < 0x80; c++) { /* void */ }

    if (c == end) {
        ngx_strlow(p, (u_char *) label, end - label);
        return p + (end - label);
    }

    n = ngx_http_notify_punycode_read(label, end, chars);

    if (n == NGX_ERROR) {
        return NULL;
    }

    p = ngx_cpymem(p, "xn--", sizeof("xn--") - 1);
    p = ngx_http_notify_punycode_encode(p, chars, n);

    return p - start <= NGX_HTTP_NOTIFY_PUNYCODE_LABEL ? p : NULL;
}


static ngx_int_t
ngx_http_notify_punycode_read(const u_char *label, const u_char *end,
    uint32_t *chars)
{
    size_t     len;
    u_char    *p;
    uint32_t   c;
    ngx_int_t  n;

    n = 0;
    p = (u_char *) label;

    while (p < end) {
        len = ngx_http_notify_text_char(p, end);

        if (len == 0 || n == NGX_HTTP_NOTIFY_PUNYCODE_LABEL) {
            return NGX_ERROR;
        }

        c = (len == 1) ? *p++ : ngx_utf8_decode(&p, len);

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if (!ngx_http_notify_punycode_letter(c)) {
            return NGX_ERROR;
        }

        chars[n++] = c;
    }

    return n;
}


/* neither dots and spaces of another kind, nor forms of ASCII */

static ngx_uint_t
ngx_http_notify_punycode_letter(uint32_t c)
{
    if (c < 0x80) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }

    return c >= 0xc0
           && !(c >= 0x2000 && c <= 0x2e7f)
           && !(c >= 0x3000 && c <= 0x3004)
           && c < 0xe000;
}


/* RFC 3492, 6.3; so many characters cannot overflow */

static u_char *
ngx_http_notify_punycode_encode(u_char *p, const uint32_t *chars,
    ngx_uint_t n)
{
    uint32_t    next, m, delta, bias;
    ngx_uint_t  i, basic, done;

    basic = 0;

    for (i = 0; i < n; i++) {
        if (chars[i] < NGX_HTTP_NOTIFY_PUNYCODE_FIRST) {
            *p++ = (u_char) chars[i];
            basic++;
        }
    }

    if (basic) {
        *p++ = '-';
    }

    delta = 0;
    done = basic;
    bias = NGX_HTTP_NOTIFY_PUNYCODE_BIAS;
    next = NGX_HTTP_NOTIFY_PUNYCODE_FIRST;

    while (done < n) {

        m = (uint32_t) -1;

        for (i = 0; i < n; i++) {
            if (chars[i] >= next && chars[i] < m) {
                m = chars[i];
            }
        }

        delta += (m - next) * (uint32_t) (done + 1);
        next = m;

        for (i = 0; i < n; i++) {

            if (chars[i] < next) {
                delta++;
            }

            if (chars[i] == next) {
                p = ngx_http_notify_punycode_number(p, delta, bias);
                bias = ngx_http_notify_punycode_adapt(delta,
                                                      (uint32_t) (done + 1),
                                                      done == basic);
                delta = 0;
                done++;
            }
        }

        delta++;
        next++;
    }

    return p;
}


static u_char *
ngx_http_notify_punycode_number(u_char *p, uint32_t delta, uint32_t bias)
{
    uint32_t  k, t;

    static u_char  digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    for (k = NGX_HTTP_NOTIFY_PUNYCODE_BASE; ;
         k += NGX_HTTP_NOTIFY_PUNYCODE_BASE)
    {
        t = (k <= bias) ? NGX_HTTP_NOTIFY_PUNYCODE_TMIN
            : (k >= bias + NGX_HTTP_NOTIFY_PUNYCODE_TMAX)
              ? NGX_HTTP_NOTIFY_PUNYCODE_TMAX : k - bias;

        if (delta < t) {
            break;
        }

        *p++ = digits[t + (delta - t) % (NGX_HTTP_NOTIFY_PUNYCODE_BASE - t)];
        delta = (delta - t) / (NGX_HTTP_NOTIFY_PUNYCODE_BASE - t);
    }

    *p++ = digits[delta];

    return p;
}


static uint32_t
ngx_http_notify_punycode_adapt(uint32_t delta, uint32_t n, ngx_uint_t first)
{
    uint32_t  k;

    delta = first ? delta / NGX_HTTP_NOTIFY_PUNYCODE_DAMP : delta / 2;
    delta += delta / n;

    for (k = 0;
         delta > ((NGX_HTTP_NOTIFY_PUNYCODE_BASE
                   - NGX_HTTP_NOTIFY_PUNYCODE_TMIN)
                  * NGX_HTTP_NOTIFY_PUNYCODE_TMAX) / 2;
         k += NGX_HTTP_NOTIFY_PUNYCODE_BASE)
    {
        delta /= NGX_HTTP_NOTIFY_PUNYCODE_BASE - NGX_HTTP_NOTIFY_PUNYCODE_TMIN;
    }

    return k + (NGX_HTTP_NOTIFY_PUNYCODE_BASE - NGX_HTTP_NOTIFY_PUNYCODE_TMIN
                + 1) * delta / (delta + NGX_HTTP_NOTIFY_PUNYCODE_SKEW);
}
