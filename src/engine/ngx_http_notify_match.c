
/*
 * A hash table of lists of subscribers.  A tenant and a pattern have a head:
 * its list has the subscribers that want all such events.  A subscriber that
 * wants only those with one value in a dimension (the entity type, an
 * attribute, a path of the filter) is in a list of that value, and the head
 * knows in which dimensions there are lists.  Keys are hashes alone: the test
 * sorts out collisions.
 *
 * The target of a channel and its providers belong to all tenants: their lists
 * are under a name that no tenant can have.
 */

#include "ngx_http_notify_match.h"
#include "ngx_http_notify_match_table.h"
#include "ngx_http_notify_selector.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_MATCH_ATTRIBUTES  4     /* that are looked up */
#define NGX_HTTP_NOTIFY_MATCH_PATHS       8     /* of filters, of a channel */
#define NGX_HTTP_NOTIFY_MATCH_KEYS        4     /* of a filter */

/* dimensions; what is open hangs on the head */
#define NGX_HTTP_NOTIFY_MATCH_OPEN        0
#define NGX_HTTP_NOTIFY_MATCH_ENTITY      1
#define NGX_HTTP_NOTIFY_MATCH_ATTRIBUTE   2
#define NGX_HTTP_NOTIFY_MATCH_PATH                                            \
    (NGX_HTTP_NOTIFY_MATCH_ATTRIBUTE + NGX_HTTP_NOTIFY_MATCH_ATTRIBUTES)
#define NGX_HTTP_NOTIFY_MATCH_DIMENSIONS                                      \
    (NGX_HTTP_NOTIFY_MATCH_PATH + NGX_HTTP_NOTIFY_MATCH_PATHS)


struct ngx_http_notify_match_link_s {
    ngx_queue_t                     queue;
    ngx_http_notify_match_node_t   *node;
    ngx_http_notify_match_node_t   *head;
    ngx_http_notify_subscriber_t   *subscriber;
    ngx_uint_t                      dimension;
};


typedef struct {
    ngx_http_notify_filter_t       *key;
    ngx_uint_t                      refs;
} ngx_http_notify_match_path_t;


struct ngx_http_notify_match_s {
    ngx_http_notify_match_table_t   table;
    ngx_http_notify_match_path_t    paths[NGX_HTTP_NOTIFY_MATCH_PATHS];
    ngx_http_notify_channel_t      *channel;
    ngx_log_t                      *log;
    uint64_t                        serial;
};


/* what an event, or a subscription, has in each dimension */

typedef struct {
    uint32_t                        known;      /* a bit for each dimension */
    uint32_t                        there;
    uint32_t                        hash[NGX_HTTP_NOTIFY_MATCH_DIMENSIONS];
} ngx_http_notify_match_values_t;


typedef struct {
    ngx_http_notify_match_t        *match;
    ngx_http_notify_event_t        *event;
    ngx_http_notify_match_values_t  values;
    ngx_http_notify_match_pt        handler;
    void                           *data;
    ngx_uint_t                      n;
} ngx_http_notify_match_walk_t;


static void ngx_http_notify_match_wants(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s, ngx_http_notify_match_values_t *values);
static ngx_int_t ngx_http_notify_match_path(ngx_http_notify_match_t *match,
    const ngx_http_notify_filter_t *key);
static void ngx_http_notify_match_tidy(ngx_http_notify_match_t *match);
static ngx_int_t ngx_http_notify_match_insert(ngx_http_notify_match_t *match,
    ngx_http_notify_match_link_t *link, uint32_t hash,
    const ngx_http_notify_match_values_t *values);
static void ngx_http_notify_match_has(ngx_http_notify_match_walk_t *walk,
    ngx_uint_t dimension);
static void ngx_http_notify_match_head(ngx_http_notify_match_walk_t *walk,
    const ngx_str_t *tenant, const ngx_str_t *pattern);
static void ngx_http_notify_match_links(ngx_http_notify_match_walk_t *walk,
    ngx_http_notify_match_node_t *node);


static const ngx_str_t  ngx_http_notify_match_all = ngx_string("\1");


ngx_http_notify_match_t *
ngx_http_notify_match_create(ngx_http_notify_channel_t *channel, ngx_log_t *log)
{
    ngx_http_notify_match_t  *match;

    match = ngx_calloc(sizeof(ngx_http_notify_match_t), log);
    if (match == NULL) {
        return NULL;
    }

    match->channel = channel;
    match->log = log;

    if (ngx_http_notify_match_table_init(&match->table, log) != NGX_OK) {
        ngx_free(match);
        return NULL;
    }

    return match;
}


void
ngx_http_notify_match_destroy(ngx_http_notify_match_t *match)
{
    ngx_uint_t  i;

    ngx_http_notify_match_table_free(&match->table);

    for (i = 0; i < NGX_HTTP_NOTIFY_MATCH_PATHS; i++) {
        if (match->paths[i].key) {
            ngx_free(match->paths[i].key);
        }
    }

    ngx_free(match);
}


ngx_int_t
ngx_http_notify_match_add(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s)
{
    ngx_int_t                        rc;
    uint32_t                         tenant;
    ngx_uint_t                       i;
    ngx_http_notify_match_link_t    *link;
    ngx_http_notify_match_values_t   values;
    ngx_http_notify_subscription_t  *doc;

    doc = s->doc;

    s->nlinks = 0;
    s->links = ngx_pcalloc(doc->pool,
                       doc->nevents * sizeof(ngx_http_notify_match_link_t));
    if (s->links == NULL) {
        return NGX_ERROR;
    }

    tenant = ngx_http_notify_match_table_text(doc->internal
                                        ? &ngx_http_notify_match_all
                                        : &doc->tenant);

    ngx_http_notify_match_wants(match, s, &values);

    rc = NGX_OK;

    for (i = 0; i < doc->nevents; i++) {

        link = &s->links[s->nlinks];
        link->subscriber = s;

        rc = ngx_http_notify_match_insert(match, link,
                ngx_http_notify_match_table_mix(tenant,
                             ngx_http_notify_match_table_text(&doc->events[i])),
                &values);

        if (rc != NGX_OK) {
            ngx_http_notify_match_remove(match, s);
            break;
        }

        s->nlinks++;
    }

    ngx_http_notify_match_tidy(match);

    return rc;
}


void
ngx_http_notify_match_remove(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                     i;
    ngx_http_notify_match_link_t  *link;

    for (i = 0; i < s->nlinks; i++) {
        link = &s->links[i];

        ngx_queue_remove(&link->queue);
        link->node->n--;

        if (link->dimension >= NGX_HTTP_NOTIFY_MATCH_PATH) {
            match->paths[link->dimension - NGX_HTTP_NOTIFY_MATCH_PATH].refs--;
        }

        ngx_http_notify_match_table_unref(&match->table, link->node);
        ngx_http_notify_match_table_unref(&match->table, link->head);
    }

    s->nlinks = 0;

    ngx_http_notify_match_tidy(match);
}


/* on the shortest of the lists where it belongs */

static ngx_int_t
ngx_http_notify_match_insert(ngx_http_notify_match_t *match,
    ngx_http_notify_match_link_t *link, uint32_t hash,
    const ngx_http_notify_match_values_t *values)
{
    uint32_t                       list, shortest;
    ngx_uint_t                     i, n, least, dimension;
    ngx_http_notify_match_node_t  *node;

    dimension = NGX_HTTP_NOTIFY_MATCH_OPEN;
    shortest = hash;
    least = NGX_MAX_INT_T_VALUE;

    for (i = NGX_HTTP_NOTIFY_MATCH_DIMENSIONS - 1; i > 0 && least; i--) {

        if (!(values->there & (1u << i))) {
            continue;
        }

        list = ngx_http_notify_match_table_mix(hash + i, values->hash[i]);

        node = ngx_http_notify_match_table_find(&match->table, list);
        n = node ? node->n : 0;

        if (n < least) {
            least = n;
            shortest = list;
            dimension = i;
        }
    }

    link->dimension = dimension;

    link->head = ngx_http_notify_match_table_get(&match->table, hash);
    if (link->head == NULL) {
        return NGX_ERROR;
    }

    link->node = ngx_http_notify_match_table_get(&match->table, shortest);
    if (link->node == NULL) {
        ngx_http_notify_match_table_unref(&match->table, link->head);
        return NGX_ERROR;
    }

    link->head->dimensions |= 1u << dimension;

    link->node->n++;
    ngx_queue_insert_tail(&link->node->links, &link->queue);

    if (dimension >= NGX_HTTP_NOTIFY_MATCH_PATH) {
        match->paths[dimension - NGX_HTTP_NOTIFY_MATCH_PATH].refs++;
    }

    return NGX_OK;
}


/* where it wants one value only, and which */

static void
ngx_http_notify_match_wants(ngx_http_notify_match_t *match,
    ngx_http_notify_subscriber_t *s, ngx_http_notify_match_values_t *values)
{
    ngx_int_t                                   i;
    ngx_uint_t                                  n;
    ngx_keyval_t                               *value;
    const ngx_http_notify_filter_t             *key;
    ngx_http_notify_subscription_t             *doc;
    const ngx_http_notify_channel_attribute_t  *attribute;

    doc = s->doc;
    values->there = 0;

    if (doc->internal) {
        return;
    }

    if (doc->entity_type_id.len) {
        values->hash[NGX_HTTP_NOTIFY_MATCH_ENTITY] =
                        ngx_http_notify_match_table_text(&doc->entity_type_id);
        values->there |= 1u << NGX_HTTP_NOTIFY_MATCH_ENTITY;
    }

    n = match->channel->attributes ? match->channel->attributes->nelts : 0;
    attribute = n ? match->channel->attributes->elts : NULL;

    for (i = 0; i < (ngx_int_t) n && i < NGX_HTTP_NOTIFY_MATCH_ATTRIBUTES;
         i++)
    {
        value = ngx_http_notify_text_find(&attribute[i].name, doc->attributes,
                                          doc->nattributes,
                                          sizeof(ngx_keyval_t));
        if (value) {
            values->hash[NGX_HTTP_NOTIFY_MATCH_ATTRIBUTE + i] =
                              ngx_http_notify_match_table_text(&value->value);
            values->there |= 1u << (NGX_HTTP_NOTIFY_MATCH_ATTRIBUTE + i);
        }
    }

    for (n = 0; s->filter && n < NGX_HTTP_NOTIFY_MATCH_KEYS; n++) {

        key = ngx_http_notify_filter_key(s->filter, n);
        if (key == NULL) {
            break;
        }

        i = ngx_http_notify_match_path(match, key);

        if (i != NGX_DECLINED) {
            i += NGX_HTTP_NOTIFY_MATCH_PATH;
            values->hash[i] = ngx_http_notify_filter_key_hash(key);
            values->there |= 1u << i;
        }
    }
}


/* its number; NGX_DECLINED: there are too many, or no memory */

static ngx_int_t
ngx_http_notify_match_path(ngx_http_notify_match_t *match,
    const ngx_http_notify_filter_t *key)
{
    ngx_uint_t                     i;
    ngx_http_notify_match_path_t  *path, *vacant;

    vacant = NULL;

    for (i = 0; i < NGX_HTTP_NOTIFY_MATCH_PATHS; i++) {
        path = &match->paths[i];

        if (path->key == NULL) {
            vacant = vacant ? vacant : path;

        } else if (ngx_http_notify_filter_key_same(path->key, key)) {
            return i;
        }
    }

    if (vacant) {
        vacant->key = ngx_http_notify_filter_key_copy(key, match->log);
    }

    return vacant && vacant->key ? vacant - match->paths : NGX_DECLINED;
}


static void
ngx_http_notify_match_tidy(ngx_http_notify_match_t *match)
{
    ngx_uint_t                     i;
    ngx_http_notify_match_path_t  *path;

    for (i = 0; i < NGX_HTTP_NOTIFY_MATCH_PATHS; i++) {
        path = &match->paths[i];

        if (path->key && path->refs == 0) {
            ngx_free(path->key);
            path->key = NULL;
        }
    }
}


ngx_uint_t
ngx_http_notify_match_each(ngx_http_notify_match_t *match,
    ngx_http_notify_event_t *event, ngx_http_notify_match_pt handler,
    void *data)
{
    u_char                         pattern[NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX
                                           + 2];
    size_t                         i;
    ngx_str_t                      p;
    ngx_http_notify_match_walk_t   walk;

    match->serial++;

    walk.match = match;
    walk.event = event;
    walk.values.known = 0;
    walk.values.there = 0;
    walk.handler = handler;
    walk.data = data;
    walk.n = 0;

    ngx_http_notify_match_head(&walk, &event->tenant, &event->type);

    p.data = pattern;

    for (i = 0; i < event->type.len && i < NGX_HTTP_NOTIFY_CHANNEL_NAME_MAX;
         i++)
    {
        pattern[i] = event->type.data[i];

        if (pattern[i] == '.') {
            p.len = i + 2;
            pattern[i + 1] = '*';

            ngx_http_notify_match_head(&walk, &event->tenant, &p);
        }
    }

    ngx_str_set(&p, "*");

    ngx_http_notify_match_head(&walk, &event->tenant, &p);

    if (match->channel->settings || match->channel->providers) {
        ngx_http_notify_match_head(&walk, &ngx_http_notify_match_all, &p);
    }

    return walk.n;
}


static void
ngx_http_notify_match_head(ngx_http_notify_match_walk_t *walk,
    const ngx_str_t *tenant, const ngx_str_t *pattern)
{
    uint32_t                       hash, dimensions;
    ngx_uint_t                     i;
    ngx_http_notify_match_node_t  *head, *list;

    hash = ngx_http_notify_match_table_mix(
                                    ngx_http_notify_match_table_text(tenant),
                                    ngx_http_notify_match_table_text(pattern));

    head = ngx_http_notify_match_table_find(&walk->match->table, hash);
    if (head == NULL) {
        return;
    }

    dimensions = head->dimensions;

    ngx_http_notify_match_links(walk, head);

    for (i = 1; dimensions >> i; i++) {

        if (!(dimensions & (1u << i))) {
            continue;
        }

        if (!(walk->values.known & (1u << i))) {
            ngx_http_notify_match_has(walk, i);
        }

        if (!(walk->values.there & (1u << i))) {
            continue;
        }

        list = ngx_http_notify_match_table_find(&walk->match->table,
                       ngx_http_notify_match_table_mix(hash + i,
                                                 walk->values.hash[i]));
        if (list) {
            ngx_http_notify_match_links(walk, list);
        }
    }
}


/* what the event has in that dimension */

static void
ngx_http_notify_match_has(ngx_http_notify_match_walk_t *walk,
    ngx_uint_t dimension)
{
    uint32_t                                   *hash;
    ngx_int_t                                   rc;
    ngx_keyval_t                               *value;
    ngx_http_notify_event_t                    *event;
    ngx_http_notify_match_path_t               *path;
    const ngx_http_notify_channel_attribute_t  *attribute;

    rc = NGX_DECLINED;
    event = walk->event;
    hash = &walk->values.hash[dimension];

    if (dimension >= NGX_HTTP_NOTIFY_MATCH_PATH) {
        path = &walk->match->paths[dimension - NGX_HTTP_NOTIFY_MATCH_PATH];

        if (path->key) {
            rc = ngx_http_notify_filter_key_find(path->key, event, hash);
        }

    } else if (dimension >= NGX_HTTP_NOTIFY_MATCH_ATTRIBUTE) {
        attribute = walk->match->channel->attributes->elts;
        attribute += dimension - NGX_HTTP_NOTIFY_MATCH_ATTRIBUTE;

        value = ngx_http_notify_text_find(&attribute->name, event->attributes,
                                          event->nattributes,
                                          sizeof(ngx_keyval_t));
        if (value) {
            *hash = ngx_http_notify_match_table_text(&value->value);
            rc = NGX_OK;
        }

    } else if (event->entity_type_id.len) {
        *hash = ngx_http_notify_match_table_text(&event->entity_type_id);
        rc = NGX_OK;
    }

    walk->values.known |= 1u << dimension;

    if (rc == NGX_OK) {
        walk->values.there |= 1u << dimension;
    }
}


static void
ngx_http_notify_match_links(ngx_http_notify_match_walk_t *walk,
    ngx_http_notify_match_node_t *node)
{
    ngx_queue_t                   *q;
    ngx_http_notify_match_link_t  *link;
    ngx_http_notify_subscriber_t  *s;

    for (q = ngx_queue_head(&node->links);
         q != ngx_queue_sentinel(&node->links);
         q = ngx_queue_next(q))
    {
        link = ngx_queue_data(q, ngx_http_notify_match_link_t, queue);
        s = link->subscriber;

        if (s->seen == walk->match->serial) {
            continue;
        }

        s->seen = walk->match->serial;
        walk->n++;

        if (ngx_http_notify_selector_match(s->doc, s->filter, walk->event)) {
            walk->handler(s, walk->event, walk->data);
        }
    }
}
