/*
 * The sync subscriptions of a channel in a worker's memory: `sync` names them,
 * `subs` has their documents.  The change log, which the tail reads, says when
 * to look again; so does `subs:ver`, polled for what the tail does not see.
 */

#include "ngx_http_notify_sync_registry.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_SYNC_REGISTRY_INTERVAL  900
#define NGX_HTTP_NOTIFY_SYNC_REGISTRY_ALONE  50     /* without the change log */
#define NGX_HTTP_NOTIFY_SYNC_REGISTRY_HEARD  7000   /* of a read of the tail */
#define NGX_HTTP_NOTIFY_SYNC_REGISTRY_AGE  10000
#define NGX_HTTP_NOTIFY_SYNC_REGISTRY_CHUNK  512    /* a command */


typedef struct {
    ngx_queue_t                       queue;
    ngx_http_notify_sync_registry_pt  handler;
    void                             *data;
} ngx_http_notify_sync_registry_waiter_t;

/* documents asked for in one command */
typedef struct {
    ngx_queue_t                       queue;
    ngx_http_notify_sync_registry_t  *claims;
    ngx_pool_t                       *pool;
    ngx_uint_t                        n;
    ngx_str_t                        *ids;
} ngx_http_notify_sync_registry_chunk_t;


struct ngx_http_notify_sync_registry_s {
    ngx_queue_t                       queue;
    ngx_http_notify_sync_index_t      index;
    ngx_http_notify_redis_t          *redis;
    ngx_queue_t                       waiting;  /* for the next check */
    ngx_queue_t                       asked;    /* for the one under way */
    ngx_queue_t                       chunks;
    ngx_event_t                       timer;
    ngx_msec_t                        started;  /* the check under way */
    ngx_msec_t                        checked;  /* it was as Redis had it */
    ngx_msec_t                        heard;    /* the tail had an answer */
    uint64_t                          version;
    uint64_t                          next;     /* of the check under way */
    ngx_uint_t                        generation;
    unsigned                          loaded:1;
    unsigned                          busy:1;
    unsigned                          failed:1;
    unsigned                          replace:1;    /* whatever the version */
    unsigned                          follow:1;
    unsigned                          tailed:1;     /* `heard` is set */
    unsigned                          again:1;  /* changed during a check */
};


static ngx_http_notify_sync_registry_t *ngx_http_notify_sync_registry_lookup(
    const ngx_http_notify_channel_t *channel);
static void ngx_http_notify_sync_registry_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static void ngx_http_notify_sync_registry_timer(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_sync_registry_check(
    ngx_http_notify_sync_registry_t *claims);
static ngx_http_notify_redis_handler_t  ngx_http_notify_sync_registry_checked;
static ngx_int_t ngx_http_notify_sync_registry_submit(
    ngx_http_notify_sync_registry_t *claims, const char *verb,
    const char *kind, ngx_http_notify_redis_handler_pt handler);
static ngx_http_notify_redis_handler_t  ngx_http_notify_sync_registry_names;
static ngx_int_t ngx_http_notify_sync_registry_ask(
    ngx_http_notify_sync_registry_t *claims, ngx_str_t *ids, ngx_uint_t n);
static ngx_http_notify_redis_handler_t
    ngx_http_notify_sync_registry_documents;
static void ngx_http_notify_sync_registry_chunk_free(
    ngx_http_notify_sync_registry_chunk_t *chunk);
static void ngx_http_notify_sync_registry_loaded(
    ngx_http_notify_sync_registry_t *claims);
static void ngx_http_notify_sync_registry_done(
    ngx_http_notify_sync_registry_t *claims, ngx_int_t rc);
static void ngx_http_notify_sync_registry_free(
    ngx_http_notify_sync_registry_t *claims);


/* the channels that were asked for in this worker */
static ngx_queue_t  ngx_http_notify_sync_registry_list;


ngx_http_notify_sync_registry_t *
ngx_http_notify_sync_registry_open(ngx_http_notify_channel_t *channel)
{
    ngx_http_notify_sync_registry_t  *claims;

    claims = ngx_http_notify_sync_registry_lookup(channel);

    if (claims) {
        return claims;
    }

    claims = ngx_calloc(sizeof(ngx_http_notify_sync_registry_t),
                        ngx_cycle->log);
    if (claims == NULL) {
        return NULL;
    }

    claims->redis = channel->redis;

    ngx_http_notify_sync_index_init(&claims->index, channel);

    ngx_queue_init(&claims->waiting);
    ngx_queue_init(&claims->asked);
    ngx_queue_init(&claims->chunks);

    ngx_http_notify_timer_idle(&claims->timer,
                               ngx_http_notify_sync_registry_timer, claims,
                               ngx_cycle->log);

    ngx_queue_insert_tail(&ngx_http_notify_sync_registry_list, &claims->queue);

    return claims;
}


static ngx_http_notify_sync_registry_t *
ngx_http_notify_sync_registry_lookup(const ngx_http_notify_channel_t *channel)
{
    ngx_queue_t                      *q;
    ngx_http_notify_sync_registry_t  *claims;

    if (ngx_http_notify_sync_registry_list.next == NULL) {
        ngx_queue_init(&ngx_http_notify_sync_registry_list);
    }

    for (q = ngx_queue_head(&ngx_http_notify_sync_registry_list);
         q != ngx_queue_sentinel(&ngx_http_notify_sync_registry_list);
         q = ngx_queue_next(q))
    {
        claims = ngx_queue_data(q, ngx_http_notify_sync_registry_t, queue);

        if (claims->index.channel == channel) {
            return claims;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_notify_sync_registry_follow(ngx_http_notify_sync_registry_t *claims)
{
    if (claims->follow) {
        return NGX_OK;
    }

    if (ngx_http_notify_redis_on_state(claims->redis,
                                    ngx_http_notify_sync_registry_state, claims)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    claims->follow = 1;

    ngx_add_timer(&claims->timer, 1);

    return NGX_OK;
}


/* the first load does not wait for the timer */

static void
ngx_http_notify_sync_registry_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data)
{
    ngx_http_notify_sync_registry_t  *claims = data;

    if (up) {
        ngx_add_timer(&claims->timer, 1);
    }
}


static void
ngx_http_notify_sync_registry_timer(ngx_event_t *ev)
{
    ngx_http_notify_sync_registry_t  *claims;

    claims = ev->data;

    if (!claims->busy
        && ngx_http_notify_sync_registry_check(claims) != NGX_OK)
    {
        ngx_http_notify_sync_registry_done(claims, NGX_ERROR);
    }
}


ngx_int_t
ngx_http_notify_sync_registry_any(ngx_http_notify_sync_registry_t *claims,
    const ngx_str_t *tenant, const ngx_str_t *type)
{
    if (!claims->loaded
        || ngx_current_msec - claims->checked
           > NGX_HTTP_NOTIFY_SYNC_REGISTRY_AGE)
    {
        return NGX_ERROR;
    }

    return ngx_http_notify_sync_index_any(&claims->index, tenant, type)
               ? NGX_OK : NGX_DECLINED;
}


ngx_http_notify_claim_t *
ngx_http_notify_sync_registry_find(ngx_http_notify_sync_registry_t *claims,
    const ngx_http_notify_event_t *event)
{
    return ngx_http_notify_sync_index_find(&claims->index, event);
}


ngx_int_t
ngx_http_notify_sync_registry_refresh(ngx_http_notify_sync_registry_t *claims,
    ngx_http_notify_sync_registry_pt handler, void *data)
{
    ngx_http_notify_sync_registry_waiter_t  *waiter;

    waiter = ngx_alloc(sizeof(ngx_http_notify_sync_registry_waiter_t),
                       ngx_cycle->log);
    if (waiter == NULL) {
        return NGX_ERROR;
    }

    waiter->handler = handler;
    waiter->data = data;

    ngx_queue_insert_tail(&claims->waiting, &waiter->queue);

    /* what is under way may have looked before this call */

    if (claims->busy || ngx_http_notify_sync_registry_check(claims) == NGX_OK) {
        return NGX_OK;
    }

    ngx_queue_remove(&waiter->queue);
    ngx_free(waiter);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_notify_sync_registry_settle(const ngx_http_notify_channel_t *channel,
    ngx_http_notify_sync_registry_pt handler, void *data)
{
    ngx_http_notify_sync_registry_t  *claims;

    claims = ngx_http_notify_sync_registry_lookup(channel);

    if (claims == NULL || !claims->follow) {
        return NGX_DECLINED;
    }

    return ngx_http_notify_sync_registry_refresh(claims, handler, data);
}


void
ngx_http_notify_sync_registry_heard(const ngx_http_notify_channel_t *channel)
{
    ngx_http_notify_sync_registry_t  *claims;

    claims = ngx_http_notify_sync_registry_lookup(channel);

    if (claims) {
        claims->tailed = 1;
        claims->heard = ngx_current_msec;
    }
}


void
ngx_http_notify_sync_registry_changed(const ngx_http_notify_channel_t *channel)
{
    ngx_http_notify_sync_registry_t  *claims;

    claims = ngx_http_notify_sync_registry_lookup(channel);

    if (claims == NULL || !claims->follow) {
        return;
    }

    /* what is under way may have looked before this change */

    if (claims->busy) {
        claims->again = 1;
        return;
    }

    if (ngx_http_notify_sync_registry_check(claims) != NGX_OK) {
        ngx_http_notify_sync_registry_done(claims, NGX_ERROR);
    }
}


static ngx_int_t
ngx_http_notify_sync_registry_check(ngx_http_notify_sync_registry_t *claims)
{
    if (ngx_http_notify_sync_registry_submit(claims, "GET", "subs:ver",
                                         ngx_http_notify_sync_registry_checked)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    claims->busy = 1;
    claims->again = 0;
    claims->started = ngx_current_msec;

    ngx_queue_add(&claims->asked, &claims->waiting);
    ngx_queue_init(&claims->waiting);

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_sync_registry_submit(ngx_http_notify_sync_registry_t *claims,
    const char *verb, const char *kind,
    ngx_http_notify_redis_handler_pt handler)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(claims->redis, verb, handler,
                                            claims);

    ngx_http_notify_command_key(command, &claims->index.channel->keys, kind);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_sync_registry_checked(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_sync_registry_t  *claims = data;

    off_t       version;
    ngx_uint_t  generation;

    version = NGX_ERROR;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        version = ngx_atoof(resp->str.data, resp->str.len);

    } else if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_NIL) {
        version = 0;
    }

    if (version == NGX_ERROR) {
        ngx_http_notify_sync_registry_done(claims, NGX_ERROR);
        return;
    }

    generation = ngx_http_notify_redis_generation(claims->redis);

    if (claims->loaded
        && claims->version == (uint64_t) version
        && claims->generation == generation)
    {
        ngx_http_notify_sync_registry_done(claims, NGX_OK);
        return;
    }

    /* behind another connection, or a step back, versions mean nothing */

    claims->replace = (claims->generation != generation
                       || (uint64_t) version < claims->version);
    claims->generation = generation;
    claims->next = version;

    if (ngx_http_notify_sync_registry_submit(claims, "HVALS", "sync",
                                           ngx_http_notify_sync_registry_names)
        != NGX_OK)
    {
        claims->generation = 0;
        ngx_http_notify_sync_registry_done(claims, NGX_ERROR);
    }
}


static void
ngx_http_notify_sync_registry_names(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_sync_registry_t  *claims = data;

    ngx_str_t   *ids;
    ngx_uint_t   i, n;
    ngx_pool_t  *pool;

    claims->index.serial++;
    claims->failed = 0;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY) {
        claims->failed = 1;
        ngx_http_notify_sync_registry_loaded(claims);
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    ids = pool ? ngx_palloc(pool, (resp->nelts + 1) * sizeof(ngx_str_t))
               : NULL;

    if (ids == NULL) {
        claims->failed = 1;
    }

    for (i = 0; ids != NULL && i < resp->nelts; i++) {
        ids[i] = resp->elts[i]->str;
    }

    for (i = 0; i < resp->nelts && !claims->failed; i += n) {

        n = ngx_min(resp->nelts - i, NGX_HTTP_NOTIFY_SYNC_REGISTRY_CHUNK);

        if (ngx_http_notify_sync_registry_ask(claims, &ids[i], n) != NGX_OK) {
            claims->failed = 1;
        }
    }

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    if (ngx_queue_empty(&claims->chunks)) {
        ngx_http_notify_sync_registry_loaded(claims);
    }
}


static ngx_int_t
ngx_http_notify_sync_registry_ask(ngx_http_notify_sync_registry_t *claims,
    ngx_str_t *ids, ngx_uint_t n)
{
    ngx_uint_t                              i;
    ngx_pool_t                             *pool;
    ngx_http_notify_command_t              *command;
    ngx_http_notify_sync_registry_chunk_t  *chunk;

    chunk = ngx_http_notify_memory_pool(&pool, 4096,
        sizeof(ngx_http_notify_sync_registry_chunk_t), ngx_cycle->log);
    if (chunk == NULL) {
        return NGX_ERROR;
    }

    chunk->claims = claims;
    chunk->pool = pool;
    chunk->n = n;
    chunk->ids = ngx_palloc(pool, n * sizeof(ngx_str_t));

    if (chunk->ids == NULL) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        chunk->ids[i].len = ids[i].len;
        chunk->ids[i].data = ngx_pstrdup(pool, &ids[i]);

        if (chunk->ids[i].data == NULL) {
            goto failed;
        }
    }

    command = ngx_http_notify_command_start(claims->redis, "HMGET",
                                      ngx_http_notify_sync_registry_documents,
                                      chunk);

    ngx_http_notify_command_key(command, &claims->index.channel->keys, "subs");

    for (i = 0; i < n; i++) {
        ngx_http_notify_command_arg(command, &ids[i]);
    }

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        goto failed;
    }

    ngx_queue_insert_tail(&claims->chunks, &chunk->queue);

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


static void
ngx_http_notify_sync_registry_documents(ngx_http_notify_resp_t *resp,
    void *data)
{
    ngx_http_notify_sync_registry_chunk_t  *chunk = data;

    ngx_uint_t                 i, n;
    ngx_http_notify_sync_registry_t  *claims;

    claims = chunk->claims;

    if (resp != NULL && chunk->n > 1
        && ngx_http_notify_resp_is_error(resp, NGX_HTTP_NOTIFY_RESP_LARGE))
    {
        n = chunk->n / 2;

        if (ngx_http_notify_sync_registry_ask(claims, chunk->ids, n) != NGX_OK
            || ngx_http_notify_sync_registry_ask(claims, &chunk->ids[n],
                                                 chunk->n - n)
               != NGX_OK)
        {
            claims->failed = 1;
        }

    } else if (resp == NULL
        || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY
        || resp->nelts != chunk->n)
    {
        claims->failed = 1;

    } else {

        for (i = 0; i < chunk->n; i++) {

            if (resp->elts[i]->type != NGX_HTTP_NOTIFY_RESP_STRING) {
                continue;
            }

            if (ngx_http_notify_sync_index_put(&claims->index,
                                               &chunk->ids[i],
                                               &resp->elts[i]->str,
                                               claims->replace)
                != NGX_OK)
            {
                claims->failed = 1;
            }
        }
    }

    ngx_http_notify_sync_registry_chunk_free(chunk);

    if (ngx_queue_empty(&claims->chunks)) {
        ngx_http_notify_sync_registry_loaded(claims);
    }
}


static void
ngx_http_notify_sync_registry_chunk_free(
    ngx_http_notify_sync_registry_chunk_t *chunk)
{
    ngx_queue_remove(&chunk->queue);
    ngx_destroy_pool(chunk->pool);
}


/* all documents have come, or cannot be had */

static void
ngx_http_notify_sync_registry_loaded(ngx_http_notify_sync_registry_t *claims)
{
    if (claims->failed) {

        /* some are new, some old: again, and all of them */

        claims->generation = 0;
        ngx_http_notify_sync_registry_done(claims, NGX_ERROR);
        return;
    }

    ngx_http_notify_sync_index_sweep(&claims->index);

    claims->loaded = 1;
    claims->version = claims->next;

    ngx_http_notify_sync_registry_done(claims, NGX_OK);
}


static void
ngx_http_notify_sync_registry_done(ngx_http_notify_sync_registry_t *claims,
    ngx_int_t rc)
{
    ngx_uint_t                               tailed;
    ngx_queue_t                              asked, *q;
    ngx_http_notify_sync_registry_waiter_t  *waiter;

    claims->busy = 0;

    if (rc == NGX_OK) {
        claims->checked = claims->started;
    }

    if (claims->follow) {
        tailed = claims->tailed && ngx_current_msec - claims->heard
                                   < NGX_HTTP_NOTIFY_SYNC_REGISTRY_HEARD;

        ngx_add_timer(&claims->timer,
                      tailed || rc != NGX_OK
                      ? NGX_HTTP_NOTIFY_SYNC_REGISTRY_INTERVAL
                      : NGX_HTTP_NOTIFY_SYNC_REGISTRY_ALONE);
    }

    ngx_queue_init(&asked);
    ngx_queue_add(&asked, &claims->asked);
    ngx_queue_init(&claims->asked);

    if ((claims->again || !ngx_queue_empty(&claims->waiting))
        && ngx_http_notify_sync_registry_check(claims) != NGX_OK)
    {
        claims->again = 0;

        ngx_queue_add(&asked, &claims->waiting);
        ngx_queue_init(&claims->waiting);
        rc = NGX_ERROR;
    }

    while (!ngx_queue_empty(&asked)) {
        q = ngx_queue_head(&asked);
        ngx_queue_remove(q);

        waiter = ngx_queue_data(q, ngx_http_notify_sync_registry_waiter_t,
                                queue);

        waiter->handler(rc, waiter->data);

        ngx_free(waiter);
    }
}


void
ngx_http_notify_sync_registry_exit_process(void)
{
    ngx_queue_t  *q;

    if (ngx_http_notify_sync_registry_list.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_notify_sync_registry_list)) {
        q = ngx_queue_head(&ngx_http_notify_sync_registry_list);
        ngx_queue_remove(q);

        ngx_http_notify_sync_registry_free(
                     ngx_queue_data(q, ngx_http_notify_sync_registry_t, queue));
    }
}


static void
ngx_http_notify_sync_registry_free(ngx_http_notify_sync_registry_t *claims)
{
    ngx_queue_t  *q;

    ngx_http_notify_timer_stop(&claims->timer);

    ngx_http_notify_sync_index_free(&claims->index);

    while (!ngx_queue_empty(&claims->chunks)) {
        q = ngx_queue_head(&claims->chunks);
        ngx_http_notify_sync_registry_chunk_free(
               ngx_queue_data(q, ngx_http_notify_sync_registry_chunk_t, queue));
    }

    ngx_queue_add(&claims->asked, &claims->waiting);

    while (!ngx_queue_empty(&claims->asked)) {
        q = ngx_queue_head(&claims->asked);
        ngx_queue_remove(q);

        ngx_free(
              ngx_queue_data(q, ngx_http_notify_sync_registry_waiter_t, queue));
    }

    ngx_free(claims);
}
