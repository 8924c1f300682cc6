/*
 * `batch`: several events that one call carries.  Each is rendered when it is
 * added, so that the body's size is known.  A batch owns its memory.
 */

#ifndef _NGX_HTTP_NOTIFY_BATCH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_BATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_sign.h"


#define NGX_HTTP_NOTIFY_BATCH_MAX       1000            /* events */
#define NGX_HTTP_NOTIFY_BATCH_WAIT      1000            /* ms, the default */
#define NGX_HTTP_NOTIFY_BATCH_WAIT_MAX  (60 * 1000)
#define NGX_HTTP_NOTIFY_BATCH_SIZE      (1024 * 1024)   /* the default */
#define NGX_HTTP_NOTIFY_BATCH_SIZE_MIN  1024


typedef struct ngx_http_notify_batch_s  ngx_http_notify_batch_t;

/* NULL: memory; the conf must outlive it */
ngx_http_notify_batch_t *ngx_http_notify_batch_create(
    const ngx_http_notify_payload_conf_t *conf, ngx_log_t *log);
void ngx_http_notify_batch_destroy(ngx_http_notify_batch_t *batch);

/*
 * The context's event, which must live as long as the batch.  NGX_DECLINED:
 * there is no room for it, which the first one always has; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_batch_add(ngx_http_notify_batch_t *batch,
    ngx_http_notify_payload_context_t *context);
/* whether it has as many as it may */
ngx_uint_t ngx_http_notify_batch_full(const ngx_http_notify_batch_t *batch);

/* the oldest one; of one that is not empty */
ngx_http_notify_event_t *ngx_http_notify_batch_first(
    ngx_http_notify_batch_t *batch);
/* the most calls that led to any of them */
ngx_uint_t ngx_http_notify_batch_hops(const ngx_http_notify_batch_t *batch);

/*
 * The body, oldest first; context->payload is set to it, and context->batch to
 * the id of this set of events.  NULL: a batch of the context's event alone.
 */
ngx_int_t ngx_http_notify_batch_body(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *conf, ngx_http_notify_batch_t *batch,
    ngx_http_notify_payload_context_t *context, ngx_str_t *body);

/* the member `failed` of an answer, where it is an array; else empty */
ngx_int_t ngx_http_notify_batch_answer(ngx_pool_t *pool, const ngx_str_t *body,
    ngx_str_t *failed);
/* whether that array names the event */
ngx_uint_t ngx_http_notify_batch_failed(const ngx_str_t *failed,
    const ngx_http_notify_id_t *id);

/* the content type of such payloads, and of their batches */
void ngx_http_notify_batch_type(ngx_http_notify_payload_conf_t *conf);
/* what of these excludes a batch, a phrase; NULL: nothing */
const char *ngx_http_notify_batch_against(
    const ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_sign_conf_t *sign);
/* after all directives of a block */
char *ngx_http_notify_batch_conf_init(ngx_conf_t *cf,
    ngx_http_notify_payload_conf_t *conf,
    const ngx_http_notify_sign_conf_t *sign);


#endif /* _NGX_HTTP_NOTIFY_BATCH_H_INCLUDED_ */
