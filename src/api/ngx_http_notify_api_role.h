/*
 * What `role=partner` of notify_api admits: to watch and manage one's own
 * subscriptions, and neither to publish nor to operate the channel.
 */

#ifndef _NGX_HTTP_NOTIFY_API_ROLE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_ROLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_subscriptions.h"


/* whether a partner may use that method at a path of so many segments behind
 * the resource */
ngx_uint_t ngx_http_notify_api_role_admits(
    const ngx_http_notify_api_resource_t *resource, ngx_uint_t method,
    ngx_uint_t nsegments);
/* of the request, whose tenant is known; NGX_DECLINED: 403 has been sent */
ngx_int_t ngx_http_notify_api_role(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_mount_t *mount,
    const ngx_http_notify_api_resource_t *resource);
/* whether the subscription is the tenant's own; a target, and a provider, is
 * the operator's, whose partner may be the default tenant */
ngx_uint_t ngx_http_notify_api_role_owns(const ngx_http_notify_api_t *api,
    const ngx_http_notify_api_mount_t *mount,
    const ngx_http_notify_subscription_t *subscription);
/* takes away from a path item of OpenAPI what a partner may not */
ngx_int_t ngx_http_notify_api_role_prune(ngx_http_notify_json_t *item,
    const ngx_http_notify_api_resource_t *resource, ngx_uint_t nsegments);


#endif /* _NGX_HTTP_NOTIFY_API_ROLE_H_INCLUDED_ */
