/*
 * A header of a request, found by its name.
 */

#ifndef _NGX_HTTP_NOTIFY_REQUEST_HEADER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REQUEST_HEADER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* the number of headers with that name, and the value of the first */
ngx_uint_t ngx_http_notify_request_header(ngx_http_request_t *r,
    const ngx_str_t *name, ngx_str_t *value);


#endif /* _NGX_HTTP_NOTIFY_REQUEST_HEADER_H_INCLUDED_ */
