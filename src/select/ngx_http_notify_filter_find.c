/*
 * What an event has where a path leads: slices of its text.
 */

#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_text.h"


static void ngx_http_notify_filter_attribute(
    ngx_http_notify_filter_item_t *item, const ngx_str_t *name,
    const ngx_http_notify_event_t *event);
static void ngx_http_notify_filter_word(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *text);
static void ngx_http_notify_filter_object(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *type);
static void ngx_http_notify_filter_plain(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *text);


void
ngx_http_notify_filter_find(const ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_event_t *event,
    u_char buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN],
    ngx_http_notify_filter_item_t *item)
{
    ngx_uint_t  i;

    ngx_http_notify_filter_root(path, event, buf, item);

    for (i = 0; i < path->nsteps; i++) {
        ngx_http_notify_filter_step(item, &path->steps[i]);
    }
}


/* where a path begins */

void
ngx_http_notify_filter_root(const ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_event_t *event,
    u_char buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN],
    ngx_http_notify_filter_item_t *item)
{
    ngx_str_t  text;

    ngx_memzero(item, sizeof(ngx_http_notify_filter_item_t));

    switch (path->member) {

    case NGX_HTTP_NOTIFY_FILTER_ATTRIBUTE:
        ngx_http_notify_filter_attribute(item, &path->name, event);
        break;

    case NGX_HTTP_NOTIFY_FILTER_TYPE:
        ngx_http_notify_filter_plain(item, &event->type);
        break;

    case NGX_HTTP_NOTIFY_FILTER_ENTITY_TYPE:
        ngx_http_notify_filter_json(item, &event->entity_type_id);
        break;

    case NGX_HTTP_NOTIFY_FILTER_ENTITY:
        ngx_http_notify_filter_json(item, &event->entity_id);
        break;

    case NGX_HTTP_NOTIFY_FILTER_DATA:
        ngx_http_notify_filter_json(item, &event->data);
        break;

    case NGX_HTTP_NOTIFY_FILTER_ID:
        text.data = buf;
        text.len = ngx_http_notify_id_event(buf, &event->id) - buf;
        ngx_http_notify_filter_plain(item, &text);
        break;

    case NGX_HTTP_NOTIFY_FILTER_TIME:

        /* its operands are compiled to the same */

        item->kind = NGX_HTTP_NOTIFY_JSON_NUMBER;
        item->numeric = 1;
        item->number.data = buf;
        item->number.len = ngx_sprintf(buf, "%uL", event->time) - buf;
        break;

    case NGX_HTTP_NOTIFY_FILTER_OBJECT:
        ngx_http_notify_filter_object(item, &event->type);
        break;

    case NGX_HTTP_NOTIFY_FILTER_SESSION:
        ngx_http_notify_filter_word(item, &event->session_id);
        break;

    case NGX_HTTP_NOTIFY_FILTER_CUSTOMER:
        ngx_http_notify_filter_word(item, &event->customer_id);
        break;

    case NGX_HTTP_NOTIFY_FILTER_CONVERSATION:
        ngx_http_notify_filter_word(item, &event->conversation_id);
        break;

    case NGX_HTTP_NOTIFY_FILTER_UID:
        ngx_http_notify_filter_word(item, &event->uid);
        break;
    }
}


static void
ngx_http_notify_filter_attribute(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *name, const ngx_http_notify_event_t *event)
{
    ngx_keyval_t  *attribute;

    attribute = ngx_http_notify_text_find_nocase(name, event->attributes,
                                                 event->nattributes,
                                                 sizeof(ngx_keyval_t));
    if (attribute) {
        ngx_http_notify_filter_word(item, &attribute->value);
    }
}


/* text, whatever it was published as: {"size":5} */

static void
ngx_http_notify_filter_word(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *text)
{
    ngx_str_t                     value;
    ngx_http_notify_json_error_t  error;

    ngx_http_notify_filter_plain(item, text);

    if (ngx_http_notify_json_kind(&item->text) == NGX_HTTP_NOTIFY_JSON_NUMBER
        && ngx_http_notify_json_scan(&item->text, &value, &error) == NGX_OK
        && value.len == item->text.len)
    {
        item->number = item->text;
        item->numeric = 1;
    }
}


/* what stands before the first dot */

static void
ngx_http_notify_filter_object(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *type)
{
    u_char     *p;
    ngx_str_t   object;

    p = ngx_strlchr(type->data, type->data + type->len, '.');

    if (p != NULL) {
        object.data = type->data;
        object.len = p - type->data;

        ngx_http_notify_filter_plain(item, &object);
    }
}


void
ngx_http_notify_filter_step(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *step)
{
    ngx_int_t                     index, i;
    ngx_str_t                     name, value, rest, array;
    ngx_http_notify_json_kind_e   kind;
    ngx_http_notify_json_iter_t   it;

    array = item->text;
    kind = item->kind;
    index = -1;

    item->kind = NGX_HTTP_NOTIFY_JSON_NONE;
    item->numeric = 0;

    if (kind == NGX_HTTP_NOTIFY_JSON_ARRAY) {

        index = ngx_atoi(step->data, step->len);

        if (index == NGX_ERROR || (step->len > 1 && step->data[0] == '0')) {
            return;
        }

    } else if (kind != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return;
    }

    ngx_http_notify_json_iter(&it, &array);

    for (i = 0; ngx_http_notify_json_next(&it, &name, &value) == NGX_OK; i++) {

        if (kind == NGX_HTTP_NOTIFY_JSON_OBJECT) {

            rest = *step;

            if (ngx_http_notify_filter_order_json(name.data,
                                                  name.data + name.len, &rest)
                != 0)
            {
                continue;
            }

        } else if (i != index) {
            continue;
        }

        ngx_http_notify_filter_json(item, &value);
        return;
    }
}


void
ngx_http_notify_filter_json(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *json)
{
    item->text = *json;
    item->kind = ngx_http_notify_json_kind(json);
    item->numeric = (item->kind == NGX_HTTP_NOTIFY_JSON_NUMBER);
    item->number = *json;
}


static void
ngx_http_notify_filter_plain(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *text)
{
    item->text = *text;
    item->plain = 1;

    if (text->len) {
        item->kind = NGX_HTTP_NOTIFY_JSON_STRING;
    }
}
