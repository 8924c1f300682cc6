/*
 * What a stored subscription selects, for readers of the log that deliver
 * nothing: the same test as the engine's, without its subscriber.
 */

#ifndef _NGX_HTTP_NOTIFY_SELECTION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SELECTION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_subscriptions.h"


typedef struct ngx_http_notify_selection_s  ngx_http_notify_selection_t;


/* "<version> <json>"; NULL: memory, or not a document of ours */
ngx_http_notify_selection_t *ngx_http_notify_selection_create(
    const ngx_str_t *text, ngx_log_t *log);
void ngx_http_notify_selection_destroy(
    ngx_http_notify_selection_t *selection);

/* its document, as long as the selection */
const ngx_http_notify_subscription_t *ngx_http_notify_selection_document(
    const ngx_http_notify_selection_t *selection);
/* nothing of the log is ever for a sync or iframe subscription */
ngx_uint_t ngx_http_notify_selection_test(
    ngx_http_notify_selection_t *selection,
    const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_SELECTION_H_INCLUDED_ */
