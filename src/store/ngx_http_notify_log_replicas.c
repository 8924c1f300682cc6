/*
 * Of each connection one WAIT at a time behind the publishes that were
 * answered; those answered meanwhile share the next one.  The worker has a
 * list of these connections.  Must not know what was published, nor for whom.
 *
 * In a failover that is ordered a replica leaves its master, and sentinels say
 * so about a second later; meanwhile the master goes on, and its other replicas
 * follow it.  So with a sentinel INFO is asked for behind WAIT, and where fewer
 * or others follow, what waits is asked for again until that second is over: by
 * then the connection is gone if the master is another.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
 */

#include "ngx_http_notify_command.h"
#include "ngx_http_notify_log_replicas.h"
#include "ngx_http_notify_redis_info.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_LOG_REPLICAS_QUIET  60    /* seconds */
#define NGX_HTTP_NOTIFY_LOG_REPLICAS_LEFT   3000  /* ms until all know of it */
#define NGX_HTTP_NOTIFY_LOG_REPLICAS_HELD   10000 /* ms, no publish longer */
#define NGX_HTTP_NOTIFY_LOG_REPLICAS_AGAIN  200   /* ms between two questions */


typedef struct ngx_http_notify_log_replicas_of_s
    ngx_http_notify_log_replicas_of_t;

struct ngx_http_notify_log_replicas_of_s {
    ngx_http_notify_log_replicas_of_t  *next;
    ngx_http_notify_redis_t            *redis;
    const ngx_http_notify_redis_conf_t *conf;
    ngx_queue_t                         waiting;  /* those asked for first */
    ngx_event_t                         event;    /* the end of this turn */
    ngx_event_t                         again;    /* while one has left */
    ngx_uint_t                          asking;   /* generation, 0: none */
    ngx_uint_t                          known;    /* generation, of */
    ngx_uint_t                          followers;
    ngx_uint_t                          names;    /* who they are */
    ngx_msec_t                          left;     /* when one has, or 0 */
    ngx_msec_t                          held;     /* the first of those */
    time_t                              said;
};


static void ngx_http_notify_log_replicas_ask(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_log_replicas_send(
    ngx_http_notify_log_replicas_of_t *of);
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_replicas_answer;
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_replicas_info;
static ngx_int_t ngx_http_notify_log_replicas_follow(
    ngx_http_notify_log_replicas_of_t *of, const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_log_replicas_done(
    ngx_http_notify_log_replicas_of_t *of, ngx_int_t rc);
static void ngx_http_notify_log_replicas_tell(
    ngx_http_notify_log_replicas_of_t *of, ngx_int_t rc,
    ngx_uint_t generation);
static void ngx_http_notify_log_replicas_say(
    ngx_http_notify_log_replicas_of_t *of, int64_t replicas);


static ngx_http_notify_log_replicas_of_t  *ngx_http_notify_log_replicas_all;


ngx_int_t
ngx_http_notify_log_replicas_use(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_redis_conf_t *conf)
{
    ngx_http_notify_log_replicas_of_t  *of;

    of = ngx_calloc(sizeof(ngx_http_notify_log_replicas_of_t), ngx_cycle->log);
    if (of == NULL) {
        return NGX_ERROR;
    }

    of->redis = redis;
    of->conf = conf;
    ngx_http_notify_timer_init(&of->event, ngx_http_notify_log_replicas_ask,
                               of, ngx_cycle->log);
    ngx_http_notify_timer_init(&of->again, ngx_http_notify_log_replicas_ask,
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

        ngx_http_notify_timer_stop(&of->again);

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

    if (of->asking || of->again.timer_set || ngx_queue_empty(&of->waiting)) {
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

    ngx_http_notify_command_number(command, of->conf->replicas);

    /* commands that come meanwhile wait for it, and have a deadline, too */

    ngx_http_notify_command_number(command, of->conf->timeout / 2);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_log_replicas_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_replicas_of_t *of = data;

    int64_t                     replicas;
    ngx_int_t                   rc;
    ngx_http_notify_command_t  *command;

    rc = NGX_ERROR;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_INTEGER) {
        replicas = resp->integer;

        if (replicas >= (int64_t) of->conf->replicas) {
            rc = NGX_OK;

        } else {
            ngx_http_notify_log_replicas_say(of, replicas);
        }
    }

    if (rc == NGX_OK && of->conf->sentinel.len) {

        /* not sent with WAIT: a replica that leaves has left by then */

        command = ngx_http_notify_command_start(of->redis, "INFO",
                                            ngx_http_notify_log_replicas_info,
                                            of);
        ngx_http_notify_command_text(command, "replication");

        if (ngx_http_notify_redis_send(command) == NGX_OK) {
            return;
        }

        rc = NGX_ERROR;
    }

    ngx_http_notify_log_replicas_done(of, rc);
}


static void
ngx_http_notify_log_replicas_info(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_replicas_of_t *of = data;

    ngx_int_t  rc;

    rc = ngx_http_notify_log_replicas_follow(of, resp);

    if (rc == NGX_AGAIN) {
        of->asking = 0;
        ngx_http_notify_timer_start(&of->again,
                                    NGX_HTTP_NOTIFY_LOG_REPLICAS_AGAIN);
        return;
    }

    ngx_http_notify_log_replicas_done(of, rc);
}


/* NGX_AGAIN: one has left that may be the master by now */

static ngx_int_t
ngx_http_notify_log_replicas_follow(ngx_http_notify_log_replicas_of_t *of,
    const ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_redis_info_t  info;

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        return NGX_ERROR;
    }

    ngx_http_notify_redis_info_parse(&resp->str, &info);

    if (info.replica) {
        return NGX_ERROR;
    }

    if (of->known != of->asking
        || ngx_current_msec - of->left >= NGX_HTTP_NOTIFY_LOG_REPLICAS_LEFT)
    {
        of->left = 0;
    }

    if (of->known == of->asking
        && info.names != of->names && info.replicas <= of->followers)
    {

        if (of->left == 0) {
            of->held = ngx_current_msec;

            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "notify log: a replica has left the master: "
                          "publishes wait until the sentinels would have "
                          "named another");
        }

        of->left = ngx_max(ngx_current_msec, 1);
    }

    of->known = of->asking;
    of->followers = info.replicas;
    of->names = info.names;

    if (of->left == 0) {
        return NGX_OK;
    }

    if (ngx_current_msec - of->held >= NGX_HTTP_NOTIFY_LOG_REPLICAS_HELD) {
        of->held = ngx_current_msec;
        return NGX_ERROR;           /* they leave one after another */
    }

    return NGX_AGAIN;
}


static void
ngx_http_notify_log_replicas_done(ngx_http_notify_log_replicas_of_t *of,
    ngx_int_t rc)
{
    ngx_uint_t  generation;

    generation = of->asking;
    of->asking = 0;

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
                  of->conf->replicas);
}
