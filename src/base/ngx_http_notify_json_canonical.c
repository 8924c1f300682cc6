/*
 * One text for all JSON texts that say the same: no white space, members in
 * the order of their names, strings with the escapes that they must have.  The
 * text of numbers stays, and that of what is nested deeply: each level walks
 * all that is in it once more.
 */

#include "ngx_http_notify_json.h"


#define NGX_HTTP_NOTIFY_JSON_CANONICAL_DEPTH  32


typedef struct {
    ngx_str_t     name;         /* decoded */
    ngx_str_t     value;
} ngx_http_notify_json_pair_t;

typedef struct {
    ngx_pool_t   *pool;
    u_char       *pos;
    u_char       *last;
    ngx_uint_t    depth;
} ngx_http_notify_json_canon_t;


static ngx_int_t ngx_http_notify_json_canon(
    ngx_http_notify_json_canon_t *canon, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_json_canon_object(
    ngx_http_notify_json_canon_t *canon, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_json_canon_array(
    ngx_http_notify_json_canon_t *canon, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_json_canon_string(
    ngx_http_notify_json_canon_t *canon, const ngx_str_t *text);
static ngx_int_t ngx_http_notify_json_canon_put(
    ngx_http_notify_json_canon_t *canon, const u_char *data, size_t len);
static int ngx_libc_cdecl ngx_http_notify_json_canon_compare(const void *one,
    const void *two);


ngx_int_t
ngx_http_notify_json_canonical(ngx_pool_t *pool, const ngx_str_t *value,
    ngx_str_t *text)
{
    ngx_http_notify_json_canon_t  canon;

    /* nothing gets longer by being written in its shortest form */

    text->data = ngx_pnalloc(pool, value->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    canon.pool = pool;
    canon.pos = text->data;
    canon.last = text->data + value->len;
    canon.depth = 0;

    if (ngx_http_notify_json_canon(&canon, value) != NGX_OK) {
        return NGX_ERROR;
    }

    text->len = canon.pos - text->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_json_canon(ngx_http_notify_json_canon_t *canon,
    const ngx_str_t *value)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
    case NGX_HTTP_NOTIFY_JSON_ARRAY:

        if (canon->depth == NGX_HTTP_NOTIFY_JSON_CANONICAL_DEPTH) {
            return ngx_http_notify_json_canon_put(canon, value->data,
                                                  value->len);
        }

        canon->depth++;

        rc = ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_OBJECT
                 ? ngx_http_notify_json_canon_object(canon, value)
                 : ngx_http_notify_json_canon_array(canon, value);

        canon->depth--;

        return rc;

    case NGX_HTTP_NOTIFY_JSON_STRING:

        if (ngx_http_notify_json_text(canon->pool, value, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_json_canon_string(canon, &text);

    default:
        return ngx_http_notify_json_canon_put(canon, value->data, value->len);
    }
}


static ngx_int_t
ngx_http_notify_json_canon_object(ngx_http_notify_json_canon_t *canon,
    const ngx_str_t *value)
{
    ngx_str_t                     name, member;
    ngx_uint_t                    i;
    ngx_array_t                   pairs;
    ngx_http_notify_json_iter_t   it;
    ngx_http_notify_json_pair_t  *pair;

    if (ngx_array_init(&pairs, canon->pool, 8,
                       sizeof(ngx_http_notify_json_pair_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &member) == NGX_OK) {

        pair = ngx_array_push(&pairs);
        if (pair == NULL) {
            return NGX_ERROR;
        }

        /* the quotes stand around it in the text */

        name.data--;
        name.len += 2;

        if (ngx_http_notify_json_text(canon->pool, &name, &pair->name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        pair->value = member;
    }

    pair = pairs.elts;

    ngx_qsort(pair, pairs.nelts, sizeof(ngx_http_notify_json_pair_t),
              ngx_http_notify_json_canon_compare);

    for (i = 0; i < pairs.nelts; i++) {

        if (ngx_http_notify_json_canon_put(canon, (u_char *) (i ? "," : "{"),
                                           1)
            != NGX_OK
            || ngx_http_notify_json_canon_string(canon, &pair[i].name)
               != NGX_OK
            || ngx_http_notify_json_canon_put(canon, (u_char *) ":", 1)
               != NGX_OK
            || ngx_http_notify_json_canon(canon, &pair[i].value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return pairs.nelts
           ? ngx_http_notify_json_canon_put(canon, (u_char *) "}", 1)
           : ngx_http_notify_json_canon_put(canon, (u_char *) "{}", 2);
}


static ngx_int_t
ngx_http_notify_json_canon_array(ngx_http_notify_json_canon_t *canon,
    const ngx_str_t *value)
{
    ngx_str_t                     name, element;
    ngx_uint_t                    n;
    ngx_http_notify_json_iter_t   it;

    ngx_http_notify_json_iter(&it, value);

    for (n = 0; ngx_http_notify_json_next(&it, &name, &element) == NGX_OK; n++)
    {
        if (ngx_http_notify_json_canon_put(canon, (u_char *) (n ? "," : "["),
                                           1)
            != NGX_OK
            || ngx_http_notify_json_canon(canon, &element) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return n ? ngx_http_notify_json_canon_put(canon, (u_char *) "]", 1)
             : ngx_http_notify_json_canon_put(canon, (u_char *) "[]", 2);
}


static ngx_int_t
ngx_http_notify_json_canon_string(ngx_http_notify_json_canon_t *canon,
    const ngx_str_t *text)
{
    ngx_str_t  quoted;

    if (ngx_http_notify_json_quote(canon->pool, text, &quoted) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_canon_put(canon, quoted.data, quoted.len);
}


static ngx_int_t
ngx_http_notify_json_canon_put(ngx_http_notify_json_canon_t *canon,
    const u_char *data, size_t len)
{
    if (len > (size_t) (canon->last - canon->pos)) {
        return NGX_ERROR;
    }

    canon->pos = ngx_cpymem(canon->pos, data, len);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_notify_json_canon_compare(const void *one, const void *two)
{
    const ngx_http_notify_json_pair_t *a = one;
    const ngx_http_notify_json_pair_t *b = two;

    return (int) ngx_memn2cmp(a->name.data, b->name.data, a->name.len,
                              b->name.len);
}
