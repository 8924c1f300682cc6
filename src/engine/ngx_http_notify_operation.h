/*
 * What came of deliveries, to be written by the next commit: collected at the
 * subscriber, in order.
 */

#ifndef _NGX_HTTP_NOTIFY_OPERATION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_OPERATION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


typedef struct {
    ngx_queue_t                    queue;
    u_char                         code;
    ngx_http_notify_id_t           id;
    ngx_http_notify_id_t           to;
    ngx_http_notify_id_t           last;        /* of the gaps that are known */
    uint64_t                       due;
    uint64_t                       first;
    ngx_uint_t                     attempts;
    ngx_uint_t                     line;        /* of `order key=`, or 0 */
    ngx_int_t                      more;        /* entries of the retry set */
    ngx_int_t                      version;     /* of the redelivery */
    const char                    *reason;
} ngx_http_notify_operation_t;


/* whether it is about an event of the retry set: a retry, dead, or done */
#define ngx_http_notify_operation_of_retries(op)                              \
    ((op)->code == 'r' || (op)->code == 'd' || (op)->code == 'k')


/* Without memory the lease is broken.  `known`: it is in the retry set. */
ngx_int_t ngx_http_notify_operation_retry(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line, uint64_t due,
    ngx_uint_t attempts, uint64_t first, ngx_uint_t known);
/* It waits in the retry set for those of its line before it. */
ngx_int_t ngx_http_notify_operation_line_up(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line);
void ngx_http_notify_operation_done(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line, ngx_uint_t known);
/* reason: a static word, "exhausted", "gone", "expired", ... */
void ngx_http_notify_operation_dead(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, ngx_uint_t line, const char *reason,
    ngx_uint_t known);
/* the interval (from, to] was skipped */
ngx_int_t ngx_http_notify_operation_gap(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to);
/* the same of what the breaker has dropped, so far */
ngx_int_t ngx_http_notify_operation_dropped(ngx_http_notify_subscriber_t *s);
/* the interval (from, to] was redelivered, by a redelivery that knows of the
 * gaps up to the one that ends at `last` */
void ngx_http_notify_operation_recovered(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to,
    const ngx_http_notify_id_t *last);
/* how far a redelivery is; NULL: it is done */
void ngx_http_notify_operation_redelivery(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place);

/*
 * What is on its way to the retry set: the ids are pushed to an array of
 * ngx_http_notify_id_t, unless that is NULL; by how many entries the set grows.
 */
ngx_int_t ngx_http_notify_operation_open(ngx_http_notify_subscriber_t *s,
    ngx_array_t *ids, ngx_int_t *more);
/* Whether that one is among these. */
ngx_uint_t ngx_http_notify_operation_covers(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id);

/* Adds "=LINE" for each of these that is tried again in a line. */
void ngx_http_notify_operation_lines(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command);

/* The retry set in Redis is as the commit in flight says: when is it due? */
void ngx_http_notify_operation_settle(ngx_http_notify_subscriber_t *s);
/* Something of it is due then, epoch ms. */
void ngx_http_notify_operation_due(ngx_http_notify_subscriber_t *s,
    uint64_t due);
/* One of the line is settled for now: the next one may be due. */
void ngx_http_notify_operation_next(ngx_http_notify_subscriber_t *s,
    ngx_uint_t line, const ngx_http_notify_id_t *id);

void ngx_http_notify_operation_free(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_OPERATION_H_INCLUDED_ */
