/*
 * Files that the configuration names.  What goes wrong is logged, what they
 * hold is not.
 */

#ifndef _NGX_HTTP_NOTIFY_FILE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* text is a buffer, and then as much of the file as fits into it; the name
 * becomes a full one */
ngx_int_t ngx_http_notify_file_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);

/* All of a file of keys or secrets, less than 64K; the text may be shortened,
 * and is to be wiped. */
ngx_int_t ngx_http_notify_file_secret(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);
void ngx_http_notify_file_wipe(ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_FILE_H_INCLUDED_ */
