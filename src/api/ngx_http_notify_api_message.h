/*
 * What a stream of server-sent events has yet to send.  A message is one
 * memory, shared by all streams that send it and freed by the last.
 */

#ifndef _NGX_HTTP_NOTIFY_API_MESSAGE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_MESSAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_log.h"


/* of one stream; zeroed */
typedef struct {
    ngx_chain_t   *out;
    ngx_chain_t  **last;
    ngx_chain_t   *busy;
    ngx_chain_t   *free;
    size_t         unsent;      /* bytes, after the last send */
    unsigned       chunked:1;   /* what is put is a chunk, RFC 9112, 7.1 */
} ngx_http_notify_api_message_t;

/* events as text, to become one message; in a pool that ends soon */
typedef struct {
    ngx_pool_t                      *pool;
    const ngx_str_t                 *tenant;
    ngx_http_notify_crypto_hmac_t   *hmac;
    ngx_array_t                      parts;     /* of ngx_str_t */
    size_t                           len;
} ngx_http_notify_api_message_text_t;


ngx_int_t ngx_http_notify_api_message_init(
    ngx_http_notify_api_message_text_t *text, ngx_pool_t *pool,
    const ngx_str_t *tenant, ngx_http_notify_crypto_hmac_t *hmac);
ngx_int_t ngx_http_notify_api_message_add(
    ngx_http_notify_api_message_text_t *text,
    const ngx_http_notify_event_t *event);

/* each puts a message behind what is to be sent */
ngx_int_t ngx_http_notify_api_message_put(
    ngx_http_notify_api_message_t *messages,
    const ngx_http_notify_api_message_text_t *text);
ngx_int_t ngx_http_notify_api_message_text(
    ngx_http_notify_api_message_t *messages, const ngx_str_t *text);
/* *slot keeps the message for others, as long as the pool */
ngx_int_t ngx_http_notify_api_message_share(
    ngx_http_notify_api_message_t *messages,
    const ngx_http_notify_event_t *event,
    ngx_http_notify_crypto_hmac_t *hmac, void **slot, ngx_pool_t *pool);

/* what was put, and what is left of before; NGX_ERROR: the client is gone */
ngx_int_t ngx_http_notify_api_message_send(
    ngx_http_notify_api_message_t *messages, ngx_http_request_t *r);
/* the same without a request, and then never with one again */
ngx_int_t ngx_http_notify_api_message_write(
    ngx_http_notify_api_message_t *messages, ngx_connection_t *c);
/* whether all was handed to the kernel, or to what keeps it for TLS */
#define ngx_http_notify_api_message_none(messages)                            \
    ((messages)->out == NULL && (messages)->busy == NULL)
/* bytes that were put and not handed on */
size_t ngx_http_notify_api_message_size(
    const ngx_http_notify_api_message_t *messages);
/* gives back the buffers that are kept to be used again */
void ngx_http_notify_api_message_trim(
    ngx_http_notify_api_message_t *messages);
void ngx_http_notify_api_message_free(
    ngx_http_notify_api_message_t *messages);


#endif /* _NGX_HTTP_NOTIFY_API_MESSAGE_H_INCLUDED_ */
