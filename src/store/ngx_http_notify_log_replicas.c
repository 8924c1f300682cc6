/*
 * Of each connection one WAIT at a time behind the publishes that were
 * answered; those answered meanwhile share the next one.  The worker has a
 * list of these connections.  Must not know what was published, nor for whom.
 */

#include "ngx_http_notify_command.h"
#include "ngx_http_notify_log_replicas.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_LOG_REPLICAS_QUIET  60    /* seconds */


typedef struct ngx_http_notify_log_replicas_of_s
    ngx_http_notify_log_replicas_of_t;

struct ngx_http_notify_log_replicas_of_s {
    ngx_http_notify_log_replicas_of_t  *next;
    ngx_http_notify_redis_t            *redis;
    ngx_uint_t                          replicas;
    ngx_msec_t                          timeout;
    ngx_queue_t                         waiting;  /* those asked for first */
    ngx_event_t                         event;    /* the end of this turn */
    ngx_uint_t                          asking;   /* generation, 0: none */
    time_t                              said;
};


static void ngx_http_notify_log_replicas_ask(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_log_replicas_send(
    ngx_http_notify_log_replicas_of_t *of);
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_replicas_answer;
static void ngx_http_notify_log_replicas_tell(
    ngx_http_notify_log_replicas_of_t *of, ngx_int_t rc,
    ngx_uint_t generation);
static void ngx_http_notify_log_replicas_say(
    ngx_http_notify_log_replicas_of_t *of, int64_t replicas);


static ngx_http_notify_log_replicas_of_t  *ngx_http_notify_log_replicas_all;


ngx_int_t
ngx_http_notify_log_replicas_use(ngx_http_notify_redis_t *redis, ngx_uint_t n,
    ngx_msec_t timeout)
{
    ngx_http_notify_log_replicas_of_t  *of;

    of = ngx_calloc(sizeof(ngx_http_notify_log_replicas_of_t), ngx_cycle->log);
    if (of == NULL) {
        return NGX_ERROR;
    }

    of->redis = redis;
    of->replicas = n;
    of->timeout = timeout;
    ngx_http_notify_timer_init(&of->event, ngx_http_notify_log_replicas_ask,
                               of, ngx_cycle->log);

    ngx_queue_init(&of->waiting);

    of->next = ngx_http_notify_log_replicas_all;
    ngx_http_notify_log_replicas_all = of;

    return NGX_OK;
}


void
ngx_http_notify_log_replicas_end(void)
{
    ngx_queue_t                        *q;
    ngx_http_notify_log_replicas_of_t  *of;

    while ((of = ngx_http_notify_log_replicas_all) != NULL) {
        ngx_http_notify_log_replicas_all = of->next;

        while (!ngx_queue_empty(&of->waiting)) {
            q = ngx_queue_head(&of->waiting);
            ngx_queue_remove(q);

            ngx_free(ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue));
        }

        if (of->event.posted) {
            ngx_delete_posted_event(&of->event);
        }

        ngx_free(of);
    }
}


ngx_int_t
ngx_http_notify_log_replicas(const ngx_http_notify_redis_t *redis,
    ngx_http_notify_log_replicas_t *wait,
    ngx_http_notify_log_replicas_pt handler)
{
    ngx_http_notify_log_replicas_of_t  *of;

    for (of = ngx_http_notify_log_replicas_all; of; of = of->next) {
        if (of->redis == redis) {
            break;
        }
    }

    if (of == NULL) {
        return NGX_DECLINED;
    }

    wait->handler = handler;
    wait->asked = 0;
    wait->generation = ngx_http_notify_redis_generation(of->redis);

    ngx_queue_insert_tail(&of->waiting, &wait->queue);

    if (!of->asking) {
        ngx_post_event(&of->event, &ngx_posted_events);
    }

    return NGX_OK;
}


static void
ngx_http_notify_log_replicas_ask(ngx_event_t *ev)
{
    ngx_http_notify_log_replicas_of_t *of = ev->data;

    ngx_uint_t                   generation;
    ngx_queue_t                 *q;
    ngx_http_notify_log_replicas_t  *wait;

    if (of->asking || ngx_queue_empty(&of->waiting)) {
        return;
    }

    generation = ngx_http_notify_redis_generation(of->redis);

    for (q = ngx_queue_head(&of->waiting);
         q != ngx_queue_sentinel(&of->waiting);
         q = ngx_queue_next(q))
    {
        wait = ngx_queue_data(q, ngx_http_notify_log_replicas_t, queue);
        wait->asked = 1;
    }

    if (generation == 0 || ngx_http_notify_log_replicas_send(of) != NGX_OK) {
        ngx_http_notify_log_replicas_tell(of, NGX_ERROR, 0);
        return;
    }

    of->asking = generation;
}


static ngx_int_t
ngx_http_notify_log_replicas_send(ngx_http_notify_log_replicas_of_t *of)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(of->redis, "WAIT",
                                          ngx_http_notify_log_replicas_answer,
                                          of);

    ngx_http_notify_command_number(command, of->replicas);

    /* commands that come meanwhile wait for it, and have a deadline, too */

    ngx_http_notify_command_number(command, of->timeout / 2);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_log_replicas_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_replicas_of_t *of = data;

    int64_t     replicas;
    ngx_int_t   rc;
    ngx_uint_t  generation;

    generation = of->asking;
    of->asking = 0;

    rc = NGX_ERROR;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_INTEGER) {
        replicas = resp->integer;

        if (replicas >= (int64_t) of->replicas) {
            rc = NGX_OK;

        } else {
            ngx_http_notify_log_replicas_say(of, replicas);
        }
    }

    ngx_http_notify_log_replicas_tell(of, rc, generation);

    if (!ngx_queue_empty(&of->waiting)) {
        ngx_post_event(&of->event, &ngx_posted_events);
    }
}


/* those that were asked for; a handler may publish, but none goes away */

static void
ngx_http_notify_log_replicas_tell(ngx_http_notify_log_replicas_of_t *of,
    ngx_int_t rc, ngx_uint_t generation)
{
    ngx_queue_t                  asked;
    ngx_queue_t                 *q;
    ngx_http_notify_log_replicas_t  *wait;

    ngx_queue_init(&asked);

    while (!ngx_queue_empty(&of->waiting)) {
        q = ngx_queue_head(&of->waiting);
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
ngx_http_notify_log_replicas_say(ngx_http_notify_log_replicas_of_t *of,
    int64_t replicas)
{
    if (ngx_time() - of->said < NGX_HTTP_NOTIFY_LOG_REPLICAS_QUIET) {
        return;
    }

    of->said = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "notify log: %L of %ui replicas have what was published: "
                  "it is not acknowledged", replicas,
                  of->replicas);
}
