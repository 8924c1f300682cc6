/*
 * What is wrong with a client's input, collected so that one answer names all
 * of it: JSON pointers and details.  Knows nothing of requests.
 */

#ifndef _NGX_HTTP_NOTIFY_INVALID_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_INVALID_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_json.h"


#define NGX_HTTP_NOTIFY_INVALID_MAX  100    /* more are not listed */


typedef struct {
    ngx_pool_t    *pool;
    ngx_array_t   *list;        /* of ngx_keyval_t: pointer, detail; or NULL */
    ngx_str_t      prefix;      /* of the pointers: "", "/3", "/headers" */
    ngx_str_t      code;        /* configured for what is missing, or empty */
    ngx_uint_t     failed;      /* unsigned  failed:1; memory was short */
} ngx_http_notify_invalid_t;


/*
 * `name` is the member, not escaped; an empty one or NULL means the value at
 * the prefix itself.  A failure is remembered in `failed`.
 */
void ngx_http_notify_invalid_add(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const char *fmt, ...);
/* whether something was said of the member, its case ignored */
ngx_uint_t ngx_http_notify_invalid_has(
    const ngx_http_notify_invalid_t *invalid, const ngx_str_t *name);
/* NGX_DECLINED: it is no string of at most max bytes without control
 * characters, and that has been noted */
ngx_int_t ngx_http_notify_invalid_string(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const ngx_http_notify_json_t *value, size_t max,
    ngx_str_t *text);
/* the same of a text that is known to be one */
ngx_int_t ngx_http_notify_invalid_printable(
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    const ngx_str_t *text, size_t max);
/* the value of an attribute; not NGX_OK: noted */
ngx_int_t ngx_http_notify_invalid_attribute(
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *text);
/* notes that the text is the name of no entity type of that event */
void ngx_http_notify_invalid_entity_type(ngx_http_notify_invalid_t *invalid,
    const ngx_str_t *name, const ngx_http_notify_channel_t *channel,
    const ngx_str_t *event, const ngx_str_t *text);
ngx_uint_t ngx_http_notify_invalid_n(const ngx_http_notify_invalid_t *invalid);

/* Names for a message: at most ten of them, and how many more there are.
 * Zeroed, then filled by _add; _end gives "a, b and 3 more". */
typedef struct {
    ngx_str_t      text;
    ngx_uint_t     n;
    ngx_uint_t     more;
    u_char         buf[512];
} ngx_http_notify_invalid_names_t;

void ngx_http_notify_invalid_names_add(ngx_http_notify_invalid_names_t *names,
    const ngx_str_t *name);
const ngx_str_t *ngx_http_notify_invalid_names_end(
    ngx_http_notify_invalid_names_t *names);

/* text from the pool, cut at a character's border; data NULL without memory */
ngx_str_t ngx_http_notify_invalid_text(ngx_pool_t *pool, const char *fmt,
    va_list args);


#endif /* _NGX_HTTP_NOTIFY_INVALID_H_INCLUDED_ */
