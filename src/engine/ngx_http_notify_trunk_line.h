/*
 * A line of the trunk: a connection and its read, a blocking one of the logs of
 * all feeds that wait.  A feed that begins to wait meanwhile ends it, by CLIENT
 * UNBLOCK on the connection for commands, and the next read is for all.
 */

#ifndef _NGX_HTTP_NOTIFY_TRUNK_LINE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TRUNK_LINE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


typedef struct ngx_http_notify_trunk_line_s  ngx_http_notify_trunk_line_t;

/* for the trunk; done may free the line */
typedef struct {
    /* the feed waits no longer, see trunk.h */
    void  (*told)(ngx_http_notify_trunk_line_t *line,
                  ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *resp);
    /* all that have to be are told */
    void  (*done)(ngx_http_notify_trunk_line_t *line);
    /* Redis lets us end no read */
    void  (*denied)(ngx_http_notify_trunk_line_t *line);
} ngx_http_notify_trunk_line_handlers_t;


/* zeroed, with trunk, handlers, commands and conf set, before _init */
struct ngx_http_notify_trunk_line_s {
    ngx_http_notify_trunk_t          *trunk;
    ngx_http_notify_redis_t          *redis;    /* own; NULL: not needed yet */
    ngx_http_notify_command_t        *command;  /* the read, or NULL */

    /* what timers print; after three pointers as in ngx_connection_t */
    ngx_socket_t                      ident;

    const ngx_http_notify_trunk_line_handlers_t  *handlers;
    ngx_http_notify_redis_t          *commands; /* borrowed */
    ngx_http_notify_redis_conf_t     *conf;
    ngx_http_notify_command_t        *wake;     /* CLIENT UNBLOCK, or NULL */
    ngx_queue_t                       asked;    /* feeds that the read tells */
    ngx_queue_t                       waiting;  /* and the next one */
    ngx_uint_t                        count;    /* entries, of the read */
    ngx_uint_t                        misses;   /* tries to end it in vain */
    ngx_uint_t                        reads;    /* so far, the number of */
    ngx_uint_t                        woken;    /* the one that is ended */
    uint64_t                          id;       /* the connection's, in Redis;
                                                   0: unknown */
    ngx_event_t                       post;
    ngx_event_t                       retry;
    unsigned                          own:1;    /* of one feed */
    unsigned                          refused:1;    /* CLIENT ID is */
    unsigned                          telling:1;
};


void ngx_http_notify_trunk_line_init(ngx_http_notify_trunk_line_t *line,
    ngx_log_t *log);
/* Connects, unless it does already.  NGX_ERROR: memory */
ngx_int_t ngx_http_notify_trunk_line_open(ngx_http_notify_trunk_line_t *line);
void ngx_http_notify_trunk_line_close(ngx_http_notify_trunk_line_t *line);

/* The feed waits here, and no longer elsewhere. */
void ngx_http_notify_trunk_line_wait(ngx_http_notify_trunk_line_t *line,
    ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_TRUNK_LINE_H_INCLUDED_ */
