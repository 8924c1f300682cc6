/*
 * From what a client says of a subscription to the document that is stored.
 * The members are in a table (subscription_members); here is what depends on
 * several.  Every error is noted, so that one answer names all.
 * Knows nothing of requests and Redis.
 */

#include "ngx_http_notify_guard.h"
#include "ngx_http_notify_subscription_form.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_ATTRIBUTE  512


static ngx_int_t ngx_http_notify_subscription_form_sort(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_json_t *input);
static ngx_int_t ngx_http_notify_subscription_form_check(
    ngx_http_notify_subscription_form_t *form);
static ngx_int_t ngx_http_notify_subscription_form_check_event(
    ngx_http_notify_subscription_form_t *form);
static ngx_int_t ngx_http_notify_subscription_form_check_url(
    ngx_http_notify_subscription_form_t *form);
static void ngx_http_notify_subscription_form_check_mode(
    ngx_http_notify_subscription_form_t *form);
static void ngx_http_notify_subscription_form_check_attributes(
    ngx_http_notify_subscription_form_t *form);
static ngx_int_t ngx_http_notify_subscription_form_attribute(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *name, ngx_http_notify_json_t *value);


ngx_int_t
ngx_http_notify_subscription_form_apply(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_json_t *input)
{
    if (ngx_http_notify_subscription_form_sort(form, input) != NGX_OK
        || ngx_http_notify_subscription_members_read(form) != NGX_OK
        || ngx_http_notify_subscription_events(form) != NGX_OK
        || ngx_http_notify_subscription_form_check(form) != NGX_OK
        || form->invalid->failed)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_invalid_n(form->invalid) ? NGX_DECLINED : NGX_OK;
}


/* members to fields and attributes, whatever their case */

static ngx_int_t
ngx_http_notify_subscription_form_sort(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_json_t *input)
{
    void                                       *cursor;
    ngx_int_t                                   i;
    ngx_str_t                                   name;
    ngx_http_notify_json_t                     *value;
    const ngx_http_notify_channel_attribute_t  *attribute;

    cursor = NULL;

    for ( ;; ) {
        value = ngx_http_notify_json_member(input, &cursor, &name);

        if (value == NULL) {
            return NGX_OK;
        }

        /* an attribute may have the name of a member that is younger */

        attribute = ngx_http_notify_channel_attribute(form->channel, &name);
        i = ngx_http_notify_subscription_members_find(&name);

        if (i != NGX_DECLINED && attribute == NULL) {
            form->values[i] = value;
            form->names[i] = name;
            continue;
        }

        if (attribute == NULL) {
            ngx_http_notify_invalid_add(form->invalid, &name,
                                        "is not a member of a subscription");

        } else if (ngx_http_notify_subscription_form_attribute(form,
                       attribute, &name, value)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
}


/* what must be there, and what depends on more than one member */

static ngx_int_t
ngx_http_notify_subscription_form_check(
    ngx_http_notify_subscription_form_t *form)
{
    if (ngx_http_notify_subscription_form_check_url(form) != NGX_OK
        || ngx_http_notify_subscription_form_check_event(form) != NGX_OK
        || ngx_http_notify_subscription_events_entity_name(form) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_notify_subscription_custom_kept(form) != NGX_OK
        || ngx_http_notify_subscription_custom_together(form) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_notify_subscription_form_check_mode(form);
    ngx_http_notify_subscription_form_check_attributes(form);

    return ngx_http_notify_subscription_secret_check(form);
}


/* where the catalogue has one event alone, it need not be named */

static ngx_int_t
ngx_http_notify_subscription_form_check_event(
    ngx_http_notify_subscription_form_t *form)
{
    ngx_http_notify_json_t           *list;
    ngx_http_notify_channel_event_t  *only;

    static const ngx_str_t  event = ngx_string("event");

    if (ngx_http_notify_json_get(form->document, "events") != NULL
        || form->event || form->events || form->object_type
        || form->event_type)
    {
        return NGX_OK;
    }

    if (form->channel->events == NULL || form->channel->events->nelts != 1) {
        ngx_http_notify_invalid_add(form->invalid, &event, "is missing");
        return NGX_OK;
    }

    only = form->channel->events->elts;

    list = ngx_http_notify_json_new_array(form->pool);

    if (list == NULL
        || ngx_http_notify_json_append_string(list, &only->name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_json_set(form->document, "events", list);
}


static ngx_int_t
ngx_http_notify_subscription_form_check_url(
    ngx_http_notify_subscription_form_t *form)
{
    size_t                        len;
    ngx_int_t                     rc;
    ngx_str_t                     text, profile;
    const char                   *reason;
    ngx_http_notify_profile_t    *p;
    ngx_http_notify_guard_url_t   url;

    static const ngx_str_t  name = ngx_string("url");

    text = ngx_http_notify_json_get_string(form->document, "url");

    if (text.len == 0) {
        if (!ngx_http_notify_invalid_has(form->invalid, &name)) {
            ngx_http_notify_invalid_add(form->invalid, &name,
                                        ngx_http_notify_json_get(
                                            form->document, "url")
                                        ? "is empty" : "is missing");
        }

        return NGX_OK;
    }

    profile = ngx_http_notify_json_get_string(form->document, "profile");

    p = ngx_http_notify_channel_profile(form->channel, &profile);
    if (p == NULL) {
        return NGX_OK;
    }

    reason = NULL;

    rc = ngx_http_notify_guard_url(form->pool, &text, &p->call.guard, &url,
                                   &reason);

    if (rc == NGX_DECLINED) {

        /* the default tenant is the operator's */

        if (reason == NULL) {
            reason = "invalid";
        }

        len = ngx_http_notify_json_get(form->document, "tenant")
              ? ngx_http_notify_guard_public(reason) : ngx_strlen(reason);

        ngx_http_notify_invalid_add(form->invalid, &name,
                                    "is not acceptable: %*s", len, reason);
        return NGX_OK;
    }

    return rc;
}


/* a sync call answers one question: one concrete event, declared as such */

static void
ngx_http_notify_subscription_form_check_mode(
    ngx_http_notify_subscription_form_t *form)
{
    ngx_str_t                               mode, text, event;
    ngx_uint_t                              iframe;
    ngx_http_notify_json_t                 *events;
    const ngx_http_notify_channel_event_t  *e;

    static const ngx_str_t  name = ngx_string("mode");

    mode = ngx_http_notify_json_get_string(form->document, "mode");

    if (mode.len == 0 || mode.data[0] == 'w') {
        return;
    }

    events = ngx_http_notify_json_get(form->document, "events");
    if (events == NULL) {
        return;
    }

    iframe = (mode.data[0] == 'i');
    text = ngx_http_notify_json_string(ngx_http_notify_json_at(events, 0));

    if (ngx_http_notify_json_size(events) != 1
        || text.data[text.len - 1] == '*')
    {
        ngx_http_notify_invalid_add(form->invalid, &name,
                                    "\"%V\" takes exactly one event, named "
                                    "in full", &mode);
        return;
    }

    e = NULL;

    if (ngx_http_notify_channel_event(form->channel, &text, &event, &e)
        != NGX_OK
        || e == NULL
        || !(iframe ? e->iframe : e->sync))
    {
        ngx_http_notify_invalid_add(form->invalid, &name,
                                    "the event \"%V\" is not declared \"%V\"",
                                    &text, &mode);
    }
}


static void
ngx_http_notify_subscription_form_check_attributes(
    ngx_http_notify_subscription_form_t *form)
{
    ngx_uint_t                            i;
    ngx_http_notify_json_t               *attributes;
    ngx_http_notify_channel_attribute_t  *attribute;

    if (form->channel->attributes == NULL) {
        return;
    }

    attributes = ngx_http_notify_json_get(form->document, "attributes");
    attribute = form->channel->attributes->elts;

    for (i = 0; i < form->channel->attributes->nelts; i++) {

        if (!attribute[i].required
            || (attributes
                && ngx_http_notify_json_get(attributes,
                                            (char *) attribute[i].name.data))
            || ngx_http_notify_invalid_has(form->invalid, &attribute[i].name))
        {
            continue;
        }

        ngx_http_notify_invalid_add(form->invalid, &attribute[i].name,
                                    "is missing");
    }
}


static ngx_int_t
ngx_http_notify_subscription_form_attribute(
    ngx_http_notify_subscription_form_t *form,
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *name, ngx_http_notify_json_t *value)
{
    ngx_str_t                text;
    const char              *key;
    ngx_http_notify_json_t  *attributes;

    attributes = ngx_http_notify_json_get(form->document, "attributes");
    key = (const char *) attribute->name.data;

    if (attributes == NULL) {
        attributes = ngx_http_notify_json_new_object(form->pool);

        if (attributes == NULL
            || ngx_http_notify_json_set(form->document, "attributes",
                                        attributes)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    switch (ngx_http_notify_json_type(value)) {

    case NGX_HTTP_NOTIFY_JSON_NULL:
        ngx_str_null(&text);
        break;

    case NGX_HTTP_NOTIFY_JSON_TRUE:
    case NGX_HTTP_NOTIFY_JSON_FALSE:
    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        if (ngx_http_notify_json_dump(form->pool, value, 0, &text) != NGX_OK)
        {
            return NGX_ERROR;
        }

        break;

    default:
        if (ngx_http_notify_invalid_string(form->invalid, name, value,
                NGX_HTTP_NOTIFY_SUBSCRIPTION_FORM_ATTRIBUTE, &text)
            != NGX_OK)
        {
            return NGX_OK;
        }
    }

    if (text.len == 0) {

        if (ngx_http_notify_json_get(attributes, key)) {
            return ngx_http_notify_json_remove(attributes, key);
        }

        return NGX_OK;
    }

    if (ngx_http_notify_invalid_attribute(form->invalid, name, attribute,
                                          &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_string(attributes, key, &text);
}
