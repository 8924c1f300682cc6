/*
 * Arguments of directives.  Run while the configuration is read.
 * Must not know what they are for.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_text.h"


static const ngx_http_notify_args_param_t *ngx_http_notify_args_find(
    const ngx_http_notify_args_param_t *params, const ngx_str_t *arg);
static ngx_uint_t ngx_http_notify_args_word_again(const ngx_str_t *arg,
    ngx_uint_t from, ngx_uint_t i);


char *
ngx_http_notify_args_parse(ngx_conf_t *cf, ngx_uint_t from,
    const ngx_http_notify_args_param_t *params, void *conf)
{
    char                                *rv;
    ngx_str_t                           *arg, value;
    ngx_uint_t                           i, k;
    const ngx_http_notify_args_param_t  *param;

    arg = cf->args->elts;

    for (i = from; i < cf->args->nelts; i++) {

        param = ngx_http_notify_args_find(params, &arg[i]);

        if (param->set == NULL) {
            return ngx_http_notify_args_unknown(cf, &arg[i]);
        }

        for (k = from; param->name.len && !param->many && k < i; k++) {
            if (ngx_http_notify_args_find(params, &arg[k]) == param) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid parameter \"%V\" in \"%V\", "
                                   "it is given twice", &arg[i], arg);
                return NGX_CONF_ERROR;
            }
        }

        value.data = arg[i].data + param->name.len;
        value.len = arg[i].len - param->name.len;

        rv = param->set(cf, param, &value, (u_char *) conf + param->offset);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


static const ngx_http_notify_args_param_t *
ngx_http_notify_args_find(const ngx_http_notify_args_param_t *params,
    const ngx_str_t *arg)
{
    const ngx_str_t                     *name;
    const ngx_http_notify_args_param_t  *param;

    for (param = params; param->name.len; param++) {
        name = &param->name;

        if (name->data[name->len - 1] == '='
            ? ngx_http_notify_text_starts(arg, (char *) name->data)
            : ngx_http_notify_text_equal(arg, name))
        {
            break;
        }
    }

    return param;
}


char *
ngx_http_notify_args_word(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    *(ngx_uint_t *) field = 1;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_args_text(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    if (value->len < (size_t) param->min || value->len > (size_t) param->max) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    *(ngx_str_t *) field = *value;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_args_number(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n < param->min || n > param->max) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    *(ngx_uint_t *) field = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_args_msec(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    char      *rv;
    uint64_t   ms;

    rv = ngx_http_notify_args_time(cf, param, value, &ms);

    if (rv == NGX_CONF_OK) {
        *(ngx_msec_t *) field = (ngx_msec_t) ms;
    }

    return rv;
}


char *
ngx_http_notify_args_time(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    ngx_int_t  ms;

    ms = ngx_parse_time(value, 0);

    if (ms == NGX_ERROR || ms < param->min || ms > param->max) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    *(uint64_t *) field = (uint64_t) ms;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_args_append(ngx_conf_t *cf, ngx_array_t **array,
    const ngx_str_t *value)
{
    ngx_str_t  *entry;

    entry = ngx_http_notify_memory_push(cf->pool, array, sizeof(ngx_str_t));
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    *entry = *value;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_args_unknown(ngx_conf_t *cf, const ngx_str_t *arg)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"%V\"", arg,
                       (ngx_str_t *) cf->args->elts);

    return NGX_CONF_ERROR;
}


char *
ngx_http_notify_args_invalid(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, const ngx_str_t *value)
{
    ngx_str_t  *arg, name;

    arg = cf->args->elts;
    name = param->name;

    if (name.len && name.data[name.len - 1] == '=') {
        name.len--;
    }

    if (param->must) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid %V \"%V\" in \"%V\", it must be %s",
                           &name, value, arg, param->must);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid %V \"%V\" in \"%V\", it must be "
                           "%L to %L", &name, value, arg, param->min,
                           param->max);
    }

    return NGX_CONF_ERROR;
}


char *
ngx_http_notify_args_number_slot(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_str_t   *arg;
    ngx_uint_t  *field;

    arg = cf->args->elts;
    field = (ngx_uint_t *) ((u_char *) conf + cmd->offset);

    if (*field != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    return ngx_http_notify_args_number(cf, cmd->post, &arg[1], field);
}


char *
ngx_http_notify_args_size_slot(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    off_t                                size;
    size_t                              *field;
    ngx_str_t                           *arg;
    const ngx_http_notify_args_param_t  *param;

    arg = cf->args->elts;
    param = cmd->post;
    field = (size_t *) ((u_char *) conf + cmd->offset);

    if (*field != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    if (param->min == 0 && ngx_http_notify_text_is(&arg[1], "off")) {
        *field = 0;
        return NGX_CONF_OK;
    }

    size = ngx_parse_offset(&arg[1]);

    if (size < ngx_max(param->min, 1) || size > param->max) {
        return ngx_http_notify_args_invalid(cf, param, &arg[1]);
    }

    *field = (size_t) size;

    return NGX_CONF_OK;
}


char *
ngx_http_notify_args(ngx_conf_t *cf, ngx_uint_t from,
    ngx_http_notify_args_pt handler, void *conf)
{
    char        *rv;
    u_char      *p;
    ngx_str_t   *arg, name, value;
    ngx_uint_t   i;

    arg = cf->args->elts;

    for (i = from; i < cf->args->nelts; i++) {
        rv = "";
        name = arg[i];
        ngx_str_null(&value);

        p = ngx_strlchr(name.data, name.data + name.len, '=');

        if (p != NULL) {
            name.len = p - name.data;
            value.data = p + 1;
            value.len = arg[i].len - name.len - 1;
        }

        if (p != NULL ? ngx_http_notify_args_again(arg, from, i, &name)
                      : ngx_http_notify_args_word_again(arg, from, i))
        {
            rv = ", it is given twice";

        } else if (name.len) {
            rv = handler(cf, conf, &name, &value);
        }

        if (rv == NGX_CONF_ERROR) {
            return NGX_CONF_ERROR;
        }

        if (rv != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"%s", &arg[i], rv);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_notify_args_again(const ngx_str_t *arg, ngx_uint_t from,
    ngx_uint_t i, const ngx_str_t *name)
{
    for ( /* void */ ; from < i; from++) {
        if (arg[from].len > name->len
            && arg[from].data[name->len] == '='
            && ngx_strncmp(arg[from].data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* a word */

static ngx_uint_t
ngx_http_notify_args_word_again(const ngx_str_t *arg, ngx_uint_t from,
    ngx_uint_t i)
{
    for ( /* void */ ; from < i; from++) {
        if (ngx_http_notify_text_equal(&arg[from], &arg[i])) {
            return 1;
        }
    }

    return 0;
}


char *
ngx_http_notify_args_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t **value)
{
    ngx_http_compile_complex_value_t  ccv;

    if (*value) {
        return ", it is given twice";
    }

    *value = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = *value;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}
