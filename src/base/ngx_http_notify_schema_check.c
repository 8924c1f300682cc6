/*
 * JSON Schema: whether a value is as a compiled schema says.  Walks slices of
 * the value; its depth is that of JSON's scanner, its work at most the nodes
 * of the schema for each node of the value.  Changes nothing.
 */

#include "ngx_http_notify_schema_internal.h"
#include "ngx_http_notify_text.h"


/* what is wrong is said; NGX_DECLINED then, NGX_ERROR: memory */
typedef ngx_int_t ngx_http_notify_schema_check_t(
    const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place);


static ngx_http_notify_schema_check_t  ngx_http_notify_schema_value;
static ngx_int_t ngx_http_notify_schema_among(ngx_pool_t *pool,
    const ngx_array_t *values, const ngx_str_t *value);
static ngx_uint_t ngx_http_notify_schema_is(ngx_uint_t types,
    const ngx_str_t *value);
static ngx_http_notify_schema_check_t  ngx_http_notify_schema_number;
static ngx_http_notify_schema_check_t  ngx_http_notify_schema_string;
static void ngx_http_notify_schema_characters(ngx_str_t *text);
static ngx_http_notify_schema_check_t  ngx_http_notify_schema_array;
static ngx_http_notify_schema_check_t  ngx_http_notify_schema_object;
static ngx_http_notify_schema_check_t  ngx_http_notify_schema_required;
static const ngx_http_notify_schema_t *ngx_http_notify_schema_of(
    const ngx_http_notify_schema_t *schema, const ngx_str_t *name);
static ngx_http_notify_schema_check_t  ngx_http_notify_schema_combined;
static ngx_int_t ngx_http_notify_schema_matches(
    const ngx_http_notify_schema_run_t *run, const ngx_array_t *schemas,
    const ngx_str_t *value, ngx_uint_t *n);
static ngx_int_t ngx_http_notify_schema_mistyped(
    const ngx_http_notify_schema_run_t *run, ngx_uint_t types,
    const ngx_str_t *value, const ngx_http_notify_schema_place_t *place);
static ngx_int_t ngx_http_notify_schema_other(
    const ngx_http_notify_schema_run_t *run, const ngx_array_t *values,
    const ngx_http_notify_schema_place_t *place);


ngx_int_t
ngx_http_notify_schema_check(const ngx_http_notify_schema_t *schema,
    ngx_pool_t *pool, const ngx_str_t *value,
    ngx_http_notify_schema_pt handler, void *data)
{
    ngx_http_notify_schema_run_t  run;

    run.pool = pool;
    run.handler = handler;
    run.data = data;

    return ngx_http_notify_schema_value(&run, schema, value, NULL);
}


/* goes on behind what is wrong, so that all of it is said */

static ngx_int_t
ngx_http_notify_schema_value(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    ngx_int_t  rc, verdict;

    if (schema->never) {
        return ngx_http_notify_schema_say(run, place, "is not allowed");
    }

    if (schema->types && !ngx_http_notify_schema_is(schema->types, value)) {
        return ngx_http_notify_schema_mistyped(run, schema->types, value,
                                               place);
    }

    if ((schema->values
         && (rc = ngx_http_notify_schema_among(run->pool, schema->values,
                                               value))
            != NGX_OK)
        || (schema->fixed
            && (rc = ngx_http_notify_schema_among(run->pool, schema->fixed,
                                                  value))
               != NGX_OK))
    {
        return rc == NGX_ERROR ? NGX_ERROR
                               : ngx_http_notify_schema_other(run,
                                     schema->fixed ? schema->fixed
                                                   : schema->values, place);
    }

    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        verdict = ngx_http_notify_schema_number(run, schema, value, place);
        break;

    case NGX_HTTP_NOTIFY_JSON_STRING:
        verdict = ngx_http_notify_schema_string(run, schema, value, place);
        break;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        verdict = ngx_http_notify_schema_array(run, schema, value, place);
        break;

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        verdict = ngx_http_notify_schema_object(run, schema, value, place);
        break;

    default:
        verdict = NGX_OK;
    }

    if (verdict == NGX_ERROR) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_schema_combined(run, schema, value, place);

    return rc == NGX_OK ? verdict : rc;
}


/* NGX_DECLINED: it is none of them */

static ngx_int_t
ngx_http_notify_schema_among(ngx_pool_t *pool, const ngx_array_t *values,
    const ngx_str_t *value)
{
    ngx_int_t    rc;
    ngx_str_t   *one;
    ngx_uint_t   i;

    one = values->elts;

    for (i = 0; i < values->nelts; i++) {
        rc = ngx_http_notify_json_same(pool, &one[i], value);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


/* "must be a number or null, not a string" */

static ngx_int_t
ngx_http_notify_schema_mistyped(const ngx_http_notify_schema_run_t *run,
    ngx_uint_t types, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    u_char      *p, *last;
    ngx_uint_t   i, n, left, is;
    u_char       wanted[128];

    static const struct {
        ngx_uint_t    type;
        const char   *name;
    } names[] = {
        { NGX_HTTP_NOTIFY_SCHEMA_OBJECT, "an object" },
        { NGX_HTTP_NOTIFY_SCHEMA_ARRAY, "an array" },
        { NGX_HTTP_NOTIFY_SCHEMA_STRING, "a string" },
        { NGX_HTTP_NOTIFY_SCHEMA_NUMBER, "a number" },
        { NGX_HTTP_NOTIFY_SCHEMA_INTEGER, "a whole number" },
        { NGX_HTTP_NOTIFY_SCHEMA_BOOLEAN, "true or false" },
        { NGX_HTTP_NOTIFY_SCHEMA_NULL, "null" }
    };

    n = sizeof(names) / sizeof(names[0]);
    p = wanted;
    last = wanted + sizeof(wanted);
    left = types;
    is = 0;

    for (i = 0; i < n; i++) {

        if (types & names[i].type) {
            left &= ~names[i].type;
            p = ngx_slprintf(p, last, "%s%s",
                             p == wanted ? "" : left ? ", " : " or ",
                             names[i].name);
        }

        if (ngx_http_notify_schema_is(names[i].type, value)
            && names[i].type != NGX_HTTP_NOTIFY_SCHEMA_INTEGER)
        {
            is = i;
        }
    }

    return ngx_http_notify_schema_say(run, place, "must be %*s, not %s",
                                      (size_t) (p - wanted), wanted,
                                      names[is].name);
}


/* the values that it may have, as many as one line takes */

static ngx_int_t
ngx_http_notify_schema_other(const ngx_http_notify_schema_run_t *run,
    const ngx_array_t *values, const ngx_http_notify_schema_place_t *place)
{
    u_char      *p, *last;
    ngx_str_t   *value;
    ngx_uint_t   i;
    u_char       text[128];

    p = text;
    last = text + sizeof(text);
    value = values->elts;

    for (i = 0; i < values->nelts; i++) {

        if ((size_t) (last - p) < value[i].len + sizeof(", ...")) {
            p = ngx_slprintf(p, last, "%s...", i ? ", " : "");
            break;
        }

        p = ngx_slprintf(p, last, "%s%V", i ? ", " : "", &value[i]);
    }

    return ngx_http_notify_schema_say(run, place, "must be %s%*s",
                                      values->nelts > 1 ? "one of " : "",
                                      (size_t) (p - text), text);
}


static ngx_uint_t
ngx_http_notify_schema_is(ngx_uint_t types, const ngx_str_t *value)
{
    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_NULL:
        return (types & NGX_HTTP_NOTIFY_SCHEMA_NULL) != 0;

    case NGX_HTTP_NOTIFY_JSON_TRUE:
    case NGX_HTTP_NOTIFY_JSON_FALSE:
        return (types & NGX_HTTP_NOTIFY_SCHEMA_BOOLEAN) != 0;

    case NGX_HTTP_NOTIFY_JSON_NUMBER:
        return (types & NGX_HTTP_NOTIFY_SCHEMA_NUMBER)
               || ((types & NGX_HTTP_NOTIFY_SCHEMA_INTEGER)
                   && ngx_http_notify_json_number_whole(value));

    case NGX_HTTP_NOTIFY_JSON_STRING:
        return (types & NGX_HTTP_NOTIFY_SCHEMA_STRING) != 0;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        return (types & NGX_HTTP_NOTIFY_SCHEMA_ARRAY) != 0;

    default: /* NGX_HTTP_NOTIFY_JSON_OBJECT */
        return (types & NGX_HTTP_NOTIFY_SCHEMA_OBJECT) != 0;
    }
}


static ngx_int_t
ngx_http_notify_schema_number(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    if (schema->minimum.len
        && ngx_http_notify_json_number_compare(value, &schema->minimum) < 0)
    {
        return ngx_http_notify_schema_say(run, place, "is less than %V",
                                          &schema->minimum);
    }

    if (schema->exclusive_minimum.len
        && ngx_http_notify_json_number_compare(value,
                                               &schema->exclusive_minimum)
           <= 0)
    {
        return ngx_http_notify_schema_say(run, place, "is not more than %V",
                                          &schema->exclusive_minimum);
    }

    if (schema->maximum.len
        && ngx_http_notify_json_number_compare(value, &schema->maximum) > 0)
    {
        return ngx_http_notify_schema_say(run, place, "is more than %V",
                                          &schema->maximum);
    }

    if (schema->exclusive_maximum.len
        && ngx_http_notify_json_number_compare(value,
                                               &schema->exclusive_maximum)
           >= 0)
    {
        return ngx_http_notify_schema_say(run, place, "is not less than %V",
                                          &schema->exclusive_maximum);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_schema_string(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    size_t      i;
    ngx_str_t   text;
    ngx_uint_t  n;

    if (ngx_http_notify_json_text(run->pool, value, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < text.len; i++) {
        n += ((text.data[i] & 0xc0) != 0x80);
    }

    if (n < schema->min_length) {
        return ngx_http_notify_schema_say(run, place,
                                          "is shorter than %ui character%s",
                                          schema->min_length,
                                          ngx_http_notify_text_plural(
                                              schema->min_length));
    }

    if (n > schema->max_length) {
        return ngx_http_notify_schema_say(run, place,
                                          "is longer than %ui character%s",
                                          schema->max_length,
                                          ngx_http_notify_text_plural(
                                              schema->max_length));
    }

    if (schema->pattern == NULL) {
        return NGX_OK;
    }

    ngx_http_notify_schema_characters(&text);

    switch (ngx_http_notify_pattern_match(schema->pattern, &text)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_http_notify_schema_say(run, place,
                                          "does not match the pattern");

    default:
        return ngx_http_notify_schema_say(run, place,
                                          "takes too long to be matched with "
                                          "the pattern");
    }
}


/* half of a surrogate pair becomes U+FFFD, which is as long */

static void
ngx_http_notify_schema_characters(ngx_str_t *text)
{
    u_char  *p, *last;

    p = text->data;
    last = p + text->len;

    while (p < last && (p = memchr(p, 0xed, last - p)) != NULL) {

        if (p[1] < 0xa0) {
            p++;
            continue;
        }

        /* it was escaped: the text is a copy */

        p = ngx_cpymem(p, "\xef\xbf\xbd", 3);
    }
}


static ngx_int_t
ngx_http_notify_schema_array(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    ngx_int_t                        rc, verdict;
    ngx_str_t                        name, one;
    ngx_http_notify_json_iter_t      it;
    ngx_http_notify_schema_place_t   below;

    verdict = NGX_OK;
    below.above = place;
    below.name = NULL;
    below.index = 0;

    ngx_http_notify_json_iter(&it, value);

    for ( /* void */ ;
         ngx_http_notify_json_next(&it, &name, &one) == NGX_OK;
         below.index++)
    {
        if (schema->items == NULL) {
            continue;
        }

        rc = ngx_http_notify_schema_value(run, schema->items, &one, &below);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            verdict = rc;

            if (run->handler == NULL) {
                return verdict;
            }
        }
    }

    if (below.index < schema->min_items) {
        return ngx_http_notify_schema_say(run, place,
                                          "has fewer than %ui element%s",
                                          schema->min_items,
                                          ngx_http_notify_text_plural(
                                              schema->min_items));
    }

    if (below.index > schema->max_items) {
        return ngx_http_notify_schema_say(run, place,
                                          "has more than %ui element%s",
                                          schema->max_items,
                                          ngx_http_notify_text_plural(
                                              schema->max_items));
    }

    return verdict;
}


static ngx_int_t
ngx_http_notify_schema_object(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    ngx_int_t                         rc, verdict;
    ngx_str_t                         name, member;
    ngx_http_notify_json_iter_t       it;
    ngx_http_notify_schema_place_t    below;
    const ngx_http_notify_schema_t   *of;

    verdict = ngx_http_notify_schema_required(run, schema, value, place);

    if (verdict == NGX_ERROR
        || (schema->properties == NULL && schema->additional == NULL))
    {
        return verdict;
    }

    below.above = place;
    below.name = &name;
    below.index = 0;

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &member) == NGX_OK) {

        if (ngx_http_notify_json_name(run->pool, &name) != NGX_OK) {
            return NGX_ERROR;
        }

        of = ngx_http_notify_schema_of(schema, &name);

        if (of == NULL) {
            continue;
        }

        rc = ngx_http_notify_schema_value(run, of, &member, &below);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            verdict = rc;

            if (run->handler == NULL) {
                return verdict;
            }
        }
    }

    return verdict;
}


static ngx_int_t
ngx_http_notify_schema_required(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    ngx_int_t                        rc, verdict;
    ngx_str_t                       *name, member;
    ngx_uint_t                       i;
    ngx_http_notify_schema_place_t   below;

    verdict = NGX_OK;

    if (schema->required == NULL) {
        return NGX_OK;
    }

    name = schema->required->elts;

    for (i = 0; i < schema->required->nelts; i++) {
        rc = ngx_http_notify_json_find(run->pool, value, &name[i],
                                           &member);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            below.above = place;
            below.name = &name[i];
            below.index = 0;

            verdict = ngx_http_notify_schema_say(run, &below, "is required");
        }
    }

    return verdict;
}


static const ngx_http_notify_schema_t *
ngx_http_notify_schema_of(const ngx_http_notify_schema_t *schema,
    const ngx_str_t *name)
{
    ngx_http_notify_schema_property_t  *property;

    if (schema->properties) {
        property = ngx_http_notify_text_find_array(name, schema->properties);

        if (property) {
            return property->schema;
        }
    }

    return schema->additional;
}


static ngx_int_t
ngx_http_notify_schema_combined(const ngx_http_notify_schema_run_t *run,
    const ngx_http_notify_schema_t *schema, const ngx_str_t *value,
    const ngx_http_notify_schema_place_t *place)
{
    ngx_int_t                      rc, verdict;
    ngx_uint_t                     i, n;
    ngx_http_notify_schema_t     **all;
    ngx_http_notify_schema_run_t   quiet;

    verdict = NGX_OK;

    if (schema->all_of) {
        all = schema->all_of->elts;

        for (i = 0; i < schema->all_of->nelts; i++) {
            rc = ngx_http_notify_schema_value(run, all[i], value, place);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            verdict = (rc == NGX_OK) ? verdict : rc;
        }
    }

    if (schema->any_of) {
        if (ngx_http_notify_schema_matches(run, schema->any_of, value, &n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (n == 0) {
            verdict = ngx_http_notify_schema_say(run, place,
                                                 "is like none of \"anyOf\"");
        }
    }

    if (schema->one_of) {
        if (ngx_http_notify_schema_matches(run, schema->one_of, value, &n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (n != 1) {
            verdict = ngx_http_notify_schema_say(run, place,
                                                 "is like %ui of \"oneOf\"",
                                                 n);
        }
    }

    if (schema->negated) {
        quiet = *run;
        quiet.handler = NULL;

        rc = ngx_http_notify_schema_value(&quiet, schema->negated, value,
                                          NULL);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            verdict = ngx_http_notify_schema_say(run, place,
                                                 "is like \"not\"");
        }
    }

    return verdict;
}


static ngx_int_t
ngx_http_notify_schema_matches(const ngx_http_notify_schema_run_t *run,
    const ngx_array_t *schemas, const ngx_str_t *value, ngx_uint_t *n)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_http_notify_schema_t     **schema;
    ngx_http_notify_schema_run_t   quiet;

    quiet = *run;
    quiet.handler = NULL;

    schema = schemas->elts;
    *n = 0;

    for (i = 0; i < schemas->nelts; i++) {
        rc = ngx_http_notify_schema_value(&quiet, schema[i], value, NULL);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        *n += (rc == NGX_OK);
    }

    return NGX_OK;
}
