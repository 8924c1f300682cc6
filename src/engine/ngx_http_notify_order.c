
/*
 * A line is known by a hash of its value: two values that share one wait for
 * each other, which is no fault.  Its ids in the retry set, of which there are
 * few (NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY), are in the order of the log.  A few
 * that wait only for calls under way are parked here, and never reach it.
 */

#include "ngx_http_notify_order.h"


#define NGX_HTTP_NOTIFY_ORDER_PARKED  8     /* of a line */


typedef struct {
    ngx_rbtree_node_t           node;
    ngx_queue_t                 link;       /* of those with calls */
    ngx_uint_t                    line;
    ngx_uint_t                  active;
    ngx_http_notify_id_t       *ids;
    ngx_http_notify_id_t        doubt;      /* is it there? */
    ngx_uint_t                  n;
    ngx_uint_t                  size;
    ngx_queue_t                 parked;     /* in the order of the log */
    ngx_uint_t                  nparked;
    ngx_queue_t                 ready_link; /* of those whose parked may go */
    ngx_uint_t                  ready;      /* unsigned  ready:1; */
} ngx_http_notify_order_one_t;


struct ngx_http_notify_order_s {
    ngx_rbtree_t                tree;
    ngx_rbtree_node_t           sentinel;
    ngx_queue_t                 active;
    ngx_queue_t                 ready;
    ngx_uint_t                  parked;
    ngx_http_notify_template_t *key;        /* that these are by */
    ngx_http_notify_id_t        last;       /* that was read */
    ngx_uint_t                  known;      /* unsigned  known:1; */
};


static struct ngx_http_notify_order_s *ngx_http_notify_order_get(
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_order_anew(struct ngx_http_notify_order_s *order,
    ngx_http_notify_template_t *key);
static ngx_http_notify_order_one_t *ngx_http_notify_order_find(
    ngx_http_notify_subscriber_t *s, ngx_uint_t line);
static ngx_http_notify_order_one_t *ngx_http_notify_order_make(
    ngx_http_notify_subscriber_t *s, ngx_uint_t line);
static void ngx_http_notify_order_rest(ngx_http_notify_order_one_t *one);
static void ngx_http_notify_order_drop(struct ngx_http_notify_order_s *order,
    ngx_http_notify_order_one_t *one);
static ngx_uint_t ngx_http_notify_order_place(
    const ngx_http_notify_order_one_t *one, const ngx_http_notify_id_t *id);


ngx_int_t
ngx_http_notify_order_line(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_event_t *event, ngx_uint_t *line)
{
    ngx_int_t                          rc;
    ngx_str_t                          text;
    ngx_pool_t                        *pool;
    ngx_http_notify_payload_context_t  context;

    *line = 0;

    if (s->profile == NULL || s->profile->order == NULL) {
        return NGX_OK;
    }

    pool = ngx_create_pool(512, s->lease->feed->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&context, sizeof(ngx_http_notify_payload_context_t));

    context.event = event;
    context.subscription = s->doc;
    context.channel = &s->lease->feed->channel->name;
    context.attempt = 1;

    rc = ngx_http_notify_payload_text(pool, s->profile->order, &context,
                                      &text);

    if (rc == NGX_OK && text.len) {
        *line = ngx_murmur_hash2(text.data, text.len) & 0x7fffffff;
        *line += (*line == 0);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_uint_t
ngx_http_notify_order_known(ngx_http_notify_subscriber_t *s)
{
    struct ngx_http_notify_order_s  *order;

    if (s->profile == NULL || s->profile->order == NULL) {
        return 1;
    }

    order = ngx_http_notify_order_get(s);
    if (order == NULL) {
        return 0;
    }

    if (!order->known && s->nretry == 0 && s->due == 0 && !s->fetching) {
        order->known = 1;
    }

    return order->known;
}


void
ngx_http_notify_order_load(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_resp_t *pairs)
{
    ngx_int_t                        line;
    ngx_uint_t                       i;
    ngx_http_notify_id_t             id;
    struct ngx_http_notify_order_s  *order;

    order = ngx_http_notify_order_get(s);
    if (order == NULL) {
        return;
    }

    for (i = 0; i + 1 < pairs->nelts; i += 2) {

        line = ngx_hextoi(pairs->elts[i + 1]->str.data,
                          pairs->elts[i + 1]->str.len);

        if (line == NGX_ERROR
            || ngx_http_notify_id_parse(&pairs->elts[i]->str, &id) != NGX_OK)
        {
            continue;
        }

        if (ngx_http_notify_order_store(s, (ngx_uint_t) line, &id) != NGX_OK) {
            return;
        }

        if (ngx_http_notify_id_compare(&order->last, &id) < 0) {
            order->last = id;
        }
    }

    order->known = 1;
}


ngx_uint_t
ngx_http_notify_order_again(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    return s->profile != NULL && s->profile->order != NULL && s->order != NULL
           && ngx_http_notify_id_compare(id, &s->order->last) <= 0;
}


ngx_int_t
ngx_http_notify_order_begin(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_make(s, line);
    if (one == NULL) {
        return NGX_ERROR;
    }

    if (one->active++ == 0) {
        ngx_queue_insert_tail(&s->order->active, &one->link);
    }

    ngx_http_notify_order_rest(one);

    return NGX_OK;
}


void
ngx_http_notify_order_end(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    if (one != NULL && one->active && --one->active == 0) {
        ngx_queue_remove(&one->link);

        if (one->nparked) {
            one->ready = 1;
            ngx_queue_insert_tail(&s->order->ready, &one->ready_link);
        }

        ngx_http_notify_order_drop(s->order, one);
    }
}


ngx_uint_t
ngx_http_notify_order_parks(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    return one != NULL && one->n == 0
           && one->nparked < NGX_HTTP_NOTIFY_ORDER_PARKED
           && s->order->parked < s->limit / 2;
}


void
ngx_http_notify_order_park(ngx_http_notify_subscriber_t *s, ngx_uint_t line,
    ngx_queue_t *link)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    ngx_queue_insert_tail(&one->parked, link);

    one->nparked++;
    s->order->parked++;
}


void
ngx_http_notify_order_unpark(ngx_http_notify_subscriber_t *s, ngx_uint_t line,
    ngx_queue_t *link)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    ngx_queue_remove(link);

    one->nparked--;
    s->order->parked--;

    if (one->nparked == 0) {
        ngx_http_notify_order_rest(one);
    }

    ngx_http_notify_order_drop(s->order, one);
}


ngx_queue_t *
ngx_http_notify_order_ready(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_order_one_t  *one;

    if (s->order == NULL || ngx_queue_empty(&s->order->ready)) {
        return NULL;
    }

    one = ngx_queue_data(ngx_queue_head(&s->order->ready),
                         ngx_http_notify_order_one_t, ready_link);

    return ngx_queue_head(&one->parked);
}


/* none of its parked may go now */

static void
ngx_http_notify_order_rest(ngx_http_notify_order_one_t *one)
{
    if (one->ready) {
        one->ready = 0;
        ngx_queue_remove(&one->ready_link);
    }
}


ngx_int_t
ngx_http_notify_order_store(ngx_http_notify_subscriber_t *s, ngx_uint_t line,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t                    i, size;
    ngx_http_notify_id_t         *ids;
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_make(s, line);
    if (one == NULL) {
        return NGX_ERROR;
    }

    i = ngx_http_notify_order_place(one, id);

    if (i < one->n && ngx_http_notify_id_compare(&one->ids[i], id) == 0) {
        return NGX_OK;
    }

    if (one->n == one->size) {
        size = one->size ? 2 * one->size : 4;

        ids = ngx_alloc(size * sizeof(ngx_http_notify_id_t),
                        s->lease->feed->log);
        if (ids == NULL) {
            ngx_http_notify_order_drop(s->order, one);
            return NGX_ERROR;
        }

        if (one->ids != NULL) {
            ngx_memcpy(ids, one->ids, one->n * sizeof(ngx_http_notify_id_t));
            ngx_free(one->ids);
        }

        one->ids = ids;
        one->size = size;
    }

    ngx_memmove(&one->ids[i + 1], &one->ids[i],
                (one->n - i) * sizeof(ngx_http_notify_id_t));

    one->ids[i] = *id;
    one->n++;

    return NGX_OK;
}


void
ngx_http_notify_order_forget(ngx_http_notify_subscriber_t *s, ngx_uint_t line,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t                    i;
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);
    if (one == NULL) {
        return;
    }

    i = ngx_http_notify_order_place(one, id);

    if (i == one->n || ngx_http_notify_id_compare(&one->ids[i], id) != 0) {
        return;
    }

    one->n--;

    ngx_memmove(&one->ids[i], &one->ids[i + 1],
                (one->n - i) * sizeof(ngx_http_notify_id_t));

    ngx_http_notify_order_drop(s->order, one);
}


void
ngx_http_notify_order_erased(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    ngx_rbtree_t       *tree;
    ngx_rbtree_node_t  *node, *next;

    if (s->order == NULL) {
        return;
    }

    tree = &s->order->tree;

    if (tree->root == tree->sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(tree->root, tree->sentinel); node; node = next) {
        next = ngx_rbtree_next(tree, node);

        ngx_http_notify_order_forget(s, node->key, id);
    }
}


ngx_uint_t
ngx_http_notify_order_active(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    return one != NULL && one->active;
}


ngx_uint_t
ngx_http_notify_order_busy(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    return ngx_http_notify_order_find(s, line) != NULL;
}


ngx_uint_t
ngx_http_notify_order_stored(ngx_http_notify_subscriber_t *s, ngx_uint_t line,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t                    i;
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);
    if (one == NULL) {
        return 0;
    }

    i = ngx_http_notify_order_place(one, id);

    return i < one->n && ngx_http_notify_id_compare(&one->ids[i], id) == 0;
}


ngx_uint_t
ngx_http_notify_order_next(ngx_http_notify_subscriber_t *s, ngx_uint_t line,
    const ngx_http_notify_id_t *id)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    return one != NULL && one->active == 0 && one->n
           && ngx_http_notify_id_compare(&one->ids[0], id) != 0;
}


void
ngx_http_notify_order_args(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command)
{
    ngx_queue_t                  *q;
    ngx_http_notify_order_one_t  *one;

    if (s->order == NULL) {
        return;
    }

    for (q = ngx_queue_head(&s->order->active);
         q != ngx_queue_sentinel(&s->order->active);
         q = ngx_queue_next(q))
    {
        one = ngx_queue_data(q, ngx_http_notify_order_one_t, link);

        ngx_http_notify_command_printf(command, "=%xi", one->line);
    }
}


void
ngx_http_notify_order_free(ngx_http_notify_subscriber_t *s)
{
    ngx_rbtree_node_t            *node;
    ngx_http_notify_order_one_t  *one;

    if (s->order == NULL) {
        return;
    }

    while (s->order->tree.root != s->order->tree.sentinel) {
        node = ngx_rbtree_min(s->order->tree.root, s->order->tree.sentinel);
        one = (ngx_http_notify_order_one_t *) node;

        one->active = 0;
        one->n = 0;
        one->nparked = 0;
        ngx_http_notify_order_drop(s->order, one);
    }

    ngx_free(s->order);
    s->order = NULL;
}


const ngx_http_notify_id_t *
ngx_http_notify_order_first(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    return (one != NULL && one->n) ? &one->ids[0] : NULL;
}


void
ngx_http_notify_order_doubt(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_http_notify_id_t          id;
    ngx_http_notify_order_one_t  *one;

    one = ngx_http_notify_order_find(s, line);

    if (one == NULL || one->n == 0) {
        return;
    }

    id = one->ids[0];

    if (ngx_http_notify_id_compare(&one->doubt, &id) == 0) {
        ngx_http_notify_order_forget(s, line, &id);
        return;
    }

    one->doubt = id;
}


static struct ngx_http_notify_order_s *
ngx_http_notify_order_get(ngx_http_notify_subscriber_t *s)
{
    struct ngx_http_notify_order_s  *order;

    if (s->order != NULL) {

        if (s->order->key != s->profile->order) {
            ngx_http_notify_order_anew(s->order, s->profile->order);
        }

        return s->order;
    }

    order = ngx_calloc(sizeof(struct ngx_http_notify_order_s),
                       s->lease->feed->log);
    if (order == NULL) {
        return NULL;
    }

    ngx_rbtree_init(&order->tree, &order->sentinel, ngx_rbtree_insert_value);
    ngx_queue_init(&order->active);
    ngx_queue_init(&order->ready);

    order->key = s->profile->order;

    s->order = order;

    return order;
}


/*
 * Another key: what is in the retry set is to be read again.  What is under way
 * ends in the line in which it began.
 */

static void
ngx_http_notify_order_anew(struct ngx_http_notify_order_s *order,
    ngx_http_notify_template_t *key)
{
    ngx_rbtree_node_t            *node, *next;
    ngx_http_notify_order_one_t  *one;

    node = (order->tree.root != order->tree.sentinel)
           ? ngx_rbtree_min(order->tree.root, order->tree.sentinel) : NULL;

    for ( /* void */ ; node; node = next) {
        next = ngx_rbtree_next(&order->tree, node);
        one = (ngx_http_notify_order_one_t *) node;

        one->n = 0;
        ngx_http_notify_order_drop(order, one);
    }

    order->key = key;
    order->known = 0;
    ngx_memzero(&order->last, sizeof(ngx_http_notify_id_t));
}


static ngx_http_notify_order_one_t *
ngx_http_notify_order_find(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_rbtree_node_t  *node, *sentinel;

    if (s->order == NULL || line == 0) {
        return NULL;
    }

    node = s->order->tree.root;
    sentinel = s->order->tree.sentinel;

    while (node != sentinel && node->key != line) {
        node = (line < node->key) ? node->left : node->right;
    }

    return (node != sentinel) ? (ngx_http_notify_order_one_t *) node : NULL;
}


static ngx_http_notify_order_one_t *
ngx_http_notify_order_make(ngx_http_notify_subscriber_t *s, ngx_uint_t line)
{
    ngx_http_notify_order_one_t     *one;
    struct ngx_http_notify_order_s  *order;

    order = ngx_http_notify_order_get(s);
    if (order == NULL) {
        return NULL;
    }

    one = ngx_http_notify_order_find(s, line);
    if (one != NULL) {
        return one;
    }

    one = ngx_calloc(sizeof(ngx_http_notify_order_one_t),
                     s->lease->feed->log);
    if (one == NULL) {
        return NULL;
    }

    one->line = line;
    one->node.key = line;
    ngx_queue_init(&one->parked);

    ngx_rbtree_insert(&order->tree, &one->node);

    return one;
}


/* unless there is still something of it */

static void
ngx_http_notify_order_drop(struct ngx_http_notify_order_s *order,
    ngx_http_notify_order_one_t *one)
{
    if (one->active || one->n || one->nparked) {
        return;
    }

    ngx_rbtree_delete(&order->tree, &one->node);

    if (one->ids != NULL) {
        ngx_free(one->ids);
    }

    ngx_free(one);
}


/* of the first id that is not before this one */

static ngx_uint_t
ngx_http_notify_order_place(const ngx_http_notify_order_one_t *one,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t  from, to, middle;

    from = 0;
    to = one->n;

    while (from < to) {
        middle = (from + to) / 2;

        if (ngx_http_notify_id_compare(&one->ids[middle], id) < 0) {
            from = middle + 1;

        } else {
            to = middle;
        }
    }

    return from;
}
