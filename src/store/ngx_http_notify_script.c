/*
 * Calling the embedded Lua scripts.  A call keeps its arguments until Redis
 * has answered, because Redis may have forgotten the script in the meantime.
 * Must not know what any script does.
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


/* keys and arguments are in RESP, behind the structure or the caller's */
typedef struct {
    ngx_queue_t                        queue;
    ngx_http_notify_redis_t           *redis;
    ngx_http_notify_script_t          *script;
    ngx_http_notify_redis_handler_pt   handler;
    void                              *data;
    ngx_uint_t                         nkeys;
    ngx_uint_t                         nargs;
    ngx_str_t                          keys;
    ngx_str_t                          args;
} ngx_http_notify_script_call_t;


/* an error that was logged lately by this worker */
typedef struct {
    uint32_t   hash;
    time_t     time;
} ngx_http_notify_script_said_t;


static size_t ngx_http_notify_script_size(const ngx_str_t *strings,
    ngx_uint_t n);
static u_char *ngx_http_notify_script_fill(ngx_str_t *text, u_char *p,
    const ngx_str_t *strings, ngx_uint_t n);
static ngx_int_t ngx_http_notify_script_start(
    ngx_http_notify_script_call_t *call, ngx_http_notify_redis_t *redis,
    ngx_http_notify_script_t *script,
    ngx_http_notify_redis_handler_pt handler, void *data);
static ngx_int_t ngx_http_notify_script_submit(
    ngx_http_notify_script_call_t *call, const char *command,
    const ngx_str_t *script);
static void ngx_http_notify_script_answer(ngx_http_notify_resp_t *resp,
    void *data);
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
ngx_http_notify_script(range);
ngx_http_notify_script(health);


static ngx_http_notify_script_t  *ngx_http_notify_scripts[] = {
    &ngx_http_notify_script_publish,
    &ngx_http_notify_script_subscribe,
    &ngx_http_notify_script_unsubscribe,
    &ngx_http_notify_script_subscriptions_get,
    &ngx_http_notify_script_subscriptions_list,
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
    &ngx_http_notify_script_range,
    &ngx_http_notify_script_health,
    NULL
};

static ngx_http_notify_script_said_t
    ngx_http_notify_script_said[NGX_HTTP_NOTIFY_SCRIPT_SAID];

/* of this worker, not answered yet */
static ngx_queue_t  ngx_http_notify_script_calls = {
    &ngx_http_notify_script_calls, &ngx_http_notify_script_calls
};


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
ngx_http_notify_script_call(ngx_http_notify_redis_t *redis,
    ngx_http_notify_script_t *script, const ngx_str_t *keys, ngx_uint_t nkeys,
    const ngx_str_t *args, ngx_uint_t nargs,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    u_char                         *p;
    ngx_http_notify_script_call_t  *call;

    call = ngx_alloc(sizeof(ngx_http_notify_script_call_t)
                     + ngx_http_notify_script_size(keys, nkeys)
                     + ngx_http_notify_script_size(args, nargs),
                     ngx_cycle->log);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->nkeys = nkeys;
    call->nargs = nargs;

    p = (u_char *) &call[1];
    p = ngx_http_notify_script_fill(&call->keys, p, keys, nkeys);
    (void) ngx_http_notify_script_fill(&call->args, p, args, nargs);

    return ngx_http_notify_script_start(call, redis, script, handler, data);
}


ngx_int_t
ngx_http_notify_script_send(ngx_http_notify_redis_t *redis,
    ngx_http_notify_script_t *script, const ngx_str_t *keys, ngx_uint_t nkeys,
    const ngx_str_t *args, ngx_uint_t nargs,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_script_call_t  *call;

    call = ngx_alloc(sizeof(ngx_http_notify_script_call_t), ngx_cycle->log);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->nkeys = nkeys;
    call->nargs = nargs;
    call->keys = *keys;
    call->args = *args;

    return ngx_http_notify_script_start(call, redis, script, handler, data);
}


void
ngx_http_notify_script_exit_process(void)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&ngx_http_notify_script_calls)) {
        q = ngx_queue_head(&ngx_http_notify_script_calls);
        ngx_queue_remove(q);

        ngx_free(ngx_queue_data(q, ngx_http_notify_script_call_t, queue));
    }
}


static size_t
ngx_http_notify_script_size(const ngx_str_t *strings, ngx_uint_t n)
{
    size_t      size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < n; i++) {
        size += ngx_http_notify_resp_string_size(strings[i].len);
    }

    return size;
}


static u_char *
ngx_http_notify_script_fill(ngx_str_t *text, u_char *p,
    const ngx_str_t *strings, ngx_uint_t n)
{
    ngx_uint_t  i;

    text->data = p;

    for (i = 0; i < n; i++) {
        p = ngx_http_notify_resp_string(p, &strings[i]);
    }

    text->len = p - text->data;

    return p;
}


/* a call that cannot start is freed */

static ngx_int_t
ngx_http_notify_script_start(ngx_http_notify_script_call_t *call,
    ngx_http_notify_redis_t *redis, ngx_http_notify_script_t *script,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_str_t  sha1;

    call->redis = redis;
    call->script = script;
    call->handler = handler;
    call->data = data;

    sha1.data = script->sha1;
    sha1.len = sizeof(script->sha1);

    if (ngx_http_notify_script_submit(call, "EVALSHA", &sha1) != NGX_OK) {
        ngx_free(call);
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_http_notify_script_calls, &call->queue);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_script_submit(ngx_http_notify_script_call_t *call,
    const char *command, const ngx_str_t *script)
{
    u_char      *p;
    ngx_str_t    name, n, pieces[5];
    ngx_uint_t   argc;
    u_char       head[4 * NGX_HTTP_NOTIFY_RESP_LINE];
    u_char       behind[4 * NGX_HTTP_NOTIFY_RESP_LINE];
    u_char       number[NGX_INT_T_LEN];

    argc = 3 + call->nkeys + call->nargs;

    if (argc > NGX_HTTP_NOTIFY_RESP_MAX_ARGC) {
        return NGX_ERROR;
    }

    name.data = (u_char *) command;
    name.len = ngx_strlen(command);

    p = ngx_http_notify_resp_head(head, argc);
    p = ngx_http_notify_resp_string(p, &name);
    p = ngx_http_notify_resp_length(p, script->len);

    pieces[0].data = head;
    pieces[0].len = p - head;

    pieces[1] = *script;

    n.data = number;
    n.len = ngx_sprintf(number, "%ui", call->nkeys) - number;

    p = behind;
    *p++ = CR;
    *p++ = LF;
    p = ngx_http_notify_resp_string(p, &n);

    pieces[2].data = behind;
    pieces[2].len = p - behind;

    pieces[3] = call->keys;
    pieces[4] = call->args;

    return ngx_http_notify_redis_send(call->redis, pieces, 5, 0,
                                      ngx_http_notify_script_answer, call)
           ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_notify_script_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_script_call_t *call = data;

    /* EVAL never answers so: this happens once */

    if (resp && ngx_http_notify_resp_is_error(resp, "NOSCRIPT")) {

        if (ngx_http_notify_script_submit(call, "EVAL", &call->script->text)
            == NGX_OK)
        {
            return;
        }

        resp = NULL;
    }

    ngx_queue_remove(&call->queue);

    call->handler(resp, call->data);

    ngx_free(call);
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
