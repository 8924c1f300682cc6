/*
 * What the files of the resource `openapi.json` share.
 */

#ifndef _NGX_HTTP_NOTIFY_API_OPENAPI_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_OPENAPI_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"


/* The examples of the operations become ones of this channel: its events, its
 * profile, its attributes; one that cannot is removed. */
ngx_int_t ngx_http_notify_api_openapi_examples(
    const ngx_http_notify_channel_t *channel, ngx_http_notify_json_t *paths);

/* The schemas of the document get what the channel declares. */
ngx_int_t ngx_http_notify_api_openapi_schemas(ngx_http_notify_api_t *api,
    ngx_http_notify_json_t *doc);

/* Components that nothing refers to are removed. */
ngx_int_t ngx_http_notify_api_openapi_prune(ngx_pool_t *pool,
    ngx_http_notify_json_t *doc);


#endif /* _NGX_HTTP_NOTIFY_API_OPENAPI_H_INCLUDED_ */
