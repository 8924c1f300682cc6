/*
 * What a browser's push manager gives, checked and kept.  Must not know how it
 * is pushed to.
 */

#include "ngx_http_notify_api_sessions_browser.h"
#include "ngx_http_notify_push_browser.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_text.h"


ngx_int_t
ngx_http_notify_api_sessions_browser(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const ngx_http_notify_json_t *json,
    ngx_str_t *provider, ngx_str_t *value)
{
    u_char                       *text;
    ngx_str_t                     name;
    const char                   *member, *reason;
    ngx_http_notify_json_t       *given;
    ngx_http_notify_provider_t   *found;
    ngx_http_notify_webpush_t     push;
    ngx_http_notify_guard_url_t   url;

    given = ngx_http_notify_json_get_nocase(input, "provider");
    name = ngx_http_notify_json_string(given);

    found = name.len ? ngx_http_notify_provider_find(api->channel->providers,
                                                     &name)
                     : ngx_http_notify_provider_webpush(
                                                  api->channel->providers);

    if (found == NULL || found->type != NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {
        ngx_str_set(&name, "subscription");
        ngx_http_notify_invalid_add(&api->invalid, &name, "is a browser's, "
                                    "but the provider is not of type webpush");
        return NGX_DECLINED;
    }

    if (name.len == 0) {
        *provider = found->profile.name;
    }

    if (ngx_http_notify_webpush_read(json, &push, &member, &reason)
        == NGX_OK)
    {
        member = "/endpoint";

        if (ngx_http_notify_guard_url(api->request->pool, &push.endpoint,
                                      &found->profile.call.guard, &url,
                                      &reason)
            == NGX_OK)
        {
            return ngx_http_notify_json_dump(api->request->pool, json, 0,
                                             value);
        }
    }

    text = ngx_pnalloc(api->request->pool,
                       sizeof("/subscription/keys/p256dh"));
    if (text == NULL) {
        return NGX_ERROR;
    }

    api->invalid.prefix.data = text;
    api->invalid.prefix.len = ngx_sprintf(text, "/subscription%s", member)
                              - text;

    ngx_http_notify_invalid_add(&api->invalid, NULL, "%*s",
                                ngx_http_notify_guard_public(reason), reason);
    ngx_str_null(&api->invalid.prefix);

    return NGX_DECLINED;
}


const ngx_str_t *
ngx_http_notify_api_sessions_browser_kept(const ngx_http_notify_resp_t *resp)
{
    ngx_str_t                      value, *text;
    ngx_uint_t                     i;
    ngx_http_notify_json_error_t   error;

    for (i = 3; i + 1 < resp->nelts; i += 2) {

        if (!ngx_http_notify_text_is(&resp->elts[i]->str,
                                     ":" NGX_HTTP_NOTIFY_PUSH_BROWSER_NAME))
        {
            continue;
        }

        text = &resp->elts[i + 1]->str;

        return ngx_http_notify_json_scan(text, &value, &error) == NGX_OK
               && ngx_http_notify_json_kind(&value)
                  == NGX_HTTP_NOTIFY_JSON_OBJECT
               ? text : NULL;
    }

    return NULL;
}
