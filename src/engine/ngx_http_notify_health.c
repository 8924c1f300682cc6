
/*
 * Judged with each attempt that fails: what is not called is not disabled.
 */

#include "ngx_http_notify_health.h"
#include "ngx_http_notify_disable.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_tenants.h"


#define NGX_HTTP_NOTIFY_HEALTH_STAGES   3
#define NGX_HTTP_NOTIFY_HEALTH_WRITE    1000    /* ms */


/* of disable_after, each is told once */
static const ngx_uint_t
    ngx_http_notify_health_stages[NGX_HTTP_NOTIFY_HEALTH_STAGES] =
{
    20, 50, 100
};


static void ngx_http_notify_health_failing(ngx_http_notify_delivery_t *d,
    uint64_t now);
static uint64_t ngx_http_notify_health_number(u_char **p, u_char *last);


void
ngx_http_notify_health_add_field(ngx_http_notify_command_t *command,
    const ngx_str_t *id)
{
    ngx_http_notify_command_printf(command, "%V" NGX_HTTP_NOTIFY_HEALTH_WORD,
                                   id);
}


void
ngx_http_notify_health_set(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *text)
{
    u_char  *p, *last;

    p = text->data;
    last = p + text->len;

    s->succeeded = ngx_http_notify_health_number(&p, last);
    s->failing = ngx_http_notify_health_number(&p, last);
    s->told = ngx_http_notify_health_number(&p, last);

    s->written = s->succeeded;
}


static uint64_t
ngx_http_notify_health_number(u_char **p, u_char *last)
{
    off_t    n;
    u_char  *begin;

    begin = *p;

    while (*p < last && **p != ' ') {
        (*p)++;
    }

    n = ngx_atoof(begin, *p - begin);

    if (*p < last) {
        (*p)++;
    }

    return n == NGX_ERROR ? 0 : (uint64_t) n;
}


void
ngx_http_notify_health_reset(ngx_http_notify_subscriber_t *s)
{
    if (s->failing) {
        s->failing = 0;
        s->told = 0;
        s->ill = 1;
    }
}


void
ngx_http_notify_health_result(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    uint64_t                       now;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    if (d->version < s->moved || s->provider != NULL) {
        return;
    }

    now = ngx_http_notify_feed_now();

    switch (result->verdict) {

    case NGX_HTTP_NOTIFY_CALL_OK:
        s->succeeded = now;
        ngx_http_notify_health_reset(s);
        return;

    case NGX_HTTP_NOTIFY_CALL_NO_RESOLVER:
    case NGX_HTTP_NOTIFY_CALL_FATAL:
    case NGX_HTTP_NOTIFY_CALL_NO_TOKEN:

        /* not the endpoint's */

        return;

    default:
        break;
    }

    if (s->failing == 0) {
        s->failing = now;
        s->ill = 1;
    }

    ngx_http_notify_health_failing(d, now);
}


static void
ngx_http_notify_health_failing(ngx_http_notify_delivery_t *d, uint64_t now)
{
    uint64_t                       after, time;
    ngx_uint_t                     stage;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    if (s->profile == NULL || s->profile->disable_after == 0
        || s->doc->internal || ngx_http_notify_subscriber_is_ending(s))
    {
        return;
    }

    after = s->profile->disable_after;
    time = now > s->failing ? now - s->failing : 0;

    stage = NGX_HTTP_NOTIFY_HEALTH_STAGES;

    while (stage
           && time < after * ngx_http_notify_health_stages[stage - 1] / 100)
    {
        stage--;
    }

    if (stage > s->told) {
        s->told = stage;
        s->ill = 1;

        ngx_http_notify_ops_events_failing(s, d->event,
                                    ngx_http_notify_health_stages[stage - 1]);
    }

    /* where it could not be written, the next attempt tries it again */

    if (stage < NGX_HTTP_NOTIFY_HEALTH_STAGES || (s->giving_up && s->paused)) {
        return;
    }

    ngx_http_notify_tenants_add(d->feed->channel->metrics, &s->doc->tenant,
                                NGX_HTTP_NOTIFY_METRICS_FAILING, 1);
    ngx_http_notify_disable(s, "failing");
    ngx_http_notify_ops_events_disabled(s, d->event, "failing");
}


void
ngx_http_notify_health_take(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command)
{
    if ((!s->ill && s->succeeded < s->written + NGX_HTTP_NOTIFY_HEALTH_WRITE)
        || ngx_http_notify_subscriber_is_ending(s))
    {
        return;
    }

    s->ill = 0;
    s->written = s->succeeded;

    ngx_http_notify_command_text(command, "h");
    ngx_http_notify_command_printf(command, "%uL %uL %ui", s->succeeded,
                                   s->failing, s->told);
    ngx_http_notify_command_number(command, s->since);
}
