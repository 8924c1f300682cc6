/*
 * Between a provider's subscriber and its nodes.  What a session says is the
 * client's own text: bounded and made printable before it is logged.  Must not
 * know how a call is made, or why a push is held.
 */

#include "ngx_http_notify_push.h"
#include "ngx_http_notify_line.h"
#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_push_browser.h"
#include "ngx_http_notify_push_server.h"
#include "ngx_http_notify_provider.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_variable.h"


#define NGX_HTTP_NOTIFY_PUSH_TEXT   128     /* bytes of a value in the log, */
#define NGX_HTTP_NOTIFY_PUSH_TOKEN  12      /* of a registration token */
#define NGX_HTTP_NOTIFY_PUSH_PAUSE  60      /* s */


static ngx_http_notify_provider_t *ngx_http_notify_push_provider(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *subscription,
    const ngx_str_t *values, ngx_uint_t n);
static ngx_uint_t ngx_http_notify_push_wanted(
    const ngx_http_notify_event_t *event, ngx_str_t *provider);
static ngx_http_notify_provider_node_t *ngx_http_notify_push_node(
    const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event);
static void ngx_http_notify_push_keep(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_provider_node_t *node);
static ngx_uint_t ngx_http_notify_push_gone(
    const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_call_result_t *result);
static void ngx_http_notify_push_end(const ngx_http_notify_delivery_t *d);
static void ngx_http_notify_push_drop(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_provider_node_t *node,
    ngx_http_notify_metrics_e counter, const char *reason, ngx_uint_t status);
static void ngx_http_notify_push_printable(u_char *buf,
    const ngx_str_t *text);


static const ngx_str_t  ngx_http_notify_push_name = ngx_string("provider");
static const ngx_str_t  ngx_http_notify_push_device = ngx_string("deviceId");
static const ngx_str_t  ngx_http_notify_push_group = ngx_string("group");
static const ngx_str_t  ngx_http_notify_push_kept = ngx_string("node");


ngx_int_t
ngx_http_notify_push_register(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_channel_t *channel, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_str_t *args, ngx_uint_t nargs,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_uint_t                   at, values;
    ngx_http_notify_provider_t  *provider;

    /* where session.lua has the subscription and the values of its verb */

    at = (args[0].data[0] == 'j') ? 3 : 2;
    values = (at == 3) ? 6 : 3;

    provider = ngx_http_notify_push_provider(channel, &args[at], &args[values],
                                             (nargs - values) / 2);
    if (provider == NULL) {
        return ngx_http_notify_sessions_call(redis, &channel->keys, tenant, id,
                                             channel->sessions_max, args,
                                             nargs, handler, data);
    }

    return ngx_http_notify_sessions_bind(redis, &channel->keys, tenant, id,
                                         channel->sessions_max, &provider->id,
                                         at,
                                         &provider->profile.name, args, nargs,
                                         handler, data);
}


/*
 * n values, each behind its name.  A provider that is not configured is not
 * refused, it is the client's word: the default one drops what is for it, and
 * names it.
 */

static ngx_http_notify_provider_t *
ngx_http_notify_push_provider(const ngx_http_notify_channel_t *channel,
    const ngx_str_t *subscription, const ngx_str_t *values, ngx_uint_t n)
{
    ngx_str_t                    name, none;
    ngx_http_notify_event_t      event;
    ngx_http_notify_provider_t  *provider, *standard;

    ngx_str_null(&none);
    ngx_memzero(&event, sizeof(ngx_http_notify_event_t));

    standard = ngx_http_notify_provider_find(channel->providers, &none);

    if (standard == NULL || n == 0) {
        return NULL;
    }

    /* a name and its value, as in a pair */

    event.kept = (ngx_keyval_t *) values;
    event.nkept = n;

    if (!ngx_http_notify_push_wanted(&event, &name)) {
        return NULL;
    }

    provider = ngx_http_notify_provider_find(channel->providers, &name);

    if (provider == NULL) {
        provider = standard;
    }

    /* what an answer said may be sent back */

    if (subscription->len
        && !ngx_http_notify_text_equal(subscription, &provider->id))
    {
        return NULL;
    }

    return provider;
}


/* whether a session asks for pushes, by whatever provider */

static ngx_uint_t
ngx_http_notify_push_wanted(const ngx_http_notify_event_t *event,
    ngx_str_t *provider)
{
    *provider = ngx_http_notify_variable_session(event,
                                                 &ngx_http_notify_push_name);

    return provider->len
           || ngx_http_notify_variable_session_flag(event, "push");
}


ngx_int_t
ngx_http_notify_push_admit(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event)
{
    ngx_str_t  value;

    if (event->bound == 0 || !ngx_http_notify_push_wanted(event, &value)) {

        /* of a session without a subscription, unknown, or no longer asking */

        return NGX_DECLINED;
    }

    if (ngx_http_notify_provider_find(s->lease->feed->channel->providers,
                                      &value)
        != s->provider)
    {
        ngx_http_notify_push_drop(s, event, NULL,
                                  NGX_HTTP_NOTIFY_METRICS_PUSH_NO_PROVIDER,
                                  "unknown provider", 0);
        return NGX_DECLINED;
    }

    if (s->provider->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {

        if (ngx_http_notify_push_browser(event).len == 0) {
            ngx_http_notify_push_drop(s, event, NULL,
                                      NGX_HTTP_NOTIFY_METRICS_PUSH_NO_DEVICE,
                                      "no subscription of a browser", 0);
            return NGX_DECLINED;
        }

        return NGX_OK;
    }

    value = ngx_http_notify_variable_session(event,
                                             &ngx_http_notify_push_device);

    if (value.len == 0) {
        ngx_http_notify_push_drop(s, event, NULL,
                                  NGX_HTTP_NOTIFY_METRICS_PUSH_NO_DEVICE,
                                  "no device", 0);
        return NGX_DECLINED;
    }

    if (ngx_http_notify_push_node(s, event) == NULL) {
        ngx_http_notify_push_drop(s, event, NULL,
                                  NGX_HTTP_NOTIFY_METRICS_PUSH_NO_NODE,
                                  "no node in group", 0);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_push_admit_again(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event)
{
    ngx_int_t  rc;

    if (s->provider == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_notify_presence(s, event);

    return rc == NGX_OK ? ngx_http_notify_push_admit(s, event) : rc;
}


static ngx_http_notify_provider_node_t *
ngx_http_notify_push_node(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event)
{
    ngx_str_t  group, kept;

    group = ngx_http_notify_variable_session(event,
                                             &ngx_http_notify_push_group);
    kept = ngx_http_notify_variable_session(event,
                                            &ngx_http_notify_push_kept);

    return ngx_http_notify_push_server_choose(s->provider, &group,
                                              &event->session_id, &kept);
}


ngx_http_notify_target_t *
ngx_http_notify_push_target(ngx_http_notify_delivery_t *d)
{
    ngx_str_t                      kept;
    ngx_uint_t                     debug, payload;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_provider_t    *provider;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;
    event = d->event;
    provider = s->provider;

    debug = ngx_http_notify_variable_session_flag(event, "debug");
    payload = ngx_http_notify_variable_session_flag(event, "payload");

    if (provider->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {
        return ngx_http_notify_push_browser_target(
                                              &provider->call[debug][payload],
                                              &provider->id,
                                              &provider->profile.name, event,
                                              d->feed->log);
    }

    d->node = (event->bound == 0) ? NULL : ngx_http_notify_push_node(s, event);

    if (d->node == NULL) {
        return NULL;
    }

    kept = ngx_http_notify_variable_session(event,
                                            &ngx_http_notify_push_kept);

    if (d->node->addr != NULL
        && !ngx_http_notify_text_equal(&kept, &d->node->name))
    {
        ngx_http_notify_push_keep(d, d->node);
    }

    return ngx_http_notify_push_server_target(provider, d->node, debug,
                                              payload, d->feed->log);
}


void
ngx_http_notify_push_started(const ngx_http_notify_delivery_t *d,
    ngx_http_notify_target_t *target)
{
    if (d->subscriber->provider->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {
        ngx_http_notify_push_browser_release(target);
    }
}


/* should it not be written, the next push chooses again */

static void
ngx_http_notify_push_keep(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_provider_node_t *node)
{
    (void) ngx_http_notify_sessions_node(d->feed->redis,
                                         &d->feed->channel->keys,
                                         &d->event->tenant,
                                         &d->event->session_id, &node->name);
}


void
ngx_http_notify_push_result(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    ngx_str_t                         group;
    ngx_http_notify_provider_t       *provider;
    ngx_http_notify_provider_node_t  *node;

    provider = d->subscriber->provider;

    if (provider && ngx_http_notify_push_gone(provider, result)) {
        ngx_http_notify_push_end(d);
    }

    if (d->node == NULL) {
        return;
    }

    if (result->status) {
        ngx_http_notify_push_server_result(provider, d->node, 1);
        return;
    }

    if (result->verdict != NGX_HTTP_NOTIFY_CALL_RETRY) {
        return;
    }

    ngx_http_notify_push_server_result(provider, d->node, 0);

    /* the session moves, whatever else is sent to the node before it is left
     * alone, and after that */

    group = ngx_http_notify_variable_session(d->event,
                                             &ngx_http_notify_push_group);

    node = ngx_http_notify_push_server_next(provider, &group,
                                            &d->event->session_id, d->node);
    if (node) {
        ngx_http_notify_push_keep(d, node);
    }
}


/* a browser that is no longer there (RFC 8030, 7.3), or an app */

static ngx_uint_t
ngx_http_notify_push_gone(const ngx_http_notify_provider_t *provider,
    const ngx_http_notify_call_result_t *result)
{
    switch (provider->type) {

    case NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH:
        return result->status == NGX_HTTP_NOT_FOUND || result->status == 410;

    case NGX_HTTP_NOTIFY_PROVIDER_FCM:
        return result->verdict == NGX_HTTP_NOTIFY_CALL_GONE;

    default: /* NGX_HTTP_NOTIFY_PROVIDER_HTTP */
        return 0;
    }
}


static void
ngx_http_notify_push_end(const ngx_http_notify_delivery_t *d)
{
    ngx_keyval_t         browser;
    const ngx_keyval_t  *kept;

    if (d->subscriber->provider->type == NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH) {
        ngx_str_set(&browser.key, NGX_HTTP_NOTIFY_PUSH_BROWSER_NAME);
        browser.value = ngx_http_notify_push_browser(d->event);
        kept = &browser;

    } else {
        kept = ngx_http_notify_variable_session_kept(d->event,
                                                &ngx_http_notify_push_device);
    }

    if (kept) {
        (void) ngx_http_notify_sessions_end(d->feed->redis,
                                            &d->feed->channel->keys,
                                            &d->event->tenant,
                                            &d->event->session_id, kept);
    }
}


void
ngx_http_notify_push_failed(const ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    ngx_http_notify_push_drop(d->subscriber, d->event, d->node,
                              NGX_HTTP_NOTIFY_METRICS_PUSH_FAILED,
                              result->error, result->status);
}


ngx_uint_t
ngx_http_notify_push_pause(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_call_result_t *result)
{
    /* it holds the pushes to all, and may be said of one */

    if (s->provider && s->provider->type != NGX_HTTP_NOTIFY_PROVIDER_HTTP) {
        return ngx_min(result->retry_after, NGX_HTTP_NOTIFY_PUSH_PAUSE);
    }

    return result->retry_after;
}


ngx_uint_t
ngx_http_notify_push_wait(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_call_result_t *result)
{
    if (result->retry_after > 0) {
        return result->retry_after;
    }

    return (s->provider
            && s->provider->type == NGX_HTTP_NOTIFY_PROVIDER_FCM
            && result->status == NGX_HTTP_TOO_MANY_REQUESTS)
           ? NGX_HTTP_NOTIFY_PUSH_PAUSE : 0;
}


void
ngx_http_notify_push_held(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event)
{
    ngx_http_notify_push_drop(s, event, NULL,
                              NGX_HTTP_NOTIFY_METRICS_PUSH_HELD,
                              "breaker open", 0);
}


static void
ngx_http_notify_push_drop(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_provider_node_t *node,
    ngx_http_notify_metrics_e counter, const char *reason, ngx_uint_t status)
{
    u_char     device[NGX_HTTP_NOTIFY_PUSH_TEXT + 1];
    u_char     group[NGX_HTTP_NOTIFY_PUSH_TEXT + 1];
    u_char     wanted[NGX_HTTP_NOTIFY_PUSH_TEXT + 1];
    ngx_str_t  text;

    text = ngx_http_notify_variable_session(event,
                                            &ngx_http_notify_push_device);

    /* who has it and the account reaches the device: enough to know it by */

    if (s->provider->type == NGX_HTTP_NOTIFY_PROVIDER_FCM) {
        text.len = ngx_min(text.len, NGX_HTTP_NOTIFY_PUSH_TOKEN);
    }

    ngx_http_notify_push_printable(device, &text);

    text = ngx_http_notify_variable_session(event,
                                            &ngx_http_notify_push_group);
    ngx_http_notify_push_printable(group, &text);

    text = ngx_http_notify_variable_session(event,
                                            &ngx_http_notify_push_name);
    ngx_http_notify_push_printable(wanted, &text);

    ngx_log_error(NGX_LOG_WARN, ngx_http_notify_line(s, event, node), 0,
                  "notify push: event %V dropped by provider \"%V\": %s, "
                  "status %ui, device \"%s\", group \"%s\"%s%s%s",
                  ngx_http_notify_context_event(&event->id),
                  &s->provider->profile.name, reason, status, device, group,
                  wanted[0] ? ", wanted provider \"" : "", wanted,
                  wanted[0] ? "\"" : "");

    ngx_http_notify_subscriber_tally(s, counter);
}


static void
ngx_http_notify_push_printable(u_char *buf, const ngx_str_t *text)
{
    *ngx_http_notify_text_quote(buf, text, NGX_HTTP_NOTIFY_PUSH_TEXT) = '\0';
}
