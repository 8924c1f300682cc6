/*
 * Templates: text, or a JSON text, with $notify_... variables, compiled at
 * configuration time into a list of parts and written with one allocation of
 * the exact size.  Must not know what the text is for.
 */

#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_variable.h"


typedef enum {
    NGX_HTTP_NOTIFY_TEMPLATE_LITERAL = 0,
    NGX_HTTP_NOTIFY_TEMPLATE_TEXT,          /* as it is */
    NGX_HTTP_NOTIFY_TEMPLATE_ESCAPED,       /* inside a JSON string */
    NGX_HTTP_NOTIFY_TEMPLATE_VALUE          /* a JSON value of its own */
} ngx_http_notify_template_mode_e;

typedef struct {
    ngx_http_notify_template_mode_e   mode;
    ngx_str_t                         text;         /* of a literal */
    ngx_http_notify_variable_t       *variable;
} ngx_http_notify_template_part_t;

struct ngx_http_notify_template_s {
    ngx_uint_t                        nparts;
    ngx_http_notify_template_part_t  *parts;
    ngx_uint_t                        constant;     /* unsigned  constant:1; */
    ngx_uint_t                        published;
    ngx_uint_t                        eventful;
    u_char                           *file;         /* of the directive */
    ngx_uint_t                        line;
};

/*
 * Under construction.  Literal text is written to a buffer as large as the
 * source; [start, pos) is what no part covers yet.
 */
typedef struct {
    ngx_conf_t                       *cf;
    ngx_pool_t                       *pool;
    ngx_array_t                       parts;
    u_char                           *start;
    u_char                           *pos;
    ngx_uint_t                        body;
    ngx_uint_t                        constant;
    ngx_uint_t                        published;
    ngx_uint_t                        eventful;
    const char                       *reason;
} ngx_http_notify_template_build_t;


static ngx_int_t ngx_http_notify_payload_template_start(
    ngx_http_notify_template_build_t *b, ngx_conf_t *cf,
    const ngx_str_t *text);
static ngx_http_notify_template_t *ngx_http_notify_payload_template_finish(
    ngx_http_notify_template_build_t *b);
static ngx_int_t ngx_http_notify_payload_template_flush(
    ngx_http_notify_template_build_t *b);
static ngx_int_t ngx_http_notify_payload_template_add(
    ngx_http_notify_template_build_t *b, const ngx_str_t *name,
    ngx_http_notify_template_mode_e mode);
static ngx_int_t ngx_http_notify_payload_template_split(
    ngx_http_notify_template_build_t *b, u_char *p, u_char *last,
    ngx_http_notify_template_mode_e mode);
static ngx_uint_t ngx_http_notify_payload_template_dollar(u_char *p,
    u_char *last);
static ngx_int_t ngx_http_notify_payload_template_name(
    ngx_http_notify_template_build_t *b, u_char **pos, u_char *last,
    ngx_str_t *name);
static ngx_int_t ngx_http_notify_payload_template_string(
    ngx_http_notify_template_build_t *b, u_char **pos, u_char *last);
static ngx_int_t ngx_http_notify_payload_template_member(
    ngx_http_notify_template_build_t *b, u_char *p, u_char *last);
static size_t ngx_http_notify_payload_template_size(
    const ngx_http_notify_template_part_t *part,
    const ngx_http_notify_value_t *value);
static u_char *ngx_http_notify_payload_template_write(u_char *p,
    const ngx_http_notify_template_part_t *part,
    const ngx_http_notify_value_t *value);


ngx_http_notify_template_t *
ngx_http_notify_payload_compile(ngx_conf_t *cf, const ngx_str_t *text,
    const char **reason)
{
    ngx_http_notify_template_t        *t;
    ngx_http_notify_template_build_t   b;

    t = NULL;

    if (ngx_http_notify_payload_template_start(&b, cf, text) == NGX_OK
        && ngx_http_notify_payload_template_split(&b, text->data,
                                                  text->data + text->len,
                                                  NGX_HTTP_NOTIFY_TEMPLATE_TEXT)
           == NGX_OK)
    {
        t = ngx_http_notify_payload_template_finish(&b);
    }

    *reason = (t == NULL) ? b.reason : NULL;

    return t;
}


ngx_http_notify_template_t *
ngx_http_notify_payload_compile_json(ngx_conf_t *cf, const ngx_str_t *text,
    ngx_uint_t body, const char **reason)
{
    u_char                            *p, *last;
    ngx_str_t                          value;
    ngx_http_notify_template_t        *t;
    ngx_http_notify_json_error_t       error;
    ngx_http_notify_template_build_t   b;

    if (ngx_http_notify_payload_template_start(&b, cf, text) != NGX_OK) {
        goto failed;
    }

    b.body = body;

    if (ngx_http_notify_json_scan(text, &value, &error) != NGX_OK) {

        p = ngx_pnalloc(cf->pool, ngx_strlen(error.reason)
                        + sizeof("invalid JSON at byte : ") + NGX_SIZE_T_LEN);
        if (p == NULL) {
            goto failed;
        }

        *ngx_sprintf(p, "invalid JSON at byte %uz: %s", error.offset,
                     error.reason) = '\0';

        b.reason = (const char *) p;
        goto failed;
    }

    switch (ngx_http_notify_json_unique(&value, NULL)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        b.reason = "a member is given twice";
        goto failed;

    default: /* NGX_ERROR */
        goto failed;
    }

    p = value.data;
    last = p + value.len;

    while (p < last) {

        switch (*p) {

        case ' ': case '\t': case '\n': case '\r':
            p++;
            break;

        case '"':
            if (ngx_http_notify_payload_template_string(&b, &p, last)
                != NGX_OK)
            {
                goto failed;
            }
            break;

        default:
            *b.pos++ = *p++;
        }
    }

    t = ngx_http_notify_payload_template_finish(&b);
    if (t != NULL) {
        *reason = NULL;
        return t;
    }

failed:

    *reason = b.reason;

    return NULL;
}


static ngx_int_t
ngx_http_notify_payload_template_start(ngx_http_notify_template_build_t *b,
    ngx_conf_t *cf, const ngx_str_t *text)
{
    b->cf = cf;
    b->pool = cf->pool;
    b->body = 0;
    b->constant = 1;
    b->published = 1;
    b->eventful = 0;
    b->reason = "not enough memory";

    if (ngx_array_init(&b->parts, cf->pool, 8,
                       sizeof(ngx_http_notify_template_part_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->start = ngx_pnalloc(cf->pool, text->len + 1);
    b->pos = b->start;

    return b->start == NULL ? NGX_ERROR : NGX_OK;
}


static ngx_http_notify_template_t *
ngx_http_notify_payload_template_finish(ngx_http_notify_template_build_t *b)
{
    ngx_http_notify_template_t  *t;

    if (ngx_http_notify_payload_template_flush(b) != NGX_OK) {
        return NULL;
    }

    t = ngx_palloc(b->pool, sizeof(ngx_http_notify_template_t));
    if (t == NULL) {
        return NULL;
    }

    t->parts = b->parts.elts;
    t->nparts = b->parts.nelts;
    t->constant = b->constant;
    t->published = b->published;
    t->eventful = b->eventful;
    t->file = b->cf->conf_file->file.name.data;
    t->line = b->cf->conf_file->line;

    return t;
}


ngx_int_t
ngx_http_notify_payload_named(const ngx_http_notify_template_t *t,
    ngx_http_notify_payload_named_pt handler, void *data)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    const ngx_str_t                   *attribute, *setting;
    const ngx_http_notify_variable_t  *variable;

    if (t == NULL) {
        return NGX_OK;
    }

    for (i = 0; i < t->nparts; i++) {
        variable = t->parts[i].variable;

        if (variable == NULL) {
            continue;
        }

        attribute = ngx_http_notify_variable_attribute_name(variable);
        setting = ngx_http_notify_variable_setting_name(variable);

        if (attribute == NULL && setting == NULL) {
            continue;
        }

        rc = handler(data, setting ? setting : attribute, setting != NULL,
                     t->file, t->line);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_payload_template_flush(ngx_http_notify_template_build_t *b)
{
    ngx_http_notify_template_part_t  *part;

    if (b->pos == b->start) {
        return NGX_OK;
    }

    part = ngx_array_push(&b->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->mode = NGX_HTTP_NOTIFY_TEMPLATE_LITERAL;
    part->text.data = b->start;
    part->text.len = b->pos - b->start;
    part->variable = NULL;

    b->start = b->pos;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_payload_template_add(ngx_http_notify_template_build_t *b,
    const ngx_str_t *name, ngx_http_notify_template_mode_e mode)
{
    ngx_http_notify_variable_t       *variable;
    ngx_http_notify_template_part_t  *part;

    variable = ngx_http_notify_variable_find(b->pool, name, &b->reason);
    if (variable == NULL) {
        return NGX_ERROR;
    }

    if (b->body && ngx_http_notify_variable_body(variable)) {
        b->reason = "the payload cannot contain \"$notify_payload\"";
        return NGX_ERROR;
    }

    b->constant &= ngx_http_notify_variable_constant(variable);
    b->published &= ngx_http_notify_variable_published(variable);
    b->eventful |= ngx_http_notify_variable_eventful(variable);

    if (ngx_http_notify_payload_template_flush(b) != NGX_OK) {
        return NGX_ERROR;
    }

    part = ngx_array_push(&b->parts);
    if (part == NULL) {
        return NGX_ERROR;
    }

    part->mode = mode;
    ngx_str_null(&part->text);
    part->variable = variable;

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_payload_template_split(ngx_http_notify_template_build_t *b,
    u_char *p,
    u_char *last, ngx_http_notify_template_mode_e mode)
{
    ngx_str_t  name;

    while (p < last) {

        if (*p != '$') {
            *b->pos++ = *p++;
            continue;
        }

        if (ngx_http_notify_payload_template_dollar(p, last)) {
            *b->pos++ = '$';
            p += 2;
            continue;
        }

        if (ngx_http_notify_payload_template_name(b, &p, last, &name) != NGX_OK
            || ngx_http_notify_payload_template_add(b, &name, mode) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* $$ is one */

static ngx_uint_t
ngx_http_notify_payload_template_dollar(u_char *p, u_char *last)
{
    return last - p > 1 && p[0] == '$' && p[1] == '$';
}


/* *pos is at the "$", and behind the variable afterwards */

static ngx_int_t
ngx_http_notify_payload_template_name(ngx_http_notify_template_build_t *b,
    u_char **pos, u_char *last, ngx_str_t *name)
{
    u_char      *p;
    ngx_uint_t   bracket;

    p = *pos + 1;
    bracket = 0;

    if (p < last && *p == '{') {
        bracket = 1;
        p++;
    }

    name->data = p;

    while (p < last
           && (((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
               || (*p >= '0' && *p <= '9')
               || *p == '_'))
    {
        p++;
    }

    if (bracket && p < last && *p == '.') {

        /* a path, whose names may have anything but what ends it */

        while (p < last && *p != '}' && *p != '"' && *p != '\\' && *p >= ' ')
        {
            p++;
        }
    }

    name->len = p - name->data;

    if (bracket) {
        if (p == last || *p != '}') {
            b->reason = "the closing bracket of a variable is missing";
            return NGX_ERROR;
        }

        p++;
    }

    if (name->len == 0) {
        b->reason = "invalid variable name";
        return NGX_ERROR;
    }

    *pos = p;

    return NGX_OK;
}


/* a string of the scanned JSON text: *pos is at its opening quote */

static ngx_int_t
ngx_http_notify_payload_template_string(ngx_http_notify_template_build_t *b,
    u_char **pos, u_char *last)
{
    u_char      *p, *start, *end;
    ngx_str_t    name;
    ngx_uint_t   variables;

    start = *pos + 1;
    variables = 0;

    for (end = start; *end != '"'; end++) {

        if (*end == '\\') {
            end++;

        } else if (*end == '$') {
            variables = 1;
        }
    }

    *pos = end + 1;

    if (!variables) {
        b->pos = ngx_cpymem(b->pos, start - 1, end + 1 - (start - 1));
        return NGX_OK;
    }

    for (p = end + 1; p < last && (*p == ' ' || (*p >= '\t' && *p <= '\r'));
         p++)
    {
        /* void */
    }

    if (p < last && *p == ':') {
        return ngx_http_notify_payload_template_member(b, start, end);
    }

    if (*start == '$'
        && !ngx_http_notify_payload_template_dollar(start, end))
    {
        p = start;

        if (ngx_http_notify_payload_template_name(b, &p, end, &name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (p == end) {
            return ngx_http_notify_payload_template_add(b, &name,
                                              NGX_HTTP_NOTIFY_TEMPLATE_VALUE);
        }
    }

    *b->pos++ = '"';

    if (ngx_http_notify_payload_template_split(b, start, end,
                                               NGX_HTTP_NOTIFY_TEMPLATE_ESCAPED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    *b->pos++ = '"';

    return NGX_OK;
}


/* the name of a member, which may have dollars */

static ngx_int_t
ngx_http_notify_payload_template_member(ngx_http_notify_template_build_t *b,
    u_char *p, u_char *last)
{
    *b->pos++ = '"';

    for ( /* void */ ; p < last; p++) {

        if (*p == '$') {

            if (!ngx_http_notify_payload_template_dollar(p, last)) {
                b->reason = "variables are not allowed in the names of "
                            "members";
                return NGX_ERROR;
            }

            p++;
        }

        *b->pos++ = *p;
    }

    *b->pos++ = '"';

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_payload_text(ngx_pool_t *pool,
    const ngx_http_notify_template_t *t,
    const ngx_http_notify_payload_context_t *context, ngx_str_t *text)
{
    u_char                   *p;
    size_t                    len;
    ngx_uint_t                i;
    ngx_http_notify_value_t  *values;

    if (t->nparts == 0) {
        ngx_str_set(text, "");
        return NGX_OK;
    }

    if (t->nparts == 1 && t->parts[0].variable == NULL) {
        *text = t->parts[0].text;
        return NGX_OK;
    }

    values = ngx_palloc(pool, t->nparts * sizeof(ngx_http_notify_value_t));
    if (values == NULL) {
        return NGX_ERROR;
    }

    len = 0;

    for (i = 0; i < t->nparts; i++) {

        if (t->parts[i].variable != NULL
            && ngx_http_notify_variable_value(pool, t->parts[i].variable,
                                              context, &values[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        len += ngx_http_notify_payload_template_size(&t->parts[i], &values[i]);
    }

    if (t->nparts == 1 && t->parts[0].mode == NGX_HTTP_NOTIFY_TEMPLATE_TEXT) {
        *text = values[0].text;

        if (text->len == 0) {
            ngx_str_set(text, "");
        }

        return NGX_OK;
    }

    p = ngx_pnalloc(pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = len;

    for (i = 0; i < t->nparts; i++) {
        p = ngx_http_notify_payload_template_write(p, &t->parts[i], &values[i]);
    }

    return NGX_OK;
}


static size_t
ngx_http_notify_payload_template_size(
    const ngx_http_notify_template_part_t *part,
    const ngx_http_notify_value_t *value)
{
    size_t  len;

    if (part->mode == NGX_HTTP_NOTIFY_TEMPLATE_LITERAL) {
        return part->text.len;
    }

    len = value->text.len;

    if (part->mode == NGX_HTTP_NOTIFY_TEMPLATE_TEXT) {
        return len;
    }

    if (part->mode == NGX_HTTP_NOTIFY_TEMPLATE_VALUE) {

        if (value->whole.len) {
            return value->whole.len;
        }

        if (len == 0) {
            return sizeof("null") - 1;
        }

        if (value->json) {
            return len;
        }

        return 2 + ngx_http_notify_json_escaped_len(&value->text);
    }

    return ngx_http_notify_json_escaped_len(&value->text);
}


static u_char *
ngx_http_notify_payload_template_write(u_char *p,
    const ngx_http_notify_template_part_t *part,
    const ngx_http_notify_value_t *value)
{
    if (part->mode == NGX_HTTP_NOTIFY_TEMPLATE_LITERAL) {
        return ngx_cpymem(p, part->text.data, part->text.len);
    }

    if (part->mode == NGX_HTTP_NOTIFY_TEMPLATE_ESCAPED) {
        return ngx_http_notify_json_put_escaped(p, &value->text);
    }

    if (part->mode == NGX_HTTP_NOTIFY_TEMPLATE_VALUE && value->whole.len) {
        return ngx_cpymem(p, value->whole.data, value->whole.len);
    }

    if (value->text.len == 0) {
        return part->mode == NGX_HTTP_NOTIFY_TEMPLATE_TEXT
               ? p : ngx_cpymem(p, "null", sizeof("null") - 1);
    }

    if (part->mode == NGX_HTTP_NOTIFY_TEMPLATE_TEXT || value->json) {
        return ngx_cpymem(p, value->text.data, value->text.len);
    }

    *p++ = '"';
    p = ngx_http_notify_json_put_escaped(p, &value->text);
    *p++ = '"';

    return p;
}


ngx_uint_t
ngx_http_notify_payload_constant(const ngx_http_notify_template_t *t)
{
    return t->constant;
}


ngx_uint_t
ngx_http_notify_payload_published(const ngx_http_notify_template_t *t)
{
    return t->published;
}


ngx_uint_t
ngx_http_notify_payload_eventful(const ngx_http_notify_template_t *t)
{
    return t->eventful;
}
