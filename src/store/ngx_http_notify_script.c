/*
 * The embedded Lua scripts: their texts and digests, and what a reply says.
 * Does not know what any script does.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_scripts.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SCRIPT_QUIET  60    /* seconds */
#define NGX_HTTP_NOTIFY_SCRIPT_SAID   16
#define NGX_HTTP_NOTIFY_SCRIPT_TEXT   128


/* an error that was logged lately by this worker */
typedef struct {
    uint32_t   hash;
    time_t     time;
} ngx_http_notify_script_said_t;


static void ngx_http_notify_script_say(const ngx_str_t *text, const char *who);


#define ngx_http_notify_script(name)                                          \
    ngx_http_notify_script_t  ngx_http_notify_script_##name = {               \
        #name, ngx_string(ngx_http_notify_lua_##name), { 0 }                  \
    }

ngx_http_notify_script(publish);
ngx_http_notify_script(subscribe);
ngx_http_notify_script(unsubscribe);
ngx_http_notify_script(subscriptions_get);
ngx_http_notify_script(subscriptions_list);
ngx_http_notify_script(calls);
ngx_http_notify_script(lease);
ngx_http_notify_script(commit);
ngx_http_notify_script(due);
ngx_http_notify_script(replay);
ngx_http_notify_script(deliveries);
ngx_http_notify_script(redeliver);
ngx_http_notify_script(settings);
ngx_http_notify_script(session);
ngx_http_notify_script(hold);
ngx_http_notify_script(presence);
ngx_http_notify_script(trim);
ngx_http_notify_script(missed);
ngx_http_notify_script(consumer);
ngx_http_notify_script(node);
ngx_http_notify_script(once);
ngx_http_notify_script(log_state);
ngx_http_notify_script(known);
ngx_http_notify_script(range);
ngx_http_notify_script(entries);
ngx_http_notify_script(pack);
ngx_http_notify_script(latest);
ngx_http_notify_script(erase);
ngx_http_notify_script(waiting);
ngx_http_notify_script(confirm);
ngx_http_notify_script(health);


static ngx_http_notify_script_t  *ngx_http_notify_scripts[] = {
    &ngx_http_notify_script_publish,
    &ngx_http_notify_script_subscribe,
    &ngx_http_notify_script_unsubscribe,
    &ngx_http_notify_script_subscriptions_get,
    &ngx_http_notify_script_subscriptions_list,
    &ngx_http_notify_script_calls,
    &ngx_http_notify_script_lease,
    &ngx_http_notify_script_commit,
    &ngx_http_notify_script_due,
    &ngx_http_notify_script_replay,
    &ngx_http_notify_script_deliveries,
    &ngx_http_notify_script_redeliver,
    &ngx_http_notify_script_settings,
    &ngx_http_notify_script_session,
    &ngx_http_notify_script_hold,
    &ngx_http_notify_script_presence,
    &ngx_http_notify_script_trim,
    &ngx_http_notify_script_missed,
    &ngx_http_notify_script_consumer,
    &ngx_http_notify_script_node,
    &ngx_http_notify_script_once,
    &ngx_http_notify_script_log_state,
    &ngx_http_notify_script_known,
    &ngx_http_notify_script_range,
    &ngx_http_notify_script_entries,
    &ngx_http_notify_script_pack,
    &ngx_http_notify_script_latest,
    &ngx_http_notify_script_erase,
    &ngx_http_notify_script_waiting,
    &ngx_http_notify_script_confirm,
    &ngx_http_notify_script_health,
    NULL
};

static ngx_http_notify_script_said_t
    ngx_http_notify_script_said[NGX_HTTP_NOTIFY_SCRIPT_SAID];


ngx_int_t
ngx_http_notify_script_init(ngx_conf_t *cf)
{
    u_char                     digest[20];
    ngx_sha1_t                 sha1;
    ngx_http_notify_script_t  *script, **scriptp;

    for (scriptp = ngx_http_notify_scripts; *scriptp; scriptp++) {
        script = *scriptp;

        ngx_sha1_init(&sha1);
        ngx_sha1_update(&sha1, script->text.data, script->text.len);
        ngx_sha1_final(digest, &sha1);

        ngx_hex_dump(script->sha1, digest, sizeof(digest));
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_script_verdict(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_resp_t *resp, const char *who)
{
    /* a connection that is away has been logged by its own layer */

    if (resp == NULL) {
        return NGX_ERROR;
    }

    if (resp->type != NGX_HTTP_NOTIFY_RESP_ERROR) {
        return NGX_OK;
    }

    ngx_http_notify_script_say(&resp->str, who);

    if (ngx_http_notify_resp_is_error(resp, "OOM")) {
        return NGX_DECLINED;
    }

    /*
     * MISCONF, LOADING, MASTERDOWN, BUSY, UNKILLABLE, NOREPLICAS, CLUSTERDOWN
     * and what is not known: it may pass, nothing can be done about it here
     */

    if (ngx_http_notify_resp_is_error(resp, "READONLY")
        && ngx_http_notify_redis_ready(redis))
    {
        ngx_http_notify_redis_reset(redis, "it is read-only");
    }

    return NGX_ERROR;
}


ngx_uint_t
ngx_http_notify_script_says(const ngx_http_notify_resp_t *resp,
    const char *word)
{
    ngx_http_notify_resp_t  *first;

    first = ngx_http_notify_resp_at(resp, 0);

    return first
           && first->type == NGX_HTTP_NOTIFY_RESP_STRING
           && ngx_http_notify_text_is(&first->str, word);
}


static void
ngx_http_notify_script_say(const ngx_str_t *text, const char *who)
{
    size_t                          len;
    u_char                         *p;
    uint32_t                        hash;
    ngx_http_notify_script_said_t  *said;

    static u_char  args[] = "args beginning";

    len = ngx_min(text->len, NGX_HTTP_NOTIFY_SCRIPT_TEXT);

    /* of a command that it does not know Redis repeats the arguments */

    p = ngx_strlcasestrn(text->data, text->data + len, args, sizeof(args) - 2);
    if (p) {
        len = p - text->data;
    }

    ngx_crc32_init(hash);
    ngx_crc32_update(&hash, (u_char *) who, ngx_strlen(who));
    ngx_crc32_update(&hash, text->data, len);
    ngx_crc32_final(hash);

    said = &ngx_http_notify_script_said[hash % NGX_HTTP_NOTIFY_SCRIPT_SAID];

    if (said->hash == hash
        && ngx_time() - said->time < NGX_HTTP_NOTIFY_SCRIPT_QUIET)
    {
        return;
    }

    said->hash = hash;
    said->time = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify %s: Redis refused: \"%*s\"%s", who, len, text->data,
                  len > 7 && ngx_strncmp(text->data, "MISCONF", 7) == 0
                  ? ", it cannot save: do not restart it before it can" : "");
}
