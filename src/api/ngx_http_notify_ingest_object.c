/*
 * A form as a JSON object.
 */

#include "ngx_http_notify_ingest.h"
#include "ngx_http_notify_json_write.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_urlencoded.h"


typedef struct {
    ngx_str_t    name;
    ngx_str_t    value;
    ngx_uint_t   order;
} ngx_http_notify_ingest_object_field_t;


static ngx_int_t ngx_http_notify_ingest_object_fields(ngx_pool_t *pool,
    const ngx_str_t *form, ngx_array_t *fields);
static int ngx_libc_cdecl ngx_http_notify_ingest_object_cmp(const void *one,
    const void *two);
static ngx_uint_t ngx_http_notify_ingest_object_same(
    const ngx_array_t *fields, ngx_uint_t i, ngx_uint_t k);


ngx_int_t
ngx_http_notify_ingest_object(ngx_pool_t *pool, const ngx_str_t *form,
    ngx_str_t *json)
{
    ngx_int_t                               rc;
    ngx_uint_t                              i;
    ngx_array_t                             fields;
    ngx_http_notify_json_write_t            w;
    ngx_http_notify_ingest_object_field_t  *field;

    if (ngx_array_init(&fields, pool, 16,
                       sizeof(ngx_http_notify_ingest_object_field_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_ingest_object_fields(pool, form, &fields);

    if (rc != NGX_OK) {
        return rc;
    }

    field = fields.elts;

    ngx_qsort(field, fields.nelts,
              sizeof(ngx_http_notify_ingest_object_field_t),
              ngx_http_notify_ingest_object_cmp);

    ngx_http_notify_json_write_init(&w, pool);
    ngx_http_notify_json_write_object(&w, NULL);

    for (i = 0; i < fields.nelts; i++) {

        if (!ngx_http_notify_ingest_object_same(&fields, i, i + 1)) {
            ngx_http_notify_json_write_string(&w, (char *) field[i].name.data,
                                              &field[i].value);
            continue;
        }

        ngx_http_notify_json_write_array(&w, (char *) field[i].name.data);
        ngx_http_notify_json_write_string(&w, NULL, &field[i].value);

        while (ngx_http_notify_ingest_object_same(&fields, i, i + 1)) {
            i++;
            ngx_http_notify_json_write_string(&w, NULL, &field[i].value);
        }

        ngx_http_notify_json_write_end(&w);
    }

    ngx_http_notify_json_write_end(&w);

    return ngx_http_notify_json_write_done(&w, json);
}


static ngx_int_t
ngx_http_notify_ingest_object_fields(ngx_pool_t *pool, const ngx_str_t *form,
    ngx_array_t *fields)
{
    ngx_str_t                               rest, name, value;
    ngx_http_notify_ingest_object_field_t  *field;

    rest = *form;

    while (ngx_http_notify_urlencoded_next(&rest, &name, &value) == NGX_OK) {

        if (name.len == 0 && value.len == 0) {
            continue;
        }

        if (fields->nelts == NGX_HTTP_NOTIFY_INGEST_FIELDS) {
            return NGX_DECLINED;
        }

        field = ngx_array_push(fields);

        if (field == NULL
            || ngx_http_notify_urlencoded_decode(pool, &name, &field->name)
               != NGX_OK
            || ngx_http_notify_urlencoded_decode(pool, &value, &field->value)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (!ngx_http_notify_text_utf8(&field->name)
            || !ngx_http_notify_text_utf8(&field->value)
            || ngx_strlchr(field->name.data,
                           field->name.data + field->name.len, '\0'))
        {
            return NGX_DECLINED;
        }

        /* there is room for it */

        field->name.data[field->name.len] = '\0';
        field->order = fields->nelts;
    }

    return NGX_OK;
}


/* by name; those of one name stay in their order */

static int ngx_libc_cdecl
ngx_http_notify_ingest_object_cmp(const void *one, const void *two)
{
    ngx_int_t                                     rc;
    const ngx_http_notify_ingest_object_field_t  *a, *b;

    a = one;
    b = two;

    rc = ngx_memn2cmp(a->name.data, b->name.data, a->name.len, b->name.len);

    return (int) (rc ? rc : (ngx_int_t) a->order - (ngx_int_t) b->order);
}


static ngx_uint_t
ngx_http_notify_ingest_object_same(const ngx_array_t *fields, ngx_uint_t i,
    ngx_uint_t k)
{
    const ngx_http_notify_ingest_object_field_t  *field;

    field = fields->elts;

    return k < fields->nelts
           && ngx_http_notify_text_equal(&field[i].name, &field[k].name);
}
