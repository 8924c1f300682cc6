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


#define NGX_HTTP_NOTIFY_SCRIPT_QUIET  60    /* seconds */
#define NGX_HTTP_NOTIFY_SCRIPT_SAID   16
#define NGX_HTTP_NOTIFY_SCRIPT_TEXT   128


/* one allocation: the structure, its argv, the bytes of the arguments */
typedef struct {
    ngx_queue_t                        queue;
    ngx_http_notify_redis_t           *redis;
    ngx_http_notify_script_t          *script;
    ngx_http_notify_redis_handler_pt   handler;
    void                              *data;
    ngx_uint_t                         argc;
    ngx_str_t                          argv[1];
} ngx_http_notify_script_call_t;


/* an error that was logged lately by this worker */
typedef struct {
    uint32_t   hash;
    time_t     time;
} ngx_http_notify_script_said_t;


static void ngx_http_notify_script_fill(ngx_http_notify_script_call_t *call,
    const ngx_str_t *keys, ngx_uint_t nkeys, const ngx_str_t *args,
    ngx_uint_t nargs);
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
    NULL
};

static ngx_str_t  ngx_http_notify_script_evalsha = ngx_string("EVALSHA");
static ngx_str_t  ngx_http_notify_script_eval = ngx_string("EVAL");

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
    size_t                          size;
    ngx_uint_t                      i, argc;
    ngx_http_notify_script_call_t  *call;

    argc = 3 + nkeys + nargs;

    size = offsetof(ngx_http_notify_script_call_t, argv)
           + argc * sizeof(ngx_str_t) + NGX_INT_T_LEN;

    for (i = 0; i < nkeys; i++) {
        size += keys[i].len;
    }

    for (i = 0; i < nargs; i++) {
        size += args[i].len;
    }

    call = ngx_alloc(size, ngx_cycle->log);
    if (call == NULL) {
        return NGX_ERROR;
    }

    call->redis = redis;
    call->script = script;
    call->handler = handler;
    call->data = data;
    call->argc = argc;

    ngx_http_notify_script_fill(call, keys, nkeys, args, nargs);

    if (ngx_http_notify_redis_submit(redis, call->argv, argc, 0,
                                     ngx_http_notify_script_answer, call)
        == NULL)
    {
        ngx_free(call);
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_http_notify_script_calls, &call->queue);

    return NGX_OK;
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


static void
ngx_http_notify_script_fill(ngx_http_notify_script_call_t *call,
    const ngx_str_t *keys, ngx_uint_t nkeys, const ngx_str_t *args,
    ngx_uint_t nargs)
{
    u_char           *p;
    ngx_str_t        *arg;
    ngx_uint_t        i;
    const ngx_str_t  *from;

    arg = call->argv;
    p = (u_char *) &arg[call->argc];

    arg[0] = ngx_http_notify_script_evalsha;
    arg[1].data = call->script->sha1;
    arg[1].len = sizeof(call->script->sha1);
    arg[2].data = p;
    p = ngx_sprintf(p, "%ui", nkeys);
    arg[2].len = p - arg[2].data;

    arg += 3;

    for (i = 0; i < nkeys + nargs; i++) {
        from = (i < nkeys) ? &keys[i] : &args[i - nkeys];

        arg[i].len = from->len;
        arg[i].data = p;

        /* an absent one has no data */

        if (from->len) {
            p = ngx_cpymem(p, from->data, from->len);
        }
    }
}


static void
ngx_http_notify_script_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_script_call_t *call = data;

    /* EVAL never answers so: this happens once */

    if (resp && ngx_http_notify_resp_is_error(resp, "NOSCRIPT")) {
        call->argv[0] = ngx_http_notify_script_eval;
        call->argv[1] = call->script->text;

        if (ngx_http_notify_redis_submit(call->redis, call->argv, call->argc,
                                         0, ngx_http_notify_script_answer,
                                         call)
            != NULL)
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
           && first->str.len == ngx_strlen(word)
           && ngx_strncmp(first->str.data, word, first->str.len) == 0;
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
                  "notify %s: Redis refused: \"%*s\"", who, len, text->data);
}
