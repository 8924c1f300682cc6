/*
 * notify_var: a variable is a place in the JSON of a request's or an answer's
 * body, or a field of a form.  A level adds to what the outer ones say, and
 * may say it anew.  Reads nothing: others see to it that the body is there.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_emit.h"
#include "ngx_http_notify_http_module.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_var.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_VAR_SEGMENTS  16


typedef struct {
    ngx_str_t      name;
    ngx_uint_t     kind;        /* NGX_HTTP_NOTIFY_VAR_... */
    ngx_str_t      path;        /* as given: the name of a form's field */
    ngx_array_t    segments;    /* of ngx_str_t */
} ngx_http_notify_var_t;

typedef struct ngx_http_notify_var_loc_conf_s  ngx_http_notify_var_loc_conf_t;

struct ngx_http_notify_var_loc_conf_s {
    ngx_array_t                     *vars;      /* of _var_t, or NULL */
    ngx_http_notify_var_loc_conf_t  *outer;
    ngx_uint_t                       reads;
};


static ngx_int_t ngx_http_notify_var_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_http_notify_var_t *ngx_http_notify_var_find(ngx_http_request_t *r,
    const ngx_str_t *name);
static ngx_int_t ngx_http_notify_var_text(ngx_http_request_t *r,
    ngx_http_notify_var_t *var, ngx_str_t *text);
static ngx_int_t ngx_http_notify_var_walk(ngx_http_request_t *r,
    ngx_http_notify_var_t *var, ngx_str_t *text, ngx_str_t *value);
static ngx_int_t ngx_http_notify_var_step(const ngx_str_t *segment,
    ngx_str_t *value);
static void *ngx_http_notify_var_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_notify_var_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_notify_var_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_notify_var_path(ngx_conf_t *cf,
    ngx_http_notify_var_t *var);
static char *ngx_http_notify_var_add(ngx_conf_t *cf,
    ngx_http_notify_var_t *var);


static ngx_command_t  ngx_http_notify_var_commands[] = {

    { ngx_string("notify_var"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE3,
      ngx_http_notify_var_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_notify_var_module_ctx =
    ngx_http_notify_http_module_location(ngx_http_notify_var_create_loc_conf,
                                         ngx_http_notify_var_merge_loc_conf);


ngx_module_t  ngx_http_notify_var_module =
    ngx_http_notify_http_module(&ngx_http_notify_var_module_ctx,
                                ngx_http_notify_var_commands);


ngx_uint_t
ngx_http_notify_var_reads(ngx_http_request_t *r)
{
    ngx_http_notify_var_loc_conf_t  *vlcf;

    vlcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_var_module);

    return vlcf->reads;
}


static ngx_int_t
ngx_http_notify_var_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t               rc;
    ngx_str_t              *name, text, value;
    ngx_http_notify_var_t  *var;

    name = (ngx_str_t *) data;

    v->not_found = 1;

    var = ngx_http_notify_var_find(r, name);

    if (var == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_notify_var_text(r, var, &text);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_var_walk(r, var, &text, &value);
    }

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    return rc == NGX_OK ? ngx_http_notify_body_value(r, v, &value) : NGX_ERROR;
}


/* the innermost level that says what it is */

static ngx_http_notify_var_t *
ngx_http_notify_var_find(ngx_http_request_t *r, const ngx_str_t *name)
{
    ngx_http_notify_var_t           *var;
    ngx_http_notify_var_loc_conf_t  *vlcf;

    vlcf = ngx_http_get_module_loc_conf(r, ngx_http_notify_var_module);

    for ( /* void */ ; vlcf; vlcf = vlcf->outer) {

        var = vlcf->vars ? ngx_http_notify_text_find_array(name, vlcf->vars)
                         : NULL;
        if (var) {
            return var;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_notify_var_text(ngx_http_request_t *r, ngx_http_notify_var_t *var,
    ngx_str_t *text)
{
    ngx_int_t                       rc;
    ngx_http_notify_emit_answer_t  *answer;

    if (var->kind == NGX_HTTP_NOTIFY_VAR_RESPONSE) {
        answer = ngx_http_notify_emit_answer(r);

        if (answer == NULL || !answer->usable) {
            return NGX_DECLINED;
        }

        *text = answer->text;

        return text->len ? NGX_OK : NGX_DECLINED;
    }

    if (r->main->request_body == NULL || r->main->reading_body) {
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_body(r->main, ngx_http_notify_body_size(r), text);

    if (rc == NGX_OK && text->len == 0) {
        return NGX_DECLINED;
    }

    return rc;
}


static ngx_int_t
ngx_http_notify_var_walk(ngx_http_request_t *r, ngx_http_notify_var_t *var,
    ngx_str_t *text, ngx_str_t *value)
{
    ngx_str_t                     *segment;
    ngx_uint_t                     i;
    ngx_http_notify_json_error_t   error;

    if (var->kind == NGX_HTTP_NOTIFY_VAR_REQUEST
        && ngx_http_notify_body_is(r->main,
                                   "application/x-www-form-urlencoded"))
    {
        return ngx_http_notify_body_field(r, text, &var->path, value);
    }

    if (ngx_http_notify_json_scan(text, value, &error) != NGX_OK) {
        return NGX_DECLINED;
    }

    segment = var->segments.elts;

    for (i = 0; i < var->segments.nelts; i++) {

        if (ngx_http_notify_var_step(&segment[i], value) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return ngx_http_notify_body_plain(r->pool, value);
}


/* into a member by its name, or an element by its number */

static ngx_int_t
ngx_http_notify_var_step(const ngx_str_t *segment, ngx_str_t *value)
{
    ngx_int_t                     n, i;
    ngx_str_t                     name, inner;
    ngx_http_notify_json_iter_t   it;

    switch (ngx_http_notify_json_kind(value)) {

    case NGX_HTTP_NOTIFY_JSON_OBJECT:
        n = NGX_ERROR;
        break;

    case NGX_HTTP_NOTIFY_JSON_ARRAY:
        n = ngx_atoi(segment->data, segment->len);

        if (n == NGX_ERROR) {
            return NGX_DECLINED;
        }

        break;

    default:
        return NGX_DECLINED;
    }

    ngx_http_notify_json_iter(&it, value);

    for (i = 0; ngx_http_notify_json_next(&it, &name, &inner) == NGX_OK; i++)
    {
        if (n == NGX_ERROR
                ? ngx_http_notify_text_equal_nocase(&name, segment)
                : i == n)
        {
            *value = inner;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static void *
ngx_http_notify_var_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_var_loc_conf_t));
}


static char *
ngx_http_notify_var_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_notify_var_loc_conf_t *prev = parent;
    ngx_http_notify_var_loc_conf_t *conf = child;

    conf->outer = prev;
    conf->reads |= prev->reads;

    return NGX_CONF_OK;
}


/* notify_var $NAME request|response PATH */

static char *
ngx_http_notify_var_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_notify_var_loc_conf_t *vlcf = conf;

    ngx_str_t              *args;
    ngx_http_notify_var_t  *var;

    args = cf->args->elts;

    if (args[1].len < 2 || args[1].data[0] != '$') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable name \"%V\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    args[1].data++;
    args[1].len--;

    ngx_strlow(args[1].data, args[1].data, args[1].len);

    if (vlcf->vars && ngx_http_notify_text_find_array(&args[1], vlcf->vars)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate variable \"$%V\"", &args[1]);
        return NGX_CONF_ERROR;
    }

    var = ngx_http_notify_memory_push(cf->pool, &vlcf->vars,
                                      sizeof(ngx_http_notify_var_t));
    if (var == NULL) {
        return NGX_CONF_ERROR;
    }

    var->name = args[1];
    var->path = args[3];

    if (ngx_strcmp(args[2].data, "request") == 0) {
        var->kind = NGX_HTTP_NOTIFY_VAR_REQUEST;

    } else if (ngx_strcmp(args[2].data, "response") == 0) {
        var->kind = NGX_HTTP_NOTIFY_VAR_RESPONSE;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid body \"%V\", it must be \"request\" or "
                           "\"response\"", &args[2]);
        return NGX_CONF_ERROR;
    }

    vlcf->reads |= var->kind;

    if (ngx_http_notify_var_path(cf, var) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_notify_var_add(cf, var);
}


/* document.lines.0.id, userData[KEY] */

static char *
ngx_http_notify_var_path(ngx_conf_t *cf, ngx_http_notify_var_t *var)
{
    u_char     *p, *last, *start;
    ngx_str_t  *segment;

    if (ngx_array_init(&var->segments, cf->pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    p = var->path.data;
    last = p + var->path.len;

    while (p < last) {

        for (start = p; p < last && *p != '.' && *p != '['; p++) {
            if (*p == ']') {
                break;
            }
        }

        if (p == start
            || var->segments.nelts == NGX_HTTP_NOTIFY_VAR_SEGMENTS)
        {
            goto invalid;
        }

        segment = ngx_array_push(&var->segments);
        if (segment == NULL) {
            return NGX_CONF_ERROR;
        }

        segment->data = start;
        segment->len = p - start;

        if (p < last && *p == ']') {
            p++;
        }

        if (p < last) {

            if ((*p != '.' && *p != '[') || p + 1 == last) {
                goto invalid;
            }

            p++;
        }
    }

    if (var->segments.nelts) {
        return NGX_CONF_OK;
    }

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid path \"%V\", it must be 1 to %d names with "
                       "dots between them, or NAME[KEY]", &var->path,
                       NGX_HTTP_NOTIFY_VAR_SEGMENTS);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_notify_var_add(ngx_conf_t *cf, ngx_http_notify_var_t *var)
{
    ngx_str_t            *name;
    ngx_http_variable_t  *v;

    /* several levels may say what it is; an answer is not there at first */

    v = ngx_http_add_variable(cf, &var->name, NGX_HTTP_VAR_CHANGEABLE
                                              |NGX_HTTP_VAR_NOCACHEABLE);
    if (v == NULL) {
        return NGX_CONF_ERROR;
    }

    if (v->get_handler && v->get_handler != ngx_http_notify_var_variable) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the variable \"$%V\" is another one's",
                           &var->name);
        return NGX_CONF_ERROR;
    }

    name = ngx_palloc(cf->pool, sizeof(ngx_str_t));
    if (name == NULL) {
        return NGX_CONF_ERROR;
    }

    *name = var->name;

    v->get_handler = ngx_http_notify_var_variable;
    v->data = (uintptr_t) name;

    return NGX_CONF_OK;
}
