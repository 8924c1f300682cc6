/*
 * What a reader of the log wants of it.
 */

#ifndef _NGX_HTTP_NOTIFY_WANT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_WANT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_selector.h"


typedef struct {
    ngx_str_t                      tenant;          /* or empty */
    ngx_str_t                      event_type;      /* or empty: any */
    ngx_str_t                      entity_type;     /* JSON text, or empty */
    ngx_http_notify_selector_t   *selector;       /* or NULL */
} ngx_http_notify_want_t;


ngx_uint_t ngx_http_notify_want_test(const ngx_http_notify_want_t *want,
    const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_WANT_H_INCLUDED_ */
