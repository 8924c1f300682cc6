/*
 * The query parameters of each route.  Another name is most often one that was
 * mistyped: it is refused, unless the configuration reads it itself.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_urlencoded.h"


#define NGX_HTTP_NOTIFY_API_PARAMS_NAMES  12


/* a resource, the number of segments after it and the last of them */
typedef struct {
    ngx_http_notify_api_resource_t  *resource;
    ngx_uint_t                       nsegments;
    const char                      *last;      /* NULL: any */
    ngx_uint_t                       methods;
    const char                      *names[NGX_HTTP_NOTIFY_API_PARAMS_NAMES];
} ngx_http_notify_api_params_t;


static const char **ngx_http_notify_api_params_of(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource);
static ngx_uint_t ngx_http_notify_api_params_known(ngx_http_notify_api_t *api,
    const char **names, const ngx_str_t *name);
static ngx_int_t ngx_http_notify_api_params_refuse(ngx_http_notify_api_t *api,
    const char **names, const ngx_str_t *name);


static ngx_http_notify_api_params_t  ngx_http_notify_api_params_table[] = {

    { &ngx_http_notify_api_subscriptions, 0, NULL, NGX_HTTP_GET,
      { "limit", "after", "search", "status", NULL } },

    { &ngx_http_notify_api_subscriptions, 2, "deliveries", NGX_HTTP_GET,
      { "limit", "before", "status", NULL } },

    { &ngx_http_notify_api_subscriptions, 2, "stats", NGX_HTTP_GET,
      { "window", NULL } },

    { &ngx_http_notify_api_stats, 0, NULL, NGX_HTTP_GET,
      { "window", NULL } },

    { &ngx_http_notify_api_events, 0, NULL, NGX_HTTP_GET,
      { "limit", "before", "eventType", "since", "until", NULL } },

    { &ngx_http_notify_api_deliveries, 0, NULL, NGX_HTTP_GET,
      { "limit", "before", "subscription", "status", "eventType", "event",
        "since", "until", NULL } },

    { &ngx_http_notify_api_deliveries, 1, NULL, NGX_HTTP_GET,
      { "request", NULL } },

    { &ngx_http_notify_api_events, 2, "deliveries", NGX_HTTP_GET,
      { "limit", "after", NULL } },

    { &ngx_http_notify_api_deltas, 0, NULL, NGX_HTTP_GET,
      { "cursor", "since", "limit", "eventType", "entityTypeID",
        "subscription", "missed", "wait", "consumer", NULL } },

    { &ngx_http_notify_api_samples, 1, NULL,
      NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH,
      { "success", "errorLevel", "errorCode", "status", "delay", NULL } },

    { &ngx_http_notify_api_vapid, 0, NULL, NGX_HTTP_GET,
      { "provider", NULL } },

    { NULL, 0, NULL, 0, { NULL } }
};


ngx_int_t
ngx_http_notify_api_params(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource)
{
    ngx_str_t     args, name, value;
    const char  **names;

    if (resource->open) {
        return NGX_OK;
    }

    names = ngx_http_notify_api_params_of(api, resource);
    args = api->request->args;

    while (ngx_http_notify_urlencoded_next(&args, &name, &value) == NGX_OK) {

        if (name.len
            && !ngx_http_notify_api_params_known(api, names, &name))
        {
            return ngx_http_notify_api_params_refuse(api, names, &name);
        }
    }

    return NGX_OK;
}


static const char **
ngx_http_notify_api_params_of(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource)
{
    ngx_str_t                     *segment;
    ngx_http_notify_api_params_t  *params;

    for (params = ngx_http_notify_api_params_table;
         params->resource;
         params++)
    {
        if (params->resource != resource
            || params->nsegments != api->nsegments
            || !(params->methods & api->method))
        {
            continue;
        }

        if (params->last == NULL) {
            break;
        }

        segment = &api->segments[api->nsegments - 1];

        if (ngx_http_notify_text_is(segment, params->last)) {
            break;
        }
    }

    return params->names;
}


/* one of the route's, or $arg_NAME is used somewhere in the configuration */

static ngx_uint_t
ngx_http_notify_api_params_known(ngx_http_notify_api_t *api,
    const char **names, const ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    for (i = 0; names[i]; i++) {
        if (ngx_http_notify_text_is_nocase(name, names[i])) {
            return 1;
        }
    }

    cmcf = ngx_http_get_module_main_conf(api->request, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {
        if (v[i].name.len == sizeof("arg_") - 1 + name->len
            && ngx_strncmp(v[i].name.data, "arg_", sizeof("arg_") - 1) == 0
            && ngx_strncasecmp(v[i].name.data + sizeof("arg_") - 1,
                               name->data, name->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_notify_api_params_refuse(ngx_http_notify_api_t *api,
    const char **names, const ngx_str_t *name)
{
    u_char      *p, *last;
    ngx_str_t    list;
    ngx_uint_t   i;
    u_char       buf[256];

    p = buf;
    last = buf + sizeof(buf);

    for (i = 0; names[i]; i++) {
        p = ngx_slprintf(p, last, "%s%s", i ? ", " : "; there are ", names[i]);
    }

    if (i == 0) {
        p = ngx_slprintf(p, last, "; there are none");
    }

    list.data = buf;
    list.len = p - buf;

    ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                "unknown_parameter",
                                "\"%V\" is not a parameter of this request%V",
                                name, &list);

    return NGX_DECLINED;
}
