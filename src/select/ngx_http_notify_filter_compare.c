/*
 * What an event has, against a value of a filter.
 */

#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_text.h"


static ngx_uint_t ngx_http_notify_filter_contains(
    const ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_equal_members(
    const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value);
static ngx_uint_t ngx_http_notify_filter_order(
    const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value, ngx_int_t *order);


ngx_uint_t
ngx_http_notify_filter_compare(ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item)
{
    ngx_int_t  order;
    ngx_str_t  rest;

    if (node->op == NGX_HTTP_NOTIFY_FILTER_CONTAINS) {
        return ngx_http_notify_filter_contains(node, item);
    }

    if (node->op == NGX_HTTP_NOTIFY_FILTER_SUFFIX) {
        return ngx_http_notify_filter_search(node, item);
    }

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


/* an element of an array, or a piece of a text */

static ngx_uint_t
ngx_http_notify_filter_contains(const ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item)
{
    ngx_str_t                      name, value;
    ngx_http_notify_json_iter_t    it;
    ngx_http_notify_filter_item_t  element;

    if (item->kind != NGX_HTTP_NOTIFY_JSON_ARRAY) {
        return node->back && ngx_http_notify_filter_search(node, item);
    }

    ngx_http_notify_json_iter(&it, &item->text);

    while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

        ngx_memzero(&element, sizeof(ngx_http_notify_filter_item_t));
        ngx_http_notify_filter_json(&element, &value);

        if (ngx_http_notify_filter_equal(&element, &node->value)) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
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
