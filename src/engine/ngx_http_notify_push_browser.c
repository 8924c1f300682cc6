/*
 * A target lives as long as its one call: connections are kept for the host
 * and outlive it, and nothing grows with the number of browsers.
 */

#include "ngx_http_notify_push_browser.h"
#include "ngx_http_notify_call_target.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_push_browser_gone(void *data);


static const ngx_str_t  ngx_http_notify_push_browser_name =
    ngx_string(NGX_HTTP_NOTIFY_PUSH_BROWSER_NAME);


ngx_str_t
ngx_http_notify_push_browser(const ngx_http_notify_event_t *event)
{
    ngx_str_t      none;
    ngx_keyval_t  *kept;

    kept = ngx_http_notify_text_find(&ngx_http_notify_push_browser_name,
                                     event->kept, event->nkept,
                                     sizeof(ngx_keyval_t));
    if (kept) {
        return kept->value;
    }

    ngx_str_null(&none);

    return none;
}


ngx_http_notify_target_t *
ngx_http_notify_push_browser_target(const ngx_http_notify_call_conf_t *conf,
    const ngx_str_t *id, const ngx_str_t *name,
    const ngx_http_notify_event_t *event, ngx_log_t *log)
{
    ngx_str_t                        text;
    ngx_pool_t                      *pool;
    const char                      *member, *reason;
    ngx_http_notify_json_t          *json;
    ngx_http_notify_target_t        *target;
    ngx_http_notify_webpush_t       *push;
    ngx_http_notify_json_error_t     error;
    ngx_http_notify_subscription_t  *subscription;

    pool = ngx_create_pool(1024, log);
    if (pool == NULL) {
        return NULL;
    }

    text = ngx_http_notify_push_browser(event);

    push = ngx_pcalloc(pool, sizeof(ngx_http_notify_webpush_t));
    subscription = ngx_pcalloc(pool, sizeof(ngx_http_notify_subscription_t));
    json = text.len ? ngx_http_notify_json_parse(pool, &text, &error) : NULL;

    if (push == NULL || subscription == NULL || json == NULL
        || ngx_http_notify_webpush_read(json, push, &member, &reason)
           != NGX_OK)
    {
        goto failed;
    }

    push->conf = conf->webpush;

    subscription->pool = pool;
    subscription->id = *id;
    subscription->name = *name;
    subscription->url = push->endpoint;
    subscription->enabled = 1;

    target = ngx_http_notify_call_target(conf, subscription, log, &reason);

    if (target) {
        ngx_http_notify_call_target_push(target, push);
        return target;
    }

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


void
ngx_http_notify_push_browser_release(ngx_http_notify_target_t *target)
{
    ngx_http_notify_call_target_release(target,
                                        ngx_http_notify_push_browser_gone,
                                        target->subscription->pool);
}


static void
ngx_http_notify_push_browser_gone(void *data)
{
    ngx_destroy_pool(data);
}
