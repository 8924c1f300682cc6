/*
 * The parameters of `sign aws`, and its access key: lines of a file.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_file.h"
#include "ngx_http_notify_sign_conf.h"
#include "ngx_http_notify_text.h"


typedef struct {
    ngx_str_t    service;
    ngx_str_t    region;
    ngx_str_t    key_file;
} ngx_http_notify_sign_aws_args_t;


static ngx_http_notify_args_set_t  ngx_http_notify_sign_aws_word;
static ngx_int_t ngx_http_notify_sign_aws_read(ngx_conf_t *cf,
    ngx_http_notify_sign_aws_t *aws, ngx_str_t *name);
static ngx_int_t ngx_http_notify_sign_aws_line(ngx_conf_t *cf,
    ngx_str_t *text, ngx_str_t *line);


static ngx_http_notify_args_param_t  ngx_http_notify_sign_aws_params[] = {

    { ngx_string("service="),
      ngx_http_notify_sign_aws_word,
      offsetof(ngx_http_notify_sign_aws_args_t, service),
      0, 0, "letters, digits and \"-\"", 0 },

    { ngx_string("region="),
      ngx_http_notify_sign_aws_word,
      offsetof(ngx_http_notify_sign_aws_args_t, region),
      0, 0, "letters, digits and \"-\"", 0 },

    { ngx_string("key_file="),
      ngx_http_notify_args_text,
      offsetof(ngx_http_notify_sign_aws_args_t, key_file),
      1, NGX_MAX_SIZE_T_VALUE, "a file", 0 },

    ngx_http_notify_args_end
};


ngx_http_notify_sign_aws_t *
ngx_http_notify_sign_aws_conf(ngx_conf_t *cf)
{
    const char                       *missing;
    ngx_http_notify_sign_aws_t       *aws;
    ngx_http_notify_sign_aws_args_t   args;

    aws = ngx_pcalloc(cf->pool, sizeof(ngx_http_notify_sign_aws_t));
    if (aws == NULL) {
        return NULL;
    }

    ngx_memzero(&args, sizeof(ngx_http_notify_sign_aws_args_t));

    if (ngx_http_notify_args_parse(cf, 2, ngx_http_notify_sign_aws_params,
                                   &args)
        != NGX_CONF_OK)
    {
        return NULL;
    }

    missing = args.service.len == 0 ? "service="
              : args.region.len == 0 ? "region="
              : args.key_file.len == 0 ? "key_file=" : NULL;

    if (missing) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" is missing in \"sign aws\"", missing);
        return NULL;
    }

    aws->service = args.service;
    aws->region = args.region;

    return ngx_http_notify_sign_aws_read(cf, aws, &args.key_file) == NGX_OK
           ? aws : NULL;
}


static char *
ngx_http_notify_sign_aws_word(ngx_conf_t *cf,
    const ngx_http_notify_args_param_t *param, ngx_str_t *value, void *field)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < value->len; i++) {
        c = value->data[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > '9') && c != '-')
        {
            break;
        }
    }

    if (value->len == 0 || i < value->len) {
        return ngx_http_notify_args_invalid(cf, param, value);
    }

    *(ngx_str_t *) field = *value;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_notify_sign_aws_read(ngx_conf_t *cf, ngx_http_notify_sign_aws_t *aws,
    ngx_str_t *name)
{
    ngx_int_t  rc;
    ngx_str_t  text, rest;

    if (ngx_http_notify_file_secret(cf, name, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    rest = text;

    rc = ngx_http_notify_sign_aws_line(cf, &rest, &aws->id);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_sign_aws_line(cf, &rest, &aws->secret);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_notify_sign_aws_line(cf, &rest, &aws->token);
    }

    ngx_http_notify_file_wipe(&text);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (aws->id.len == 0 || aws->secret.len == 0
        || ngx_http_notify_text_control(&aws->id)
        || ngx_http_notify_text_control(&aws->token))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" of \"sign aws\" has no id and secret, "
                           "a line each", name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sign_aws_line(ngx_conf_t *cf, ngx_str_t *text, ngx_str_t *line)
{
    u_char     *p, *last;
    ngx_str_t   found;

    last = text->data + text->len;

    p = ngx_strlchr(text->data, last, LF);

    found.data = text->data;
    found.len = (p ? p : last) - found.data;

    text->data = p ? p + 1 : last;
    text->len = last - text->data;

    if (found.len && found.data[found.len - 1] == CR) {
        found.len--;
    }

    if (found.len == 0) {
        return NGX_OK;
    }

    line->data = ngx_pstrdup(cf->pool, &found);
    if (line->data == NULL) {
        return NGX_ERROR;
    }

    line->len = found.len;

    return NGX_OK;
}
