/*
 * A session that is a browser's: its subscription, as it keeps it, and a call
 * of its own for each push.
 */

#ifndef _NGX_HTTP_NOTIFY_PUSH_BROWSER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PUSH_BROWSER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_log.h"


/* the value that a session keeps it as, the JSON of the browser */
#define NGX_HTTP_NOTIFY_PUSH_BROWSER_NAME  "subscription"


/* empty: it has none */
ngx_str_t ngx_http_notify_push_browser(const ngx_http_notify_event_t *event);

/* for one call; NULL: memory, or it cannot be called.  It is released when the
 * call has been started, or not. */
ngx_http_notify_target_t *ngx_http_notify_push_browser_target(
    const ngx_http_notify_call_conf_t *conf, const ngx_str_t *id,
    const ngx_str_t *name, const ngx_http_notify_event_t *event,
    ngx_log_t *log);
void ngx_http_notify_push_browser_release(ngx_http_notify_target_t *target);


#endif /* _NGX_HTTP_NOTIFY_PUSH_BROWSER_H_INCLUDED_ */
