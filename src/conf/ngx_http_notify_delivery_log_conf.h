/*
 * delivery_log of a channel: the file, and what a worker has not written yet.
 */

#ifndef _NGX_HTTP_NOTIFY_DELIVERY_LOG_CONF_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DELIVERY_LOG_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* of the cycle's pool; each worker has a copy of its own */
struct ngx_http_notify_delivery_log_s {
    ngx_open_file_t  *file;
    ngx_uint_t        failures;     /* unsigned  failures:1; only these */

    u_char           *start;        /* of the lines; NULL at first */
    size_t            len;
    ngx_event_t       flush;
    time_t            said;         /* that it cannot be written */
};


#endif /* _NGX_HTTP_NOTIFY_DELIVERY_LOG_CONF_H_INCLUDED_ */
