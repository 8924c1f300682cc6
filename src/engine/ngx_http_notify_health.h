/*
 * When a subscription was called with success, and since when it fails: kept
 * in Redis beside its cursor, as "<id> health", over workers and reloads.
 */

#ifndef _NGX_HTTP_NOTIFY_HEALTH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_HEALTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_delivery.h"


#define NGX_HTTP_NOTIFY_HEALTH_WORD  " health"      /* after the id */


/* the name of that field */
void ngx_http_notify_health_add_field(ngx_http_notify_command_t *command,
    const ngx_str_t *id);
/* from the value of that field, which may be empty */
void ngx_http_notify_health_set(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *text);
/* It begins anew, and fails since never. */
void ngx_http_notify_health_reset(ngx_http_notify_subscriber_t *s);

/*
 * An attempt has ended: says so to the operator, and disables what has had no
 * success for `disable_after`.
 */
void ngx_http_notify_health_result(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);

/* What of it is to be written is added to the commit; a success that follows
 * another within a second is not. */
void ngx_http_notify_health_take(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command);


#endif /* _NGX_HTTP_NOTIFY_HEALTH_H_INCLUDED_ */
