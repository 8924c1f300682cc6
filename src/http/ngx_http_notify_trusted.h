/*
 * How many calls led to a request, as far as its X-Notify-Hops can be trusted:
 * signed by one of the channels, or from an address of notify_trusted.
 */

#ifndef _NGX_HTTP_NOTIFY_TRUSTED_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TRUSTED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_channel.h"


/* too many of them: the event is not taken */
#define NGX_HTTP_NOTIFY_TRUSTED_LOOP  ((ngx_uint_t) -1)


extern ngx_module_t  ngx_http_notify_trusted_module;


/* What an event of the channel and tenant has behind it, or _LOOP. */
ngx_uint_t ngx_http_notify_trusted_hops(ngx_http_request_t *r,
    const ngx_http_notify_channel_t *channel, const ngx_str_t *tenant);


#endif /* _NGX_HTTP_NOTIFY_TRUSTED_H_INCLUDED_ */
