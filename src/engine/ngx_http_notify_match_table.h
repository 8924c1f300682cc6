/*
 * The hash table of an index: nodes by hashes, which they alone have in common
 * with what they stand for.
 */

#ifndef _NGX_HTTP_NOTIFY_MATCH_TABLE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_MATCH_TABLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_notify_match_node_s  ngx_http_notify_match_node_t;

struct ngx_http_notify_match_node_s {
    ngx_http_notify_match_node_t   *next;       /* in its shard */
    uint32_t                        hash;
    uint32_t                        dimensions; /* of a head: a bit for each
                                                   that it has had */
    ngx_uint_t                      refs;       /* of links, to it or, when
                                                   a head, below it */
    ngx_uint_t                      n;          /* links on it */
    ngx_queue_t                     links;
};



typedef struct {
    ngx_http_notify_match_node_t  **buckets;
    ngx_uint_t                      nbuckets;   /* a power of two */
    ngx_uint_t                      nnodes;
    ngx_log_t                      *log;
} ngx_http_notify_match_table_t;


ngx_int_t ngx_http_notify_match_table_init(
    ngx_http_notify_match_table_t *table, ngx_log_t *log);
/* with all nodes */
void ngx_http_notify_match_table_free(ngx_http_notify_match_table_t *table);

/* NULL: there is none */
ngx_http_notify_match_node_t *ngx_http_notify_match_table_find(
    ngx_http_notify_match_table_t *table, uint32_t hash);
/* a reference to it, made where there is none; NULL: memory */
ngx_http_notify_match_node_t *ngx_http_notify_match_table_get(
    ngx_http_notify_match_table_t *table, uint32_t hash);
void ngx_http_notify_match_table_unref(ngx_http_notify_match_table_t *table,
    ngx_http_notify_match_node_t *node);

/* of an empty text: 0 */
uint32_t ngx_http_notify_match_table_text(const ngx_str_t *text);
uint32_t ngx_http_notify_match_table_mix(uint32_t a, uint32_t b);


#endif /* _NGX_HTTP_NOTIFY_MATCH_TABLE_H_INCLUDED_ */
