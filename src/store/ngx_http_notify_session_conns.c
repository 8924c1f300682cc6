/*
 * Sessions by their keys, and by the time when Redis has to be told of them:
 * in batches, a few under way at once on each connection to Redis.  One static
 * state a worker.  Must not know what a client's connection is.
 */

#include "ngx_http_notify_session_conns.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH  256      /* sessions a script */
#define NGX_HTTP_NOTIFY_SESSION_CONNS_BATCHES  4        /* under way */
#define NGX_HTTP_NOTIFY_SESSION_CONNS_SWEEP  200      /* ms */
#define NGX_HTTP_NOTIFY_SESSION_CONNS_AGAIN  1000
#define NGX_HTTP_NOTIFY_SESSION_CONNS_LINGER  3000  /* ms, at exit */


typedef struct ngx_http_notify_session_conns_link_s
    ngx_http_notify_session_conns_link_t;

struct ngx_http_notify_session_conn_s {
    ngx_str_node_t                 node;
    ngx_http_notify_session_conns_link_t  *link;
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
    ngx_http_notify_session_conns_link_t  *link;
    ngx_uint_t                     n;           /* 0: not under way */
    ngx_http_notify_session_conn_t
                                  *conns[NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH];
} ngx_http_notify_session_conns_batch_t;

/* those that one connection to Redis tells; as many as it has channels, or 1 */
struct ngx_http_notify_session_conns_link_s {
    ngx_http_notify_session_conns_link_t  *next;
    ngx_http_notify_redis_t       *redis;
    ngx_rbtree_t                   due;
    ngx_rbtree_node_t              due_sentinel;
    ngx_http_notify_session_conns_batch_t
                        batches[NGX_HTTP_NOTIFY_SESSION_CONNS_BATCHES];
    ngx_event_t                    flush;
};


static ngx_http_notify_session_conns_link_t *
    ngx_http_notify_session_conns_link(ngx_http_notify_redis_t *redis);
static ngx_http_notify_session_conn_t *ngx_http_notify_session_conns_add(
    ngx_http_notify_session_conns_link_t *link, const ngx_str_t *key,
    uint32_t hash);
static void ngx_http_notify_session_conns_free(
    ngx_http_notify_session_conn_t *conn);
static void ngx_http_notify_session_conns_at(
    ngx_http_notify_session_conn_t *conn, ngx_msec_t delay);
static ngx_http_notify_session_conn_t *ngx_http_notify_session_conns_next(
    ngx_http_notify_session_conns_link_t *link);
static ngx_http_notify_session_conns_batch_t *
    ngx_http_notify_session_conns_batch(
    ngx_http_notify_session_conns_link_t *link);
static void ngx_http_notify_session_conns_flush(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_session_conns_submit(
    ngx_http_notify_session_conns_batch_t *batch);
static ngx_http_notify_redis_handler_t  ngx_http_notify_session_conns_answer;
static void ngx_http_notify_session_conns_failed(
    ngx_http_notify_session_conn_t *conn);
static void ngx_http_notify_session_conns_sweep(ngx_event_t *ev);
static void ngx_http_notify_session_conns_sweep_link(
    ngx_http_notify_session_conns_link_t *link);
static void ngx_http_notify_session_conns_rearm(void);


static struct {
    ngx_str_t                      name;        /* empty: not in use */
    ngx_rbtree_t                   keys;
    ngx_rbtree_node_t              keys_sentinel;
    ngx_http_notify_session_conns_link_t  *links;
    ngx_uint_t                     n;
    ngx_uint_t                     leaving;     /* without connections */
    ngx_event_t                    sweep;
    time_t                         full;        /* when it was said */
} ngx_http_notify_session_conns;


ngx_int_t
ngx_http_notify_session_conns_init(ngx_cycle_t *cycle, const ngx_str_t *name)
{
    ngx_memzero(&ngx_http_notify_session_conns,
                sizeof(ngx_http_notify_session_conns));

    ngx_http_notify_session_conns.name.data = ngx_pstrdup(cycle->pool,
                                                          (ngx_str_t *) name);
    if (ngx_http_notify_session_conns.name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_http_notify_session_conns.name.len = name->len;

    ngx_rbtree_init(&ngx_http_notify_session_conns.keys,
                    &ngx_http_notify_session_conns.keys_sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_http_notify_session_conns.sweep.handler =
                                           ngx_http_notify_session_conns_sweep;
    ngx_http_notify_session_conns.sweep.log = cycle->log;
    ngx_http_notify_session_conns.sweep.data = &ngx_http_notify_session_conns;
    ngx_http_notify_session_conns.sweep.cancelable = 1;

    return NGX_OK;
}


/* the connections to Redis are gone by now: no answer comes any more */

void
ngx_http_notify_session_conns_exit(void)
{
    ngx_rbtree_node_t                     *node;
    ngx_http_notify_session_conns_link_t  *link;

    if (ngx_http_notify_session_conns.name.len == 0) {
        return;
    }

    ngx_http_notify_timer_stop(&ngx_http_notify_session_conns.sweep);

    while (ngx_http_notify_session_conns.keys.root
           != ngx_http_notify_session_conns.keys.sentinel)
    {
        node = ngx_http_notify_session_conns.keys.root;
        ngx_http_notify_session_conns_free(
                                       (ngx_http_notify_session_conn_t *) node);
    }

    while ((link = ngx_http_notify_session_conns.links) != NULL) {
        ngx_http_notify_session_conns.links = link->next;

        if (link->flush.posted) {
            ngx_delete_posted_event(&link->flush);
        }

        ngx_free(link);
    }

    ngx_str_null(&ngx_http_notify_session_conns.name);
}


static ngx_http_notify_session_conns_link_t *
ngx_http_notify_session_conns_link(ngx_http_notify_redis_t *redis)
{
    ngx_http_notify_session_conns_link_t  *link;

    for (link = ngx_http_notify_session_conns.links; link; link = link->next) {
        if (link->redis == redis) {
            return link;
        }
    }

    link = ngx_calloc(sizeof(ngx_http_notify_session_conns_link_t),
                      ngx_cycle->log);
    if (link == NULL) {
        return NULL;
    }

    link->redis = redis;
    ngx_http_notify_timer_init(&link->flush,
                               ngx_http_notify_session_conns_flush, link,
                               ngx_cycle->log);

    ngx_rbtree_init(&link->due, &link->due_sentinel,
                    ngx_rbtree_insert_timer_value);

    link->next = ngx_http_notify_session_conns.links;
    ngx_http_notify_session_conns.links = link;

    return link;
}


ngx_str_t *
ngx_http_notify_session_conns_name(void)
{
    return &ngx_http_notify_session_conns.name;
}


ngx_http_notify_session_conn_t *
ngx_http_notify_session_conns_open(ngx_http_notify_redis_t *redis,
    const ngx_str_t *key, ngx_msec_t lease, ngx_int_t metrics)
{
    uint32_t                               hash;
    ngx_http_notify_session_conn_t        *conn;
    ngx_http_notify_session_conns_link_t  *link;

    link = NULL;

    if (redis && ngx_http_notify_session_conns.name.len) {
        link = ngx_http_notify_session_conns_link(redis);
    }

    if (link == NULL) {
        return NULL;
    }

    hash = ngx_crc32_long(key->data, key->len);

    conn = (ngx_http_notify_session_conn_t *)
               ngx_str_rbtree_lookup(&ngx_http_notify_session_conns.keys,
                                     (ngx_str_t *) key, hash);

    if (conn == NULL) {
        conn = ngx_http_notify_session_conns_add(link, key, hash);

        if (conn == NULL) {
            ngx_http_notify_metrics_add(metrics,
                                        NGX_HTTP_NOTIFY_METRICS_UNHELD, 1);
            return NULL;
        }

    } else if (conn->refs == 0) {
        ngx_http_notify_session_conns.leaving--;
    }

    conn->refs++;
    conn->lease = ngx_max(conn->lease, lease);

    ngx_http_notify_session_conns_at(conn, 0);

    return conn;
}


static ngx_http_notify_session_conn_t *
ngx_http_notify_session_conns_add(ngx_http_notify_session_conns_link_t *link,
    const ngx_str_t *key, uint32_t hash)
{
    time_t                   now;
    ngx_http_notify_session_conn_t  *conn;

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

    conn = ngx_alloc(sizeof(ngx_http_notify_session_conn_t) + key->len,
                     ngx_cycle->log);
    if (conn == NULL) {
        return NULL;
    }

    ngx_memzero(conn, sizeof(ngx_http_notify_session_conn_t));

    conn->link = link;
    conn->until = ngx_current_msec;
    conn->node.node.key = hash;
    conn->node.str.len = key->len;
    conn->node.str.data = (u_char *) &conn[1];
    ngx_memcpy(conn->node.str.data, key->data, key->len);

    ngx_rbtree_insert(&ngx_http_notify_session_conns.keys, &conn->node.node);
    ngx_http_notify_session_conns.n++;

    return conn;
}


static void
ngx_http_notify_session_conns_free(ngx_http_notify_session_conn_t *conn)
{
    if (conn->waits) {
        ngx_rbtree_delete(&conn->link->due, &conn->due);
    }

    if (conn->refs == 0) {
        ngx_http_notify_session_conns.leaving--;
    }

    ngx_rbtree_delete(&ngx_http_notify_session_conns.keys, &conn->node.node);
    ngx_http_notify_session_conns.n--;

    ngx_free(conn);
}


void
ngx_http_notify_session_conns_close(ngx_http_notify_session_conn_t *conn,
    ngx_msec_t grace)
{
    ngx_msec_int_t  rest;

    /* a refused request ends nobody else's grace */

    rest = (ngx_msec_int_t) (conn->until - ngx_current_msec);

    if (rest < (ngx_msec_int_t) grace) {
        rest = (ngx_msec_int_t) grace;
        conn->until = ngx_current_msec + grace;
    }

    if (--conn->refs) {
        return;
    }

    conn->grace = ngx_max(rest, 0);
    conn->left = ngx_current_msec;

    ngx_http_notify_session_conns.leaving++;
    ngx_http_notify_session_conns_at(conn, 0);
}


static void
ngx_http_notify_session_conns_at(ngx_http_notify_session_conn_t *conn,
    ngx_msec_t delay)
{
    if (conn->busy) {
        conn->again = 1;
        ngx_http_notify_session_conns_rearm();
        return;
    }

    if (conn->waits) {
        ngx_rbtree_delete(&conn->link->due, &conn->due);
    }

    conn->waits = 1;
    conn->due.key = ngx_current_msec + delay;
    ngx_rbtree_insert(&conn->link->due, &conn->due);

    if (delay == 0 && !conn->link->flush.posted) {
        ngx_post_event(&conn->link->flush, &ngx_posted_events);
    }

    ngx_http_notify_session_conns_rearm();
}


/* the first one that is due, taken out; NULL: none is */

static ngx_http_notify_session_conn_t *
ngx_http_notify_session_conns_next(ngx_http_notify_session_conns_link_t *link)
{
    ngx_rbtree_node_t       *node;
    ngx_http_notify_session_conn_t  *conn;

    if (link->due.root == &link->due_sentinel) {
        return NULL;
    }

    node = ngx_rbtree_min(link->due.root, &link->due_sentinel);

    if ((ngx_msec_int_t) (node->key - ngx_current_msec) > 0) {
        return NULL;
    }

    conn = ngx_rbtree_data(node, ngx_http_notify_session_conn_t, due);

    ngx_rbtree_delete(&link->due, node);
    conn->waits = 0;

    return conn;
}


static ngx_http_notify_session_conns_batch_t *
ngx_http_notify_session_conns_batch(ngx_http_notify_session_conns_link_t *link)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_SESSION_CONNS_BATCHES; i++) {
        if (link->batches[i].n == 0) {
            link->batches[i].link = link;
            return &link->batches[i];
        }
    }

    return NULL;
}


static void
ngx_http_notify_session_conns_flush(ngx_event_t *ev)
{
    ngx_http_notify_session_conns_link_t *link = ev->data;

    ngx_uint_t                      i;
    ngx_http_notify_session_conn_t         *conn;
    ngx_http_notify_session_conns_batch_t  *batch;

    if (!ngx_http_notify_redis_ready(link->redis)) {
        return;
    }

    while ((batch = ngx_http_notify_session_conns_batch(link)) != NULL) {

        while (batch->n < NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH) {
            conn = ngx_http_notify_session_conns_next(link);

            if (conn == NULL) {
                break;
            }

            conn->busy = 1;
            batch->conns[batch->n++] = conn;
        }

        if (batch->n == 0) {
            return;
        }

        if (ngx_http_notify_session_conns_submit(batch) != NGX_OK) {

            for (i = 0; i < batch->n; i++) {
                ngx_http_notify_session_conns_failed(batch->conns[i]);
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
    ngx_http_notify_session_conn_t  *conn;

    command = ngx_http_notify_command_script(
                  batch->link->redis, &ngx_http_notify_script_hold,
                  ngx_http_notify_session_conns_answer, batch);

    for (i = 0; i < batch->n; i++) {
        ngx_http_notify_command_key_text(command, &batch->conns[i]->node.str);
    }

    ngx_http_notify_command_arg(command, &ngx_http_notify_session_conns.name);

    for (i = 0; i < batch->n; i++) {
        conn = batch->conns[i];

        if (conn->refs) {
            ngx_http_notify_command_number(command, conn->lease);

        } else {
            ngx_http_notify_command_printf(command, "-%M", conn->grace);
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
    ngx_http_notify_session_conn_t  *conn;

    failed = ngx_http_notify_script_verdict(batch->link->redis, resp, "holds")
             != NGX_OK;

    for (i = 0; i < batch->n; i++) {
        conn = batch->conns[i];

        if (failed) {
            ngx_http_notify_session_conns_failed(conn);
            continue;
        }

        conn->busy = 0;

        if (conn->again) {
            conn->again = 0;
            ngx_http_notify_session_conns_at(conn, 0);

        } else if (conn->refs == 0) {
            ngx_http_notify_session_conns_free(conn);

        } else {

            /* twice before the lease ends, and not all at once */

            delay = conn->lease / 3;
            delay -= (ngx_msec_t) ngx_random() % (delay / 4 + 1);
            ngx_http_notify_session_conns_at(conn, delay);
        }
    }

    batch->n = 0;

    ngx_http_notify_session_conns_flush(&batch->link->flush);
}


/* one without connections is over by itself, when its lease is */

static void
ngx_http_notify_session_conns_failed(ngx_http_notify_session_conn_t *conn)
{
    ngx_msec_t  limit;

    conn->busy = 0;
    conn->again = 0;

    if (conn->refs == 0) {
        limit = ngx_exiting ? NGX_HTTP_NOTIFY_SESSION_CONNS_LINGER
                            : ngx_max(conn->lease, conn->grace);

        if (ngx_current_msec - conn->left >= limit) {
            ngx_http_notify_session_conns_free(conn);
            return;
        }
    }

    ngx_http_notify_session_conns_at(conn, NGX_HTTP_NOTIFY_SESSION_CONNS_AGAIN);
}


static void
ngx_http_notify_session_conns_sweep(ngx_event_t *ev)
{
    ngx_http_notify_session_conns_link_t  *link;

    for (link = ngx_http_notify_session_conns.links; link; link = link->next) {

        if (ngx_http_notify_redis_ready(link->redis)) {
            ngx_http_notify_session_conns_flush(&link->flush);

        } else {
            ngx_http_notify_session_conns_sweep_link(link);
        }
    }

    ngx_http_notify_session_conns_rearm();
}


/* without Redis: those that are over; the others wait, but an exit does not */

static void
ngx_http_notify_session_conns_sweep_link(
    ngx_http_notify_session_conns_link_t *link)
{
    ngx_uint_t                       i;
    ngx_http_notify_session_conn_t  *conn;

    for (i = 0; ngx_exiting || i < NGX_HTTP_NOTIFY_SESSION_CONNS_BATCH; i++) {
        conn = ngx_http_notify_session_conns_next(link);

        if (conn == NULL) {
            break;
        }

        ngx_http_notify_session_conns_failed(conn);
    }
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
