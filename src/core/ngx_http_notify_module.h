/*
 * The module, and channels by name for the endpoints.
 */

#ifndef _NGX_HTTP_NOTIFY_MODULE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_main_conf.h"


extern ngx_module_t  ngx_http_notify_module;


/*
 * For the setters of other modules: the channel by name, also one that is
 * declared further down in http {} (then resolved at the end, with the setter's
 * file and line in the error).  *channel is filled by then, before the
 * configurations of servers and locations are merged: it must stay where it is.
 */
char *ngx_http_notify_module_channel(ngx_conf_t *cf, const ngx_str_t *name,
    ngx_http_notify_channel_t **channel);


#endif /* _NGX_HTTP_NOTIFY_MODULE_H_INCLUDED_ */
