/*
 * What the result of a delivery means.
 */

#ifndef _NGX_HTTP_NOTIFY_OUTCOME_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OUTCOME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_delivery.h"


/* the handler of a call; data: the delivery */
void ngx_http_notify_outcome_result(
    const ngx_http_notify_call_result_t *result, void *data);

/* The subscription cannot be called as it is: an attempt that failed. */
void ngx_http_notify_outcome_refused(ngx_http_notify_delivery_t *d);


#endif /* _NGX_HTTP_NOTIFY_OUTCOME_H_INCLUDED_ */
