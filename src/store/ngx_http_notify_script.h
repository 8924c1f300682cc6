/*
 * The Lua scripts: embedded files.
 * https://redis.io/docs/latest/develop/programmability/eval-intro/
 */

#ifndef _NGX_HTTP_NOTIFY_SCRIPT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SCRIPT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_command.h"


/* one for each file of src/store/lua, made a C string by `config` */
extern ngx_http_notify_script_t  ngx_http_notify_script_publish;
extern ngx_http_notify_script_t  ngx_http_notify_script_subscribe;
extern ngx_http_notify_script_t  ngx_http_notify_script_unsubscribe;
extern ngx_http_notify_script_t  ngx_http_notify_script_subscriptions_get;
extern ngx_http_notify_script_t  ngx_http_notify_script_subscriptions_list;
extern ngx_http_notify_script_t  ngx_http_notify_script_calls;
extern ngx_http_notify_script_t  ngx_http_notify_script_lease;
extern ngx_http_notify_script_t  ngx_http_notify_script_commit;
extern ngx_http_notify_script_t  ngx_http_notify_script_due;
extern ngx_http_notify_script_t  ngx_http_notify_script_replay;
extern ngx_http_notify_script_t  ngx_http_notify_script_deliveries;
extern ngx_http_notify_script_t  ngx_http_notify_script_redeliver;
extern ngx_http_notify_script_t  ngx_http_notify_script_settings;
extern ngx_http_notify_script_t  ngx_http_notify_script_session;
extern ngx_http_notify_script_t  ngx_http_notify_script_hold;
extern ngx_http_notify_script_t  ngx_http_notify_script_presence;
extern ngx_http_notify_script_t  ngx_http_notify_script_trim;
extern ngx_http_notify_script_t  ngx_http_notify_script_missed;
extern ngx_http_notify_script_t  ngx_http_notify_script_consumer;
extern ngx_http_notify_script_t  ngx_http_notify_script_node;
extern ngx_http_notify_script_t  ngx_http_notify_script_once;
extern ngx_http_notify_script_t  ngx_http_notify_script_log_state;
extern ngx_http_notify_script_t  ngx_http_notify_script_known;
extern ngx_http_notify_script_t  ngx_http_notify_script_range;
extern ngx_http_notify_script_t  ngx_http_notify_script_entries;
extern ngx_http_notify_script_t  ngx_http_notify_script_pack;
extern ngx_http_notify_script_t  ngx_http_notify_script_latest;
extern ngx_http_notify_script_t  ngx_http_notify_script_erase;
extern ngx_http_notify_script_t  ngx_http_notify_script_waiting;
extern ngx_http_notify_script_t  ngx_http_notify_script_confirm;
extern ngx_http_notify_script_t  ngx_http_notify_script_health;


/* once, before the workers start */
ngx_int_t ngx_http_notify_script_init(ngx_conf_t *cf);

/*
 * What a reply says of a write.  NGX_OK: it is no error; NGX_DECLINED: Redis
 * is out of memory, nothing was done; NGX_ERROR: no answer, or Redis refuses.
 * Logs an error reply as "notify <who>: ...", at most once a minute while it
 * stays the same, and has a connection to a replica replaced.
 */
ngx_int_t ngx_http_notify_script_verdict(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_resp_t *resp, const char *who);

/* whether the reply is an array that begins with the word, as ours do */
ngx_uint_t ngx_http_notify_script_says(const ngx_http_notify_resp_t *resp,
    const char *word);


#endif /* _NGX_HTTP_NOTIFY_SCRIPT_H_INCLUDED_ */
