/*
 * The operands of a filter: checked against their operator, and turned into
 * what an event's members are compared with.  In the pool of the filter.
 * Must not know events: those are judged in ngx_http_notify_filter_match.c.
 */

#include "ngx_http_notify_filter_internal.h"
#include "ngx_http_notify_memory.h"


static ngx_int_t ngx_http_notify_filter_value(
    ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_value_t *value, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *place);
static ngx_int_t ngx_http_notify_filter_members(
    ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_value_t *value, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *up);
static ngx_int_t ngx_http_notify_filter_adapt(
    ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_value_t *value,
    const ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place);


ngx_int_t
ngx_http_notify_filter_operand(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_t *node, const ngx_http_notify_filter_path_t *path,
    ngx_http_notify_json_t *json, const ngx_http_notify_filter_place_t *place)
{
    const char                   *reason;
    ngx_uint_t                    valid;
    ngx_http_notify_json_kind_e   kind;

    kind = ngx_http_notify_json_type(json);

    switch (node->op) {

    case NGX_HTTP_NOTIFY_FILTER_IN:
    case NGX_HTTP_NOTIFY_FILTER_NIN:
        valid = (kind == NGX_HTTP_NOTIFY_JSON_ARRAY
                 && !ngx_http_notify_filter_vague(fc, json));
        reason = "must be an array of values";
        break;

    case NGX_HTTP_NOTIFY_FILTER_EXISTS:
        valid = (kind == NGX_HTTP_NOTIFY_JSON_TRUE
                 || kind == NGX_HTTP_NOTIFY_JSON_FALSE);
        reason = "must be true or false";
        break;

    case NGX_HTTP_NOTIFY_FILTER_PREFIX:
    case NGX_HTTP_NOTIFY_FILTER_SUFFIX:
        valid = (kind == NGX_HTTP_NOTIFY_JSON_STRING);
        reason = "must be a string";
        break;

    case NGX_HTTP_NOTIFY_FILTER_EQ:
    case NGX_HTTP_NOTIFY_FILTER_NE:
    case NGX_HTTP_NOTIFY_FILTER_CONTAINS:
        valid = 1;
        reason = NULL;
        break;

    default:
        valid = (kind == NGX_HTTP_NOTIFY_JSON_STRING
                 || kind == NGX_HTTP_NOTIFY_JSON_NUMBER);
        reason = "must be a number or a string";
    }

    if (!valid) {
        return ngx_http_notify_filter_fail(fc, place, reason);
    }

    if (ngx_http_notify_filter_value(fc, &node->value, json, place) != NGX_OK) {
        return NGX_ERROR;
    }

    switch (node->op) {

    case NGX_HTTP_NOTIFY_FILTER_EXISTS:
        return NGX_OK;

    case NGX_HTTP_NOTIFY_FILTER_PREFIX:
    case NGX_HTTP_NOTIFY_FILTER_SUFFIX:
    case NGX_HTTP_NOTIFY_FILTER_CONTAINS:

        if (path->member == NGX_HTTP_NOTIFY_FILTER_TIME) {
            return ngx_http_notify_filter_fail(fc, place,
                                               "does not apply to a time");
        }

        if (node->op == NGX_HTTP_NOTIFY_FILTER_PREFIX
            || kind != NGX_HTTP_NOTIFY_JSON_STRING)
        {
            return NGX_OK;
        }

        return ngx_http_notify_filter_search_init(fc->pool, node);

    default:
        return ngx_http_notify_filter_adapt(fc, &node->value, path, place);
    }
}


static ngx_int_t
ngx_http_notify_filter_value(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_value_t *value, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *place)
{
    value->kind = ngx_http_notify_json_type(json);

    switch (value->kind) {

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        return ngx_http_notify_json_dump(fc->pool, json, 0, &value->text);

    case NGX_HTTP_NOTIFY_JSON_STRING:
        value->text = ngx_http_notify_json_string(json);
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        return ngx_http_notify_filter_members(fc, value, json, place);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_notify_filter_members(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_value_t *value, ngx_http_notify_json_t *json,
    const ngx_http_notify_filter_place_t *up)
{
    void                             *cursor;
    ngx_uint_t                        n, object;
    ngx_http_notify_json_t           *member;
    ngx_http_notify_filter_place_t    place;
    ngx_http_notify_filter_value_t   *elt;

    object = (value->kind == NGX_HTTP_NOTIFY_JSON_OBJECT);

    cursor = NULL;
    ngx_str_null(&place.name);

    if (object) {
        for (n = 0; ngx_http_notify_json_member(json, &cursor, &place.name);
             n++)
        {
            /* void */
        }

        cursor = NULL;

    } else {
        n = ngx_http_notify_json_size(json);
    }

    if (n > NGX_HTTP_NOTIFY_FILTER_NODES) {
        return ngx_http_notify_filter_fail(fc, up, "has too many values");
    }

    value->n = n;
    value->elts = ngx_pcalloc(fc->pool,
                            (n + 1) * sizeof(ngx_http_notify_filter_value_t));
    if (value->elts == NULL) {
        return NGX_ERROR;
    }

    for (n = 0; n < value->n; n++) {

        elt = &value->elts[n];

        if (object) {
            member = ngx_http_notify_json_member(json, &cursor, &place.name);
            elt->name = place.name;

        } else {
            member = ngx_http_notify_json_at(json, n);
            place.index = n;
        }

        if (ngx_http_notify_filter_enter(fc, &place, up) != NGX_OK
            || ngx_http_notify_filter_value(fc, elt, member, &place) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * What is compared becomes what the event holds: a time its milliseconds, the
 * text of an id that is an int64 a number, as it did when it was published.
 */

static ngx_int_t
ngx_http_notify_filter_adapt(ngx_http_notify_filter_compiler_t *fc,
    ngx_http_notify_filter_value_t *value,
    const ngx_http_notify_filter_path_t *path,
    const ngx_http_notify_filter_place_t *place)
{
    uint64_t    ms;
    ngx_uint_t  i;

    if (value->kind == NGX_HTTP_NOTIFY_JSON_ARRAY) {

        for (i = 0; i < value->n; i++) {
            if (ngx_http_notify_filter_adapt(fc, &value->elts[i], path, place)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        return NGX_OK;
    }

    switch (path->member) {

    case NGX_HTTP_NOTIFY_FILTER_TIME:

        if (value->kind != NGX_HTTP_NOTIFY_JSON_STRING
            || ngx_http_notify_id_time_parse(&value->text, &ms) != NGX_OK)
        {
            return ngx_http_notify_filter_fail(fc, place,
                                               "must be an RFC 3339 time");
        }

        if (ngx_http_notify_memory_printf(fc->pool, &value->text, "%uL", ms)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
        break;

    case NGX_HTTP_NOTIFY_FILTER_ENTITY_TYPE:
    case NGX_HTTP_NOTIFY_FILTER_ENTITY:

        if (value->kind != NGX_HTTP_NOTIFY_JSON_STRING
            || ngx_http_notify_json_int64(&value->text, NULL) != NGX_OK)
        {
            return NGX_OK;
        }

        break;

    default:
        return NGX_OK;
    }

    value->kind = NGX_HTTP_NOTIFY_JSON_NUMBER;

    return NGX_OK;
}
