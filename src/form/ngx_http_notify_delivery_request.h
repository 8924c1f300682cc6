/*
 * The request of a delivery, as it would be made now, for who may see the
 * delivery: without what is secret.
 */

#ifndef _NGX_HTTP_NOTIFY_DELIVERY_REQUEST_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DELIVERY_REQUEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_delivery_view.h"


/* JSON text from the view's pool: {"method","url","headers","body"}, or null
 * where it cannot be made any more; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_delivery_request(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row, ngx_str_t *json);


#endif /* _NGX_HTTP_NOTIFY_DELIVERY_REQUEST_H_INCLUDED_ */
