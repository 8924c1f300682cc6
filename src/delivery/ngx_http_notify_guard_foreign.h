/*
 * What is said of a URL that is not ASCII.
 */

#ifndef _NGX_HTTP_NOTIFY_GUARD_FOREIGN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_GUARD_FOREIGN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* a phrase, static or from the pool: with the host's name as DNS has it, where
 * it is the host */
const char *ngx_http_notify_guard_foreign(ngx_pool_t *pool,
    const ngx_str_t *url);


#endif /* _NGX_HTTP_NOTIFY_GUARD_FOREIGN_H_INCLUDED_ */
