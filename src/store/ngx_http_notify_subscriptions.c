/*
 * Subscriptions in Redis: writing, deleting and reading them.  The state of a
 * call lives until Redis has answered.  Must not look into a document, nor
 * judge what a client sends.
 */

#include "ngx_http_notify_script.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_subscriptions.h"


/* how often an endpoint is asked again, see confirm.lua */
#define NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ASKED  3


/* a script under way */
typedef struct {
    ngx_http_notify_redis_t           *redis;
    ngx_http_notify_subscriptions_pt   handler;
    void                              *data;
    ngx_str_t                          id;
} ngx_http_notify_subscriptions_op_t;


/* a list under way: first the ids, then what belongs to them */
typedef struct {
    ngx_http_notify_redis_t           *redis;
    ngx_http_notify_keys_t             keys;
    ngx_http_notify_redis_handler_pt   handler;
    void                              *data;
} ngx_http_notify_subscriptions_page_t;


static void ngx_http_notify_subscriptions_ask(
    ngx_http_notify_command_t *command,
    const ngx_http_notify_subscriptions_write_t *write);
static ngx_int_t ngx_http_notify_subscriptions_send(
    ngx_http_notify_command_t *command,
    ngx_http_notify_subscriptions_op_t *op);
static ngx_http_notify_subscriptions_op_t *ngx_http_notify_subscriptions_op(
    ngx_http_notify_redis_t *redis, const ngx_str_t *id,
    ngx_http_notify_subscriptions_pt handler, void *data);
static ngx_http_notify_redis_handler_t  ngx_http_notify_subscriptions_answer;
static ngx_http_notify_subscriptions_status_e
    ngx_http_notify_subscriptions_result(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_resp_t *resp,
    ngx_http_notify_subscriptions_result_t *result);
static ngx_http_notify_redis_handler_t  ngx_http_notify_subscriptions_page;
static ngx_int_t ngx_http_notify_subscriptions_page_read(
    ngx_http_notify_subscriptions_page_t *page,
    const ngx_http_notify_resp_t *resp);


ngx_int_t
ngx_http_notify_subscriptions_write(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_subscriptions_write_t *write,
    ngx_http_notify_subscriptions_pt handler, void *data)
{
    ngx_str_t                            text;
    ngx_uint_t                           shard;
    ngx_pool_t                          *pool;
    ngx_http_notify_command_t           *command;
    ngx_http_notify_subscriptions_op_t  *op;

    op = ngx_http_notify_subscriptions_op(redis, &write->id, handler, data);
    if (op == NULL) {
        return NGX_ERROR;
    }

    shard = ngx_http_notify_keys_shard_of(&write->id);

    command = ngx_http_notify_command_script(redis,
                                         &ngx_http_notify_script_subscribe,
                                         ngx_http_notify_subscriptions_answer,
                                         op);

    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key(command, keys, "subs:log");
    ngx_http_notify_command_key(command, keys, "subs:ver");
    ngx_http_notify_command_key_of(command, keys, "subs:of", &write->tenant);
    ngx_http_notify_command_key_shard(command, keys, "cursor", shard);
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key_of(command, keys, "gap", &write->id);
    ngx_http_notify_command_key_shard(command, keys, "pos", shard);
    ngx_http_notify_command_key(command, keys, "sync");
    ngx_http_notify_command_key(command, keys, "sync:of");
    ngx_http_notify_command_key_of(command, keys, "uids", &write->tenant);
    ngx_http_notify_command_key(command, keys, "uid:of");
    ngx_http_notify_command_key(command, keys, "confirm");

    ngx_http_notify_command_arg(command, &write->id);

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);

    if (pool
        && ngx_http_notify_seal_document(pool, keys, write->document, &text)
           == NGX_OK)
    {
        ngx_http_notify_command_arg(command, &text);

    } else {
        ngx_http_notify_command_fail(command);
    }

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_http_notify_command_number(command, write->expected);
    ngx_http_notify_command_number(command, write->max);
    ngx_http_notify_command_text(command, write->follows ? "1" : "0");
    ngx_http_notify_command_text(command, write->followed ? "1" : "0");

    /*
     * Neither an event nor a JSON text can be mistaken for a part of the
     * tenant, whatever characters that has.
     */

    if (write->sync.len) {
        ngx_http_notify_command_printf(command, "%V:%V", &write->tenant,
                                       &write->sync);
    } else {
        ngx_http_notify_command_text(command, "");
    }

    ngx_http_notify_command_arg(command, &write->former);
    ngx_http_notify_command_text(command, write->moved ? "1" : "0");
    ngx_http_notify_command_arg(command, &write->uid);

    ngx_http_notify_subscriptions_ask(command, write);

    return ngx_http_notify_subscriptions_send(command, op);
}


static void
ngx_http_notify_subscriptions_ask(ngx_http_notify_command_t *command,
    const ngx_http_notify_subscriptions_write_t *write)
{
    if (!ngx_http_notify_subscriptions_unconfirmed(write->document)) {
        ngx_http_notify_command_text(command, "0");

    } else if (write->ask) {
        ngx_http_notify_command_number(command, write->ask);

    } else {
        ngx_http_notify_command_text(command, "");
    }
}


ngx_int_t
ngx_http_notify_subscriptions_delete(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, uint64_t expected,
    ngx_http_notify_subscriptions_pt handler, void *data)
{
    ngx_uint_t                           shard;
    ngx_http_notify_command_t           *command;
    ngx_http_notify_subscriptions_op_t  *op;

    op = ngx_http_notify_subscriptions_op(redis, id, handler, data);
    if (op == NULL) {
        return NGX_ERROR;
    }

    shard = ngx_http_notify_keys_shard_of(id);

    command = ngx_http_notify_command_script(redis,
                                         &ngx_http_notify_script_unsubscribe,
                                         ngx_http_notify_subscriptions_answer,
                                         op);

    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key(command, keys, "subs:log");
    ngx_http_notify_command_key(command, keys, "subs:ver");
    ngx_http_notify_command_key_of(command, keys, "subs:of", tenant);
    ngx_http_notify_command_key_shard(command, keys, "cursor", shard);
    ngx_http_notify_command_key_shard(command, keys, "due", shard);
    ngx_http_notify_command_key(command, keys, "sync");
    ngx_http_notify_command_key(command, keys, "sync:of");
    ngx_http_notify_command_key_shard(command, keys, "attempted", shard);
    ngx_http_notify_command_key_of(command, keys, "uids", tenant);
    ngx_http_notify_command_key(command, keys, "uid:of");
    ngx_http_notify_command_key(command, keys, "confirm");
    ngx_http_notify_command_key_of(command, keys, "retry", id);
    ngx_http_notify_command_key_of(command, keys, "tries", id);
    ngx_http_notify_command_key_of(command, keys, "dead", id);
    ngx_http_notify_command_key_of(command, keys, "gap", id);
    ngx_http_notify_command_key_of(command, keys, "replay", id);
    ngx_http_notify_command_key_of(command, keys, "attempts", id);
    ngx_http_notify_command_key_of(command, keys, "state", id);
    ngx_http_notify_command_key_of(command, keys, "stats", id);

    ngx_http_notify_command_arg(command, id);
    ngx_http_notify_command_number(command, expected);

    return ngx_http_notify_subscriptions_send(command, op);
}


ngx_int_t
ngx_http_notify_subscriptions_get(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *id,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_uint_t                  shard;
    ngx_http_notify_command_t  *command;

    shard = ngx_http_notify_keys_shard_of(id);

    command = ngx_http_notify_command_script(redis,
                                    &ngx_http_notify_script_subscriptions_get,
                                    handler, data);

    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key_shard(command, keys, "cursor", shard);
    ngx_http_notify_command_key_shard(command, keys, "pos", shard);
    ngx_http_notify_command_arg(command, id);

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_subscriptions_unasked(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(redis,
                                             &ngx_http_notify_script_confirm,
                                             handler, data);

    ngx_http_notify_command_key(command, keys, "confirm");
    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_number(command,
                                   NGX_HTTP_NOTIFY_SUBSCRIPTIONS_UNASKED);

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_subscriptions_answered(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *id)
{
    ngx_uint_t                  n;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(redis, "ZREM", NULL, NULL);

    ngx_http_notify_command_key(command, keys, "confirm");

    for (n = 1; n <= NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ASKED; n++) {
        ngx_http_notify_command_printf(command, "%V %ui", id, n);
    }

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_subscriptions_named(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *uid, ngx_http_notify_redis_handler_pt handler,
    void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(redis, "HGET", handler, data);

    ngx_http_notify_command_key_of(command, keys, "uids", tenant);
    ngx_http_notify_command_arg(command, uid);

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_subscriptions_list(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *after, ngx_uint_t limit,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t             *command;
    ngx_http_notify_subscriptions_page_t  *page;

    page = ngx_alloc(sizeof(ngx_http_notify_subscriptions_page_t),
                     ngx_cycle->log);
    if (page == NULL) {
        return NGX_ERROR;
    }

    page->redis = redis;
    page->keys = *keys;
    page->handler = handler;
    page->data = data;

    command = ngx_http_notify_command_start(redis, "ZRANGEBYSCORE",
                                           ngx_http_notify_subscriptions_page,
                                           page);

    ngx_http_notify_command_key_of(command, keys, "subs:of", tenant);

    if (after->len) {
        ngx_http_notify_command_printf(command, "(%V", after);

    } else {
        ngx_http_notify_command_text(command, "0");
    }

    ngx_http_notify_command_text(command, "+inf");
    ngx_http_notify_command_text(command, "WITHSCORES");
    ngx_http_notify_command_text(command, "LIMIT");
    ngx_http_notify_command_text(command, "0");
    ngx_http_notify_command_number(command, limit);

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_free(page);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_notify_subscriptions_page(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_subscriptions_page_t *page = data;

    if (resp
        && resp->type == NGX_HTTP_NOTIFY_RESP_ARRAY
        && resp->nelts >= 2)
    {
        if (ngx_http_notify_subscriptions_page_read(page, resp) != NGX_OK) {
            page->handler(NULL, page->data);
        }

    } else {
        /* no answer, an error, or an empty page */

        page->handler(resp, page->data);
    }

    ngx_free(page);
}


static ngx_int_t
ngx_http_notify_subscriptions_page_read(
    ngx_http_notify_subscriptions_page_t *page,
    const ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                  i, n;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(page->redis,
                                   &ngx_http_notify_script_subscriptions_list,
                                   page->handler, page->data);

    ngx_http_notify_command_key(command, &page->keys, "subs");

    /* ids, each with its score */

    n = resp->nelts - resp->nelts % 2;

    for (i = 0; i < n; i += 2) {
        ngx_http_notify_command_key_shard(command, &page->keys, "cursor",
                         ngx_http_notify_keys_shard_of(&resp->elts[i]->str));
    }

    for (i = 0; i < n; i++) {
        ngx_http_notify_command_arg(command, &resp->elts[i]->str);
    }

    return ngx_http_notify_redis_send(command);
}


/* frees the operation when the command cannot be sent */

static ngx_int_t
ngx_http_notify_subscriptions_send(ngx_http_notify_command_t *command,
    ngx_http_notify_subscriptions_op_t *op)
{
    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_free(op);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_http_notify_subscriptions_op_t *
ngx_http_notify_subscriptions_op(ngx_http_notify_redis_t *redis,
    const ngx_str_t *id, ngx_http_notify_subscriptions_pt handler, void *data)
{
    ngx_http_notify_subscriptions_op_t  *op;

    op = ngx_alloc(sizeof(ngx_http_notify_subscriptions_op_t) + id->len,
                   ngx_cycle->log);
    if (op == NULL) {
        return NULL;
    }

    op->redis = redis;
    op->handler = handler;
    op->data = data;
    op->id.len = id->len;
    op->id.data = (u_char *) &op[1];
    ngx_memcpy(op->id.data, id->data, id->len);

    return op;
}


static void
ngx_http_notify_subscriptions_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_subscriptions_op_t *op = data;

    ngx_http_notify_subscriptions_result_t  result;

    ngx_memzero(&result, sizeof(ngx_http_notify_subscriptions_result_t));

    result.id = op->id;
    result.status = ngx_http_notify_subscriptions_result(op->redis, resp,
                                                         &result);
    op->handler(&result, op->data);

    ngx_free(op);
}


static ngx_http_notify_subscriptions_status_e
ngx_http_notify_subscriptions_result(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_resp_t *resp,
    ngx_http_notify_subscriptions_result_t *result)
{
    off_t                    version;
    ngx_int_t                rc;
    ngx_http_notify_resp_t  *value, *sync;

    rc = ngx_http_notify_script_verdict(redis, resp, "subscriptions");

    if (rc == NGX_DECLINED) {
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_FULL;
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_UNAVAILABLE;
    }

    value = ngx_http_notify_resp_at(resp, 1);

    if (ngx_http_notify_script_says(resp, "ok") && value) {
        version = ngx_atoof(value->str.data, value->str.len);

        if (version != NGX_ERROR) {
            sync = ngx_http_notify_resp_at(resp, 2);

            result->version = version;
            result->sync = (sync && sync->integer);
            return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_OK;
        }
    }

    if (ngx_http_notify_script_says(resp, "taken") && value) {
        result->other = value->str;
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_TAKEN;
    }

    if (ngx_http_notify_script_says(resp, "uid") && value) {
        result->other = value->str;
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NAMED;
    }

    if (ngx_http_notify_script_says(resp, "not_found")) {
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_NOT_FOUND;
    }

    if (ngx_http_notify_script_says(resp, "changed")) {
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANGED;
    }

    if (ngx_http_notify_script_says(resp, "limit")) {
        return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_LIMIT;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify subscriptions: unexpected answer to a script");

    return NGX_HTTP_NOTIFY_SUBSCRIPTIONS_UNAVAILABLE;
}
