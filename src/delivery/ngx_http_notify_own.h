/*
 * Which addresses are this nginx's own: where it listens, and so where a call
 * would come back.  Knows nothing of URLs, nor who asks.
 */

#ifndef _NGX_HTTP_NOTIFY_OWN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OWN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Whether the running nginx listens at this IP address and port, by a listen of
 * the address or by a wildcard that takes in an address of this machine.
 */
ngx_uint_t ngx_http_notify_own(const struct sockaddr *sockaddr,
    in_port_t port);


#endif /* _NGX_HTTP_NOTIFY_OWN_H_INCLUDED_ */
