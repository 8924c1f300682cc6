/*
 * A compiled filter, for its own files: the tree of nodes, and what makes it.
 * It lives in the pool it was compiled with.
 */

#ifndef _NGX_HTTP_NOTIFY_FILTER_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FILTER_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_filter.h"
#include "ngx_http_notify_json.h"


/* where a path begins; what is none of the others is an attribute */
typedef enum {
    NGX_HTTP_NOTIFY_FILTER_ATTRIBUTE = 0,
    NGX_HTTP_NOTIFY_FILTER_TYPE,
    NGX_HTTP_NOTIFY_FILTER_ENTITY_TYPE,
    NGX_HTTP_NOTIFY_FILTER_ENTITY,
    NGX_HTTP_NOTIFY_FILTER_DATA,
    NGX_HTTP_NOTIFY_FILTER_ID,
    NGX_HTTP_NOTIFY_FILTER_TIME,
    NGX_HTTP_NOTIFY_FILTER_OBJECT,
    NGX_HTTP_NOTIFY_FILTER_SESSION,
    NGX_HTTP_NOTIFY_FILTER_CUSTOMER,
    NGX_HTTP_NOTIFY_FILTER_CONVERSATION,
    NGX_HTTP_NOTIFY_FILTER_UID
} ngx_http_notify_filter_member_e;


typedef enum {
    NGX_HTTP_NOTIFY_FILTER_AND = 0,
    NGX_HTTP_NOTIFY_FILTER_OR,
    NGX_HTTP_NOTIFY_FILTER_NOT,
    NGX_HTTP_NOTIFY_FILTER_FIELD,       /* its children judge that member */

    NGX_HTTP_NOTIFY_FILTER_EQ,
    NGX_HTTP_NOTIFY_FILTER_NE,
    NGX_HTTP_NOTIFY_FILTER_IN,
    NGX_HTTP_NOTIFY_FILTER_NIN,
    NGX_HTTP_NOTIFY_FILTER_GT,
    NGX_HTTP_NOTIFY_FILTER_GTE,
    NGX_HTTP_NOTIFY_FILTER_LT,
    NGX_HTTP_NOTIFY_FILTER_LTE,
    NGX_HTTP_NOTIFY_FILTER_EXISTS,
    NGX_HTTP_NOTIFY_FILTER_PREFIX,
    NGX_HTTP_NOTIFY_FILTER_SUFFIX,
    NGX_HTTP_NOTIFY_FILTER_CONTAINS
} ngx_http_notify_filter_op_e;


typedef struct ngx_http_notify_filter_value_s  ngx_http_notify_filter_value_t;

struct ngx_http_notify_filter_value_s {
    ngx_http_notify_json_kind_e         kind;
    ngx_str_t                           text;       /* of a string, a number */
    ngx_str_t                           name;       /* in an object */
    ngx_http_notify_filter_value_t     *elts;       /* of an array, an object */
    ngx_uint_t                          n;
};


typedef struct {
    ngx_http_notify_filter_member_e     member;
    ngx_str_t                           name;       /* of an attribute */
    ngx_str_t                          *steps;      /* further into it */
    ngx_uint_t                          nsteps;
    uint32_t                            each;       /* a bit for each step that
                                                       is any element */
} ngx_http_notify_filter_path_t;


struct ngx_http_notify_filter_s {
    ngx_http_notify_filter_op_e         op;
    ngx_http_notify_filter_path_t       path;       /* with FIELD */
    ngx_http_notify_filter_value_t      value;      /* from EQ on */
    uint32_t                           *back;       /* of SUFFIX, CONTAINS with
                                                       a text: where a search
                                                       for it goes on */
    ngx_http_notify_filter_t           *children;   /* up to FIELD */
    ngx_http_notify_filter_t           *next;
};


/* A member of an event, as it was found. */
typedef struct {
    ngx_http_notify_json_kind_e         kind;       /* NONE: absent */
    ngx_str_t                           text;       /* JSON, unless plain */
    ngx_str_t                           number;     /* with `numeric` */
    unsigned                            plain:1;
    unsigned                            numeric:1;
} ngx_http_notify_filter_item_t;


/* Where the compiler is, from the innermost outwards: on its stack. */
typedef struct ngx_http_notify_filter_place_s  ngx_http_notify_filter_place_t;

struct ngx_http_notify_filter_place_s {
    const ngx_http_notify_filter_place_t  *up;
    ngx_str_t                              name;    /* else an element: */
    ngx_uint_t                             index;
    ngx_uint_t                             depth;
};


typedef struct {
    ngx_pool_t                            *pool;
    ngx_uint_t                             nvalues;
    ngx_uint_t                             strict;
    const char                            *reason;
    ngx_str_t                             *pointer;
} ngx_http_notify_filter_compiler_t;


/* one level further in, and one more of the values */
ngx_int_t ngx_http_notify_filter_enter(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_place_t *place,
    const ngx_http_notify_filter_place_t *up);

/* whether an object or array of conditions says nothing, where that counts */
ngx_uint_t ngx_http_notify_filter_vague(
    const ngx_http_notify_filter_compiler_t *fc,
    const ngx_http_notify_json_t *json);

/* always NGX_ERROR; without memory for the pointer there is no reason */
ngx_int_t ngx_http_notify_filter_fail(ngx_http_notify_filter_compiler_t *fc,
    const ngx_http_notify_filter_place_t *place, const char *reason);

/* the value that a condition on that path compares with */
ngx_int_t ngx_http_notify_filter_operand(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_t *node, const ngx_http_notify_filter_path_t *path,
    ngx_http_notify_json_t *json, const ngx_http_notify_filter_place_t *place);

/* "data.items.*.sku", "/data/a.b": the name at the place */
ngx_int_t ngx_http_notify_filter_path(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place);

/* without an element of which there may be any; buf is used for an id and a
 * time: the item points into it then */
void ngx_http_notify_filter_find(const ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_event_t *event,
    u_char buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN],
    ngx_http_notify_filter_item_t *item);

/* the same without the steps, and one of them: a member of an object or an
 * element of an array, absent otherwise */
void ngx_http_notify_filter_root(const ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_event_t *event,
    u_char buf[NGX_HTTP_NOTIFY_ID_EVENT_LEN],
    ngx_http_notify_filter_item_t *item);
void ngx_http_notify_filter_step(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *step);
/* a scanned value; the item is zeroed before */
void ngx_http_notify_filter_json(ngx_http_notify_filter_item_t *item,
    const ngx_str_t *json);

/* what the operators say of an item, that is not $exists and not a list */
ngx_uint_t ngx_http_notify_filter_compare(ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item);
ngx_uint_t ngx_http_notify_filter_equal(
    const ngx_http_notify_filter_item_t *item,
    const ngx_http_notify_filter_value_t *value);

/*
 * The order of a string and the rest, by code points, which is that of the
 * bytes.  What was found equal is taken from the rest: when nothing of it is
 * left, the string begins with it.  The second is within the quotes of JSON.
 */
ngx_int_t ngx_http_notify_filter_order_text(
    const ngx_http_notify_filter_item_t *item, ngx_str_t *rest);
ngx_int_t ngx_http_notify_filter_order_json(u_char *p, u_char *last,
    ngx_str_t *rest);

/* makes ready to look for the node's text; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_filter_search_init(ngx_pool_t *pool,
    ngx_http_notify_filter_t *node);
/* whether it is in the string: anywhere, or at its end with $suffix; in time
 * that grows with the string alone */
ngx_uint_t ngx_http_notify_filter_search(const ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_item_t *item);


#endif /* _NGX_HTTP_NOTIFY_FILTER_INTERNAL_H_INCLUDED_ */
