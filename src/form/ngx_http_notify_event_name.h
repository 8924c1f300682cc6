/*
 * The name of an event, of an objectType and an eventType.
 */

#ifndef _NGX_HTTP_NOTIFY_EVENT_NAME_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_EVENT_NAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"


/* "document.created", of its parts; the type may begin with its object, which
 * may be empty; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_event_name(ngx_pool_t *pool,
    const ngx_str_t *object, const ngx_str_t *type, ngx_str_t *name);

/* those that the channel declares, for a message: ": a, b and 3 more"; empty
 * where it declares none */
ngx_str_t ngx_http_notify_event_name_all(
    const ngx_http_notify_channel_t *channel, ngx_pool_t *pool);


#endif /* _NGX_HTTP_NOTIFY_EVENT_NAME_H_INCLUDED_ */
