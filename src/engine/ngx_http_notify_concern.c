
/*
 * A subscriber that is none, as far as the test looks into it.  Lives in the
 * caller's pool.  Must not know why it is asked.
 */

#include "ngx_http_notify_concern.h"
#include "ngx_http_notify_match.h"


static void ngx_http_notify_concern_cleanup(void *data);


ngx_int_t
ngx_http_notify_concern_parse(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_http_notify_concern_t *concern)
{
    ngx_str_t                        pointer;
    const char                      *reason;
    ngx_pool_cleanup_t              *cln;
    ngx_http_notify_subscription_t  *s;

    ngx_memzero(concern, sizeof(ngx_http_notify_concern_t));

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    s = ngx_http_notify_subscriptions_parse(NULL, text, ngx_cycle->log);
    if (s == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_notify_concern_cleanup;
    cln->data = s->pool;

    concern->subscription = s;

    if (s->filter.len) {
        concern->filter = ngx_http_notify_filter_compile(s->pool, &s->filter,
                                                         &reason, &pointer);
        concern->unusable = (concern->filter == NULL);
    }

    return NGX_OK;
}


static void
ngx_http_notify_concern_cleanup(void *data)
{
    ngx_destroy_pool(data);
}


ngx_uint_t
ngx_http_notify_concern_test(const ngx_http_notify_concern_t *concern,
    const ngx_http_notify_event_t *event)
{
    ngx_http_notify_subscriber_t  s;

    if (concern->unusable
        || concern->subscription->mode != NGX_HTTP_NOTIFY_MODE_WEBHOOK)
    {
        return 0;
    }

    ngx_memzero(&s, sizeof(ngx_http_notify_subscriber_t));

    s.doc = concern->subscription;
    s.filter = concern->filter;

    return ngx_http_notify_match_test(&s, event);
}
