/*
 * Publishing to the log of a channel.  Does not know the publishers.
 */

#ifndef _NGX_HTTP_NOTIFY_LOG_PUBLISH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOG_PUBLISH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log.h"


/* Is it published where no flag of the settings says so? */
typedef enum {
    NGX_HTTP_NOTIFY_LOG_FREE = 0,       /* there is no flag for it */
    NGX_HTTP_NOTIFY_LOG_ON,
    NGX_HTTP_NOTIFY_LOG_OFF
} ngx_http_notify_log_flag_e;

/* One event to publish: the event and how it is made idempotent. */
typedef struct {
    ngx_http_notify_event_t      event;
    ngx_http_notify_log_flag_e   flag;
    ngx_str_t                    key;   /* 32 hex digits of a digest, or empty:
                                           see ngx_http_notify_id_digest() */
    ngx_str_t                    body;  /* 32 hex digits of the body's digest */
    ngx_str_t                    last;  /* digests of what must differ from the
                                           last one's `value` for the same; or
                                           both empty */
    ngx_str_t                    value;
    uint64_t                     keep;  /* milliseconds, of `value` */
    ngx_str_t                    request;   /* a digest that names the publish,
                                               in its first event, or empty */
    ngx_str_t                    print;     /* digest of what it asks for */
    unsigned                     hole:1;    /* is not appended, has a number */
} ngx_http_notify_log_entry_t;

/*
 * A publisher that numbers its events one by one, so that each is appended
 * once however often it is sent; the numbers are kept for a day.
 */
typedef struct {
    ngx_str_t                    name;  /* of its own, in its key */
    uint64_t                     first; /* number of the first event, from 1 */
    uint64_t                     done;  /* all up to it were answered for */
} ngx_http_notify_log_publisher_t;

typedef enum {
    NGX_HTTP_NOTIFY_LOG_OK = 0,         /* appended, or the same again */
    NGX_HTTP_NOTIFY_LOG_CONFLICT,       /* a key was used with another body */
    NGX_HTTP_NOTIFY_LOG_FULL,           /* max_size, or Redis out of memory */
    NGX_HTTP_NOTIFY_LOG_UNAVAILABLE,    /* no answer, or Redis refuses writes:
                                           may or may not have been done */
    NGX_HTTP_NOTIFY_LOG_GAP             /* a lower number has not come: not
                                           done */
} ngx_http_notify_log_status_e;

typedef struct {
    ngx_http_notify_log_status_e   status;
    ngx_uint_t                     conflict;    /* index, with CONFLICT */
    ngx_uint_t                     n;
    ngx_http_notify_id_t          *ids;         /* n of them, with OK; ms 0:
                                                   nothing was logged, and seq
                                                   is one of the following */
    ngx_uint_t                     skipped;     /* how many were not logged */
    ngx_uint_t                     repeated;    /* all n were there before */
} ngx_http_notify_log_published_t;

#define NGX_HTTP_NOTIFY_LOG_IS_OFF     0
#define NGX_HTTP_NOTIFY_LOG_UNCHANGED  1
#define NGX_HTTP_NOTIFY_LOG_DONE       2    /* a number that was there before */

typedef void (*ngx_http_notify_log_publish_pt)(
    const ngx_http_notify_log_published_t *published, void *data);

/*
 * Appends n (1 ... 1,000) events in order, all or none; they are copied.
 * publisher: NULL, unless it numbers them.
 * max_size: bytes the log's key may take, 0 = no limit.  The handler is called
 * exactly once, never inside; NULL: memory, or more than 64K strings, never
 * called.
 *
 * What is published to a log on one connection is sent in the order of these
 * calls.  What goes through a script shares it with others of the same turn,
 * and has an answer of its own; one that is numbered shares nothing.
 */
typedef struct ngx_http_notify_log_publish_s  ngx_http_notify_log_publish_t;

ngx_http_notify_log_publish_t *ngx_http_notify_log_publish(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_log_publisher_t *publisher,
    const ngx_http_notify_log_entry_t *entries, ngx_uint_t n, size_t max_size,
    ngx_http_notify_log_publish_pt handler, void *data);
/* whether some on this connection have not been sent yet */
ngx_uint_t ngx_http_notify_log_publish_held(
    const ngx_http_notify_redis_t *redis);
/* after the connections: frees what was not answered, calls no handler */
void ngx_http_notify_log_publish_exit(void);


#endif /* _NGX_HTTP_NOTIFY_LOG_PUBLISH_H_INCLUDED_ */
