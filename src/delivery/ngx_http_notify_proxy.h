/*
 * The way out of a call: a proxy, and the addresses that calls come from.
 * What `proxy` and `bind` leave behind, read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_PROXY_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PROXY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_str_t      host;            /* as it was given, with the port */
    ngx_addr_t     addr;
    ngx_str_t      authorization;   /* a header line, or empty */
} ngx_http_notify_proxy_t;


typedef struct {
    ngx_http_notify_proxy_t  *proxy;    /* NULL: none */
    ngx_array_t              *bind;     /* of ngx_addr_t, or NULL */
} ngx_http_notify_proxy_conf_t;


/* the address that a call to such a one comes from: those of its family in
 * turn; NULL: any */
ngx_addr_t *ngx_http_notify_proxy_local(
    const ngx_http_notify_proxy_conf_t *conf, const struct sockaddr *to);


#endif /* _NGX_HTTP_NOTIFY_PROXY_H_INCLUDED_ */
