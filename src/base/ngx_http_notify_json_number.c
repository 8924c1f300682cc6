/*
 * Numbers of scanned text, as decimals of any length: their order, hash and
 * whether they are whole.
 */

#include "ngx_http_notify_json.h"


/* sign, digits d1d2d3..., and the value 0.d1d2d3... * 10^point */
typedef struct {
    ngx_int_t    sign;      /* 0: zero */
    u_char      *first;     /* of the digits, among which a dot may stand */
    u_char      *last;
    int64_t      point;
    int64_t      ndigits;   /* without zeros at the end */
} ngx_http_notify_json_number_t;


static void ngx_http_notify_json_number_read(const ngx_str_t *number,
    ngx_http_notify_json_number_t *decimal);


ngx_int_t
ngx_http_notify_json_number_compare(const ngx_str_t *a, const ngx_str_t *b)
{
    u_char                         *p, *q;
    ngx_int_t                       larger;
    ngx_http_notify_json_number_t   x, y;

    ngx_http_notify_json_number_read(a, &x);
    ngx_http_notify_json_number_read(b, &y);

    if (x.sign != y.sign) {
        return x.sign < y.sign ? -1 : 1;
    }

    if (x.sign == 0) {
        return 0;
    }

    larger = x.sign;

    if (x.point != y.point) {
        return x.point > y.point ? larger : -larger;
    }

    p = x.first;
    q = y.first;

    for ( ;; ) {

        /* after the last digit there are zeros */

        while (p < x.last && *p == '.') {
            p++;
        }

        while (q < y.last && *q == '.') {
            q++;
        }

        if (p == x.last || q == y.last) {
            break;
        }

        if (*p != *q) {
            return *p > *q ? larger : -larger;
        }

        p++;
        q++;
    }

    if (x.ndigits == y.ndigits) {
        return 0;
    }

    return x.ndigits > y.ndigits ? larger : -larger;
}


uint32_t
ngx_http_notify_json_number_hash(const ngx_str_t *number)
{
    u_char                         *p;
    uint32_t                        hash;
    ngx_http_notify_json_number_t   decimal;

    ngx_http_notify_json_number_read(number, &decimal);

    hash = (uint32_t) decimal.sign;

    if (decimal.sign) {
        hash = ngx_hash(hash, (uint32_t) decimal.point);
    }

    for (p = decimal.first; p < decimal.last; p++) {
        if (*p != '.') {
            hash = ngx_hash(hash, *p);
        }
    }

    /* the ends of numbers differ: all bits are to depend on them */

    return ngx_murmur_hash2((u_char *) &hash, sizeof(hash));
}


ngx_uint_t
ngx_http_notify_json_number_whole(const ngx_str_t *number)
{
    ngx_http_notify_json_number_t  decimal;

    ngx_http_notify_json_number_read(number, &decimal);

    return decimal.sign == 0 || decimal.ndigits <= decimal.point;
}


/* a number by RFC 8259's grammar; its exponent is taken up to 10^17 */

static void
ngx_http_notify_json_number_read(const ngx_str_t *number,
    ngx_http_notify_json_number_t *decimal)
{
    u_char    *p, *last, *end;
    int64_t    exponent, before, n;
    ngx_int_t  negative;

    p = number->data;
    last = p + number->len;

    decimal->sign = 1;

    if (p < last && *p == '-') {
        decimal->sign = -1;
        p++;
    }

    for (end = p; end < last && *end != 'e' && *end != 'E'; end++) {
        /* void */
    }

    exponent = 0;
    negative = 0;

    if (end < last) {
        negative = (end + 1 < last && end[1] == '-');

        for (n = 1; end + n < last; n++) {
            if (end[n] >= '0' && end[n] <= '9'
                && exponent < 10000000000000000)
            {
                exponent = exponent * 10 + (end[n] - '0');
            }
        }
    }

    /* how many digits stand before the dot, and the first that is not zero */

    for (before = 0; p + before < end && p[before] != '.'; before++) {
        /* void */
    }

    decimal->point = before + (negative ? -exponent : exponent);

    while (p < end && (*p == '0' || *p == '.')) {
        decimal->point -= (*p == '0');
        p++;
    }

    while (end > p && (end[-1] == '0' || end[-1] == '.')) {
        end--;
    }

    decimal->first = p;
    decimal->last = end;
    decimal->ndigits = 0;

    if (p == end) {
        decimal->sign = 0;
        return;
    }

    for ( /* void */ ; p < end; p++) {
        decimal->ndigits += (*p != '.');
    }
}
