/*
 * What the files of an outbox share: outbox.c has the outboxes and takes
 * events, outbox_send.c publishes these.  For the two only.
 */

#ifndef _NGX_HTTP_NOTIFY_OUTBOX_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OUTBOX_INTERNAL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_http_notify_outbox.h"


#define NGX_HTTP_NOTIFY_OUTBOX_EVENTS   128         /* of a batch */


/* one allocation, attributes and bytes behind the structure */
struct ngx_http_notify_outbox_event_s {
    ngx_queue_t                   queue;
    ngx_http_notify_outbox_t     *outbox;
    ngx_http_notify_outbox_pt     handler;      /* NULL: nobody waits */
    void                         *data;
    ngx_int_t                     rc;           /* for the handler */
    uint64_t                      number;
    size_t                        size;
    ngx_http_notify_log_entry_t   entry;
};

struct ngx_http_notify_outbox_s {
    ngx_queue_t                   queue;
    const ngx_str_t              *name;         /* of the worker */
    size_t                       *used;         /* bytes, of all outboxes */
    const ngx_http_notify_keys_t *keys;
    size_t                        max_size;
    ngx_int_t                     metrics;
    ngx_http_notify_redis_t      *redis;
    ngx_queue_t                   events;       /* lowest number first */
    uint64_t                      last;         /* number given */
    uint64_t                      due;          /* all up to it are to go */
    uint64_t                      sent;         /* number under way */
    uint64_t                      done;         /* all up to it are gone */
    ngx_uint_t                    batches;      /* under way */
    ngx_event_t                   event;        /* sends: posted, or timed */
    ngx_event_t                   timer;        /* tries again */
    ngx_connection_t              dumb;         /* of the timers, for a log */
    ngx_msec_t                    exiting;      /* since then */
    unsigned                      failed:1;     /* all after it again */
    unsigned                      wait:1;       /* but not at once */
};


/* the handlers of outbox->event and outbox->timer */
void ngx_http_notify_outbox_send_handler(ngx_event_t *ev);
void ngx_http_notify_outbox_send_again(ngx_event_t *ev);
/* takes the event out of its queue, too */
void ngx_http_notify_outbox_send_free(ngx_http_notify_outbox_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_OUTBOX_INTERNAL_H_INCLUDED_ */
