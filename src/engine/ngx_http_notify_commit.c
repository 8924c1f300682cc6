
/*
 * A commit in flight keeps its command: when Redis refuses it (a full disk),
 * it is sent again unchanged, and meanwhile its bucket runs dry, since no more
 * than twice `in_flight` may be done and not committed.
 */

#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_dispatch.h"
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_tail.h"


#define NGX_HTTP_NOTIFY_COMMIT_AGAIN     1000   /* ms, after an error */
#define NGX_HTTP_NOTIFY_COMMIT_KEYS      6      /* a subscription's */

#define NGX_HTTP_NOTIFY_COMMIT_LAGGING   1
#define NGX_HTTP_NOTIFY_COMMIT_BREAKER   2
#define NGX_HTTP_NOTIFY_COMMIT_PAUSED    3


typedef struct {
    ngx_queue_t                    queue;
    u_char                         code;
    ngx_http_notify_id_t           id;
    ngx_http_notify_id_t           to;
    uint64_t                       due;
    uint64_t                       first;
    ngx_uint_t                     attempts;
    const char                    *reason;
} ngx_http_notify_commit_operation_t;


typedef struct ngx_http_notify_commit_s  ngx_http_notify_commit_t;

struct ngx_http_notify_commit_s {
    ngx_pool_t                    *pool;
    ngx_http_notify_lease_t       *lease;       /* NULL: forgotten */
    ngx_http_notify_id_t           position;
    ngx_array_t                    keys;        /* of ngx_str_t */
    ngx_array_t                    args;        /* of ngx_str_t */
    ngx_array_t                    subscribers; /* pointers; NULL: dropped */
    ngx_event_t                    again;
    unsigned                       sent:1;
};


static ngx_int_t ngx_http_notify_commit_operation(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_commit_operation_t *op);
static void ngx_http_notify_commit_handler(ngx_event_t *ev);
static void ngx_http_notify_commit_lease(ngx_http_notify_lease_t *lease);
static ngx_uint_t ngx_http_notify_commit_fits(ngx_http_notify_lease_t *lease);
static ngx_http_notify_commit_t *ngx_http_notify_commit_create(
    ngx_http_notify_lease_t *lease);
static ngx_int_t ngx_http_notify_commit_subscriber(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s);
static ngx_int_t ngx_http_notify_commit_attempts(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s);
static ngx_int_t ngx_http_notify_commit_cursor(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s);
static ngx_int_t ngx_http_notify_commit_write(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_operation_t *op);
static ngx_int_t ngx_http_notify_commit_arg(ngx_http_notify_commit_t *c,
    const char *fmt, ...);
static void ngx_http_notify_commit_send(ngx_http_notify_commit_t *c);
static void ngx_http_notify_commit_again(ngx_event_t *ev);
static void ngx_http_notify_commit_reply(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_commit_acknowledge(ngx_http_notify_commit_t *c);


ngx_int_t
ngx_http_notify_commit_init(ngx_http_notify_feed_t *feed)
{
    feed->commit_event.handler = ngx_http_notify_commit_handler;
    feed->commit_event.data = feed;
    feed->commit_event.log = feed->log;

    feed->commit_timer.handler = ngx_http_notify_commit_handler;
    feed->commit_timer.data = feed;
    feed->commit_timer.log = feed->log;
    feed->commit_timer.cancelable = 1;

    return NGX_OK;
}


void
ngx_http_notify_commit_exit(ngx_http_notify_feed_t *feed)
{
    if (feed->commit_timer.timer_set) {
        ngx_del_timer(&feed->commit_timer);
    }

    if (feed->commit_event.posted) {
        ngx_delete_posted_event(&feed->commit_event);
    }
}


void
ngx_http_notify_commit_soon(ngx_http_notify_feed_t *feed, ngx_uint_t now)
{
    if (now) {
        ngx_post_event(&feed->commit_event, &ngx_posted_events);

    } else if (!feed->commit_timer.timer_set) {
        ngx_add_timer(&feed->commit_timer, NGX_HTTP_NOTIFY_COMMIT_INTERVAL);
    }
}


ngx_int_t
ngx_http_notify_commit_retry(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, uint64_t due, ngx_uint_t attempts,
    uint64_t first)
{
    ngx_http_notify_commit_operation_t  op;

    ngx_memzero(&op, sizeof(ngx_http_notify_commit_operation_t));

    op.code = 'r';
    op.id = *id;
    op.due = due;
    op.attempts = attempts;
    op.first = first;

    return ngx_http_notify_commit_operation(s, &op);
}


ngx_int_t
ngx_http_notify_commit_done(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    ngx_http_notify_commit_operation_t  op;

    ngx_memzero(&op, sizeof(ngx_http_notify_commit_operation_t));

    op.code = 'd';
    op.id = *id;

    return ngx_http_notify_commit_operation(s, &op);
}


ngx_int_t
ngx_http_notify_commit_dead(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id, const char *reason)
{
    ngx_http_notify_commit_operation_t  op;

    ngx_memzero(&op, sizeof(ngx_http_notify_commit_operation_t));

    op.code = 'k';
    op.id = *id;
    op.reason = reason;

    return ngx_http_notify_commit_operation(s, &op);
}


ngx_int_t
ngx_http_notify_commit_gap(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from, const ngx_http_notify_id_t *to)
{
    ngx_http_notify_commit_operation_t  op;

    ngx_memzero(&op, sizeof(ngx_http_notify_commit_operation_t));

    op.code = 'g';
    op.id = *from;
    op.to = *to;

    return ngx_http_notify_commit_operation(s, &op);
}


ngx_int_t
ngx_http_notify_commit_replay(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place)
{
    ngx_http_notify_commit_operation_t  op;

    ngx_memzero(&op, sizeof(ngx_http_notify_commit_operation_t));

    op.code = place ? 'p' : 'P';

    if (place) {
        op.id = *place;
    }

    return ngx_http_notify_commit_operation(s, &op);
}


static ngx_int_t
ngx_http_notify_commit_operation(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_commit_operation_t *op)
{
    ngx_http_notify_commit_operation_t  *copy;

    copy = ngx_alloc(sizeof(ngx_http_notify_commit_operation_t),
                     s->lease->feed->log);
    if (copy == NULL) {

        /* the bucket is read again, from what is in Redis */

        s->lease->broken = 1;
        ngx_http_notify_commit_soon(s->lease->feed, 1);

        return NGX_ERROR;
    }

    *copy = *op;
    ngx_queue_insert_tail(&s->operations, &copy->queue);

    ngx_http_notify_subscriber_touch(s);

    return NGX_OK;
}


void
ngx_http_notify_commit_drop(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                            i;
    ngx_queue_t                          *q;
    ngx_http_notify_commit_t             *c;
    ngx_http_notify_subscriber_t        **ss;
    ngx_http_notify_commit_operation_t   *op;

    while (!ngx_queue_empty(&s->operations)) {
        q = ngx_queue_head(&s->operations);
        op = ngx_queue_data(q, ngx_http_notify_commit_operation_t, queue);
        ngx_queue_remove(q);
        ngx_free(op);
    }

    if (s->dirty) {
        s->dirty = 0;
        ngx_queue_remove(&s->dirty_link);
    }

    c = s->lease->commit;

    if (c != NULL) {
        ss = c->subscribers.elts;

        for (i = 0; i < c->subscribers.nelts; i++) {
            if (ss[i] == s) {
                ss[i] = NULL;
            }
        }
    }
}


void
ngx_http_notify_commit_forget(ngx_http_notify_lease_t *lease)
{
    ngx_http_notify_commit_t  *c;

    c = lease->commit;
    lease->commit = NULL;

    if (c == NULL) {
        return;
    }

    if (c->sent) {
        c->lease = NULL;        /* freed by its reply */
        return;
    }

    if (c->again.timer_set) {
        ngx_del_timer(&c->again);
    }

    ngx_destroy_pool(c->pool);
}


void
ngx_http_notify_commit_position(ngx_http_notify_lease_t *lease)
{
    ngx_queue_t                   *q;
    ngx_http_notify_subscriber_t  *s;

    if (lease->commit != NULL
        || lease->state != NGX_HTTP_NOTIFY_LEASE_JOINED
        || ngx_http_notify_id_compare(&lease->position, &lease->committed)
           == 0)
    {
        return;
    }

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        if (s->stored && !s->queued && !s->nwindow && !s->behind && !s->gap) {
            ngx_http_notify_subscriber_touch(s);
        }
    }

    ngx_http_notify_commit_lease(lease);
}


ngx_uint_t
ngx_http_notify_commit_pending(ngx_http_notify_lease_t *lease)
{
    return lease->commit != NULL || !ngx_queue_empty(&lease->dirty);
}


static void
ngx_http_notify_commit_handler(ngx_event_t *ev)
{
    ngx_uint_t               i;
    ngx_http_notify_feed_t  *feed;

    feed = ev->data;

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_N; i++) {
        if (feed->counts[i]) {
            ngx_http_notify_metrics_add(feed->channel->metrics, i,
                                        feed->counts[i]);
            feed->counts[i] = 0;
        }
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_BUCKETS; i++) {
        if (feed->leases[i].broken) {
            ngx_http_notify_lease_drop(&feed->leases[i]);
            continue;
        }

        if (feed->leases[i].state >= NGX_HTTP_NOTIFY_LEASE_READ
            && feed->leases[i].placed
            && !ngx_queue_empty(&feed->leases[i].dirty)
            && feed->leases[i].commit == NULL)
        {
            ngx_http_notify_commit_lease(&feed->leases[i]);
        }
    }
}


static void
ngx_http_notify_commit_lease(ngx_http_notify_lease_t *lease)
{
    ngx_queue_t                   *q;
    ngx_http_notify_commit_t      *c;
    ngx_http_notify_subscriber_t  *s, **ss;

    lease->urgent = 0;

    c = ngx_http_notify_commit_create(lease);
    if (c == NULL) {
        goto failed;
    }

    while (!ngx_queue_empty(&lease->dirty)
           && c->args.nelts < NGX_HTTP_NOTIFY_COMMIT_FIELDS)
    {
        q = ngx_queue_head(&lease->dirty);
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, dirty_link);

        ss = ngx_array_push(&c->subscribers);
        if (ss == NULL) {
            goto failed;
        }

        *ss = s;

        if (ngx_http_notify_commit_subscriber(c, s) != NGX_OK) {
            goto failed;
        }

        ngx_queue_remove(q);
        s->dirty = 0;
    }

    lease->commit = c;

    ngx_http_notify_commit_send(c);

    return;

failed:

    /*
     * No memory, and some operations may be in the command that is lost: what
     * is in Redis is whole, so begin again from there.
     */

    ngx_log_error(NGX_LOG_ALERT, lease->feed->log, 0,
                  "notify commit: no memory, bucket %ui is read again",
                  lease->bucket);

    if (c != NULL) {
        ngx_destroy_pool(c->pool);
    }

    ngx_http_notify_lease_drop(lease);
}


/*
 * Whoever has no cursor of its own stands where the bucket stands, so the
 * bucket may move only when all that are elsewhere are in the same script.
 */

static ngx_uint_t
ngx_http_notify_commit_fits(ngx_http_notify_lease_t *lease)
{
    ngx_uint_t                     n;
    ngx_queue_t                   *q, *op;
    ngx_http_notify_subscriber_t  *s;

    n = 6;

    for (q = ngx_queue_head(&lease->dirty);
         q != ngx_queue_sentinel(&lease->dirty);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, dirty_link);

        if (n >= NGX_HTTP_NOTIFY_COMMIT_FIELDS) {
            return 0;
        }

        n += 11;

        for (op = ngx_queue_head(&s->operations);
             op != ngx_queue_sentinel(&s->operations);
             op = ngx_queue_next(op))
        {
            n += 4;
        }
    }

    return 1;
}


static ngx_http_notify_commit_t *
ngx_http_notify_commit_create(ngx_http_notify_lease_t *lease)
{
    ngx_str_t                 *key;
    ngx_uint_t                 i;
    ngx_pool_t                *pool;
    ngx_http_notify_feed_t    *feed;
    ngx_http_notify_keys_t    *keys;
    ngx_http_notify_commit_t  *c;

    feed = lease->feed;
    keys = &feed->channel->keys;

    pool = ngx_create_pool(4096, feed->log);
    if (pool == NULL) {
        return NULL;
    }

    c = ngx_pcalloc(pool, sizeof(ngx_http_notify_commit_t));
    if (c == NULL) {
        goto failed;
    }

    c->pool = pool;
    c->lease = lease;
    c->position = ngx_http_notify_commit_fits(lease) ? lease->position
                                                     : lease->committed;

    if (ngx_array_init(&c->keys, pool, 16, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&c->args, pool, 32, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&c->subscribers, pool, 8,
                          sizeof(ngx_http_notify_subscriber_t *))
           != NGX_OK)
    {
        goto failed;
    }

    key = ngx_array_push_n(&c->keys, 7);

    key[0] = ngx_http_notify_keys_name(pool, keys, "leases", NULL);
    key[1] = ngx_http_notify_keys_bucket(pool, keys, "pos", lease->bucket);
    key[2] = ngx_http_notify_keys_bucket(pool, keys, "cursor", lease->bucket);
    key[3] = ngx_http_notify_keys_bucket(pool, keys, "due", lease->bucket);
    key[4] = ngx_http_notify_keys_name(pool, keys, "subs", NULL);
    key[5] = ngx_http_notify_keys_bucket(pool, keys, "replays", lease->bucket);
    key[6] = ngx_http_notify_keys_bucket(pool, keys, "attempted",
                                         lease->bucket);

    for (i = 0; i < 7; i++) {
        if (key[i].data == NULL) {
            goto failed;
        }
    }

    if (ngx_http_notify_commit_arg(c, "%V", &feed->owner) != NGX_OK
        || ngx_http_notify_commit_arg(c, "%ui", lease->bucket) != NGX_OK
        || ngx_http_notify_commit_arg(c, "%uL", lease->epoch) != NGX_OK
        || ngx_http_notify_commit_arg(c, "%uL-%uL", c->position.ms,
                                      c->position.seq)
           != NGX_OK
        || ngx_http_notify_commit_arg(c, "%uL",
                                      ngx_http_notify_subscriber_now())
           != NGX_OK
        || ngx_http_notify_commit_arg(c, "%uL",
                                      ngx_http_notify_tail_horizon(feed))
           != NGX_OK)
    {
        goto failed;
    }

    return c;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_http_notify_commit_subscriber(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s)
{
    ngx_str_t                            *key;
    ngx_uint_t                            i;
    ngx_queue_t                          *q;
    ngx_http_notify_commit_operation_t   *op;

    static const char  *kinds[] = { "retry", "tries", "dead", "gap", "replay",
                                    "attempts" };

    key = ngx_array_push_n(&c->keys, NGX_HTTP_NOTIFY_COMMIT_KEYS);
    if (key == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_COMMIT_KEYS; i++) {
        key[i] = ngx_http_notify_keys_name(c->pool,
                                       &c->lease->feed->channel->keys,
                                       kinds[i], &s->node.str);
        if (key[i].data == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_notify_commit_arg(c, "S") != NGX_OK
        || ngx_http_notify_commit_arg(c, "%V", &s->node.str) != NGX_OK)
    {
        return NGX_ERROR;
    }

    while (!ngx_queue_empty(&s->operations)) {
        q = ngx_queue_head(&s->operations);
        op = ngx_queue_data(q, ngx_http_notify_commit_operation_t, queue);

        if (ngx_http_notify_commit_write(c, op) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_queue_remove(q);
        ngx_free(op);
    }

    if (ngx_http_notify_commit_attempts(c, s) != NGX_OK) {
        return NGX_ERROR;
    }

    s->unacked_sent = s->unacked;
    s->unsettled_sent = s->unsettled;

    if (s->release) {
        s->release = 0;
        s->due = ngx_http_notify_subscriber_now();

        if (ngx_http_notify_commit_arg(c, "n") != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_commit_cursor(c, s);
}


static ngx_int_t
ngx_http_notify_commit_attempts(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s)
{
    ngx_str_t   *arg;
    ngx_uint_t   max;

    if (s->attempts == NULL || s->attempts->n == 0) {
        return NGX_OK;
    }

    max = s->profile ? s->profile->attempts.max : NGX_HTTP_NOTIFY_ATTEMPTS_MAX;

    if (ngx_http_notify_commit_arg(c, "a") != NGX_OK
        || ngx_http_notify_commit_arg(c, "%ui", s->attempts->n) != NGX_OK
        || ngx_http_notify_commit_arg(c, "%ui", max) != NGX_OK)
    {
        return NGX_ERROR;
    }

    arg = ngx_array_push_n(&c->args, 2);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_attempts_take(s, c->pool, &arg[0], &arg[1])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_commit_cursor(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s)
{
    uint64_t              until;
    ngx_uint_t            flags;
    ngx_http_notify_id_t  id;

    id = ngx_http_notify_subscriber_cursor(s);

    flags = s->behind ? NGX_HTTP_NOTIFY_COMMIT_LAGGING : 0;
    until = 0;

    if (s->breaker.state != NGX_HTTP_NOTIFY_BREAKER_CLOSED) {
        flags = NGX_HTTP_NOTIFY_COMMIT_BREAKER;
        until = s->breaker.until;

    } else if (s->paused) {
        flags = NGX_HTTP_NOTIFY_COMMIT_PAUSED;
        until = s->paused;
    }

    if (!s->disabled && flags == 0
        && ngx_http_notify_id_compare(&id, &c->position) == 0)
    {
        if (!s->stored) {
            return NGX_OK;
        }

        s->stored = 0;

        return ngx_http_notify_commit_arg(c, "x");
    }

    if (s->stored && flags == s->stored_flags
        && flags < NGX_HTTP_NOTIFY_COMMIT_BREAKER
        && ngx_http_notify_id_compare(&id, &s->stored_id) == 0)
    {
        return NGX_OK;
    }

    s->stored = 1;
    s->stored_id = id;
    s->stored_flags = flags;

    if (s->disabled) {

        /* unless somebody has enabled it since, and so moved it */

        if (ngx_http_notify_commit_arg(c, "C") != NGX_OK
            || ngx_http_notify_commit_arg(c, "%uL-%uL", id.ms, id.seq)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_notify_commit_arg(c, "%uL", s->doc->version);
    }

    if (ngx_http_notify_commit_arg(c, "c") != NGX_OK) {
        return NGX_ERROR;
    }

    if (flags < NGX_HTTP_NOTIFY_COMMIT_BREAKER) {
        return ngx_http_notify_commit_arg(c, "%uL-%uL%s", id.ms, id.seq,
                                          flags ? " lagging" : "");
    }

    return ngx_http_notify_commit_arg(c, "%uL-%uL paused %uL %s", id.ms,
                                      id.seq, until,
                                      flags == NGX_HTTP_NOTIFY_COMMIT_BREAKER
                                      ? "breaker" : "retry_after");
}


static ngx_int_t
ngx_http_notify_commit_write(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_operation_t *op)
{
    if (ngx_http_notify_commit_arg(c, "%c", op->code) != NGX_OK) {
        return NGX_ERROR;
    }

    if (op->code == 'P') {
        return NGX_OK;
    }

    if (ngx_http_notify_commit_arg(c, "%uL-%uL", op->id.ms, op->id.seq)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (op->code) {

    case 'r':
        if (ngx_http_notify_commit_arg(c, "%uL", op->due) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_commit_arg(c, "%ui %uL", op->attempts,
                                          op->first);

    case 'd':
        return ngx_http_notify_commit_arg(c, "%uL", op->id.ms);

    case 'k':
        if (ngx_http_notify_commit_arg(c, "%uL", op->id.ms) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_commit_arg(c, "%s", op->reason);

    case 'g':
        return ngx_http_notify_commit_arg(c, "%uL-%uL", op->to.ms,
                                          op->to.seq);

    default: /* 'p' */
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_notify_commit_arg(ngx_http_notify_commit_t *c, const char *fmt, ...)
{
    u_char      buf[512], *p;
    va_list     args;
    ngx_str_t  *arg;

    arg = ngx_array_push(&c->args);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args);
    va_end(args);

    arg->len = p - buf;
    arg->data = ngx_pnalloc(c->pool, arg->len);
    if (arg->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(arg->data, buf, arg->len);

    return NGX_OK;
}


static void
ngx_http_notify_commit_send(ngx_http_notify_commit_t *c)
{
    c->again.handler = ngx_http_notify_commit_again;
    c->again.data = c;
    c->again.log = c->lease->feed->log;
    c->again.cancelable = 1;

    if (ngx_http_notify_script_call(c->lease->feed->redis,
                                    &ngx_http_notify_script_commit,
                                    c->keys.elts, c->keys.nelts,
                                    c->args.elts, c->args.nelts,
                                    ngx_http_notify_commit_reply, c)
        != NGX_OK)
    {
        ngx_add_timer(&c->again, NGX_HTTP_NOTIFY_COMMIT_AGAIN);
        return;
    }

    c->sent = 1;
}


static void
ngx_http_notify_commit_again(ngx_event_t *ev)
{
    ngx_http_notify_commit_send(ev->data);
}


static void
ngx_http_notify_commit_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_commit_t *c = data;

    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_lease_t  *lease;

    lease = c->lease;
    c->sent = 0;

    if (lease == NULL) {
        ngx_destroy_pool(c->pool);
        return;
    }

    feed = lease->feed;

    if (resp == NULL) {

        /* the connection is lost, and so is all that was loaded by it */

        ngx_add_timer(&c->again, NGX_HTTP_NOTIFY_COMMIT_AGAIN);
        return;
    }

    if (resp->type != NGX_HTTP_NOTIFY_RESP_INTEGER) {

        /* logs, and leaves a master that is one no more */

        (void) ngx_http_notify_script_verdict(feed->redis, resp, "commit");

        ngx_add_timer(&c->again, NGX_HTTP_NOTIFY_COMMIT_AGAIN);
        return;
    }

    if (resp->integer == 0) {
        ngx_log_error(NGX_LOG_NOTICE, feed->log, 0,
                      "notify commit: bucket %ui of channel \"%V\" has "
                      "another owner", lease->bucket, &feed->channel->name);

        ngx_http_notify_metrics_add(feed->channel->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_FENCED, 1);
        ngx_http_notify_lease_drop(lease);
        return;
    }

    lease->commit = NULL;

    ngx_http_notify_commit_acknowledge(c);

    ngx_destroy_pool(c->pool);

    if (!ngx_queue_empty(&lease->dirty)) {
        ngx_http_notify_commit_soon(feed, lease->urgent);
    }
}


static void
ngx_http_notify_commit_acknowledge(ngx_http_notify_commit_t *c)
{
    ngx_uint_t                      i;
    ngx_http_notify_subscriber_t   *s, **ss;

    c->lease->committed = c->position;

    ss = c->subscribers.elts;

    for (i = 0; i < c->subscribers.nelts; i++) {
        s = ss[i];

        if (s == NULL) {
            continue;
        }

        s->unacked -= s->unacked_sent;
        s->unacked_sent = 0;
        s->unsettled -= s->unsettled_sent;
        s->unsettled_sent = 0;

        if (s->disabled && s->in_flight == 0 && !s->dirty) {
            ngx_http_notify_subscriber_drop(s);
            continue;
        }

        ngx_http_notify_dispatch_work(s);
    }
}
