/*
 * Which events a subscription names: event, events, objectType with eventType,
 * by names, aliases and patterns, to one list of canonical names.
 */

#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_event_name.h"
#include "ngx_http_notify_subscription_form.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTION_EVENTS_MAX  100


static ngx_int_t ngx_http_notify_subscription_events_list(
    ngx_http_notify_subscription_form_t *form,
    ngx_http_notify_json_t *given, ngx_http_notify_json_t *list);
static ngx_int_t ngx_http_notify_subscription_events_text(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *pointer,
    ngx_http_notify_json_t *given, ngx_http_notify_json_t *list);
static ngx_uint_t ngx_http_notify_subscription_events_string(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *given);
static ngx_int_t ngx_http_notify_subscription_events_one(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *pointer,
    ngx_str_t text, ngx_http_notify_json_t *list);
static ngx_int_t ngx_http_notify_subscription_events_object(
    ngx_http_notify_subscription_form_t *form, ngx_http_notify_json_t *list);
static ngx_int_t ngx_http_notify_subscription_events_name(
    ngx_http_notify_subscription_form_t *form, ngx_str_t *text);
static const ngx_http_notify_channel_event_t *
    ngx_http_notify_subscription_events_begin(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text,
    ngx_uint_t ignore_case);
static ngx_int_t ngx_http_notify_subscription_events_entity(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *event,
    const ngx_str_t *text, ngx_str_t *id);


static const ngx_str_t  ngx_http_notify_subscription_events_event =
    ngx_string("event");
static const ngx_str_t  ngx_http_notify_subscription_events_events =
    ngx_string("events");
static const ngx_str_t  ngx_http_notify_subscription_events_object_type =
    ngx_string("objectType");
static const ngx_str_t  ngx_http_notify_subscription_events_event_type =
    ngx_string("eventType");


ngx_int_t
ngx_http_notify_subscription_events(
    ngx_http_notify_subscription_form_t *form)
{
    ngx_int_t                rc[3];
    ngx_uint_t               i, n;
    ngx_http_notify_json_t  *list[3], *first;

    const ngx_str_t  *names[3] = {
        &ngx_http_notify_subscription_events_events,
        &ngx_http_notify_subscription_events_event,
        &ngx_http_notify_subscription_events_event_type
    };

    for (i = 0; i < 3; i++) {
        list[i] = ngx_http_notify_json_new_array(form->pool);
        if (list[i] == NULL) {
            return NGX_ERROR;
        }
    }

    rc[0] = ngx_http_notify_subscription_events_list(form, form->events,
                                                     list[0]);
    rc[1] = NGX_OK;

    if (form->event) {
        rc[1] = ngx_http_notify_subscription_events_text(form, names[1],
                                                         form->event,
                                                         list[1]);
    }

    rc[2] = ngx_http_notify_subscription_events_object(form, list[2]);

    first = NULL;

    for (i = 0, n = 0; i < 3; i++) {

        if (rc[i] == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc[i] != NGX_OK || ngx_http_notify_json_size(list[i]) == 0) {
            continue;
        }

        if (first == NULL) {
            first = list[i];
            n = i;

        } else if (!ngx_http_notify_json_equal(first, list[i])) {
            ngx_http_notify_invalid_add(form->invalid, names[i],
                                        "contradicts \"%V\"", names[n]);
        }
    }

    if (first == NULL) {
        return NGX_OK;
    }

    return ngx_http_notify_json_set(form->document, "events", first);
}


/* NGX_DECLINED: it has been noted what is wrong */

static ngx_int_t
ngx_http_notify_subscription_events_list(
    ngx_http_notify_subscription_form_t *form,
    ngx_http_notify_json_t *given, ngx_http_notify_json_t *list)
{
    u_char      *p;
    ngx_int_t    rc, result;
    ngx_str_t    pointer, text;
    ngx_uint_t   i, n;
    u_char       buf[sizeof("events/") + NGX_INT_T_LEN];

    if (given == NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_json_type(given) != NGX_HTTP_NOTIFY_JSON_ARRAY) {
        return ngx_http_notify_subscription_events_text(form,
                   &ngx_http_notify_subscription_events_events, given, list);
    }

    n = ngx_http_notify_json_size(given);

    if (n == 0 || n > NGX_HTTP_NOTIFY_SUBSCRIPTION_EVENTS_MAX) {
        ngx_http_notify_invalid_add(form->invalid,
                    &ngx_http_notify_subscription_events_events,
                    n ? "has more than %d names" : "is empty",
                    NGX_HTTP_NOTIFY_SUBSCRIPTION_EVENTS_MAX);
        return NGX_DECLINED;
    }

    result = NGX_OK;

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(buf, "%ui", i);

        pointer.data = buf;
        pointer.len = p - buf;

        text = form->invalid->prefix;
        ngx_str_set(&form->invalid->prefix, "/events");

        rc = ngx_http_notify_subscription_events_text(form, &pointer,
                 ngx_http_notify_json_at(given, i), list);

        form->invalid->prefix = text;

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            result = rc;
        }
    }

    return result;
}


static ngx_int_t
ngx_http_notify_subscription_events_text(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *pointer,
    ngx_http_notify_json_t *given, ngx_http_notify_json_t *list)
{
    if (!ngx_http_notify_subscription_events_string(form, pointer, given)) {
        return NGX_DECLINED;
    }

    return ngx_http_notify_subscription_events_one(form, pointer,
               ngx_http_notify_json_string(given), list);
}


/* absent, null, or a string; else it has been noted */

static ngx_uint_t
ngx_http_notify_subscription_events_string(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *name,
    ngx_http_notify_json_t *given)
{
    ngx_http_notify_json_kind_e  kind;

    if (given == NULL) {
        return 1;
    }

    kind = ngx_http_notify_json_type(given);

    if (kind == NGX_HTTP_NOTIFY_JSON_STRING
        || kind == NGX_HTTP_NOTIFY_JSON_NULL)
    {
        return 1;
    }

    ngx_http_notify_invalid_add(form->invalid, name, "must be a string");

    return 0;
}


static ngx_int_t
ngx_http_notify_subscription_events_one(
    ngx_http_notify_subscription_form_t *form, const ngx_str_t *pointer,
    ngx_str_t text, ngx_http_notify_json_t *list)
{
    ngx_int_t   rc;
    ngx_str_t   other;
    ngx_uint_t  i;

    if (text.len == 0) {
        ngx_http_notify_invalid_add(form->invalid, pointer, "is empty");
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_subscription_events_name(form, &text);

    if (rc == NGX_DECLINED) {
        other = ngx_http_notify_event_name_all(form->channel, form->pool);
        ngx_http_notify_invalid_add(form->invalid, pointer,
                                    "\"%V\" is not an event of this channel, "
                                    "event-types lists them%V", &text, &other);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < ngx_http_notify_json_size(list); i++) {
        other = ngx_http_notify_json_string(ngx_http_notify_json_at(list, i));

        if (ngx_http_notify_text_equal(&other, &text)) {
            return NGX_OK;
        }
    }

    return ngx_http_notify_json_append_string(list, &text);
}


/* eventType, with or without its object in front, beside objectType */

static ngx_int_t
ngx_http_notify_subscription_events_object(
    ngx_http_notify_subscription_form_t *form, ngx_http_notify_json_t *list)
{
    ngx_str_t         object, type, text;
    const ngx_str_t  *name;

    name = &ngx_http_notify_subscription_events_event_type;

    object = ngx_http_notify_json_string(form->object_type);
    type = ngx_http_notify_json_string(form->event_type);

    if (form->object_type == NULL && form->event_type == NULL) {
        return NGX_OK;
    }

    if (!ngx_http_notify_subscription_events_string(form,
            &ngx_http_notify_subscription_events_object_type,
            form->object_type)
        || !ngx_http_notify_subscription_events_string(form, name,
                                                       form->event_type))
    {
        return NGX_DECLINED;
    }

    if (form->object_type && object.len == 0) {
        ngx_http_notify_invalid_add(form->invalid,
                    &ngx_http_notify_subscription_events_object_type,
                    "is empty");
        return NGX_DECLINED;
    }

    if (type.len == 0 || type.len > NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX
        || object.len > NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    type.len == 0 ? "is missing"
                                                  : "is too long");
        return NGX_DECLINED;
    }

    if (ngx_http_notify_event_name(form->pool, &object, &type, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_subscription_events_one(form, name, text, list);
}


/* the canonical name; "*", and "document.*" where an event begins so */

static ngx_int_t
ngx_http_notify_subscription_events_name(
    ngx_http_notify_subscription_form_t *form, ngx_str_t *text)
{
    ngx_str_t                               name;
    const ngx_http_notify_channel_t        *channel;
    const ngx_http_notify_channel_event_t  *event;

    channel = form->channel;

    if ((text->len == 1 && text->data[0] == '*')
        || ngx_http_notify_channel_operator(channel, text))
    {
        return NGX_OK;
    }

    if (text->len < 3
        || text->data[text->len - 1] != '*'
        || text->data[text->len - 2] != '.')
    {
        if (ngx_http_notify_channel_event(channel, text, &name, NULL)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        *text = name;
        return NGX_OK;
    }

    if (channel->events == NULL) {
        name.data = text->data;
        name.len = text->len - 2;

        return ngx_http_notify_channel_event(channel, &name, &name, NULL);
    }

    if (ngx_http_notify_subscription_events_begin(channel, text, 0)) {
        return NGX_OK;
    }

    event = ngx_http_notify_subscription_events_begin(channel, text, 1);
    if (event == NULL) {
        return NGX_DECLINED;
    }

    /* as the catalogue writes it */

    name.len = text->len;
    name.data = ngx_pnalloc(form->pool, name.len);

    if (name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(name.data, event->name.data, name.len - 1);
    name.data[name.len - 1] = '*';

    *text = name;

    return NGX_OK;
}


/* the first event that begins as "document.*" says, or NULL */

static const ngx_http_notify_channel_event_t *
ngx_http_notify_subscription_events_begin(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text,
    ngx_uint_t ignore_case)
{
    size_t                                  len;
    ngx_uint_t                              i;
    const ngx_http_notify_channel_event_t  *event;

    len = text->len - 1;
    event = channel->events->elts;

    for (i = 0; i < channel->events->nelts; i++) {

        if (event[i].name.len > len
            && (ignore_case
                ? ngx_strncasecmp(event[i].name.data, text->data, len) == 0
                : ngx_strncmp(event[i].name.data, text->data, len) == 0))
        {
            return &event[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_notify_subscription_events_entity_name(
    ngx_http_notify_subscription_form_t *form)
{
    int64_t                  n;
    ngx_int_t                rc;
    ngx_str_t                text, event, id;
    ngx_uint_t               i;
    ngx_http_notify_json_t  *events;

    static const ngx_str_t  entity_type = ngx_string("entityType");

    text = ngx_http_notify_json_get_string(form->document, "entityTypeID");
    events = ngx_http_notify_json_get(form->document, "events");

    if (text.len == 0 || events == NULL) {
        return NGX_OK;
    }

    ngx_str_null(&id);

    for (i = 0; i < ngx_http_notify_json_size(events); i++) {
        event = ngx_http_notify_json_string(ngx_http_notify_json_at(events,
                                                                    i));
        /* an id from an earlier one: the same name must mean the same */

        rc = ngx_http_notify_subscription_events_entity(form->channel, &event,
                                                        &text, &id);
        if (rc == NGX_ABORT) {
            ngx_http_notify_invalid_add(form->invalid, &entity_type,
                                        "\"%V\" means several entity types "
                                        "here: give the number", &text);
            return NGX_OK;
        }

        if (rc == NGX_DECLINED) {
            ngx_http_notify_invalid_entity_type(form->invalid, &entity_type,
                                                form->channel, &event, &text);
            return NGX_OK;
        }
    }

    if (id.len == 0 || ngx_http_notify_json_int64(&id, &n) != NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_notify_json_set_integer(form->document, "entityTypeID", n);
}


/* as ngx_http_notify_entity_type_id(), and NGX_ABORT: not what *id is */

static ngx_int_t
ngx_http_notify_subscription_events_entity(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *event,
    const ngx_str_t *text, ngx_str_t *id)
{
    ngx_int_t  rc;
    ngx_str_t  found;

    rc = ngx_http_notify_entity_type_id(channel, event, text, &found);

    if (rc != NGX_OK) {
        return rc;
    }

    if (id->len
        && !ngx_http_notify_text_equal(id, &found))
    {
        return NGX_ABORT;
    }

    *id = found;

    return NGX_OK;
}
