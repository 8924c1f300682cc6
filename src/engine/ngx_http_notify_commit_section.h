/*
 * The command of a commit: a script's keys and arguments, a section for each
 * shard.  Lives until it is answered for.
 */

#ifndef _NGX_HTTP_NOTIFY_COMMIT_SECTION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_COMMIT_SECTION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


typedef struct {
    ngx_http_notify_lease_t       *lease;       /* NULL: forgotten */
    ngx_http_notify_id_t           position;
    ngx_uint_t                     epoch;       /* index of its argument */
    ngx_uint_t                     first;       /* of its subscribers */
    ngx_uint_t                     last;        /* and the one behind them */
    unsigned                       said:1;      /* that Redis refuses it */
} ngx_http_notify_commit_section_t;


typedef struct ngx_http_notify_commit_s  ngx_http_notify_commit_t;

struct ngx_http_notify_commit_s {
    ngx_pool_t                    *pool;
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_command_t     *command;     /* kept */
    ngx_array_t                    sections;
    ngx_array_t                    subscribers; /* pointers; NULL: dropped */
    ngx_event_t                    again;
    unsigned                       sent:1;
};


/* a command without sections; the handler's data is the commit; NULL: memory */
ngx_http_notify_commit_t *ngx_http_notify_commit_section_start(
    ngx_http_notify_feed_t *feed, ngx_http_notify_redis_handler_pt handler);
/* not while the command is under way */
void ngx_http_notify_commit_section_free(ngx_http_notify_commit_t *c);

/* whether another section of that lease is better left to another command */
ngx_uint_t ngx_http_notify_commit_section_full(ngx_http_notify_commit_t *c,
    ngx_http_notify_lease_t *lease);

/*
 * Takes what is dirty in the lease, operations and attempts.  NGX_ERROR:
 * memory, and some of it may be in the command, which must not be sent.
 */
ngx_int_t ngx_http_notify_commit_section_add(ngx_http_notify_commit_t *c,
    ngx_http_notify_lease_t *lease);

/* makes it one that the script refuses, should it be sent again */
void ngx_http_notify_commit_section_void(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section);


#endif /* _NGX_HTTP_NOTIFY_COMMIT_SECTION_H_INCLUDED_ */
