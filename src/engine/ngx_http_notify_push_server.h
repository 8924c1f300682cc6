/*
 * The nodes of providers as a worker knows them: which are alive, and what it
 * calls them with.
 */

#ifndef _NGX_HTTP_NOTIFY_PUSH_SERVER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PUSH_SERVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_provider.h"


/* providers: of ngx_http_notify_provider_t *, or NULL */
ngx_int_t ngx_http_notify_push_server_init_process(ngx_cycle_t *cycle,
    const ngx_array_t *providers);
void ngx_http_notify_push_server_exit_process(void);

/*
 * A node of the group (an empty name: the provider's first group) for a
 * session: the one that was kept for it, unless it has failed; otherwise the
 * same one for all that ask with the same session id.  NULL: there is no such
 * group, or all of it is marked "down".
 */
ngx_http_notify_provider_node_t *ngx_http_notify_push_server_choose(
    const ngx_http_notify_provider_t *provider, const ngx_str_t *group,
    const ngx_str_t *session, const ngx_str_t *kept);

/* after that node has failed; NULL: there is no other */
ngx_http_notify_provider_node_t *ngx_http_notify_push_server_next(
    const ngx_http_notify_provider_t *provider, const ngx_str_t *group,
    const ngx_str_t *session, const ngx_http_notify_provider_node_t *node);

/* for a call that follows; NULL: memory; it is the worker's own */
ngx_http_notify_target_t *ngx_http_notify_push_server_target(
    const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node, ngx_uint_t debug,
    ngx_uint_t payload, ngx_log_t *log);

/* whether it has answered */
void ngx_http_notify_push_server_result(
    const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_provider_node_t *node, ngx_uint_t alive);


#endif /* _NGX_HTTP_NOTIFY_PUSH_SERVER_H_INCLUDED_ */
