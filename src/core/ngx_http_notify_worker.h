/*
 * The start and the end of a worker.
 */

#ifndef _NGX_HTTP_NOTIFY_WORKER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_WORKER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_main_conf.h"


ngx_int_t ngx_http_notify_worker_init(ngx_cycle_t *cycle,
    ngx_http_notify_main_conf_t *mcf);
void ngx_http_notify_worker_exit(ngx_cycle_t *cycle,
    ngx_http_notify_main_conf_t *mcf);


#endif /* _NGX_HTTP_NOTIFY_WORKER_H_INCLUDED_ */
