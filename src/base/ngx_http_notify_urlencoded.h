/*
 * "a=b&c=d": arguments of URLs, and bodies of forms.
 */

#ifndef _NGX_HTTP_NOTIFY_URLENCODED_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_URLENCODED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Takes the first pair off the text, both still encoded; without "=" the value
 * is empty.  NGX_DONE: the text is empty.
 */
ngx_int_t ngx_http_notify_urlencoded_next(ngx_str_t *text, ngx_str_t *name,
    ngx_str_t *value);

/*
 * As the URL standard of WHATWG has it, "urlencoded parsing": what is not an
 * escape stands for itself, "+" is a space.  There is room for one byte after
 * the text.  NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_urlencoded_decode(ngx_pool_t *pool,
    const ngx_str_t *in, ngx_str_t *out);
/* the same, strictly: "+" is itself, and NGX_DECLINED for what is not an
 * escape, for %00, and where the text is not UTF-8 */
ngx_int_t ngx_http_notify_urlencoded_decode_strict(ngx_pool_t *pool,
    const ngx_str_t *in, ngx_str_t *out);


#endif /* _NGX_HTTP_NOTIFY_URLENCODED_H_INCLUDED_ */
