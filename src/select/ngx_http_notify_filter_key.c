/*
 * What an index may go by instead of a whole filter: conditions of equality
 * that none of its events can do without, and hashes of values, so that those
 * that ngx_http_notify_filter_match.c takes for equal have the same one.
 */

#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_FILTER_KEY_TEXT  128    /* bytes that are hashed */


static ngx_int_t ngx_http_notify_filter_key_string(const ngx_str_t *json,
    uint32_t *hash);


const ngx_http_notify_filter_t *
ngx_http_notify_filter_key(const ngx_http_notify_filter_t *filter, ngx_uint_t n)
{
    const ngx_http_notify_filter_t       *node, *child;
    const ngx_http_notify_filter_path_t  *path;

    for (node = filter->children; node; node = node->next) {

        if (node->op != NGX_HTTP_NOTIFY_FILTER_FIELD) {
            continue;
        }

        /* attributes are text and number in one, the rest has few values */

        path = &node->path;

        if (path->each) {
            continue;
        }

        if (path->member != NGX_HTTP_NOTIFY_FILTER_ENTITY
            && path->member != NGX_HTTP_NOTIFY_FILTER_ENTITY_TYPE
            && path->member != NGX_HTTP_NOTIFY_FILTER_DATA)
        {
            continue;
        }

        child = node->children;

        if (child == NULL || child->op != NGX_HTTP_NOTIFY_FILTER_EQ
            || (child->value.kind != NGX_HTTP_NOTIFY_JSON_STRING
                && child->value.kind != NGX_HTTP_NOTIFY_JSON_NUMBER))
        {
            continue;
        }

        if (n-- == 0) {
            return node;
        }
    }

    return NULL;
}


ngx_http_notify_filter_t *
ngx_http_notify_filter_key_copy(const ngx_http_notify_filter_t *key,
    ngx_log_t *log)
{
    size_t                     len;
    u_char                    *p;
    ngx_uint_t                 i;
    ngx_http_notify_filter_t  *copy;

    len = sizeof(ngx_http_notify_filter_t)
          + key->path.nsteps * sizeof(ngx_str_t);

    for (i = 0; i < key->path.nsteps; i++) {
        len += key->path.steps[i].len;
    }

    copy = ngx_calloc(len, log);
    if (copy == NULL) {
        return NULL;
    }

    copy->op = NGX_HTTP_NOTIFY_FILTER_FIELD;
    copy->path.member = key->path.member;
    copy->path.steps = (ngx_str_t *) (copy + 1);
    copy->path.nsteps = key->path.nsteps;

    p = (u_char *) (copy->path.steps + key->path.nsteps);

    for (i = 0; i < key->path.nsteps; i++) {
        copy->path.steps[i].len = key->path.steps[i].len;
        copy->path.steps[i].data = p;
        p = ngx_cpymem(p, key->path.steps[i].data, key->path.steps[i].len);
    }

    return copy;
}


ngx_uint_t
ngx_http_notify_filter_key_same(const ngx_http_notify_filter_t *a,
    const ngx_http_notify_filter_t *b)
{
    ngx_uint_t  i;

    if (a->path.member != b->path.member || a->path.nsteps != b->path.nsteps) {
        return 0;
    }

    for (i = 0; i < a->path.nsteps; i++) {
        if (!ngx_http_notify_text_equal(&a->path.steps[i], &b->path.steps[i])) {
            return 0;
        }
    }

    return 1;
}


uint32_t
ngx_http_notify_filter_key_hash(const ngx_http_notify_filter_t *key)
{
    const ngx_http_notify_filter_value_t  *value;

    value = &key->children->value;

    if (value->kind == NGX_HTTP_NOTIFY_JSON_NUMBER) {
        return ngx_http_notify_json_number_hash(&value->text);
    }

    return ngx_murmur_hash2(value->text.data,
                            ngx_min(value->text.len,
                                    NGX_HTTP_NOTIFY_FILTER_KEY_TEXT));
}


ngx_int_t
ngx_http_notify_filter_key_find(const ngx_http_notify_filter_t *key,
    const ngx_http_notify_event_t *event, uint32_t *hash)
{
    u_char                         buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];
    ngx_http_notify_filter_item_t  item;

    ngx_http_notify_filter_find(&key->path, event, buf, &item);

    if (item.numeric) {
        *hash = ngx_http_notify_json_number_hash(&item.number);
        return NGX_OK;
    }

    if (item.kind == NGX_HTTP_NOTIFY_JSON_STRING) {
        return ngx_http_notify_filter_key_string(&item.text, hash);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_notify_filter_key_string(const ngx_str_t *json, uint32_t *hash)
{
    u_char     *p, *last, *slash, *dst, *end;
    u_char      text[NGX_HTTP_NOTIFY_FILTER_KEY_TEXT + 4];
    size_t      n;
    uint32_t    c;

    if (json->len < 2) {
        return NGX_DECLINED;
    }

    p = json->data + 1;
    last = json->data + json->len - 1;

    dst = text;
    end = text + NGX_HTTP_NOTIFY_FILTER_KEY_TEXT;

    while (p < last && dst < end) {

        slash = memchr(p, '\\', last - p);

        n = ngx_min((slash ? slash : last) - p, end - dst);
        dst = ngx_cpymem(dst, p, n);
        p += n;

        if (p != slash || dst == end) {
            continue;
        }

        p = ngx_http_notify_json_escape(slash, last, &c);

        if (p == NULL) {
            return NGX_DECLINED;
        }

        dst = ngx_http_notify_text_put_char(dst, c);
    }

    *hash = ngx_murmur_hash2(text, ngx_min(dst - text,
                                           NGX_HTTP_NOTIFY_FILTER_KEY_TEXT));
    return NGX_OK;
}
