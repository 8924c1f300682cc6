/*
 * notify_var: variables from deeper inside of a body.
 */

#ifndef _NGX_HTTP_NOTIFY_VAR_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_VAR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_NOTIFY_VAR_REQUEST   1
#define NGX_HTTP_NOTIFY_VAR_RESPONSE  2


extern ngx_module_t  ngx_http_notify_var_module;

/* the bodies that variables of this location are made of, bits of these */
ngx_uint_t ngx_http_notify_var_reads(ngx_http_request_t *r);


#endif /* _NGX_HTTP_NOTIFY_VAR_H_INCLUDED_ */
