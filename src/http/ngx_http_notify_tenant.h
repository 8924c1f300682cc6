/*
 * notify_tenant: whose data a request reads and writes.
 */

#ifndef _NGX_HTTP_NOTIFY_TENANT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TENANT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_NOTIFY_TENANT_MAX  256     /* bytes */

extern ngx_module_t  ngx_http_notify_tenant_module;

/* The value, empty for the default tenant.  NGX_DECLINED: empty, and not
 * `optional` (401).  NGX_ABORT: see below (400).  NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_tenant(ngx_http_request_t *r, ngx_str_t *tenant);
/* the same of a tenant= */
ngx_int_t ngx_http_notify_tenant_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *value, ngx_uint_t optional, ngx_str_t *tenant);

/* adds the WWW-Authenticate that a 401 must have */
ngx_int_t ngx_http_notify_tenant_challenge(ngx_http_request_t *r);

/* NGX_ABORT: longer than the maximum, with control characters, or no UTF-8:
 * it stands in documents and payloads, which are JSON */
ngx_int_t ngx_http_notify_tenant_check(const ngx_str_t *tenant);


#endif /* _NGX_HTTP_NOTIFY_TENANT_H_INCLUDED_ */
