/*
 * A call, for what makes its request and for what runs it.
 */

#ifndef _NGX_HTTP_NOTIFY_CALL_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CALL_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_http_response.h"
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_call_conf.h"
#include "ngx_http_notify_call_target.h"
#include "ngx_http_notify_detached.h"
#include "ngx_http_notify_peer.h"


struct ngx_http_notify_call_s {
    ngx_queue_t                            queue;
    ngx_pool_t                            *pool;
    ngx_http_notify_target_t              *target;
    ngx_http_notify_event_t               *event;
    ngx_http_notify_batch_t               *batch;     /* or NULL */
    const ngx_str_t                       *channel;   /* its name */
    ngx_http_notify_hops_t                *hops;
    ngx_http_notify_call_pt                handler;
    void                                  *data;
    ngx_msec_t                             start;
    ngx_uint_t                             attempt;
    ngx_http_notify_token_wait_t           token;     /* of its target */
    ngx_uint_t                             refused;   /* unsigned  refused:1;
                                                  a token was, by a 401 */
    ngx_uint_t                             fresh;     /* unsigned  fresh:1; no
                                                  kept connection */
    ngx_http_notify_call_verdict_e         verdict;   /* without an answer */
    ngx_event_t                            deadline;
    ngx_event_t                            ended;     /* before upstream ran */
    ngx_chain_t                            out[2];
    ngx_buf_t                              head;
    ngx_buf_t                              body;
    ngx_http_notify_peer_t                 peer;
    ngx_http_notify_http_response_t        answer;
    ngx_http_notify_detached_t             detached;
};


/* in call_pool: the memory of a call */
ngx_pool_t *ngx_http_notify_call_pool_get(void);
void ngx_http_notify_call_pool_free(ngx_pool_t *pool);
void ngx_http_notify_call_pool_exit(void);

/* in call_request: NGX_OK: `out` is what is to be sent; else it has failed */
ngx_int_t ngx_http_notify_call_request(ngx_http_notify_call_t *call);

/* in call_result: what the handler is told */
void ngx_http_notify_call_result(ngx_http_notify_call_t *call,
    ngx_http_notify_call_result_t *result);
/* it ends like that before upstream ran; its handler is told in a moment */
void ngx_http_notify_call_result_fail(ngx_http_notify_call_t *call,
    ngx_http_notify_call_verdict_e verdict, const char *error,
    const char *detail);
/* whether it is made once more, within the same attempt */
ngx_uint_t ngx_http_notify_call_result_again(ngx_http_notify_call_t *call);
/* what a line of upstream's in the error log is about, for detached.about */
u_char *ngx_http_notify_call_result_about(void *data, u_char *buf,
    size_t len);


#endif /* _NGX_HTTP_NOTIFY_CALL_INTERNAL_H_INCLUDED_ */
