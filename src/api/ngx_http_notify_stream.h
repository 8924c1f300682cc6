/*
 * A client that follows the log as server-sent events.  It begins as the
 * answer to a request, which may end before it does: then the stream has the
 * connection for itself.
 */

#ifndef _NGX_HTTP_NOTIFY_STREAM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_STREAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api_message.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_want.h"
#include "ngx_http_notify_log_listener.h"


typedef struct ngx_http_notify_stream_s  ngx_http_notify_stream_t;

struct ngx_http_notify_stream_s {
    ngx_http_notify_log_listener_waiter_t  waiter;
    ngx_queue_t                      queue;     /* of all, by `sent` */
    ngx_msec_t                       sent;      /* something, last */
    ngx_http_notify_id_t             from;      /* looked at so far */
    ngx_http_notify_id_t             told;      /* from, as the client knows */
    ngx_http_notify_want_t           want;      /* the selector is its own */
    ngx_http_notify_crypto_hmac_t   *hmac;
    ngx_http_notify_api_message_t    messages;
    ngx_connection_t                *connection;

    /* how messages are sent: NGX_OK, or NGX_ERROR */
    ngx_int_t                      (*flush)(ngx_http_notify_stream_t *st);
    /* ends it; NGX_DONE: as it should, and the client comes again */
    void                           (*done)(ngx_http_notify_stream_t *st,
                                           ngx_int_t rc);
    union {
        void                        *answer;    /* what flush and done know */
        ngx_http_core_loc_conf_t    *clcf;      /* alone: the timeouts */
    } u;

    size_t                           heard;     /* alone: what it has said */
    unsigned                         alone:1;
    unsigned                         ended:1;
};


/* NULL: memory; the strings of `want` are copied, the selector is taken */
ngx_http_notify_stream_t *ngx_http_notify_stream_create(
    ngx_http_notify_want_t *want, ngx_connection_t *c);
void ngx_http_notify_stream_free(ngx_http_notify_stream_t *st);

/* puts a text behind all that is to be sent, and sends */
ngx_int_t ngx_http_notify_stream_text(ngx_http_notify_stream_t *st,
    const ngx_str_t *text);
/* something has been sent: no ping for a while */
void ngx_http_notify_stream_touch(ngx_http_notify_stream_t *st);

/*
 * It has sent all there was, and its request is over: the connection is the
 * stream's, which ends with it.
 */
void ngx_http_notify_stream_detach(ngx_http_notify_stream_t *st,
    ngx_http_core_loc_conf_t *clcf, ngx_uint_t chunked);

/* when the worker exits: those that are alone */
void ngx_http_notify_stream_exit(void);


#endif /* _NGX_HTTP_NOTIFY_STREAM_H_INCLUDED_ */
