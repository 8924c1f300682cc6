/*
 * What a subscriber's URL may be, and which addresses may be called.  Our own
 * URL parser: nothing a client wrote is ever handed to ngx_parse_url().
 * Knows nothing of connections.  RFC 3986, RFC 6761.
 */

#ifndef _NGX_HTTP_NOTIFY_GUARD_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_GUARD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_cidr.h"


#define NGX_HTTP_NOTIFY_GUARD_URL_MAX  2048


/* allow, deny, schemes, ports of a profile; read-only after start */
typedef struct {
    ngx_array_t   *rules;       /* of ngx_http_notify_cidr_rule_t, or NULL */
    ngx_uint_t     http;        /* unsigned  http:1; schemes */
    ngx_uint_t     https;       /* unsigned  https:1; */
    ngx_array_t   *ports;       /* of in_port_t, or NULL: the default */
    ngx_uint_t     any_port;    /* unsigned  any_port:1; no default: who
                                   wrote the URL wrote the configuration */
    ngx_uint_t     own;         /* unsigned  own:1; also this nginx itself,
                                   for the same reason */
} ngx_http_notify_guard_conf_t;


/* slices of the text, which must outlive it */
typedef struct {
    ngx_str_t      text;
    ngx_str_t      host;        /* lower case is not made; IPv6 without [] */
    ngx_str_t      authority;   /* for Host: as in the text, default port cut */
    ngx_str_t      uri;         /* path and query, "/" where there is none
                                   and then not a slice; may begin with '?':
                                   then the caller writes '/' before it */
    in_port_t      port;
    ngx_uint_t     ssl;         /* unsigned  ssl:1; */
    ngx_uint_t     literal;     /* an address, in sockaddr */
    ngx_uint_t     known;       /* a name, and its address in sockaddr; set by
                                   whoever knows it */
    ngx_sockaddr_t sockaddr;    /* with the port, when literal */
    socklen_t      socklen;
} ngx_http_notify_guard_url_t;


/*
 * Checks form, scheme, port, reserved names and literal addresses without
 * asking DNS.  NGX_DECLINED: *reason is a phrase for the client that names
 * the directive which would allow it where there is one (static, or from the
 * pool).
 */
ngx_int_t ngx_http_notify_guard_url(ngx_pool_t *pool, const ngx_str_t *text,
    const ngx_http_notify_guard_conf_t *conf,
    ngx_http_notify_guard_url_t *url, const char **reason);

/*
 * The length of such a phrase without the hint at its end, ("allow" in the
 * profile): what is said to those who do not write the configuration.
 */
size_t ngx_http_notify_guard_public(const char *reason);

/* All of the addresses that a name resolved to, which would be called at the
 * port: one bad spoils all. */
ngx_int_t ngx_http_notify_guard_addrs(const ngx_resolver_addr_t *addrs,
    ngx_uint_t n, in_port_t port, const ngx_http_notify_guard_conf_t *conf,
    const char **range);



#endif /* _NGX_HTTP_NOTIFY_GUARD_H_INCLUDED_ */
