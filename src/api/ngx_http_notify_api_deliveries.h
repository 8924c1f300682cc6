/*
 * What the files of the deliveries share: the read of one, for an answer or to
 * have it delivered again, and the lists.
 */

#ifndef _NGX_HTTP_NOTIFY_API_DELIVERIES_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_DELIVERIES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_delivery_view.h"
#include "ngx_http_notify_log.h"


/* answers with the delivery, or, `again`, has it made once more */
void ngx_http_notify_api_delivery(ngx_http_notify_api_t *api,
    const ngx_str_t *subscription, const ngx_http_notify_id_t *event,
    ngx_uint_t again);

/* the subscription is there and the tenant's, or, with `target`, that of the
 * target; NGX_ABORT: an answer has been sent */
ngx_int_t ngx_http_notify_api_delivery_take(ngx_http_notify_api_t *api,
    ngx_http_notify_delivery_view_t *view, const ngx_http_notify_resp_t *resp,
    ngx_uint_t target);

/* subscriptions/{id}/deliveries */
void ngx_http_notify_api_deliveries_list(ngx_http_notify_api_t *api);

/* events/{id}/deliveries and events/{id}/redeliver; takes over the event */
void ngx_http_notify_api_deliveries_event(ngx_http_notify_api_t *api,
    ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_API_DELIVERIES_H_INCLUDED_ */
