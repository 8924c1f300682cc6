/*
 * When two scanned values are the same: numbers by value, members in any
 * order.  As deep as the one that is less deep.
 */

#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"


static ngx_int_t ngx_http_notify_json_same_members(ngx_pool_t *pool,
    const ngx_str_t *a, const ngx_str_t *b);
static ngx_int_t ngx_http_notify_json_same_elements(ngx_pool_t *pool,
    const ngx_str_t *a, const ngx_str_t *b);


ngx_int_t
ngx_http_notify_json_same(ngx_pool_t *pool, const ngx_str_t *a,
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
        return ngx_http_notify_json_number_compare(a, b) == 0
               ? NGX_OK : NGX_DECLINED;

    case NGX_HTTP_NOTIFY_JSON_STRING:

        if (ngx_http_notify_json_text(pool, a, &left) != NGX_OK
            || ngx_http_notify_json_text(pool, b, &right) != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_notify_text_equal(&left, &right)
               ? NGX_OK : NGX_DECLINED;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        return ngx_http_notify_json_same_elements(pool, a, b);

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        return ngx_http_notify_json_same_members(pool, a, b);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_notify_json_same_elements(ngx_pool_t *pool, const ngx_str_t *a,
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

        rc = ngx_http_notify_json_same(pool, &left, &right);

        if (rc != NGX_OK) {
            return rc;
        }
    }
}


/* members are unique: as many, and each has its like */

static ngx_int_t
ngx_http_notify_json_same_members(ngx_pool_t *pool, const ngx_str_t *a,
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

        rc = ngx_http_notify_json_name(pool, &name);

        if (rc == NGX_OK) {
            rc = ngx_http_notify_json_find(pool, b, &name, &other);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_notify_json_same(pool, &value, &other);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}
