/*
 * A connection to Redis on nginx's own event loop: commands of one turn go out
 * in few writes, replies come in order, each command has a deadline, a lost
 * connection is made anew with jittered backoff.  Created per worker, lives
 * until the worker exits.  Knows nothing of keys, scripts or events.
 */

#ifndef _NGX_HTTP_NOTIFY_REDIS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_http_notify_resp.h"


/* notify_redis, read-only after start */
typedef struct {
    ngx_array_t  *addrs;          /* of ngx_addr_t, in the order given */
    ngx_array_t  *hosts;          /* of ngx_str_t, as written, for each */
    ngx_str_t     user;
    ngx_str_t     password;       /* the first line of password_file */
    ngx_uint_t    db;
    ngx_str_t     prefix;         /* of every key; default "notify:" */
    ngx_msec_t    timeout;        /* connect, and deadline of a command; 2s */
    ngx_uint_t    replicas;       /* that a publish waits for */
    ngx_str_t     sentinel;       /* name of the master; the addresses are
                                     those of sentinels then */
    ngx_uint_t    cluster;        /* unsigned  cluster:1; */
    ngx_resolver_t *resolver;     /* of nodes that are named by their host,
                                     NULL: none */
    ngx_uint_t    slot;           /* that the connection is for, in a cluster;
                                     set in a copy */

    ngx_ssl_t    *ssl;            /* NULL: plain */
    ngx_str_t     ssl_verify;     /* "on", "off" or a file of CAs */
    ngx_str_t     ssl_name;       /* empty: the host of the address */
    ngx_str_t     ssl_certificate;
    ngx_str_t     ssl_certificate_key;
    ngx_uint_t    ssl_verified;   /* unsigned  ssl_verified:1; */
} ngx_http_notify_redis_conf_t;


/*
 * The setter of notify_redis; an ngx_http_notify_redis_conf_t, zeroed, lies at
 * cmd->offset in conf.  Names in addresses are resolved here, once.
 */
char *ngx_http_notify_redis_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
/* Fills in what notify_redis did not say; for init_main_conf. */
ngx_int_t ngx_http_notify_redis_conf_init(ngx_conf_t *cf,
    ngx_http_notify_redis_conf_t *conf);


typedef struct ngx_http_notify_redis_s    ngx_http_notify_redis_t;
typedef struct ngx_http_notify_command_s  ngx_http_notify_command_t;

/*
 * Called exactly once, never inside the send.  resp NULL: no answer (not
 * connected, connection lost, deadline): the command may or may not have been
 * done.  Error replies are passed on as such.
 */
typedef void ngx_http_notify_redis_handler_t(ngx_http_notify_resp_t *resp,
    void *data);
typedef ngx_http_notify_redis_handler_t  *ngx_http_notify_redis_handler_pt;

/*
 * Called with up = 1 when a connection is ready for commands (after AUTH,
 * SELECT and the version check), with up = 0 when it is lost; each new
 * connection has a new generation (> 0).  Exactly one log line per change.
 * Always called from the event loop, up = 0 before the handlers of the
 * commands that were lost with the connection.
 *
 * Handlers of both kinds may send, cancel, reset and destroy.
 */
typedef void (*ngx_http_notify_redis_state_pt)(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);


/*
 * Starts connecting at once; NULL: memory.  `name` appears in the log and is
 * not copied, nor is conf.  The state handler may be NULL.
 *
 * Exiting: every timer here is cancelable and the connection is never marked
 * idle, so it neither keeps an exiting worker alive nor is closed by QUIT: it
 * goes on working, and connecting anew, until it is destroyed.  Whoever waits
 * for an answer in an exiting worker holds a timer of its own that is not
 * cancelable, and destroys in exit_process at the latest (nginx alerts about
 * open sockets after that).  When worker_shutdown_timeout expires the
 * connection is closed for good.
 */
ngx_http_notify_redis_t *ngx_http_notify_redis_create(ngx_cycle_t *cycle,
    ngx_http_notify_redis_conf_t *conf, const char *name,
    ngx_http_notify_redis_state_pt state, void *data);
/* Drops every pending command without calling its handler, closes. */
void ngx_http_notify_redis_destroy(ngx_http_notify_redis_t *redis);

/* More than one state handler: each is called in the order of registration. */
ngx_int_t ngx_http_notify_redis_on_state(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_state_pt state, void *data);

/*
 * Called (up is 0) on each new connection before it is ready, to send commands
 * by ngx_http_notify_redis_send_setup(): they are answered before any other.
 */
void ngx_http_notify_redis_on_setup(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_state_pt handler, void *data);
ngx_int_t ngx_http_notify_redis_send_setup(
    ngx_http_notify_command_t *command);

ngx_uint_t ngx_http_notify_redis_ready(ngx_http_notify_redis_t *redis);
/* 0 while not ready */
ngx_uint_t ngx_http_notify_redis_generation(ngx_http_notify_redis_t *redis);
/* For health, a phrase owned by the connection: why it is not ready ("" when it
 * is). */
const char *ngx_http_notify_redis_reason(ngx_http_notify_redis_t *redis);
/* of a key in a cluster, by its hash tag */
ngx_uint_t ngx_http_notify_redis_slot(const ngx_str_t *key);
/* commands under way */
ngx_uint_t ngx_http_notify_redis_pending(ngx_http_notify_redis_t *redis);

/*
 * Sends a command, which is the connection's from now on, and the caller's
 * only to cancel it.  While not ready, or while the keys of the command are not
 * open, nothing is queued: the handler is called with NULL in the next turn.
 * Only commands sent before the first attempt to connect has ended wait for its
 * end.  NGX_ERROR: memory is short, or more than 65,536 commands or 64 MB are
 * under way; the command is freed, unless it is kept, and its handler never
 * called.
 */
ngx_int_t ngx_http_notify_redis_send(ngx_http_notify_command_t *command);
/*
 * The handler will not be called; the command itself may still be done.  Not
 * after the handler was called.
 */
void ngx_http_notify_redis_cancel(ngx_http_notify_command_t *command);

/* Closes the connection as if it had been lost and connects anew (READONLY,
 * a blocking read whose answer is overdue). */
void ngx_http_notify_redis_reset(ngx_http_notify_redis_t *redis,
    const char *reason);


#endif /* _NGX_HTTP_NOTIFY_REDIS_H_INCLUDED_ */
