/*
 * What the attempt log has of one subscription, found by the event, and shown
 * to clients.  Knows nothing of requests; lives in the caller's pool.
 */

#ifndef _NGX_HTTP_NOTIFY_DELIVERY_ATTEMPTS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DELIVERY_ATTEMPTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_json_write.h"
#include "ngx_http_notify_resp.h"


typedef struct {
    ngx_array_t                         all;        /* in the log's order */
    const ngx_http_notify_attempt_t   **sorted;     /* by event, then by that */
} ngx_http_notify_delivery_attempts_t;


/* of [number of the entry's last attempt, heads, extras, ...], and of these
 * the attempts from the number `first` on */
ngx_int_t ngx_http_notify_delivery_attempts_take(
    ngx_http_notify_delivery_attempts_t *attempts, ngx_pool_t *pool,
    const ngx_http_notify_resp_t *resp, uint64_t first);
/* the n attempts of an event, the latest the last; 0: the log has none */
const ngx_http_notify_attempt_t **ngx_http_notify_delivery_attempts_of(
    const ngx_http_notify_delivery_attempts_t *attempts,
    const ngx_http_notify_id_t *event, ngx_uint_t *n);
void ngx_http_notify_delivery_attempts_show(ngx_http_notify_json_write_t *w,
    const char *name, const ngx_http_notify_attempt_t *attempt);


#endif /* _NGX_HTTP_NOTIFY_DELIVERY_ATTEMPTS_H_INCLUDED_ */
