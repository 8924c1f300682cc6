/*
 * A request to the API: its context, what it may, and where it came in.  Knows
 * no resource.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_role.h"
#include "ngx_http_notify_reply.h"
#include "ngx_http_notify_tenant.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_timer.h"


static void ngx_http_notify_api_cleanup(void *data);
static void ngx_http_notify_api_refuse_method(ngx_http_notify_api_t *api,
    ngx_uint_t methods);


static struct {
    ngx_uint_t    method;
    const char   *name;
} ngx_http_notify_api_methods[] = {
    { NGX_HTTP_GET, "GET, HEAD" },
    { NGX_HTTP_POST, "POST" },
    { NGX_HTTP_PUT, "PUT" },
    { NGX_HTTP_PATCH, "PATCH" },
    { NGX_HTTP_DELETE, "DELETE" },
    { 0, NULL }
};


ngx_http_notify_api_t *
ngx_http_notify_api_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_notify_api_t           *api;
    ngx_http_notify_api_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_api_module);

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_notify_api_t));
    if (cln == NULL) {
        return NULL;
    }

    api = cln->data;
    ngx_memzero(api, sizeof(ngx_http_notify_api_t));

    cln->handler = ngx_http_notify_api_cleanup;

    api->request = r;
    api->channel = alcf->mount->channel;
    api->method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;
    api->request_id = alcf->request_id;
    api->invalid.pool = r->pool;
    api->cleanups = cln->next;

    if (ngx_http_notify_api_suspended_create(api) != NGX_OK) {
        return NULL;
    }

    ngx_http_notify_timer_init(&api->end, ngx_http_notify_api_end_handler, api,
                               r->connection->log);

    ngx_http_set_ctx(r, api, ngx_http_notify_api_module);

    return api;
}


static void
ngx_http_notify_api_cleanup(void *data)
{
    ngx_http_notify_api_t *api = data;

    if (api->end.posted) {
        ngx_delete_posted_event(&api->end);
    }

    ngx_http_notify_api_suspended_destroy(api);
}


ngx_http_notify_api_resource_t *
ngx_http_notify_api_resource(ngx_http_notify_api_resource_t **resources,
    const ngx_str_t *name)
{
    for ( /* void */ ; *resources; resources++) {
        if (ngx_http_notify_text_equal(&(*resources)->name, name)) {
            return *resources;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_notify_api_allowed(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_resource_t *resource)
{
    if (resource == NULL) {
        return 0;
    }

    if (api->nsegments < 2 && resource->methods[api->nsegments]) {
        return resource->methods[api->nsegments];
    }

    return resource->more ? resource->more(api) : 0;
}


/* NGX_DECLINED: an answer has been sent */

ngx_int_t
ngx_http_notify_api_admit(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource)
{
    ngx_uint_t  methods;

    methods = ngx_http_notify_api_allowed(api, resource);

    if (methods == 0) {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is nothing at this path");
        return NGX_DECLINED;
    }

    if (!(api->method & methods)) {
        ngx_http_notify_api_refuse_method(api, methods);
        return NGX_DECLINED;
    }

    switch (ngx_http_notify_tenant(api->request, &api->tenant)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        if (ngx_http_notify_tenant_challenge(api->request) != NGX_OK) {
            ngx_http_notify_api_failed(api);
            return NGX_DECLINED;
        }

        ngx_http_notify_api_problem(api, NGX_HTTP_UNAUTHORIZED,
                                    "tenant_required",
                                    "this request belongs to no tenant");
        return NGX_DECLINED;

    case NGX_ABORT:
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_tenant",
                                    "the tenant's name is longer than %d "
                                    "bytes, is not UTF-8, or has control "
                                    "characters",
                                    NGX_HTTP_NOTIFY_TENANT_MAX);
        return NGX_DECLINED;

    default:
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    /* the settings of all tenants are in the first partition */

    if (resource != &ngx_http_notify_api_settings) {
        api->channel = ngx_http_notify_channel_of(api->channel, &api->tenant);
    }

    if (ngx_http_notify_api_role(api, ngx_http_notify_api_mount(api), resource)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return ngx_http_notify_api_params(api, resource);
}


static void
ngx_http_notify_api_refuse_method(ngx_http_notify_api_t *api,
    ngx_uint_t methods)
{
    u_char      *p, *last;
    ngx_str_t    allow;
    ngx_uint_t   i;
    u_char       buf[64];

    p = buf;
    last = buf + sizeof(buf);

    for (i = 0; ngx_http_notify_api_methods[i].name; i++) {
        if (methods & ngx_http_notify_api_methods[i].method) {
            p = ngx_slprintf(p, last, "%s%s", p == buf ? "" : ", ",
                             ngx_http_notify_api_methods[i].name);
        }
    }

    allow.len = p - buf;
    allow.data = ngx_pnalloc(api->request->pool, allow.len);

    if (allow.data == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_memcpy(allow.data, buf, allow.len);

    if (ngx_http_notify_reply_header(api->request, "Allow", &allow) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_NOT_ALLOWED,
                                "method_not_allowed",
                                "this path takes %V", &allow);
}
