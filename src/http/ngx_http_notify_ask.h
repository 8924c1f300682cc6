/*
 * One question to the one subscriber of an event, for a request that waits:
 * the call, or the page of an iframe subscriber, and the response to give.
 * Lives in the request's pool and ends with it.
 */

#ifndef _NGX_HTTP_NOTIFY_ASK_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ASK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_sync_registry.h"
#include "ngx_http_notify_sync_result.h"


#define NGX_HTTP_NOTIFY_ASK_LIMIT  (1024 * 1024)


typedef struct ngx_http_notify_ask_s  ngx_http_notify_ask_t;

/* ask->response is there, or `failed`: no memory */
typedef void (*ngx_http_notify_ask_pt)(ngx_http_notify_ask_t *ask);

/* zeroed, then the first of these set by the caller */
struct ngx_http_notify_ask_s {
    ngx_http_request_t              *request;
    const ngx_http_notify_channel_t *channel;
    const ngx_http_notify_event_t   *event;     /* slices of the request's */
    ngx_msec_t                       timeout;   /* 0: the profile's */
    size_t                           limit;     /* of the answer */
    ngx_uint_t                       gate;      /* no iframe */
    ngx_http_notify_ask_pt           handler;
    void                            *data;

    ngx_http_notify_sync_result_t    response;
    ngx_str_t                        subscription;  /* who was asked, */
    ngx_str_t                        host;          /* and where */
    ngx_uint_t                       failed;    /* unsigned  failed:1; */

    ngx_http_notify_call_t          *call;      /* private */
};


/*
 * NGX_AGAIN: the handler will be called once, unless the request ends before.
 * NGX_OK: ask->response is there now, the handler is not called.  NGX_ERROR:
 * memory.
 */
ngx_int_t ngx_http_notify_ask(ngx_http_notify_ask_t *ask,
    ngx_http_notify_claim_t *claim);

#endif /* _NGX_HTTP_NOTIFY_ASK_H_INCLUDED_ */
