/*
 * The commands on a connection: written once a turn, or as soon as they fill
 * what Redis reads at a time; answered in order or by a deadline, told to their
 * handlers exactly once; and the state handlers.  Lives in the connection.
 */

#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_redis_internal.h"


/* with so many bytes Redis can begin */
#define NGX_HTTP_NOTIFY_REDIS_OUT           (16 * 1024)
/* commands in a write, as many as nginx passes on at once */
#define NGX_HTTP_NOTIFY_REDIS_CHAIN         NGX_IOVS_PREALLOCATE

#define NGX_HTTP_NOTIFY_REDIS_GRACE         10      /* ms */


static void ngx_http_notify_redis_queue_deadline(
    ngx_http_notify_redis_t *redis, ngx_http_notify_command_t *command);
static ngx_chain_t *ngx_http_notify_redis_queue_chain(
    ngx_http_notify_redis_t *redis, ngx_chain_t *chain, ngx_buf_t *bufs);
static void ngx_http_notify_redis_queue_sent(ngx_http_notify_redis_t *redis,
    ngx_chain_t *chain);
static ngx_queue_t *ngx_http_notify_redis_queue_after(
    ngx_http_notify_redis_t *redis, ngx_queue_t *q);
static void ngx_http_notify_redis_queue_announce(
    ngx_http_notify_redis_t *redis, ngx_uint_t up);


void
ngx_http_notify_redis_queue_init(ngx_http_notify_redis_t *redis)
{
    ngx_queue_init(&redis->pending);
    ngx_queue_init(&redis->early);
    ngx_queue_init(&redis->held);
    ngx_queue_init(&redis->lost);
    ngx_queue_init(&redis->telling);
}


void
ngx_http_notify_redis_queue_free(ngx_http_notify_redis_t *redis)
{
    ngx_queue_t  *q;

    if (!ngx_queue_empty(&redis->telling)) {
        ngx_queue_add(&redis->lost, &redis->telling);
        ngx_queue_init(&redis->telling);
    }

    if (!ngx_queue_empty(&redis->early)) {
        ngx_queue_add(&redis->lost, &redis->early);
        ngx_queue_init(&redis->early);
    }

    if (!ngx_queue_empty(&redis->held)) {
        ngx_queue_add(&redis->lost, &redis->held);
        ngx_queue_init(&redis->held);
    }

    while (!ngx_queue_empty(&redis->lost)) {
        q = ngx_queue_head(&redis->lost);
        ngx_queue_remove(q);

        ngx_http_notify_command_free(
            ngx_queue_data(q, ngx_http_notify_command_t, queue));
    }

    if (redis->again.timer_set) {
        ngx_del_timer(&redis->again);
    }

    if (redis->post.posted) {
        ngx_delete_posted_event(&redis->post);
    }
}


size_t
ngx_http_notify_redis_queue_size(const ngx_http_notify_command_t *command)
{
    return command->last - command->head;
}


void
ngx_http_notify_redis_queue_put(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command)
{
    size_t             size;
    ngx_connection_t  *c;

    size = ngx_http_notify_redis_queue_size(command);

    redis->nbytes += size;
    redis->nunsent += size;

    ngx_queue_insert_tail(&redis->pending, &command->queue);

    if (redis->unsent == NULL) {
        redis->unsent = &command->queue;
    }

    if (command->timeout != NGX_TIMER_INFINITE) {
        ngx_http_notify_redis_queue_deadline(redis, command);
    }

    c = redis->peer.connection;

    if (c->write->ready) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    if (redis->nunsent >= NGX_HTTP_NOTIFY_REDIS_OUT) {

        /* what is wrong the write handler will find, too */

        (void) ngx_http_notify_redis_queue_send(redis);
    }
}


static void
ngx_http_notify_redis_queue_deadline(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command)
{
    ngx_msec_t    timeout;
    ngx_event_t  *ev;

    timeout = command->timeout ? command->timeout : redis->conf->timeout;

    command->timed = 1;
    command->asked = ngx_http_notify_redis_queue_clock();
    command->deadline = command->asked + (uint64_t) timeout * 1000;

    ev = &redis->deadline;

    if (!ev->timer_set) {
        ngx_add_timer(ev, timeout);

    } else if ((ngx_msec_int_t) (ngx_current_msec + timeout - ev->timer.key)
               < 0)
    {
        ngx_del_timer(ev);
        ngx_add_timer(ev, timeout);
    }
}


/* NGX_ERROR: the connection is of no more use */

ngx_int_t
ngx_http_notify_redis_queue_send(ngx_http_notify_redis_t *redis)
{
    ngx_buf_t          bufs[NGX_HTTP_NOTIFY_REDIS_CHAIN];
    ngx_chain_t       *in, chain[NGX_HTTP_NOTIFY_REDIS_CHAIN];
    ngx_connection_t  *c;

    c = redis->peer.connection;

    /* TLS has a buffer of its own */

    while (c->write->ready && (redis->unsent || c->buffered)) {

        in = ngx_http_notify_redis_queue_chain(redis, chain, bufs);

        if (c->send_chain(c, in, 0) == NGX_CHAIN_ERROR) {
            return NGX_ERROR;
        }

        ngx_http_notify_redis_queue_sent(redis, in);
    }

    return ngx_handle_write_event(c->write, 0);
}


static ngx_chain_t *
ngx_http_notify_redis_queue_chain(ngx_http_notify_redis_t *redis,
    ngx_chain_t *chain, ngx_buf_t *bufs)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    n = 0;

    for (q = redis->unsent;
         q && n < NGX_HTTP_NOTIFY_REDIS_CHAIN;
         q = ngx_http_notify_redis_queue_after(redis, q))
    {
        command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

        ngx_memzero(&bufs[n], sizeof(ngx_buf_t));
        bufs[n].memory = 1;
        bufs[n].pos = command->pos;
        bufs[n].last = command->last;

        chain[n].buf = &bufs[n];
        chain[n].next = &chain[n + 1];
        n++;
    }

    if (n == 0) {
        return NULL;
    }

    bufs[n - 1].flush = 1;
    chain[n - 1].next = NULL;

    return chain;
}


/* the buffers say how much of each command has gone */

static void
ngx_http_notify_redis_queue_sent(ngx_http_notify_redis_t *redis,
    ngx_chain_t *chain)
{
    ngx_chain_t                *cl;
    ngx_http_notify_command_t  *command;

    for (cl = chain; cl; cl = cl->next) {
        command = ngx_queue_data(redis->unsent, ngx_http_notify_command_t,
                                 queue);

        redis->nunsent -= cl->buf->pos - command->pos;
        command->pos = cl->buf->pos;

        if (command->pos < command->last) {
            break;
        }

        redis->unsent = ngx_http_notify_redis_queue_after(redis,
                                                          redis->unsent);
    }
}


/* the command behind it, or NULL */

static ngx_queue_t *
ngx_http_notify_redis_queue_after(ngx_http_notify_redis_t *redis,
    ngx_queue_t *q)
{
    q = ngx_queue_next(q);

    return q == ngx_queue_sentinel(&redis->pending) ? NULL : q;
}


ngx_http_notify_command_t *
ngx_http_notify_redis_queue_take(ngx_http_notify_redis_t *redis,
    ngx_uint_t *partly)
{
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    *partly = 0;

    if (ngx_queue_empty(&redis->pending)) {
        return NULL;
    }

    q = ngx_queue_head(&redis->pending);
    command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

    if (q == redis->unsent) {
        *partly = (command->pos > command->head);
        redis->nunsent -= command->last - command->pos;
        redis->unsent = ngx_http_notify_redis_queue_after(redis, q);
    }

    ngx_queue_remove(q);
    redis->nbytes -= ngx_http_notify_redis_queue_size(command);

    if (command->timed) {
        ngx_http_notify_metrics_observe(NGX_HTTP_NOTIFY_METRICS_ALL,
                                        NGX_HTTP_NOTIFY_METRICS_ROUND_TRIP,
                                        ngx_http_notify_redis_queue_clock()
                                        - command->asked);
    }

    return command;
}


void
ngx_http_notify_redis_queue_reply(ngx_http_notify_command_t *command,
    ngx_http_notify_resp_t *resp)
{
    if (command->script && ngx_http_notify_resp_is_error(resp, "NOSCRIPT")) {

        if (ngx_http_notify_command_eval(command) == NGX_OK) {
            ngx_http_notify_redis_queue_put(command->redis, command);
            return;
        }

        resp = NULL;
    }

    ngx_http_notify_redis_queue_answer(command, resp);
}


/* nginx's own clock stands still within a turn, most answers take less */

uint64_t
ngx_http_notify_redis_queue_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


void
ngx_http_notify_redis_queue_answer(ngx_http_notify_command_t *command,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t  kept;

    kept = command->kept;

    if (!command->setup) {
        command->redis->ncommands--;
    }

    /* a cancel of itself finds it in no queue */
    command->lost = 0;

    if (command->handler) {
        if (resp && command->filter && command->filter(resp) != NGX_OK) {
            resp = NULL;
        }

        command->handler(resp, command->data);
    }

    /* its handler may have freed one that is kept */

    if (!kept) {
        ngx_http_notify_command_free(command);
    }
}


/* commands without an answer: their handlers are told in the next turn */
void
ngx_http_notify_redis_queue_lose(ngx_http_notify_redis_t *redis)
{
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    if (redis->deadline.timer_set) {
        ngx_del_timer(&redis->deadline);
    }

    redis->unsent = NULL;
    redis->nunsent = 0;
    redis->nbytes = redis->nheld;

    if (!ngx_queue_empty(&redis->early)) {
        ngx_queue_add(&redis->pending, &redis->early);
        ngx_queue_init(&redis->early);
    }

    while (!ngx_queue_empty(&redis->pending)) {
        q = ngx_queue_head(&redis->pending);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

        if (command->setup) {
            ngx_http_notify_command_free(command);

        } else if (command->handler == NULL) {
            redis->ncommands--;
            ngx_http_notify_command_free(command);

        } else {
            command->lost = 1;
            ngx_queue_insert_tail(&redis->lost, q);
        }
    }

    ngx_http_notify_redis_queue_post(redis);
}


/*
 * Commands answered meanwhile leave the timer as it is: look for the first.  By
 * nginx's clock it was sent when a turn began that may have taken long.
 */

ngx_uint_t
ngx_http_notify_redis_queue_overdue(ngx_http_notify_redis_t *redis)
{
    int64_t                           left, first;
    uint64_t                          now;
    ngx_uint_t                        timed;
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    timed = 0;
    first = 0;
    now = ngx_http_notify_redis_queue_clock();

    for (q = ngx_queue_head(&redis->pending);
         q != ngx_queue_sentinel(&redis->pending);
         q = ngx_queue_next(q))
    {
        command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

        if (!command->timed) {
            continue;
        }

        left = (int64_t) (command->deadline - now);

        if (!timed || left < first) {
            first = left;
        }

        timed = 1;
    }

    if (!timed) {
        return 0;
    }

    if (first > 0) {
        ngx_add_timer(&redis->deadline, (ngx_msec_t) (first / 1000 + 1));
        return 0;
    }

    if (redis->peer.connection->read->posted
        && first > - (int64_t) redis->conf->timeout * 1000)
    {
        /* answers are here, waiting for their turn to be read */
        ngx_add_timer(&redis->deadline, NGX_HTTP_NOTIFY_REDIS_GRACE);
        return 0;
    }

    return 1;
}


void
ngx_http_notify_redis_queue_post(ngx_http_notify_redis_t *redis)
{
    /* not ngx_posted_events: who submits anew on a NULL would never end */

    ngx_post_event(&redis->post, &ngx_posted_next_events);
}


/* the state of the connection, then the commands that it has lost */

void
ngx_http_notify_redis_queue_tell(ngx_http_notify_redis_t *redis)
{
    ngx_uint_t                  generation;
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    generation = (redis->state == NGX_HTTP_NOTIFY_REDIS_READY)
                 ? redis->generation : 0;

    if (redis->announced && redis->announced != generation) {
        redis->announced = 0;
        ngx_http_notify_redis_queue_announce(redis, 0);
    }

    if (!redis->destroyed && redis->announced == 0
        && redis->state == NGX_HTTP_NOTIFY_REDIS_READY)
    {
        redis->announced = redis->generation;
        ngx_http_notify_redis_queue_announce(redis, 1);
    }

    if (!redis->destroyed && !ngx_queue_empty(&redis->lost)) {
        /* those submitted from now on: in the next turn */
        ngx_queue_add(&redis->telling, &redis->lost);
        ngx_queue_init(&redis->lost);
    }

    while (!redis->destroyed && !ngx_queue_empty(&redis->telling)) {
        q = ngx_queue_head(&redis->telling);
        command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

        ngx_queue_remove(q);
        ngx_http_notify_redis_queue_answer(command, NULL);
    }
}


static void
ngx_http_notify_redis_queue_announce(ngx_http_notify_redis_t *redis,
    ngx_uint_t up)
{
    ngx_uint_t                         i, n;
    ngx_http_notify_redis_listener_t  *listener;

    n = redis->listeners.nelts;

    for (i = 0; i < n && !redis->destroyed; i++) {

        /* a handler may register another: the array may move */

        listener = redis->listeners.elts;
        listener += i;

        listener->handler(redis, up, listener->data);
    }
}
