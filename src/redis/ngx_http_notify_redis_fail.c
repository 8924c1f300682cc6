/*
 * The end of a connection to Redis: what is logged, when it is made anew, and
 * what is closed.  No state of its own.
 */

#include "ngx_http_notify_redis_internal.h"


#define NGX_HTTP_NOTIFY_REDIS_RETRY_MIN     50      /* ms */
#define NGX_HTTP_NOTIFY_REDIS_RETRY_MAX     2000
#define NGX_HTTP_NOTIFY_REDIS_RETRY_SLOW    5000    /* an operator must act */
#define NGX_HTTP_NOTIFY_REDIS_STABLE        2000    /* forgets failures */


static void ngx_http_notify_redis_fail_retry(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_why_e why);
static void ngx_http_notify_redis_fail_disconnect(
    ngx_http_notify_redis_t *redis);


void
ngx_http_notify_redis_reset(ngx_http_notify_redis_t *redis, const char *reason)
{
    if (redis->destroyed) {
        return;
    }

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_WAITING) {
        redis->routed = 0;
        return;
    }

    ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0, "%s",
                               reason);
}


/* the struct outlives a destroy for as long as a callback is on the stack */
void
ngx_http_notify_redis_leave(ngx_http_notify_redis_t *redis)
{
    if (--redis->busy == 0 && redis->destroyed) {
        ngx_destroy_pool(redis->pool);
    }
}


/* one line for a loss, then one for each cause that an operator must mend */
void ngx_cdecl
ngx_http_notify_redis_fail(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_why_e why, ngx_err_t err, const char *fmt, ...)
{
    u_char      *p, *last;
    va_list      args;
    ngx_uint_t   level, bit;

    last = redis->reason + sizeof(redis->reason) - 1;

    va_start(args, fmt);
    p = ngx_vslprintf(redis->reason, last, fmt, args);
    va_end(args);

    *p = '\0';

    /* parts of it are the server's words */

    for (p = redis->reason; *p; p++) {
        if (*p < ' ' || *p > '~') {
            *p = '?';
        }
    }

    bit = (ngx_uint_t) 1 << why;

    if (why == NGX_HTTP_NOTIFY_REDIS_EXITING) {
        level = NGX_LOG_NOTICE;

    } else if (redis->logged == 0
               || (why >= NGX_HTTP_NOTIFY_REDIS_AUTH && !(redis->logged & bit)))
    {
        level = NGX_LOG_ERR;

    } else {
        level = NGX_LOG_INFO;
    }

    redis->logged |= bit;

    ngx_log_error(level, redis->log, err, "notify redis: \"%s\" is down: %s",
                  redis->name, redis->reason);

    ngx_http_notify_redis_fail_retry(redis, why);
}


static void
ngx_http_notify_redis_fail_retry(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_why_e why)
{
    ngx_uint_t  naddrs, round;
    ngx_msec_t  delay;

    naddrs = redis->conf->addrs->nelts;

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_READY) {
        /* the same address first */
        if (ngx_current_msec - redis->ready_since
            > NGX_HTTP_NOTIFY_REDIS_STABLE)
        {
            redis->failures = 0;
        }

    } else {
        redis->addr = (redis->addr + 1) % naddrs;
    }

    ngx_http_notify_redis_close(redis);
    redis->routed = 0;

    if (redis->stopped) {
        return;
    }

    redis->failures++;

    if (why >= NGX_HTTP_NOTIFY_REDIS_AUTH && redis->failures % naddrs == 0) {
        /* none of the others either */
        delay = NGX_HTTP_NOTIFY_REDIS_RETRY_SLOW;

    } else {
        /* a pause after each round through the addresses */
        round = ngx_min((redis->failures - 1) / naddrs, 6);
        delay = ngx_min((ngx_msec_t) NGX_HTTP_NOTIFY_REDIS_RETRY_MIN << round,
                        NGX_HTTP_NOTIFY_REDIS_RETRY_MAX);

        if (redis->failures % naddrs) {
            delay = NGX_HTTP_NOTIFY_REDIS_RETRY_MIN;
        }
    }

    delay = delay * 3 / 4 + (ngx_msec_t) ngx_random() % (delay / 2 + 1);

    ngx_add_timer(&redis->timer, delay);
}


/* from the server that was asked to the one it named; early commands wait */
void
ngx_http_notify_redis_hop(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_redis_fail_disconnect(redis);

    /* in a turn of its own: a read from the old one is on the stack */

    ngx_add_timer(&redis->timer, 1);
}


void
ngx_http_notify_redis_close(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_redis_fail_disconnect(redis);
    ngx_http_notify_redis_queue_lose(redis);
}


static void
ngx_http_notify_redis_fail_disconnect(ngx_http_notify_redis_t *redis)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    redis->state = NGX_HTTP_NOTIFY_REDIS_WAITING;
    redis->warned = 0;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->resolving) {
        ngx_resolve_name_done(redis->resolving);
        redis->resolving = NULL;
    }

    if (redis->parser) {
        ngx_http_notify_resp_parser_destroy(redis->parser);
        redis->parser = NULL;
    }

    c = redis->peer.connection;

    if (c) {
        pool = c->pool;

        if (c->ssl) {
            /* nobody waits for a farewell: nothing to block on */

            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown = 1;

            (void) ngx_ssl_shutdown(c);
        }

        ngx_close_connection(c);

        if (pool) {
            ngx_destroy_pool(pool);
        }

        redis->peer.connection = NULL;
    }
}


/* answers are overdue */

void
ngx_http_notify_redis_fail_deadline(ngx_event_t *ev)
{
    ngx_http_notify_redis_t  *redis = ev->data;

    if (ngx_http_notify_redis_queue_overdue(redis)) {
        ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                                   "%V did not answer in time",
                                   redis->peer.name);
    }
}
