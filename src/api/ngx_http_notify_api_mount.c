/*
 * Where a request came in: the location's notify_api, and all of its server.
 */

#include "ngx_http_notify_api.h"


const ngx_http_notify_api_mount_t *
ngx_http_notify_api_mount(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_loc_conf_t  *alcf;

    alcf = ngx_http_get_module_loc_conf(api->request,
                                        ngx_http_notify_api_module);
    return alcf->mount;
}


const ngx_array_t *
ngx_http_notify_api_mounts(ngx_http_request_t *r)
{
    ngx_http_notify_api_srv_conf_t  *ascf;

    ascf = ngx_http_get_module_srv_conf(r, ngx_http_notify_api_module);

    return &ascf->mounts;
}
