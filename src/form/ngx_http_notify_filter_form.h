/*
 * A filter that a client gives: compiled, its paths checked against the
 * channel's attributes.  Shared by all that take one.
 */

#ifndef _NGX_HTTP_NOTIFY_FILTER_FORM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FILTER_FORM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_invalid.h"


/* `name` is that of the member which has it as JSON text.  NGX_DECLINED: what
 * is wrong has been noted; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_filter_form(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    const ngx_str_t *text, ngx_http_notify_filter_t **filter);


#endif /* _NGX_HTTP_NOTIFY_FILTER_FORM_H_INCLUDED_ */
