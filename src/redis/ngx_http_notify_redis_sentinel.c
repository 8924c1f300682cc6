/*
 * A connection that stays with a sentinel and asks it again and again who the
 * master is.  A master that is replaced, but lives, goes on as before for many
 * seconds, until the sentinels make it a replica: connections to it are closed
 * at once.  One static state for each worker, as long as there are connections
 * that go by sentinels.  Does not know what these are for.
 */

#include "ngx_http_notify_redis_internal.h"


#define NGX_HTTP_NOTIFY_REDIS_SENTINEL_ASK    500   /* ms */
/* the others may be told of it a little later */
#define NGX_HTTP_NOTIFY_REDIS_SENTINEL_LOOKS  10


static void ngx_http_notify_redis_sentinel_named(
    ngx_http_notify_redis_t *redis,
    const ngx_http_notify_redis_target_t *master);
static void ngx_http_notify_redis_sentinel_ask(ngx_event_t *ev);
static ngx_uint_t ngx_http_notify_redis_sentinel_same(
    const ngx_http_notify_redis_target_t *one,
    const ngx_http_notify_redis_target_t *two);
static void ngx_http_notify_redis_sentinel_look(void);


static struct {
    ngx_queue_t                      others;
    ngx_http_notify_redis_t         *redis;
    ngx_event_t                      ask;
    ngx_http_notify_redis_target_t   master;
    ngx_uint_t                       looks;     /* that are left */
    ngx_uint_t                       making;    /* unsigned  making:1; */
} ngx_http_notify_redis_sentinel;


ngx_int_t
ngx_http_notify_redis_sentinel_join(ngx_cycle_t *cycle,
    ngx_http_notify_redis_t *redis, ngx_http_notify_redis_create_pt create)
{
    ngx_event_t              *ev;
    ngx_http_notify_redis_t  *own;

    if (redis->conf->sentinel.len == 0) {
        return NGX_OK;
    }

    if (ngx_http_notify_redis_sentinel.making) {
        redis->named = ngx_http_notify_redis_sentinel_named;
        return NGX_OK;
    }

    if (ngx_http_notify_redis_sentinel.redis == NULL) {
        ngx_memzero(&ngx_http_notify_redis_sentinel,
                    sizeof(ngx_http_notify_redis_sentinel));
        ngx_queue_init(&ngx_http_notify_redis_sentinel.others);

        ngx_http_notify_redis_sentinel.making = 1;
        own = create(cycle, redis->conf, "sentinel", NULL, NULL);
        ngx_http_notify_redis_sentinel.making = 0;

        if (own == NULL) {
            return NGX_ERROR;
        }

        ngx_http_notify_redis_sentinel.redis = own;

        ev = &ngx_http_notify_redis_sentinel.ask;

        ev->handler = ngx_http_notify_redis_sentinel_ask;
        ev->data = own;
        ev->log = cycle->log;
        ev->cancelable = 1;
    }

    ngx_queue_insert_tail(&ngx_http_notify_redis_sentinel.others,
                          &redis->queue);

    return NGX_OK;
}


ngx_http_notify_redis_t *
ngx_http_notify_redis_sentinel_leave(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_redis_t  *own;

    if (redis->queue.next == NULL) {
        return NULL;
    }

    ngx_queue_remove(&redis->queue);

    if (!ngx_queue_empty(&ngx_http_notify_redis_sentinel.others)) {
        return NULL;
    }

    if (ngx_http_notify_redis_sentinel.ask.timer_set) {
        ngx_del_timer(&ngx_http_notify_redis_sentinel.ask);
    }

    own = ngx_http_notify_redis_sentinel.redis;
    ngx_http_notify_redis_sentinel.redis = NULL;

    return own;
}


static void
ngx_http_notify_redis_sentinel_named(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_redis_target_t *master)
{
    ngx_http_notify_redis_target_t  *known;

    redis->failures = 0;
    redis->logged = 0;

    known = &ngx_http_notify_redis_sentinel.master;

    if (!ngx_http_notify_redis_sentinel_same(known, master)) {
        known->socklen = master->socklen;
        ngx_memcpy(&known->sockaddr, &master->sockaddr, master->socklen);

        ngx_http_notify_redis_sentinel.looks =
            NGX_HTTP_NOTIFY_REDIS_SENTINEL_LOOKS;
    }

    if (ngx_http_notify_redis_sentinel.looks) {
        ngx_http_notify_redis_sentinel.looks--;
        ngx_http_notify_redis_sentinel_look();
    }

    ngx_add_timer(&ngx_http_notify_redis_sentinel.ask,
                  NGX_HTTP_NOTIFY_REDIS_SENTINEL_ASK);
}


/* a connection that was lost meanwhile asks by itself when it is made anew */

static void
ngx_http_notify_redis_sentinel_ask(ngx_event_t *ev)
{
    ngx_http_notify_redis_t *redis = ev->data;

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_SETUP
        && ngx_queue_empty(&redis->pending)
        && ngx_http_notify_redis_route_ask(redis) != NGX_OK)
    {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "no memory");
    }
}


static ngx_uint_t
ngx_http_notify_redis_sentinel_same(const ngx_http_notify_redis_target_t *one,
    const ngx_http_notify_redis_target_t *two)
{
    return one->socklen == two->socklen
           && ngx_cmp_sockaddr((struct sockaddr *) &one->sockaddr,
                               one->socklen,
                               (struct sockaddr *) &two->sockaddr,
                               two->socklen, 1)
              == NGX_OK;
}


static void
ngx_http_notify_redis_sentinel_look(void)
{
    ngx_queue_t              *q;
    ngx_http_notify_redis_t  *redis;

    for (q = ngx_queue_head(&ngx_http_notify_redis_sentinel.others);
         q != ngx_queue_sentinel(&ngx_http_notify_redis_sentinel.others);
         q = ngx_queue_next(q))
    {
        redis = ngx_queue_data(q, ngx_http_notify_redis_t, queue);

        if (redis->routed
            && !ngx_http_notify_redis_sentinel_same(&redis->target,
                                        &ngx_http_notify_redis_sentinel.master))
        {
            ngx_http_notify_redis_reset(redis, "it is the master no more");
        }
    }
}
