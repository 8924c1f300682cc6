/*
 * Which subscribers an event concerns: an index by tenant, event pattern and,
 * where they want one value only, one of entity type, attributes and what their
 * filters say is equal, so that those it does not concern cost nothing; then
 * the exact test.
 */

#ifndef _NGX_HTTP_NOTIFY_MATCH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_MATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/* NULL: memory; freed by _destroy, which drops nothing that is indexed */
ngx_http_notify_match_t *ngx_http_notify_match_create(
    ngx_http_notify_channel_t *channel, ngx_log_t *log);
void ngx_http_notify_match_destroy(ngx_http_notify_match_t *match);

/* its patterns; links in the pool of its document */
ngx_int_t ngx_http_notify_match_add(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s);
void ngx_http_notify_match_remove(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s);

typedef void (*ngx_http_notify_match_pt)(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, void *data);

/* the handler is called once for each subscriber that wants the event; it may
 * change anything but the index; how many were tested */
ngx_uint_t ngx_http_notify_match_each(ngx_http_notify_match_t *match,
    ngx_http_notify_event_t *event, ngx_http_notify_match_pt handler,
    void *data);


#endif /* _NGX_HTTP_NOTIFY_MATCH_H_INCLUDED_ */
