/*
 * What the files of the resource `deltas` share: a reader of the log, which
 * lives in the request's pool.  The log is looked at in pages (api_deltas), or
 * as it grows (api_wait, api_stream).
 */

#ifndef _NGX_HTTP_NOTIFY_API_DELTAS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_DELTAS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_crypto.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_want.h"


#define NGX_HTTP_NOTIFY_API_DELTAS_SCAN   5000
#define NGX_HTTP_NOTIFY_API_DELTAS_PAGE   500
/* of an answer; the entry that passes it is the last */
#define NGX_HTTP_NOTIFY_API_DELTAS_BYTES  (8 * 1024 * 1024)
/* what one page should not exceed by far */
#define NGX_HTTP_NOTIFY_API_DELTAS_CHUNK  (2 * 1024 * 1024)
/* how often a reader that is to wait reads up to where the others are */
#define NGX_HTTP_NOTIFY_API_DELTAS_ROUNDS  5


typedef struct ngx_http_notify_api_wait_s    ngx_http_notify_api_wait_t;
typedef struct ngx_http_notify_api_stream_s  ngx_http_notify_api_stream_t;

typedef struct ngx_http_notify_api_deltas_s  ngx_http_notify_api_deltas_t;

struct ngx_http_notify_api_deltas_s {
    ngx_http_notify_api_t           *api;
    /* what is done from the place where a reader begins */
    void                           (*begun)(
                                        ngx_http_notify_api_deltas_t *deltas);
    /* and when there is nothing after it, and it has time */
    void                           (*nothing)(
                                        ngx_http_notify_api_deltas_t *deltas);
    ngx_uint_t                       limit;
    ngx_str_t                        cursor;        /* as given, or empty */
    ngx_http_notify_want_t           want;
    ngx_str_t                        subscription;  /* its id, or empty */
    ngx_str_t                        consumer;      /* its name, or empty */
    ngx_msec_t                       wait;          /* long poll; 0: no */
    ngx_http_notify_crypto_hmac_t   *hmac;
    ngx_pool_cleanup_t              *selected;      /* of the selector */

    ngx_http_notify_id_t             from;          /* looked at so far */
    ngx_uint_t                       page;          /* entries asked for */
    ngx_uint_t                       scanned;
    size_t                           bytes;         /* of what was scanned */
    ngx_array_t                      entries;       /* of ngx_str_t, JSON */
    size_t                           size;          /* of these */
    ngx_http_notify_id_t             seen;          /* the log's end before
                                                     * the last read */
    ngx_uint_t                       rounds;
    ngx_http_notify_api_wait_t      *waiting;       /* or NULL */
    ngx_http_notify_api_stream_t    *streaming;     /* or NULL */

    unsigned                         since:1;       /* from was given so */
    unsigned                         placed:1;      /* somebody came to from */
    unsigned                         resumed:1;     /* by Last-Event-ID */
    unsigned                         missed:1;
    unsigned                         stream:1;      /* server-sent events */
    unsigned                         more:1;
    unsigned                         resync:1;      /* the log lost its end */
};


/* api_deltas_args; NGX_ABORT: an answer has been sent */
ngx_int_t ngx_http_notify_api_deltas_args(
    ngx_http_notify_api_deltas_t *deltas);
/* a cursor of this tenant as a place; NGX_ABORT: a 400 that calls it `what`
 * has been sent */
ngx_int_t ngx_http_notify_api_deltas_place(ngx_http_notify_api_t *api,
    const ngx_str_t *cursor, const char *what,
    ngx_http_notify_crypto_hmac_t *hmac, ngx_http_notify_id_t *place);

/* the name of a consumer */
ngx_uint_t ngx_http_notify_api_deltas_name(const ngx_str_t *name);

/* api_deltas_begin: from XINFO on, as when the reader came */
void ngx_http_notify_api_deltas_begin(ngx_http_notify_api_deltas_t *deltas);

/* where to join the watch when a read found nothing after *from, which moves
 * to the log's end as far as it is known; a time may be ahead of that */
ngx_http_notify_id_t ngx_http_notify_api_deltas_wait_at(
    const ngx_http_notify_api_deltas_t *deltas, ngx_http_notify_id_t *from);

/* api_deltas_read: looks at the log from `from` on, then answers or waits */
void ngx_http_notify_api_deltas_read(ngx_http_notify_api_deltas_t *deltas);
/* how many entries to ask for next, of which size the last ones were */
ngx_uint_t ngx_http_notify_api_deltas_count(
    const ngx_http_notify_api_deltas_t *deltas);
/* NGX_DONE: the answer is full, the event is for the next one */
ngx_int_t ngx_http_notify_api_deltas_event(
    ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_event_t *event);
void ngx_http_notify_api_deltas_send(ngx_http_notify_api_deltas_t *deltas);

/* api_wait: nothing was found; answers when there is something, or in time */
void ngx_http_notify_api_wait(ngx_http_notify_api_deltas_t *deltas);

/* api_stream: server-sent events from `from` on */
void ngx_http_notify_api_stream(ngx_http_notify_api_deltas_t *deltas);
/* the store is away: an empty stream, after which a client comes again */
void ngx_http_notify_api_stream_unavailable(ngx_http_notify_api_t *api);

/* api_consumers: deltas/consumers and deltas/consumers/{name} */
ngx_uint_t ngx_http_notify_api_consumers_methods(ngx_http_notify_api_t *api);
void ngx_http_notify_api_consumers(ngx_http_notify_api_t *api);
/* the place of deltas->consumer, then `begin` */
void ngx_http_notify_api_consumers_load(ngx_http_notify_api_deltas_t *deltas);


#endif /* _NGX_HTTP_NOTIFY_API_DELTAS_H_INCLUDED_ */
