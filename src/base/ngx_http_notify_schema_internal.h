/*
 * A compiled schema, for the files that make and use it: one node for each
 * schema in the text, a tree.
 */

#ifndef _NGX_HTTP_NOTIFY_SCHEMA_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SCHEMA_INTERNAL_H_INCLUDED_


#include "ngx_http_notify_pattern.h"
#include "ngx_http_notify_schema.h"


#define NGX_HTTP_NOTIFY_SCHEMA_NULL     0x01
#define NGX_HTTP_NOTIFY_SCHEMA_BOOLEAN  0x02
#define NGX_HTTP_NOTIFY_SCHEMA_INTEGER  0x04
#define NGX_HTTP_NOTIFY_SCHEMA_NUMBER   0x08
#define NGX_HTTP_NOTIFY_SCHEMA_STRING   0x10
#define NGX_HTTP_NOTIFY_SCHEMA_OBJECT   0x20
#define NGX_HTTP_NOTIFY_SCHEMA_ARRAY    0x40

#define NGX_HTTP_NOTIFY_SCHEMA_ANY      ((ngx_uint_t) -1)   /* no bound */


typedef struct {
    ngx_str_t                   name;
    ngx_http_notify_schema_t   *schema;
} ngx_http_notify_schema_property_t;

struct ngx_http_notify_schema_s {
    ngx_str_t                   text;
    ngx_uint_t                  types;          /* 0: any */
    ngx_array_t                *values;         /* enum, const: ngx_str_t */
    ngx_array_t                *fixed;          /* const, besides enum */

    ngx_array_t                *properties;     /* of _property_t */
    ngx_array_t                *required;       /* of ngx_str_t */
    ngx_http_notify_schema_t   *additional;

    ngx_http_notify_schema_t   *items;
    ngx_uint_t                  min_items;
    ngx_uint_t                  max_items;
    ngx_uint_t                  min_length;
    ngx_uint_t                  max_length;
    ngx_http_notify_pattern_t  *pattern;

    ngx_str_t                   minimum;        /* numbers, or empty */
    ngx_str_t                   maximum;
    ngx_str_t                   exclusive_minimum;
    ngx_str_t                   exclusive_maximum;

    ngx_array_t                *all_of;         /* of _schema_t * */
    ngx_array_t                *any_of;
    ngx_array_t                *one_of;
    ngx_http_notify_schema_t   *negated;

    unsigned                    never:1;        /* the schema false */
};

/* where a value stands, on the stack of its check */
typedef struct ngx_http_notify_schema_place_s  ngx_http_notify_schema_place_t;

struct ngx_http_notify_schema_place_s {
    const ngx_http_notify_schema_place_t  *above;
    const ngx_str_t                       *name;    /* NULL: an element */
    ngx_uint_t                             index;
};

typedef struct {
    ngx_pool_t                   *pool;
    ngx_http_notify_schema_pt     handler;  /* NULL: only the verdict counts */
    void                         *data;
} ngx_http_notify_schema_run_t;


/* Tells the handler, if there is one, what is wrong; returns NGX_DECLINED. */
ngx_int_t ngx_http_notify_schema_say(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_place_t *place, const char *fmt, ...);


#endif /* _NGX_HTTP_NOTIFY_SCHEMA_INTERNAL_H_INCLUDED_ */
