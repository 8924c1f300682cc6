/*
 * Names that were published lately, as store/lua/include/known.lua keeps them.
 */

#ifndef _NGX_HTTP_NOTIFY_KNOWN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_KNOWN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_KNOWN_NAME  10
#define NGX_HTTP_NOTIFY_KNOWN_BODY  8
#define NGX_HTTP_NOTIFY_KNOWN_HEAD  (NGX_HTTP_NOTIFY_KNOWN_NAME               \
                                     + NGX_HTTP_NOTIFY_KNOWN_BODY)

/* A name's digest is 32 hex digits, and is read from either end. */
typedef enum {
    NGX_HTTP_NOTIFY_KNOWN_EVENT = 0,
    NGX_HTTP_NOTIFY_KNOWN_REQUEST       /* from its end */
} ngx_http_notify_known_e;

/* what stands for the name in a record */
void ngx_http_notify_known_name(const ngx_str_t *digest,
    ngx_http_notify_known_e what, u_char name[NGX_HTTP_NOTIFY_KNOWN_NAME]);
/* of a digest of 32 hex digits, too */
void ngx_http_notify_known_body(const ngx_str_t *digest,
    u_char body[NGX_HTTP_NOTIFY_KNOWN_BODY]);


#endif /* _NGX_HTTP_NOTIFY_KNOWN_H_INCLUDED_ */
