/*
 * A strict parser of HTTP/1 answers: bytes in, status, the few headers that
 * matter and the body out.  Lives in its caller; what it keeps is pool memory.
 * Knows nothing of connections or requests.  RFC 9110, RFC 9112.
 */

#ifndef _NGX_HTTP_NOTIFY_HTTP_RESPONSE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_HTTP_RESPONSE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_NOTIFY_HTTP_RESPONSE_INTERIM  10     /* 1xx answers skipped */
#define NGX_HTTP_NOTIFY_HTTP_RESPONSE_CHUNK  256   /* bytes of a chunk's
                                                    line */
#define NGX_HTTP_NOTIFY_HTTP_RESPONSE_VALUE  128    /* bytes kept of a value */


typedef struct {
    /* what came, readable after NGX_OK */
    ngx_uint_t     status;              /* 0 until the status line is whole */
    ngx_str_t      body;                /* at most limit bytes */
    ngx_str_t      retry_after;         /* empty: none */
    ngx_str_t      allowed_origin;      /* WebHook-Allowed-Origin, or empty */
    ngx_str_t      allowed_rate;
    ngx_str_t      content_type;        /* cut after _ANSWER_VALUE bytes */
    const char    *error;               /* after NGX_ERROR: a phrase */
    unsigned       done:1;              /* NGX_OK was returned */
    unsigned       truncated:1;         /* the body was longer than limit */
    unsigned       keepalive:1;         /* the connection may be used again */
    unsigned       proxy:1;             /* a proxy says that it has failed,
                                           RFC 9209 or Squid's way */

    /* private */
    unsigned       http11:1;
    unsigned       close:1;
    unsigned       chunked:1;
    unsigned       length_given:1;
    unsigned       trailers:1;
    unsigned       bodiless:1;          /* by its status */

    ngx_uint_t     state;
    ngx_uint_t     digits;              /* of a status, length or chunk size */
    ngx_uint_t     interim;
    ngx_uint_t     header;              /* index of the current name, or 0 */
    size_t         name_len;
    size_t         value_len;
    size_t         header_bytes;        /* of one header block */
    size_t         header_limit;
    size_t         line_bytes;
    size_t         limit;
    size_t         allocated;
    off_t          length;              /* of what is still to come */
    ngx_pool_t    *pool;

    u_char         name[24];
    u_char         value[NGX_HTTP_NOTIFY_HTTP_RESPONSE_VALUE];
} ngx_http_notify_http_response_t;


void ngx_http_notify_http_response_init(ngx_http_notify_http_response_t *a,
    ngx_pool_t *pool, size_t limit, size_t header_limit);

/*
 * NGX_AGAIN: all bytes were taken, more are needed.  NGX_OK: the answer is
 * whole, or its body passed the limit.  NGX_ERROR: not acceptable, or memory.
 * Not to be called again after NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_notify_http_response_parse(
    ngx_http_notify_http_response_t *a, const u_char *p, const u_char *last);
/* The peer closed after NGX_AGAIN: NGX_OK where that is the body's end. */
ngx_int_t ngx_http_notify_http_response_eof(ngx_http_notify_http_response_t *a);


#endif /* _NGX_HTTP_NOTIFY_HTTP_RESPONSE_H_INCLUDED_ */
