/*
 * The resource `vapid.json`: the public key of a provider of `type webpush`,
 * which a browser subscribes with.
 */

#include "ngx_http_notify_api.h"
#include "ngx_http_notify_json_write.h"
#include "ngx_http_notify_provider.h"


static void ngx_http_notify_api_vapid_handler(ngx_http_notify_api_t *api);


ngx_http_notify_api_resource_t  ngx_http_notify_api_vapid = {
    ngx_string("vapid.json"),
    { NGX_HTTP_GET, 0 },
    NULL,
    ngx_http_notify_api_vapid_handler,
    0,
    NGX_HTTP_NOTIFY_API_KEY_KEPT,
    0
};


static void
ngx_http_notify_api_vapid_handler(ngx_http_notify_api_t *api)
{
    ngx_str_t                      name;
    ngx_http_notify_provider_t    *provider;
    ngx_http_notify_json_write_t   w;

    switch (ngx_http_notify_api_arg(api, "provider", &name)) {

    case NGX_OK:
        provider = ngx_http_notify_provider_find(api->channel->providers,
                                                 &name);
        break;

    case NGX_DECLINED:
        provider = ngx_http_notify_provider_webpush(api->channel->providers);
        break;

    default: /* NGX_ABORT */
        return;
    }

    if (provider == NULL
        || provider->type != NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH)
    {
        ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                    "there is no such notify_provider of "
                                    "type webpush");
        return;
    }

    ngx_http_notify_json_write_init(&w, api->request->pool);
    ngx_http_notify_json_write_object(&w, NULL);
    ngx_http_notify_json_write_string(&w, "provider", &provider->profile.name);
    ngx_http_notify_json_write_string(&w, "publicKey",
                                      &provider->profile.call.webpush->public);
    ngx_http_notify_json_write_end(&w);

    ngx_http_notify_api_send_written(api, NGX_HTTP_OK, &w);
}
