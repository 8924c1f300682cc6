/*
 * What the settings of a profile become at the end of its block: the private
 * upstream and its TLS context.  Lives in the configuration; read-only.
 */

#ifndef _NGX_HTTP_NOTIFY_CALL_CONF_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CALL_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_call.h"


struct ngx_http_notify_call_state_s {
    ngx_http_upstream_conf_t       upstream;
    ngx_http_upstream_conf_t       literal;     /* for https to an address:
                                        the peer sees to the certificate */
    ngx_http_upstream_srv_conf_t   srv;         /* registered nowhere */
    ngx_ssl_t                      ssl;
};


typedef struct ngx_http_notify_call_state_s  ngx_http_notify_call_state_t;


#endif /* _NGX_HTTP_NOTIFY_CALL_CONF_H_INCLUDED_ */
