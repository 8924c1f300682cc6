/*
 * An answer on its way out, for the filters and for what keeps its body.
 */

#ifndef _NGX_HTTP_NOTIFY_EMIT_FILTER_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_EMIT_FILTER_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_emit.h"


typedef enum {
    NGX_HTTP_NOTIFY_EMIT_PASS = 0,
    NGX_HTTP_NOTIFY_EMIT_GATHER,    /* held until the body is whole */
    NGX_HTTP_NOTIFY_EMIT_HELD,      /* held until Redis has answered */
    NGX_HTTP_NOTIFY_EMIT_READY      /* to be let go, or to be refused */
} ngx_http_notify_emit_state_e;

typedef struct {
    ngx_http_notify_emit_ctx_t      *emit;
    ngx_http_notify_emit_state_e     state;
    ngx_http_output_header_filter_pt next;      /* of the header's filters */
    ngx_http_notify_emit_answer_t    answer;
    size_t                           limit;     /* of the answer's text */
    size_t                           allocated;
    size_t                           gathered;  /* of it, to be sent */
    ngx_chain_t                     *held;
    ngx_chain_t                    **last_held;
    unsigned                         emits:1;   /* events */
    unsigned                         session:1; /* it is to be registered */
    unsigned                         capture:1;
    unsigned                         over:1;    /* longer, or unreadable */
    unsigned                         last:1;    /* all of it was seen */
    unsigned                         ended:1;   /* nothing is left to emit */
    unsigned                         failed:1;
    unsigned                         loop:1;    /* that is why */
    unsigned                         gone:1;    /* the client, before that */
    unsigned                         waited:1;  /* `commit` had its place */
    unsigned                         flush:1;   /* of what was gathered */
    unsigned                         passing:1; /* its header, to `next` */
    unsigned                         woken:1;   /* to write, may be nothing */
} ngx_http_notify_emit_filter_ctx_t;


/* whether there are any answers to look at, in the configuration */
ngx_uint_t ngx_http_notify_emit_filter_used(ngx_conf_t *cf);
/* an answer's header: on to `next` now, or when it is released */
ngx_int_t ngx_http_notify_emit_filter_header(ngx_http_request_t *r,
    ngx_http_output_header_filter_pt next);
/* NGX_AGAIN: Redis is asked; NGX_OK: ready, ctx->failed says how */
ngx_int_t ngx_http_notify_emit_filter_commit(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx);
/* The header goes out, or another answer in its place.  Of the body there
 * remains what is to follow. */
ngx_int_t ngx_http_notify_emit_filter_release(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx);
/* the answer has ended: what nobody waits for */
void ngx_http_notify_emit_filter_background(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx);

/* what there is in it: text to be copied, the end; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_emit_filter_look(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_chain_t *in);
/* behind what is held already */
ngx_int_t ngx_http_notify_emit_filter_keep(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx, ngx_chain_t *in);
/* the copy of what came before the buffers that are held */
ngx_int_t ngx_http_notify_emit_filter_prepend(ngx_http_request_t *r,
    ngx_http_notify_emit_filter_ctx_t *ctx);
/* buffers that are not sent are used up all the same */
void ngx_http_notify_emit_filter_drop(ngx_http_notify_emit_filter_ctx_t *ctx);


#endif /* _NGX_HTTP_NOTIFY_EMIT_FILTER_INTERNAL_H_INCLUDED_ */
