/*
 * A value of notify_verify as it is written: $NAME and ${NAME} in a text.
 * Knows nothing of schemes.
 */

#ifndef _NGX_HTTP_NOTIFY_VERIFY_VALUE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_VERIFY_VALUE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* one variable of a value */
typedef struct {
    ngx_str_t    name;
    ngx_uint_t   adjacent;      /* unsigned  adjacent:1; to the one before */
} ngx_http_notify_verify_value_t;


/* Compiles PARAM=; the variables that are empty for a body in a file are
 * refused. */
char *ngx_http_notify_verify_value(ngx_conf_t *cf, const char *param,
    ngx_str_t *text, ngx_http_complex_value_t **value);

/* The next variable, as nginx reads them; rest is all of the text at first,
 * which begins at start. */
ngx_uint_t ngx_http_notify_verify_value_next(ngx_str_t *rest,
    const u_char *start, ngx_http_notify_verify_value_t *variable);
ngx_uint_t ngx_http_notify_verify_value_has(const ngx_str_t *text,
    const ngx_str_t *name);
/* of a variable's name, whose case is ignored */
ngx_uint_t ngx_http_notify_verify_value_begins(const ngx_str_t *name,
    const char *prefix);
/* whether a variable's name is that of a header, as $http_NAME */
ngx_uint_t ngx_http_notify_verify_value_names(const ngx_str_t *name,
    const ngx_str_t *header);

/* the header's value; NGX_DECLINED: none, two, an empty or an oversized one */
ngx_int_t ngx_http_notify_verify_value_header(
    ngx_http_request_t *r, const ngx_str_t *name, ngx_str_t *value);


#endif /* _NGX_HTTP_NOTIFY_VERIFY_VALUE_H_INCLUDED_ */
