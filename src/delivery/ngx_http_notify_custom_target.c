/*
 * The member `oauth2` of a subscription in place of the profile's directive.
 * Tokens are told apart by tenant and credentials, and shared by workers.
 */

#include "ngx_http_notify_call_target.h"
#include "ngx_http_notify_custom_target.h"
#include "ngx_http_notify_oauth2.h"


static ngx_int_t ngx_http_notify_custom_target_token(
    ngx_http_notify_target_t *target, const ngx_http_notify_json_t *value);


ngx_http_notify_target_t *
ngx_http_notify_custom_target(const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_subscription_t *subscription, ngx_log_t *log,
    const char **reason)
{
    ngx_http_notify_json_t    *value;
    ngx_http_notify_target_t  *target;

    target = ngx_http_notify_call_target(conf, subscription, log, reason);

    if (target == NULL || subscription->document == NULL
        || !(conf->customize & NGX_HTTP_NOTIFY_CUSTOM_OAUTH2))
    {
        return target;
    }

    value = ngx_http_notify_json_get(subscription->document, "oauth2");

    if (value
        && ngx_http_notify_custom_target_token(target, value) != NGX_OK)
    {
        ngx_http_notify_call_target_release(target, NULL, NULL);
        return NULL;
    }

    return target;
}


static ngx_int_t
ngx_http_notify_custom_target_token(ngx_http_notify_target_t *target,
    const ngx_http_notify_json_t *value)
{
    ngx_http_notify_oauth2_conf_t   *oauth2;
    ngx_http_notify_token_source_t  *source;

    oauth2 = ngx_pcalloc(target->pool, sizeof(ngx_http_notify_oauth2_conf_t));
    if (oauth2 == NULL) {
        return NGX_ERROR;
    }

    oauth2->url = ngx_http_notify_json_get_string(value, "tokenUrl");
    oauth2->client_id = ngx_http_notify_json_get_string(value, "clientId");
    oauth2->client_secret = ngx_http_notify_json_get_string(value,
                                                            "clientSecret");
    oauth2->scope = ngx_http_notify_json_get_string(value, "scope");
    oauth2->audience = ngx_http_notify_json_get_string(value, "audience");

    source = ngx_http_notify_oauth2_create(target->pool, oauth2, target->conf,
                                           &target->subscription->tenant);
    if (source == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_call_target_token(target, source);

    return NGX_OK;
}
