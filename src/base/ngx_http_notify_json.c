/*
 * JSON documents: jansson behind ngx_http_notify_json_t.  A document lives as
 * long as its pool.  Must not know what any document means.
 */

#include "ngx_http_notify_json_document.h"
#include "ngx_http_notify_text.h"


static void
ngx_http_notify_json_cleanup(void *data)
{
    json_decref(data);
}


/*
 * Hands the creator's reference to the pool.  Containers take one of their
 * own, so that a document may be put into any other, of a pool that lives
 * longer or shorter.
 */

ngx_http_notify_json_t *
ngx_http_notify_json_own(ngx_pool_t *pool, json_t *json)
{
    ngx_pool_cleanup_t  *cln;

    if (json == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        json_decref(json);
        return NULL;
    }

    cln->handler = ngx_http_notify_json_cleanup;
    cln->data = json;

    return ngx_http_notify_json_out(json);
}


ngx_http_notify_json_kind_e
ngx_http_notify_json_type(const ngx_http_notify_json_t *json)
{
    if (json == NULL) {
        return NGX_HTTP_NOTIFY_JSON_NONE;
    }

    switch (json_typeof(ngx_http_notify_json_in(json))) {

    case JSON_OBJECT:
        return NGX_HTTP_NOTIFY_JSON_OBJECT;

    case JSON_ARRAY:
        return NGX_HTTP_NOTIFY_JSON_ARRAY;

    case JSON_STRING:
        return ngx_http_notify_json_is_written(ngx_http_notify_json_in(json))
               ? NGX_HTTP_NOTIFY_JSON_NUMBER : NGX_HTTP_NOTIFY_JSON_STRING;

    case JSON_INTEGER:
    case JSON_REAL:
        return NGX_HTTP_NOTIFY_JSON_NUMBER;

    case JSON_TRUE:
        return NGX_HTTP_NOTIFY_JSON_TRUE;

    case JSON_FALSE:
        return NGX_HTTP_NOTIFY_JSON_FALSE;

    case JSON_NULL:
        return NGX_HTTP_NOTIFY_JSON_NULL;
    }

    return NGX_HTTP_NOTIFY_JSON_NONE;
}


ngx_http_notify_json_t *
ngx_http_notify_json_get(const ngx_http_notify_json_t *object,
    const char *name)
{
    return ngx_http_notify_json_out(
               json_object_get(ngx_http_notify_json_in(object), name));
}


ngx_http_notify_json_t *
ngx_http_notify_json_get_nocase(const ngx_http_notify_json_t *object,
    const char *name)
{
    void    *iter;
    json_t  *json, *value;

    json = ngx_http_notify_json_in(object);

    value = json_object_get(json, name);

    for (iter = json_object_iter(json);
         iter && value == NULL;
         iter = json_object_iter_next(json, iter))
    {
        if (ngx_strcasecmp((u_char *) json_object_iter_key(iter),
                           (u_char *) name)
            == 0)
        {
            value = json_object_iter_value(iter);
        }
    }

    return ngx_http_notify_json_out(value);
}


ngx_http_notify_json_t *
ngx_http_notify_json_member(const ngx_http_notify_json_t *object,
    void **cursor, ngx_str_t *name)
{
    json_t  *json;

    json = ngx_http_notify_json_in(object);

    *cursor = *cursor ? json_object_iter_next(json, *cursor)
                      : json_object_iter(json);

    if (*cursor == NULL) {
        return NULL;
    }

    *name = ngx_http_notify_text(json_object_iter_key(*cursor));

    return ngx_http_notify_json_out(json_object_iter_value(*cursor));
}


ngx_uint_t
ngx_http_notify_json_size(const ngx_http_notify_json_t *array)
{
    return json_array_size(ngx_http_notify_json_in(array));
}


ngx_http_notify_json_t *
ngx_http_notify_json_at(const ngx_http_notify_json_t *array, ngx_uint_t i)
{
    return ngx_http_notify_json_out(
               json_array_get(ngx_http_notify_json_in(array), i));
}


ngx_str_t
ngx_http_notify_json_string(const ngx_http_notify_json_t *json)
{
    ngx_str_t  text;

    if (ngx_http_notify_json_is_written(ngx_http_notify_json_in(json))) {
        ngx_str_null(&text);
        return text;
    }

    text.data = (u_char *) json_string_value(ngx_http_notify_json_in(json));
    text.len = json_string_length(ngx_http_notify_json_in(json));

    return text;
}


ngx_str_t
ngx_http_notify_json_get_string(const ngx_http_notify_json_t *object,
    const char *name)
{
    return ngx_http_notify_json_string(ngx_http_notify_json_get(object, name));
}


ngx_int_t
ngx_http_notify_json_integer(const ngx_http_notify_json_t *json, int64_t *n)
{
    if (!json_is_integer(ngx_http_notify_json_in(json))) {
        return NGX_DECLINED;
    }

    *n = json_integer_value(ngx_http_notify_json_in(json));

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_real(const ngx_http_notify_json_t *json, double *n)
{
    u_char     buf[NGX_INT64_LEN + 1];
    ngx_str_t  number;

    if (ngx_http_notify_json_number(ngx_http_notify_json_in(json), buf,
                                    &number)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* both are followed by a byte that is none of a number's */

    *n = strtod((char *) number.data, NULL);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_number(const json_t *json,
    u_char buf[NGX_INT64_LEN + 1], ngx_str_t *number)
{
    if (json_is_integer(json)) {
        number->data = buf;
        number->len = ngx_sprintf(buf, "%L%Z", (int64_t)
                                               json_integer_value(json))
                      - buf - 1;
        return NGX_OK;
    }

    if (!ngx_http_notify_json_is_written(json)) {
        return NGX_DECLINED;
    }

    number->data = (u_char *) json_string_value(json) + 1;
    number->len = json_string_length(json) - 1;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_notify_json_equal_level(json_t *a, json_t *b, ngx_uint_t level)
{
    void       *iter;
    size_t      i;
    ngx_str_t   left, right;
    u_char      buf[2][NGX_INT64_LEN + 1];

    if (a == NULL || b == NULL) {
        return 0;
    }

    if (ngx_http_notify_json_number(a, buf[0], &left) == NGX_OK) {
        return ngx_http_notify_json_number(b, buf[1], &right) == NGX_OK
               && ngx_http_notify_json_number_compare(&left, &right) == 0;
    }

    if (json_typeof(a) != json_typeof(b)) {
        return 0;
    }

    if (!json_is_object(a) && !json_is_array(a)) {
        return json_equal(a, b);
    }

    if (level == NGX_HTTP_NOTIFY_JSON_DOCUMENT_LEVELS) {
        return 0;
    }

    if (json_array_size(a) != json_array_size(b)
        || json_object_size(a) != json_object_size(b))
    {
        return 0;
    }

    if (json_is_array(a)) {
        for (i = 0; i < json_array_size(a); i++) {
            if (!ngx_http_notify_json_equal_level(json_array_get(a, i),
                                                  json_array_get(b, i),
                                                  level + 1))
            {
                return 0;
            }
        }

        return 1;
    }

    for (iter = json_object_iter(a);
         iter;
         iter = json_object_iter_next(a, iter))
    {
        if (!ngx_http_notify_json_equal_level(json_object_iter_value(iter),
                         json_object_get(b, json_object_iter_key(iter)),
                         level + 1))
        {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_http_notify_json_equal(const ngx_http_notify_json_t *a,
    const ngx_http_notify_json_t *b)
{
    return ngx_http_notify_json_equal_level(ngx_http_notify_json_in(a),
                                            ngx_http_notify_json_in(b), 0);
}


ngx_http_notify_json_t *
ngx_http_notify_json_new_object(ngx_pool_t *pool)
{
    return ngx_http_notify_json_own(pool, json_object());
}


ngx_http_notify_json_t *
ngx_http_notify_json_new_array(ngx_pool_t *pool)
{
    return ngx_http_notify_json_own(pool, json_array());
}


/* the creator's reference; NULL: memory */

static json_t *
ngx_http_notify_json_new_string(const ngx_str_t *text)
{
    /* as a number would be kept; and it is not UTF-8 */

    if (text->len && text->data[0] == NGX_HTTP_NOTIFY_JSON_WRITTEN) {
        return json_string("\xef\xbf\xbd");
    }

    return json_stringn_nocheck(text->len ? (char *) text->data : "",
                                text->len);
}


/* takes over the creator's reference, a NULL value fails */

static ngx_int_t
ngx_http_notify_json_set_new(ngx_http_notify_json_t *object, const char *name,
    json_t *value)
{
    if (json_object_set_new_nocheck(ngx_http_notify_json_in(object), name,
                                    value)
        != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_set(ngx_http_notify_json_t *object, const char *name,
    ngx_http_notify_json_t *value)
{
    return ngx_http_notify_json_set_new(object, name,
                               json_incref(ngx_http_notify_json_in(value)));
}


ngx_int_t
ngx_http_notify_json_set_string(ngx_http_notify_json_t *object,
    const char *name, const ngx_str_t *text)
{
    return ngx_http_notify_json_set_new(object, name,
                                    ngx_http_notify_json_new_string(text));
}


ngx_int_t
ngx_http_notify_json_set_integer(ngx_http_notify_json_t *object,
    const char *name, int64_t n)
{
    return ngx_http_notify_json_set_new(object, name, json_integer(n));
}


ngx_int_t
ngx_http_notify_json_set_bool(ngx_http_notify_json_t *object,
    const char *name, ngx_uint_t on)
{
    return ngx_http_notify_json_set_new(object, name, json_boolean(on));
}


ngx_int_t
ngx_http_notify_json_set_null(ngx_http_notify_json_t *object,
    const char *name)
{
    return ngx_http_notify_json_set_new(object, name, json_null());
}


ngx_int_t
ngx_http_notify_json_remove(ngx_http_notify_json_t *object, const char *name)
{
    if (!json_is_object(ngx_http_notify_json_in(object))) {
        return NGX_ERROR;
    }

    /* fails for want of such a member only */

    (void) json_object_del(ngx_http_notify_json_in(object), name);

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_append(ngx_http_notify_json_t *array,
    ngx_http_notify_json_t *value)
{
    if (json_array_append(ngx_http_notify_json_in(array),
                          ngx_http_notify_json_in(value))
        != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_append_string(ngx_http_notify_json_t *array,
    const ngx_str_t *text)
{
    if (json_array_append_new(ngx_http_notify_json_in(array),
                              ngx_http_notify_json_new_string(text))
        != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_http_notify_json_t *
ngx_http_notify_json_copy(ngx_pool_t *pool, const ngx_http_notify_json_t *json)
{
    return ngx_http_notify_json_own(pool,
                               json_deep_copy(ngx_http_notify_json_in(json)));
}


static ngx_int_t
ngx_http_notify_json_merge_level(json_t *target, json_t *patch,
    ngx_uint_t level)
{
    void        *iter;
    json_t      *to, *from;
    const char  *name;

    if (!json_is_object(target)
        || !json_is_object(patch)
        || level == NGX_HTTP_NOTIFY_JSON_DOCUMENT_LEVELS)
    {
        return NGX_ERROR;
    }

    for (iter = json_object_iter(patch);
         iter;
         iter = json_object_iter_next(patch, iter))
    {
        name = json_object_iter_key(iter);
        from = json_object_iter_value(iter);

        if (json_is_null(from)) {
            (void) json_object_del(target, name);
            continue;
        }

        if (!json_is_object(from)) {
            if (json_object_set_new_nocheck(target, name,
                                            json_deep_copy(from))
                != 0)
            {
                return NGX_ERROR;
            }

            continue;
        }

        to = json_object_get(target, name);

        if (!json_is_object(to)) {
            to = json_object();

            if (json_object_set_new_nocheck(target, name, to) != 0) {
                return NGX_ERROR;
            }
        }

        if (ngx_http_notify_json_merge_level(to, from, level + 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_json_merge(ngx_http_notify_json_t *target,
    const ngx_http_notify_json_t *patch)
{
    return ngx_http_notify_json_merge_level(ngx_http_notify_json_in(target),
                                            ngx_http_notify_json_in(patch), 0);
}
