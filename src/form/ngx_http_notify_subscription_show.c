/*
 * The document of a subscription: what clients see of it, and the changes that
 * are not a client's members: secrets, enabled, times.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_subscription_form.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_SHOW_SECRETS  4
#define NGX_HTTP_NOTIFY_SUBSCRIPTION_SHOW_REASON   80


static void ngx_http_notify_subscription_show_copy(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_json_t *document,
    const char *name);
static void ngx_http_notify_subscription_show_default(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_json_t *document,
    const char *name, const ngx_str_t *value);
static void ngx_http_notify_subscription_show_attributes(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_json_t *document);
static void ngx_http_notify_subscription_show_events(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_json_t *document);
static void ngx_http_notify_subscription_show_rate(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_json_t *document);
static void ngx_http_notify_subscription_show_status(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document, const ngx_str_t *cursor);
static ngx_uint_t ngx_http_notify_subscription_show_profile(
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document);
static void ngx_http_notify_subscription_show_cursor(const ngx_str_t *cursor,
    ngx_str_t *status, ngx_str_t *reason, u_char *buf);
static void ngx_http_notify_subscription_show_time(
    ngx_http_notify_json_write_t *w, const ngx_http_notify_json_t *document,
    const char *name);


ngx_http_notify_json_t *
ngx_http_notify_subscription_form_stored(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *text,
    uint64_t *version)
{
    ngx_http_notify_json_error_t  error;

    return ngx_http_notify_subscriptions_document(pool, keys, text, version,
                                                  &error);
}


void
ngx_http_notify_subscription_show(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document, const ngx_str_t *cursor,
    ngx_uint_t secret)
{
    ngx_str_t                   text;
    ngx_http_notify_profile_t  *profile;

    static const ngx_str_t  webhook = ngx_string("webhook");
    static const ngx_str_t  none = ngx_null_string;

    profile = ngx_http_notify_channel_profile(channel, &none);

    ngx_http_notify_json_write_object(w, NULL);

    ngx_http_notify_subscription_show_copy(w, document, "id");
    ngx_http_notify_subscription_show_copy(w, document, "url");
    ngx_http_notify_subscription_show_attributes(w, document);
    ngx_http_notify_subscription_show_events(w, document);
    ngx_http_notify_subscription_show_copy(w, document, "entityTypeID");
    ngx_http_notify_subscription_show_default(w, document, "mode", &webhook);
    ngx_http_notify_subscription_show_copy(w, document, "name");
    ngx_http_notify_subscription_show_default(w, document, "profile",
                                              profile ? &profile->name : NULL);
    ngx_http_notify_subscription_show_copy(w, document, "filter");
    ngx_http_notify_subscription_show_rate(w, document);
    ngx_http_notify_subscription_show_copy(w, document, "inFlight");
    ngx_http_notify_subscription_show_copy(w, document, "metadata");
    ngx_http_notify_subscription_show_status(w, channel, document, cursor);
    ngx_http_notify_subscription_show_time(w, document, "createdAt");
    ngx_http_notify_subscription_show_time(w, document, "updatedAt");
    ngx_http_notify_subscription_secret_public(w, channel, document);

    if (secret) {
        text = ngx_http_notify_subscription_secret(document);
        ngx_http_notify_json_write_string(w, "secret", &text);
    }

    ngx_http_notify_json_write_end(w);
}


static void
ngx_http_notify_subscription_show_copy(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_json_t *document, const char *name)
{
    ngx_http_notify_json_write_json(w, name,
                                    ngx_http_notify_json_get(document, name));
}


static void
ngx_http_notify_subscription_show_default(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_json_t *document, const char *name,
    const ngx_str_t *value)
{
    ngx_http_notify_subscription_show_copy(w, document, name);

    if (value && ngx_http_notify_json_get(document, name) == NULL) {
        ngx_http_notify_json_write_string(w, name, value);
    }
}


static void
ngx_http_notify_subscription_show_attributes(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_json_t *document)
{
    void                    *cursor;
    ngx_str_t                name, text;
    ngx_http_notify_json_t  *attributes, *value;

    attributes = ngx_http_notify_json_get(document, "attributes");
    if (attributes == NULL) {
        return;
    }

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(attributes, &cursor, &name);

        if (value == NULL) {
            return;
        }

        text = ngx_http_notify_json_string(value);

        ngx_http_notify_json_write_string(w, (char *) name.data, &text);
    }
}


static void
ngx_http_notify_subscription_show_events(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_json_t *document)
{
    ngx_str_t                name;
    ngx_http_notify_json_t  *events;

    events = ngx_http_notify_json_get(document, "events");

    if (ngx_http_notify_json_size(events) == 1) {
        name = ngx_http_notify_json_string(ngx_http_notify_json_at(events,
                                                                   0));
        ngx_http_notify_json_write_string(w, "event", &name);
    }

    ngx_http_notify_json_write_json(w, "events", events);
}


/* stored per 1,000 seconds */

static void
ngx_http_notify_subscription_show_rate(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_json_t *document)
{
    int64_t    rate;
    ngx_str_t  text;
    u_char     buf[NGX_INT64_LEN + 8];

    if (ngx_http_notify_json_integer(
            ngx_http_notify_json_get(document, "rate"), &rate)
        != NGX_OK)
    {
        return;
    }

    text.data = buf;

    if (rate % 1000 == 0) {
        text.len = ngx_sprintf(buf, "%Lr/s", rate / 1000) - buf;

    } else {
        text.len = ngx_sprintf(buf, "%Lr/m", (rate * 60 + 500) / 1000) - buf;
    }

    ngx_http_notify_json_write_string(w, "rate", &text);
}


/* whether it is configured */

static ngx_uint_t
ngx_http_notify_subscription_show_profile(
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document)
{
    ngx_str_t  name;

    name = ngx_http_notify_json_string(
               ngx_http_notify_json_get(document, "profile"));

    return ngx_http_notify_channel_profile(channel, &name) != NULL;
}


static void
ngx_http_notify_subscription_show_status(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document, const ngx_str_t *cursor)
{
    ngx_str_t    status, reason;
    ngx_uint_t   enabled;
    const char  *unreadable;
    u_char       buf[NGX_HTTP_NOTIFY_SUBSCRIPTION_SHOW_REASON];

    enabled = ngx_http_notify_subscription_form_enabled(document);

    ngx_http_notify_json_write_bool(w, "enabled", enabled);

    ngx_str_null(&reason);

    unreadable = ngx_http_notify_seal_reason(document);

    if (enabled && unreadable) {
        ngx_str_set(&status, "disabled");
        reason.data = (u_char *) unreadable;
        reason.len = ngx_strlen(unreadable);

    } else if (enabled
               && !ngx_http_notify_subscription_show_profile(channel,
                                                             document))
    {
        ngx_str_set(&status, "disabled");
        ngx_str_set(&reason, "profile");

    } else if (enabled) {
        ngx_str_set(&status, "active");
        ngx_http_notify_subscription_show_cursor(cursor, &status, &reason,
                                                 buf);
    } else {
        ngx_str_set(&status, "disabled");
        reason = ngx_http_notify_json_string(
                     ngx_http_notify_json_get(document, "reason"));
    }

    ngx_http_notify_json_write_string(w, "status", &status);

    if (reason.len) {
        ngx_http_notify_json_write_string(w, "reason", &reason);
    }
}


/* "<id>", "<id> lagging", "<id> paused <until> breaker|retry_after" */

static void
ngx_http_notify_subscription_show_cursor(const ngx_str_t *cursor,
    ngx_str_t *status, ngx_str_t *reason, u_char *buf)
{
    u_char     *p, *last, *end;
    off_t       until;
    u_char      time[NGX_HTTP_NOTIFY_ID_TIME_LEN];

    last = cursor->data + cursor->len;

    p = cursor->len ? ngx_strlchr(cursor->data, last, ' ') : NULL;
    if (p == NULL) {
        return;
    }

    p++;

    if (last - p == 7 && ngx_strncmp(p, "lagging", 7) == 0) {
        ngx_str_set(status, "lagging");
        return;
    }

    if (last - p < 8 || ngx_strncmp(p, "paused ", 7) != 0) {
        return;
    }

    p += 7;

    end = ngx_strlchr(p, last, ' ');
    if (end == NULL) {
        return;
    }

    until = ngx_atoof(p, end - p);

    if (until == NGX_ERROR || until <= (off_t) ngx_time() * 1000) {

        /* it is over, and nothing has come since */

        return;
    }

    ngx_str_set(status, "paused");

    (void) ngx_http_notify_id_time(time, until);
    end++;

    reason->data = buf;
    reason->len = ngx_snprintf(buf, NGX_HTTP_NOTIFY_SUBSCRIPTION_SHOW_REASON,
                               "%s until %*s",
                               (last - end == 7
                                && ngx_strncmp(end, "breaker", 7) == 0)
                               ? "the breaker is open"
                               : "the subscriber asked to wait",
                               (size_t) NGX_HTTP_NOTIFY_ID_TIME_LEN, time)
                  - buf;
}


static void
ngx_http_notify_subscription_show_time(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_json_t *document, const char *name)
{
    int64_t  ms;

    if (ngx_http_notify_json_integer(ngx_http_notify_json_get(document, name),
                                     &ms)
        == NGX_OK)
    {
        ngx_http_notify_json_write_time(w, name, ms);
    }
}


ngx_int_t
ngx_http_notify_subscription_form_claim(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *claim)
{
    u_char                  *p;
    ngx_str_t                mode, event, type;
    ngx_http_notify_json_t  *value;

    ngx_str_null(claim);

    mode = ngx_http_notify_json_string(
               ngx_http_notify_json_get(document, "mode"));

    if (mode.len == 0 || mode.data[0] == 'w') {
        return NGX_OK;
    }

    event = ngx_http_notify_json_string(
                ngx_http_notify_json_at(
                    ngx_http_notify_json_get(document, "events"), 0));

    ngx_str_null(&type);
    value = ngx_http_notify_json_get(document, "entityTypeID");

    if (value
        && ngx_http_notify_json_dump(pool, value, 0, &type) != NGX_OK)
    {
        return NGX_ERROR;
    }

    claim->data = ngx_pnalloc(pool, event.len + 1 + type.len);
    if (claim->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(claim->data, event.data, event.len);
    *p++ = ':';

    if (type.len) {
        p = ngx_cpymem(p, type.data, type.len);
    }

    claim->len = p - claim->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_form_secret(ngx_pool_t *pool,
    ngx_http_notify_json_t *document, const ngx_str_t *secret,
    ngx_uint_t standard, uint64_t now, uint64_t expires)
{
    int64_t                  until;
    ngx_uint_t               i;
    ngx_http_notify_json_t  *old, *secrets, *element, *value;

    old = ngx_http_notify_json_get(document, "secrets");

    secrets = ngx_http_notify_json_new_array(pool);
    element = ngx_http_notify_json_new_object(pool);

    if (secrets == NULL
        || element == NULL
        || ngx_http_notify_json_set_string(element, "text", secret) != NGX_OK
        || ngx_http_notify_json_set_integer(element, "expires", 0) != NGX_OK
        || ngx_http_notify_json_set_bool(element, "standard", standard)
           != NGX_OK
        || ngx_http_notify_json_append(secrets, element) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; expires > now && i < ngx_http_notify_json_size(old); i++) {

        if (ngx_http_notify_json_size(secrets)
            == NGX_HTTP_NOTIFY_SUBSCRIPTION_SHOW_SECRETS)
        {
            break;
        }

        value = ngx_http_notify_json_at(old, i);
        until = 0;
        (void) ngx_http_notify_json_integer(
                   ngx_http_notify_json_get(value, "expires"), &until);

        if (until != 0 && (uint64_t) until <= now) {
            continue;
        }

        if (until == 0 || (uint64_t) until > expires) {
            until = expires;
        }

        element = ngx_http_notify_json_copy(pool, value);

        if (element == NULL
            || ngx_http_notify_json_set_integer(element, "expires", until)
               != NGX_OK
            || ngx_http_notify_json_append(secrets, element) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_json_set(document, "secrets", secrets);
}


ngx_uint_t
ngx_http_notify_subscription_form_enabled(
    const ngx_http_notify_json_t *document)
{
    return ngx_http_notify_subscriptions_enabled(document);
}


ngx_uint_t
ngx_http_notify_subscription_form_follows(
    const ngx_http_notify_json_t *document)
{
    ngx_str_t  mode;

    mode = ngx_http_notify_json_string(ngx_http_notify_json_get(document,
                                                                "mode"));

    return (mode.len == 0 || mode.data[0] == 'w')
           && ngx_http_notify_subscription_form_enabled(document);
}


ngx_int_t
ngx_http_notify_subscription_form_enable(ngx_http_notify_json_t *document,
    ngx_uint_t enabled)
{
    static const ngx_str_t  reason =
        ngx_string(NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_DISABLED);

    if (ngx_http_notify_json_set_bool(document, "enabled", enabled)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!enabled) {
        return ngx_http_notify_json_set_string(document, "reason", &reason);
    }

    if (ngx_http_notify_json_get(document, "reason")) {
        return ngx_http_notify_json_remove(document, "reason");
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_subscription_form_selects(ngx_pool_t *pool,
    const ngx_http_notify_json_t *document, ngx_str_t *text)
{
    ngx_uint_t               i;
    ngx_http_notify_json_t  *selects, *value;

    static const ngx_str_t  none = ngx_string("-");
    static const char      *names[] = { "id", "tenant", "events",
                                        "entityTypeID", "attributes",
                                        "filter", NULL };

    selects = ngx_http_notify_json_new_object(pool);

    if (selects == NULL
        || ngx_http_notify_json_set_string(selects, "url", &none) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; names[i] != NULL; i++) {
        value = ngx_http_notify_json_get(document, names[i]);

        if (value == NULL) {
            continue;
        }

        value = ngx_http_notify_json_copy(pool, value);

        if (value == NULL
            || ngx_http_notify_json_set(selects, names[i], value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_json_dump(pool, selects, 1, text);
}


ngx_int_t
ngx_http_notify_subscription_form_touch(ngx_http_notify_json_t *document,
    const char *member, uint64_t now)
{
    return ngx_http_notify_json_set_integer(document, member, (int64_t) now);
}
