/*
 * Device sessions in Redis: one hash each, with a time to live, shared by all
 * nginx.  Knows nothing of connections.
 */

#ifndef _NGX_HTTP_NOTIFY_SESSIONS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SESSIONS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_keys.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_script.h"


#define NGX_HTTP_NOTIFY_SESSIONS_ID  256    /* bytes of an id */


/* "session:<digest of tenant and id>"; data NULL: memory, or no digest */
ngx_str_t ngx_http_notify_sessions_key(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id);
/* the same key, added to a command */
void ngx_http_notify_sessions_add_key(ngx_http_notify_command_t *command,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id);

/*
 * The script session.lua with its arguments, the verb first; max: sessions that
 * the tenant may have.  The handler gets its reply; NGX_ERROR: it is never
 * called.
 */
ngx_int_t ngx_http_notify_sessions_call(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_uint_t max, const ngx_str_t *args,
    ngx_uint_t nargs, ngx_http_notify_redis_handler_pt handler, void *data);

/*
 * The same with "put" or "join", for a session that is a provider's: it is
 * bound to the provider's subscription, which is made if there is none.  That
 * is the argument `at`.
 */
ngx_int_t ngx_http_notify_sessions_bind(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, ngx_uint_t max, const ngx_str_t *subscription,
    ngx_uint_t at, const ngx_str_t *provider, const ngx_str_t *args,
    ngx_uint_t nargs, ngx_http_notify_redis_handler_pt handler, void *data);

/* keeps `node` with the session, if it is there still; nobody waits for it */
ngx_int_t ngx_http_notify_sessions_node(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_str_t *node);

/* ends a session, if what it keeps under that name is that value still; nobody
 * waits for it */
ngx_int_t ngx_http_notify_sessions_end(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_keyval_t *kept);

/*
 * The values that an event's session keeps, from an entry of the answer of
 * presence.lua: event->kept.  NGX_ERROR: memory, or not such an entry.
 */
ngx_int_t ngx_http_notify_sessions_keep(ngx_http_notify_event_t *event,
    const ngx_http_notify_resp_t *entry, ngx_log_t *log);


#endif /* _NGX_HTTP_NOTIFY_SESSIONS_H_INCLUDED_ */
