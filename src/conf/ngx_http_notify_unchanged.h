/*
 * unchanged: no event while its value is that of the last one for the same
 * key.  Declared in a channel; judged by publish.lua, from two digests.
 */

#ifndef _NGX_HTTP_NOTIFY_UNCHANGED_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_UNCHANGED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_log_publish.h"


/* event names by the catalogue, when the channel's block has been read */
char *ngx_http_notify_unchanged_init(ngx_conf_t *cf,
    ngx_http_notify_channel_t *channel);
/* ngx_http_notify_payload_named() of all its templates */
ngx_int_t ngx_http_notify_unchanged_named(
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_payload_named_pt handler, void *data);

/*
 * Fills last, value and keep of an entry whose event is complete, where the
 * channel says so of it; pool memory.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_unchanged(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_log_entry_t *entry);


#endif /* _NGX_HTTP_NOTIFY_UNCHANGED_H_INCLUDED_ */
