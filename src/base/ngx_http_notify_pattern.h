/*
 * Regular expressions of a configuration that strangers' values are matched
 * with: PCRE, with a bound on the steps that a value may take.
 */

#ifndef _NGX_HTTP_NOTIFY_PATTERN_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PATTERN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct ngx_http_notify_pattern_s  ngx_http_notify_pattern_t;


/*
 * With utf, characters are what UTF-8 says, else bytes.  NULL: error is a
 * phrase, in memory of NGX_MAX_CONF_ERRSTR bytes that it is given with.
 */
ngx_http_notify_pattern_t *ngx_http_notify_pattern_compile(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_uint_t utf, ngx_str_t *error);

/*
 * NGX_DECLINED: it does not match; NGX_ABORT: that would take too many steps,
 * which grow with the value's length, or the value is longer than 1 MB.
 */
ngx_int_t ngx_http_notify_pattern_match(
    const ngx_http_notify_pattern_t *pattern, const ngx_str_t *value);


#endif /* _NGX_HTTP_NOTIFY_PATTERN_H_INCLUDED_ */
