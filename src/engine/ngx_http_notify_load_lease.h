/*
 * Where the subscribers of a new lease stand.
 */

#ifndef _NGX_HTTP_NOTIFY_LOAD_LEASE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOAD_LEASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_lease.h"


/* In the state LOAD; then READ, from where the turn lets it join the tail. */
void ngx_http_notify_load_lease(ngx_http_notify_lease_t *lease);


#endif /* _NGX_HTTP_NOTIFY_LOAD_LEASE_H_INCLUDED_ */
