/*
 * The name of an event, of an objectType and an eventType.
 */

#ifndef _NGX_HTTP_NOTIFY_EVENT_NAME_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_EVENT_NAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* "document.created", of its parts; the type may begin with its object, which
 * may be empty; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_event_name(ngx_pool_t *pool,
    const ngx_str_t *object, const ngx_str_t *type, ngx_str_t *name);


#endif /* _NGX_HTTP_NOTIFY_EVENT_NAME_H_INCLUDED_ */
