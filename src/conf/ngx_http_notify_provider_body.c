/*
 * What a provider sends: one JSON template for each way to call.
 */

#include "ngx_http_notify_provider.h"


static ngx_http_notify_template_t *ngx_http_notify_provider_fcm(
    ngx_conf_t *cf, ngx_http_notify_provider_t *provider, ngx_uint_t debug,
    ngx_uint_t payload);


ngx_http_notify_template_t *
ngx_http_notify_provider_body(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider, ngx_uint_t debug, ngx_uint_t payload)
{
    if (provider->type == NGX_HTTP_NOTIFY_PROVIDER_FCM) {
        return ngx_http_notify_provider_fcm(cf, provider, debug, payload);
    }

    return ngx_http_notify_provider_message(cf, &provider->message[debug],
                                            provider->type,
                                            provider->payload && payload);
}


/* {"message","deviceId","payload"?}; a browser knows which it is */

ngx_http_notify_template_t *
ngx_http_notify_provider_message(ngx_conf_t *cf, const ngx_str_t *message,
    ngx_uint_t type, ngx_uint_t payload)
{
    u_char                      *p;
    ngx_str_t                    text;
    const char                  *reason;
    ngx_http_notify_template_t  *t;

    static const char  begin[] = "{\"message\":\"";
    static const char  device[] = ",\"deviceId\":"
                                  "\"$notify_session_deviceId\"";
    static const char  data[] = ",\"payload\":\"$notify_data\"";

    text.data = ngx_pnalloc(cf->pool,
                            sizeof(begin) + sizeof(device) + sizeof(data) + 2
                            + message->len
                            + ngx_escape_json(NULL, message->data,
                                              message->len));
    if (text.data == NULL) {
        return NULL;
    }

    p = ngx_cpymem(text.data, begin, sizeof(begin) - 1);
    p = (u_char *) ngx_escape_json(p, message->data, message->len);
    *p++ = '"';

    if (type == NGX_HTTP_NOTIFY_PROVIDER_HTTP) {
        p = ngx_cpymem(p, device, sizeof(device) - 1);
    }

    if (payload) {
        p = ngx_cpymem(p, data, sizeof(data) - 1);
    }

    *p++ = '}';
    text.len = p - text.data;

    t = ngx_http_notify_payload_compile_json(cf, &text, 1, &reason);

    if (t == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "message \"%V\": %s",
                           message, reason);
    }

    return t;
}


/* {"message":{...}} */

static ngx_http_notify_template_t *
ngx_http_notify_provider_fcm(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider, ngx_uint_t debug, ngx_uint_t payload)
{
    ngx_str_t                    text, *message;
    const char                  *reason;
    ngx_http_notify_template_t  *t;

    message = &provider->message[debug];

    if (ngx_http_notify_fcm_template(cf->pool, provider->profile.call.fcm,
                                     message->data ? message : NULL,
                                     provider->payload && payload, &text)
        != NGX_OK)
    {
        return NULL;
    }

    t = ngx_http_notify_payload_compile_json(cf, &text, 1, &reason);

    if (t == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "notify_provider \"%V\" makes no message: %s",
                           &provider->profile.name, reason);
    }

    return t;
}
