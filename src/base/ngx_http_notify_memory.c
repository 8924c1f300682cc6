/*
 * See the header.
 */

#include "ngx_http_notify_memory.h"


/* bytes, what most texts fit into */
#define NGX_HTTP_NOTIFY_MEMORY_TEXT  512


void *
ngx_http_notify_memory_push(ngx_pool_t *pool, ngx_array_t **array, size_t size)
{
    void  *element;

    if (*array == NULL || *array == NGX_CONF_UNSET_PTR) {
        *array = ngx_array_create(pool, 4, size);
        if (*array == NULL) {
            return NULL;
        }
    }

    element = ngx_array_push(*array);

    if (element) {
        ngx_memzero(element, size);
    }

    return element;
}


void *
ngx_http_notify_memory_owned(ngx_pool_t *pool, size_t size,
    ngx_pool_cleanup_pt handler)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(pool, size);
    if (cln == NULL) {
        return NULL;
    }

    ngx_memzero(cln->data, size);
    cln->handler = handler;

    return cln->data;
}


void *
ngx_http_notify_memory_pool(ngx_pool_t **pool, size_t pool_size, size_t size,
    ngx_log_t *log)
{
    void  *object;

    *pool = ngx_create_pool(pool_size, log);
    if (*pool == NULL) {
        return NULL;
    }

    object = ngx_pcalloc(*pool, size);

    if (object == NULL) {
        ngx_destroy_pool(*pool);
        *pool = NULL;
    }

    return object;
}


u_char *
ngx_http_notify_memory_extend(ngx_pool_t *pool, ngx_str_t *text, size_t n)
{
    u_char  *p;

    p = ngx_pnalloc(pool, text->len + n);
    if (p == NULL) {
        return NULL;
    }

    if (text->len) {
        ngx_memcpy(p, text->data, text->len);
    }

    text->data = p;
    p += text->len;
    text->len += n;

    return p;
}


ngx_int_t
ngx_http_notify_memory_printf(ngx_pool_t *pool, ngx_str_t *text,
    const char *fmt, ...)
{
    u_char   *p, *last;
    size_t    size;
    va_list   args;
    u_char    buf[NGX_HTTP_NOTIFY_MEMORY_TEXT];

    p = buf;
    size = sizeof(buf);

    for ( ;; ) {
        va_start(args, fmt);
        last = ngx_vslprintf(p, p + size, fmt, args);
        va_end(args);

        if (last < p + size) {
            break;
        }

        /* it may have been cut */

        if (p != buf) {
            (void) ngx_pfree(pool, p);
        }

        size *= 2;

        p = ngx_pnalloc(pool, size);
        if (p == NULL) {
            return NGX_ERROR;
        }
    }

    text->len = last - p;

    if (p != buf) {
        text->data = p;
        return NGX_OK;
    }

    text->data = ngx_pnalloc(pool, text->len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(text->data, buf, text->len);

    return NGX_OK;
}
