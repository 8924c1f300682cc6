
/*
 * From a call's result to what is written of it, and to the breaker.  The
 * subscriber is ready afterwards.
 */

#include "ngx_http_notify_outcome.h"
#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_delivery_log.h"
#include "ngx_http_notify_health.h"
#include "ngx_http_notify_line.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_pace.h"
#include "ngx_http_notify_push.h"
#include "ngx_http_notify_retry.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_tallies.h"
#include "ngx_http_notify_tenants.h"
#include "ngx_http_notify_window.h"


static void ngx_http_notify_outcome_each(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);
static void ngx_http_notify_outcome_settle(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result,
    const ngx_http_notify_call_result_t *call);
static void ngx_http_notify_outcome_apply(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result,
    const ngx_http_notify_call_result_t *call);
static void ngx_http_notify_outcome_erased(ngx_http_notify_delivery_t *d);
static void ngx_http_notify_outcome_breaker(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);


/* the subscription cannot be called as it is: an attempt that failed */

void
ngx_http_notify_outcome_refused(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_call_result_t  result;

    ngx_memzero(&result, sizeof(ngx_http_notify_call_result_t));

    result.verdict = NGX_HTTP_NOTIFY_CALL_BLOCKED;
    result.error = d->subscriber->reason;
    result.retry_after = -1;

    if (result.error == NULL) {
        result.error = "not allowed";
    }

    ngx_http_notify_outcome_settle(d, &result, &result);
}


void
ngx_http_notify_outcome_result(const ngx_http_notify_call_result_t *result,
    void *data)
{
    ngx_http_notify_delivery_t  *d = data;

    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_delivery_t    *one, *next;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;
    feed = d->feed;

    d->call = NULL;

    for (one = d->next; one; one = next) {
        next = one->next;
        ngx_http_notify_outcome_each(one, result);
    }

    ngx_http_notify_outcome_each(d, result);

    if (s != NULL) {

        /* after those of its tenant that have waited longer */

        if (s->provider == NULL && !ngx_queue_empty(&s->share->waiting)) {
            ngx_http_notify_run_queue_wait_share(s);

        } else {
            ngx_http_notify_run_queue_wait(s);
        }
    }

    ngx_http_notify_feed_post(feed);
}


/* of a batch that was taken, some may be asked for again */

static void
ngx_http_notify_outcome_each(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    ngx_http_notify_call_result_t  own;

    if (!ngx_http_notify_batch_failed(&result->failed, &d->id)) {
        ngx_http_notify_outcome_settle(d, result, result);
        return;
    }

    own = *result;
    own.verdict = NGX_HTTP_NOTIFY_CALL_RETRY;
    own.error = "success not reported";
    ngx_str_set(&own.detail, "one of the failed of a batch");

    ngx_http_notify_outcome_settle(d, &own, result);
}


/* `call` is that of its call, `result` its own */

static void
ngx_http_notify_outcome_settle(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result,
    const ngx_http_notify_call_result_t *call)
{
    ngx_uint_t                     joined;
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_metrics_e      counter;
    ngx_http_notify_subscriber_t  *s;

    feed = d->feed;
    s = d->subscriber;
    joined = ngx_http_notify_delivery_joined(d);

    ngx_http_notify_delivery_ended(d);

    switch (result->verdict) {

    case NGX_HTTP_NOTIFY_CALL_OK:
        counter = NGX_HTTP_NOTIFY_METRICS_DELIVERED;
        break;

    case NGX_HTTP_NOTIFY_CALL_NO_RESOLVER:
        counter = NGX_HTTP_NOTIFY_METRICS_NO_RESOLVER;
        break;

    default:
        counter = NGX_HTTP_NOTIFY_METRICS_FAILED;
    }

    if (!joined) {
        ngx_http_notify_metrics_call(feed->channel->metrics,
                                     ngx_http_notify_call_class(call));
        ngx_http_notify_metrics_observe(feed->channel->metrics,
                                        NGX_HTTP_NOTIFY_METRICS_CALL,
                                        (uint64_t) call->latency * 1000);
        ngx_http_notify_metrics_exemplify(feed->channel->metrics,
                                          (uint64_t) call->latency * 1000,
                                          &d->event->traceparent,
                                          ngx_http_notify_feed_now());
    }

    if (s == NULL) {
        feed->counts[counter]++;
        ngx_http_notify_log_unref(d->event);
        ngx_free(d);
        ngx_http_notify_feed_commit_soon(feed, 0);
        return;
    }

    ngx_http_notify_subscriber_tally(s, counter);

    if (!joined) {
        ngx_http_notify_pace_result(d, call);
    }

    ngx_http_notify_attempts_add(d, result);
    ngx_http_notify_tallies_add(d, result);
    ngx_http_notify_delivery_log_add(d, result);
    ngx_http_notify_outcome_apply(d, result, call);

    ngx_http_notify_log_unref(d->event);
    d->event = NULL;

    if (!d->windowed) {
        ngx_http_notify_retry_forget(s, &d->id);
    }

    ngx_http_notify_operation_next(s, d->line, &d->id);

    ngx_http_notify_window_settle(d);
    ngx_http_notify_subscriber_touch(s);
}


static void
ngx_http_notify_outcome_apply(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result,
    const ngx_http_notify_call_result_t *call)
{
    uint64_t                       now;
    ngx_uint_t                     ok;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;
    ok = (result->verdict == NGX_HTTP_NOTIFY_CALL_OK);
    now = ngx_http_notify_feed_now();

    if (d->probe) {
        ngx_http_notify_breaker_probe(&s->breaker, 0);
    }

    ngx_http_notify_push_result(d, result);

    if (!ngx_http_notify_delivery_joined(d)) {
        ngx_http_notify_outcome_breaker(d, call);
        ngx_http_notify_health_result(d, call);
    }

    if (!ok && d->erased) {
        ngx_http_notify_outcome_erased(d);
        return;
    }

    if (!ok) {
        ngx_http_notify_retry_failed(d, result);
        return;
    }

    if (!d->redelivered) {
        ngx_http_notify_metrics_observe(d->feed->channel->metrics,
                                        NGX_HTTP_NOTIFY_METRICS_DELAY,
                                        now > d->id.ms
                                        ? (now - d->id.ms) * 1000 : 0);
    }

    if (s->nretry >= NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY) {
        ngx_http_notify_subscriber_release(s);
    }

    if (d->retry || d->redelivered) {
        ngx_http_notify_retry_succeeded(d);
    }
}


/* nobody has to be told that what was erased has failed */

static void
ngx_http_notify_outcome_erased(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    if (d->retry && s->nretry) {
        s->nretry--;
    }

    ngx_http_notify_operation_dead(s, &d->id, d->line, "erased", d->retry);
}


static void
ngx_http_notify_outcome_breaker(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    uint64_t                          now;
    ngx_http_notify_subscriber_t     *s;
    ngx_http_notify_breaker_change_e  change;

    s = d->subscriber;

    /* what another URL answered says nothing of this one, nor does that of a
     * browser, or what is said of one device, say anything of others, or a
     * server of tokens of the endpoint, unless that was to be tried */

    if (s->profile == NULL || d->version < s->moved || result->own
        || (result->verdict == NGX_HTTP_NOTIFY_CALL_NO_TOKEN && !d->probe)
        || (s->provider
            && s->provider->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH))
    {
        return;
    }

    now = ngx_http_notify_feed_now();

    change = ngx_http_notify_breaker_result(&s->breaker, &s->profile->breaker,
                                            result->verdict
                                            == NGX_HTTP_NOTIFY_CALL_OK,
                                            result->status, d->probe, now);

    if (change == NGX_HTTP_NOTIFY_BREAKER_OPENS) {
        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_line(s, d->event, d->node), 0,
                      "notify dispatch: breaker of subscription \"%V\" opened, "
                      "last failure: %s, status %ui",
                      &s->node.str, result->error, result->status);
        ngx_http_notify_tenants_add(d->feed->channel->metrics,
                                    &s->doc->tenant,
                                    NGX_HTTP_NOTIFY_METRICS_OPENED, 1);
        ngx_http_notify_run_queue_wait_time(s, s->breaker.until - now);

    } else if (change == NGX_HTTP_NOTIFY_BREAKER_CLOSES) {
        ngx_log_error(NGX_LOG_NOTICE,
                      ngx_http_notify_line(s, d->event, d->node), 0,
                      "notify dispatch: breaker of subscription \"%V\" closed",
                      &s->node.str);
        ngx_http_notify_ops_events_recovered(s, d->event);
        ngx_http_notify_subscriber_release(s);
    }
}
