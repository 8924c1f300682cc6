/*
 * The paths of $notify_data.PATH: names and indexes with dots, into JSON text.
 */

#ifndef _NGX_HTTP_NOTIFY_VARIABLE_PATH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_VARIABLE_PATH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_variable.h"


#define NGX_HTTP_NOTIFY_VARIABLE_PATH_STEPS  32


/* NGX_DECLINED: a name is empty, or there are too many */
ngx_int_t ngx_http_notify_variable_path_check(const ngx_str_t *path);
/* what is there in the scanned text: a string is text where it is a part of
 * one; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_variable_path_value(ngx_pool_t *pool,
    const ngx_str_t *path, const ngx_str_t *json,
    ngx_http_notify_value_t *value);

/* the text of a string; another program may have put into the log what is none:
 * it is absent, and a line says so once a second; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_variable_path_text(ngx_pool_t *pool,
    const ngx_str_t *json, ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_VARIABLE_PATH_H_INCLUDED_ */
