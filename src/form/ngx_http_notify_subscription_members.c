/*
 * The members of a subscription, one table: how each is read from a client's
 * input into the document, and shown to clients.  What depends on several is
 * in subscription_form.
 */

#include "ngx_http_notify_call.h"
#include "ngx_http_notify_filter_form.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_RATE  1000000


static ngx_http_notify_subscription_read_t
    ngx_http_notify_subscription_members_given,
    ngx_http_notify_subscription_members_text,
    ngx_http_notify_subscription_members_uid,
    ngx_http_notify_subscription_members_integer,
    ngx_http_notify_subscription_members_url,
    ngx_http_notify_subscription_members_entity_type,
    ngx_http_notify_subscription_members_mode,
    ngx_http_notify_subscription_members_secret,
    ngx_http_notify_subscription_members_signature,
    ngx_http_notify_subscription_members_profile,
    ngx_http_notify_subscription_members_filter,
    ngx_http_notify_subscription_members_rate,
    ngx_http_notify_subscription_members_enabled;
static void ngx_http_notify_subscription_members_twice(
    ngx_http_notify_subscription_form_t *form, ngx_uint_t i);


/*
 * All members, in the order in which they are shown.  One without a name is
 * only shown, one that is not read is only for reading.
 */

static const ngx_http_notify_subscription_member_t
    ngx_http_notify_subscription_members[] =
{
    { "id", "id", 0, NULL, ngx_http_notify_subscription_show_copy },
    { "uid", "uid", 256, ngx_http_notify_subscription_members_uid,
      ngx_http_notify_subscription_show_copy },
    { "url", "url", 0, ngx_http_notify_subscription_members_url,
      ngx_http_notify_subscription_show_copy },
    { "callbackUrl", "url", 0, ngx_http_notify_subscription_members_url,
      NULL },
    { NULL, "attributes", 0, NULL,
      ngx_http_notify_subscription_show_attributes },
    { "event", "events", offsetof(ngx_http_notify_subscription_form_t, event),
      ngx_http_notify_subscription_members_given,
      ngx_http_notify_subscription_show_event },
    { "events", "events",
      offsetof(ngx_http_notify_subscription_form_t, events),
      ngx_http_notify_subscription_members_given,
      ngx_http_notify_subscription_show_copy },
    { "objectType", NULL,
      offsetof(ngx_http_notify_subscription_form_t, object_type),
      ngx_http_notify_subscription_members_given, NULL },
    { "eventType", NULL,
      offsetof(ngx_http_notify_subscription_form_t, event_type),
      ngx_http_notify_subscription_members_given, NULL },
    { "entityTypeID", "entityTypeID", 256,
      ngx_http_notify_subscription_members_entity_type,
      ngx_http_notify_subscription_show_copy },
    { "entityType", "entityTypeID", 256,
      ngx_http_notify_subscription_members_entity_type, NULL },
    { "mode", "mode", 0, ngx_http_notify_subscription_members_mode,
      ngx_http_notify_subscription_show_mode },
    { "apiKey", "apiKey", 1024, ngx_http_notify_subscription_members_text,
      NULL },
    { "secret", NULL, 1024, ngx_http_notify_subscription_members_secret,
      NULL },
    { "signature", NULL, 0, ngx_http_notify_subscription_members_signature,
      NULL },
    { "name", "name", 256, ngx_http_notify_subscription_members_text,
      ngx_http_notify_subscription_show_copy },
    { "profile", "profile", 256, ngx_http_notify_subscription_members_profile,
      ngx_http_notify_subscription_show_profile },
    { "headers", "headers", 0, ngx_http_notify_subscription_maps_headers,
      NULL },
    { "filter", "filter", 0, ngx_http_notify_subscription_members_filter,
      ngx_http_notify_subscription_show_copy },
    { "rate", "rate", 0, ngx_http_notify_subscription_members_rate,
      ngx_http_notify_subscription_show_rate },
    { "inFlight", "inFlight", 10000,
      ngx_http_notify_subscription_members_integer,
      ngx_http_notify_subscription_show_copy },
    { "payload", "payload", NGX_HTTP_NOTIFY_CUSTOM_PAYLOAD,
      ngx_http_notify_subscription_custom_payload,
      ngx_http_notify_subscription_show_copy },
    { "retry", "retry", NGX_HTTP_NOTIFY_CUSTOM_RETRY,
      ngx_http_notify_subscription_custom_retry,
      ngx_http_notify_subscription_show_copy },
    { "timeout", "timeout", NGX_HTTP_NOTIFY_CUSTOM_TIMEOUT,
      ngx_http_notify_subscription_custom_timeout,
      ngx_http_notify_subscription_show_copy },
    { "tls", "tls", NGX_HTTP_NOTIFY_CUSTOM_TLS,
      ngx_http_notify_subscription_custom_tls,
      ngx_http_notify_subscription_show_tls },
    { "oauth2", "oauth2", NGX_HTTP_NOTIFY_CUSTOM_OAUTH2,
      ngx_http_notify_subscription_custom_oauth2,
      ngx_http_notify_subscription_show_tls },
    { "batch", "batch", NGX_HTTP_NOTIFY_CUSTOM_BATCH,
      ngx_http_notify_subscription_custom_batch,
      ngx_http_notify_subscription_show_copy },
    { "enabled", NULL, 0, ngx_http_notify_subscription_members_enabled,
      NULL },
    { "metadata", "metadata", 0, ngx_http_notify_subscription_maps_metadata,
      ngx_http_notify_subscription_show_copy },
    { "status", NULL, 0, NULL, ngx_http_notify_subscription_show_status },
    { "reason", NULL, 0, NULL, NULL },
    { "pausedUntil", NULL, 0, NULL, ngx_http_notify_subscription_show_paused },
    { "lastSuccessAt", NULL, 0, NULL,
      ngx_http_notify_subscription_show_health },
    { "failingSince", NULL, 1, NULL,
      ngx_http_notify_subscription_show_health },
    { "createdAt", "createdAt", 0, NULL,
      ngx_http_notify_subscription_show_time },
    { "updatedAt", "updatedAt", 0, NULL,
      ngx_http_notify_subscription_show_time },
    { "publicKey", NULL, 0, NULL,
      ngx_http_notify_subscription_show_public_key },
    { NULL, "secrets", 0, NULL, ngx_http_notify_subscription_show_secret },
};

#define NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS                                  \
    (sizeof(ngx_http_notify_subscription_members)                             \
     / sizeof(ngx_http_notify_subscription_member_t))


ngx_int_t
ngx_http_notify_subscription_members_find(const ngx_str_t *name)
{
    ngx_int_t  i;

    for (i = 0; i < (ngx_int_t) NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS; i++) {
        if (ngx_http_notify_subscription_members[i].name
            && ngx_http_notify_text_is_nocase(name,
                               ngx_http_notify_subscription_members[i].name))
        {
            return i;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_notify_subscription_members_read(
    ngx_http_notify_subscription_form_t *form)
{
    ngx_uint_t                                    i;
    ngx_http_notify_json_t                       *value;
    const ngx_http_notify_subscription_member_t  *member;

    for (i = 0; i < NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS; i++) {
        member = &ngx_http_notify_subscription_members[i];
        value = form->values[i];

        if (value == NULL || member->read == NULL) {
            continue;
        }

        ngx_http_notify_subscription_members_twice(form, i);

        if (member->stored
            && ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL)
        {
            if (ngx_http_notify_json_remove(form->document, member->stored)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            continue;
        }

        if (member->read(form, member, &form->names[i], value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* by a later name for the same */

static void
ngx_http_notify_subscription_members_twice(
    ngx_http_notify_subscription_form_t *form, ngx_uint_t i)
{
    ngx_uint_t                                    n;
    const ngx_http_notify_subscription_member_t  *member;

    member = ngx_http_notify_subscription_members;

    for (n = i + 1; n < NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS; n++) {

        if (form->values[n]
            && member[i].stored && member[n].stored
            && member[i].read != ngx_http_notify_subscription_members_given
            && ngx_strcmp(member[n].stored, member[i].stored) == 0)
        {
            ngx_http_notify_invalid_add(form->invalid, &form->names[n],
                                        "is given twice, as \"%V\" too",
                                        &form->names[i]);
        }
    }
}


/* kept for ngx_http_notify_subscription_events() */

static ngx_int_t
ngx_http_notify_subscription_members_given(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    *(ngx_http_notify_json_t **) ((u_char *) form + member->max) = value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_subscription_members_text(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_invalid_string(form->invalid, name, value,
                                       member->max, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(form->document, member->stored,
                                           &text);
}


/* a segment of a path, as uid:VALUE */

static ngx_int_t
ngx_http_notify_subscription_members_uid(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_invalid_string(form->invalid, name, value,
                                       member->max, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (text.len == 0
        || ngx_strlchr(text.data, text.data + text.len, '/') != NULL)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must not be empty nor have a \"/\"");
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(form->document, member->stored,
                                           &text);
}


static ngx_int_t
ngx_http_notify_subscription_members_integer(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    int64_t  n;

    if (ngx_http_notify_json_integer(value, &n) != NGX_OK
        || n < 1
        || n > (int64_t) member->max)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an integer from 1 to %uz",
                                    member->max);
        return NGX_OK;
    }

    return ngx_http_notify_json_set_integer(form->document, member->stored, n);
}


/* form and reachability are checked with the profile, when that is known */

static ngx_int_t
ngx_http_notify_subscription_members_url(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        text.data = (u_char *) "";
        text.len = 0;
        ngx_http_notify_invalid_add(form->invalid, name, "must be a string");

    } else {
        text = ngx_http_notify_json_string(value);
    }

    return ngx_http_notify_json_set_string(form->document, "url", &text);
}


static ngx_int_t
ngx_http_notify_subscription_members_entity_type(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    int64_t    n;
    ngx_str_t  text;

    if (ngx_http_notify_json_integer(value, &n) == NGX_OK) {
        return ngx_http_notify_json_set_integer(form->document,
                                                "entityTypeID", n);
    }

    if (ngx_http_notify_json_type(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an integer or a string");
        return NGX_OK;
    }

    if (ngx_http_notify_invalid_string(form->invalid, name, value,
                                       member->max, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (text.len == 0) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must not be empty");
        return NGX_OK;
    }

    if (ngx_http_notify_json_int64(&text, &n) == NGX_OK) {
        return ngx_http_notify_json_set_integer(form->document,
                                                "entityTypeID", n);
    }

    return ngx_http_notify_json_set_string(form->document, "entityTypeID",
                                           &text);
}


static ngx_int_t
ngx_http_notify_subscription_members_mode(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_str_t  text;

    text = ngx_http_notify_json_string(value);

    if (!ngx_http_notify_text_is(&text, "webhook")
        && !ngx_http_notify_text_is(&text, "sync")
        && !ngx_http_notify_text_is(&text, "iframe"))
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be \"webhook\", \"sync\" or "
                                    "\"iframe\"");
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(form->document, "mode", &text);
}


/* the profile and the mode say later whether it can be used */

static ngx_int_t
ngx_http_notify_subscription_members_secret(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_invalid_string(form->invalid, name, value,
                                       member->max, &form->secret)
        == NGX_OK
        && form->secret.len == 0)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "cannot be used: the secret must have 1 "
                                    "to 512 bytes");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_subscription_members_signature(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    if (ngx_http_notify_json_type(value) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return NGX_OK;
    }

    form->signature = ngx_http_notify_json_string(value);

    if (!ngx_http_notify_text_is(&form->signature, "ed25519")
        && !ngx_http_notify_text_is(&form->signature, "hmac"))
    {
        form->signature.len = 0;
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be \"ed25519\" or \"hmac\"");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_subscription_members_profile(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_str_t                         text;
    ngx_uint_t                        i;
    ngx_http_notify_profile_t       **profile;
    ngx_http_notify_invalid_names_t   names;

    if (ngx_http_notify_invalid_string(form->invalid, name, value,
                                       member->max, &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (text.len == 0
        || ngx_http_notify_channel_profile(form->channel, &text) == NULL)
    {
        ngx_memzero(&names, sizeof(ngx_http_notify_invalid_names_t));
        profile = form->channel->profiles->elts;

        for (i = 0; i < form->channel->profiles->nelts; i++) {
            ngx_http_notify_invalid_names_add(&names, &profile[i]->name);
        }

        ngx_http_notify_invalid_add(form->invalid, name,
                                    "\"%V\" is not a profile of this channel: "
                                    "%V", &text,
                                    ngx_http_notify_invalid_names_end(&names));
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(form->document, "profile", &text);
}


static ngx_int_t
ngx_http_notify_subscription_members_filter(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_int_t                  rc;
    ngx_str_t                  text;
    ngx_http_notify_filter_t  *filter;

    if (ngx_http_notify_json_dump(form->pool, value, 0, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_filter_form(form->pool, form->channel, form->invalid,
                                     name, &text, &filter);
    if (rc != NGX_OK) {
        return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
    }

    value = ngx_http_notify_json_copy(form->pool, value);
    if (value == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_set(form->document, "filter", value);
}


/* "10r/s", "30r/m", or a number a second; stored per 1,000 seconds */

static ngx_int_t
ngx_http_notify_subscription_members_rate(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    double     d;
    int64_t    rate;
    ngx_int_t  n;
    ngx_str_t  text;

    rate = 0;

    if (ngx_http_notify_json_real(value, &d) == NGX_OK) {

        if (d > 0 && d <= NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_RATE) {
            rate = (int64_t) (d * 1000 + 0.5);
        }

    } else if (ngx_http_notify_json_type(value)
               == NGX_HTTP_NOTIFY_JSON_STRING)
    {
        text = ngx_http_notify_json_string(value);

        if (text.len > 3) {
            n = ngx_atoi(text.data, text.len - 3);

            if (n > 0 && n <= NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS_RATE) {

                if (ngx_strncmp(text.data + text.len - 3, "r/s", 3) == 0) {
                    rate = (int64_t) n * 1000;

                } else if (ngx_strncmp(text.data + text.len - 3, "r/m", 3)
                           == 0)
                {
                    rate = ((int64_t) n * 1000 + 30) / 60;
                }
            }
        }
    }

    if (rate == 0) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be like \"10r/s\" or \"30r/m\", or "
                                    "a number per second");
        return NGX_OK;
    }

    return ngx_http_notify_json_set_integer(form->document, "rate", rate);
}


static ngx_int_t
ngx_http_notify_subscription_members_enabled(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_subscription_member_t *member,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_uint_t                   enabled;
    ngx_http_notify_json_kind_e  kind;

    kind = ngx_http_notify_json_type(value);

    if (kind != NGX_HTTP_NOTIFY_JSON_TRUE
        && kind != NGX_HTTP_NOTIFY_JSON_FALSE
        && kind != NGX_HTTP_NOTIFY_JSON_NULL)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be true or false");
        return NGX_OK;
    }

    enabled = (kind != NGX_HTTP_NOTIFY_JSON_FALSE);

    if (ngx_http_notify_subscriptions_enabled(form->document) == enabled)
    {
        return NGX_OK;
    }

    return ngx_http_notify_subscription_document_enable(form->document,
                                                        enabled);
}


void
ngx_http_notify_subscription_members_show(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_subscription_shown_t *shown)
{
    ngx_uint_t                                    i;
    const ngx_http_notify_subscription_member_t  *member;

    ngx_http_notify_json_write_object(w, NULL);

    for (i = 0; i < NGX_HTTP_NOTIFY_SUBSCRIPTION_MEMBERS; i++) {
        member = &ngx_http_notify_subscription_members[i];

        if (member->show) {
            member->show(w, member, shown);
        }
    }

    ngx_http_notify_json_write_end(w);
}
