/*
 * The file of a channel that gets a line for each attempt.
 */

#ifndef _NGX_HTTP_NOTIFY_DELIVERY_LOG_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DELIVERY_LOG_H_INCLUDED_


#include "ngx_http_notify_delivery.h"


/* An attempt has ended; written at the end of this turn of the event loop. */
void ngx_http_notify_delivery_log_add(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);
/* writes what is left; the worker goes */
void ngx_http_notify_delivery_log_exit(
    const ngx_http_notify_channel_t *channel);


#endif /* _NGX_HTTP_NOTIFY_DELIVERY_LOG_H_INCLUDED_ */
