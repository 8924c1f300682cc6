/*
 * The $notify_... variables: a table, and one small getter for each family.
 * Nothing is cached: an event is rendered once or twice.  Must not know of
 * requests.
 */

#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_variable.h"
#include "ngx_http_notify_variable_path.h"


#define NGX_HTTP_NOTIFY_VARIABLE_PREFIX    0x01    /* more follows the name */
#define NGX_HTTP_NOTIFY_VARIABLE_CONSTANT  0x02
#define NGX_HTTP_NOTIFY_VARIABLE_BODY      0x04
#define NGX_HTTP_NOTIFY_VARIABLE_LATER     0x08    /* than the publish */
#define NGX_HTTP_NOTIFY_VARIABLE_PATH      0x10    /* dots in what follows */
#define NGX_HTTP_NOTIFY_VARIABLE_CALL      0x20    /* not of an event */


typedef ngx_int_t ngx_http_notify_variable_get_t(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value);

typedef struct {
    ngx_str_t                         name;
    ngx_http_notify_variable_get_t   *get;
    size_t                            offset;
    ngx_uint_t                        flags;
} ngx_http_notify_variable_def_t;

struct ngx_http_notify_variable_s {
    const ngx_http_notify_variable_def_t  *def;
    ngx_str_t                              name;    /* behind the prefix */
};


static const ngx_http_notify_variable_def_t *ngx_http_notify_variable_lookup(
    const ngx_str_t *name);
static ngx_uint_t ngx_http_notify_variable_secret(const ngx_str_t *name);
static const char *ngx_http_notify_variable_unknown(ngx_pool_t *pool,
    const ngx_str_t *name);
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_event_text;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_entity;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_event_id;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_event_uid;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_event_time;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_object_type;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_action;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_channel;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_data;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_inside;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_attribute;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_document;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_subscription;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_attempt;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_timestamp;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_payload;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_setting;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_asked;
static ngx_http_notify_variable_get_t  ngx_http_notify_variable_kept;

static ngx_int_t ngx_http_notify_variable_below(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_subscription_t *subscription, const char *object,
    ngx_http_notify_value_t *value);
static ngx_int_t ngx_http_notify_variable_number(ngx_pool_t *pool,
    int64_t n, ngx_http_notify_value_t *value);


/* a name before the prefix that it begins with */

static const ngx_http_notify_variable_def_t  ngx_http_notify_variables[] = {

    { ngx_string("event_id"), ngx_http_notify_variable_event_id, 0,
      NGX_HTTP_NOTIFY_VARIABLE_LATER },
    { ngx_string("event_uid"), ngx_http_notify_variable_event_uid, 0,
      NGX_HTTP_NOTIFY_VARIABLE_LATER },
    { ngx_string("event_traceparent"), ngx_http_notify_variable_event_text,
      offsetof(ngx_http_notify_event_t, traceparent), 0 },
    { ngx_string("event_type"), ngx_http_notify_variable_event_text,
      offsetof(ngx_http_notify_event_t, type), 0 },
    { ngx_string("event_time"), ngx_http_notify_variable_event_time, 0, 0 },
    { ngx_string("object_type"), ngx_http_notify_variable_object_type, 0, 0 },
    { ngx_string("action"), ngx_http_notify_variable_action, 0, 0 },
    { ngx_string("entity_type_id"), ngx_http_notify_variable_entity,
      offsetof(ngx_http_notify_event_t, entity_type_id), 0 },
    { ngx_string("entity_id"), ngx_http_notify_variable_entity,
      offsetof(ngx_http_notify_event_t, entity_id), 0 },
    { ngx_string("session_id"), ngx_http_notify_variable_event_text,
      offsetof(ngx_http_notify_event_t, session_id), 0 },
    { ngx_string("customer_id"), ngx_http_notify_variable_event_text,
      offsetof(ngx_http_notify_event_t, customer_id), 0 },
    { ngx_string("conversation_id"), ngx_http_notify_variable_event_text,
      offsetof(ngx_http_notify_event_t, conversation_id), 0 },
    { ngx_string("tenant"), ngx_http_notify_variable_event_text,
      offsetof(ngx_http_notify_event_t, tenant), 0 },
    { ngx_string("channel"), ngx_http_notify_variable_channel, 0,
      NGX_HTTP_NOTIFY_VARIABLE_CALL },
    { ngx_string("data"), ngx_http_notify_variable_data, 0, 0 },
    { ngx_string("data."), ngx_http_notify_variable_inside, 0,
      NGX_HTTP_NOTIFY_VARIABLE_PREFIX|NGX_HTTP_NOTIFY_VARIABLE_PATH },
    { ngx_string("attribute_"), ngx_http_notify_variable_attribute, 0,
      NGX_HTTP_NOTIFY_VARIABLE_PREFIX },
    { ngx_string("subscription_id"), ngx_http_notify_variable_document,
      offsetof(ngx_http_notify_subscription_t, id),
      NGX_HTTP_NOTIFY_VARIABLE_CONSTANT },
    { ngx_string("subscription_url"), ngx_http_notify_variable_document,
      offsetof(ngx_http_notify_subscription_t, url),
      NGX_HTTP_NOTIFY_VARIABLE_CONSTANT },
    { ngx_string("subscription_name"), ngx_http_notify_variable_document,
      offsetof(ngx_http_notify_subscription_t, name),
      NGX_HTTP_NOTIFY_VARIABLE_CONSTANT },
    { ngx_string("subscription_api_key"), ngx_http_notify_variable_document,
      offsetof(ngx_http_notify_subscription_t, api_key),
      NGX_HTTP_NOTIFY_VARIABLE_CONSTANT },
    { ngx_string("subscription_apikey"), ngx_http_notify_variable_document,
      offsetof(ngx_http_notify_subscription_t, api_key),
      NGX_HTTP_NOTIFY_VARIABLE_CONSTANT },
    { ngx_string("subscription_"), ngx_http_notify_variable_subscription, 0,
      NGX_HTTP_NOTIFY_VARIABLE_PREFIX|NGX_HTTP_NOTIFY_VARIABLE_CONSTANT },
    { ngx_string("attempt"), ngx_http_notify_variable_attempt, 0,
      NGX_HTTP_NOTIFY_VARIABLE_LATER|NGX_HTTP_NOTIFY_VARIABLE_CALL },
    { ngx_string("attempt_timestamp"), ngx_http_notify_variable_timestamp, 0,
      NGX_HTTP_NOTIFY_VARIABLE_LATER|NGX_HTTP_NOTIFY_VARIABLE_CALL },
    { ngx_string("payload"), ngx_http_notify_variable_payload, 0,
      NGX_HTTP_NOTIFY_VARIABLE_BODY|NGX_HTTP_NOTIFY_VARIABLE_CALL },
    { ngx_string("setting_"), ngx_http_notify_variable_setting, 0,
      NGX_HTTP_NOTIFY_VARIABLE_PREFIX|NGX_HTTP_NOTIFY_VARIABLE_CONSTANT },
    { ngx_string("session_data"), ngx_http_notify_variable_asked, 0,
      NGX_HTTP_NOTIFY_VARIABLE_LATER },
    { ngx_string("session_"), ngx_http_notify_variable_kept, 0,
      NGX_HTTP_NOTIFY_VARIABLE_PREFIX|NGX_HTTP_NOTIFY_VARIABLE_LATER },

    { ngx_null_string, NULL, 0, 0 }
};


ngx_http_notify_variable_t *
ngx_http_notify_variable_find(ngx_pool_t *pool, const ngx_str_t *name,
    const char **reason)
{
    ngx_str_t                              rest;
    ngx_http_notify_variable_t            *variable;
    const ngx_http_notify_variable_def_t  *def;

    def = NULL;
    ngx_str_null(&rest);

    if (ngx_http_notify_text_starts_nocase(name, "notify_")) {
        rest.data = name->data + sizeof("notify_") - 1;
        rest.len = name->len - (sizeof("notify_") - 1);

        def = ngx_http_notify_variable_lookup(&rest);
    }

    if (def == NULL
        || (!(def->flags & NGX_HTTP_NOTIFY_VARIABLE_PATH)
            && ngx_strlchr(name->data, name->data + name->len, '.')))
    {
        *reason = ngx_http_notify_variable_unknown(pool, name);
        return NULL;
    }

    variable = ngx_palloc(pool, sizeof(ngx_http_notify_variable_t));
    if (variable == NULL) {
        *reason = "not enough memory";
        return NULL;
    }

    variable->def = def;
    variable->name.data = rest.data + def->name.len;
    variable->name.len = rest.len - def->name.len;

    if (def->get == ngx_http_notify_variable_subscription
        && ngx_http_notify_variable_secret(&variable->name))
    {
        *reason = "a secret cannot be a variable";
        return NULL;
    }

    if ((def->flags & NGX_HTTP_NOTIFY_VARIABLE_PATH)
        && ngx_http_notify_variable_path_check(&variable->name) != NGX_OK)
    {
        *reason = "a path into the data must be at most "
                  "32 names or indexes, separated by dots";
        return NULL;
    }

    return variable;
}


static const ngx_http_notify_variable_def_t *
ngx_http_notify_variable_lookup(const ngx_str_t *name)
{
    ngx_uint_t                             prefix;
    const ngx_http_notify_variable_def_t  *def;

    for (def = ngx_http_notify_variables; def->name.len; def++) {
        prefix = !!(def->flags & NGX_HTTP_NOTIFY_VARIABLE_PREFIX);

        if (ngx_http_notify_text_starts_nocase(name, (char *) def->name.data)
            && (name->len > def->name.len) == prefix)
        {
            return def;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_notify_variable_secret(const ngx_str_t *name)
{
    static const ngx_str_t  secret = ngx_string("secret");
    static const ngx_str_t  secrets = ngx_string("secrets");

    return ngx_http_notify_text_same_name(name, &secret)
           || ngx_http_notify_text_same_name(name, &secrets);
}


static const char *
ngx_http_notify_variable_unknown(ngx_pool_t *pool, const ngx_str_t *name)
{
    u_char  *p;

    p = ngx_pnalloc(pool, sizeof("unknown variable \"$\", only $notify_... "
                                 "of a delivery can stand here") + name->len);
    if (p == NULL) {
        return "not enough memory";
    }

    *ngx_sprintf(p, "unknown variable \"$%V\", only $notify_... "
                 "of a delivery can stand here", name) = '\0';

    return (const char *) p;
}


ngx_int_t
ngx_http_notify_variable_value(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    ngx_str_null(&value->text);
    ngx_str_null(&value->whole);
    value->json = 0;

    return variable->def->get(pool, variable, context, value);
}


ngx_uint_t
ngx_http_notify_variable_constant(const ngx_http_notify_variable_t *variable)
{
    return !!(variable->def->flags & NGX_HTTP_NOTIFY_VARIABLE_CONSTANT);
}


/* what is constant is of a subscription, which a publish does not know */

ngx_uint_t
ngx_http_notify_variable_published(const ngx_http_notify_variable_t *variable)
{
    return !(variable->def->flags & (NGX_HTTP_NOTIFY_VARIABLE_CONSTANT
                                     |NGX_HTTP_NOTIFY_VARIABLE_BODY
                                     |NGX_HTTP_NOTIFY_VARIABLE_LATER));
}


ngx_uint_t
ngx_http_notify_variable_eventful(const ngx_http_notify_variable_t *variable)
{
    return !(variable->def->flags & (NGX_HTTP_NOTIFY_VARIABLE_CONSTANT
                                     |NGX_HTTP_NOTIFY_VARIABLE_CALL));
}


const ngx_str_t *
ngx_http_notify_variable_attribute_name(
    const ngx_http_notify_variable_t *variable)
{
    return variable->def->get == ngx_http_notify_variable_attribute
           ? &variable->name : NULL;
}


const ngx_str_t *
ngx_http_notify_variable_setting_name(
    const ngx_http_notify_variable_t *variable)
{
    return variable->def->get == ngx_http_notify_variable_setting
           ? &variable->name : NULL;
}


ngx_uint_t
ngx_http_notify_variable_body(const ngx_http_notify_variable_t *variable)
{
    return !!(variable->def->flags & NGX_HTTP_NOTIFY_VARIABLE_BODY);
}


static ngx_int_t
ngx_http_notify_variable_event_text(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    value->text = *(ngx_str_t *) ((u_char *) context->event
                                  + variable->def->offset);
    return NGX_OK;
}


/* an entity id, 3 or "A4": a number keeps its type, a string becomes text */

static ngx_int_t
ngx_http_notify_variable_entity(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    ngx_str_t  *id;

    id = (ngx_str_t *) ((u_char *) context->event + variable->def->offset);

    if (id->len == 0) {
        return NGX_OK;
    }

    if (ngx_http_notify_json_kind(id) == NGX_HTTP_NOTIFY_JSON_STRING) {
        return ngx_http_notify_variable_path_text(pool, id, &value->text);
    }

    if (ngx_http_notify_json_kind(id) == NGX_HTTP_NOTIFY_JSON_NULL) {
        return NGX_OK;
    }

    value->text = *id;
    value->json = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_event_id(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    u_char  *p;

    p = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_ID_EVENT_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->text.data = p;
    value->text.len = ngx_http_notify_id_event(p, &context->event->id) - p;

    return NGX_OK;
}


/* the publisher's own; an event without one is named by its id */

static ngx_int_t
ngx_http_notify_variable_event_uid(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    if (context->event->uid.len == 0) {
        return ngx_http_notify_variable_event_id(pool, variable, context,
                                                 value);
    }

    value->text = context->event->uid;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_event_time(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    u_char  *p;

    p = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_ID_TIME_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->text.data = p;
    value->text.len = ngx_http_notify_id_time(p, context->event->time) - p;

    return NGX_OK;
}


/* "document" of "document.validation"; a type without a dot has no object */

static ngx_int_t
ngx_http_notify_variable_object_type(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    u_char           *dot;
    const ngx_str_t  *type;

    type = &context->event->type;

    dot = ngx_strlchr(type->data, type->data + type->len, '.');
    if (dot != NULL) {
        value->text.data = type->data;
        value->text.len = dot - type->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_action(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    u_char           *dot;
    const ngx_str_t  *type;

    type = &context->event->type;
    value->text = *type;

    dot = ngx_strlchr(type->data, type->data + type->len, '.');
    if (dot != NULL) {
        value->text.data = dot + 1;
        value->text.len = type->data + type->len - (dot + 1);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_channel(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    value->text = *context->channel;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_data(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    value->text = context->event->data;
    value->json = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_inside(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    return ngx_http_notify_variable_path_value(pool, &variable->name,
                                               &context->event->data, value);
}


static ngx_int_t
ngx_http_notify_variable_attribute(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    ngx_keyval_t  *attribute;

    attribute = ngx_http_notify_text_find_same_name(&variable->name,
                                                 context->event->attributes,
                                                 context->event->nattributes,
                                                 sizeof(ngx_keyval_t));
    if (attribute) {
        value->text = attribute->value;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_document(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    if (context->subscription != NULL) {
        value->text = *(ngx_str_t *) ((u_char *) context->subscription
                                      + variable->def->offset);
    }

    return NGX_OK;
}


/* a member of the document, else an attribute, else one of the metadata */

static ngx_int_t
ngx_http_notify_variable_subscription(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    ngx_int_t                              rc;
    ngx_keyval_t                          *attribute;
    const ngx_http_notify_subscription_t  *subscription;

    subscription = context->subscription;

    if (subscription == NULL) {
        return NGX_OK;
    }

    if (subscription->document != NULL) {
        rc = ngx_http_notify_variable_member(pool, subscription->document,
                                             &variable->name, value);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    attribute = ngx_http_notify_text_find_same_name(&variable->name,
                                                    subscription->attributes,
                                                    subscription->nattributes,
                                                    sizeof(ngx_keyval_t));
    if (attribute) {
        value->text = attribute->value;
        return NGX_OK;
    }

    return ngx_http_notify_variable_below(pool, variable, subscription,
                                          "metadata", value);
}


static ngx_int_t
ngx_http_notify_variable_attempt(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    return ngx_http_notify_variable_number(pool, (int64_t) context->attempt,
                                           value);
}


static ngx_int_t
ngx_http_notify_variable_timestamp(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    return ngx_http_notify_variable_number(pool, (int64_t) context->timestamp,
                                           value);
}


/* always JSON: every kind of payload is */

static ngx_int_t
ngx_http_notify_variable_payload(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    value->text = context->payload;
    value->json = 1;

    return NGX_OK;
}


/* those that the subscription of a target carries */

static ngx_int_t
ngx_http_notify_variable_setting(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    return ngx_http_notify_variable_below(pool, variable,
                                          context->subscription, "settings",
                                          value);
}


/* a member of an object in the document, or nothing */

static ngx_int_t
ngx_http_notify_variable_below(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_subscription_t *subscription, const char *object,
    ngx_http_notify_value_t *value)
{
    ngx_int_t                      rc;
    const ngx_http_notify_json_t  *json;

    json = NULL;

    if (subscription && subscription->document) {
        json = ngx_http_notify_json_get(subscription->document, object);
    }

    if (json == NULL
        || ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_OBJECT)
    {
        return NGX_OK;
    }

    rc = ngx_http_notify_variable_member(pool, json, &variable->name, value);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* the content, where the session has asked for it; else it is absent */

static ngx_int_t
ngx_http_notify_variable_asked(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    return ngx_http_notify_variable_session_flag(context->event, "payload")
           ? ngx_http_notify_variable_data(pool, variable, context, value)
           : NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_kept(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value)
{
    value->text = ngx_http_notify_variable_session(context->event,
                                                   &variable->name);
    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_variable_number(ngx_pool_t *pool, int64_t n,
    ngx_http_notify_value_t *value)
{
    if (ngx_http_notify_memory_printf(pool, &value->text, "%L", n) != NGX_OK) {
        return NGX_ERROR;
    }

    value->json = 1;

    return NGX_OK;
}
