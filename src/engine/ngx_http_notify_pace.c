
/*
 * Windows of as many successes as calls may be under way, or of 32.  After each
 * the limit is doubled until the mean latency of a window is twice the lowest,
 * or a call fails.  From then on it shrinks by an eighth where the mean is
 * twice the lowest, as that endpoint gets slower by what is under way; it grows
 * by an eighth up to one and a half of it, and by one between, or once a call
 * failed.  Where it still is with as few as at first, it is not for that, and
 * its latency is learned anew.  A failure halves the limit, once for all calls
 * that were under way.  Where an endpoint has refused (429, 503), that limit is
 * tried again only after many successes below it.
 */

#include "ngx_http_notify_pace.h"


#define NGX_HTTP_NOTIFY_PACE_BEGIN     16
#define NGX_HTTP_NOTIFY_PACE_WINDOW    32       /* successes, at least */
#define NGX_HTTP_NOTIFY_PACE_SLOWER    10       /* ms, that are no latency */
#define NGX_HTTP_NOTIFY_PACE_PATIENCE  1024     /* successes */


static void ngx_http_notify_pace_window(ngx_http_notify_subscriber_t *s);


void
ngx_http_notify_pace_init(ngx_http_notify_subscriber_t *s, ngx_uint_t max,
    ngx_uint_t anew)
{
    ngx_http_notify_subscriber_pace_t  *pace;

    pace = &s->pace;

    if (!s->profile->in_flight_auto) {
        ngx_memzero(pace, sizeof(ngx_http_notify_subscriber_pace_t));
        s->limit = max;
        return;
    }

    if (s->rate.rate) {
        max = ngx_min(max, ngx_max(s->rate.rate / 1000, 1));
    }

    if (anew || pace->max == 0) {
        ngx_memzero(pace, sizeof(ngx_http_notify_subscriber_pace_t));
        s->limit = NGX_HTTP_NOTIFY_PACE_BEGIN;
    }

    pace->max = max;
    s->limit = ngx_min(s->limit, max);
}


void
ngx_http_notify_pace_reached(ngx_http_notify_subscriber_t *s)
{
    s->pace.reached = 1;
}


void
ngx_http_notify_pace_result(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    ngx_http_notify_subscriber_t       *s;
    ngx_http_notify_subscriber_pace_t  *pace;

    s = d->subscriber;
    pace = &s->pace;

    if (pace->max == 0 || d->version < s->moved) {
        return;
    }

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_OK) {
        pace->worked = 1;
        pace->successes++;
        pace->latency += result->latency;

        if (pace->successes >= ngx_max(s->limit,
                                       NGX_HTTP_NOTIFY_PACE_WINDOW))
        {
            ngx_http_notify_pace_window(s);
        }

        return;
    }

    if (result->verdict != NGX_HTTP_NOTIFY_CALL_RETRY
        || (pace->halved
            && (ngx_msec_int_t) (d->started - pace->since) <= 0))
    {
        return;
    }

    if (pace->worked
        && (result->status == NGX_HTTP_TOO_MANY_REQUESTS
            || result->status == NGX_HTTP_SERVICE_UNAVAILABLE))
    {
        pace->ceiling = s->limit;
        pace->patience = 0;
    }

    pace->slow = 1;
    pace->halved = 1;
    pace->worked = 0;
    pace->since = ngx_current_msec;
    pace->successes = 0;
    pace->latency = 0;

    s->limit = ngx_max(s->limit / 2, 1);
}


/* a window is full; one in which more was never wanted says nothing */

static void
ngx_http_notify_pace_window(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                          mean, more, step, reached;
    ngx_http_notify_subscriber_pace_t  *pace;

    pace = &s->pace;

    mean = (ngx_uint_t) (pace->latency / pace->successes);
    reached = pace->reached;

    pace->patience += pace->successes;
    pace->successes = 0;
    pace->latency = 0;
    pace->reached = 0;

    if (!pace->measured || mean < pace->lowest) {
        pace->measured = 1;
        pace->lowest = mean;
    }

    if (!reached) {
        return;
    }

    more = ngx_max(pace->lowest, NGX_HTTP_NOTIFY_PACE_SLOWER);

    if (mean > pace->lowest + more) {
        pace->slow = 1;

        if (s->limit > NGX_HTTP_NOTIFY_PACE_BEGIN) {
            s->limit = ngx_max(s->limit - s->limit / 8,
                               NGX_HTTP_NOTIFY_PACE_BEGIN);
            return;
        }

        pace->lowest = mean;
    }

    if (!pace->slow) {
        s->limit = ngx_min(2 * s->limit, pace->max);
        return;
    }

    if (pace->ceiling && s->limit + 1 >= pace->ceiling
        && pace->patience < NGX_HTTP_NOTIFY_PACE_PATIENCE)
    {
        return;
    }

    step = (mean <= pace->lowest + more / 2 && !pace->halved) ? s->limit / 8
                                                              : 1;

    s->limit = ngx_min(s->limit + ngx_max(step, 1), pace->max);
}
