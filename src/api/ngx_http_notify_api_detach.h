/*
 * The end of a request before that of its answer, a stream: of what nginx
 * holds for a request nothing is needed to send events on its connection.
 */

#ifndef _NGX_HTTP_NOTIFY_API_DETACH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_DETACH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_stream.h"


/* of the request; zeroed */
typedef struct {
    ngx_http_request_t   *request;
    ngx_pool_cleanup_t   *before;   /* the first that is not of the API */
    ngx_pool_cleanup_t   *own;      /* which ends the stream */
    ngx_uint_t            contexts; /* modules with one, before the header */
    off_t                 sent;     /* of the body, unless somebody alters it */
    unsigned              bound:1;  /* the request is needed */
} ngx_http_notify_api_detach_t;


/* before the header is sent */
void ngx_http_notify_api_detach_init(ngx_http_notify_api_detach_t *detach,
    ngx_http_request_t *r, ngx_pool_cleanup_t *before,
    ngx_pool_cleanup_t *own);
/* before what was put is sent */
void ngx_http_notify_api_detach_sends(ngx_http_notify_api_detach_t *detach,
    const ngx_http_notify_api_message_t *messages);

/*
 * Ends the request, where all was sent and nobody needs it: it may be gone,
 * with its pool, on return.
 */
void ngx_http_notify_api_detach(ngx_http_notify_api_detach_t *detach,
    ngx_http_notify_stream_t *st);


#endif /* _NGX_HTTP_NOTIFY_API_DETACH_H_INCLUDED_ */
