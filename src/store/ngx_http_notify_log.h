/*
 * The log of a channel: events as they are in the Redis stream, and reading
 * ranges.  Knows nothing of subscriptions, HTTP or its readers.
 */

#ifndef _NGX_HTTP_NOTIFY_LOG_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_command.h"


/*
 * One event.  The slices live as long as the event; empty = absent.
 * Stream fields: t type, n tenant, w time, e entityTypeID, i entityID, d data,
 * s sessionId, c customerId, v conversationId, u uid, h hops, p traceparent,
 * q tracestate, "a:NAME" an attribute; absent ones are not stored.
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
    ngx_str_t              traceparent;     /* of version 00 */
    ngx_str_t              tracestate;
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


/*
 * The end of an XREAD, what it reads: the log behind a place, the end of what
 * is in segments and, unless it is NULL, another stream.
 */
void ngx_http_notify_log_follow(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *other,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *other_from);

/* The same without the word STREAMS, for a read of several logs. */
void ngx_http_notify_log_follow_keys(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *other);
void ngx_http_notify_log_follow_ids(ngx_http_notify_command_t *command,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *other_from);

/* what it brought */
typedef struct {
    ngx_http_notify_resp_t  *log;       /* entries, or NULL */
    ngx_http_notify_resp_t  *other;     /* the same */
    ngx_http_notify_id_t     end;
    ngx_uint_t               packed;    /* unsigned  packed:1;  not all of what
                                           is behind the place is in the log:
                                           _log_range has it, up to `end` */
} ngx_http_notify_log_followed_t;

void ngx_http_notify_log_followed(ngx_http_notify_resp_t *resp,
    const ngx_http_notify_keys_t *keys,
    ngx_http_notify_log_followed_t *found);

/*
 * XRANGE, segments included, from (exclusive unless `inclusive`) to the end, at
 * most count entries.  Raw reply to the handler; NULL: it is not sent.
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
