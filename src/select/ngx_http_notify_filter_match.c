/*
 * Judges an event by a compiled filter: walks slices of the event's text,
 * copies and allocates nothing.  Recursion is bounded by the filter's depth.
 * Must not rely on what is in the event: Redis may hold anything.
 */

#include "ngx_http_notify_filter_internal.h"


static ngx_uint_t ngx_http_notify_filter_node(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_all(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_field(ngx_http_notify_filter_t *node,
    const ngx_http_notify_event_t *event);
static ngx_uint_t ngx_http_notify_filter_some(
    const ngx_http_notify_filter_path_t *path, ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_any(
    const ngx_http_notify_filter_path_t *path, ngx_uint_t i,
    ngx_http_notify_filter_t *node, ngx_http_notify_filter_t *opposite,
    const ngx_http_notify_filter_item_t *from);
static ngx_uint_t ngx_http_notify_filter_one(ngx_http_notify_filter_t *node,
    ngx_http_notify_filter_t *opposite,
    const ngx_http_notify_filter_item_t *item);
static ngx_uint_t ngx_http_notify_filter_negative(
    const ngx_http_notify_filter_t *node);


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

    if (node->path.each) {
        ngx_http_notify_filter_root(&node->path, event, buf, &item);

        return ngx_http_notify_filter_some(&node->path, node, &item);
    }

    ngx_http_notify_filter_find(&node->path, event, buf, &item);

    return ngx_http_notify_filter_all(node, event, &item);
}


/*
 * A path through arrays leads to any number of values.  One of them has to
 * fulfil all that is said of it, and none the opposite of $ne and the like.
 */

static ngx_uint_t
ngx_http_notify_filter_some(const ngx_http_notify_filter_path_t *path,
    ngx_http_notify_filter_t *node, const ngx_http_notify_filter_item_t *item)
{
    ngx_uint_t                 positive;
    ngx_http_notify_filter_t  *child;

    positive = 0;

    for (child = node->children; child; child = child->next) {

        if (child->op == NGX_HTTP_NOTIFY_FILTER_NOT) {

            if (ngx_http_notify_filter_some(path, child, item)) {
                return 0;
            }

        } else if (!ngx_http_notify_filter_negative(child)) {
            positive = 1;

        } else if (ngx_http_notify_filter_any(path, 0, node, child, item)) {
            return 0;
        }
    }

    return !positive || ngx_http_notify_filter_any(path, 0, node, NULL, item);
}


/* recursion as deep as a path is long */

static ngx_uint_t
ngx_http_notify_filter_any(const ngx_http_notify_filter_path_t *path,
    ngx_uint_t i, ngx_http_notify_filter_t *node,
    ngx_http_notify_filter_t *opposite,
    const ngx_http_notify_filter_item_t *from)
{
    ngx_str_t                      name, value;
    ngx_http_notify_json_iter_t    it;
    ngx_http_notify_filter_item_t  item, element;

    item = *from;

    for ( /* void */ ; i < path->nsteps; i++) {

        if (!(path->each & ((uint32_t) 1 << i))
            || item.kind != NGX_HTTP_NOTIFY_JSON_ARRAY)
        {
            ngx_http_notify_filter_step(&item, &path->steps[i]);
            continue;
        }

        ngx_http_notify_json_iter(&it, &item.text);

        while (ngx_http_notify_json_next(&it, &name, &value) == NGX_OK) {

            ngx_memzero(&element, sizeof(ngx_http_notify_filter_item_t));
            ngx_http_notify_filter_json(&element, &value);

            if (ngx_http_notify_filter_any(path, i + 1, node, opposite,
                                           &element))
            {
                return 1;
            }
        }

        return 0;
    }

    return ngx_http_notify_filter_one(node, opposite, &item);
}


static ngx_uint_t
ngx_http_notify_filter_one(ngx_http_notify_filter_t *node,
    ngx_http_notify_filter_t *opposite,
    const ngx_http_notify_filter_item_t *item)
{
    ngx_http_notify_filter_t  *child;

    if (opposite) {
        return !ngx_http_notify_filter_node(opposite, NULL, item);
    }

    for (child = node->children; child; child = child->next) {

        if (child->op != NGX_HTTP_NOTIFY_FILTER_NOT
            && !ngx_http_notify_filter_negative(child)
            && !ngx_http_notify_filter_node(child, NULL, item))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_uint_t
ngx_http_notify_filter_negative(const ngx_http_notify_filter_t *node)
{
    return node->op == NGX_HTTP_NOTIFY_FILTER_NE
           || node->op == NGX_HTTP_NOTIFY_FILTER_NIN
           || (node->op == NGX_HTTP_NOTIFY_FILTER_EXISTS
               && node->value.kind == NGX_HTTP_NOTIFY_JSON_FALSE);
}
