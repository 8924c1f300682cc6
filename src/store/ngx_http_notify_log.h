/*
 * The log of a channel: events as they are in the Redis stream, publishing,
 * and reading ranges.  Knows nothing of subscriptions, HTTP or its readers.
 */

#ifndef _NGX_HTTP_NOTIFY_LOG_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_command.h"


/*
 * One event.  The slices live as long as the event; empty = absent.
 * Stream fields: t type, n tenant, w time, e entityTypeID, i entityID, d data,
 * s sessionId, c customerId, v conversationId, u uid, h hops, "a:NAME" an
 * attribute; absent ones are not stored.
 */
typedef struct {
    ngx_http_notify_id_t   id;              /* 0-0 before it is published */
    uint64_t               time;            /* epoch, milliseconds */
    ngx_str_t              type;            /* whole: "object.event" */
    ngx_str_t              tenant;
    ngx_str_t              entity_type_id;  /* JSON text: 3, "A4" */
    ngx_str_t              entity_id;       /* JSON text */
    ngx_str_t              data;            /* JSON text, as published */
    ngx_str_t              session_id;      /* plain text, not JSON */
    ngx_str_t              customer_id;
    ngx_str_t              conversation_id;
    ngx_str_t              uid;
    ngx_uint_t             hops;
    ngx_uint_t             nattributes;
    ngx_keyval_t          *attributes;      /* plain text: country, NO */

    /* what is known of its session, when it is dispatched */
    ngx_uint_t             presence;        /* unsigned  presence:2; */
    uint32_t               bound;           /* hash of the one subscription
                                               that it is for; 0: any */
    ngx_uint_t             nkept;
    ngx_keyval_t          *kept;            /* the session's values, memory of
                                               their own */

    /* the body of its calls, once made for all who are sent the same */
    ngx_str_t              shared;          /* from the heap */
    const void            *shared_by;       /* whose body it is */

    size_t                 size;            /* bytes of memory it takes */
    ngx_uint_t             refs;
} ngx_http_notify_event_t;


/*
 * An event of its own (one ngx_alloc) from a stream entry [id, [f, v, ...]];
 * refs is 1.  NULL: memory, or not an entry of ours (unknown fields are
 * skipped, a missing t is not ours).
 */
ngx_http_notify_event_t *ngx_http_notify_log_event(
    const ngx_http_notify_resp_t *entry, ngx_log_t *log);
/* the id alone, for entries that are none of ours; NGX_DECLINED: no id */
ngx_int_t ngx_http_notify_log_entry_id(const ngx_http_notify_resp_t *entry,
    ngx_http_notify_id_t *id);
void ngx_http_notify_log_ref(ngx_http_notify_event_t *event);
void ngx_http_notify_log_unref(ngx_http_notify_event_t *event);


/* The other way: how many strings of a command its fields are, and these. */
ngx_uint_t ngx_http_notify_log_strings(const ngx_http_notify_event_t *event);
void ngx_http_notify_log_write(ngx_http_notify_command_t *command,
    const ngx_http_notify_event_t *event);


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
 * called.  A caller that goes away cancels.
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
void ngx_http_notify_log_publish_cancel(ngx_http_notify_log_publish_t *p);
/* whether some on this connection have not been sent yet */
ngx_uint_t ngx_http_notify_log_publish_held(
    const ngx_http_notify_redis_t *redis);
/* behind the connections: frees what was not answered, without a word */
void ngx_http_notify_log_publish_exit(void);


/*
 * XRANGE from (exclusive unless `inclusive`) to the end, at most count
 * entries.  Raw reply to the handler; NULL: it is not sent.
 */
ngx_http_notify_command_t *ngx_http_notify_log_range(
    ngx_http_notify_redis_t *redis, const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_id_t *from, ngx_uint_t inclusive,
    const ngx_http_notify_id_t *to, ngx_uint_t count,
    ngx_http_notify_redis_handler_pt handler, void *data);
/*
 * From (exclusive) on, as many entries as are together about so large, and
 * count at most; see range.lua for the reply.
 */
ngx_int_t ngx_http_notify_log_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_http_notify_id_t *from,
    ngx_uint_t count, size_t bytes, ngx_http_notify_redis_handler_pt handler,
    void *data);


#endif /* _NGX_HTTP_NOTIFY_LOG_H_INCLUDED_ */
