/*
 * CloudEvents 1.0 of an event: the structured body, or the headers of the
 * binary mode.  Knows nothing of subscriptions.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */

#ifndef _NGX_HTTP_NOTIFY_CLOUDEVENTS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CLOUDEVENTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"


/* application/cloudevents+json; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_cloudevents_body(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_str_t *body);
/* appends the ce-... headers to an array of ngx_keyval_t */
ngx_int_t ngx_http_notify_cloudevents_headers(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_array_t *headers);


#endif /* _NGX_HTTP_NOTIFY_CLOUDEVENTS_H_INCLUDED_ */
