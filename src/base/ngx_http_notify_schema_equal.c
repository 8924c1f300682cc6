/*
 * JSON Schema: when two values are the same, and the order of numbers, which
 * are decimals of any length.  Works on slices of scanned text.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_schema_internal.h"


/* sign, digits d1d2d3..., and the value 0.d1d2d3... * 10^point */
typedef struct {
    ngx_int_t    sign;      /* 0: zero */
    u_char      *first;     /* of the digits, among which a dot may stand */
    u_char      *last;
    int64_t      point;
    int64_t      ndigits;   /* without zeros at the end */
} ngx_http_notify_schema_decimal_t;


static ngx_int_t ngx_http_notify_schema_equal(ngx_pool_t *pool,
    const ngx_str_t *a, const ngx_str_t *b);
static ngx_int_t ngx_http_notify_schema_same_members(ngx_pool_t *pool,
    const ngx_str_t *a, const ngx_str_t *b);
static ngx_int_t ngx_http_notify_schema_same_elements(ngx_pool_t *pool,
    const ngx_str_t *a, const ngx_str_t *b);
static void ngx_http_notify_schema_decimal(const ngx_str_t *number,
    ngx_http_notify_schema_decimal_t *decimal);


ngx_int_t
ngx_http_notify_schema_among(ngx_pool_t *pool, const ngx_array_t *values,
    const ngx_str_t *value)
{
    ngx_int_t    rc;
    ngx_str_t   *one;
    ngx_uint_t   i;

    one = values->elts;

    for (i = 0; i < values->nelts; i++) {
        rc = ngx_http_notify_schema_equal(pool, &one[i], value);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


/* NGX_OK, NGX_DECLINED: they differ, NGX_ERROR: memory */

static ngx_int_t
ngx_http_notify_schema_equal(ngx_pool_t *pool, const ngx_str_t *a,
    const ngx_str_t *b)
{
    ngx_str_t                     left, right;
    ngx_http_notify_json_kind_e   kind;

    kind = ngx_http_notify_json_kind(a);

    if (kind != ngx_http_notify_json_kind(b)) {
        return NGX_DECLINED;
    }

    switch (kind) {

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        return ngx_http_notify_schema_compare(a, b) == 0 ? NGX_OK
                                                         : NGX_DECLINED;

    case NGX_HTTP_NOTIFY_JSON_STRING:

        if (ngx_http_notify_json_text(pool, a, &left) != NGX_OK
            || ngx_http_notify_json_text(pool, b, &right) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return left.len == right.len
               && ngx_memcmp(left.data, right.data, left.len) == 0
               ? NGX_OK : NGX_DECLINED;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        return ngx_http_notify_schema_same_elements(pool, a, b);

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        return ngx_http_notify_schema_same_members(pool, a, b);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_notify_schema_same_elements(ngx_pool_t *pool, const ngx_str_t *a,
    const ngx_str_t *b)
{
    ngx_int_t                     rc, end;
    ngx_str_t                     name, left, right;
    ngx_http_notify_json_iter_t   ia, ib;

    ngx_http_notify_json_iter(&ia, a);
    ngx_http_notify_json_iter(&ib, b);

    for ( ;; ) {
        end = ngx_http_notify_json_next(&ia, &name, &left);

        if (ngx_http_notify_json_next(&ib, &name, &right) != end) {
            return NGX_DECLINED;
        }

        if (end != NGX_OK) {
            return NGX_OK;
        }

        rc = ngx_http_notify_schema_equal(pool, &left, &right);

        if (rc != NGX_OK) {
            return rc;
        }
    }
}


/* members are unique: as many, and each has its like */

static ngx_int_t
ngx_http_notify_schema_same_members(ngx_pool_t *pool, const ngx_str_t *a,
    const ngx_str_t *b)
{
    ngx_int_t                     rc, end;
    ngx_str_t                     name, value, other;
    ngx_http_notify_json_iter_t   ia, ib;

    ngx_http_notify_json_iter(&ia, a);
    ngx_http_notify_json_iter(&ib, b);

    do {
        end = ngx_http_notify_json_next(&ia, &name, &value);

        if (ngx_http_notify_json_next(&ib, &name, &other) != end) {
            return NGX_DECLINED;
        }

    } while (end == NGX_OK);

    ngx_http_notify_json_iter(&ia, a);

    while (ngx_http_notify_json_next(&ia, &name, &value) == NGX_OK) {

        rc = ngx_http_notify_schema_name(pool, &name);

        if (rc == NGX_OK) {
            rc = ngx_http_notify_schema_member(pool, b, &name, &other);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_notify_schema_equal(pool, &value, &other);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_schema_member(ngx_pool_t *pool, const ngx_str_t *object,
    const ngx_str_t *want, ngx_str_t *value)
{
    ngx_str_t                     name;
    ngx_http_notify_json_iter_t   it;

    ngx_http_notify_json_iter(&it, object);

    while (ngx_http_notify_json_next(&it, &name, value) == NGX_OK) {

        if (ngx_http_notify_schema_name(pool, &name) != NGX_OK) {
            return NGX_ERROR;
        }

        if (name.len == want->len
            && ngx_memcmp(name.data, want->data, name.len) == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_schema_compare(const ngx_str_t *a, const ngx_str_t *b)
{
    u_char                            *p, *q;
    ngx_int_t                          larger;
    ngx_http_notify_schema_decimal_t   x, y;

    ngx_http_notify_schema_decimal(a, &x);
    ngx_http_notify_schema_decimal(b, &y);

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

        /* of what stands behind the last digit, zeros */

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


ngx_uint_t
ngx_http_notify_schema_integer(const ngx_str_t *number)
{
    ngx_http_notify_schema_decimal_t  decimal;

    ngx_http_notify_schema_decimal(number, &decimal);

    return decimal.sign == 0 || decimal.ndigits <= decimal.point;
}


/* a number by RFC 8259's grammar; its exponent is taken up to 10^12 */

static void
ngx_http_notify_schema_decimal(const ngx_str_t *number,
    ngx_http_notify_schema_decimal_t *decimal)
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
            if (end[n] >= '0' && end[n] <= '9' && exponent < 1000000000000) {
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
