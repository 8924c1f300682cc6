/*
 * One WAIT at a time behind the publishes that were answered; those answered
 * meanwhile share the next one.  One static state a worker.  Must not know what
 * was published, nor for whom.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_log_replicas.h"


#define NGX_HTTP_NOTIFY_LOG_REPLICAS_QUIET  60    /* seconds */


typedef struct {
    ngx_http_notify_redis_t  *redis;          /* NULL: nothing waits */
    ngx_uint_t                replicas;
    ngx_msec_t                timeout;
    ngx_queue_t               waiting;        /* those asked for first */
    ngx_event_t               event;          /* the end of this turn */
    ngx_uint_t                asking;
    time_t                    said;
} ngx_http_notify_log_replicas_state_t;


static void ngx_http_notify_log_replicas_ask(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_log_replicas_send(void);
static void ngx_http_notify_log_replicas_answer(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_log_replicas_tell(ngx_int_t rc,
    ngx_uint_t generation);
static void ngx_http_notify_log_replicas_say(int64_t replicas);


static ngx_http_notify_log_replicas_state_t  ngx_http_notify_log_waits;


void
ngx_http_notify_log_replicas_use(ngx_http_notify_redis_t *redis, ngx_uint_t n,
    ngx_msec_t timeout)
{
    ngx_memzero(&ngx_http_notify_log_waits,
                sizeof(ngx_http_notify_log_replicas_state_t));

    ngx_http_notify_log_waits.redis = redis;
    ngx_http_notify_log_waits.replicas = n;
    ngx_http_notify_log_waits.timeout = timeout;
    ngx_http_notify_log_waits.event.handler = ngx_http_notify_log_replicas_ask;
    ngx_http_notify_log_waits.event.log = ngx_cycle->log;

    ngx_queue_init(&ngx_http_notify_log_waits.waiting);
}


void
ngx_http_notify_log_replicas_end(void)
{
    ngx_queue_t  *q;

    if (ngx_http_notify_log_waits.redis == NULL) {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_notify_log_waits.waiting)) {
        q = ngx_queue_head(&ngx_http_notify_log_waits.waiting);
        ngx_queue_remove(q);

        ngx_free(ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue));
    }

    if (ngx_http_notify_log_waits.event.posted) {
        ngx_delete_posted_event(&ngx_http_notify_log_waits.event);
    }

    ngx_http_notify_log_waits.redis = NULL;
}


ngx_uint_t
ngx_http_notify_log_replicas_wanted(const ngx_http_notify_redis_t *redis)
{
    return redis == ngx_http_notify_log_waits.redis;
}


void
ngx_http_notify_log_replicas(ngx_http_notify_log_replicas_t *wait,
    ngx_http_notify_log_replicas_pt handler)
{
    wait->handler = handler;
    wait->asked = 0;
    wait->generation = ngx_http_notify_redis_generation(
                           ngx_http_notify_log_waits.redis);

    ngx_queue_insert_tail(&ngx_http_notify_log_waits.waiting, &wait->queue);

    if (!ngx_http_notify_log_waits.asking) {
        ngx_post_event(&ngx_http_notify_log_waits.event, &ngx_posted_events);
    }
}


static void
ngx_http_notify_log_replicas_ask(ngx_event_t *ev)
{
    ngx_uint_t                   generation;
    ngx_queue_t                 *q;
    ngx_http_notify_log_replicas_t  *wait;

    if (ngx_http_notify_log_waits.asking
        || ngx_queue_empty(&ngx_http_notify_log_waits.waiting))
    {
        return;
    }

    generation = ngx_http_notify_redis_generation(
                     ngx_http_notify_log_waits.redis);

    for (q = ngx_queue_head(&ngx_http_notify_log_waits.waiting);
         q != ngx_queue_sentinel(&ngx_http_notify_log_waits.waiting);
         q = ngx_queue_next(q))
    {
        wait = ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue);
        wait->asked = 1;
    }

    if (generation == 0 || ngx_http_notify_log_replicas_send() != NGX_OK) {
        ngx_http_notify_log_replicas_tell(NGX_ERROR, 0);
        return;
    }

    ngx_http_notify_log_waits.asking = generation;
}


static ngx_int_t
ngx_http_notify_log_replicas_send(void)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(ngx_http_notify_log_waits.redis,
                                          "WAIT",
                                          ngx_http_notify_log_replicas_answer,
                                          NULL);

    ngx_http_notify_command_number(command,
                                   ngx_http_notify_log_waits.replicas);

    /* commands that come meanwhile wait for it, and have a deadline, too */

    ngx_http_notify_command_number(command,
                                   ngx_http_notify_log_waits.timeout / 2);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_log_replicas_answer(ngx_http_notify_resp_t *resp, void *data)
{
    int64_t     replicas;
    ngx_int_t   rc;
    ngx_uint_t  generation;

    generation = ngx_http_notify_log_waits.asking;
    ngx_http_notify_log_waits.asking = 0;

    rc = NGX_ERROR;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_INTEGER) {
        replicas = resp->integer;

        if (replicas >= (int64_t) ngx_http_notify_log_waits.replicas) {
            rc = NGX_OK;

        } else {
            ngx_http_notify_log_replicas_say(replicas);
        }
    }

    ngx_http_notify_log_replicas_tell(rc, generation);

    if (!ngx_queue_empty(&ngx_http_notify_log_waits.waiting)) {
        ngx_post_event(&ngx_http_notify_log_waits.event, &ngx_posted_events);
    }
}


/* those that were asked for; a handler may publish, but none goes away */

static void
ngx_http_notify_log_replicas_tell(ngx_int_t rc, ngx_uint_t generation)
{
    ngx_queue_t                  asked;
    ngx_queue_t                 *q;
    ngx_http_notify_log_replicas_t  *wait;

    ngx_queue_init(&asked);

    while (!ngx_queue_empty(&ngx_http_notify_log_waits.waiting)) {
        q = ngx_queue_head(&ngx_http_notify_log_waits.waiting);
        wait = ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue);

        if (!wait->asked) {
            break;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&asked, q);
    }

    while (!ngx_queue_empty(&asked)) {
        q = ngx_queue_head(&asked);
        ngx_queue_remove(q);

        wait = ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue);

        /* on another connection a WAIT says nothing of it */

        wait->handler(wait->generation == generation ? rc : NGX_ERROR, wait);
    }
}


static void
ngx_http_notify_log_replicas_say(int64_t replicas)
{
    if (ngx_time() - ngx_http_notify_log_waits.said
        < NGX_HTTP_NOTIFY_LOG_REPLICAS_QUIET)
    {
        return;
    }

    ngx_http_notify_log_waits.said = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify log: %L of %ui replicas have what was published: "
                  "it is not acknowledged", replicas,
                  ngx_http_notify_log_waits.replicas);
}
