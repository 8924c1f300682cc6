/*
 * notify_emit: events from the traffic of a location.  What its files share:
 * the directive as it was read, what a request has emitted, and the waiting of
 * a request until Redis has its events.
 */

#ifndef _NGX_HTTP_NOTIFY_EMIT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_EMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_outbox.h"
#include "ngx_http_notify_source.h"


typedef enum {
    NGX_HTTP_NOTIFY_EMIT_NOTHING = 0,
    NGX_HTTP_NOTIFY_EMIT_REQUEST,
    NGX_HTTP_NOTIFY_EMIT_RESPONSE,
    NGX_HTTP_NOTIFY_EMIT_VALUE
} ngx_http_notify_emit_data_e;

/* one notify_emit, read-only after start */
typedef struct {
    ngx_http_notify_source_t      source;
    ngx_http_notify_emit_data_e   data;
    ngx_http_complex_value_t     *value;    /* of data */
    ngx_http_complex_value_t     *condition;
    unsigned                      request:1;    /* on=request */
    unsigned                      commit:1;
    unsigned                      fail:1;       /* on_error=fail */
    unsigned                      location:1;   /* given there */
} ngx_http_notify_emit_conf_t;

typedef struct {
    size_t                        buffer;   /* notify_buffer */
    ngx_array_t                   list;     /* of _conf_t *, all there are */
    ngx_uint_t                    variables;    /* $notify_body_... is used */
} ngx_http_notify_emit_main_conf_t;

typedef struct {
    ngx_array_t                  *list;     /* of _conf_t *, or NULL */
    unsigned                      request:1;    /* some are on=request */
    unsigned                      response:1;
    unsigned                      reads_request:1;
    unsigned                      reads_response:1;
    unsigned                      commits:1;    /* on=response commit */
} ngx_http_notify_emit_loc_conf_t;


/* an answer's body; a slice, and empty where it is not wanted */
typedef struct {
    ngx_str_t                     text;
    ngx_uint_t                    usable;   /* whole, and not compressed */
} ngx_http_notify_emit_answer_t;

typedef struct ngx_http_notify_emit_ctx_s  ngx_http_notify_emit_ctx_t;

/* of a client's request, all of its subrequests and redirects together */
struct ngx_http_notify_emit_ctx_s {
    ngx_http_request_t           *request;
    ngx_array_t                   done;     /* of _conf_t *: once each */
    ngx_array_t                   pending;  /* of _pending_t * */
    ngx_uint_t                    waiting;  /* for so many answers of Redis */
    void                        (*resume)(ngx_http_notify_emit_ctx_t *ctx);
    void                         *data;     /* of resume */
    void                         *session;  /* a registration that is awaited */
    /* then, where nobody waits for it any more */
    void                        (*unsession)(ngx_http_notify_emit_ctx_t *ctx);
    unsigned                      reading:1;
    unsigned                      read:1;
    unsigned                      asked:1;  /* waits in the request's phase */
    unsigned                      failed:1; /* one that must not */
};

/* an event that a request waits for */
typedef struct {
    ngx_http_notify_emit_ctx_t      *ctx;
    ngx_http_notify_emit_conf_t     *emit;
    ngx_http_notify_outbox_event_t  *event;     /* NULL: answered */
} ngx_http_notify_emit_pending_t;


extern ngx_module_t  ngx_http_notify_emit_module;
extern ngx_module_t  ngx_http_notify_emit_filter_module;


char *ngx_http_notify_emit_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* that of the main request, made where there is none; NULL: memory */
ngx_http_notify_emit_ctx_t *ngx_http_notify_emit_ctx(ngx_http_request_t *r);
/* whether this request may emit it: not done yet, and a subrequest emits what
 * its own location says only */
ngx_uint_t ngx_http_notify_emit_open(ngx_http_request_t *r,
    ngx_http_notify_emit_ctx_t *ctx, ngx_http_notify_emit_conf_t *emit);

/*
 * In emit_event: makes the event, and sees that it gets to Redis.  NGX_OK:
 * nothing to wait for; NGX_AGAIN: one more answer, ctx->resume is called after
 * the last one; NGX_DECLINED, or NGX_ABORT where it is a loop: it cannot be,
 * and the client must not get its answer; NGX_ERROR: memory.  `wait`: this is
 * the place where `commit` waits.
 */
ngx_int_t ngx_http_notify_emit(ngx_http_request_t *r,
    ngx_http_notify_emit_ctx_t *ctx, ngx_http_notify_emit_conf_t *emit,
    ngx_uint_t wait);
/* one of those waited for is answered, whatever is to be said of it is said */
void ngx_http_notify_emit_settled(ngx_http_notify_emit_ctx_t *ctx);
/* nobody waits any more: the client has gone, or gets another answer */
void ngx_http_notify_emit_abandon(ngx_http_notify_emit_ctx_t *ctx);

/* in emit_ctx: what was seen of the answer; NULL: nothing */
ngx_http_notify_emit_answer_t *ngx_http_notify_emit_answer(
    ngx_http_request_t *r);
/* the request ends: what waited for the end of an answer that never came */
void ngx_http_notify_emit_filter_end(ngx_http_request_t *r);


#endif /* _NGX_HTTP_NOTIFY_EMIT_H_INCLUDED_ */
