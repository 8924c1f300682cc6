/*
 * The values that notify_verify judges by: which variables stand in them.  Run
 * while the configuration is read.
 * Must not know what a value is for.
 */

#include "ngx_http_notify_args.h"
#include "ngx_http_notify_verify_value.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_request_header.h"


/* of any value that is looked at */
#define NGX_HTTP_NOTIFY_VERIFY_VALUE  8192


char *
ngx_http_notify_verify_value(ngx_conf_t *cf, const char *param,
    ngx_str_t *text, ngx_http_complex_value_t **value)
{
    ngx_str_t                        rest;
    ngx_http_notify_verify_value_t   variable;

    rest = *text;

    while (ngx_http_notify_verify_value_next(&rest, text->data, &variable)) {
        if (ngx_http_notify_verify_value_begins(&variable.name, "request_body")
            && (variable.name.len == sizeof("request_body") - 1
                || variable.name.len == sizeof("request_body_file") - 1))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"$%V\" cannot stand in \"%s=\", it does not "
                               "hold a body that is in a file; use "
                               "\"$notify_payload_text\"",
                               &variable.name, param);
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_notify_args_value(cf, text, value);
}


ngx_uint_t
ngx_http_notify_verify_value_next(ngx_str_t *rest, const u_char *start,
    ngx_http_notify_verify_value_t *variable)
{
    u_char      *p, *last, ch;
    ngx_uint_t   bracket, first;

    p = rest->data;
    last = p + rest->len;
    first = (p == start);

    variable->adjacent = !first && p < last && *p == '$';

    while (p < last && *p != '$') {
        p++;
    }

    if (p == last) {
        return 0;
    }

    p++;
    bracket = (p < last && *p == '{');
    p += bracket;

    for (variable->name.data = p; p < last; p++) {
        ch = (u_char) (*p | 0x20);

        if (!((ch >= 'a' && ch <= 'z') || (*p >= '0' && *p <= '9')
              || *p == '_'))
        {
            break;
        }
    }

    variable->name.len = p - variable->name.data;

    p += (bracket && p < last);

    rest->data = p;
    rest->len = last - p;

    return 1;
}


ngx_uint_t
ngx_http_notify_verify_value_has(const ngx_str_t *text,
    const ngx_str_t *name)
{
    ngx_str_t                        rest;
    ngx_http_notify_verify_value_t   variable;

    rest = *text;

    while (ngx_http_notify_verify_value_next(&rest, text->data, &variable)) {
        if (ngx_http_notify_text_equal_nocase(&variable.name, name)) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_notify_verify_value_begins(const ngx_str_t *name, const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    return name->len >= len
           && ngx_strncasecmp(name->data, (u_char *) prefix, len) == 0;
}


ngx_uint_t
ngx_http_notify_verify_value_names(const ngx_str_t *name,
    const ngx_str_t *header)
{
    size_t  i;
    u_char  ch;

    if (name->len != header->len + 5
        || !ngx_http_notify_verify_value_begins(name, "http_"))
    {
        return 0;
    }

    for (i = 0; i < header->len; i++) {
        ch = header->data[i] == '-' ? '_' : ngx_tolower(header->data[i]);

        if (ngx_tolower(name->data[5 + i]) != ch) {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_notify_verify_value_header(ngx_http_request_t *r,
    const ngx_str_t *name, ngx_str_t *value)
{
    return (ngx_http_notify_request_header(r, name, value) == 1
            && value->len
            && value->len <= NGX_HTTP_NOTIFY_VERIFY_VALUE)
           ? NGX_OK : NGX_DECLINED;
}
