/*
 * JSON Schema, a subset of 2020-12: compiled from its text, checked against
 * text that was scanned.  Numbers are compared as they are written, never
 * through a floating point.  A compiled schema is read-only.
 */

#ifndef _NGX_HTTP_NOTIFY_SCHEMA_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SCHEMA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_json.h"


#define NGX_HTTP_NOTIFY_SCHEMA_DEPTH  16    /* schemas within schemas */
#define NGX_HTTP_NOTIFY_SCHEMA_NODES  2000


typedef struct ngx_http_notify_schema_s  ngx_http_notify_schema_t;

typedef struct {
    size_t     offset;          /* byte in the text */
    u_char     reason[160];     /* ends with a NUL */
} ngx_http_notify_schema_error_t;

/* something is wrong with the value at the pointer (RFC 6901) */
typedef void (*ngx_http_notify_schema_pt)(void *data,
    const ngx_str_t *pointer, const char *reason);


/*
 * The text lives as long as the pool.  NULL: *error says what is wrong, an
 * unknown keyword too: what would not be checked is refused.
 */
ngx_http_notify_schema_t *ngx_http_notify_schema_compile(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_http_notify_schema_error_t *error);

/*
 * The value was scanned.  NGX_DECLINED: it is not as the schema says, and the
 * handler was called at least once; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_schema_check(const ngx_http_notify_schema_t *schema,
    ngx_pool_t *pool, const ngx_str_t *value,
    ngx_http_notify_schema_pt handler, void *data);

/* the text that it was made of */
const ngx_str_t *ngx_http_notify_schema_text(
    const ngx_http_notify_schema_t *schema);


#endif /* _NGX_HTTP_NOTIFY_SCHEMA_H_INCLUDED_ */
