/*
 * The target of a client's subscription, with the access tokens that it has
 * credentials of its own for.
 */

#ifndef _NGX_HTTP_NOTIFY_CUSTOM_TARGET_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CUSTOM_TARGET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_call.h"


/* as ngx_http_notify_call_target() */
ngx_http_notify_target_t *ngx_http_notify_custom_target(
    const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_log_t *log,
    const char **reason);


#endif /* _NGX_HTTP_NOTIFY_CUSTOM_TARGET_H_INCLUDED_ */
