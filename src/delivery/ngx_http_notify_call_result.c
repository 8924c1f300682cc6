/*
 * What became of a call: its verdict, and what is said of a failure.
 */

#include "ngx_http_notify_backoff.h"
#include "ngx_http_notify_call_internal.h"
#include "ngx_http_notify_context.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CALL_RESULT_PROXY  407
#define NGX_HTTP_NOTIFY_CALL_RESULT_TOKEN  1    /* s, as nobody asks again */


static void ngx_http_notify_call_result_proxy(ngx_http_notify_call_t *call);
static void ngx_http_notify_call_result_mask(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result);
static void ngx_http_notify_call_result_answered(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result);
static void ngx_http_notify_call_result_fcm(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result);


void
ngx_http_notify_call_result_fail(ngx_http_notify_call_t *call,
    ngx_http_notify_call_verdict_e verdict, const char *error,
    const char *detail)
{
    call->verdict = verdict;
    call->peer.error = error;

    if (detail) {
        call->peer.detail = ngx_http_notify_text(detail);
    }

    ngx_post_event(&call->ended, &ngx_posted_events);
}


void
ngx_http_notify_call_result(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result)
{
    ngx_memzero(result, sizeof(ngx_http_notify_call_result_t));

    result->latency = ngx_current_msec - call->start;
    result->retry_after = -1;

    ngx_http_notify_call_result_proxy(call);

    if (call->answer.done && call->peer.error == NULL) {
        ngx_http_notify_call_result_answered(call, result);
        return;
    }

    result->verdict = call->verdict;
    result->error = call->peer.error ? call->peer.error : "connection failed";
    result->detail = call->peer.detail;

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_NO_TOKEN) {
        result->retry_after = NGX_HTTP_NOTIFY_CALL_RESULT_TOKEN;
    }

    if (call->peer.naddrs == 0 && call->target->subscription->tenant.len) {
        ngx_http_notify_call_result_mask(call, result);
    }
}


/* what a proxy has answered in place of the endpoint */

static void
ngx_http_notify_call_result_proxy(ngx_http_notify_call_t *call)
{
    u_char                           *p;
    ngx_http_notify_http_response_t  *a;

    a = &call->answer;

    if (call->peer.to == NULL || call->target->url.ssl || !a->done
        || call->peer.error
        || (a->status != NGX_HTTP_NOTIFY_CALL_RESULT_PROXY && !a->proxy))
    {
        return;
    }

    call->peer.error = "proxy refused";

    p = ngx_pnalloc(call->pool, sizeof("status ") + NGX_INT_T_LEN);

    if (p) {
        call->peer.detail.data = p;
        call->peer.detail.len = ngx_sprintf(p, "status %ui", a->status) - p;
    }
}


/*
 * Whether a name exists within the network is none of a tenant's business: one
 * that is denied looks as one that is not there.
 */

static void
ngx_http_notify_call_result_mask(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result)
{
    ngx_http_notify_context_t              context;
    const ngx_http_notify_subscription_t  *subscription;

    if (result->verdict != NGX_HTTP_NOTIFY_CALL_BLOCKED
        && ngx_strcmp(result->error, "name not resolved") != 0)
    {
        return;
    }

    subscription = call->target->subscription;

    ngx_memzero(&context, sizeof(ngx_http_notify_context_t));

    context.event = &call->event->id;
    context.channel = call->channel;

    ngx_log_error(NGX_LOG_INFO,
                  ngx_http_notify_context_log(ngx_cycle->log, &context), 0,
                  "notify call: host \"%V\" of subscription \"%V\", tenant "
                  "\"%V\": %s (%V)",
                  &call->target->url.host, &subscription->id,
                  &subscription->tenant, result->error, &result->detail);

    result->error = NGX_HTTP_NOTIFY_CALL_MASKED;
    ngx_str_null(&result->detail);
}


static void
ngx_http_notify_call_result_answered(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result)
{
    time_t                                 seconds;
    ngx_http_notify_http_response_t       *a;
    const ngx_http_notify_payload_conf_t  *payload;

    a = &call->answer;
    payload = call->target->payload;

    result->status = a->status;
    result->content_type = a->content_type;
    result->allowed_origin = a->allowed_origin;
    result->allowed_rate = a->allowed_rate;
    result->body = a->body;
    result->truncated = a->truncated;

    if (a->status >= 200 && a->status < 300) {

        if (payload->success == NULL
            || ngx_http_notify_payload_success(call->pool, payload, &a->body,
                                               &result->detail)
               == NGX_OK)
        {
            result->verdict = NGX_HTTP_NOTIFY_CALL_OK;

            if (payload->success && call->batch) {
                (void) ngx_http_notify_batch_answer(call->pool, &a->body,
                                                    &result->failed);
            }

            return;
        }

        result->verdict = NGX_HTTP_NOTIFY_CALL_RETRY;
        result->error = "success not reported";
        return;
    }

    result->verdict = (a->status == 410) ? NGX_HTTP_NOTIFY_CALL_GONE
                                         : NGX_HTTP_NOTIFY_CALL_RETRY;
    result->error = "status";

    if (a->retry_after.len
        && ngx_http_notify_backoff_retry_after(&a->retry_after, ngx_time(),
                                               &seconds)
           == NGX_OK)
    {
        result->retry_after = (ngx_int_t) seconds;
    }

    if (call->target->conf->fcm) {
        ngx_http_notify_call_result_fcm(call, result);
    }
}


static void
ngx_http_notify_call_result_fcm(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result)
{
    const ngx_http_notify_fcm_error_t  *error;

    static const ngx_http_notify_call_verdict_e  verdicts[] = {
        NGX_HTTP_NOTIFY_CALL_RETRY,     /* of NGX_HTTP_NOTIFY_FCM_RETRY, */
        NGX_HTTP_NOTIFY_CALL_FATAL,     /* _DROP, */
        NGX_HTTP_NOTIFY_CALL_GONE       /* _GONE */
    };

    error = ngx_http_notify_fcm_error(call->pool, result->status,
                                      &result->body);

    result->verdict = verdicts[error->means];
    result->error = (const char *) error->code.data;
    result->own = error->own;
}


u_char *
ngx_http_notify_call_result_about(void *data, u_char *buf, size_t len)
{
    ngx_http_notify_call_t *call = data;

    ngx_http_notify_context_t              context;
    const ngx_http_notify_subscription_t  *subscription;

    subscription = call->target->subscription;

    ngx_memzero(&context, sizeof(ngx_http_notify_context_t));

    context.event = &call->event->id;
    context.subscription = &subscription->id;
    context.channel = call->channel;
    context.tenant = &call->event->tenant;
    context.url = &subscription->url;

    return ngx_http_notify_context_write(&context, buf, len);
}


ngx_uint_t
ngx_http_notify_call_result_again(ngx_http_notify_call_t *call)
{
    ngx_http_notify_token_source_t  *source;

    source = call->target->token;

    if (!call->deadline.timer_set) {
        return 0;
    }

    /* its tunnel was kept too long */

    if (call->peer.again) {
        call->fresh = 1;
        return 1;
    }

    /* its token is not accepted (any more) */

    if (source == NULL
        || !call->answer.done
        || call->answer.status != NGX_HTTP_UNAUTHORIZED
        || call->peer.error
        || call->refused)
    {
        return 0;
    }

    /* that of APNs or a browser's push service may be what is not */

    if (call->target->conf->fcm
        && ngx_http_notify_fcm_error(call->pool, call->answer.status,
                                     &call->answer.body)->own)
    {
        return 0;
    }

    call->refused = 1;

    source->reject(source, &call->token.token);

    return 1;
}


ngx_http_notify_metrics_class_e
ngx_http_notify_call_class(const ngx_http_notify_call_result_t *result)
{
    ngx_uint_t  i;

    static const struct {
        const char                       *begins;
        ngx_http_notify_metrics_class_e   class;
    } errors[] = {
        { "timeout", NGX_HTTP_NOTIFY_METRICS_TIMEOUT },
        { "name not resolved", NGX_HTTP_NOTIFY_METRICS_DNS },
        { "tls ", NGX_HTTP_NOTIFY_METRICS_TLS },
        { "certificate ", NGX_HTTP_NOTIFY_METRICS_TLS },
        { "proxy ", NGX_HTTP_NOTIFY_METRICS_PROXY },
        { "malformed answer of the proxy", NGX_HTTP_NOTIFY_METRICS_PROXY },
        { NULL, NGX_HTTP_NOTIFY_METRICS_CONNECT }
    };

    switch (result->verdict) {

    case NGX_HTTP_NOTIFY_CALL_OK:
        return NGX_HTTP_NOTIFY_METRICS_SUCCEEDED;

    case NGX_HTTP_NOTIFY_CALL_NO_RESOLVER:
        return NGX_HTTP_NOTIFY_METRICS_UNRESOLVED;

    case NGX_HTTP_NOTIFY_CALL_BLOCKED:
        return NGX_HTTP_NOTIFY_METRICS_GUARD;

    case NGX_HTTP_NOTIFY_CALL_NO_TOKEN:
        return NGX_HTTP_NOTIFY_METRICS_TOKENLESS;

    default:
        break;
    }

    if (result->status >= 200 && result->status < 600) {
        return NGX_HTTP_NOTIFY_METRICS_2XX + result->status / 100 - 2;
    }

    for (i = 0; errors[i].begins && result->error; i++) {
        if (ngx_strncmp(result->error, errors[i].begins,
                        ngx_strlen(errors[i].begins))
            == 0)
        {
            return errors[i].class;
        }
    }

    return NGX_HTTP_NOTIFY_METRICS_CONNECT;
}
