/*
 * Pushes: what a provider makes of an event for a session, and how it is told
 * that there was none.  A push is made once or dropped, but that of FCM is made
 * again as its `retry` says.
 */

#ifndef _NGX_HTTP_NOTIFY_PUSH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PUSH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_sessions.h"
#include "ngx_http_notify_delivery.h"


/*
 * The registration of a session: ngx_http_notify_sessions_call() with "put" or
 * "join", and where its values name a provider and no subscription is given,
 * the session is that provider's, in the same script.
 */
ngx_int_t ngx_http_notify_push_register(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_channel_t *channel, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_str_t *args, ngx_uint_t nargs,
    ngx_http_notify_redis_handler_pt handler, void *data);

/*
 * Of an event whose session is known, for the subscriber of a provider.
 * NGX_OK: to be sent; NGX_DECLINED: not, and that is on record where it was a
 * drop.
 */
ngx_int_t ngx_http_notify_push_admit(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event);

/* The same of one that is sent again: its session may have come back, ended, or
 * be another's; of others' subscribers NGX_OK.  NGX_AGAIN: not known yet. */
ngx_int_t ngx_http_notify_push_admit_again(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event);

/* what to call; NULL: nothing can be called now */
ngx_http_notify_target_t *ngx_http_notify_push_target(
    ngx_http_notify_delivery_t *d);
/* the call of it has been started, or could not be */
void ngx_http_notify_push_started(const ngx_http_notify_delivery_t *d,
    ngx_http_notify_target_t *target);
/* what came of it, for the node or the session */
void ngx_http_notify_push_result(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);

/* seconds that a Retry-After makes the subscriber wait */
ngx_uint_t ngx_http_notify_push_pause(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_call_result_t *result);

/* seconds that the one which failed waits at least before it is sent again */
ngx_uint_t ngx_http_notify_push_wait(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_call_result_t *result);

/* drops: one line and one counter each */
void ngx_http_notify_push_failed(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);
void ngx_http_notify_push_held(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_PUSH_H_INCLUDED_ */
