/*
 * The key that a channel's cursors are signed with: random, kept in Redis, so
 * that every instance has the same.
 */

#ifndef _NGX_HTTP_NOTIFY_API_CURSOR_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_CURSOR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_crypto.h"


/*
 * Calls `ready` with the key, at once or later; where it cannot be had an
 * answer has been sent and `ready` is not called.
 */
void ngx_http_notify_api_cursor(ngx_http_notify_api_t *api,
    void (*ready)(ngx_http_notify_api_t *api,
                  ngx_http_notify_crypto_hmac_t *key));

/* when the worker exits */
void ngx_http_notify_api_cursor_exit(void);


#endif /* _NGX_HTTP_NOTIFY_API_CURSOR_H_INCLUDED_ */
