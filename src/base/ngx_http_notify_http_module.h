/*
 * Modules of nginx's HTTP, where most of the callbacks are not used: the values
 * of an ngx_module_t and of its ngx_http_module_t.
 */

#ifndef _NGX_HTTP_NOTIFY_HTTP_MODULE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_HTTP_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define ngx_http_notify_http_module(ctx, commands)                            \
    ngx_http_notify_http_module_process(ctx, commands, NULL, NULL)

/* with the start and the exit of a worker */
#define ngx_http_notify_http_module_process(ctx, commands, init, exit)        \
    { NGX_MODULE_V1, ctx, commands, NGX_HTTP_MODULE,                          \
      NULL, NULL, init, NULL, NULL, exit, NULL, NGX_MODULE_V1_PADDING }

/* with nothing but a location's configuration */
#define ngx_http_notify_http_module_location(create, merge)                   \
    { NULL, NULL, NULL, NULL, NULL, NULL, create, merge }

/* with nothing but its part of a chain or of a phase */
#define ngx_http_notify_http_module_filter(postconfiguration)                 \
    { NULL, postconfiguration, NULL, NULL, NULL, NULL, NULL, NULL }


#endif /* _NGX_HTTP_NOTIFY_HTTP_MODULE_H_INCLUDED_ */
