/*
 * The table of what a partner may.  What is not in it is the operator's.
 */

#include "ngx_http_notify_api_role.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_API_ROLE_ANY  0xff      /* segments */
#define NGX_HTTP_NOTIFY_API_ROLE_ALL                                          \
    (NGX_HTTP_GET|NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH|NGX_HTTP_DELETE)


typedef struct {
    const char                            *resource;
    ngx_uint_t                             nsegments;
    ngx_uint_t                             methods;
} ngx_http_notify_api_role_right_t;


static const ngx_http_notify_api_role_right_t
    ngx_http_notify_api_role_partner[] =
{
    { "subscriptions", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_NOTIFY_API_ROLE_ALL },
    { "deliveries", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_NOTIFY_API_ROLE_ALL },
    { "deltas", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_NOTIFY_API_ROLE_ALL },
    { "filter", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_NOTIFY_API_ROLE_ALL },
    { "redeliver", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_NOTIFY_API_ROLE_ALL },
    { "redeliveries", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_NOTIFY_API_ROLE_ALL },
    { "samples", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_NOTIFY_API_ROLE_ALL },

    { "events", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_GET },
    { "events", 2, NGX_HTTP_POST },

    { "sessions", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_GET },
    { "settings", NGX_HTTP_NOTIFY_API_ROLE_ANY,
      NGX_HTTP_GET },

    { "event-types", 0, NGX_HTTP_GET },
    { "health", 0, NGX_HTTP_GET },
    { "stats", 0, NGX_HTTP_GET },
    { "jwks.json", 0, NGX_HTTP_GET },
    { "vapid.json", 0, NGX_HTTP_GET },
    { "openapi.json", 0, NGX_HTTP_GET },

    { NULL, 0, 0 }
};


ngx_uint_t
ngx_http_notify_api_role_admits(
    const ngx_http_notify_api_resource_t *resource, ngx_uint_t method,
    ngx_uint_t nsegments)
{
    const ngx_http_notify_api_role_right_t  *right;

    for (right = ngx_http_notify_api_role_partner; right->resource; right++) {

        if (ngx_http_notify_text_is(&resource->name, right->resource)
            && (right->methods & method)
            && (right->nsegments == NGX_HTTP_NOTIFY_API_ROLE_ANY
                || right->nsegments == nsegments))
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_notify_api_role(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_mount_t *mount,
    const ngx_http_notify_api_resource_t *resource)
{
    if (!mount->partner) {
        return NGX_OK;
    }

    if (!ngx_http_notify_api_role_admits(resource, api->method,
                                         api->nsegments))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_FORBIDDEN, "role",
                                    "this is for operators: the location has "
                                    "\"role=partner\"");
        return NGX_DECLINED;
    }

    /* those of the default tenant are the sum of all, and hold for all */

    if (api->tenant.len == 0
        && (ngx_http_notify_text_is(&resource->name, "stats")
            || ngx_http_notify_text_is(&resource->name, "settings")))
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_FORBIDDEN, "role",
                                    "a partner sees what is its own, and this "
                                    "request belongs to no tenant: "
                                    "\"notify_tenant\" is missing");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_api_role_owns(const ngx_http_notify_api_t *api,
    const ngx_http_notify_api_mount_t *mount,
    const ngx_http_notify_subscription_t *subscription)
{
    return ngx_http_notify_api_owns(api, &subscription->tenant)
           && !(mount->partner && subscription->internal);
}


ngx_int_t
ngx_http_notify_api_role_prune(ngx_http_notify_json_t *item,
    const ngx_http_notify_api_resource_t *resource, ngx_uint_t nsegments)
{
    ngx_uint_t  i;

    static const struct {
        const char  *name;
        ngx_uint_t   method;
    } methods[] = {
        { "get", NGX_HTTP_GET },
        { "post", NGX_HTTP_POST },
        { "put", NGX_HTTP_PUT },
        { "patch", NGX_HTTP_PATCH },
        { "delete", NGX_HTTP_DELETE },
        { NULL, 0 }
    };

    for (i = 0; methods[i].name; i++) {

        if (!ngx_http_notify_api_role_admits(resource, methods[i].method,
                                             nsegments)
            && ngx_http_notify_json_remove(item, methods[i].name) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
