/*
 * A subscription is left alone for a time, or until it is resumed: a member of
 * its document.  What is published meanwhile waits in the log.
 */

#include "ngx_http_notify_api_subscriptions.h"


#define NGX_HTTP_NOTIFY_API_PAUSE_MAX  (366 * 24 * 3600)


typedef struct {
    ngx_int_t    seconds;       /* 0: until it is resumed */
} ngx_http_notify_api_pause_t;


static void ngx_http_notify_api_pause_begin(
    ngx_http_notify_api_subscription_t *call);
static void ngx_http_notify_api_pause_end(
    ngx_http_notify_api_subscription_t *call);


ngx_int_t
ngx_http_notify_api_pause(ngx_http_notify_api_subscription_t *call)
{
    ngx_http_notify_api_t        *api;
    ngx_http_notify_json_t       *input;
    ngx_http_notify_api_pause_t  *pause;

    static const char  *names[] = { "for", NULL };

    api = call->api;

    input = ngx_http_notify_api_document(api, 1);
    if (input == NULL) {
        return NGX_DECLINED;
    }

    pause = ngx_pcalloc(api->request->pool,
                        sizeof(ngx_http_notify_api_pause_t));
    if (pause == NULL) {
        ngx_http_notify_api_failed(api);
        return NGX_DECLINED;
    }

    (void) ngx_http_notify_api_actions_time(api, input, "for", 1,
                                            NGX_HTTP_NOTIFY_API_PAUSE_MAX,
                                            &pause->seconds);

    if (ngx_http_notify_api_actions_members(api, input, names) != NGX_OK) {
        return NGX_DECLINED;
    }

    call->data = pause;
    call->act = ngx_http_notify_api_pause_begin;

    return NGX_OK;
}


static void
ngx_http_notify_api_pause_begin(ngx_http_notify_api_subscription_t *call)
{
    ngx_int_t                     rc;
    ngx_str_t                     mode;
    ngx_http_notify_api_pause_t  *pause;

    pause = call->data;

    mode = ngx_http_notify_json_get_string(call->document, "mode");

    if (mode.len && mode.data[0] != 'w') {
        ngx_http_notify_api_problem(call->api, NGX_HTTP_CONFLICT,
                                    "not_a_webhook",
                                    "nothing waits for a subscription in "
                                    "\"%V\" mode", &mode);
        return;
    }

    rc = pause->seconds
         ? ngx_http_notify_json_set_integer(call->document, "pausedUntil",
                                            ngx_http_notify_api_now()
                                            + (uint64_t) pause->seconds * 1000)
         : ngx_http_notify_json_set_null(call->document, "pausedUntil");

    if (rc != NGX_OK) {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    ngx_http_notify_api_stored_save(call);
}


ngx_int_t
ngx_http_notify_api_pause_resume(ngx_http_notify_api_subscription_t *call)
{
    call->act = ngx_http_notify_api_pause_end;

    return NGX_OK;
}


static void
ngx_http_notify_api_pause_end(ngx_http_notify_api_subscription_t *call)
{
    if (ngx_http_notify_json_get(call->document, "pausedUntil") == NULL) {
        call->done(call);
        return;
    }

    if (ngx_http_notify_json_remove(call->document, "pausedUntil") != NGX_OK) {
        ngx_http_notify_api_failed(call->api);
        return;
    }

    ngx_http_notify_api_stored_save(call);
}
