/*
 * Compiles a subscription's `filter` into a tree of nodes, in the pool that it
 * is given, strings included.  Bounded in depth and in the number of values.
 * Must not know events: those are judged in ngx_http_notify_filter_match.c.
 */

#include "ngx_http_notify_filter_internal.h"


typedef struct {
    ngx_str_t                              name;
    ngx_http_notify_filter_op_e            op;
} ngx_http_notify_filter_operator_t;


static ngx_http_notify_filter_t *ngx_http_notify_filter_make(ngx_pool_t *pool,
    const ngx_str_t *json, ngx_uint_t strict, const char **reason,
    ngx_str_t *pointer);
static ngx_http_notify_filter_t *ngx_http_notify_filter_add(
    ngx_http_notify_filter_compiler_t *fc, ngx_http_notify_filter_t *node,
    ngx_http_notify_filter_op_e op);
static ngx_int_t ngx_http_notify_filter_conditions(
    ngx_http_notify_filter_compiler_t *fc, ngx_http_notify_filter_t *node,
    ngx_http_notify_json_t *json, const ngx_http_notify_filter_place_t *up);
static ngx_int_t ngx_http_notify_filter_logical(
    ngx_http_notify_filter_compiler_t *fc, ngx_http_notify_filter_t *node,
    ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *place);
static ngx_int_t ngx_http_notify_filter_field(
    ngx_http_notify_filter_compiler_t *fc, ngx_http_notify_filter_t *node,
    ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *place);
static ngx_int_t ngx_http_notify_filter_operators(
    ngx_http_notify_filter_compiler_t *fc, ngx_http_notify_filter_t *node,
    const ngx_http_notify_filter_path_t *path, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *up);


static const ngx_http_notify_filter_operator_t
    ngx_http_notify_filter_operator[] =
{
    { ngx_string("$eq"),     NGX_HTTP_NOTIFY_FILTER_EQ },
    { ngx_string("$ne"),     NGX_HTTP_NOTIFY_FILTER_NE },
    { ngx_string("$in"),     NGX_HTTP_NOTIFY_FILTER_IN },
    { ngx_string("$nin"),    NGX_HTTP_NOTIFY_FILTER_NIN },
    { ngx_string("$gt"),     NGX_HTTP_NOTIFY_FILTER_GT },
    { ngx_string("$gte"),    NGX_HTTP_NOTIFY_FILTER_GTE },
    { ngx_string("$lt"),     NGX_HTTP_NOTIFY_FILTER_LT },
    { ngx_string("$lte"),    NGX_HTTP_NOTIFY_FILTER_LTE },
    { ngx_string("$exists"), NGX_HTTP_NOTIFY_FILTER_EXISTS },
    { ngx_string("$prefix"), NGX_HTTP_NOTIFY_FILTER_PREFIX },
    { ngx_string("$suffix"), NGX_HTTP_NOTIFY_FILTER_SUFFIX },
    { ngx_string("$contains"),
                             NGX_HTTP_NOTIFY_FILTER_CONTAINS },
    { ngx_string("$not"),    NGX_HTTP_NOTIFY_FILTER_NOT },
    { ngx_null_string,       NGX_HTTP_NOTIFY_FILTER_AND }
};


ngx_http_notify_filter_t *
ngx_http_notify_filter_compile(ngx_pool_t *pool, const ngx_str_t *json,
    const char **reason, ngx_str_t *pointer)
{
    return ngx_http_notify_filter_make(pool, json, 0, reason, pointer);
}


ngx_http_notify_filter_t *
ngx_http_notify_filter_compile_new(ngx_pool_t *pool, const ngx_str_t *json,
    const char **reason, ngx_str_t *pointer)
{
    return ngx_http_notify_filter_make(pool, json, 1, reason, pointer);
}


static ngx_http_notify_filter_t *
ngx_http_notify_filter_make(ngx_pool_t *pool, const ngx_str_t *json,
    ngx_uint_t strict, const char **reason, ngx_str_t *pointer)
{
    ngx_http_notify_json_t             *document;
    ngx_http_notify_filter_t           *filter;
    ngx_http_notify_json_error_t        error;
    ngx_http_notify_filter_compiler_t   fc;

    *reason = NULL;
    ngx_str_null(pointer);

    filter = ngx_pcalloc(pool, sizeof(ngx_http_notify_filter_t));
    if (filter == NULL) {
        return NULL;
    }

    filter->op = NGX_HTTP_NOTIFY_FILTER_AND;

    document = ngx_http_notify_json_parse(pool, json, &error);
    if (document == NULL) {
        *reason = error.reason;
        return NULL;
    }

    fc.pool = pool;
    fc.nvalues = 0;
    fc.strict = strict;
    fc.reason = NULL;
    fc.pointer = pointer;

    if (ngx_http_notify_filter_conditions(&fc, filter, document, NULL)
        != NGX_OK)
    {
        *reason = fc.reason;
        return NULL;
    }

    return filter;
}


/* as deep as a filter may be */

const ngx_str_t *
ngx_http_notify_filter_attributes(const ngx_http_notify_filter_t *filter,
    ngx_uint_t *n)
{
    const ngx_str_t                 *name;
    const ngx_http_notify_filter_t  *node;

    for (node = filter->children; node; node = node->next) {

        if (node->op == NGX_HTTP_NOTIFY_FILTER_FIELD) {
            if (node->path.member == NGX_HTTP_NOTIFY_FILTER_ATTRIBUTE
                && (*n)-- == 0)
            {
                return &node->path.name;
            }

            continue;
        }

        name = ngx_http_notify_filter_attributes(node, n);
        if (name) {
            return name;
        }
    }

    return NULL;
}


static ngx_http_notify_filter_t *
ngx_http_notify_filter_add(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_t *node, ngx_http_notify_filter_op_e op)
{
    ngx_http_notify_filter_t  *child, **last;

    child = ngx_pcalloc(fc->pool, sizeof(ngx_http_notify_filter_t));
    if (child == NULL) {
        return NULL;
    }

    child->op = op;

    for (last = &node->children; *last; last = &(*last)->next) {
        /* void */
    }

    *last = child;

    return child;
}


/* {"data.amount": ..., "$or": [...]}: the children of the node */

static ngx_int_t
ngx_http_notify_filter_conditions(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_t *node, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *up)
{
    void                            *cursor;
    ngx_int_t                        rc;
    ngx_http_notify_json_t          *value;
    ngx_http_notify_filter_place_t   place;

    if (ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return ngx_http_notify_filter_fail(fc, up, "must be an object");
    }

    if (up && ngx_http_notify_filter_vague(fc, json)) {
        return ngx_http_notify_filter_fail(fc, up, "has no conditions");
    }

    cursor = NULL;

    while ((value = ngx_http_notify_json_member(json, &cursor, &place.name))
           != NULL)
    {
        if (ngx_http_notify_filter_enter(fc, &place, up) != NGX_OK) {
            return NGX_ERROR;
        }

        if (place.name.len && place.name.data[0] == '$') {
            rc = ngx_http_notify_filter_logical(fc, node, value, &place);

        } else {
            rc = ngx_http_notify_filter_field(fc, node, value, &place);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_filter_logical(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_t *node, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *place)
{
    ngx_uint_t                       n;
    ngx_http_notify_filter_t        *list, *child;
    ngx_http_notify_filter_op_e      op;
    ngx_http_notify_filter_place_t   element;

    if (ngx_strcmp(place->name.data, "$not") == 0) {

        child = ngx_http_notify_filter_add(fc, node,
                                           NGX_HTTP_NOTIFY_FILTER_NOT);
        if (child == NULL) {
            return NGX_ERROR;
        }

        return ngx_http_notify_filter_conditions(fc, child, json, place);
    }

    if (ngx_strcmp(place->name.data, "$and") == 0) {
        op = NGX_HTTP_NOTIFY_FILTER_AND;

    } else if (ngx_strcmp(place->name.data, "$or") == 0) {
        op = NGX_HTTP_NOTIFY_FILTER_OR;

    } else {
        return ngx_http_notify_filter_fail(fc, place,
                                           "is not an operator here");
    }

    if (ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_ARRAY
        || ngx_http_notify_json_size(json) == 0)
    {
        return ngx_http_notify_filter_fail(fc, place,
                                           "must be an array of filters");
    }

    list = ngx_http_notify_filter_add(fc, node, op);
    if (list == NULL) {
        return NGX_ERROR;
    }

    ngx_str_null(&element.name);

    for (n = 0; n < ngx_http_notify_json_size(json); n++) {

        element.index = n;

        if (ngx_http_notify_filter_enter(fc, &element, place) != NGX_OK) {
            return NGX_ERROR;
        }

        child = ngx_http_notify_filter_add(fc, list,
                                           NGX_HTTP_NOTIFY_FILTER_AND);
        if (child == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_notify_filter_conditions(fc, child,
                                              ngx_http_notify_json_at(json, n),
                                              &element)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* "data.state": "open", or an object whose members are all operators */

static ngx_int_t
ngx_http_notify_filter_field(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_t *node, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *place)
{
    void                      *cursor;
    ngx_str_t                  name;
    ngx_http_notify_filter_t  *field, *child;

    cursor = NULL;

    field = ngx_http_notify_filter_add(fc, node, NGX_HTTP_NOTIFY_FILTER_FIELD);
    if (field == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_filter_path(fc, &field->path, place) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_json_type(json) == NGX_HTTP_NOTIFY_JSON_OBJECT) {

        while (ngx_http_notify_json_member(json, &cursor, &name)) {

            if (name.len && name.data[0] == '$') {
                return ngx_http_notify_filter_operators(fc, field,
                                                        &field->path, json,
                                                        place);
            }
        }
    }

    if (ngx_http_notify_json_type(json) == NGX_HTTP_NOTIFY_JSON_OBJECT
        && ngx_http_notify_filter_vague(fc, json))
    {
        return ngx_http_notify_filter_fail(fc, place,
                                           "has no conditions; that it is an "
                                           "empty object is {\"$eq\":{}}");
    }

    child = ngx_http_notify_filter_add(fc, field, NGX_HTTP_NOTIFY_FILTER_EQ);
    if (child == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_notify_filter_operand(fc, child, &field->path, json,
                                          place);
}


/* {"$gte": 100, "$lt": 200}: the children of the node */

static ngx_int_t
ngx_http_notify_filter_operators(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_t *node, const ngx_http_notify_filter_path_t *path,
    ngx_http_notify_json_t *json, const ngx_http_notify_filter_place_t *up)
{
    void                                     *cursor;
    ngx_int_t                                 rc;
    ngx_http_notify_json_t                   *value;
    ngx_http_notify_filter_t                 *child;
    ngx_http_notify_filter_place_t            place;
    const ngx_http_notify_filter_operator_t  *operator;

    if (ngx_http_notify_json_type(json) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return ngx_http_notify_filter_fail(fc, up,
                                           "must be an object of operators");
    }

    if (ngx_http_notify_filter_vague(fc, json)) {
        return ngx_http_notify_filter_fail(fc, up, "has no operators");
    }

    cursor = NULL;

    while ((value = ngx_http_notify_json_member(json, &cursor, &place.name))
           != NULL)
    {
        if (ngx_http_notify_filter_enter(fc, &place, up) != NGX_OK) {
            return NGX_ERROR;
        }

        for (operator = ngx_http_notify_filter_operator;
             operator->name.len;
             operator++)
        {
            if (ngx_strcmp(place.name.data, operator->name.data) == 0) {
                break;
            }
        }

        if (operator->name.len == 0) {
            return ngx_http_notify_filter_fail(fc, &place,
                                               "is not an operator here");
        }

        child = ngx_http_notify_filter_add(fc, node, operator->op);
        if (child == NULL) {
            return NGX_ERROR;
        }

        if (operator->op == NGX_HTTP_NOTIFY_FILTER_NOT) {
            rc = ngx_http_notify_filter_operators(fc, child, path, value,
                                                  &place);
        } else {
            rc = ngx_http_notify_filter_operand(fc, child, path, value,
                                                &place);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
