/*
 * Tokens in the zone: a tree by key, and a queue by when they were last asked
 * for, whose end is forgotten where there is no room.  Under the zone's lock,
 * for a look-up and a copy.  Times are of the monotonic clock, which is the
 * same in all workers.
 */

#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_tokens.h"


#define NGX_HTTP_NOTIFY_TOKENS_WHY  256


typedef struct {
    ngx_str_node_t   node;          /* the first member */
    ngx_queue_t      recent;
    ngx_msec_t       fresh;         /* until when it is used */
    ngx_msec_t       expires;
    ngx_msec_t       busy;          /* until when one gets it */
    ngx_msec_t       held;          /* until when nobody tries */
    ngx_uint_t       getting;       /* unsigned  getting:1; busy is set */
    ngx_uint_t       failed;        /* unsigned  failed:1; held is set */
    ngx_str_t        token;
    size_t           why_len;
    u_char           why[NGX_HTTP_NOTIFY_TOKENS_WHY];
    u_char           key[NGX_HTTP_NOTIFY_TOKENS_KEY];
} ngx_http_notify_tokens_entry_t;

typedef struct {
    ngx_rbtree_t        tree;
    ngx_rbtree_node_t   sentinel;
    ngx_queue_t         recent;     /* the last one first */
    size_t              size;       /* of all entries */
} ngx_http_notify_tokens_t;


static ngx_http_notify_tokens_entry_t *ngx_http_notify_tokens_find(
    ngx_slab_pool_t *shpool, const u_char *key, ngx_uint_t create);
static ngx_slab_pool_t *ngx_http_notify_tokens_lock(const u_char *key,
    ngx_uint_t create, ngx_http_notify_tokens_entry_t **entry);
static void ngx_http_notify_tokens_unlock(ngx_slab_pool_t *shpool);
static ngx_http_notify_tokens_t *ngx_http_notify_tokens_create(
    ngx_slab_pool_t *shpool);
static void *ngx_http_notify_tokens_alloc(ngx_slab_pool_t *shpool,
    size_t size);
static void ngx_http_notify_tokens_drop(ngx_slab_pool_t *shpool,
    ngx_http_notify_tokens_entry_t *entry);
static ngx_int_t ngx_http_notify_tokens_copy(ngx_pool_t *pool,
    const u_char *data, size_t len, ngx_str_t *text);


#define ngx_http_notify_tokens_before(t)                                      \
    ((ngx_msec_int_t) ((t) - ngx_current_msec) > 0)


ngx_int_t
ngx_http_notify_tokens_get(const u_char *key, ngx_pool_t *pool,
    ngx_msec_t lease, ngx_str_t *text)
{
    ngx_int_t                        rc;
    ngx_uint_t                       valid;
    ngx_slab_pool_t                 *shpool;
    ngx_http_notify_tokens_entry_t  *entry;

    rc = NGX_DECLINED;

    shpool = ngx_http_notify_tokens_lock(key, 1, &entry);

    if (entry == NULL) {
        goto done;
    }

    valid = entry->token.len && ngx_http_notify_tokens_before(entry->expires);

    if (valid && ngx_http_notify_tokens_before(entry->fresh)) {
        rc = NGX_OK;

    } else if (entry->failed && ngx_http_notify_tokens_before(entry->held)) {
        rc = valid ? NGX_OK : NGX_ABORT;

    } else if (entry->getting && ngx_http_notify_tokens_before(entry->busy)) {
        rc = valid ? NGX_OK : NGX_AGAIN;

    } else {
        entry->getting = 1;
        entry->busy = ngx_current_msec + lease;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_tokens_copy(pool, entry->token.data,
                                         entry->token.len, text);

    } else if (rc == NGX_ABORT
               && ngx_http_notify_tokens_copy(pool, entry->why,
                                              entry->why_len, text)
                  != NGX_OK)
    {
        rc = NGX_ERROR;
    }

done:

    ngx_http_notify_tokens_unlock(shpool);

    return rc;
}


static ngx_int_t
ngx_http_notify_tokens_copy(ngx_pool_t *pool, const u_char *data, size_t len,
    ngx_str_t *text)
{
    text->data = ngx_pnalloc(pool, len);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(text->data, data, len);
    text->len = len;

    return NGX_OK;
}


void
ngx_http_notify_tokens_put(const u_char *key, const ngx_str_t *token,
    ngx_msec_t life)
{
    u_char                          *data;
    ngx_slab_pool_t                 *shpool;
    ngx_http_notify_tokens_t        *tokens;
    ngx_http_notify_tokens_entry_t  *entry;

    shpool = ngx_http_notify_tokens_lock(key, 1, &entry);

    if (entry) {
        tokens = ngx_http_notify_tokens_create(shpool);

        entry->getting = 0;
        entry->failed = 0;

        ngx_http_notify_tokens_drop(shpool, entry);

        data = ngx_http_notify_tokens_alloc(shpool, token->len);

        if (data) {
            ngx_memcpy(data, token->data, token->len);

            entry->token.data = data;
            entry->token.len = token->len;
            entry->fresh = ngx_current_msec + life / 4 * 3;
            entry->expires = ngx_current_msec + life;

            tokens->size += token->len;
        }
    }

    ngx_http_notify_tokens_unlock(shpool);
}


void
ngx_http_notify_tokens_fail(const u_char *key, const ngx_str_t *why)
{
    ngx_slab_pool_t                 *shpool;
    ngx_http_notify_tokens_entry_t  *entry;

    shpool = ngx_http_notify_tokens_lock(key, 1, &entry);

    if (entry) {
        entry->getting = 0;
        entry->failed = 1;
        entry->held = ngx_current_msec + NGX_HTTP_NOTIFY_TOKENS_HOLD;
        entry->why_len = ngx_min(why->len, NGX_HTTP_NOTIFY_TOKENS_WHY);

        ngx_memcpy(entry->why, why->data, entry->why_len);
    }

    ngx_http_notify_tokens_unlock(shpool);
}


void
ngx_http_notify_tokens_reject(const u_char *key, const ngx_str_t *token)
{
    ngx_slab_pool_t                 *shpool;
    ngx_http_notify_tokens_entry_t  *entry;

    shpool = ngx_http_notify_tokens_lock(key, 0, &entry);

    if (entry
        && entry->token.len == token->len
        && ngx_memcmp(entry->token.data, token->data, token->len) == 0)
    {
        ngx_http_notify_tokens_drop(shpool, entry);
    }

    ngx_http_notify_tokens_unlock(shpool);
}


/* the zone that is to be unlocked, if there is one, and the entry, or NULL */

static ngx_slab_pool_t *
ngx_http_notify_tokens_lock(const u_char *key, ngx_uint_t create,
    ngx_http_notify_tokens_entry_t **entry)
{
    ngx_slab_pool_t  *shpool;

    *entry = NULL;

    shpool = ngx_http_notify_metrics_pool();

    if (shpool) {
        ngx_shmtx_lock(&shpool->mutex);
        *entry = ngx_http_notify_tokens_find(shpool, key, create);
    }

    return shpool;
}


static void
ngx_http_notify_tokens_unlock(ngx_slab_pool_t *shpool)
{
    if (shpool) {
        ngx_shmtx_unlock(&shpool->mutex);
    }
}


/* NULL: not known, or no room in the zone */

static ngx_http_notify_tokens_entry_t *
ngx_http_notify_tokens_find(ngx_slab_pool_t *shpool, const u_char *key,
    ngx_uint_t create)
{
    uint32_t                         hash;
    ngx_str_t                        name;
    ngx_str_node_t                  *node;
    ngx_http_notify_tokens_t        *tokens;
    ngx_http_notify_tokens_entry_t  *entry;

    tokens = ngx_http_notify_tokens_create(shpool);

    if (tokens == NULL) {
        return NULL;
    }

    name.data = (u_char *) key;
    name.len = NGX_HTTP_NOTIFY_TOKENS_KEY;

    hash = ngx_crc32_short(name.data, name.len);

    node = ngx_str_rbtree_lookup(&tokens->tree, &name, hash);

    if (node) {
        entry = (ngx_http_notify_tokens_entry_t *) node;

        ngx_queue_remove(&entry->recent);
        ngx_queue_insert_head(&tokens->recent, &entry->recent);

        return entry;
    }

    if (!create) {
        return NULL;
    }

    entry = ngx_http_notify_tokens_alloc(shpool,
                                      sizeof(ngx_http_notify_tokens_entry_t));
    if (entry == NULL) {
        return NULL;
    }

    ngx_memzero(entry, sizeof(ngx_http_notify_tokens_entry_t));
    ngx_memcpy(entry->key, key, NGX_HTTP_NOTIFY_TOKENS_KEY);

    entry->node.node.key = hash;
    entry->node.str.data = entry->key;
    entry->node.str.len = NGX_HTTP_NOTIFY_TOKENS_KEY;

    ngx_rbtree_insert(&tokens->tree, &entry->node.node);
    ngx_queue_insert_head(&tokens->recent, &entry->recent);

    tokens->size += sizeof(ngx_http_notify_tokens_entry_t);

    return entry;
}


/* with the first one */

static ngx_http_notify_tokens_t *
ngx_http_notify_tokens_create(ngx_slab_pool_t *shpool)
{
    void                      **place;
    ngx_http_notify_tokens_t   *tokens;

    place = ngx_http_notify_metrics_tokens();

    if (*place == NULL) {
        tokens = ngx_slab_calloc_locked(shpool,
                                        sizeof(ngx_http_notify_tokens_t));
        if (tokens == NULL) {
            return NULL;
        }

        ngx_rbtree_init(&tokens->tree, &tokens->sentinel,
                        ngx_str_rbtree_insert_value);
        ngx_queue_init(&tokens->recent);

        *place = tokens;
    }

    return *place;
}


/* the first of the queue, which is being worked with, stays */

static void *
ngx_http_notify_tokens_alloc(ngx_slab_pool_t *shpool, size_t size)
{
    void                            *p;
    ngx_queue_t                     *q;
    ngx_http_notify_tokens_t        *tokens;
    ngx_http_notify_tokens_entry_t  *entry;

    tokens = ngx_http_notify_tokens_create(shpool);
    if (tokens == NULL) {
        return NULL;
    }

    for ( ;; ) {
        p = NULL;

        if (tokens->size + size
            <= (size_t) (shpool->end - shpool->start) / 4)
        {
            p = ngx_slab_alloc_locked(shpool, size);
        }

        q = ngx_queue_last(&tokens->recent);

        if (p || q == ngx_queue_sentinel(&tokens->recent)
            || q == ngx_queue_head(&tokens->recent))
        {
            return p;
        }

        entry = ngx_queue_data(q, ngx_http_notify_tokens_entry_t, recent);

        ngx_http_notify_tokens_drop(shpool, entry);

        ngx_queue_remove(q);
        ngx_rbtree_delete(&tokens->tree, &entry->node.node);
        ngx_slab_free_locked(shpool, entry);

        tokens->size -= sizeof(ngx_http_notify_tokens_entry_t);
    }
}


static void
ngx_http_notify_tokens_drop(ngx_slab_pool_t *shpool,
    ngx_http_notify_tokens_entry_t *entry)
{
    ngx_http_notify_tokens_t  *tokens;

    tokens = ngx_http_notify_tokens_create(shpool);

    if (tokens == NULL || entry->token.len == 0) {
        return;
    }

    tokens->size -= entry->token.len;

    ngx_explicit_memzero(entry->token.data, entry->token.len);
    ngx_slab_free_locked(shpool, entry->token.data);

    ngx_str_null(&entry->token);
}
