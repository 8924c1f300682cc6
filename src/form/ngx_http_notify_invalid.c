/*
 * What is wrong with a client's input, collected so that one answer names all
 * of it.  Lives as long as the pool it is given; knows nothing of requests.
 */

#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_invalid.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_INVALID_TEXT   1024
#define NGX_HTTP_NOTIFY_INVALID_NAMES  10


static ngx_int_t ngx_http_notify_invalid_pointer(
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    ngx_str_t *pointer);


void
ngx_http_notify_invalid_add(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const char *fmt, ...)
{
    va_list        args;
    ngx_str_t      detail;
    ngx_keyval_t  *kv;

    if (invalid->list == NULL) {
        invalid->list = ngx_array_create(invalid->pool, 4,
                                         sizeof(ngx_keyval_t));
        if (invalid->list == NULL) {
            invalid->failed = 1;
            return;
        }
    }

    if (invalid->list->nelts == NGX_HTTP_NOTIFY_INVALID_MAX) {
        return;
    }

    va_start(args, fmt);
    detail = ngx_http_notify_invalid_text(invalid->pool, fmt, args);
    va_end(args);

    if (detail.data == NULL) {
        invalid->failed = 1;
        return;
    }

    kv = ngx_array_push(invalid->list);
    if (kv == NULL) {
        invalid->failed = 1;
        return;
    }

    kv->value = detail;

    if (ngx_http_notify_invalid_pointer(invalid, name, &kv->key) != NGX_OK) {
        ngx_str_set(&kv->key, "");
        invalid->failed = 1;
    }
}


ngx_uint_t
ngx_http_notify_invalid_has(const ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name)
{
    ngx_str_t      key;
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    if (invalid->list == NULL) {
        return 0;
    }

    kv = invalid->list->elts;

    for (i = 0; i < invalid->list->nelts; i++) {
        key = kv[i].key;

        if (key.len == invalid->prefix.len + 1 + name->len
            && ngx_strncasecmp(key.data + key.len - name->len, name->data,
                               name->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_notify_invalid_string(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const ngx_http_notify_json_t *value, size_t max,
    ngx_str_t *text)
{
    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        ngx_http_notify_invalid_add(invalid, name, "must be a string");
        return NGX_DECLINED;
    }

    *text = ngx_http_notify_json_string(value);

    return ngx_http_notify_invalid_printable(invalid, name, text, max);
}


ngx_int_t
ngx_http_notify_invalid_printable(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const ngx_str_t *text, size_t max)
{
    if (text->len > max) {
        ngx_http_notify_invalid_add(invalid, name,
                                    "is longer than %uz bytes", max);
        return NGX_DECLINED;
    }

    if (ngx_http_notify_text_control(text)) {
        ngx_http_notify_invalid_add(invalid, name, "has control characters");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_invalid_attribute(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name,
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *text)
{
    ngx_int_t  rc;

    rc = ngx_http_notify_channel_attribute_check(attribute, text);

    if (rc != NGX_OK) {
        ngx_http_notify_invalid_add(invalid, name,
                                    rc == NGX_DECLINED
                                    ? "does not match %V"
                                    : "takes too long to be matched with %V",
                                    &attribute->pattern);
    }

    return rc;
}


void
ngx_http_notify_invalid_entity_type(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const ngx_http_notify_channel_t *channel,
    const ngx_str_t *event, const ngx_str_t *text)
{
    ngx_uint_t                            i;
    ngx_http_notify_entity_type_t        *type;
    ngx_http_notify_invalid_names_t       names;

    ngx_memzero(&names, sizeof(ngx_http_notify_invalid_names_t));

    type = channel->entity_types->elts;

    for (i = 0; i < channel->entity_types->nelts; i++) {
        if (ngx_http_notify_entity_type_of(&type[i], event)) {
            ngx_http_notify_invalid_names_add(&names, &type[i].name);
        }
    }

    ngx_http_notify_invalid_add(invalid, name,
                                "\"%V\" is not an entity type of %V: %V",
                                text, event,
                                ngx_http_notify_invalid_names_end(&names));
}


ngx_uint_t
ngx_http_notify_invalid_n(const ngx_http_notify_invalid_t *invalid)
{
    if (invalid->list == NULL) {
        return invalid->failed;
    }

    return invalid->list->nelts + invalid->failed;
}


void
ngx_http_notify_invalid_names_add(ngx_http_notify_invalid_names_t *names,
    const ngx_str_t *name)
{
    static const size_t  room = sizeof(names->buf)
                                - sizeof(" and  more") - NGX_INT_T_LEN;

    if (names->n == NGX_HTTP_NOTIFY_INVALID_NAMES
        || names->text.len + 2 + name->len > room)
    {
        names->more++;
        return;
    }

    names->text.data = names->buf;
    names->text.len = ngx_sprintf(names->buf + names->text.len, "%s%V",
                                  names->n++ ? ", " : "", name)
                      - names->buf;
}


const ngx_str_t *
ngx_http_notify_invalid_names_end(ngx_http_notify_invalid_names_t *names)
{
    if (names->more) {
        names->text.data = names->buf;
        names->text.len = ngx_sprintf(names->buf + names->text.len,
                                      " and %ui more", names->more)
                          - names->buf;
    }

    return &names->text;
}


ngx_str_t
ngx_http_notify_invalid_text(ngx_pool_t *pool, const char *fmt, va_list args)
{
    u_char     *p, *last;
    ngx_str_t   text;
    u_char      buf[NGX_HTTP_NOTIFY_INVALID_TEXT];

    last = buf + NGX_HTTP_NOTIFY_INVALID_TEXT;
    p = ngx_vslprintf(buf, last, fmt, args);

    if (p == last) {

        /* a character may have been cut: leave it out */

        while (p > buf && (p[-1] & 0xc0) == 0x80) {
            p--;
        }

        if (p > buf && p[-1] >= 0xc0) {
            p--;
        }
    }

    text.len = p - buf;
    text.data = ngx_pnalloc(pool, text.len + 1);

    if (text.data) {
        ngx_memcpy(text.data, buf, text.len);
    }

    return text;
}


/* RFC 6901 */

static ngx_int_t
ngx_http_notify_invalid_pointer(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, ngx_str_t *pointer)
{
    u_char  *p;
    size_t   i;

    if (name == NULL || name->len == 0) {
        *pointer = invalid->prefix;
        return NGX_OK;
    }

    pointer->data = ngx_pnalloc(invalid->pool,
                                invalid->prefix.len + 1 + 2 * name->len);
    if (pointer->data == NULL) {
        return NGX_ERROR;
    }

    p = pointer->data;

    if (invalid->prefix.len) {
        p = ngx_cpymem(p, invalid->prefix.data, invalid->prefix.len);
    }

    *p++ = '/';

    for (i = 0; i < name->len; i++) {

        switch (name->data[i]) {

        case '~':
            *p++ = '~';
            *p++ = '0';
            break;

        case '/':
            *p++ = '~';
            *p++ = '1';
            break;

        default:
            *p++ = name->data[i];
        }
    }

    pointer->len = p - pointer->data;

    return NGX_OK;
}
