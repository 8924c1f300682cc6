/*
 * `schema=FILE` of an event: what its data must be.  Read and compiled with
 * the configuration.
 */

#ifndef _NGX_HTTP_NOTIFY_CHANNEL_SCHEMA_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CHANNEL_SCHEMA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"


/* what is wrong is said with the file's own line */
char *ngx_http_notify_channel_schema(ngx_conf_t *cf,
    ngx_http_notify_channel_event_t *event, const ngx_str_t *file);


#endif /* _NGX_HTTP_NOTIFY_CHANNEL_SCHEMA_H_INCLUDED_ */
