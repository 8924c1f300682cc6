
/*
 * Index nodes live as long as something hangs on them.  A node's key is
 * "tenant NUL pattern NUL value"; subscribers that leave the first attribute
 * open hang on the node without the value.  The target of a channel, and its
 * providers, belong to all tenants: they hang on one that cannot be a tenant's
 * name.
 */

#include "ngx_http_notify_match.h"


#define NGX_HTTP_NOTIFY_MATCH_KEY    1024
#define NGX_HTTP_NOTIFY_MATCH_VALUE  256     /* longer ones are not indexed */


typedef struct {
    ngx_str_node_t                  sn;
    ngx_queue_t                     links;
} ngx_http_notify_match_node_t;


struct ngx_http_notify_match_link_s {
    ngx_queue_t                     queue;
    ngx_http_notify_match_node_t   *node;
    ngx_http_notify_subscriber_t   *subscriber;
};


struct ngx_http_notify_match_s {
    ngx_rbtree_t                    rbtree;
    ngx_rbtree_node_t               sentinel;
    ngx_http_notify_channel_t      *channel;
    ngx_log_t                      *log;
    uint64_t                        serial;
};


typedef struct {
    u_char                          data[NGX_HTTP_NOTIFY_MATCH_KEY];
    ngx_str_t                       text;
} ngx_http_notify_match_key_t;


static ngx_int_t ngx_http_notify_match_key(ngx_http_notify_match_key_t *key,
    const ngx_str_t *tenant, const ngx_str_t *pattern, const ngx_str_t *value);
static ngx_http_notify_match_node_t *ngx_http_notify_match_find(
    ngx_http_notify_match_t *match, ngx_str_t *key);
static void ngx_http_notify_match_node(ngx_http_notify_match_t *match,
    const ngx_str_t *tenant, const ngx_str_t *pattern, const ngx_str_t *value,
    ngx_http_notify_event_t *event, ngx_http_notify_match_pt handler,
    void *data);
static const ngx_str_t *ngx_http_notify_match_value(
    ngx_http_notify_channel_t *channel, const ngx_keyval_t *attributes,
    ngx_uint_t n);
static ngx_uint_t ngx_http_notify_match_same(const ngx_str_t *a,
    const ngx_str_t *b);
static ngx_uint_t ngx_http_notify_match_pattern(const ngx_str_t *pattern,
    const ngx_str_t *type);


static const ngx_str_t  ngx_http_notify_match_all = ngx_string("\1");


ngx_http_notify_match_t *
ngx_http_notify_match_create(ngx_http_notify_channel_t *channel, ngx_log_t *log)
{
    ngx_http_notify_match_t  *match;

    match = ngx_calloc(sizeof(ngx_http_notify_match_t), log);
    if (match == NULL) {
        return NULL;
    }

    ngx_rbtree_init(&match->rbtree, &match->sentinel,
                    ngx_str_rbtree_insert_value);

    match->channel = channel;
    match->log = log;

    return match;
}


void
ngx_http_notify_match_destroy(ngx_http_notify_match_t *match)
{
    ngx_rbtree_node_t  *node;

    while (match->rbtree.root != &match->sentinel) {
        node = ngx_rbtree_min(match->rbtree.root, &match->sentinel);
        ngx_rbtree_delete(&match->rbtree, node);
        ngx_free(node);
    }

    ngx_free(match);
}


ngx_int_t
ngx_http_notify_match_add(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s)
{
    size_t                            len;
    ngx_uint_t                        i;
    const ngx_str_t                  *value;
    ngx_http_notify_match_key_t       key;
    ngx_http_notify_match_node_t     *node;
    ngx_http_notify_match_link_t     *link;
    ngx_http_notify_subscription_t   *doc;

    doc = s->doc;

    s->nlinks = 0;
    s->links = ngx_pcalloc(doc->pool,
                       doc->nevents * sizeof(ngx_http_notify_match_link_t));
    if (s->links == NULL) {
        return NGX_ERROR;
    }

    value = ngx_http_notify_match_value(match->channel, doc->attributes,
                                        doc->nattributes);

    for (i = 0; i < doc->nevents; i++) {

        if (ngx_http_notify_match_key(&key, doc->internal
                                                ? &ngx_http_notify_match_all
                                                : &doc->tenant,
                                      &doc->events[i], value)
            != NGX_OK)
        {
            continue;
        }

        node = ngx_http_notify_match_find(match, &key.text);

        if (node == NULL) {
            len = sizeof(ngx_http_notify_match_node_t) + key.text.len;

            node = ngx_alloc(len, match->log);
            if (node == NULL) {
                ngx_http_notify_match_remove(match, s);
                return NGX_ERROR;
            }

            node->sn.str.len = key.text.len;
            node->sn.str.data = (u_char *) node
                                + sizeof(ngx_http_notify_match_node_t);
            ngx_memcpy(node->sn.str.data, key.data, key.text.len);

            node->sn.node.key = ngx_crc32_short(key.data, key.text.len);
            ngx_queue_init(&node->links);

            ngx_rbtree_insert(&match->rbtree, &node->sn.node);
        }

        link = &s->links[s->nlinks++];
        link->node = node;
        link->subscriber = s;
        ngx_queue_insert_tail(&node->links, &link->queue);
    }

    return NGX_OK;
}


void
ngx_http_notify_match_remove(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                     i;
    ngx_http_notify_match_node_t  *node;

    for (i = 0; i < s->nlinks; i++) {
        node = s->links[i].node;

        ngx_queue_remove(&s->links[i].queue);

        if (ngx_queue_empty(&node->links)) {
            ngx_rbtree_delete(&match->rbtree, &node->sn.node);
            ngx_free(node);
        }
    }

    s->nlinks = 0;
}


void
ngx_http_notify_match_each(ngx_http_notify_match_t *match,
    ngx_http_notify_event_t *event, ngx_http_notify_match_pt handler,
    void *data)
{
    u_char            pattern[NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX + 2];
    size_t            i;
    ngx_str_t         p, none;
    const ngx_str_t  *value, *tenant;

    match->serial++;

    ngx_str_null(&none);

    tenant = &event->tenant;
    value = ngx_http_notify_match_value(match->channel, event->attributes,
                                        event->nattributes);

    ngx_http_notify_match_node(match, tenant, &event->type, value, event,
                               handler, data);
    if (value->len) {
        ngx_http_notify_match_node(match, tenant, &event->type, &none, event,
                                   handler, data);
    }

    p.data = pattern;

    for (i = 0; i < event->type.len && i < NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX;
         i++)
    {
        pattern[i] = event->type.data[i];

        if (pattern[i] != '.') {
            continue;
        }

        p.len = i + 2;
        pattern[i + 1] = '*';

        ngx_http_notify_match_node(match, tenant, &p, value, event, handler,
                                   data);
        if (value->len) {
            ngx_http_notify_match_node(match, tenant, &p, &none, event,
                                       handler, data);
        }
    }

    ngx_str_set(&p, "*");

    ngx_http_notify_match_node(match, tenant, &p, value, event, handler, data);
    if (value->len) {
        ngx_http_notify_match_node(match, tenant, &p, &none, event, handler,
                                   data);
    }

    if (match->channel->settings || match->channel->providers) {
        ngx_http_notify_match_node(match, &ngx_http_notify_match_all, &p,
                                   &none, event, handler, data);
    }
}


ngx_uint_t
ngx_http_notify_match_test(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event)
{
    ngx_uint_t                       i, j;
    ngx_http_notify_subscription_t  *doc;

    doc = s->doc;

    if (doc->provider.len && event->session_id.len == 0) {
        return 0;
    }

    if (!doc->internal
        && !ngx_http_notify_match_same(&doc->tenant, &event->tenant))
    {
        return 0;
    }

    for (i = 0; i < doc->nevents; i++) {
        if (ngx_http_notify_match_pattern(&doc->events[i], &event->type)) {
            break;
        }
    }

    if (i == doc->nevents) {
        return 0;
    }

    if (doc->entity_type_id.len
        && !ngx_http_notify_match_same(&doc->entity_type_id,
                                       &event->entity_type_id))
    {
        return 0;
    }

    for (i = 0; i < doc->nattributes; i++) {

        for (j = 0; j < event->nattributes; j++) {
            if (ngx_http_notify_match_same(&doc->attributes[i].key,
                                           &event->attributes[j].key))
            {
                break;
            }
        }

        if (j == event->nattributes
            || !ngx_http_notify_match_same(&doc->attributes[i].value,
                                           &event->attributes[j].value))
        {
            return 0;
        }
    }

    return s->filter == NULL || ngx_http_notify_filter_test(s->filter, event);
}


/* absent ones have no data */

static ngx_uint_t
ngx_http_notify_match_same(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


static ngx_uint_t
ngx_http_notify_match_pattern(const ngx_str_t *pattern, const ngx_str_t *type)
{
    size_t  len;

    len = pattern->len;

    if (len && pattern->data[len - 1] == '*') {

        /* "*" leaves out the operator's own events */

        if (len == 1) {
            return type->len < 7
                   || ngx_strncmp(type->data, "notify.", 7) != 0;
        }

        return type->len >= len
               && ngx_memcmp(pattern->data, type->data, len - 1) == 0;
    }

    return len == type->len && ngx_memcmp(pattern->data, type->data, len) == 0;
}


static ngx_int_t
ngx_http_notify_match_key(ngx_http_notify_match_key_t *key,
    const ngx_str_t *tenant, const ngx_str_t *pattern, const ngx_str_t *value)
{
    u_char  *p;

    if (tenant->len + pattern->len + value->len + 2
        > NGX_HTTP_NOTIFY_MATCH_KEY)
    {
        return NGX_DECLINED;
    }

    p = key->data;

    /* the default tenant and an absent value have no data */

    if (tenant->len) {
        p = ngx_cpymem(p, tenant->data, tenant->len);
    }

    *p++ = '\0';
    p = ngx_cpymem(p, pattern->data, pattern->len);
    *p++ = '\0';

    if (value->len) {
        p = ngx_cpymem(p, value->data, value->len);
    }

    key->text.data = key->data;
    key->text.len = p - key->data;

    return NGX_OK;
}


static ngx_http_notify_match_node_t *
ngx_http_notify_match_find(ngx_http_notify_match_t *match, ngx_str_t *key)
{
    return (ngx_http_notify_match_node_t *)
               ngx_str_rbtree_lookup(&match->rbtree, key,
                                     ngx_crc32_short(key->data, key->len));
}


static void
ngx_http_notify_match_node(ngx_http_notify_match_t *match,
    const ngx_str_t *tenant, const ngx_str_t *pattern, const ngx_str_t *value,
    ngx_http_notify_event_t *event, ngx_http_notify_match_pt handler,
    void *data)
{
    ngx_queue_t                   *q;
    ngx_http_notify_match_key_t    key;
    ngx_http_notify_match_link_t  *link;
    ngx_http_notify_match_node_t  *node;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_match_key(&key, tenant, pattern, value) != NGX_OK)
    {
        return;
    }

    node = ngx_http_notify_match_find(match, &key.text);
    if (node == NULL) {
        return;
    }

    for (q = ngx_queue_head(&node->links);
         q != ngx_queue_sentinel(&node->links);
         q = ngx_queue_next(q))
    {
        link = ngx_queue_data(q, ngx_http_notify_match_link_t, queue);
        s = link->subscriber;

        if (s->seen == match->serial) {
            continue;
        }

        s->seen = match->serial;

        if (ngx_http_notify_match_test(s, event)) {
            handler(s, event, data);
        }
    }
}


/* the value of the attribute that the index goes by */

static const ngx_str_t *
ngx_http_notify_match_value(ngx_http_notify_channel_t *channel,
    const ngx_keyval_t *attributes, ngx_uint_t n)
{
    ngx_uint_t                                  i;
    const ngx_http_notify_channel_attribute_t  *first;

    static const ngx_str_t  none = ngx_null_string;

    if (channel->attributes == NULL || channel->attributes->nelts == 0) {
        return &none;
    }

    first = channel->attributes->elts;

    for (i = 0; i < n; i++) {
        if (attributes[i].key.len == first->name.len
            && ngx_memcmp(attributes[i].key.data, first->name.data,
                          first->name.len)
               == 0)
        {
            return attributes[i].value.len <= NGX_HTTP_NOTIFY_MATCH_VALUE
                   ? &attributes[i].value : &none;
        }
    }

    return &none;
}
