/*
 * The sync subscriptions of a channel in a worker's memory: `sync` names them,
 * `subs` has their documents, `subs:ver` says when to look again.
 * Must not know who asks, nor make calls.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_claims.h"


#define NGX_HTTP_NOTIFY_CLAIMS_INTERVAL  900    /* a change is seen in 1 s */
#define NGX_HTTP_NOTIFY_CLAIMS_AGE       10000
#define NGX_HTTP_NOTIFY_CLAIMS_CHUNK     512    /* documents of one command */
#define NGX_HTTP_NOTIFY_CLAIMS_KEY       512


typedef struct ngx_http_notify_claims_event_s  ngx_http_notify_claims_event_t;

/* those of one tenant and event, by entity type */
struct ngx_http_notify_claims_event_s {
    ngx_str_node_t                    node;     /* "<tenant>:<event>" */
    ngx_queue_t                       claims;
};

/* a profile's calls, with a limit of our own; the address stays what it is,
 * connections are kept by it */
typedef struct {
    ngx_queue_t                       queue;
    ngx_http_notify_profile_t        *profile;
    ngx_http_notify_call_conf_t       conf;
} ngx_http_notify_claims_conf_t;

typedef struct {
    ngx_queue_t                       queue;
    ngx_http_notify_claims_pt         handler;
    void                             *data;
} ngx_http_notify_claims_waiter_t;

/* documents asked for in one command */
typedef struct {
    ngx_queue_t                       queue;
    ngx_http_notify_claims_t         *claims;
    ngx_pool_t                       *pool;
    ngx_uint_t                        n;
    ngx_str_t                        *ids;
} ngx_http_notify_claims_chunk_t;


struct ngx_http_notify_claims_s {
    ngx_queue_t                       queue;
    ngx_http_notify_channel_t        *channel;
    ngx_http_notify_redis_t          *redis;
    ngx_rbtree_t                      ids;
    ngx_rbtree_node_t                 ids_sentinel;
    ngx_rbtree_t                      events;
    ngx_rbtree_node_t                 events_sentinel;
    ngx_queue_t                       confs;
    ngx_queue_t                       waiting;  /* for the next check */
    ngx_queue_t                       asked;    /* for the one under way */
    ngx_queue_t                       chunks;
    ngx_event_t                       timer;
    ngx_msec_t                        started;  /* the check under way */
    ngx_msec_t                        checked;  /* it was as Redis had it */
    uint64_t                          version;
    uint64_t                          next;     /* of the check under way */
    ngx_uint_t                        generation;
    ngx_uint_t                        serial;
    unsigned                          loaded:1;
    unsigned                          busy:1;
    unsigned                          failed:1;
    unsigned                          replace:1;    /* whatever the version */
    unsigned                          follow:1;
};


static void ngx_http_notify_claims_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static void ngx_http_notify_claims_timer(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_claims_check(
    ngx_http_notify_claims_t *claims);
static void ngx_http_notify_claims_checked(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_claims_load(
    ngx_http_notify_claims_t *claims);
static void ngx_http_notify_claims_names(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_int_t ngx_http_notify_claims_ask(ngx_http_notify_claims_t *claims,
    ngx_http_notify_resp_t **elts, ngx_uint_t n);
static void ngx_http_notify_claims_documents(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_claims_chunk_free(
    ngx_http_notify_claims_chunk_t *chunk);
static void ngx_http_notify_claims_loaded(ngx_http_notify_claims_t *claims);
static void ngx_http_notify_claims_done(ngx_http_notify_claims_t *claims,
    ngx_int_t rc);
static ngx_int_t ngx_http_notify_claims_put(ngx_http_notify_claims_t *claims,
    ngx_str_t *id, const ngx_str_t *text);
static ngx_int_t ngx_http_notify_claims_add(ngx_http_notify_claims_t *claims,
    ngx_http_notify_subscription_t *s);
static void ngx_http_notify_claims_target(ngx_http_notify_claims_t *claims,
    ngx_http_notify_claim_t *claim);
static ngx_http_notify_call_conf_t *ngx_http_notify_claims_conf(
    ngx_http_notify_claims_t *claims, ngx_http_notify_profile_t *profile);
static ngx_http_notify_claims_event_t *ngx_http_notify_claims_event(
    ngx_http_notify_claims_t *claims, const ngx_str_t *tenant,
    const ngx_str_t *type, ngx_uint_t create);
static ngx_uint_t ngx_http_notify_claims_wants(
    const ngx_http_notify_claim_t *claim,
    const ngx_http_notify_event_t *event);
static ngx_uint_t ngx_http_notify_claims_equal(const ngx_str_t *a,
    const ngx_str_t *b);
static void ngx_http_notify_claims_remove(ngx_http_notify_claims_t *claims,
    ngx_http_notify_claim_t *claim);
static void ngx_http_notify_claims_gone(void *data);
static void ngx_http_notify_claims_free(ngx_http_notify_claims_t *claims);


/* the channels that were asked for in this worker */
static ngx_queue_t  ngx_http_notify_claims_list;


ngx_http_notify_claims_t *
ngx_http_notify_claims_open(ngx_http_notify_channel_t *channel,
    ngx_http_notify_redis_t *redis)
{
    ngx_queue_t               *q;
    ngx_http_notify_claims_t  *claims;

    if (ngx_http_notify_claims_list.next == NULL) {
        ngx_queue_init(&ngx_http_notify_claims_list);
    }

    for (q = ngx_queue_head(&ngx_http_notify_claims_list);
         q != ngx_queue_sentinel(&ngx_http_notify_claims_list);
         q = ngx_queue_next(q))
    {
        claims = ngx_queue_data(q, ngx_http_notify_claims_t, queue);

        if (claims->channel == channel) {
            return claims;
        }
    }

    claims = ngx_calloc(sizeof(ngx_http_notify_claims_t), ngx_cycle->log);
    if (claims == NULL) {
        return NULL;
    }

    claims->channel = channel;
    claims->redis = redis;

    ngx_rbtree_init(&claims->ids, &claims->ids_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&claims->events, &claims->events_sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_queue_init(&claims->confs);
    ngx_queue_init(&claims->waiting);
    ngx_queue_init(&claims->asked);
    ngx_queue_init(&claims->chunks);

    claims->timer.handler = ngx_http_notify_claims_timer;
    claims->timer.data = claims;
    claims->timer.log = ngx_cycle->log;
    claims->timer.cancelable = 1;

    ngx_queue_insert_tail(&ngx_http_notify_claims_list, &claims->queue);

    return claims;
}


ngx_int_t
ngx_http_notify_claims_follow(ngx_http_notify_claims_t *claims)
{
    if (claims->follow) {
        return NGX_OK;
    }

    if (ngx_http_notify_redis_watch(claims->redis,
                                    ngx_http_notify_claims_state, claims)
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
ngx_http_notify_claims_state(ngx_http_notify_redis_t *redis, ngx_uint_t up,
    void *data)
{
    ngx_http_notify_claims_t *claims = data;

    if (up) {
        ngx_add_timer(&claims->timer, 1);
    }
}


static void
ngx_http_notify_claims_timer(ngx_event_t *ev)
{
    ngx_http_notify_claims_t  *claims;

    claims = ev->data;

    if (!claims->busy && ngx_http_notify_claims_check(claims) != NGX_OK) {
        ngx_http_notify_claims_done(claims, NGX_ERROR);
    }
}


ngx_int_t
ngx_http_notify_claims_any(ngx_http_notify_claims_t *claims,
    const ngx_str_t *tenant, const ngx_str_t *type)
{
    if (!claims->loaded
        || ngx_current_msec - claims->checked > NGX_HTTP_NOTIFY_CLAIMS_AGE)
    {
        return NGX_ERROR;
    }

    if (claims->events.root == claims->events.sentinel
        || ngx_http_notify_claims_event(claims, tenant, type, 0) == NULL)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* the one for its entity type before the one for all of them */

ngx_http_notify_claim_t *
ngx_http_notify_claims_find(ngx_http_notify_claims_t *claims,
    const ngx_http_notify_event_t *event)
{
    ngx_queue_t                     *q;
    ngx_http_notify_claim_t         *claim, *found;
    ngx_http_notify_claims_event_t  *e;

    e = ngx_http_notify_claims_event(claims, &event->tenant, &event->type, 0);
    if (e == NULL) {
        return NULL;
    }

    found = NULL;

    for (q = ngx_queue_head(&e->claims);
         q != ngx_queue_sentinel(&e->claims);
         q = ngx_queue_next(q))
    {
        claim = ngx_queue_data(q, ngx_http_notify_claim_t, link);

        if (claim->subscription->entity_type_id.len == 0) {
            found = claim;
            continue;
        }

        if (ngx_http_notify_claims_equal(&claim->subscription->entity_type_id,
                                         &event->entity_type_id))
        {
            found = claim;
            break;
        }
    }

    if (found && ngx_http_notify_claims_wants(found, event)) {
        return found;
    }

    return NULL;
}


static ngx_uint_t
ngx_http_notify_claims_wants(const ngx_http_notify_claim_t *claim,
    const ngx_http_notify_event_t *event)
{
    ngx_uint_t                       i, j;
    ngx_http_notify_subscription_t  *s;

    s = claim->subscription;

    for (i = 0; i < s->nattributes; i++) {

        for (j = 0; j < event->nattributes; j++) {
            if (ngx_http_notify_claims_equal(&s->attributes[i].key,
                                             &event->attributes[j].key))
            {
                break;
            }
        }

        if (j == event->nattributes
            || !ngx_http_notify_claims_equal(&s->attributes[i].value,
                                             &event->attributes[j].value))
        {
            return 0;
        }
    }

    return claim->filter == NULL
           || ngx_http_notify_filter_test(claim->filter, event);
}


static ngx_uint_t
ngx_http_notify_claims_equal(const ngx_str_t *a, const ngx_str_t *b)
{
    return a->len == b->len && ngx_memcmp(a->data, b->data, a->len) == 0;
}


ngx_int_t
ngx_http_notify_claims_refresh(ngx_http_notify_claims_t *claims,
    ngx_http_notify_claims_pt handler, void *data)
{
    ngx_http_notify_claims_waiter_t  *waiter;

    waiter = ngx_alloc(sizeof(ngx_http_notify_claims_waiter_t),
                       ngx_cycle->log);
    if (waiter == NULL) {
        return NGX_ERROR;
    }

    waiter->handler = handler;
    waiter->data = data;

    ngx_queue_insert_tail(&claims->waiting, &waiter->queue);

    /* what is under way may have looked before this call */

    if (claims->busy || ngx_http_notify_claims_check(claims) == NGX_OK) {
        return NGX_OK;
    }

    ngx_queue_remove(&waiter->queue);
    ngx_free(waiter);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_notify_claims_check(ngx_http_notify_claims_t *claims)
{
    ngx_int_t    rc;
    ngx_str_t    argv[2];
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    ngx_str_set(&argv[0], "GET");
    argv[1] = ngx_http_notify_keys_name(pool, &claims->channel->keys,
                                        "subs:ver", NULL);

    if (argv[1].data
        && ngx_http_notify_redis_submit(claims->redis, argv, 2, 0,
                                        ngx_http_notify_claims_checked,
                                        claims))
    {
        rc = NGX_OK;

        claims->busy = 1;
        claims->started = ngx_current_msec;

        ngx_queue_add(&claims->asked, &claims->waiting);
        ngx_queue_init(&claims->waiting);
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
ngx_http_notify_claims_checked(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_claims_t *claims = data;

    off_t       version;
    ngx_uint_t  generation;

    version = NGX_ERROR;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        version = ngx_atoof(resp->str.data, resp->str.len);

    } else if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_NIL) {
        version = 0;
    }

    if (version == NGX_ERROR) {
        ngx_http_notify_claims_done(claims, NGX_ERROR);
        return;
    }

    generation = ngx_http_notify_redis_generation(claims->redis);

    if (claims->loaded
        && claims->version == (uint64_t) version
        && claims->generation == generation)
    {
        ngx_http_notify_claims_done(claims, NGX_OK);
        return;
    }

    /* behind another connection, or a step back, versions mean nothing */

    claims->replace = (claims->generation != generation
                       || (uint64_t) version < claims->version);
    claims->generation = generation;
    claims->next = version;

    if (ngx_http_notify_claims_load(claims) != NGX_OK) {
        claims->generation = 0;
        ngx_http_notify_claims_done(claims, NGX_ERROR);
    }
}


static ngx_int_t
ngx_http_notify_claims_load(ngx_http_notify_claims_t *claims)
{
    ngx_int_t    rc;
    ngx_str_t    argv[2];
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    ngx_str_set(&argv[0], "HVALS");
    argv[1] = ngx_http_notify_keys_name(pool, &claims->channel->keys, "sync",
                                        NULL);

    if (argv[1].data
        && ngx_http_notify_redis_submit(claims->redis, argv, 2, 0,
                                        ngx_http_notify_claims_names, claims))
    {
        rc = NGX_OK;
    }

    ngx_destroy_pool(pool);

    return rc;
}


static void
ngx_http_notify_claims_names(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_claims_t *claims = data;

    ngx_uint_t  i, n;

    claims->serial++;
    claims->failed = 0;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY) {
        claims->failed = 1;
        ngx_http_notify_claims_loaded(claims);
        return;
    }

    for (i = 0; i < resp->nelts && !claims->failed; i += n) {

        n = ngx_min(resp->nelts - i, NGX_HTTP_NOTIFY_CLAIMS_CHUNK);

        if (ngx_http_notify_claims_ask(claims, &resp->elts[i], n) != NGX_OK) {
            claims->failed = 1;
        }
    }

    if (ngx_queue_empty(&claims->chunks)) {
        ngx_http_notify_claims_loaded(claims);
    }
}


static ngx_int_t
ngx_http_notify_claims_ask(ngx_http_notify_claims_t *claims,
    ngx_http_notify_resp_t **elts, ngx_uint_t n)
{
    ngx_str_t                       *argv;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_notify_claims_chunk_t  *chunk;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    chunk = ngx_palloc(pool, sizeof(ngx_http_notify_claims_chunk_t));
    argv = ngx_palloc(pool, (2 + n) * sizeof(ngx_str_t));

    if (chunk == NULL || argv == NULL) {
        goto failed;
    }

    chunk->claims = claims;
    chunk->pool = pool;
    chunk->n = n;
    chunk->ids = &argv[2];

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = ngx_http_notify_keys_name(pool, &claims->channel->keys, "subs",
                                        NULL);
    if (argv[1].data == NULL) {
        goto failed;
    }

    for (i = 0; i < n; i++) {
        chunk->ids[i].len = elts[i]->str.len;
        chunk->ids[i].data = ngx_pstrdup(pool, &elts[i]->str);

        if (chunk->ids[i].data == NULL) {
            goto failed;
        }
    }

    if (ngx_http_notify_redis_submit(claims->redis, argv, 2 + n, 0,
                                     ngx_http_notify_claims_documents, chunk)
        == NULL)
    {
        goto failed;
    }

    ngx_queue_insert_tail(&claims->chunks, &chunk->queue);

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


static void
ngx_http_notify_claims_documents(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_claims_chunk_t *chunk = data;

    ngx_uint_t                 i;
    ngx_http_notify_claims_t  *claims;

    claims = chunk->claims;

    if (resp == NULL
        || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY
        || resp->nelts != chunk->n)
    {
        claims->failed = 1;

    } else {

        for (i = 0; i < chunk->n; i++) {

            if (resp->elts[i]->type != NGX_HTTP_NOTIFY_RESP_STRING) {
                continue;
            }

            if (ngx_http_notify_claims_put(claims, &chunk->ids[i],
                                           &resp->elts[i]->str)
                != NGX_OK)
            {
                claims->failed = 1;
            }
        }
    }

    ngx_http_notify_claims_chunk_free(chunk);

    if (ngx_queue_empty(&claims->chunks)) {
        ngx_http_notify_claims_loaded(claims);
    }
}


static void
ngx_http_notify_claims_chunk_free(ngx_http_notify_claims_chunk_t *chunk)
{
    ngx_queue_remove(&chunk->queue);
    ngx_destroy_pool(chunk->pool);
}


/* all documents have come, or cannot be had */

static void
ngx_http_notify_claims_loaded(ngx_http_notify_claims_t *claims)
{
    ngx_rbtree_node_t        *node, *next;
    ngx_http_notify_claim_t  *claim;

    if (claims->failed) {

        /* some are new, some old: again, and all of them */

        claims->generation = 0;
        ngx_http_notify_claims_done(claims, NGX_ERROR);
        return;
    }

    if (claims->ids.root != claims->ids.sentinel) {

        for (node = ngx_rbtree_min(claims->ids.root, claims->ids.sentinel);
             node;
             node = next)
        {
            next = ngx_rbtree_next(&claims->ids, node);
            claim = (ngx_http_notify_claim_t *) node;

            if (claim->serial != claims->serial) {
                ngx_http_notify_claims_remove(claims, claim);
            }
        }
    }

    claims->loaded = 1;
    claims->version = claims->next;

    ngx_http_notify_claims_done(claims, NGX_OK);
}


static void
ngx_http_notify_claims_done(ngx_http_notify_claims_t *claims, ngx_int_t rc)
{
    ngx_queue_t                       asked, *q;
    ngx_http_notify_claims_waiter_t  *waiter;

    claims->busy = 0;

    if (rc == NGX_OK) {
        claims->checked = claims->started;
    }

    if (claims->follow) {
        ngx_add_timer(&claims->timer, NGX_HTTP_NOTIFY_CLAIMS_INTERVAL);
    }

    ngx_queue_init(&asked);
    ngx_queue_add(&asked, &claims->asked);
    ngx_queue_init(&claims->asked);

    if (!ngx_queue_empty(&claims->waiting)
        && ngx_http_notify_claims_check(claims) != NGX_OK)
    {
        ngx_queue_add(&asked, &claims->waiting);
        ngx_queue_init(&claims->waiting);
        rc = NGX_ERROR;
    }

    while (!ngx_queue_empty(&asked)) {
        q = ngx_queue_head(&asked);
        ngx_queue_remove(q);

        waiter = ngx_queue_data(q, ngx_http_notify_claims_waiter_t, queue);

        waiter->handler(rc, waiter->data);

        ngx_free(waiter);
    }
}


/* a document as stored, "<version> <json>"; one that is no use is skipped */

static ngx_int_t
ngx_http_notify_claims_put(ngx_http_notify_claims_t *claims, ngx_str_t *id,
    const ngx_str_t *text)
{
    u_char                          *p;
    ngx_http_notify_claim_t         *claim;
    ngx_http_notify_subscription_t  *s;

    claim = (ngx_http_notify_claim_t *)
                ngx_str_rbtree_lookup(&claims->ids, id,
                                      ngx_crc32_short(id->data, id->len));

    if (claim) {
        p = ngx_strlchr(text->data, text->data + text->len, ' ');

        if (p
            && !claims->replace
            && ngx_atoof(text->data, p - text->data)
               == (off_t) claim->subscription->version)
        {
            claim->serial = claims->serial;
            return NGX_OK;
        }
    }

    s = ngx_http_notify_subscriptions_parse(text, ngx_cycle->log);

    if (claim) {
        ngx_http_notify_claims_remove(claims, claim);
    }

    if (s == NULL) {
        return NGX_OK;
    }

    if (s->mode == NGX_HTTP_NOTIFY_MODE_WEBHOOK
        || !ngx_http_notify_claims_equal(&s->id, id))
    {
        ngx_destroy_pool(s->pool);
        return NGX_OK;
    }

    return ngx_http_notify_claims_add(claims, s);
}


static ngx_int_t
ngx_http_notify_claims_add(ngx_http_notify_claims_t *claims,
    ngx_http_notify_subscription_t *s)
{
    ngx_http_notify_claim_t  *claim;

    claim = ngx_pcalloc(s->pool, sizeof(ngx_http_notify_claim_t));
    if (claim == NULL) {
        goto failed;
    }

    claim->subscription = s;
    claim->serial = claims->serial;
    claim->node.str = s->id;
    claim->node.node.key = ngx_crc32_short(s->id.data, s->id.len);

    if (s->enabled) {
        claim->event = ngx_http_notify_claims_event(claims, &s->tenant,
                                                    &s->events[0], 1);
        if (claim->event == NULL) {
            goto failed;
        }

        ngx_queue_insert_tail(&claim->event->claims, &claim->link);

        ngx_http_notify_claims_target(claims, claim);
    }

    ngx_rbtree_insert(&claims->ids, &claim->node.node);

    return NGX_OK;

failed:

    ngx_destroy_pool(s->pool);

    return NGX_ERROR;
}


static void
ngx_http_notify_claims_target(ngx_http_notify_claims_t *claims,
    ngx_http_notify_claim_t *claim)
{
    ngx_str_t                        pointer;
    const char                      *reason;
    ngx_http_notify_profile_t       *profile;
    ngx_http_notify_subscription_t  *s;

    s = claim->subscription;

    if (s->filter.len) {
        reason = NULL;

        claim->filter = ngx_http_notify_filter_compile(s->pool, &s->filter,
                                                       &reason, &pointer);
        if (claim->filter == NULL) {
            claim->reason = "its filter cannot be used";
            return;
        }
    }

    profile = ngx_http_notify_channel_profile(claims->channel, &s->profile);
    if (profile == NULL) {
        claim->reason = "its profile does not exist any more";
        return;
    }

    claim->reason = "no memory";

    claim->conf = ngx_http_notify_claims_conf(claims, profile);
    if (claim->conf == NULL) {
        return;
    }

    reason = NULL;

    claim->target = ngx_http_notify_call_target(claim->conf, s, ngx_cycle->log,
                                                &reason);
    if (claim->target == NULL && reason) {
        claim->reason = reason;
    }
}


static ngx_http_notify_call_conf_t *
ngx_http_notify_claims_conf(ngx_http_notify_claims_t *claims,
    ngx_http_notify_profile_t *profile)
{
    ngx_queue_t                    *q;
    ngx_http_notify_claims_conf_t  *conf;

    for (q = ngx_queue_head(&claims->confs);
         q != ngx_queue_sentinel(&claims->confs);
         q = ngx_queue_next(q))
    {
        conf = ngx_queue_data(q, ngx_http_notify_claims_conf_t, queue);

        if (conf->profile == profile) {
            return &conf->conf;
        }
    }

    conf = ngx_alloc(sizeof(ngx_http_notify_claims_conf_t), ngx_cycle->log);
    if (conf == NULL) {
        return NULL;
    }

    conf->profile = profile;
    conf->conf = profile->call;

    ngx_queue_insert_tail(&claims->confs, &conf->queue);

    return &conf->conf;
}


/* an event's name has no colon, so that no two keys are the same */

static ngx_http_notify_claims_event_t *
ngx_http_notify_claims_event(ngx_http_notify_claims_t *claims,
    const ngx_str_t *tenant, const ngx_str_t *type, ngx_uint_t create)
{
    u_char                          *p;
    uint32_t                         hash;
    ngx_str_t                        key;
    ngx_http_notify_claims_event_t  *event;
    u_char                           buf[NGX_HTTP_NOTIFY_CLAIMS_KEY];

    key.len = tenant->len + 1 + type->len;
    key.data = buf;

    if (key.len > sizeof(buf)) {
        return NULL;
    }

    p = buf;

    if (tenant->len) {
        p = ngx_cpymem(p, tenant->data, tenant->len);
    }

    *p++ = ':';
    ngx_memcpy(p, type->data, type->len);

    hash = ngx_crc32_short(key.data, key.len);

    event = (ngx_http_notify_claims_event_t *)
                ngx_str_rbtree_lookup(&claims->events, &key, hash);

    if (event || !create) {
        return event;
    }

    event = ngx_alloc(sizeof(ngx_http_notify_claims_event_t) + key.len,
                      ngx_cycle->log);
    if (event == NULL) {
        return NULL;
    }

    event->node.node.key = hash;
    event->node.str.len = key.len;
    event->node.str.data = (u_char *) &event[1];
    ngx_memcpy(event->node.str.data, key.data, key.len);

    ngx_queue_init(&event->claims);

    ngx_rbtree_insert(&claims->events, &event->node.node);

    return event;
}


static void
ngx_http_notify_claims_remove(ngx_http_notify_claims_t *claims,
    ngx_http_notify_claim_t *claim)
{
    ngx_pool_t                *pool;
    ngx_http_notify_target_t  *target;

    ngx_rbtree_delete(&claims->ids, &claim->node.node);

    if (claim->event) {
        ngx_queue_remove(&claim->link);

        if (ngx_queue_empty(&claim->event->claims)) {
            ngx_rbtree_delete(&claims->events, &claim->event->node.node);
            ngx_free(claim->event);
        }
    }

    /* the claim itself lives in that pool, for as long as calls last */

    pool = claim->subscription->pool;
    target = claim->target;

    if (target == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    ngx_http_notify_call_target_release(target, ngx_http_notify_claims_gone,
                                        pool);
}


static void
ngx_http_notify_claims_gone(void *data)
{
    ngx_destroy_pool(data);
}


void
ngx_http_notify_claims_exit_process(void)
{
    ngx_queue_t  *q;

    if (ngx_http_notify_claims_list.next == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_notify_claims_list)) {
        q = ngx_queue_head(&ngx_http_notify_claims_list);
        ngx_queue_remove(q);

        ngx_http_notify_claims_free(ngx_queue_data(q, ngx_http_notify_claims_t,
                                                   queue));
    }
}


static void
ngx_http_notify_claims_free(ngx_http_notify_claims_t *claims)
{
    ngx_queue_t        *q;
    ngx_rbtree_node_t  *node;

    if (claims->timer.timer_set) {
        ngx_del_timer(&claims->timer);
    }

    while (claims->ids.root != claims->ids.sentinel) {
        node = ngx_rbtree_min(claims->ids.root, claims->ids.sentinel);
        ngx_http_notify_claims_remove(claims, (ngx_http_notify_claim_t *) node);
    }

    while (!ngx_queue_empty(&claims->chunks)) {
        q = ngx_queue_head(&claims->chunks);
        ngx_http_notify_claims_chunk_free(ngx_queue_data(q,
                                     ngx_http_notify_claims_chunk_t, queue));
    }

    ngx_queue_add(&claims->asked, &claims->waiting);
    ngx_queue_add(&claims->asked, &claims->confs);

    while (!ngx_queue_empty(&claims->asked)) {
        q = ngx_queue_head(&claims->asked);
        ngx_queue_remove(q);

        /* the queue is the first member of both */
        ngx_free(q);
    }

    ngx_free(claims);
}
