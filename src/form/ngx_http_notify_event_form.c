/*
 * From what a publisher says of an event to the event.  Slices of the text
 * where they can be: numbers and data are never parsed into something else.
 * Knows nothing of requests and Redis.
 */

#include "ngx_http_notify_entity_type.h"
#include "ngx_http_notify_event_form.h"
#include "ngx_http_notify_event_name.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_EVENT_FORM_TEXT  512


typedef ngx_int_t ngx_http_notify_event_form_read_t(
    ngx_http_notify_event_form_t *form, const ngx_str_t *name,
    const ngx_str_t *value, ngx_str_t *field);

typedef struct {
    const char                         *name;
    ngx_http_notify_event_form_read_t  *set;
    size_t                              offset;   /* of an ngx_str_t in the
                                                     event */
} ngx_http_notify_event_form_field_t;


static ngx_http_notify_event_form_read_t  ngx_http_notify_event_form_text;
static ngx_http_notify_event_form_read_t  ngx_http_notify_event_form_word;
static ngx_http_notify_event_form_read_t  ngx_http_notify_event_form_entity;
static ngx_http_notify_event_form_read_t
    ngx_http_notify_event_form_entity_text;
static ngx_http_notify_event_form_read_t  ngx_http_notify_event_form_data;
static ngx_http_notify_event_form_read_t  ngx_http_notify_event_form_time;
static ngx_http_notify_event_form_read_t
    ngx_http_notify_event_form_object_type;
static ngx_http_notify_event_form_read_t
    ngx_http_notify_event_form_event_type;
static ngx_http_notify_event_form_read_t  ngx_http_notify_event_form_id;
static ngx_int_t ngx_http_notify_event_form_attribute(
    ngx_http_notify_event_form_t *form,
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *name, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_event_form_type(
    ngx_http_notify_event_form_t *form);
static ngx_int_t ngx_http_notify_event_form_entity_type(
    ngx_http_notify_event_form_t *form);
static void ngx_http_notify_event_form_required(
    ngx_http_notify_event_form_t *form);
static void ngx_http_notify_event_form_missing(
    ngx_http_notify_event_form_t *form, const ngx_str_t *name,
    const ngx_str_t *error);
static ngx_int_t ngx_http_notify_event_form_schema(
    ngx_http_notify_event_form_t *form);
static void ngx_http_notify_event_form_unlike(void *data,
    const ngx_str_t *pointer, const char *reason);


#define ngx_http_notify_event_form_offset(field)                              \
    offsetof(ngx_http_notify_event_t, field)


static const ngx_http_notify_event_form_field_t
    ngx_http_notify_event_form_fields[] =
{
    { "eventType", ngx_http_notify_event_form_event_type, 0 },
    { "event", ngx_http_notify_event_form_event_type, 0 },
    { "objectType", ngx_http_notify_event_form_object_type, 0 },
    { "entityTypeID", ngx_http_notify_event_form_entity,
      ngx_http_notify_event_form_offset(entity_type_id) },
    { "entityType", ngx_http_notify_event_form_entity,
      ngx_http_notify_event_form_offset(entity_type_id) },
    { "entityID", ngx_http_notify_event_form_entity,
      ngx_http_notify_event_form_offset(entity_id) },
    { "data", ngx_http_notify_event_form_data,
      ngx_http_notify_event_form_offset(data) },
    { "sessionId", ngx_http_notify_event_form_text,
      ngx_http_notify_event_form_offset(session_id) },
    { "customerId", ngx_http_notify_event_form_text,
      ngx_http_notify_event_form_offset(customer_id) },
    { "conversationId", ngx_http_notify_event_form_text,
      ngx_http_notify_event_form_offset(conversation_id) },
    { "time", ngx_http_notify_event_form_time, 0 },
    { "uid", ngx_http_notify_event_form_text,
      ngx_http_notify_event_form_offset(uid) },
    { "id", ngx_http_notify_event_form_id,
      ngx_http_notify_event_form_offset(uid) },
    { NULL, NULL, 0 }
};


ngx_int_t
ngx_http_notify_event_form(ngx_http_notify_event_form_t *form,
    const ngx_str_t *object)
{
    ngx_str_t                      name, value;
    ngx_uint_t                     i, n;
    ngx_http_notify_json_iter_t    it;
    ngx_str_t                      names[NGX_HTTP_NOTIFY_EVENT_FORM_MEMBERS];

    if (ngx_http_notify_json_unique(object, &form->twice) != NGX_OK) {
        return NGX_ABORT;
    }

    ngx_http_notify_json_iter(&it, object);

    for (n = 0; ngx_http_notify_json_next(&it, &name, &value) == NGX_OK; n++)
    {
        if (n == NGX_HTTP_NOTIFY_EVENT_FORM_MEMBERS) {
            ngx_http_notify_invalid_add(form->invalid, NULL,
                                        "has more than %d members",
                                        NGX_HTTP_NOTIFY_EVENT_FORM_MEMBERS);
            return NGX_DECLINED;
        }

        if (ngx_http_notify_json_name(form->pool, &name) != NGX_OK) {
            return NGX_ERROR;
        }

        for (i = 0; i < n; i++) {
            if (ngx_http_notify_text_equal_nocase(&names[i], &name)) {
                form->twice = name;
                return NGX_ABORT;
            }
        }

        names[n] = name;

        if (ngx_http_notify_event_form_set(form, &name, &value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_event_form_end(form);
}


ngx_int_t
ngx_http_notify_event_form_set(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value)
{
    const ngx_http_notify_event_form_field_t   *f;
    const ngx_http_notify_channel_attribute_t  *attribute;

    for (f = ngx_http_notify_event_form_fields; f->name; f++) {

        if (ngx_http_notify_text_is_nocase(name, f->name)) {
            if (ngx_http_notify_json_kind(value)
                == NGX_HTTP_NOTIFY_JSON_NULL)
            {
                return NGX_OK;
            }

            return f->set(form, name, value,
                          (ngx_str_t *) ((u_char *) form->event + f->offset));
        }
    }

    attribute = ngx_http_notify_channel_attribute(form->channel, name);

    if (attribute == NULL) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is not a member of an event");
        return NGX_OK;
    }

    return ngx_http_notify_event_form_attribute(form, attribute, name, value);
}


ngx_int_t
ngx_http_notify_event_form_end(ngx_http_notify_event_form_t *form)
{
    if (ngx_http_notify_event_form_type(form) != NGX_OK
        || ngx_http_notify_event_form_entity_type(form) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!form->shown) {
        ngx_http_notify_event_form_required(form);

        if (ngx_http_notify_event_form_schema(form) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    if (form->invalid->failed) {
        return NGX_ERROR;
    }

    return ngx_http_notify_invalid_n(form->invalid) ? NGX_DECLINED : NGX_OK;
}


/* strings, and numbers as their text; header values are made of them */

static ngx_int_t
ngx_http_notify_event_form_text(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    ngx_str_t  text;

    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        *field = *value;
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        break;

    default:
        ngx_http_notify_invalid_add(form->invalid, name, "must be a string");
        return NGX_OK;
    }

    if (ngx_http_notify_json_text(form->pool, value, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_invalid_printable(form->invalid, name, &text,
                                          NGX_HTTP_NOTIFY_EVENT_FORM_TEXT)
        == NGX_OK)
    {
        *field = text;
    }

    return NGX_OK;
}


/* a text that no number can stand for */

static ngx_int_t
ngx_http_notify_event_form_word(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    if (ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_NUMBER) {
        ngx_http_notify_invalid_add(form->invalid, name, "must be a string");
        return NGX_OK;
    }

    return ngx_http_notify_event_form_text(form, name, value, field);
}


/* a uid wins where both are given */

static ngx_int_t
ngx_http_notify_event_form_id(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    ngx_int_t  rc;
    ngx_str_t  uid;

    if (form->shown
        && ngx_http_notify_json_text(form->pool, value, &uid) == NGX_OK
        && ngx_http_notify_id_event_parse(&uid, &form->event->id) == NGX_OK)
    {
        return NGX_OK;
    }

    uid = *field;

    rc = ngx_http_notify_event_form_text(form, name, value, field);

    if (uid.len) {
        *field = uid;
    }

    return rc;
}


/* JSON text: a number is an int64, as systems that have long ids expect */

static ngx_int_t
ngx_http_notify_event_form_entity(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    if (field->len) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is given twice, by another name too");
        return NGX_OK;
    }

    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_NUMBER:

        if (ngx_http_notify_json_int64(value, NULL) != NGX_OK) {
            break;
        }

        *field = *value;
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        return ngx_http_notify_event_form_entity_text(form, name, value,
                                                      field);

    default:
        break;
    }

    ngx_http_notify_invalid_add(form->invalid, name,
                                "must be a whole number of 64 bits, or a "
                                "string");
    return NGX_OK;
}


/* text that is an int64 becomes a number */

static ngx_int_t
ngx_http_notify_event_form_entity_text(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    ngx_str_t  text;

    ngx_str_null(&text);

    if (ngx_http_notify_event_form_text(form, name, value, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    *field = *value;

    if (text.len && ngx_http_notify_json_int64(&text, NULL) == NGX_OK) {
        *field = text;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_event_form_data(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    *field = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_event_form_time(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    ngx_str_t  text;

    ngx_str_null(&text);

    if (ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_STRING
        && ngx_http_notify_json_text(form->pool, value, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (text.len == 0
        || ngx_http_notify_id_time_parse(&text, &form->event->time) != NGX_OK)
    {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "must be an RFC 3339 date and time");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_event_form_object_type(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    return ngx_http_notify_event_form_word(form, name, value,
                                           &form->object_type);
}


static ngx_int_t
ngx_http_notify_event_form_event_type(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value, ngx_str_t *field)
{
    if (form->event_type_name.len) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is given twice, as \"%V\" too",
                                    &form->event_type_name);
        return NGX_OK;
    }

    form->event_type_name = *name;

    return ngx_http_notify_event_form_word(form, name, value,
                                           &form->event_type);
}


static ngx_int_t
ngx_http_notify_event_form_attribute(ngx_http_notify_event_form_t *form,
    const ngx_http_notify_channel_attribute_t *attribute,
    const ngx_str_t *name, const ngx_str_t *value)
{
    ngx_str_t                 text;
    ngx_uint_t                i;
    ngx_http_notify_event_t  *event;

    event = form->event;
    ngx_str_null(&text);

    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_NULL:
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_TRUE:
    case NGX_HTTP_NOTIFY_JSON_FALSE:
        text = *value;
        break;

    default:
        if (ngx_http_notify_event_form_text(form, name, value, &text)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (text.len == 0) {
        return NGX_OK;
    }

    if (ngx_http_notify_invalid_attribute(form->invalid, name, attribute,
                                          &text)
        != NGX_OK)
    {
        return NGX_OK;
    }

    if (event->attributes == NULL) {
        event->attributes = ngx_palloc(form->pool,
                                       form->channel->attributes->nelts
                                       * sizeof(ngx_keyval_t));
        if (event->attributes == NULL) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < event->nattributes; i++) {
        if (event->attributes[i].key.data == attribute->name.data) {
            ngx_http_notify_invalid_add(form->invalid, name,
                                        "is given twice, by an alias too");
            return NGX_OK;
        }
    }

    event->attributes[i].key = attribute->name;
    event->attributes[i].value = text;
    event->nattributes++;

    return NGX_OK;
}


/* eventType, with or without its object in front, beside objectType */

static ngx_int_t
ngx_http_notify_event_form_type(ngx_http_notify_event_form_t *form)
{
    ngx_str_t                              *object, *type, *name, text, all;
    const ngx_http_notify_channel_event_t  *event;

    static ngx_str_t  event_type = ngx_string("eventType");

    object = &form->object_type;
    type = &form->event_type;
    name = form->event_type_name.len ? &form->event_type_name : &event_type;

    if (type->len == 0) {
        if (!form->shown && !ngx_http_notify_invalid_has(form->invalid, name))
        {
            ngx_http_notify_invalid_add(form->invalid, name, "is missing");
        }

        return NGX_OK;
    }

    if (ngx_http_notify_event_name(form->pool, object, type, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (form->shown && ngx_http_notify_text_starts(&text, "notify.")) {
        form->event->type = text;
        return NGX_OK;
    }

    event = NULL;

    if (ngx_http_notify_channel_event(form->channel, &text,
                                      &form->event->type, &event)
        != NGX_OK)
    {
        all = ngx_http_notify_event_name_all(form->channel, form->pool);
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "\"%V\" is not an event of this channel, "
                                    "event-types lists them%V", &text, &all);
        return NGX_OK;
    }

    text = form->event->type;

    if (ngx_http_notify_text_starts(&text, "notify.")) {
        ngx_http_notify_invalid_add(form->invalid, name,
                                    "is reserved: names that begin with "
                                    "\"notify.\" cannot be published");
    }

    if (event) {
        form->declared = event;
        form->flag = event->off ? NGX_HTTP_NOTIFY_LOG_OFF
                                : NGX_HTTP_NOTIFY_LOG_ON;
    }

    return NGX_OK;
}


/* a name becomes its number; the event tells the object that it is one of */

static ngx_int_t
ngx_http_notify_event_form_entity_type(ngx_http_notify_event_form_t *form)
{
    ngx_str_t   text, *id;

    static ngx_str_t  entity_type = ngx_string("entityType");

    id = &form->event->entity_type_id;

    if (form->event->type.len == 0
        || id->len == 0
        || ngx_http_notify_json_kind(id) != NGX_HTTP_NOTIFY_JSON_STRING)
    {
        return NGX_OK;
    }

    if (ngx_http_notify_json_text(form->pool, id, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_entity_type_id(form->channel, &form->event->type,
                                       &text, id)
        == NGX_DECLINED)
    {
        ngx_http_notify_invalid_entity_type(form->invalid, &entity_type,
                                            form->channel, &form->event->type,
                                            &text);
    }

    return NGX_OK;
}


static void
ngx_http_notify_event_form_required(ngx_http_notify_event_form_t *form)
{
    ngx_uint_t                            i, n;
    ngx_http_notify_channel_attribute_t  *attribute;

    static ngx_str_t  entity_id = ngx_string("entityID");

    if (form->declared
        && form->declared->entity
        && form->event->entity_id.len == 0)
    {
        ngx_http_notify_event_form_missing(form, &entity_id,
                                           &form->declared->error);
    }

    if (form->channel->attributes == NULL) {
        return;
    }

    attribute = form->channel->attributes->elts;

    for (i = 0; i < form->channel->attributes->nelts; i++) {

        if (!attribute[i].required) {
            continue;
        }

        for (n = 0; n < form->event->nattributes; n++) {
            if (form->event->attributes[n].key.data == attribute[i].name.data)
            {
                break;
            }
        }

        if (n == form->event->nattributes) {
            ngx_http_notify_event_form_missing(form, &attribute[i].name,
                                               &attribute[i].error);
        }
    }
}


/* `error`: the code that the configuration has for it, or empty */

static void
ngx_http_notify_event_form_missing(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *error)
{
    if (ngx_http_notify_invalid_has(form->invalid, name)) {
        return;
    }

    ngx_http_notify_invalid_add(form->invalid, name, "is missing");

    if (form->invalid->code.len == 0) {
        form->invalid->code = *error;
    }
}


/* an event without data has null */

static ngx_int_t
ngx_http_notify_event_form_schema(ngx_http_notify_event_form_t *form)
{
    ngx_str_t  data;

    if (form->declared == NULL || form->declared->schema == NULL) {
        return NGX_OK;
    }

    data = form->event->data;

    if (data.len == 0) {
        ngx_str_set(&data, "null");
    }

    return ngx_http_notify_schema_check(form->declared->schema, form->pool,
                                        &data,
                                        ngx_http_notify_event_form_unlike,
                                        form);
}


static void
ngx_http_notify_event_form_unlike(void *data, const ngx_str_t *pointer,
    const char *reason)
{
    ngx_http_notify_event_form_t *form = data;

    u_char     *p;
    ngx_str_t   prefix, inside;

    prefix = form->invalid->prefix;

    inside.len = prefix.len + sizeof("/data") - 1 + pointer->len;
    inside.data = ngx_pnalloc(form->pool, inside.len);

    if (inside.data == NULL) {
        form->invalid->failed = 1;
        return;
    }

    p = inside.data;

    if (prefix.len) {
        p = ngx_cpymem(p, prefix.data, prefix.len);
    }

    p = ngx_cpymem(p, "/data", sizeof("/data") - 1);
    ngx_memcpy(p, pointer->data, pointer->len);

    form->invalid->prefix = inside;
    ngx_http_notify_invalid_add(form->invalid, NULL, "%s", reason);
    form->invalid->prefix = prefix;
}
