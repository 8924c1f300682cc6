/*
 * Writes JSON text, compact, into memory of a pool.  An error sticks: what is
 * written after it is ignored, and only the end tells of it.
 * Whoever writes names a member once: that is not checked.
 */

#ifndef _NGX_HTTP_NOTIFY_JSON_WRITE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_JSON_WRITE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_json.h"


typedef struct {
    ngx_pool_t   *pool;
    ngx_uint_t    failed;       /* unsigned  failed:1; may be set by others */

    /* private */
    u_char       *start;
    u_char       *pos;
    u_char       *end;
    uint64_t      objects;      /* a bit for each level, the innermost first */
} ngx_http_notify_json_write_t;


void ngx_http_notify_json_write_init(ngx_http_notify_json_write_t *w,
    ngx_pool_t *pool);
/* room for a text of about that size, where it is known to be large */
void ngx_http_notify_json_write_reserve(ngx_http_notify_json_write_t *w,
    size_t size);
/* the whole text; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_json_write_done(ngx_http_notify_json_write_t *w,
    ngx_str_t *text);

/* of an object: the name of the member; of an array, or outermost: NULL */
void ngx_http_notify_json_write_object(ngx_http_notify_json_write_t *w,
    const char *name);
void ngx_http_notify_json_write_array(ngx_http_notify_json_write_t *w,
    const char *name);
/* of the innermost object or array */
void ngx_http_notify_json_write_end(ngx_http_notify_json_write_t *w);

void ngx_http_notify_json_write_string(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_str_t *text);
/* null-terminated */
void ngx_http_notify_json_write_text(ngx_http_notify_json_write_t *w,
    const char *name, const char *text);
void ngx_http_notify_json_write_integer(ngx_http_notify_json_write_t *w,
    const char *name, int64_t n);
void ngx_http_notify_json_write_bool(ngx_http_notify_json_write_t *w,
    const char *name, ngx_uint_t on);
void ngx_http_notify_json_write_null(ngx_http_notify_json_write_t *w,
    const char *name);
/* a string with that time, RFC 3339, of milliseconds since the epoch */
void ngx_http_notify_json_write_time(ngx_http_notify_json_write_t *w,
    const char *name, uint64_t ms);
/* JSON text as it is */
void ngx_http_notify_json_write_raw(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_str_t *json);
/* nothing where it is NULL */
void ngx_http_notify_json_write_json(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_http_notify_json_t *json);


#endif /* _NGX_HTTP_NOTIFY_JSON_WRITE_H_INCLUDED_ */
