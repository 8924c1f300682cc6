/*
 * Replies of Redis (RESP2), parsed by hiredis, which only the .c file includes.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

#ifndef _NGX_HTTP_NOTIFY_RESP_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_RESP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    NGX_HTTP_NOTIFY_RESP_NIL = 0,
    NGX_HTTP_NOTIFY_RESP_STATUS,
    NGX_HTTP_NOTIFY_RESP_ERROR,
    NGX_HTTP_NOTIFY_RESP_INTEGER,
    NGX_HTTP_NOTIFY_RESP_STRING,
    NGX_HTTP_NOTIFY_RESP_ARRAY
} ngx_http_notify_resp_type_e;


/* Read-only; lives until the handler that receives it returns. */
typedef struct ngx_http_notify_resp_s  ngx_http_notify_resp_t;

struct ngx_http_notify_resp_s {
    ngx_http_notify_resp_type_e   type;
    int64_t                       integer;
    ngx_str_t                     str;      /* status, error, string; with a
                                               NUL behind it; else empty */
    ngx_uint_t                    nelts;
    ngx_http_notify_resp_t      **elts;
};


/* the element, or NULL when there is none or resp is not an array */
ngx_http_notify_resp_t *ngx_http_notify_resp_at(
    const ngx_http_notify_resp_t *resp, ngx_uint_t i);
/* whether resp is an error reply that begins with the word, "NOSCRIPT" */
ngx_uint_t ngx_http_notify_resp_is_error(const ngx_http_notify_resp_t *resp,
    const char *word);


/* A parser fed with bytes; replies come out in order. */
typedef struct ngx_http_notify_resp_parser_s  ngx_http_notify_resp_parser_t;

ngx_http_notify_resp_parser_t *ngx_http_notify_resp_parser_create(
    ngx_log_t *log);
void ngx_http_notify_resp_parser_destroy(ngx_http_notify_resp_parser_t *p);
/*
 * NGX_ERROR of the next two: a protocol error, memory, or a reply of more than
 * 7 levels.  The parser is of no more use then.  Of a reply that takes more
 * than 128 MB nothing is kept: an error of ours, _LARGE, comes in its place.
 */
#define NGX_HTTP_NOTIFY_RESP_LARGE  "TOOLARGE"

ngx_int_t ngx_http_notify_resp_parser_feed(ngx_http_notify_resp_parser_t *p,
    const u_char *bytes, size_t len);
/* NGX_OK: *resp is the next reply, valid until _free; NGX_AGAIN: needs more */
ngx_int_t ngx_http_notify_resp_parser_next(ngx_http_notify_resp_parser_t *p,
    ngx_http_notify_resp_t **resp);
/* what was wrong, valid as long as the parser */
const char *ngx_http_notify_resp_parser_error(ngx_http_notify_resp_parser_t *p);
/*
 * Reads values from pieces of text, one each, and lets them live as long as
 * the reply, which must be one that _next gave: an array of them.  NULL:
 * memory, or what is read is no such text.
 */
ngx_http_notify_resp_t *ngx_http_notify_resp_graft(
    ngx_http_notify_resp_t *reply, const ngx_str_t *pieces, ngx_uint_t n);

/* The other, which _next gave as well, lives as long as the reply. */
void ngx_http_notify_resp_adopt(ngx_http_notify_resp_t *reply,
    ngx_http_notify_resp_t *other);

/* Only of what _next gave (never of an element); may outlive the parser. */
void ngx_http_notify_resp_free(ngx_http_notify_resp_t *resp);


#endif /* _NGX_HTTP_NOTIFY_RESP_H_INCLUDED_ */
