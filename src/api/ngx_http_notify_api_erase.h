/*
 * DELETE events/{id}.
 */

#ifndef _NGX_HTTP_NOTIFY_API_ERASE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_ERASE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_log.h"


/* erases it and answers; takes over the event, which is the tenant's, or NULL
 * if the log does not have it */
void ngx_http_notify_api_erase(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *id, ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_API_ERASE_H_INCLUDED_ */
