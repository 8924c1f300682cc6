/*
 * CloudEvents 1.0: the context attributes of an event, written as members of a
 * JSON object or as ce-... headers.  Everything lives in the given pool.  Must
 * not know of profiles.
 */

#include "ngx_http_notify_cloudevents.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_CLOUDEVENTS_SOURCE  "nginx-notify"


static ngx_int_t ngx_http_notify_cloudevents_attributes(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_array_t *attributes);
static ngx_int_t ngx_http_notify_cloudevents_entity(ngx_pool_t *pool,
    ngx_array_t *attributes, const char *name, const ngx_str_t *id);
static ngx_int_t ngx_http_notify_cloudevents_extension(ngx_pool_t *pool,
    ngx_array_t *attributes, const ngx_keyval_t *attribute);
static ngx_int_t ngx_http_notify_cloudevents_add(ngx_array_t *attributes,
    const char *name, const ngx_str_t *value);
static ngx_int_t ngx_http_notify_cloudevents_source(ngx_pool_t *pool,
    const ngx_str_t *tenant, ngx_str_t *source);
static ngx_uint_t ngx_http_notify_cloudevents_plain(u_char c);
static ngx_int_t ngx_http_notify_cloudevents_percent(ngx_pool_t *pool,
    ngx_str_t *text);


ngx_int_t
ngx_http_notify_cloudevents_body(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_str_t *body)
{
    u_char        *p;
    size_t         len;
    ngx_str_t      data;
    ngx_uint_t     i;
    ngx_array_t    attributes;
    ngx_keyval_t  *attribute;

    if (ngx_array_init(&attributes, pool, 8 + event->nattributes,
                       sizeof(ngx_keyval_t))
        != NGX_OK
        || ngx_http_notify_cloudevents_attributes(pool, event, &attributes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    data = event->data;

    if (data.len == 0) {
        ngx_str_set(&data, "null");
    }

    len = sizeof("{\"datacontenttype\":\"application/json\",\"data\":}") - 1
          + data.len;

    attribute = attributes.elts;

    for (i = 0; i < attributes.nelts; i++) {
        len += sizeof("\"\":\"\",") - 1 + attribute[i].key.len
               + ngx_http_notify_json_escaped_len(&attribute[i].value);
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = len;

    *p++ = '{';

    for (i = 0; i < attributes.nelts; i++) {
        *p++ = '"';
        p = ngx_cpymem(p, attribute[i].key.data, attribute[i].key.len);
        *p++ = '"'; *p++ = ':'; *p++ = '"';
        p = ngx_http_notify_json_put_escaped(p, &attribute[i].value);
        *p++ = '"'; *p++ = ',';
    }

    p = ngx_cpymem(p, "\"datacontenttype\":\"application/json\",\"data\":",
                   sizeof("\"datacontenttype\":\"application/json\",\"data\":")
                   - 1);
    p = ngx_cpymem(p, data.data, data.len);
    *p = '}';

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_cloudevents_headers(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_array_t *headers)
{
    u_char        *p;
    ngx_uint_t     i;
    ngx_array_t    attributes;
    ngx_keyval_t  *attribute, *header;

    if (ngx_array_init(&attributes, pool, 8 + event->nattributes,
                       sizeof(ngx_keyval_t))
        != NGX_OK
        || ngx_http_notify_cloudevents_attributes(pool, event, &attributes)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    attribute = attributes.elts;

    for (i = 0; i < attributes.nelts; i++) {

        header = ngx_array_push(headers);
        if (header == NULL) {
            return NGX_ERROR;
        }

        p = ngx_pnalloc(pool, sizeof("ce-") - 1 + attribute[i].key.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        header->key.data = p;
        header->key.len = sizeof("ce-") - 1 + attribute[i].key.len;

        p = ngx_cpymem(p, "ce-", sizeof("ce-") - 1);
        ngx_memcpy(p, attribute[i].key.data, attribute[i].key.len);

        header->value = attribute[i].value;

        if (ngx_http_notify_cloudevents_percent(pool, &header->value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_cloudevents_attributes(ngx_pool_t *pool,
    const ngx_http_notify_event_t *event, ngx_array_t *attributes)
{
    u_char      *p;
    ngx_str_t    version, id, source, time;
    ngx_uint_t   i;

    ngx_str_set(&version, "1.0");

    p = ngx_pnalloc(pool, NGX_HTTP_NOTIFY_ID_EVENT_LEN
                          + NGX_HTTP_NOTIFY_ID_TIME_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    id.data = p;
    p = ngx_http_notify_id_event(p, &event->id);
    id.len = p - id.data;

    time.data = p;
    time.len = ngx_http_notify_id_time(p, event->time) - p;

    if (ngx_http_notify_cloudevents_source(pool, &event->tenant, &source)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_notify_cloudevents_add(attributes, "specversion", &version)
        != NGX_OK
        || ngx_http_notify_cloudevents_add(attributes, "id", &id) != NGX_OK
        || ngx_http_notify_cloudevents_add(attributes, "source", &source)
           != NGX_OK
        || ngx_http_notify_cloudevents_add(attributes, "type", &event->type)
           != NGX_OK
        || ngx_http_notify_cloudevents_add(attributes, "time", &time)
           != NGX_OK
        || ngx_http_notify_cloudevents_entity(pool, attributes, "subject",
                                              &event->entity_id)
           != NGX_OK
        || ngx_http_notify_cloudevents_entity(pool, attributes, "entitytypeid",
                                              &event->entity_type_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < event->nattributes; i++) {
        if (ngx_http_notify_cloudevents_extension(pool, attributes,
                                                  &event->attributes[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* ids are strings here: an Integer of CloudEvents has 32 bits */

static ngx_int_t
ngx_http_notify_cloudevents_entity(ngx_pool_t *pool, ngx_array_t *attributes,
    const char *name, const ngx_str_t *id)
{
    ngx_str_t  text;

    switch (id->len ? ngx_http_notify_json_kind(id)
                    : NGX_HTTP_NOTIFY_JSON_NULL)
    {
    case NGX_HTTP_NOTIFY_JSON_NULL:
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        if (ngx_http_notify_json_text(pool, id, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        break;

    default:
        text = *id;
    }

    return ngx_http_notify_cloudevents_add(attributes, name, &text);
}


/* names of extensions have lower-case letters and digits only */

static ngx_int_t
ngx_http_notify_cloudevents_extension(ngx_pool_t *pool,
    ngx_array_t *attributes, const ngx_keyval_t *attribute)
{
    u_char  *name, *p, c;
    size_t   i;

    name = ngx_pnalloc(pool, attribute->key.len + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    p = name;

    for (i = 0; i < attribute->key.len; i++) {
        c = ngx_tolower(attribute->key.data[i]);

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            *p++ = c;
        }
    }

    *p = '\0';

    if (p == name
        || ngx_strcmp(name, "data") == 0
        || ngx_strcmp(name, "dataschema") == 0
        || ngx_strcmp(name, "datacontenttype") == 0)
    {
        return NGX_OK;
    }

    return ngx_http_notify_cloudevents_add(attributes, (const char *) name,
                                           &attribute->value);
}


/* the first of two with one name stays; an empty value is no attribute */

static ngx_int_t
ngx_http_notify_cloudevents_add(ngx_array_t *attributes, const char *name,
    const ngx_str_t *value)
{
    ngx_str_t      key;
    ngx_keyval_t  *attribute;

    key = ngx_http_notify_text(name);

    if (value->len == 0 || ngx_http_notify_text_find_array(&key, attributes)) {
        return NGX_OK;
    }

    attribute = ngx_array_push(attributes);
    if (attribute == NULL) {
        return NGX_ERROR;
    }

    attribute->key = key;
    attribute->value = *value;

    return NGX_OK;
}


/* a relative URI reference: who made the event, and for which tenant */

static ngx_int_t
ngx_http_notify_cloudevents_source(ngx_pool_t *pool, const ngx_str_t *tenant,
    ngx_str_t *source)
{
    u_char  *p;
    size_t   len;

    ngx_str_set(source, NGX_HTTP_NOTIFY_CLOUDEVENTS_SOURCE);

    if (tenant->len == 0) {
        return NGX_OK;
    }

    len = source->len + sizeof("/") - 1 + tenant->len
          + 2 * ngx_escape_uri(NULL, tenant->data, tenant->len,
                               NGX_ESCAPE_URI_COMPONENT);

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, source->data, source->len);
    p[source->len] = '/';

    (void) ngx_escape_uri(p + source->len + 1, tenant->data, tenant->len,
                          NGX_ESCAPE_URI_COMPONENT);

    source->data = p;
    source->len = len;

    return NGX_OK;
}


/* HTTP binding, 3.1.3.2 */

static ngx_uint_t
ngx_http_notify_cloudevents_plain(u_char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '%';
}


static ngx_int_t
ngx_http_notify_cloudevents_percent(ngx_pool_t *pool, ngx_str_t *text)
{
    u_char      *p, *data;
    size_t       i;
    ngx_uint_t   n;

    static const u_char  hex[] = "0123456789ABCDEF";

    n = 0;

    for (i = 0; i < text->len; i++) {
        n += !ngx_http_notify_cloudevents_plain(text->data[i]);
    }

    if (n == 0) {
        return NGX_OK;
    }

    data = ngx_pnalloc(pool, text->len + 2 * n);
    if (data == NULL) {
        return NGX_ERROR;
    }

    p = data;

    for (i = 0; i < text->len; i++) {

        if (ngx_http_notify_cloudevents_plain(text->data[i])) {
            *p++ = text->data[i];
            continue;
        }

        *p++ = '%';
        *p++ = hex[text->data[i] >> 4];
        *p++ = hex[text->data[i] & 0xf];
    }

    text->data = data;
    text->len = p - data;

    return NGX_OK;
}
