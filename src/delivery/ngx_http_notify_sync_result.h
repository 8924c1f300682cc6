/*
 * What a subscriber says to a sync call, normalised: success, message, error
 * level and code, data.  Lives in the pool that it was made with.  Knows
 * nothing of who waits for it.
 */

#ifndef _NGX_HTTP_NOTIFY_SYNC_RESULT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SYNC_RESULT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_call.h"


#define NGX_HTTP_NOTIFY_SYNC_RESULT_OK     0
#define NGX_HTTP_NOTIFY_SYNC_RESULT_ERROR  40
#define NGX_HTTP_NOTIFY_SYNC_RESULT_CRITICAL  50

#define NGX_HTTP_NOTIFY_SYNC_RESULT_LOOP   508


/* JSON texts; "null" where absent */
typedef struct {
    ngx_str_t      message;
    ngx_str_t      code;
    ngx_str_t      data;        /* byte for byte as it came */
    ngx_uint_t     level;
    ngx_uint_t     success;     /* unsigned  success:1; */
    ngx_uint_t     status;      /* 0, or the call itself failed: 502, 504,
                                   508 */
} ngx_http_notify_sync_result_t;


/* From the end of a call; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_sync_result_make(ngx_pool_t *pool,
    const ngx_http_notify_call_result_t *result,
    ngx_http_notify_sync_result_t *response);

/* A failure of ours: level 50; code is static, "NOTIFICATION_...".  NGX_ERROR:
 * memory. */
ngx_int_t ngx_http_notify_sync_result_fail(ngx_pool_t *pool,
    ngx_http_notify_sync_result_t *response, ngx_uint_t status,
    const char *code, const char *fmt, ...);

/* {"success","message","errorLevel","errorCode","data"} */
ngx_int_t ngx_http_notify_sync_result_text(ngx_pool_t *pool,
    const ngx_http_notify_sync_result_t *response, ngx_str_t *text);


#endif /* _NGX_HTTP_NOTIFY_SYNC_RESULT_H_INCLUDED_ */
