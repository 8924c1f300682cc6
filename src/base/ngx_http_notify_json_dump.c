/*
 * From a document to its text: compact, members in the order of insertion,
 * numbers as they were written.
 */

#include "ngx_http_notify_json_document.h"


static u_char *ngx_http_notify_json_dump_value(u_char *p, size_t *len,
    json_t *json);
static u_char *ngx_http_notify_json_dump_array(u_char *p, size_t *len,
    json_t *array);
static u_char *ngx_http_notify_json_dump_object(u_char *p, size_t *len,
    json_t *object);
static u_char *ngx_http_notify_json_dump_string(u_char *p, size_t *len,
    const char *data, size_t size);
static u_char *ngx_http_notify_json_dump_bytes(u_char *p, size_t *len,
    const void *data, size_t size);


ngx_int_t
ngx_http_notify_json_dump(ngx_pool_t *pool, const ngx_http_notify_json_t *json,
    ngx_uint_t sorted, ngx_str_t *text)
{
    size_t     len;
    json_t    *value;
    ngx_str_t  written;

    value = ngx_http_notify_json_in(json);

    if (value == NULL) {
        return NGX_ERROR;
    }

    len = 0;
    (void) ngx_http_notify_json_dump_value(NULL, &len, value);

    text->data = ngx_pnalloc(pool, len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_http_notify_json_dump_value(text->data, &len, value)
                - text->data;

    if (sorted) {
        written = *text;
        return ngx_http_notify_json_canonical(pool, &written, text);
    }

    return NGX_OK;
}


/* without p the length is added up */

static u_char *
ngx_http_notify_json_dump_value(u_char *p, size_t *len, json_t *json)
{
    ngx_str_t  number;
    u_char     buf[NGX_INT64_LEN + 1];

    if (ngx_http_notify_json_number(json, buf, &number) == NGX_OK) {
        return ngx_http_notify_json_dump_bytes(p, len, number.data,
                                               number.len);
    }

    switch (json_typeof(json)) {

    case JSON_OBJECT:
        return ngx_http_notify_json_dump_object(p, len, json);

    case JSON_ARRAY:
        return ngx_http_notify_json_dump_array(p, len, json);

    case JSON_STRING:
        return ngx_http_notify_json_dump_string(p, len,
                                                json_string_value(json),
                                                json_string_length(json));

    case JSON_TRUE:
        return ngx_http_notify_json_dump_bytes(p, len, "true", 4);

    case JSON_FALSE:
        return ngx_http_notify_json_dump_bytes(p, len, "false", 5);

    default:
        return ngx_http_notify_json_dump_bytes(p, len, "null", 4);
    }
}


static u_char *
ngx_http_notify_json_dump_array(u_char *p, size_t *len, json_t *array)
{
    size_t  i;

    p = ngx_http_notify_json_dump_bytes(p, len, "[", 1);

    for (i = 0; i < json_array_size(array); i++) {

        if (i) {
            p = ngx_http_notify_json_dump_bytes(p, len, ",", 1);
        }

        p = ngx_http_notify_json_dump_value(p, len, json_array_get(array, i));
    }

    return ngx_http_notify_json_dump_bytes(p, len, "]", 1);
}


static u_char *
ngx_http_notify_json_dump_object(u_char *p, size_t *len, json_t *object)
{
    void        *iter;
    const char  *name;

    p = ngx_http_notify_json_dump_bytes(p, len, "{", 1);

    for (iter = json_object_iter(object);
         iter;
         iter = json_object_iter_next(object, iter))
    {
        name = json_object_iter_key(iter);

        p = ngx_http_notify_json_dump_string(p, len, name, ngx_strlen(name));
        p = ngx_http_notify_json_dump_bytes(p, len, ":", 1);
        p = ngx_http_notify_json_dump_value(p, len,
                                            json_object_iter_value(iter));

        if (json_object_iter_next(object, iter)) {
            p = ngx_http_notify_json_dump_bytes(p, len, ",", 1);
        }
    }

    return ngx_http_notify_json_dump_bytes(p, len, "}", 1);
}


static u_char *
ngx_http_notify_json_dump_string(u_char *p, size_t *len, const char *data,
    size_t size)
{
    ngx_str_t  text;

    text.data = (u_char *) data;
    text.len = size;

    if (p == NULL) {
        *len += 2 + ngx_http_notify_json_escaped_len(&text);
        return NULL;
    }

    *p++ = '"';
    p = ngx_http_notify_json_put_escaped(p, &text);
    *p++ = '"';

    return p;
}


static u_char *
ngx_http_notify_json_dump_bytes(u_char *p, size_t *len, const void *data,
    size_t size)
{
    if (p == NULL) {
        *len += size;
        return NULL;
    }

    return ngx_cpymem(p, data, size);
}
