/*
 * From scanned text to a document.  Numbers are kept as they were written, and
 * so are halves of surrogate pairs: jansson's own parser refuses both.
 */

#include "ngx_http_notify_json_document.h"
#include "ngx_http_notify_json_scan.h"


#define NGX_HTTP_NOTIFY_JSON_PARSE_NAME  128


typedef struct {
    ngx_pool_t                    *pool;
    const ngx_str_t               *text;
    ngx_http_notify_json_error_t  *error;
} ngx_http_notify_json_parse_t;


static json_t *ngx_http_notify_json_parse_value(
    ngx_http_notify_json_parse_t *parse, const ngx_str_t *value);
static json_t *ngx_http_notify_json_parse_string(
    ngx_http_notify_json_parse_t *parse, const ngx_str_t *value);
static json_t *ngx_http_notify_json_parse_number(
    ngx_http_notify_json_parse_t *parse, const ngx_str_t *value);
static json_t *ngx_http_notify_json_parse_array(
    ngx_http_notify_json_parse_t *parse, const ngx_str_t *value);
static json_t *ngx_http_notify_json_parse_object(
    ngx_http_notify_json_parse_t *parse, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_json_parse_member(
    ngx_http_notify_json_parse_t *parse, json_t *object, ngx_str_t *name,
    const ngx_str_t *value);
static void ngx_http_notify_json_parse_twice(
    ngx_http_notify_json_parse_t *parse, const ngx_str_t *name);
static void ngx_http_notify_json_parse_fail(
    ngx_http_notify_json_parse_t *parse, const ngx_str_t *where,
    const char *reason);


ngx_http_notify_json_t *
ngx_http_notify_json_parse(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_http_notify_json_error_t *error)
{
    json_t                        *json;
    ngx_str_t                      value;
    ngx_http_notify_json_t        *document;
    ngx_http_notify_json_parse_t   parse;

    if (ngx_http_notify_json_scan_within(text,
                                       NGX_HTTP_NOTIFY_JSON_DOCUMENT_DEPTH,
                                       NGX_HTTP_NOTIFY_JSON_DOCUMENT_VALUES,
                                       &value, error)
        != NGX_OK)
    {
        return NULL;
    }

    parse.pool = pool;
    parse.text = text;
    parse.error = error;

    error->reason = "no memory for the document";
    error->offset = 0;

    json = ngx_http_notify_json_parse_value(&parse, &value);
    if (json == NULL) {
        return NULL;
    }

    document = ngx_http_notify_json_own(pool, json);

    if (document != NULL) {
        error->reason = NULL;
    }

    return document;
}


/* the creator's reference; NULL: *error.  As deep as was scanned */

static json_t *
ngx_http_notify_json_parse_value(ngx_http_notify_json_parse_t *parse,
    const ngx_str_t *value)
{
    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        return ngx_http_notify_json_parse_object(parse, value);

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        return ngx_http_notify_json_parse_array(parse, value);

    case NGX_HTTP_NOTIFY_JSON_STRING:
        return ngx_http_notify_json_parse_string(parse, value);

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        return ngx_http_notify_json_parse_number(parse, value);

    case NGX_HTTP_NOTIFY_JSON_TRUE:
        return json_true();

    case NGX_HTTP_NOTIFY_JSON_FALSE:
        return json_false();

    default:
        return json_null();
    }
}


static json_t *
ngx_http_notify_json_parse_string(ngx_http_notify_json_parse_t *parse,
    const ngx_str_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_json_text(parse->pool, value, &text) != NGX_OK) {
        return NULL;
    }

    return json_stringn_nocheck((char *) text.data, text.len);
}


static json_t *
ngx_http_notify_json_parse_number(ngx_http_notify_json_parse_t *parse,
    const ngx_str_t *value)
{
    u_char   *text;
    int64_t   n;

    if (ngx_http_notify_json_int64(value, &n) == NGX_OK) {
        return json_integer(n);
    }

    text = ngx_pnalloc(parse->pool, 1 + value->len);
    if (text == NULL) {
        return NULL;
    }

    text[0] = NGX_HTTP_NOTIFY_JSON_WRITTEN;
    ngx_memcpy(text + 1, value->data, value->len);

    return json_stringn_nocheck((char *) text, 1 + value->len);
}


static json_t *
ngx_http_notify_json_parse_array(ngx_http_notify_json_parse_t *parse,
    const ngx_str_t *value)
{
    json_t                       *array;
    ngx_str_t                     name, element;
    ngx_http_notify_json_iter_t   it;

    array = json_array();
    if (array == NULL) {
        return NULL;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &element) == NGX_OK) {

        if (json_array_append_new(array,
                             ngx_http_notify_json_parse_value(parse, &element))
            != 0)
        {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


static json_t *
ngx_http_notify_json_parse_object(ngx_http_notify_json_parse_t *parse,
    const ngx_str_t *value)
{
    json_t                       *object;
    ngx_str_t                     name, member;
    ngx_http_notify_json_iter_t   it;

    object = json_object();
    if (object == NULL) {
        return NULL;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &member) == NGX_OK) {

        if (ngx_http_notify_json_parse_member(parse, object, &name, &member)
            != NGX_OK)
        {
            json_decref(object);
            return NULL;
        }
    }

    return object;
}


static ngx_int_t
ngx_http_notify_json_parse_member(ngx_http_notify_json_parse_t *parse,
    json_t *object, ngx_str_t *name, const ngx_str_t *value)
{
    char       *key;
    ngx_str_t   text, quoted;
    char        buf[NGX_HTTP_NOTIFY_JSON_PARSE_NAME];

    /* the quotes stand around it in the text */

    quoted.data = name->data - 1;
    quoted.len = name->len + 2;

    if (ngx_http_notify_json_text(parse->pool, &quoted, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (memchr(text.data, '\0', text.len) != NULL) {
        ngx_http_notify_json_parse_fail(parse, name, "NUL in a member name");
        return NGX_ERROR;
    }

    key = buf;

    if (text.len >= NGX_HTTP_NOTIFY_JSON_PARSE_NAME) {
        key = ngx_pnalloc(parse->pool, text.len + 1);
        if (key == NULL) {
            return NGX_ERROR;
        }
    }

    *ngx_cpymem(key, text.data, text.len) = '\0';

    if (json_object_get(object, key) != NULL) {
        ngx_http_notify_json_parse_twice(parse, name);
        return NGX_ERROR;
    }

    if (json_object_set_new_nocheck(object, key,
                               ngx_http_notify_json_parse_value(parse, value))
        != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_notify_json_parse_twice(ngx_http_notify_json_parse_t *parse,
    const ngx_str_t *name)
{
    u_char  *p;
    size_t   len;

    len = ngx_min(name->len, NGX_HTTP_NOTIFY_JSON_PARSE_NAME);

    p = ngx_pnalloc(parse->pool,
                    len + sizeof("the member \"\" is given twice,"));
    if (p == NULL) {
        return;
    }

    (void) ngx_sprintf(p, "the member \"%*s\" is given twice,%Z", len,
                       name->data);

    ngx_http_notify_json_parse_fail(parse, name, (char *) p);
}


static void
ngx_http_notify_json_parse_fail(ngx_http_notify_json_parse_t *parse,
    const ngx_str_t *where, const char *reason)
{
    parse->error->reason = reason;
    parse->error->offset = where->data - parse->text->data;
}
