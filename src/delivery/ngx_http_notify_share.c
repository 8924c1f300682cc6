/*
 * The shares of this worker, found by channel and tenant.
 */

#include "ngx_http_notify_share.h"
#include "ngx_http_notify_tenants.h"


static void ngx_http_notify_share_clean(ngx_http_notify_share_t *share);
static void ngx_http_notify_share_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_int_t ngx_http_notify_share_compare(const void *channel,
    const ngx_str_t *tenant, const ngx_http_notify_share_t *share);


/* of the worker */
static struct {
    ngx_rbtree_t        tree;
    ngx_rbtree_node_t   sentinel;
    ngx_queue_t         crowded;
    ngx_queue_t         dirty;
    ngx_uint_t          n;
} ngx_http_notify_shares;


void
ngx_http_notify_share_init_process(void)
{
    ngx_memzero(&ngx_http_notify_shares, sizeof(ngx_http_notify_shares));

    ngx_rbtree_init(&ngx_http_notify_shares.tree,
                    &ngx_http_notify_shares.sentinel,
                    ngx_http_notify_share_insert);
    ngx_queue_init(&ngx_http_notify_shares.crowded);
    ngx_queue_init(&ngx_http_notify_shares.dirty);
}


ngx_http_notify_share_t *
ngx_http_notify_share_get(const void *channel, ngx_int_t metrics,
    const ngx_str_t *tenant, ngx_uint_t percent, ngx_log_t *log)
{
    uint32_t                  hash;
    ngx_int_t                 rc;
    ngx_rbtree_node_t        *node, *sentinel;
    ngx_http_notify_share_t  *share;

    hash = ngx_crc32_long(tenant->data, tenant->len);

    node = ngx_http_notify_shares.tree.root;
    sentinel = ngx_http_notify_shares.tree.sentinel;

    while (node != sentinel) {

        if (hash != node->key) {
            node = (hash < node->key) ? node->left : node->right;
            continue;
        }

        share = (ngx_http_notify_share_t *) node;
        rc = ngx_http_notify_share_compare(channel, tenant, share);

        if (rc == 0) {
            share->percent = percent;
            share->references++;
            return share;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    share = ngx_calloc(sizeof(ngx_http_notify_share_t) + tenant->len, log);
    if (share == NULL) {
        return NULL;
    }

    share->node.key = hash;
    share->tenant.len = tenant->len;
    share->tenant.data = (u_char *) share + sizeof(ngx_http_notify_share_t);
    share->channel = channel;
    share->metrics = metrics;
    share->percent = percent;
    share->references = 1;

    if (tenant->len) {
        ngx_memcpy(share->tenant.data, tenant->data, tenant->len);
    }

    ngx_queue_init(&share->waiting);

    ngx_rbtree_insert(&ngx_http_notify_shares.tree, &share->node);
    ngx_http_notify_shares.n++;

    return share;
}


void
ngx_http_notify_share_release(ngx_http_notify_share_t *share)
{
    if (share == NULL || --share->references) {
        return;
    }

    ngx_http_notify_share_clean(share);

    ngx_rbtree_delete(&ngx_http_notify_shares.tree, &share->node);
    ngx_http_notify_shares.n--;

    ngx_free(share);
}


ngx_uint_t
ngx_http_notify_share_room(const ngx_http_notify_share_t *share,
    ngx_uint_t all, ngx_uint_t active)
{
    ngx_uint_t  others, most;

    if (share == NULL
        || (share->tenant.len == 0 && ngx_http_notify_shares.n == 1))
    {
        return all;
    }

    others = active - share->held;
    most = (all > others) ? (all - others) * share->percent / 100 : 0;
    most = ngx_max(most, 1);

    return most > share->held ? most - share->held : 0;
}


void
ngx_http_notify_share_count(ngx_http_notify_share_t *share,
    ngx_http_notify_metrics_e counter)
{
    /* the default tenant's numbers are the channel's */

    if (share == NULL || share->tenant.len == 0) {
        return;
    }

    share->counts[counter]++;

    if (!share->dirty) {
        share->dirty = 1;
        ngx_queue_insert_tail(&ngx_http_notify_shares.dirty,
                              &share->dirty_link);
    }
}


void
ngx_http_notify_share_flush(void)
{
    ngx_queue_t  *dirty;

    dirty = &ngx_http_notify_shares.dirty;

    while (!ngx_queue_empty(dirty)) {
        ngx_http_notify_share_clean(ngx_queue_data(ngx_queue_head(dirty),
                                                   ngx_http_notify_share_t,
                                                   dirty_link));
    }
}


static void
ngx_http_notify_share_clean(ngx_http_notify_share_t *share)
{
    if (!share->dirty) {
        return;
    }

    share->dirty = 0;
    ngx_queue_remove(&share->dirty_link);

    ngx_http_notify_tenants_flush(share->metrics, &share->tenant,
                                  share->counts);
}


ngx_queue_t *
ngx_http_notify_share_crowded(void)
{
    return &ngx_http_notify_shares.crowded;
}


static void
ngx_http_notify_share_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t        **p;
    ngx_http_notify_share_t   *share;

    share = (ngx_http_notify_share_t *) node;

    for ( ;; ) {

        if (node->key != temp->key) {
            p = (node->key < temp->key) ? &temp->left : &temp->right;

        } else {
            p = (ngx_http_notify_share_compare(share->channel, &share->tenant,
                                            (ngx_http_notify_share_t *) temp)
                 < 0)
                ? &temp->left : &temp->right;
        }

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


static ngx_int_t
ngx_http_notify_share_compare(const void *channel, const ngx_str_t *tenant,
    const ngx_http_notify_share_t *share)
{
    if (channel != share->channel) {
        return (uintptr_t) channel < (uintptr_t) share->channel ? -1 : 1;
    }

    if (tenant->len != share->tenant.len) {
        return tenant->len < share->tenant.len ? -1 : 1;
    }

    return tenant->len
           ? ngx_memcmp(tenant->data, share->tenant.data, tenant->len) : 0;
}
