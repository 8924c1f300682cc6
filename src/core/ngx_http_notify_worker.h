/*
 * The start and the end of a worker, handlers of the module.
 */

#ifndef _NGX_HTTP_NOTIFY_WORKER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_WORKER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


ngx_int_t ngx_http_notify_worker_init_process(ngx_cycle_t *cycle);
void ngx_http_notify_worker_exit_process(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_NOTIFY_WORKER_H_INCLUDED_ */
