/*
 * Buckets of nodes; there are never many more nodes than shards.
 */

#include "ngx_http_notify_match_table.h"


#define NGX_HTTP_NOTIFY_MATCH_TABLE_SIZE  64    /* at first */


static ngx_http_notify_match_node_t **ngx_http_notify_match_table_bucket(
    ngx_http_notify_match_table_t *table, uint32_t hash);
static void ngx_http_notify_match_table_grow(
    ngx_http_notify_match_table_t *table);


ngx_int_t
ngx_http_notify_match_table_init(ngx_http_notify_match_table_t *table,
    ngx_log_t *log)
{
    table->nbuckets = NGX_HTTP_NOTIFY_MATCH_TABLE_SIZE;
    table->nnodes = 0;
    table->log = log;

    table->buckets = ngx_calloc(table->nbuckets
                                * sizeof(ngx_http_notify_match_node_t *), log);

    return table->buckets ? NGX_OK : NGX_ERROR;
}


void
ngx_http_notify_match_table_free(ngx_http_notify_match_table_t *table)
{
    ngx_uint_t                     i;
    ngx_http_notify_match_node_t  *node;

    for (i = 0; i < table->nbuckets; i++) {
        while (table->buckets[i]) {
            node = table->buckets[i];
            table->buckets[i] = node->next;
            ngx_free(node);
        }
    }

    ngx_free(table->buckets);
}


uint32_t
ngx_http_notify_match_table_mix(uint32_t a, uint32_t b)
{
    a = (a ^ b) * 0x9e3779b1;

    return (a ^ (a >> 15)) + b;
}


/* the default tenant has no data */

uint32_t
ngx_http_notify_match_table_text(const ngx_str_t *text)
{
    return text->len ? ngx_murmur_hash2(text->data, text->len) : 0;
}


static ngx_http_notify_match_node_t **
ngx_http_notify_match_table_bucket(ngx_http_notify_match_table_t *table,
    uint32_t hash)
{
    return &table->buckets[(hash ^ (hash >> 16)) & (table->nbuckets - 1)];
}


ngx_http_notify_match_node_t *
ngx_http_notify_match_table_find(ngx_http_notify_match_table_t *table,
    uint32_t hash)
{
    ngx_http_notify_match_node_t  *node;

    node = *ngx_http_notify_match_table_bucket(table, hash);

    while (node && node->hash != hash) {
        node = node->next;
    }

    return node;
}


ngx_http_notify_match_node_t *
ngx_http_notify_match_table_get(ngx_http_notify_match_table_t *table,
    uint32_t hash)
{
    ngx_http_notify_match_node_t  *node, **bucket;

    node = ngx_http_notify_match_table_find(table, hash);

    if (node == NULL) {
        node = ngx_calloc(sizeof(ngx_http_notify_match_node_t), table->log);
        if (node == NULL) {
            return NULL;
        }

        node->hash = hash;
        ngx_queue_init(&node->links);

        if (table->nnodes++ >= table->nbuckets) {
            ngx_http_notify_match_table_grow(table);
        }

        bucket = ngx_http_notify_match_table_bucket(table, hash);
        node->next = *bucket;
        *bucket = node;
    }

    node->refs++;

    return node;
}


void
ngx_http_notify_match_table_unref(ngx_http_notify_match_table_t *table,
    ngx_http_notify_match_node_t *node)
{
    ngx_http_notify_match_node_t  **p;

    if (--node->refs) {
        return;
    }

    p = ngx_http_notify_match_table_bucket(table, node->hash);

    while (*p != node) {
        p = &(*p)->next;
    }

    *p = node->next;
    table->nnodes--;

    ngx_free(node);
}


/* without memory it stays as it is, and slower */

static void
ngx_http_notify_match_table_grow(ngx_http_notify_match_table_t *table)
{
    ngx_uint_t                     i, n;
    ngx_http_notify_match_node_t  *node, **old, **bucket;

    old = table->buckets;
    n = table->nbuckets;

    bucket = ngx_calloc(2 * n * sizeof(ngx_http_notify_match_node_t *),
                        table->log);
    if (bucket == NULL) {
        return;
    }

    table->buckets = bucket;
    table->nbuckets = 2 * n;

    for (i = 0; i < n; i++) {
        while (old[i]) {
            node = old[i];
            old[i] = node->next;

            bucket = ngx_http_notify_match_table_bucket(table, node->hash);
            node->next = *bucket;
            *bucket = node;
        }
    }

    ngx_free(old);
}
