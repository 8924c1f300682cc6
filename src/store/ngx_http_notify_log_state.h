/*
 * What there is of a log, and was: XINFO STREAM as a structure.  Knows nothing
 * of who asks.
 */

#ifndef _NGX_HTTP_NOTIFY_LOG_STATE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOG_STATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"


typedef struct {
    int64_t                length;
    int64_t                added;
    ngx_http_notify_id_t   first;       /* of those that are there */
    ngx_http_notify_id_t   last;        /* ever */
    ngx_http_notify_id_t   deleted;     /* the last one that is */
} ngx_http_notify_log_state_t;


/* raw reply to the handler; NGX_ERROR: it is never called */
ngx_int_t ngx_http_notify_log_state_ask(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    ngx_http_notify_redis_handler_pt handler, void *data);

/* NGX_DECLINED: nothing was published yet, all is 0; NGX_ERROR: no answer, an
 * error, or not what the script gives */
ngx_int_t ngx_http_notify_log_state_parse(const ngx_http_notify_resp_t *resp,
    ngx_http_notify_log_state_t *state);

/*
 * Whether something behind the place is gone.  XTRIM alone does not say what
 * it took (see trim.lua): then, when anything is gone and the log begins
 * behind the place.  *first is the place right before what is left.
 */
ngx_uint_t ngx_http_notify_log_state_lost(
    const ngx_http_notify_log_state_t *state,
    const ngx_http_notify_id_t *place, ngx_http_notify_id_t *first);


#endif /* _NGX_HTTP_NOTIFY_LOG_STATE_H_INCLUDED_ */
