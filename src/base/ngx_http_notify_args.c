/*
 * Arguments of directives.  Run while the configuration is read.
 * Must not know what they are for.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_args.h"
#include "ngx_http_notify_text.h"


static ngx_uint_t ngx_http_notify_args_word_again(const ngx_str_t *arg,
    ngx_uint_t from, ngx_uint_t i);


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


ngx_uint_t
ngx_http_notify_args_is(const ngx_str_t *text, const char *word)
{
    return text->len == ngx_strlen(word)
           && ngx_strncmp(text->data, word, text->len) == 0;
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
