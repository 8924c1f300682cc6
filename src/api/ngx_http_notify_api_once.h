/*
 * Idempotency-Key: a POST that is sent again with its key is done once, and
 * answered as it was (draft-ietf-httpapi-idempotency-key-header).
 */

#ifndef _NGX_HTTP_NOTIFY_API_ONCE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_ONCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"


#define NGX_HTTP_NOTIFY_API_ONCE_KEY  256


/*
 * NGX_DECLINED: the request has no key, or its resource asks Redis itself.
 * NGX_DONE: Redis is asked, then the resource's handler is called or an answer
 * sent.
 */
ngx_int_t ngx_http_notify_api_once(ngx_http_notify_api_t *api,
    ngx_http_notify_api_resource_t *resource);
/* for what asks Redis itself: the name of the request and the digest of what it
 * asks for; left as they are where it has no key */
void ngx_http_notify_api_once_names(ngx_http_notify_api_t *api,
    ngx_str_t *name, ngx_str_t *print);
/* an id for what is created: the same one if the request is done again */
ngx_int_t ngx_http_notify_api_once_id(ngx_http_notify_api_t *api,
    const char *prefix, ngx_str_t *id);


#endif /* _NGX_HTTP_NOTIFY_API_ONCE_H_INCLUDED_ */
