/*
 * Judges an event by a compiled filter: walks slices of the event's text,
 * copies and allocates nothing.  Recursion is bounded by the filter's depth.
 * Must not rely on what is in the event: Redis may hold anything.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_json_scan.h"
#include "ngx_http_notify_text.h"


static ngx_uint_t ngx_http_notify_filter_node(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_all(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_compare(
    ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_field(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event);
static void ngx_http_notify_filter_attribute(
    ngx_http_notify_filter_item_t *item, const ngx_str_t *name,
    const ngx_http_notify_event_t *event);
static void ngx_http_notify_filter_word(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *text);
static void ngx_http_notify_filter_object(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *type);
static void ngx_http_notify_filter_step(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *step);
static void ngx_http_notify_filter_json(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *json);
static void ngx_http_notify_filter_plain(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *text);
static ngx_uint_t ngx_http_notify_filter_equal(
    const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value);
static ngx_uint_t ngx_http_notify_filter_equal_members(
    const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value);
static ngx_uint_t ngx_http_notify_filter_order(
    const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value, ngx_int_t *order);
static ngx_int_t ngx_http_notify_filter_order_text(
    const ngx_http_notify_filter_item_t *item, ngx_str_t *rest);
static ngx_int_t ngx_http_notify_filter_order_json(u_char *p, u_char *last,
    ngx_str_t *rest);
static ngx_int_t ngx_http_notify_filter_order_bytes(u_char *p, size_t len,
    ngx_str_t *rest);
static ngx_int_t ngx_http_notify_filter_order_char(uint32_t c,
    ngx_str_t *rest);


ngx_uint_t
ngx_http_notify_filter_match(ngx_http_notify_filter_t *filter,
    const ngx_http_notify_event_t *event)
{
    ngx_http_notify_filter_item_t  item;

    ngx_memzero(&item, sizeof(ngx_http_notify_filter_item_t));

    return ngx_http_notify_filter_node(filter, event, &item);
}


static ngx_uint_t
ngx_http_notify_filter_node(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_filter_item_t *item)
{
    ngx_uint_t                 i;
    ngx_http_notify_filter_t  *child;

    switch (node->op) {

    case NGX_HTTP_NOTIFY_FILTER_AND:
        return ngx_http_notify_filter_all(node, event, item);

    case NGX_HTTP_NOTIFY_FILTER_OR:

        for (child = node->children; child; child = child->next) {
            if (ngx_http_notify_filter_node(child, event, item)) {
                return 1;
            }
        }

        return 0;

    case NGX_HTTP_NOTIFY_FILTER_NOT:
        return !ngx_http_notify_filter_all(node, event, item);

    case NGX_HTTP_NOTIFY_FILTER_FIELD:
        return ngx_http_notify_filter_field(node, event);

    case NGX_HTTP_NOTIFY_FILTER_EQ:
    case NGX_HTTP_NOTIFY_FILTER_NE:
        return ngx_http_notify_filter_equal(item, &node->value)
               == (node->op == NGX_HTTP_NOTIFY_FILTER_EQ);

    case NGX_HTTP_NOTIFY_FILTER_IN:
    case NGX_HTTP_NOTIFY_FILTER_NIN:

        for (i = 0; i < node->value.n; i++) {
            if (ngx_http_notify_filter_equal(item, &node->value.elts[i])) {
                return node->op == NGX_HTTP_NOTIFY_FILTER_IN;
            }
        }

        return node->op == NGX_HTTP_NOTIFY_FILTER_NIN;

    case NGX_HTTP_NOTIFY_FILTER_EXISTS:
        return (item->kind != NGX_HTTP_NOTIFY_JSON_NONE)
               == (node->value.kind == NGX_HTTP_NOTIFY_JSON_TRUE);

    default:
        return ngx_http_notify_filter_compare(node, item);
    }
}


static ngx_uint_t
ngx_http_notify_filter_compare(ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item)
{
    ngx_int_t  order;
    ngx_str_t  rest;

    if (node->op == NGX_HTTP_NOTIFY_FILTER_PREFIX) {

        if (item->kind != NGX_HTTP_NOTIFY_JSON_STRING) {
            return 0;
        }

        rest = node->value.text;
        (void) ngx_http_notify_filter_order_text(item, &rest);

        return rest.len == 0;
    }

    if (!ngx_http_notify_filter_order(item, &node->value, &order)) {
        return 0;
    }

    switch (node->op) {

    case NGX_HTTP_NOTIFY_FILTER_GT:
        return order > 0;

    case NGX_HTTP_NOTIFY_FILTER_GTE:
        return order >= 0;

    case NGX_HTTP_NOTIFY_FILTER_LT:
        return order < 0;

    default: /* NGX_HTTP_NOTIFY_FILTER_LTE */
        return order <= 0;
    }
}


static ngx_uint_t
ngx_http_notify_filter_all(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_filter_item_t *item)
{
    ngx_http_notify_filter_t  *child;

    for (child = node->children; child; child = child->next) {
        if (!ngx_http_notify_filter_node(child, event, item)) {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_notify_filter_field(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event)
{
    u_char                         buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN];
    ngx_http_notify_filter_item_t  item;

    ngx_http_notify_filter_find(&node->path, event, buf, &item);

    return ngx_http_notify_filter_all(node, event, &item);
}


void
ngx_http_notify_filter_find(const ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_event_t *event,
    u_char buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN],
    ngx_http_notify_filter_item_t *item)
{
    ngx_str_t   text;
    ngx_uint_t  i;

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

    for (i = 0; i < path->nsteps; i++) {
        ngx_http_notify_filter_step(item, &path->steps[i]);
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


/* one member of an object, or element of an array; absent otherwise */

static void
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


static void
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


static ngx_uint_t
ngx_http_notify_filter_equal(const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value)
{
    ngx_int_t  order;

    switch (value->kind) {

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
    case NGX_HTTP_NOTIFY_JSON_STRING:
        return ngx_http_notify_filter_order(item, value, &order)
               && order == 0;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        return item->kind == value->kind
               && ngx_http_notify_filter_equal_members(item, value);

    case NGX_HTTP_NOTIFY_JSON_TRUE:
        return item->kind == NGX_HTTP_NOTIFY_JSON_TRUE
               || (item->plain && ngx_http_notify_text_is(&item->text, "true"));

    case NGX_HTTP_NOTIFY_JSON_FALSE:
        return item->kind == NGX_HTTP_NOTIFY_JSON_FALSE
               || (item->plain
                   && ngx_http_notify_text_is(&item->text, "false"));

    default: /* NGX_HTTP_NOTIFY_JSON_NULL */
        return item->kind == value->kind;
    }
}


/* one pass over the event's text, however many members there are in it */

static ngx_uint_t
ngx_http_notify_filter_equal_members(const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value)
{
    ngx_str_t                        name, json, rest;
    ngx_uint_t                       i, n;
    ngx_http_notify_json_iter_t      it;
    ngx_http_notify_filter_item_t    member;

    ngx_http_notify_json_iter(&it, &item->text);

    for (n = 0; ngx_http_notify_json_next(&it, &name, &json) == NGX_OK; n++) {

        if (n == value->n) {
            return 0;
        }

        i = n;

        if (value->kind == NGX_HTTP_NOTIFY_JSON_OBJECT) {

            for (i = 0; i < value->n; i++) {
                rest = value->elts[i].name;

                if (ngx_http_notify_filter_order_json(name.data,
                                                      name.data + name.len,
                                                      &rest)
                    == 0)
                {
                    break;
                }
            }

            if (i == value->n) {
                return 0;
            }
        }

        ngx_memzero(&member, sizeof(ngx_http_notify_filter_item_t));
        ngx_http_notify_filter_json(&member, &json);

        if (!ngx_http_notify_filter_equal(&member, &value->elts[i])) {
            return 0;
        }
    }

    return n == value->n;
}


/* 0: they have no order, being of different kinds */

static ngx_uint_t
ngx_http_notify_filter_order(const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value, ngx_int_t *order)
{
    ngx_str_t  rest;

    if (value->kind == NGX_HTTP_NOTIFY_JSON_STRING) {

        if (item->kind != NGX_HTTP_NOTIFY_JSON_STRING) {
            return 0;
        }

        rest = value->text;
        *order = ngx_http_notify_filter_order_text(item, &rest);

        return 1;
    }

    if (!item->numeric) {
        return 0;
    }

    *order = ngx_http_notify_json_number_compare(&item->number, &value->text);

    return 1;
}


/*
 * The order of a string and the rest, by code points, which is that of the
 * bytes.  What was found equal is taken from the rest: when nothing of it is
 * left, the string begins with it.
 */

static ngx_int_t
ngx_http_notify_filter_order_text(const ngx_http_notify_filter_item_t *item,
    ngx_str_t *rest)
{
    ngx_int_t  order;

    if (!item->plain) {

        if (item->text.len < 2) {
            return -1;
        }

        return ngx_http_notify_filter_order_json(item->text.data + 1,
                                item->text.data + item->text.len - 1, rest);
    }

    order = ngx_http_notify_filter_order_bytes(item->text.data,
                                               item->text.len, rest);

    return (order == 0 && rest->len) ? -1 : order;
}


/* p and last within the quotes of a string that may have escapes */

static ngx_int_t
ngx_http_notify_filter_order_json(u_char *p, u_char *last, ngx_str_t *rest)
{
    u_char     *slash;
    uint32_t    c;
    ngx_int_t   order;

    for ( ;; ) {

        slash = (p < last) ? memchr(p, '\\', last - p) : NULL;

        order = ngx_http_notify_filter_order_bytes(p,
                                            (slash ? slash : last) - p, rest);

        if (order != 0) {
            return order;
        }

        if (slash == NULL) {
            return rest->len ? -1 : 0;
        }

        p = ngx_http_notify_json_escape(slash, last, &c);

        if (p == NULL) {
            return -1;
        }

        order = ngx_http_notify_filter_order_char(c, rest);

        if (order != 0) {
            return order;
        }
    }
}


static ngx_int_t
ngx_http_notify_filter_order_bytes(u_char *p, size_t len, ngx_str_t *rest)
{
    size_t     n;
    ngx_int_t  order;

    n = ngx_min(len, rest->len);

    order = n ? ngx_memcmp(p, rest->data, n) : 0;

    if (order != 0) {
        return order;
    }

    rest->data += n;
    rest->len -= n;

    return len > n;
}


static ngx_int_t
ngx_http_notify_filter_order_char(uint32_t c, ngx_str_t *rest)
{
    u_char    *p;
    uint32_t   expected;

    if (rest->len == 0) {
        return 1;
    }

    p = rest->data;

    expected = (*p < 0x80) ? *p++ : ngx_utf8_decode(&p, rest->len);

    if (c != expected) {
        return c < expected ? -1 : 1;
    }

    rest->len -= p - rest->data;
    rest->data = p;

    return 0;
}
