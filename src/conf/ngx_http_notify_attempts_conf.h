/*
 * What a profile says of its attempt log.
 */

#ifndef _NGX_HTTP_NOTIFY_ATTEMPTS_CONF_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ATTEMPTS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_ATTEMPTS_MAX  1000


typedef enum {
    NGX_HTTP_NOTIFY_ATTEMPTS_ALL = 0,
    NGX_HTTP_NOTIFY_ATTEMPTS_FAILURES,
    NGX_HTTP_NOTIFY_ATTEMPTS_OFF
} ngx_http_notify_attempts_mode_e;

/* attempt_log, response_log; read-only after start */
typedef struct {
    ngx_uint_t                       mode;      /* _attempts_mode_e */
    ngx_uint_t                       max;       /* a subscription */
    size_t                           response;  /* bytes of it; 0: none */
} ngx_http_notify_attempts_conf_t;


#endif /* _NGX_HTTP_NOTIFY_ATTEMPTS_CONF_H_INCLUDED_ */
