/*
 * The members of a subscription as clients see them.  How each is found is in
 * the table of subscription_members.
 */

#include "ngx_http_notify_id.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


static const char *ngx_http_notify_subscription_show_cursor(
    const ngx_http_notify_subscription_shown_t *shown, ngx_str_t *reason,
    u_char *buf);
static ngx_int_t ngx_http_notify_subscription_show_until(
    const ngx_http_notify_subscription_shown_t *shown, uint64_t *until,
    const char **why);
static ngx_str_t ngx_http_notify_subscription_show_flags(
    const ngx_str_t *cursor);


void
ngx_http_notify_subscription_show_copy(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_http_notify_json_write_json(w, member->name,
                                    ngx_http_notify_json_get(shown->document,
                                                             member->stored));
}


void
ngx_http_notify_subscription_show_attributes(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    void                    *cursor;
    ngx_str_t                name, text;
    ngx_http_notify_json_t  *attributes, *value;

    cursor = NULL;
    attributes = ngx_http_notify_json_get(shown->document, member->stored);

    while (attributes != NULL) {
        value = ngx_http_notify_json_member(attributes, &cursor, &name);

        if (value == NULL) {
            return;
        }

        text = ngx_http_notify_json_string(value);

        ngx_http_notify_json_write_string(w, (char *) name.data, &text);
    }
}


void
ngx_http_notify_subscription_show_event(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_http_notify_json_t  *events;

    events = ngx_http_notify_json_get(shown->document, member->stored);

    if (ngx_http_notify_json_size(events) == 1) {
        ngx_http_notify_json_write_json(w, member->name,
                                        ngx_http_notify_json_at(events, 0));
    }
}


void
ngx_http_notify_subscription_show_mode(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    if (ngx_http_notify_json_get(shown->document, "mode")) {
        ngx_http_notify_subscription_show_copy(w, member, shown);

    } else {
        ngx_http_notify_json_write_text(w, "mode", "webhook");
    }
}


void
ngx_http_notify_subscription_show_profile(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_http_notify_profile_t  *profile;

    static const ngx_str_t  none = ngx_null_string;

    profile = ngx_http_notify_channel_profile(shown->channel, &none);

    if (ngx_http_notify_json_get(shown->document, "profile")) {
        ngx_http_notify_subscription_show_copy(w, member, shown);

    } else if (profile) {
        ngx_http_notify_json_write_string(w, "profile", &profile->name);
    }
}


/* stored per 1,000 seconds */

void
ngx_http_notify_subscription_show_rate(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    int64_t    rate;
    ngx_str_t  text;
    u_char     buf[NGX_INT64_LEN + 8];

    if (ngx_http_notify_json_integer(
            ngx_http_notify_json_get(shown->document, "rate"), &rate)
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


void
ngx_http_notify_subscription_show_time(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    int64_t  ms;

    if (ngx_http_notify_json_integer(
            ngx_http_notify_json_get(shown->document, member->stored), &ms)
        == NGX_OK)
    {
        ngx_http_notify_json_write_time(w, member->name, ms);
    }
}


void
ngx_http_notify_subscription_show_public_key(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_http_notify_subscription_secret_public(w, shown->channel,
                                               shown->document);
}


/* told once, when it is made */

void
ngx_http_notify_subscription_show_secret(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_str_t  text;

    if (shown->secret) {
        text = ngx_http_notify_subscription_secret(shown->document);
        ngx_http_notify_json_write_string(w, "secret", &text);
    }
}


void
ngx_http_notify_subscription_show_status(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_str_t    reason;
    const char  *status;
    u_char       buf[NGX_HTTP_NOTIFY_SUBSCRIPTION_REASON];

    status = ngx_http_notify_subscription_show_state(shown, &reason, buf);

    ngx_http_notify_json_write_bool(w, "enabled",
                ngx_http_notify_subscriptions_enabled(shown->document) ? 1 : 0);
    ngx_http_notify_json_write_text(w, "status", status);

    if (reason.len) {
        ngx_http_notify_json_write_string(w, "reason", &reason);
    }
}


const char *
ngx_http_notify_subscription_show_state(
    const ngx_http_notify_subscription_shown_t *shown, ngx_str_t *reason,
    u_char *buf)
{
    ngx_str_t    profile;
    const char  *unreadable;

    ngx_str_null(reason);

    if (!ngx_http_notify_subscriptions_enabled(shown->document)) {
        *reason = ngx_http_notify_json_get_string(shown->document, "reason");
        return "disabled";
    }

    unreadable = ngx_http_notify_seal_reason(shown->document);

    if (unreadable) {
        *reason = ngx_http_notify_text(unreadable);
        return "disabled";
    }

    profile = ngx_http_notify_json_get_string(shown->document, "profile");

    if (ngx_http_notify_channel_profile(shown->channel, &profile) == NULL) {
        ngx_str_set(reason, "profile");
        return "disabled";
    }

    if (ngx_http_notify_subscriptions_unconfirmed(shown->document)) {
        ngx_str_set(reason, "unconfirmed");
        return "pending";
    }

    return ngx_http_notify_subscription_show_cursor(shown, reason, buf);
}


static const char *
ngx_http_notify_subscription_show_cursor(
    const ngx_http_notify_subscription_shown_t *shown, ngx_str_t *reason,
    u_char *buf)
{
    uint64_t    until;
    ngx_str_t   text;
    const char  *why;
    u_char      time[NGX_HTTP_NOTIFY_ID_TIME_LEN];

    if (ngx_http_notify_subscription_show_until(shown, &until, &why)
        != NGX_OK)
    {
        text = ngx_http_notify_subscription_show_flags(shown->cursor);

        return ngx_http_notify_text_is(&text, "lagging") ? "lagging"
                                                         : "active";
    }

    reason->data = buf;

    if (until == NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FOREVER) {
        reason->len = ngx_snprintf(buf,
                                   NGX_HTTP_NOTIFY_SUBSCRIPTION_REASON,
                                   "%s", why)
                      - buf;
        return "paused";
    }

    (void) ngx_http_notify_id_time(time, until);

    reason->len = ngx_snprintf(buf, NGX_HTTP_NOTIFY_SUBSCRIPTION_REASON,
                               "%s until %*s", why,
                               (size_t) NGX_HTTP_NOTIFY_ID_TIME_LEN, time)
                  - buf;

    return "paused";
}


/* null: until it is resumed */

void
ngx_http_notify_subscription_show_paused(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    uint64_t     until;
    const char  *why;

    if (ngx_http_notify_subscription_show_until(shown, &until, &why)
        != NGX_OK)
    {
        return;
    }

    if (until == NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FOREVER) {
        ngx_http_notify_json_write_null(w, member->name);

    } else {
        ngx_http_notify_json_write_time(w, member->name, until);
    }
}


/* what holds it up, and until when; NGX_DECLINED: nothing */

static ngx_int_t
ngx_http_notify_subscription_show_until(
    const ngx_http_notify_subscription_shown_t *shown, uint64_t *until,
    const char **why)
{
    u_char    *p, *last;
    off_t      n;
    uint64_t   now;
    ngx_str_t  text;

    now = (uint64_t) ngx_time() * 1000;

    *until = ngx_http_notify_subscriptions_paused(shown->document);
    *why = "paused by request";

    if (*until > now) {
        return NGX_OK;
    }

    text = ngx_http_notify_subscription_show_flags(shown->cursor);

    if (!ngx_http_notify_text_starts(&text, "paused ")) {
        return NGX_DECLINED;
    }

    last = text.data + text.len;
    text.data += sizeof("paused ") - 1;

    p = ngx_strlchr(text.data, last, ' ');
    if (p == NULL) {
        return NGX_DECLINED;
    }

    n = ngx_atoof(text.data, p - text.data);

    if (n == NGX_ERROR || (uint64_t) n <= now) {

        /* it is over, and nothing has come since */

        return NGX_DECLINED;
    }

    text.data = p + 1;
    text.len = last - text.data;

    *until = n;
    *why = ngx_http_notify_text_is(&text, "breaker")
           ? "the breaker is open" : "the subscriber asked to wait";

    return NGX_OK;
}


/* "<id>", "<id> lagging", "<id> paused <until> breaker|retry_after" */

static ngx_str_t
ngx_http_notify_subscription_show_flags(const ngx_str_t *cursor)
{
    u_char     *p, *last;
    ngx_str_t   text;

    last = cursor->data + cursor->len;

    p = cursor->len ? ngx_strlchr(cursor->data, last, ' ') : NULL;

    if (p == NULL) {
        ngx_str_null(&text);
        return text;
    }

    text.data = p + 1;
    text.len = last - text.data;

    return text;
}


void
ngx_http_notify_subscription_show_health(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    off_t  ms;

    ms = ngx_http_notify_subscription_show_since(shown, member->max);

    if (ms > 0) {
        ngx_http_notify_json_write_time(w, member->name, ms);
    }
}


/* "<last success> <failing since> <told>" */

off_t
ngx_http_notify_subscription_show_since(
    const ngx_http_notify_subscription_shown_t *shown, ngx_uint_t n)
{
    u_char      *p, *end, *last;
    ngx_uint_t   i;

    p = shown->health->data;
    last = p + shown->health->len;

    for (i = 0; p < last; i++) {
        end = ngx_strlchr(p, last, ' ');

        if (end == NULL) {
            end = last;
        }

        if (i == n) {
            return ngx_atoof(p, end - p);
        }

        p = end + 1;
    }

    return 0;
}


/* without its key, or its secret */

void
ngx_http_notify_subscription_show_tls(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_http_notify_json_t  *tls;

    tls = ngx_http_notify_json_get(shown->document, member->stored);

    if (tls == NULL) {
        return;
    }

    tls = ngx_http_notify_json_copy(w->pool, tls);

    if (tls == NULL
        || ngx_http_notify_json_remove(tls, "key") != NGX_OK
        || ngx_http_notify_json_remove(tls, "clientSecret") != NGX_OK)
    {
        w->failed = 1;
        return;
    }

    ngx_http_notify_json_write_json(w, member->name, tls);
}
