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


static ngx_int_t ngx_http_notify_subscription_show_copy(ngx_pool_t *pool,
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document,
    const char *name);
static ngx_int_t ngx_http_notify_subscription_show_attributes(
    ngx_pool_t *pool, ngx_http_notify_json_t *out,
    const ngx_http_notify_json_t *document);
static ngx_int_t ngx_http_notify_subscription_show_events(ngx_pool_t *pool,
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document);
static ngx_int_t ngx_http_notify_subscription_show_rate(
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document);
static ngx_int_t ngx_http_notify_subscription_show_status(
    ngx_http_notify_json_t *out, const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document, const ngx_str_t *cursor);
static ngx_uint_t ngx_http_notify_subscription_show_profile(
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document);
static void ngx_http_notify_subscription_show_cursor(const ngx_str_t *cursor,
    ngx_str_t *status, ngx_str_t *reason, u_char *buf);
static ngx_int_t ngx_http_notify_subscription_show_time(
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document,
    const char *name);
static ngx_int_t ngx_http_notify_subscription_show_default(
    ngx_http_notify_json_t *out, const char *name, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_subscription_show_secret(
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document);


ngx_http_notify_json_t *
ngx_http_notify_subscription_form_stored(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *text,
    uint64_t *version)
{
    ngx_http_notify_json_error_t  error;

    return ngx_http_notify_subscriptions_document(pool, keys, text, version,
                                                  &error);
}


ngx_http_notify_json_t *
ngx_http_notify_subscription_form_show(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document, const ngx_str_t *cursor,
    ngx_uint_t secret)
{
    ngx_http_notify_json_t     *out;
    ngx_http_notify_profile_t  *profile;

    static const ngx_str_t  webhook = ngx_string("webhook");
    static const ngx_str_t  none = ngx_null_string;

    out = ngx_http_notify_json_new_object(pool);
    if (out == NULL) {
        return NULL;
    }

    profile = ngx_http_notify_channel_profile(channel, &none);

    if (ngx_http_notify_subscription_show_copy(pool, out, document, "id")
           != NGX_OK
        || ngx_http_notify_subscription_show_copy(pool, out, document, "url")
           != NGX_OK
        || ngx_http_notify_subscription_show_attributes(pool, out, document)
           != NGX_OK
        || ngx_http_notify_subscription_show_events(pool, out, document)
           != NGX_OK
        || ngx_http_notify_subscription_show_copy(pool, out, document,
                                                  "entityTypeID")
           != NGX_OK
        || ngx_http_notify_subscription_show_copy(pool, out, document, "mode")
           != NGX_OK
        || ngx_http_notify_subscription_show_default(out, "mode", &webhook)
           != NGX_OK
        || ngx_http_notify_subscription_show_copy(pool, out, document, "name")
           != NGX_OK
        || ngx_http_notify_subscription_show_copy(pool, out, document,
                                                  "profile")
           != NGX_OK
        || (profile
            && ngx_http_notify_subscription_show_default(out, "profile",
                                                         &profile->name)
               != NGX_OK)
        || ngx_http_notify_subscription_show_copy(pool, out, document,
                                                  "filter")
           != NGX_OK
        || ngx_http_notify_subscription_show_rate(out, document) != NGX_OK
        || ngx_http_notify_subscription_show_copy(pool, out, document,
                                                  "inFlight")
           != NGX_OK
        || ngx_http_notify_subscription_show_copy(pool, out, document,
                                                  "metadata")
           != NGX_OK
        || ngx_http_notify_subscription_show_status(out, channel, document,
                                                    cursor)
           != NGX_OK
        || ngx_http_notify_subscription_show_time(out, document, "createdAt")
           != NGX_OK
        || ngx_http_notify_subscription_show_time(out, document, "updatedAt")
           != NGX_OK
        || ngx_http_notify_subscription_secret_public(pool, channel, document,
                                                      out)
           != NGX_OK
        || (secret
            && ngx_http_notify_subscription_show_secret(out, document)
               != NGX_OK))
    {
        return NULL;
    }

    return out;
}


static ngx_int_t
ngx_http_notify_subscription_show_copy(ngx_pool_t *pool,
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document,
    const char *name)
{
    ngx_http_notify_json_t  *value;

    value = ngx_http_notify_json_get(document, name);

    if (value == NULL) {
        return NGX_OK;
    }

    value = ngx_http_notify_json_copy(pool, value);

    if (value == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_set(out, name, value);
}


static ngx_int_t
ngx_http_notify_subscription_show_default(ngx_http_notify_json_t *out,
    const char *name, const ngx_str_t *value)
{
    if (ngx_http_notify_json_get(out, name)) {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(out, name, value);
}


static ngx_int_t
ngx_http_notify_subscription_show_attributes(ngx_pool_t *pool,
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document)
{
    void                    *cursor;
    ngx_str_t                name, text;
    ngx_http_notify_json_t  *attributes, *value;

    attributes = ngx_http_notify_json_get(document, "attributes");
    if (attributes == NULL) {
        return NGX_OK;
    }

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(attributes, &cursor, &name);

        if (value == NULL) {
            return NGX_OK;
        }

        text = ngx_http_notify_json_string(value);

        if (ngx_http_notify_json_set_string(out, (char *) name.data, &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_http_notify_subscription_show_events(ngx_pool_t *pool,
    ngx_http_notify_json_t *out, const ngx_http_notify_json_t *document)
{
    ngx_str_t                name;
    ngx_http_notify_json_t  *events;

    events = ngx_http_notify_json_get(document, "events");

    if (ngx_http_notify_json_size(events) == 1) {
        name = ngx_http_notify_json_string(ngx_http_notify_json_at(events,
                                                                   0));

        if (ngx_http_notify_json_set_string(out, "event", &name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_subscription_show_copy(pool, out, document,
                                                  "events");
}


/* stored per 1,000 seconds */

static ngx_int_t
ngx_http_notify_subscription_show_rate(ngx_http_notify_json_t *out,
    const ngx_http_notify_json_t *document)
{
    int64_t    rate;
    ngx_str_t  text;
    u_char     buf[NGX_INT64_LEN + 8];

    if (ngx_http_notify_json_integer(
            ngx_http_notify_json_get(document, "rate"), &rate)
        != NGX_OK)
    {
        return NGX_OK;
    }

    text.data = buf;

    if (rate % 1000 == 0) {
        text.len = ngx_sprintf(buf, "%Lr/s", rate / 1000) - buf;

    } else {
        text.len = ngx_sprintf(buf, "%Lr/m", (rate * 60 + 500) / 1000) - buf;
    }

    return ngx_http_notify_json_set_string(out, "rate", &text);
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


static ngx_int_t
ngx_http_notify_subscription_show_status(ngx_http_notify_json_t *out,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_json_t *document, const ngx_str_t *cursor)
{
    ngx_str_t    status, reason;
    ngx_uint_t   enabled;
    const char  *unreadable;
    u_char       buf[NGX_HTTP_NOTIFY_SUBSCRIPTION_SHOW_REASON];

    enabled = ngx_http_notify_subscription_form_enabled(document);

    if (ngx_http_notify_json_set_bool(out, "enabled", enabled) != NGX_OK) {
        return NGX_ERROR;
    }

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

    if (ngx_http_notify_json_set_string(out, "status", &status) != NGX_OK) {
        return NGX_ERROR;
    }

    if (reason.len == 0) {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(out, "reason", &reason);
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


static ngx_int_t
ngx_http_notify_subscription_show_time(ngx_http_notify_json_t *out,
    const ngx_http_notify_json_t *document, const char *name)
{
    int64_t    ms;
    ngx_str_t  text;
    u_char     buf[NGX_HTTP_NOTIFY_ID_TIME_LEN];

    if (ngx_http_notify_json_integer(ngx_http_notify_json_get(document, name),
                                     &ms)
        != NGX_OK)
    {
        return NGX_OK;
    }

    text.data = buf;
    text.len = ngx_http_notify_id_time(buf, ms) - buf;

    return ngx_http_notify_json_set_string(out, name, &text);
}


static ngx_int_t
ngx_http_notify_subscription_show_secret(ngx_http_notify_json_t *out,
    const ngx_http_notify_json_t *document)
{
    ngx_str_t                text;
    ngx_http_notify_json_t  *secrets;

    secrets = ngx_http_notify_json_get(document, "secrets");

    text = ngx_http_notify_json_string(
               ngx_http_notify_json_get(ngx_http_notify_json_at(secrets, 0),
                                        "text"));

    return ngx_http_notify_json_set_string(out, "secret", &text);
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
