/*
 * Subscriptions in Redis: writing, deleting and reading them.  The state of a
 * call lives until Redis has answered, its names only as long as the call.
 * Must not look into a document, nor judge what a client sends.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_seal.h"
#include "ngx_http_notify_subscriptions.h"


#define NGX_HTTP_NOTIFY_SUBSCRIPTIONS_POOL  1024


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


/* a key of a script, and whose it is */
typedef struct {
    const char   *kind;
    enum {
        NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL = 0,
        NGX_HTTP_NOTIFY_SUBSCRIPTIONS_TENANT,
        NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD,
        NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID
    }             of;
} ngx_http_notify_subscriptions_key_t;


static ngx_int_t ngx_http_notify_subscriptions_names(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_http_notify_subscriptions_key_t *key,
    ngx_uint_t n, ngx_str_t *names);
static ngx_int_t ngx_http_notify_subscriptions_claim(ngx_pool_t *pool,
    const ngx_str_t *tenant, const ngx_str_t *sync, ngx_str_t *claim);
static ngx_int_t ngx_http_notify_subscriptions_call(
    ngx_http_notify_redis_t *redis, ngx_http_notify_script_t *script,
    const ngx_str_t *keys, ngx_uint_t nkeys, const ngx_str_t *args,
    ngx_uint_t nargs, ngx_http_notify_subscriptions_pt handler, void *data);
static void ngx_http_notify_subscriptions_answer(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_http_notify_subscriptions_status_e
    ngx_http_notify_subscriptions_result(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_resp_t *resp,
    ngx_http_notify_subscriptions_result_t *result);
static ngx_int_t ngx_http_notify_subscriptions_page_ids(
    ngx_http_notify_subscriptions_page_t *page, ngx_pool_t *pool,
    const ngx_str_t *tenant, const ngx_str_t *after, ngx_uint_t limit);
static void ngx_http_notify_subscriptions_page(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_subscriptions_page_read(
    ngx_http_notify_subscriptions_page_t *page,
    const ngx_http_notify_resp_t *resp);


#define ngx_http_notify_subscriptions_n(a)  (sizeof(a) / sizeof((a)[0]))


static const ngx_http_notify_subscriptions_key_t
    ngx_http_notify_subscriptions_write_keys[] =
{
    { "subs",     NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "subs:log", NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "subs:ver", NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "subs:of",  NGX_HTTP_NOTIFY_SUBSCRIPTIONS_TENANT },
    { "cursor",   NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD },
    { "log",      NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "gap",      NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID },
    { "pos",      NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD },
    { "sync",     NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "sync:of",  NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL }
};

static const ngx_http_notify_subscriptions_key_t
    ngx_http_notify_subscriptions_delete_keys[] =
{
    { "subs",     NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "subs:log", NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "subs:ver", NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "subs:of",  NGX_HTTP_NOTIFY_SUBSCRIPTIONS_TENANT },
    { "cursor",   NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD },
    { "due",      NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD },
    { "sync",     NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "sync:of",  NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "attempted", NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD },
    { "retry",    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID },
    { "tries",    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID },
    { "dead",     NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID },
    { "gap",      NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID },
    { "replay",   NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID },
    { "attempts", NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID },
    { "state",    NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID }
};

static const ngx_http_notify_subscriptions_key_t
    ngx_http_notify_subscriptions_get_keys[] =
{
    { "subs",     NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL },
    { "cursor",   NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD },
    { "pos",      NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD }
};


ngx_int_t
ngx_http_notify_subscriptions_write(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    const ngx_http_notify_subscriptions_write_t *write,
    ngx_http_notify_subscriptions_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_str_t    args[9];
    ngx_pool_t  *pool;

    ngx_str_t  names[ngx_http_notify_subscriptions_n(
                         ngx_http_notify_subscriptions_write_keys)];
    u_char     expected[NGX_INT64_LEN];
    u_char     max[NGX_INT_T_LEN];

    pool = ngx_create_pool(NGX_HTTP_NOTIFY_SUBSCRIPTIONS_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    args[0] = write->id;

    rc = ngx_http_notify_seal_document(pool, keys, write->document, &args[1]);
    if (rc != NGX_OK) {
        goto done;
    }

    args[2].data = expected;
    args[2].len = ngx_sprintf(expected, "%uL", write->expected) - expected;

    args[3].data = max;
    args[3].len = ngx_sprintf(max, "%ui", write->max) - max;

    args[4].len = 1;
    args[4].data = (u_char *) (write->follows ? "1" : "0");

    args[5].len = 1;
    args[5].data = (u_char *) (write->followed ? "1" : "0");

    rc = ngx_http_notify_subscriptions_claim(pool, &write->tenant,
                                             &write->sync, &args[6]);
    if (rc != NGX_OK) {
        goto done;
    }

    args[7] = write->former;

    args[8].len = 1;
    args[8].data = (u_char *) (write->moved ? "1" : "0");

    rc = ngx_http_notify_subscriptions_names(pool, keys, &write->tenant,
             &write->id, ngx_http_notify_subscriptions_write_keys,
             ngx_http_notify_subscriptions_n(names), names);

    if (rc != NGX_OK) {
        goto done;
    }

    rc = ngx_http_notify_subscriptions_call(redis,
             &ngx_http_notify_script_subscribe, names,
             ngx_http_notify_subscriptions_n(names), args, 9, handler, data);

done:

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_http_notify_subscriptions_delete(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, uint64_t expected,
    ngx_http_notify_subscriptions_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_str_t    args[2];
    ngx_pool_t  *pool;

    ngx_str_t  names[ngx_http_notify_subscriptions_n(
                         ngx_http_notify_subscriptions_delete_keys)];
    u_char     version[NGX_INT64_LEN];

    pool = ngx_create_pool(NGX_HTTP_NOTIFY_SUBSCRIPTIONS_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    args[0] = *id;

    args[1].data = version;
    args[1].len = ngx_sprintf(version, "%uL", expected) - version;

    rc = ngx_http_notify_subscriptions_names(pool, keys, tenant, id,
             ngx_http_notify_subscriptions_delete_keys,
             ngx_http_notify_subscriptions_n(names), names);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_subscriptions_call(redis,
                 &ngx_http_notify_script_unsubscribe, names,
                 ngx_http_notify_subscriptions_n(names), args, 2, handler,
                 data);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_http_notify_subscriptions_get(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *id,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    ngx_str_t  names[ngx_http_notify_subscriptions_n(
                         ngx_http_notify_subscriptions_get_keys)];

    pool = ngx_create_pool(NGX_HTTP_NOTIFY_SUBSCRIPTIONS_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_subscriptions_names(pool, keys, NULL, id,
             ngx_http_notify_subscriptions_get_keys,
             ngx_http_notify_subscriptions_n(names), names);

    if (rc == NGX_OK) {
        rc = ngx_http_notify_script_call(redis,
                 &ngx_http_notify_script_subscriptions_get, names,
                 ngx_http_notify_subscriptions_n(names), id, 1, handler, data);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_http_notify_subscriptions_list(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *after, ngx_uint_t limit,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_int_t                              rc;
    ngx_pool_t                            *pool;
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

    rc = NGX_ERROR;

    pool = ngx_create_pool(NGX_HTTP_NOTIFY_SUBSCRIPTIONS_POOL, ngx_cycle->log);

    if (pool) {
        rc = ngx_http_notify_subscriptions_page_ids(page, pool, tenant, after,
                                                    limit);
        ngx_destroy_pool(pool);
    }

    if (rc != NGX_OK) {
        ngx_free(page);
    }

    return rc;
}


static ngx_int_t
ngx_http_notify_subscriptions_page_ids(
    ngx_http_notify_subscriptions_page_t *page, ngx_pool_t *pool,
    const ngx_str_t *tenant, const ngx_str_t *after, ngx_uint_t limit)
{
    u_char     *p;
    ngx_str_t   argv[8];

    u_char  count[NGX_INT_T_LEN];

    ngx_str_set(&argv[0], "ZRANGEBYSCORE");

    argv[1] = ngx_http_notify_keys_name(pool, &page->keys, "subs:of", tenant);

    argv[2].len = 1 + after->len;
    argv[2].data = ngx_pnalloc(pool, argv[2].len);

    if (argv[1].data == NULL || argv[2].data == NULL) {
        return NGX_ERROR;
    }

    p = argv[2].data;

    if (after->len) {
        *p++ = '(';
        ngx_memcpy(p, after->data, after->len);

    } else {
        *p = '0';
    }

    ngx_str_set(&argv[3], "+inf");
    ngx_str_set(&argv[4], "WITHSCORES");
    ngx_str_set(&argv[5], "LIMIT");
    ngx_str_set(&argv[6], "0");

    argv[7].data = count;
    argv[7].len = ngx_sprintf(count, "%ui", limit) - count;

    if (ngx_http_notify_redis_submit(page->redis, argv, 8, 0,
                                     ngx_http_notify_subscriptions_page, page)
        == NULL)
    {
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
    ngx_int_t    rc;
    ngx_str_t   *names, *args;
    ngx_uint_t   i, n;
    ngx_pool_t  *pool;

    n = resp->nelts / 2;
    rc = NGX_ERROR;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    names = ngx_palloc(pool, (1 + n) * sizeof(ngx_str_t));
    args = ngx_palloc(pool, 2 * n * sizeof(ngx_str_t));

    if (names == NULL || args == NULL) {
        goto done;
    }

    names[0] = ngx_http_notify_keys_name(pool, &page->keys, "subs", NULL);

    if (names[0].data == NULL) {
        goto done;
    }

    for (i = 0; i < n; i++) {
        args[2 * i] = resp->elts[2 * i]->str;
        args[2 * i + 1] = resp->elts[2 * i + 1]->str;

        names[1 + i] = ngx_http_notify_keys_shard(pool, &page->keys, "cursor",
                           ngx_http_notify_keys_shard_of(&args[2 * i]));

        if (names[1 + i].data == NULL) {
            goto done;
        }
    }

    rc = ngx_http_notify_script_call(page->redis,
             &ngx_http_notify_script_subscriptions_list, names, 1 + n, args,
             2 * n, page->handler, page->data);

done:

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_http_notify_subscriptions_names(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *tenant,
    const ngx_str_t *id, const ngx_http_notify_subscriptions_key_t *key,
    ngx_uint_t n, ngx_str_t *names)
{
    ngx_uint_t  i, bucket;

    bucket = ngx_http_notify_keys_shard_of(id);

    for (i = 0; i < n; i++) {

        switch (key[i].of) {

        case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_TENANT:
            names[i] = ngx_http_notify_keys_name(pool, keys, key[i].kind,
                                                 tenant);
            break;

        case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_SHARD:
            names[i] = ngx_http_notify_keys_shard(pool, keys, key[i].kind,
                                                  bucket);
            break;

        case NGX_HTTP_NOTIFY_SUBSCRIPTIONS_ID:
            names[i] = ngx_http_notify_keys_name(pool, keys, key[i].kind, id);
            break;

        default: /* NGX_HTTP_NOTIFY_SUBSCRIPTIONS_CHANNEL */
            names[i] = ngx_http_notify_keys_name(pool, keys, key[i].kind,
                                                 NULL);
        }

        if (names[i].data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* "<tenant>:<event>:<type>"; neither an event nor a JSON text can be mistaken
 * for a part of the tenant, whatever characters that has */

static ngx_int_t
ngx_http_notify_subscriptions_claim(ngx_pool_t *pool, const ngx_str_t *tenant,
    const ngx_str_t *sync, ngx_str_t *claim)
{
    u_char  *p;

    if (sync->len == 0) {
        ngx_str_null(claim);
        return NGX_OK;
    }

    claim->len = tenant->len + 1 + sync->len;

    claim->data = ngx_pnalloc(pool, claim->len);
    if (claim->data == NULL) {
        return NGX_ERROR;
    }

    p = claim->data;

    if (tenant->len) {
        p = ngx_cpymem(p, tenant->data, tenant->len);
    }

    *p++ = ':';
    ngx_memcpy(p, sync->data, sync->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_subscriptions_call(ngx_http_notify_redis_t *redis,
    ngx_http_notify_script_t *script, const ngx_str_t *keys, ngx_uint_t nkeys,
    const ngx_str_t *args, ngx_uint_t nargs,
    ngx_http_notify_subscriptions_pt handler, void *data)
{
    ngx_http_notify_subscriptions_op_t  *op;

    op = ngx_alloc(sizeof(ngx_http_notify_subscriptions_op_t) + args[0].len,
                   ngx_cycle->log);
    if (op == NULL) {
        return NGX_ERROR;
    }

    /* the first argument of both scripts */

    op->id.len = args[0].len;
    op->id.data = (u_char *) &op[1];
    ngx_memcpy(op->id.data, args[0].data, args[0].len);

    op->redis = redis;
    op->handler = handler;
    op->data = data;

    if (ngx_http_notify_script_call(redis, script, keys, nkeys, args, nargs,
                                    ngx_http_notify_subscriptions_answer, op)
        != NGX_OK)
    {
        ngx_free(op);
        return NGX_ERROR;
    }

    return NGX_OK;
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
