/*
 * International host names: the form that DNS has of them (RFC 3492).  Their
 * letters are taken as they are: no library here knows which are the same.
 */

#ifndef _NGX_HTTP_NOTIFY_PUNYCODE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PUNYCODE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* "xn--..." in place of each label that is not ASCII, from the pool.
 * NGX_DECLINED: it has none, or what is no letter of a name. */
ngx_int_t ngx_http_notify_punycode(ngx_pool_t *pool, const ngx_str_t *host,
    ngx_str_t *ascii);


#endif /* _NGX_HTTP_NOTIFY_PUNYCODE_H_INCLUDED_ */
