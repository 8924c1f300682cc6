/*
 * Sessions by their keys, and by the time when Redis has to be told of them:
 * in batches, a few under way at once.  One static state a worker.
 * Must not know what a connection is.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "ngx_http_notify_session_conns.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_script.h"


#define NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH  256      /* sessions a script */
#define NGX_HTTP_NOTIFY_SESSION_CONNS_BATCHES  4        /* under way */
#define NGX_HTTP_NOTIFY_SESSION_CONNS_SWEEP  200      /* ms */
#define NGX_HTTP_NOTIFY_SESSION_CONNS_AGAIN  1000
#define NGX_HTTP_NOTIFY_SESSION_CONNS_LINGER  3000  /* ms, at exit */


struct ngx_http_notify_hold_s {
    ngx_str_node_t                 node;
    ngx_rbtree_node_t              due;     /* its key: when */
    ngx_uint_t                     refs;    /* connections */
    ngx_msec_t                     lease;
    ngx_msec_t                     grace;
    ngx_msec_t                     until;   /* the latest end of a grace */
    ngx_msec_t                     left;    /* when the last one went */
    unsigned                       waits:1; /* stands in due */
    unsigned                       busy:1;  /* in a batch */
    unsigned                       again:1; /* has changed since */
};

typedef struct {
    ngx_uint_t                     n;           /* 0: not under way */
    ngx_http_notify_session_conn_t
                                  *holds[NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH];
} ngx_http_notify_session_conns_batch_t;


static ngx_http_notify_session_conn_t *ngx_http_notify_session_conns_add(
    const ngx_str_t *key, uint32_t hash);
static void ngx_http_notify_session_conns_free(
    ngx_http_notify_session_conn_t *hold);
static void ngx_http_notify_session_conns_at(
    ngx_http_notify_session_conn_t *hold, ngx_msec_t delay);
static ngx_http_notify_session_conn_t *ngx_http_notify_session_conns_next(void);
static ngx_http_notify_session_conns_batch_t *
    ngx_http_notify_session_conns_batch(void);
static void ngx_http_notify_session_conns_flush(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_session_conns_submit(
    ngx_http_notify_session_conns_batch_t *batch);
static void ngx_http_notify_session_conns_answer(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_session_conns_failed(
    ngx_http_notify_session_conn_t *hold);
static void ngx_http_notify_session_conns_sweep(ngx_event_t *ev);
static void ngx_http_notify_session_conns_rearm(void);


static struct {
    ngx_http_notify_redis_t       *redis;
    ngx_str_t                      name;
    ngx_rbtree_t                   keys;
    ngx_rbtree_node_t              keys_sentinel;
    ngx_rbtree_t                   due;
    ngx_rbtree_node_t              due_sentinel;
    ngx_uint_t                     n;
    ngx_uint_t                     leaving;     /* without connections */
    ngx_http_notify_session_conns_batch_t
                        batches[NGX_HTTP_NOTIFY_SESSION_CONNS_BATCHES];
    ngx_event_t                    flush;
    ngx_event_t                    sweep;
    time_t                         full;        /* when it was said */
} ngx_http_notify_session_conns;


ngx_int_t
ngx_http_notify_session_conns_init(ngx_cycle_t *cycle,
    ngx_http_notify_redis_t *redis, const ngx_str_t *name)
{
    ngx_memzero(&ngx_http_notify_session_conns,
                sizeof(ngx_http_notify_session_conns));

    ngx_http_notify_session_conns.name.data = ngx_pstrdup(cycle->pool,
                                                          (ngx_str_t *) name);
    if (ngx_http_notify_session_conns.name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_session_conns.name.len = name->len;
    ngx_http_notify_session_conns.redis = redis;

    ngx_rbtree_init(&ngx_http_notify_session_conns.keys,
                    &ngx_http_notify_session_conns.keys_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&ngx_http_notify_session_conns.due,
                    &ngx_http_notify_session_conns.due_sentinel,
                    ngx_rbtree_insert_timer_value);

    ngx_http_notify_session_conns.flush.handler =
                                           ngx_http_notify_session_conns_flush;
    ngx_http_notify_session_conns.flush.log = cycle->log;

    ngx_http_notify_session_conns.sweep.handler =
                                           ngx_http_notify_session_conns_sweep;
    ngx_http_notify_session_conns.sweep.log = cycle->log;
    ngx_http_notify_session_conns.sweep.data = &ngx_http_notify_session_conns;
    ngx_http_notify_session_conns.sweep.cancelable = 1;

    return NGX_OK;
}


/* the connection is gone by now: no answer comes any more */

void
ngx_http_notify_session_conns_exit(void)
{
    ngx_rbtree_node_t  *node;

    if (ngx_http_notify_session_conns.redis == NULL) {
        return;
    }

    if (ngx_http_notify_session_conns.flush.posted) {
        ngx_delete_posted_event(&ngx_http_notify_session_conns.flush);
    }

    if (ngx_http_notify_session_conns.sweep.timer_set) {
        ngx_del_timer(&ngx_http_notify_session_conns.sweep);
    }

    while (ngx_http_notify_session_conns.keys.root
           != ngx_http_notify_session_conns.keys.sentinel)
    {
        node = ngx_http_notify_session_conns.keys.root;
        ngx_http_notify_session_conns_free(
                                       (ngx_http_notify_session_conn_t *) node);
    }

    ngx_http_notify_session_conns.redis = NULL;
}


ngx_str_t *
ngx_http_notify_session_conns_name(void)
{
    return &ngx_http_notify_session_conns.name;
}


ngx_http_notify_session_conn_t *
ngx_http_notify_session_conns_open(const ngx_str_t *key, ngx_msec_t lease,
    ngx_int_t metrics)
{
    uint32_t                 hash;
    ngx_http_notify_session_conn_t  *hold;

    if (ngx_http_notify_session_conns.redis == NULL) {
        return NULL;
    }

    hash = ngx_crc32_long(key->data, key->len);

    hold = (ngx_http_notify_session_conn_t *)
               ngx_str_rbtree_lookup(&ngx_http_notify_session_conns.keys,
                                     (ngx_str_t *) key, hash);

    if (hold == NULL) {
        hold = ngx_http_notify_session_conns_add(key, hash);

        if (hold == NULL) {
            ngx_http_notify_metrics_add(metrics,
                                        NGX_HTTP_NOTIFY_METRICS_UNHELD, 1);
            return NULL;
        }

    } else if (hold->refs == 0) {
        ngx_http_notify_session_conns.leaving--;
    }

    hold->refs++;
    hold->lease = ngx_max(hold->lease, lease);

    ngx_http_notify_session_conns_at(hold, 0);

    return hold;
}


static ngx_http_notify_session_conn_t *
ngx_http_notify_session_conns_add(const ngx_str_t *key, uint32_t hash)
{
    time_t                   now;
    ngx_http_notify_session_conn_t  *hold;

    if (ngx_http_notify_session_conns.n == NGX_HTTP_NOTIFY_SESSION_CONNS_MAX) {
        now = ngx_time();

        if (now - ngx_http_notify_session_conns.full >= 60) {
            ngx_http_notify_session_conns.full = now;
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "notify holds: more than %d sessions are connected "
                          "to this worker, others are taken for disconnected",
                          NGX_HTTP_NOTIFY_SESSION_CONNS_MAX);
        }

        return NULL;
    }

    hold = ngx_alloc(sizeof(ngx_http_notify_session_conn_t) + key->len,
                     ngx_cycle->log);
    if (hold == NULL) {
        return NULL;
    }

    ngx_memzero(hold, sizeof(ngx_http_notify_session_conn_t));

    hold->until = ngx_current_msec;
    hold->node.node.key = hash;
    hold->node.str.len = key->len;
    hold->node.str.data = (u_char *) &hold[1];
    ngx_memcpy(hold->node.str.data, key->data, key->len);

    ngx_rbtree_insert(&ngx_http_notify_session_conns.keys, &hold->node.node);
    ngx_http_notify_session_conns.n++;

    return hold;
}


static void
ngx_http_notify_session_conns_free(ngx_http_notify_session_conn_t *hold)
{
    if (hold->waits) {
        ngx_rbtree_delete(&ngx_http_notify_session_conns.due, &hold->due);
    }

    if (hold->refs == 0) {
        ngx_http_notify_session_conns.leaving--;
    }

    ngx_rbtree_delete(&ngx_http_notify_session_conns.keys, &hold->node.node);
    ngx_http_notify_session_conns.n--;

    ngx_free(hold);
}


void
ngx_http_notify_session_conns_close(ngx_http_notify_session_conn_t *hold,
    ngx_msec_t grace)
{
    ngx_msec_int_t  rest;

    /* a refused request ends nobody else's grace */

    rest = (ngx_msec_int_t) (hold->until - ngx_current_msec);

    if (rest < (ngx_msec_int_t) grace) {
        rest = (ngx_msec_int_t) grace;
        hold->until = ngx_current_msec + grace;
    }

    if (--hold->refs) {
        return;
    }

    hold->grace = ngx_max(rest, 0);
    hold->left = ngx_current_msec;

    ngx_http_notify_session_conns.leaving++;
    ngx_http_notify_session_conns_at(hold, 0);
}


static void
ngx_http_notify_session_conns_at(ngx_http_notify_session_conn_t *hold,
    ngx_msec_t delay)
{
    if (hold->busy) {
        hold->again = 1;
        ngx_http_notify_session_conns_rearm();
        return;
    }

    if (hold->waits) {
        ngx_rbtree_delete(&ngx_http_notify_session_conns.due, &hold->due);
    }

    hold->waits = 1;
    hold->due.key = ngx_current_msec + delay;
    ngx_rbtree_insert(&ngx_http_notify_session_conns.due, &hold->due);

    if (delay == 0 && !ngx_http_notify_session_conns.flush.posted) {
        ngx_post_event(&ngx_http_notify_session_conns.flush,
                       &ngx_posted_events);
    }

    ngx_http_notify_session_conns_rearm();
}


/* the first one that is due, taken out; NULL: none is */

static ngx_http_notify_session_conn_t *
ngx_http_notify_session_conns_next(void)
{
    ngx_rbtree_node_t       *node;
    ngx_http_notify_session_conn_t  *hold;

    if (ngx_http_notify_session_conns.due.root
        == &ngx_http_notify_session_conns.due_sentinel)
    {
        return NULL;
    }

    node = ngx_rbtree_min(ngx_http_notify_session_conns.due.root,
                          &ngx_http_notify_session_conns.due_sentinel);

    if ((ngx_msec_int_t) (node->key - ngx_current_msec) > 0) {
        return NULL;
    }

    hold = ngx_rbtree_data(node, ngx_http_notify_session_conn_t, due);

    ngx_rbtree_delete(&ngx_http_notify_session_conns.due, node);
    hold->waits = 0;

    return hold;
}


static ngx_http_notify_session_conns_batch_t *
ngx_http_notify_session_conns_batch(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_SESSION_CONNS_BATCHES; i++) {
        if (ngx_http_notify_session_conns.batches[i].n == 0) {
            return &ngx_http_notify_session_conns.batches[i];
        }
    }

    return NULL;
}


static void
ngx_http_notify_session_conns_flush(ngx_event_t *ev)
{
    ngx_uint_t                      i;
    ngx_http_notify_session_conn_t         *hold;
    ngx_http_notify_session_conns_batch_t  *batch;

    if (!ngx_http_notify_redis_ready(ngx_http_notify_session_conns.redis)) {
        return;
    }

    while ((batch = ngx_http_notify_session_conns_batch()) != NULL) {

        while (batch->n < NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH) {
            hold = ngx_http_notify_session_conns_next();

            if (hold == NULL) {
                break;
            }

            hold->busy = 1;
            batch->holds[batch->n++] = hold;
        }

        if (batch->n == 0) {
            return;
        }

        if (ngx_http_notify_session_conns_submit(batch) != NGX_OK) {

            for (i = 0; i < batch->n; i++) {
                ngx_http_notify_session_conns_failed(batch->holds[i]);
            }

            batch->n = 0;
            return;
        }
    }
}


static ngx_int_t
ngx_http_notify_session_conns_submit(
    ngx_http_notify_session_conns_batch_t *batch)
{
    ngx_uint_t                       i;
    ngx_http_notify_command_t       *command;
    ngx_http_notify_session_conn_t  *hold;

    command = ngx_http_notify_command_script(
                  ngx_http_notify_session_conns.redis,
                  &ngx_http_notify_script_hold,
                  ngx_http_notify_session_conns_answer, batch);

    for (i = 0; i < batch->n; i++) {
        ngx_http_notify_command_key_text(command, &batch->holds[i]->node.str);
    }

    ngx_http_notify_command_arg(command, &ngx_http_notify_session_conns.name);

    for (i = 0; i < batch->n; i++) {
        hold = batch->holds[i];

        if (hold->refs) {
            ngx_http_notify_command_number(command, hold->lease);

        } else {
            ngx_http_notify_command_printf(command, "-%M", hold->grace);
        }
    }

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_session_conns_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_session_conns_batch_t *batch = data;

    ngx_uint_t               i, failed;
    ngx_msec_t               delay;
    ngx_http_notify_session_conn_t  *hold;

    failed = ngx_http_notify_script_verdict(ngx_http_notify_session_conns.redis,
                                            resp,
                                            "holds")
             != NGX_OK;

    for (i = 0; i < batch->n; i++) {
        hold = batch->holds[i];

        if (failed) {
            ngx_http_notify_session_conns_failed(hold);
            continue;
        }

        hold->busy = 0;

        if (hold->again) {
            hold->again = 0;
            ngx_http_notify_session_conns_at(hold, 0);

        } else if (hold->refs == 0) {
            ngx_http_notify_session_conns_free(hold);

        } else {

            /* twice before the lease ends, and not all at once */

            delay = hold->lease / 3;
            delay -= (ngx_msec_t) ngx_random() % (delay / 4 + 1);
            ngx_http_notify_session_conns_at(hold, delay);
        }
    }

    batch->n = 0;

    ngx_http_notify_session_conns_flush(&ngx_http_notify_session_conns.flush);
}


/* one without connections is over by itself, when its lease is */

static void
ngx_http_notify_session_conns_failed(ngx_http_notify_session_conn_t *hold)
{
    ngx_msec_t  limit;

    hold->busy = 0;
    hold->again = 0;

    if (hold->refs == 0) {
        limit = ngx_exiting ? NGX_HTTP_NOTIFY_SESSION_CONNS_LINGER
                            : ngx_max(hold->lease, hold->grace);

        if (ngx_current_msec - hold->left >= limit) {
            ngx_http_notify_session_conns_free(hold);
            return;
        }
    }

    ngx_http_notify_session_conns_at(hold, NGX_HTTP_NOTIFY_SESSION_CONNS_AGAIN);
}


static void
ngx_http_notify_session_conns_sweep(ngx_event_t *ev)
{
    ngx_uint_t               i;
    ngx_http_notify_session_conn_t  *hold;

    if (ngx_http_notify_redis_ready(ngx_http_notify_session_conns.redis)) {
        ngx_http_notify_session_conns_flush(
                                          &ngx_http_notify_session_conns.flush);

    } else {

        /* those that are over; the others wait, but an exit does not */

        for (i = 0;
             ngx_exiting || i < NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH;
             i++)
        {
            hold = ngx_http_notify_session_conns_next();

            if (hold == NULL) {
                break;
            }

            ngx_http_notify_session_conns_failed(hold);
        }
    }

    ngx_http_notify_session_conns_rearm();
}


/* a worker that exits waits until Redis knows who has gone */

static void
ngx_http_notify_session_conns_rearm(void)
{
    ngx_event_t  *ev;

    ev = &ngx_http_notify_session_conns.sweep;

    ev->cancelable = (ngx_http_notify_session_conns.leaving == 0);

    if (ngx_http_notify_session_conns.n && !ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_NOTIFY_SESSION_CONNS_SWEEP);
    }
}
