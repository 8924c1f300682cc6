/*
 * What the files of a connection share: its struct, that of a command, and the
 * seams between connection, queue and setup.  For the files of this room only.
 */

#ifndef _NGX_HTTP_NOTIFY_REDIS_INTERNAL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REDIS_INTERNAL_H_INCLUDED_


#include "ngx_http_notify_command.h"
#include "ngx_http_notify_redis.h"
#include <ngx_event_connect.h>


#define NGX_HTTP_NOTIFY_REDIS_NAME_MAX  255
#define NGX_HTTP_NOTIFY_REDIS_SLOTS     16384


typedef enum {
    NGX_HTTP_NOTIFY_REDIS_WAITING = 0,     /* no connection */
    NGX_HTTP_NOTIFY_REDIS_CONNECTING,
    NGX_HTTP_NOTIFY_REDIS_SETUP,
    NGX_HTTP_NOTIFY_REDIS_READY
} ngx_http_notify_redis_state_e;


/* why a connection failed; those from AUTH on are retried slowly */
typedef enum {
    NGX_HTTP_NOTIFY_REDIS_LOST = 0,
    NGX_HTTP_NOTIFY_REDIS_LOADING,
    NGX_HTTP_NOTIFY_REDIS_REPLICA,
    NGX_HTTP_NOTIFY_REDIS_EXITING,
    NGX_HTTP_NOTIFY_REDIS_AUTH,
    NGX_HTTP_NOTIFY_REDIS_SSL,
    NGX_HTTP_NOTIFY_REDIS_SENTINEL,
    NGX_HTTP_NOTIFY_REDIS_SELECT,
    NGX_HTTP_NOTIFY_REDIS_VERSION
} ngx_http_notify_redis_why_e;


typedef struct {
    ngx_http_notify_redis_state_pt     handler;
    void                              *data;
} ngx_http_notify_redis_listener_t;


/* where the connection goes, or went */
typedef struct {
    ngx_sockaddr_t                     sockaddr;
    socklen_t                          socklen;
    ngx_str_t                          name;       /* for the log */
    ngx_str_t                          host;       /* for TLS */
    u_char                             text[NGX_SOCKADDR_STRLEN];
    u_char                             hostname[NGX_HTTP_NOTIFY_REDIS_NAME_MAX];
} ngx_http_notify_redis_target_t;


/* a node as its cluster names it; no text is copied */
typedef struct {
    ngx_str_t                          host;
    ngx_str_t                          address;    /* empty: of the asked one;
                                                      the host where no other
                                                      is known */
    ngx_uint_t                         port;
} ngx_http_notify_redis_node_t;


/* the master that a sentinel names */
typedef void (*ngx_http_notify_redis_named_pt)(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_redis_target_t *master);
/* ngx_http_notify_redis_create() */
typedef ngx_http_notify_redis_t *(*ngx_http_notify_redis_create_pt)(
    ngx_cycle_t *cycle, ngx_http_notify_redis_conf_t *conf, const char *name,
    ngx_http_notify_redis_state_pt state, void *data);


/*
 * Its text: room for the head, keys, a gap, arguments, room.  Once it is
 * closed: head, keys, arguments, all of it from pos on to be sent.
 */
struct ngx_http_notify_command_s {
    ngx_queue_t                        queue;
    ngx_http_notify_redis_t           *redis;
    ngx_http_notify_redis_handler_pt   handler;    /* NULL: cancelled */
    void                              *data;
    ngx_http_notify_command_filter_pt  filter;     /* or NULL */
    const ngx_http_notify_script_t    *script;     /* NULL: not EVALSHA */
    const ngx_uint_t                  *gate;       /* of its keys, or NULL */
    ngx_msec_t                         timeout;
    uint64_t                           asked;      /* microseconds */
    uint64_t                           deadline;   /* the same */
    uint64_t                           moving;     /* the same: the end of
                                                      all tries; 0: none was
                                                      refused */

    ngx_uint_t                         nkeys;
    ngx_uint_t                         nargs;
    u_char                            *start;      /* behind this, or own */
    u_char                            *keys;       /* the end of the keys */
    u_char                            *args;
    u_char                            *last;
    u_char                            *end;
    u_char                            *head;       /* NULL: not closed */
    u_char                            *body;       /* the end of the head */
    u_char                            *pos;

    unsigned                           failed:1;
    unsigned                           kept:1;     /* by its owner */
    unsigned                           timed:1;
    unsigned                           setup:1;    /* our own */
    unsigned                           lost:1;     /* in a queue to be told */
    unsigned                           held:1;     /* to be sent again */
};


struct ngx_http_notify_redis_s {
    ngx_http_notify_redis_conf_t      *conf;
    ngx_pool_t                        *pool;
    ngx_log_t                         *log;

    /* what timers print; after three pointers as in ngx_connection_t */
    ngx_socket_t                       ident;

    const char                        *name;
    ngx_queue_t                        queue;      /* by sentinels */

    ngx_http_notify_redis_state_e      state;
    ngx_http_notify_redis_target_t     target;
    ngx_peer_connection_t              peer;
    ngx_log_t                          quiet;      /* of the connection */
    ngx_http_notify_resp_parser_t     *parser;
    ngx_resolver_ctx_t                *resolving;  /* the node's host */

    ngx_queue_t                        pending;    /* in order */
    ngx_queue_t                       *unsent;     /* first of these, or NULL */
    size_t                             nunsent;    /* bytes */
    ngx_queue_t                        early;      /* before the first one */
    ngx_queue_t                        held;       /* to be sent again */
    size_t                             nheld;      /* bytes */
    uint64_t                           moving;     /* microseconds, until when
                                                      commands wait for the
                                                      slot's node; 0: none do */
    ngx_queue_t                        lost;       /* to be told in a turn */
    ngx_queue_t                        telling;    /* being told */
    ngx_uint_t                         ncommands;  /* without our own */
    size_t                             nbytes;

    ngx_event_t                        timer;      /* connect, reconnect */
    ngx_event_t                        deadline;   /* not after the first */
    ngx_event_t                        again;      /* those held */
    ngx_event_t                        post;       /* the next turn */

    ngx_array_t                        listeners;
    ngx_http_notify_redis_listener_t   opening;    /* handler NULL: none */
    ngx_uint_t                         generation;
    ngx_uint_t                         announced;  /* generation, 0: down */

    ngx_uint_t                         addr;       /* index */
    ngx_uint_t                         failures;
    ngx_uint_t                         logged;     /* bits, since down */
    ngx_msec_t                         ready_since;

    ngx_uint_t                         busy;       /* depth of callbacks */
    ngx_http_notify_redis_named_pt     named;      /* NULL: it does not stay
                                                      with a sentinel */
    unsigned                           routed:1;   /* target is a store */
    unsigned                           stopped:1;
    unsigned                           destroyed:1;
    unsigned                           warned:1;

    u_char                             reason[256];
    u_char                             warning[128];
};


void ngx_cdecl ngx_http_notify_redis_fail(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_why_e why, ngx_err_t err, const char *fmt, ...);
void ngx_http_notify_redis_fail_deadline(ngx_event_t *ev);
void ngx_http_notify_redis_close(ngx_http_notify_redis_t *redis);
void ngx_http_notify_redis_leave(ngx_http_notify_redis_t *redis);
void ngx_http_notify_redis_hop(ngx_http_notify_redis_t *redis);
void ngx_http_notify_redis_route(ngx_http_notify_redis_t *redis);
ngx_int_t ngx_http_notify_redis_route_ask(ngx_http_notify_redis_t *redis);
ngx_int_t ngx_http_notify_redis_sentinel_join(ngx_cycle_t *cycle,
    ngx_http_notify_redis_t *redis, ngx_http_notify_redis_create_pt create);
/* the connection to a sentinel that nobody needs any more, or NULL */
ngx_http_notify_redis_t *ngx_http_notify_redis_sentinel_leave(
    ngx_http_notify_redis_t *redis);
char *ngx_http_notify_redis_ssl_conf(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *rcf);
/* the handler is called after the handshake, successful or not */
ngx_int_t ngx_http_notify_redis_ssl_begin(ngx_http_notify_redis_t *redis,
    void (*handler)(ngx_connection_t *c));
void ngx_http_notify_redis_ssl_failed(ngx_connection_t *c);
ngx_int_t ngx_http_notify_redis_setup(ngx_http_notify_redis_t *redis);
ngx_int_t ngx_http_notify_redis_setup_login(ngx_http_notify_redis_t *redis);
ngx_int_t ngx_http_notify_redis_cluster_find(
    const ngx_http_notify_resp_t *resp, ngx_uint_t slot,
    ngx_http_notify_redis_node_t *found);
void ngx_http_notify_redis_queue_init(ngx_http_notify_redis_t *redis);
void ngx_http_notify_redis_queue_free(ngx_http_notify_redis_t *redis);
/* the connection is ready: those sent before it was */
void ngx_http_notify_redis_send_early(ngx_http_notify_redis_t *redis);
/*
 * A node of a cluster refused a command because its slot is moving: NGX_OK, it
 * is kept and sent again.  NGX_DECLINED: it is to be answered.
 */
ngx_int_t ngx_http_notify_redis_send_again(ngx_http_notify_command_t *command,
    const ngx_http_notify_resp_t *resp);
void ngx_http_notify_redis_send_handler(ngx_event_t *ev);
void ngx_http_notify_redis_queue_put(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command);
size_t ngx_http_notify_redis_queue_size(
    const ngx_http_notify_command_t *command);
/* monotonic, in microseconds; not nginx's, which stands still in a turn */
uint64_t ngx_http_notify_redis_queue_clock(void);
ngx_int_t ngx_http_notify_redis_queue_send(ngx_http_notify_redis_t *redis);
/* the command that an answer is of, taken out; NULL: there is none */
ngx_http_notify_command_t *ngx_http_notify_redis_queue_take(
    ngx_http_notify_redis_t *redis, ngx_uint_t *partly);
/* frees it, unless it is sent again or kept */
void ngx_http_notify_redis_queue_reply(ngx_http_notify_command_t *command,
    ngx_http_notify_resp_t *resp);
void ngx_http_notify_redis_queue_answer(ngx_http_notify_command_t *command,
    ngx_http_notify_resp_t *resp);
void ngx_http_notify_redis_queue_lose(ngx_http_notify_redis_t *redis);
/* whether an answer is; else it is looked for again in time */
ngx_uint_t ngx_http_notify_redis_queue_overdue(
    ngx_http_notify_redis_t *redis);
void ngx_http_notify_redis_queue_tell(ngx_http_notify_redis_t *redis);
void ngx_http_notify_redis_queue_post(ngx_http_notify_redis_t *redis);
/* the text is whole, and begins anew at pos; NGX_ERROR: it has failed */
ngx_int_t ngx_http_notify_command_close(ngx_http_notify_command_t *command);
/* the same with the script's text; NGX_ERROR: memory, it is as it was */
ngx_int_t ngx_http_notify_command_eval(ngx_http_notify_command_t *command);


#endif /* _NGX_HTTP_NOTIFY_REDIS_INTERNAL_H_INCLUDED_ */
