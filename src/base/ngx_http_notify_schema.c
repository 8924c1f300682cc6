/*
 * JSON Schema: from the text to a tree of nodes, when a configuration is read.
 * Each keyword has a setter; one without is refused, not ignored.  Lives in
 * the pool; must not know what is checked.
 */

#include "ngx_http_notify_schema_internal.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SCHEMA_COUNT  64    /* bytes of a number of things */


typedef struct {
    ngx_pool_t                      *pool;
    const ngx_str_t                 *text;
    ngx_uint_t                       nodes;
    ngx_http_notify_schema_error_t  *error;
} ngx_http_notify_schema_ctx_t;

typedef ngx_int_t ngx_http_notify_schema_set_t(
    ngx_http_notify_schema_ctx_t *ctx, void *field, const ngx_str_t *value,
    ngx_uint_t depth);

typedef struct {
    const char                    *name;
    ngx_http_notify_schema_set_t  *set;
    size_t                         offset;
} ngx_http_notify_schema_keyword_t;


static ngx_http_notify_schema_t *ngx_http_notify_schema_node(
    ngx_http_notify_schema_ctx_t *ctx, const ngx_str_t *value,
    ngx_uint_t depth);
static ngx_int_t ngx_http_notify_schema_set(ngx_http_notify_schema_ctx_t *ctx,
    ngx_http_notify_schema_t *schema, const ngx_str_t *name,
    const ngx_str_t *value, ngx_uint_t depth);
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_type;
static ngx_int_t ngx_http_notify_schema_type(ngx_http_notify_schema_ctx_t *ctx,
    const ngx_str_t *value, ngx_uint_t *types);
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_enum;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_const;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_properties;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_required;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_schema;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_schemas;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_count;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_number;
static ngx_http_notify_schema_set_t  ngx_http_notify_schema_set_pattern;
static ngx_int_t ngx_http_notify_schema_fail(ngx_http_notify_schema_ctx_t *ctx,
    const ngx_str_t *value, const char *fmt, ...);


static const ngx_http_notify_schema_keyword_t
    ngx_http_notify_schema_keywords[] =
{
    { "type", ngx_http_notify_schema_set_type,
      offsetof(ngx_http_notify_schema_t, types) },
    { "enum", ngx_http_notify_schema_set_enum,
      offsetof(ngx_http_notify_schema_t, values) },
    { "const", ngx_http_notify_schema_set_const,
      offsetof(ngx_http_notify_schema_t, fixed) },
    { "properties", ngx_http_notify_schema_set_properties,
      offsetof(ngx_http_notify_schema_t, properties) },
    { "required", ngx_http_notify_schema_set_required,
      offsetof(ngx_http_notify_schema_t, required) },
    { "additionalProperties", ngx_http_notify_schema_set_schema,
      offsetof(ngx_http_notify_schema_t, additional) },
    { "items", ngx_http_notify_schema_set_schema,
      offsetof(ngx_http_notify_schema_t, items) },
    { "minItems", ngx_http_notify_schema_set_count,
      offsetof(ngx_http_notify_schema_t, min_items) },
    { "maxItems", ngx_http_notify_schema_set_count,
      offsetof(ngx_http_notify_schema_t, max_items) },
    { "minLength", ngx_http_notify_schema_set_count,
      offsetof(ngx_http_notify_schema_t, min_length) },
    { "maxLength", ngx_http_notify_schema_set_count,
      offsetof(ngx_http_notify_schema_t, max_length) },
    { "pattern", ngx_http_notify_schema_set_pattern, 0 },
    { "minimum", ngx_http_notify_schema_set_number,
      offsetof(ngx_http_notify_schema_t, minimum) },
    { "maximum", ngx_http_notify_schema_set_number,
      offsetof(ngx_http_notify_schema_t, maximum) },
    { "exclusiveMinimum", ngx_http_notify_schema_set_number,
      offsetof(ngx_http_notify_schema_t, exclusive_minimum) },
    { "exclusiveMaximum", ngx_http_notify_schema_set_number,
      offsetof(ngx_http_notify_schema_t, exclusive_maximum) },
    { "allOf", ngx_http_notify_schema_set_schemas,
      offsetof(ngx_http_notify_schema_t, all_of) },
    { "anyOf", ngx_http_notify_schema_set_schemas,
      offsetof(ngx_http_notify_schema_t, any_of) },
    { "oneOf", ngx_http_notify_schema_set_schemas,
      offsetof(ngx_http_notify_schema_t, one_of) },
    { "not", ngx_http_notify_schema_set_schema,
      offsetof(ngx_http_notify_schema_t, negated) },

    /* these say nothing of a value */
    { "title", NULL, 0 },
    { "description", NULL, 0 },
    { "examples", NULL, 0 },
    { "default", NULL, 0 },
    { "deprecated", NULL, 0 },
    { "$schema", NULL, 0 },
    { "$comment", NULL, 0 },

    { NULL, NULL, 0 }
};


ngx_http_notify_schema_t *
ngx_http_notify_schema_compile(ngx_pool_t *pool, const ngx_str_t *text,
    ngx_http_notify_schema_error_t *error)
{
    ngx_int_t                      rc;
    ngx_str_t                      value;
    ngx_http_notify_schema_ctx_t   ctx;
    ngx_http_notify_json_error_t   json;

    ctx.pool = pool;
    ctx.text = text;
    ctx.nodes = 0;
    ctx.error = error;

    error->offset = 0;
    ngx_cpystrn(error->reason, (u_char *) "no memory", sizeof(error->reason));

    if (ngx_http_notify_json_scan(text, &value, &json) != NGX_OK) {
        error->offset = json.offset;
        ngx_cpystrn(error->reason, (u_char *) json.reason,
                    sizeof(error->reason));
        return NULL;
    }

    rc = ngx_http_notify_json_unique(&value, NULL);

    if (rc != NGX_OK) {
        (void) ngx_http_notify_schema_fail(&ctx, &value, "%s",
                                           rc == NGX_DECLINED
                                           ? "a member is given twice"
                                           : "no memory");
        return NULL;
    }

    /* it will be shown as a document */

    if (ngx_http_notify_json_parse(pool, &value, &json) == NULL) {
        error->offset = json.offset;
        ngx_cpystrn(error->reason, (u_char *) json.reason,
                    sizeof(error->reason));
        return NULL;
    }

    return ngx_http_notify_schema_node(&ctx, &value, 0);
}


const ngx_str_t *
ngx_http_notify_schema_text(const ngx_http_notify_schema_t *schema)
{
    return &schema->text;
}


static ngx_http_notify_schema_t *
ngx_http_notify_schema_node(ngx_http_notify_schema_ctx_t *ctx,
    const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_str_t                     name, member;
    ngx_http_notify_schema_t     *schema;
    ngx_http_notify_json_kind_e   kind;
    ngx_http_notify_json_iter_t   it;

    kind = ngx_http_notify_json_kind(value);

    if (kind != NGX_HTTP_NOTIFY_JSON_OBJECT
        && kind != NGX_HTTP_NOTIFY_JSON_TRUE
        && kind != NGX_HTTP_NOTIFY_JSON_FALSE)
    {
        (void) ngx_http_notify_schema_fail(ctx, value,
                                "a schema must be an object or a boolean");
        return NULL;
    }

    if (depth > NGX_HTTP_NOTIFY_SCHEMA_DEPTH
        || ++ctx->nodes > NGX_HTTP_NOTIFY_SCHEMA_NODES)
    {
        (void) ngx_http_notify_schema_fail(ctx, value,
                                "more than %d schemas, or %d in each other",
                                NGX_HTTP_NOTIFY_SCHEMA_NODES,
                                NGX_HTTP_NOTIFY_SCHEMA_DEPTH);
        return NULL;
    }

    schema = ngx_pcalloc(ctx->pool, sizeof(ngx_http_notify_schema_t));
    if (schema == NULL) {
        return NULL;
    }

    schema->text = *value;
    schema->max_items = NGX_HTTP_NOTIFY_SCHEMA_ANY;
    schema->max_length = NGX_HTTP_NOTIFY_SCHEMA_ANY;
    schema->never = (kind == NGX_HTTP_NOTIFY_JSON_FALSE);

    if (kind != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return schema;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &member) == NGX_OK) {

        if (ngx_http_notify_json_name(ctx->pool, &name) != NGX_OK
            || ngx_http_notify_schema_set(ctx, schema, &name, &member, depth)
               != NGX_OK)
        {
            return NULL;
        }
    }

    return schema;
}


static ngx_int_t
ngx_http_notify_schema_set(ngx_http_notify_schema_ctx_t *ctx,
    ngx_http_notify_schema_t *schema, const ngx_str_t *name,
    const ngx_str_t *value, ngx_uint_t depth)
{
    const ngx_http_notify_schema_keyword_t  *k;

    for (k = ngx_http_notify_schema_keywords; k->name; k++) {

        if (ngx_http_notify_text_is(name, k->name)) {
            return k->set ? k->set(ctx, (u_char *) schema + k->offset, value,
                                   depth)
                          : NGX_OK;
        }
    }

    return ngx_http_notify_schema_fail(ctx, value,
                                       "unsupported keyword \"%V\"", name);
}


/* a name or several of them */

static ngx_int_t
ngx_http_notify_schema_set_type(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_uint_t *types = field;

    ngx_str_t                     name, one;
    ngx_http_notify_json_iter_t   it;

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_ARRAY) {
        return ngx_http_notify_schema_type(ctx, value, types);
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &one) == NGX_OK) {
        if (ngx_http_notify_schema_type(ctx, &one, types) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return *types ? NGX_OK
                  : ngx_http_notify_schema_fail(ctx, value,
                                                "\"type\" is an empty array");
}


static ngx_int_t
ngx_http_notify_schema_type(ngx_http_notify_schema_ctx_t *ctx,
    const ngx_str_t *value, ngx_uint_t *types)
{
    ngx_uint_t  i;

    static const struct {
        ngx_str_t    name;
        ngx_uint_t   type;
    } names[] = {
        { ngx_string("\"null\""), NGX_HTTP_NOTIFY_SCHEMA_NULL },
        { ngx_string("\"boolean\""), NGX_HTTP_NOTIFY_SCHEMA_BOOLEAN },
        { ngx_string("\"integer\""), NGX_HTTP_NOTIFY_SCHEMA_INTEGER },
        { ngx_string("\"number\""), NGX_HTTP_NOTIFY_SCHEMA_NUMBER },
        { ngx_string("\"string\""), NGX_HTTP_NOTIFY_SCHEMA_STRING },
        { ngx_string("\"object\""), NGX_HTTP_NOTIFY_SCHEMA_OBJECT },
        { ngx_string("\"array\""), NGX_HTTP_NOTIFY_SCHEMA_ARRAY }
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ngx_http_notify_text_equal(&names[i].name, value)) {
            *types |= names[i].type;
            return NGX_OK;
        }
    }

    return ngx_http_notify_schema_fail(ctx, value, "not a type");
}


static ngx_int_t
ngx_http_notify_schema_set_enum(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_array_t **values = field;

    ngx_str_t                     name, one;
    ngx_http_notify_json_iter_t   it;

    ngx_http_notify_json_iter(&it, value);

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_ARRAY
        || ngx_http_notify_json_next(&it, &name, &one) != NGX_OK)
    {
        return ngx_http_notify_schema_fail(ctx, value,
                                "\"enum\" must be an array of values");
    }

    *values = ngx_array_create(ctx->pool, 4, sizeof(ngx_str_t));
    if (*values == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &one) == NGX_OK) {
        if (ngx_http_notify_schema_set_const(ctx, values, &one, depth)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_schema_set_const(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_array_t **values = field;

    ngx_str_t  *one;

    one = ngx_http_notify_memory_push(ctx->pool, values, sizeof(ngx_str_t));
    if (one == NULL) {
        return NGX_ERROR;
    }

    *one = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_schema_set_properties(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_array_t **properties = field;

    ngx_str_t                           name, one;
    ngx_http_notify_json_iter_t         it;
    ngx_http_notify_schema_property_t  *property;

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_OBJECT) {
        return ngx_http_notify_schema_fail(ctx, value,
                                           "\"properties\" must be an object");
    }

    *properties = ngx_array_create(ctx->pool, 8,
                                   sizeof(ngx_http_notify_schema_property_t));
    if (*properties == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &one) == NGX_OK) {
        property = ngx_array_push(*properties);

        if (property == NULL
            || ngx_http_notify_json_name(ctx->pool, &name) != NGX_OK)
        {
            return NGX_ERROR;
        }

        property->name = name;
        property->schema = ngx_http_notify_schema_node(ctx, &one, depth + 1);

        if (property->schema == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_schema_set_required(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_array_t **required = field;

    ngx_str_t                     name, one, *text;
    ngx_http_notify_json_iter_t   it;

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_ARRAY) {
        return ngx_http_notify_schema_fail(ctx, value,
                                           "\"required\" must be an array");
    }

    *required = ngx_array_create(ctx->pool, 4, sizeof(ngx_str_t));
    if (*required == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_json_iter(&it, value);

    while (ngx_http_notify_json_next(&it, &name, &one) == NGX_OK) {

        if (ngx_http_notify_json_kind(&one) != NGX_HTTP_NOTIFY_JSON_STRING) {
            return ngx_http_notify_schema_fail(ctx, &one,
                                    "\"required\" must be an array of names");
        }

        text = ngx_array_push(*required);

        if (text == NULL
            || ngx_http_notify_json_text(ctx->pool, &one, text) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_schema_set_schema(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_http_notify_schema_t **schema = field;

    *schema = ngx_http_notify_schema_node(ctx, value, depth + 1);

    return *schema ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_schema_set_schemas(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_array_t **schemas = field;

    ngx_str_t                     name, one;
    ngx_http_notify_schema_t    **schema;
    ngx_http_notify_json_iter_t   it;

    *schemas = ngx_array_create(ctx->pool, 4,
                                sizeof(ngx_http_notify_schema_t *));
    if (*schemas == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_ARRAY) {
        ngx_http_notify_json_iter(&it, value);

        while (ngx_http_notify_json_next(&it, &name, &one) == NGX_OK) {
            schema = ngx_array_push(*schemas);

            if (schema == NULL
                || ngx_http_notify_schema_set_schema(ctx, schema, &one, depth)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    if ((*schemas)->nelts == 0) {
        return ngx_http_notify_schema_fail(ctx, value,
                                "\"allOf\", \"anyOf\" and \"oneOf\" must be "
                                "arrays of schemas");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_schema_set_count(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_uint_t *count = field;

    double   d;
    int64_t  n;
    u_char   text[NGX_HTTP_NOTIFY_SCHEMA_COUNT];

    if (ngx_http_notify_json_int64(value, &n) == NGX_OK && n >= 0) {
        *count = (ngx_uint_t) n;
        return NGX_OK;
    }

    /* 2.0 and 2e0 are 2 */

    if (ngx_http_notify_json_kind(value) == NGX_HTTP_NOTIFY_JSON_NUMBER
        && value->len < NGX_HTTP_NOTIFY_SCHEMA_COUNT
        && ngx_http_notify_json_number_whole(value))
    {
        *ngx_cpymem(text, value->data, value->len) = '\0';
        d = strtod((char *) text, NULL);

        if (d >= 0 && d < 9007199254740992.0) {
            *count = (ngx_uint_t) d;
            return NGX_OK;
        }
    }

    return ngx_http_notify_schema_fail(ctx, value, "not a number of things");
}


static ngx_int_t
ngx_http_notify_schema_set_number(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_str_t *number = field;

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_NUMBER) {
        return ngx_http_notify_schema_fail(ctx, value, "not a number");
    }

    *number = *value;

    return NGX_OK;
}


/* characters are what UTF-8 says */

static ngx_int_t
ngx_http_notify_schema_set_pattern(ngx_http_notify_schema_ctx_t *ctx,
    void *field, const ngx_str_t *value, ngx_uint_t depth)
{
    ngx_http_notify_schema_t *schema = field;

    u_char     errstr[NGX_MAX_CONF_ERRSTR];
    ngx_str_t  text, error;

    if (ngx_http_notify_json_kind(value) != NGX_HTTP_NOTIFY_JSON_STRING) {
        return ngx_http_notify_schema_fail(ctx, value, "not a pattern");
    }

    if (ngx_http_notify_json_text(ctx->pool, value, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    error.data = errstr;

    schema->pattern = ngx_http_notify_pattern_compile(ctx->pool, &text, 1,
                                                      &error);
    if (schema->pattern == NULL) {
        return ngx_http_notify_schema_fail(ctx, value, "%V", &error);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_schema_fail(ngx_http_notify_schema_ctx_t *ctx,
    const ngx_str_t *value, const char *fmt, ...)
{
    u_char   *p, *last;
    va_list   args;

    p = ctx->error->reason;
    last = p + sizeof(ctx->error->reason) - 1;

    va_start(args, fmt);
    p = ngx_vslprintf(p, last, fmt, args);
    va_end(args);

    *p = '\0';

    ctx->error->offset = value->data - ctx->text->data;

    return NGX_ERROR;
}
