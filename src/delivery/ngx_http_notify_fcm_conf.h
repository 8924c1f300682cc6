/*
 * The directives of a provider of `type fcm`, once its block has ended.
 */

#ifndef _NGX_HTTP_NOTIFY_FCM_CONF_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FCM_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_call.h"


/* named: the provider has a URL of its own; a phrase: what is wrong */
char *ngx_http_notify_fcm_conf_init(ngx_conf_t *cf,
    ngx_http_notify_call_conf_t *call, ngx_uint_t named);


#endif /* _NGX_HTTP_NOTIFY_FCM_CONF_H_INCLUDED_ */
