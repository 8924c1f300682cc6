/*
 * Memory that comes with something: an array that is created when it is first
 * needed, an object that is cleaned up with its pool, a pool of its own.  All
 * of it is zeroed; NULL: there is none.
 */

#ifndef _NGX_HTTP_NOTIFY_MEMORY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_MEMORY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* one more element; the array is NULL, or NGX_CONF_UNSET_PTR, at first */
void *ngx_http_notify_memory_push(ngx_pool_t *pool, ngx_array_t **array,
    size_t size);
/* the handler gets the object when the pool is destroyed */
void *ngx_http_notify_memory_owned(ngx_pool_t *pool, size_t size,
    ngx_pool_cleanup_pt handler);
/* in a new pool, whose size that is */
void *ngx_http_notify_memory_pool(ngx_pool_t **pool, size_t pool_size,
    size_t size, ngx_log_t *log);
/* a text becomes longer by n bytes, which the caller writes to what it gets */
u_char *ngx_http_notify_memory_extend(ngx_pool_t *pool, ngx_str_t *text,
    size_t n);
/* a text of its own as ngx_sprintf() writes it, of any length; NGX_ERROR */
ngx_int_t ngx_http_notify_memory_printf(ngx_pool_t *pool, ngx_str_t *text,
    const char *fmt, ...);


#endif /* _NGX_HTTP_NOTIFY_MEMORY_H_INCLUDED_ */
