/*
 * The circuit breaker of one subscriber: closed, open, half open.  A state
 * machine over results and time; starts nothing, stores nothing.
 */

#ifndef _NGX_HTTP_NOTIFY_BREAKER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BREAKER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_profile.h"


typedef enum {
    NGX_HTTP_NOTIFY_BREAKER_CLOSED = 0,
    NGX_HTTP_NOTIFY_BREAKER_OPEN,
    NGX_HTTP_NOTIFY_BREAKER_HALF
} ngx_http_notify_breaker_state_e;

typedef struct {
    ngx_http_notify_breaker_state_e   state;
    ngx_uint_t                        failures;     /* in a row */
    ngx_msec_t                        first;        /* of them, monotonic */
    uint64_t                          until;        /* open: epoch ms */
    unsigned                          probing:1;
} ngx_http_notify_breaker_t;


typedef enum {
    NGX_HTTP_NOTIFY_BREAKER_STAYS = 0,
    NGX_HTTP_NOTIFY_BREAKER_OPENS,          /* also again */
    NGX_HTTP_NOTIFY_BREAKER_CLOSES
} ngx_http_notify_breaker_change_e;

typedef enum {
    NGX_HTTP_NOTIFY_BREAKER_ADMIT = 0,
    NGX_HTTP_NOTIFY_BREAKER_ADMIT_PROBE,    /* the caller marks it with _probe,
                                               once it has started */
    NGX_HTTP_NOTIFY_BREAKER_REFUSE
} ngx_http_notify_breaker_admission_e;


/*
 * A result came in.  status 0: no answer.  A status that is ignored is no
 * failure, and shows in half open that the peer lives.
 */
ngx_http_notify_breaker_change_e ngx_http_notify_breaker_result(
    ngx_http_notify_breaker_t *b, const ngx_http_notify_breaker_conf_t *conf,
    ngx_uint_t success, ngx_uint_t status, ngx_uint_t probe, uint64_t now);

/* May a call start? */
ngx_http_notify_breaker_admission_e ngx_http_notify_breaker_ask(
    ngx_http_notify_breaker_t *b, uint64_t now);
void ngx_http_notify_breaker_probe(ngx_http_notify_breaker_t *b,
    ngx_uint_t probing);


#endif /* _NGX_HTTP_NOTIFY_BREAKER_H_INCLUDED_ */
