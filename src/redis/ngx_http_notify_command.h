/*
 * A command for Redis, written once, as the bytes that go over the wire:
 *
 *     command = ngx_http_notify_command_start(redis, "HGET", handler, data);
 *     ngx_http_notify_command_key(command, keys, "subs");
 *     ngx_http_notify_command_arg(command, &id);
 *
 *     return ngx_http_notify_redis_send(command);
 *
 * An error is remembered: only the send has to be checked.
 */

#ifndef _NGX_HTTP_NOTIFY_COMMAND_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_COMMAND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_redis.h"


/* strings of a command, and those that a call of a script begins with */
#define NGX_HTTP_NOTIFY_COMMAND_STRINGS  (64 * 1024)
#define NGX_HTTP_NOTIFY_COMMAND_HEAD     3


/* a Lua script, called by its digest */
typedef struct {
    const char  *name;
    ngx_str_t    text;
    u_char       sha1[40];      /* in hex */
} ngx_http_notify_script_t;


/*
 * NULL when memory is short, which the functions below and the send accept.
 * The name is the command's: "GET".  The handler is called as redis.h says.
 */
ngx_http_notify_command_t *ngx_http_notify_command_start(
    ngx_http_notify_redis_t *redis, const char *name,
    ngx_http_notify_redis_handler_pt handler, void *data);
/*
 * The same for EVALSHA, and for EVAL when Redis answers NOSCRIPT.  Keys and
 * arguments may be added in any order; those of each kind keep theirs.
 */
ngx_http_notify_command_t *ngx_http_notify_command_script(
    ngx_http_notify_redis_t *redis,
    const ngx_http_notify_script_t *script,
    ngx_http_notify_redis_handler_pt handler, void *data);
/* of one that is not under way; NULL: nothing is done */
void ngx_http_notify_command_free(ngx_http_notify_command_t *command);

/*
 * Changes a reply before its handler sees it, see resp.h; anything but NGX_OK:
 * the handler is called as without an answer.
 */
typedef ngx_int_t (*ngx_http_notify_command_filter_pt)(
    ngx_http_notify_resp_t *resp);

void ngx_http_notify_command_filter(ngx_http_notify_command_t *command,
    ngx_http_notify_command_filter_pt filter);

/* 0: the connection's own; NGX_TIMER_INFINITE: none */
void ngx_http_notify_command_timeout(ngx_http_notify_command_t *command,
    ngx_msec_t timeout);

/* prefix + kind, or prefix + kind + ":" + name, or + the shard's number */
void ngx_http_notify_command_key(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *kind);
void ngx_http_notify_command_key_of(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *kind,
    const ngx_str_t *name);
void ngx_http_notify_command_key_shard(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const char *kind, ngx_uint_t shard);
/* a whole key */
void ngx_http_notify_command_key_text(ngx_http_notify_command_t *command,
    const ngx_str_t *key);

void ngx_http_notify_command_arg(ngx_http_notify_command_t *command,
    const ngx_str_t *arg);
void ngx_http_notify_command_text(ngx_http_notify_command_t *command,
    const char *text);
void ngx_http_notify_command_number(ngx_http_notify_command_t *command,
    uint64_t n);
/* NULL: an empty one */
void ngx_http_notify_command_id(ngx_http_notify_command_t *command,
    const ngx_http_notify_id_t *id);
void ngx_cdecl ngx_http_notify_command_printf(
    ngx_http_notify_command_t *command, const char *fmt, ...);

/* the send will fail, and whether it would */
void ngx_http_notify_command_fail(ngx_http_notify_command_t *command);
ngx_uint_t ngx_http_notify_command_failed(
    ngx_http_notify_command_t *command);

/* so far: bytes, arguments, and keys and arguments */
size_t ngx_http_notify_command_size(ngx_http_notify_command_t *command);
ngx_uint_t ngx_http_notify_command_args(ngx_http_notify_command_t *command);
ngx_uint_t ngx_http_notify_command_strings(ngx_http_notify_command_t *command);

/*
 * After a failed send, or in its handler, the command is the caller's again:
 * to send it once more, or to free it.  One that is under way when its
 * connection is destroyed is freed with that.
 */
void ngx_http_notify_command_keep(ngx_http_notify_command_t *command);
/* overwrites an argument of a script, which may be sent already */
void ngx_http_notify_command_void(ngx_http_notify_command_t *command,
    ngx_uint_t n);


#endif /* _NGX_HTTP_NOTIFY_COMMAND_H_INCLUDED_ */
