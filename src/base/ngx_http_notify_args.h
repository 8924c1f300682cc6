/*
 * Arguments of directives: words, NAME=VALUE, and values with variables.
 * Only while the configuration is read.
 */

#ifndef _NGX_HTTP_NOTIFY_ARGS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ARGS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* Of a word the value has no data.  What is not right is a phrase that follows
 * the argument. */
typedef char *(*ngx_http_notify_args_pt)(ngx_conf_t *cf, void *conf,
    const ngx_str_t *name, ngx_str_t *value);

/* all from the one of that index on, what is wrong is logged */
char *ngx_http_notify_args(ngx_conf_t *cf, ngx_uint_t from,
    ngx_http_notify_args_pt handler, void *conf);

/* whether NAME= is one of the arguments from `from` on, before the i-th */
ngx_uint_t ngx_http_notify_args_again(const ngx_str_t *arg, ngx_uint_t from,
    ngx_uint_t i, const ngx_str_t *name);
ngx_uint_t ngx_http_notify_args_is(const ngx_str_t *text, const char *word);
/* into what is NULL so far, else such a phrase */
char *ngx_http_notify_args_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t **value);


#endif /* _NGX_HTTP_NOTIFY_ARGS_H_INCLUDED_ */
