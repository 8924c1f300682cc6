/*
 * Text: comparison and checks.  Nothing is allocated.
 */

#ifndef _NGX_HTTP_NOTIFY_TEXT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* whether all of it is well-formed UTF-8 (RFC 3629) */
ngx_uint_t ngx_http_notify_text_utf8(const ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_TEXT_H_INCLUDED_ */
