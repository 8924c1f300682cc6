/*
 * The commands of a connection: written once a turn, or as soon as they fill
 * what Redis reads at a time; answered in order or by a deadline, told to their
 * handlers exactly once; and the state handlers.  Lives in the connection.
 * Must not know how the connection is made.
 */

#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_redis_internal.h"


#define NGX_HTTP_NOTIFY_REDIS_MAX_COMMANDS  65536
#define NGX_HTTP_NOTIFY_REDIS_MAX_BYTES     (64 * 1024 * 1024)

#define NGX_HTTP_NOTIFY_REDIS_OUT_MIN       (16 * 1024)
#define NGX_HTTP_NOTIFY_REDIS_OUT_KEEP      (256 * 1024)

#define NGX_HTTP_NOTIFY_REDIS_GRACE         10      /* ms */


struct ngx_http_notify_redis_command_s {
    ngx_queue_t                        queue;
    ngx_http_notify_redis_t           *redis;
    ngx_http_notify_redis_handler_pt   handler;    /* NULL: cancelled */
    void                              *data;
    size_t                             size;
    ngx_str_t                          early;      /* bytes, not yet queued */
    ngx_msec_t                         timeout;    /* of these */
    uint64_t                           asked;      /* microseconds */
    uint64_t                           deadline;   /* the same */
    unsigned                           timed:1;
    unsigned                           setup:1;    /* our own */
    unsigned                           lost:1;     /* in a queue to be told */
};


static ngx_http_notify_redis_command_t *ngx_http_notify_redis_queue_pieces(
    ngx_http_notify_redis_t *redis, const ngx_str_t *pieces, ngx_uint_t n,
    ngx_msec_t timeout, ngx_http_notify_redis_handler_pt handler, void *data);
static ngx_http_notify_redis_command_t *ngx_http_notify_redis_queue_early(
    ngx_http_notify_redis_t *redis, const ngx_str_t *pieces, ngx_uint_t n,
    ngx_msec_t timeout);
static size_t ngx_http_notify_redis_queue_size(const ngx_str_t *pieces,
    ngx_uint_t n);
static u_char *ngx_http_notify_redis_queue_join(u_char *p,
    const ngx_str_t *pieces, ngx_uint_t n);
static ngx_int_t ngx_http_notify_redis_queue_put(
    ngx_http_notify_redis_t *redis, ngx_http_notify_redis_command_t *command,
    const ngx_str_t *pieces, ngx_uint_t n, ngx_msec_t timeout);
static ngx_int_t ngx_http_notify_redis_queue_append(
    ngx_http_notify_redis_t *redis, const ngx_str_t *pieces, ngx_uint_t n,
    size_t len);
static uint64_t ngx_http_notify_redis_queue_clock(void);
static void ngx_http_notify_redis_queue_answer(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_command_t *command, ngx_http_notify_resp_t *resp);
static void ngx_http_notify_redis_queue_deadline_handler(ngx_event_t *ev);
static void ngx_http_notify_redis_queue_post_handler(ngx_event_t *ev);
static void ngx_http_notify_redis_queue_announce(
    ngx_http_notify_redis_t *redis, ngx_uint_t up);


void
ngx_http_notify_redis_queue_init(ngx_http_notify_redis_t *redis)
{
    ngx_queue_init(&redis->pending);
    ngx_queue_init(&redis->early);
    ngx_queue_init(&redis->lost);
    ngx_queue_init(&redis->telling);

    redis->deadline.handler = ngx_http_notify_redis_queue_deadline_handler;
    redis->deadline.data = redis;
    redis->deadline.log = redis->log;
    redis->deadline.cancelable = 1;

    redis->post.handler = ngx_http_notify_redis_queue_post_handler;
    redis->post.data = redis;
    redis->post.log = redis->log;
}


void
ngx_http_notify_redis_queue_free(ngx_http_notify_redis_t *redis)
{
    ngx_queue_t                      *q;
    ngx_http_notify_redis_command_t  *command;

    if (!ngx_queue_empty(&redis->telling)) {
        ngx_queue_add(&redis->lost, &redis->telling);
        ngx_queue_init(&redis->telling);
    }

    if (!ngx_queue_empty(&redis->early)) {
        ngx_queue_add(&redis->lost, &redis->early);
        ngx_queue_init(&redis->early);
    }

    while (!ngx_queue_empty(&redis->lost)) {
        q = ngx_queue_head(&redis->lost);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_http_notify_redis_command_t, queue);
        ngx_http_notify_resp_format_free(&command->early);
        ngx_free(command);
    }

    if (redis->post.posted) {
        ngx_delete_posted_event(&redis->post);
    }

    if (redis->out.start) {
        ngx_free(redis->out.start);
    }
}


ngx_http_notify_redis_command_t *
ngx_http_notify_redis_submit(ngx_http_notify_redis_t *redis,
    const ngx_str_t *argv, ngx_uint_t argc, ngx_msec_t timeout,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_str_t                         bytes;
    ngx_http_notify_redis_command_t  *command;

    if (ngx_http_notify_resp_format(argv, argc, &bytes) != NGX_OK) {
        return NULL;
    }

    command = ngx_http_notify_redis_send(redis, &bytes, 1, timeout, handler,
                                         data);

    ngx_http_notify_resp_format_free(&bytes);

    return command;
}


ngx_http_notify_redis_command_t *
ngx_http_notify_redis_send(ngx_http_notify_redis_t *redis,
    const ngx_str_t *pieces, ngx_uint_t n, ngx_msec_t timeout,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_redis_command_t  *command;

    if (redis->destroyed
        || redis->ncommands >= NGX_HTTP_NOTIFY_REDIS_MAX_COMMANDS)
    {
        return NULL;
    }

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_READY) {
        command = ngx_http_notify_redis_queue_pieces(redis, pieces, n,
                                                     timeout, handler, data);
        if (command == NULL) {
            return NULL;
        }

    } else if (redis->generation == 0 && redis->failures == 0
               && !redis->stopped)
    {
        /* the worker has only just started: this is no time to refuse */

        command = ngx_http_notify_redis_queue_early(redis, pieces, n,
                                                    timeout);
        if (command == NULL) {
            return NULL;
        }

        command->handler = handler;
        command->data = data;

    } else {
        command = ngx_calloc(sizeof(ngx_http_notify_redis_command_t),
                             redis->log);
        if (command == NULL) {
            return NULL;
        }

        command->redis = redis;
        command->handler = handler;
        command->data = data;
        command->lost = 1;

        ngx_queue_insert_tail(&redis->lost, &command->queue);
        ngx_http_notify_redis_queue_post(redis);
    }

    redis->ncommands++;

    return command;
}


void
ngx_http_notify_redis_cancel(ngx_http_notify_redis_command_t *command)
{
    command->handler = NULL;

    if (command->lost) {
        ngx_queue_remove(&command->queue);
        command->redis->ncommands--;
        ngx_free(command);
    }

    /* else its answer is still to be read */
}


ngx_http_notify_redis_command_t *
ngx_http_notify_redis_queue_command(ngx_http_notify_redis_t *redis,
    const ngx_str_t *argv, ngx_uint_t argc, ngx_msec_t timeout,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_str_t                         bytes;
    ngx_http_notify_redis_command_t  *command;

    if (ngx_http_notify_resp_format(argv, argc, &bytes) != NGX_OK) {
        return NULL;
    }

    command = ngx_http_notify_redis_queue_pieces(redis, &bytes, 1, timeout,
                                                 handler, data);

    ngx_http_notify_resp_format_free(&bytes);

    return command;
}


static ngx_http_notify_redis_command_t *
ngx_http_notify_redis_queue_pieces(ngx_http_notify_redis_t *redis,
    const ngx_str_t *pieces, ngx_uint_t n, ngx_msec_t timeout,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_redis_command_t  *command;

    command = ngx_calloc(sizeof(ngx_http_notify_redis_command_t), redis->log);
    if (command == NULL) {
        return NULL;
    }

    if (ngx_http_notify_redis_queue_put(redis, command, pieces, n, timeout)
        != NGX_OK)
    {
        ngx_free(command);
        return NULL;
    }

    command->redis = redis;
    command->handler = handler;
    command->data = data;
    command->setup = (redis->state == NGX_HTTP_NOTIFY_REDIS_SETUP);

    return command;
}


/* waits for the first connection, or for the first failure to connect */

static ngx_http_notify_redis_command_t *
ngx_http_notify_redis_queue_early(ngx_http_notify_redis_t *redis,
    const ngx_str_t *pieces, ngx_uint_t n, ngx_msec_t timeout)
{
    size_t                            size;
    ngx_http_notify_redis_command_t  *command;

    size = ngx_http_notify_redis_queue_size(pieces, n);

    if (size > NGX_HTTP_NOTIFY_REDIS_MAX_BYTES - redis->nbytes) {
        return NULL;
    }

    command = ngx_calloc(sizeof(ngx_http_notify_redis_command_t), redis->log);
    if (command == NULL) {
        return NULL;
    }

    command->early.data = ngx_alloc(size, redis->log);
    if (command->early.data == NULL) {
        ngx_free(command);
        return NULL;
    }

    command->early.len = size;
    (void) ngx_http_notify_redis_queue_join(command->early.data, pieces, n);

    command->redis = redis;
    command->timeout = timeout;
    command->size = command->early.len;
    redis->nbytes += command->early.len;

    ngx_queue_insert_tail(&redis->early, &command->queue);

    return command;
}


void
ngx_http_notify_redis_queue_open(ngx_http_notify_redis_t *redis)
{
    ngx_queue_t                      *q;
    ngx_http_notify_redis_command_t  *command;

    while (!ngx_queue_empty(&redis->early)) {
        q = ngx_queue_head(&redis->early);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_http_notify_redis_command_t, queue);

        redis->nbytes -= command->size;

        if (ngx_http_notify_redis_queue_put(redis, command, &command->early,
                                            1, command->timeout)
            != NGX_OK)
        {
            command->lost = 1;
            ngx_queue_insert_tail(&redis->lost, q);
            ngx_http_notify_redis_queue_post(redis);
        }

        ngx_http_notify_resp_format_free(&command->early);
        ngx_str_null(&command->early);
    }
}


static size_t
ngx_http_notify_redis_queue_size(const ngx_str_t *pieces, ngx_uint_t n)
{
    size_t      size;
    ngx_uint_t  i;

    size = 0;

    for (i = 0; i < n; i++) {
        size += pieces[i].len;
    }

    return size;
}


static u_char *
ngx_http_notify_redis_queue_join(u_char *p, const ngx_str_t *pieces,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, pieces[i].data, pieces[i].len);
    }

    return p;
}


static ngx_int_t
ngx_http_notify_redis_queue_put(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_command_t *command, const ngx_str_t *pieces,
    ngx_uint_t n, ngx_msec_t timeout)
{
    size_t             size;
    ngx_event_t       *ev;
    ngx_connection_t  *c;

    size = ngx_http_notify_redis_queue_size(pieces, n);

    if (size > NGX_HTTP_NOTIFY_REDIS_MAX_BYTES - redis->nbytes
        || ngx_http_notify_redis_queue_append(redis, pieces, n, size)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    command->size = size;
    redis->nbytes += size;

    ngx_queue_insert_tail(&redis->pending, &command->queue);

    if (timeout != NGX_TIMER_INFINITE) {
        if (timeout == 0) {
            timeout = redis->conf->timeout;
        }

        command->timed = 1;
        command->asked = ngx_http_notify_redis_queue_clock();
        command->deadline = command->asked + (uint64_t) timeout * 1000;

        ev = &redis->deadline;

        if (!ev->timer_set) {
            ngx_add_timer(ev, timeout);

        } else if ((ngx_msec_int_t) (ngx_current_msec + timeout
                                     - ev->timer.key)
                   < 0)
        {
            ngx_del_timer(ev);
            ngx_add_timer(ev, timeout);
        }
    }

    c = redis->peer.connection;

    if (c->write->ready) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    if (redis->out.last - redis->out.pos >= NGX_HTTP_NOTIFY_REDIS_OUT_MIN) {

        /* Redis can begin; what is wrong the write handler will find, too */

        (void) ngx_http_notify_redis_queue_send(redis);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_redis_queue_append(ngx_http_notify_redis_t *redis,
    const ngx_str_t *pieces, ngx_uint_t n, size_t len)
{
    u_char     *start;
    size_t      used, size, wasted;
    ngx_buf_t  *out;

    out = &redis->out;

    if (len > (size_t) (out->end - out->last)) {

        used = out->last - out->pos;
        wasted = out->pos - out->start;
        size = out->end - out->start;

        if (wasted >= used && used + len <= size) {
            ngx_memcpy(out->start, out->pos, used);

        } else {
            size = ngx_max(size, NGX_HTTP_NOTIFY_REDIS_OUT_MIN);

            while (size < used + len) {
                size *= 2;
            }

            start = ngx_alloc(size, redis->log);
            if (start == NULL) {
                return NGX_ERROR;
            }

            if (out->start) {
                ngx_memcpy(start, out->pos, used);
                ngx_free(out->start);
            }

            out->start = start;
            out->end = start + size;
        }

        out->pos = out->start;
        out->last = out->start + used;
    }

    out->last = ngx_http_notify_redis_queue_join(out->last, pieces, n);

    return NGX_OK;
}


/* NGX_ERROR: the connection is of no more use */
ngx_int_t
ngx_http_notify_redis_queue_send(ngx_http_notify_redis_t *redis)
{
    ssize_t            n;
    ngx_buf_t         *out;
    ngx_connection_t  *c;

    c = redis->peer.connection;
    out = &redis->out;

    while (out->pos < out->last && c->write->ready) {

        n = c->send(c, out->pos, out->last - out->pos);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n > 0) {
            out->pos += n;
        }
    }

    if (out->pos == out->last) {

        if (out->end - out->start > NGX_HTTP_NOTIFY_REDIS_OUT_KEEP) {
            ngx_free(out->start);
            ngx_memzero(out, sizeof(ngx_buf_t));
        }

        out->pos = out->start;
        out->last = out->start;
    }

    return ngx_handle_write_event(c->write, 0);
}


/* NGX_DECLINED: no command waits for an answer */
ngx_int_t
ngx_http_notify_redis_queue_reply(ngx_http_notify_redis_t *redis,
    ngx_http_notify_resp_t *resp)
{
    ngx_queue_t                      *q;
    ngx_http_notify_redis_command_t  *command;

    if (ngx_queue_empty(&redis->pending)) {
        return NGX_DECLINED;
    }

    q = ngx_queue_head(&redis->pending);
    command = ngx_queue_data(q, ngx_http_notify_redis_command_t, queue);

    redis->nbytes -= command->size;

    if (command->timed) {
        ngx_http_notify_metrics_observe(NGX_HTTP_NOTIFY_METRICS_ALL,
                                        NGX_HTTP_NOTIFY_METRICS_ROUND_TRIP,
                                        ngx_http_notify_redis_queue_clock()
                                        - command->asked);
    }

    ngx_http_notify_redis_queue_answer(redis, command, resp);

    return NGX_OK;
}


/* nginx's own clock stands still within a turn, most answers take less */

static uint64_t
ngx_http_notify_redis_queue_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static void
ngx_http_notify_redis_queue_answer(ngx_http_notify_redis_t *redis,
    ngx_http_notify_redis_command_t *command, ngx_http_notify_resp_t *resp)
{
    ngx_queue_remove(&command->queue);

    if (!command->setup) {
        redis->ncommands--;
    }

    /* a cancel of itself finds it in no queue */
    command->lost = 0;

    if (command->handler) {
        command->handler(resp, command->data);
    }

    ngx_free(command);
}


/* commands without an answer: their handlers are told in the next turn */
void
ngx_http_notify_redis_queue_lose(ngx_http_notify_redis_t *redis)
{
    ngx_queue_t                      *q;
    ngx_http_notify_redis_command_t  *command;

    if (redis->deadline.timer_set) {
        ngx_del_timer(&redis->deadline);
    }

    redis->out.pos = redis->out.start;
    redis->out.last = redis->out.start;
    redis->nbytes = 0;

    if (!ngx_queue_empty(&redis->early)) {
        ngx_queue_add(&redis->pending, &redis->early);
        ngx_queue_init(&redis->early);
    }

    while (!ngx_queue_empty(&redis->pending)) {
        q = ngx_queue_head(&redis->pending);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_http_notify_redis_command_t, queue);

        if (command->early.data != NULL) {
            ngx_http_notify_resp_format_free(&command->early);
            ngx_str_null(&command->early);
        }

        if (command->setup) {
            ngx_free(command);

        } else if (command->handler == NULL) {
            redis->ncommands--;
            ngx_free(command);

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

static void
ngx_http_notify_redis_queue_deadline_handler(ngx_event_t *ev)
{
    ngx_http_notify_redis_t *redis = ev->data;

    int64_t                           left, first;
    uint64_t                          now;
    ngx_uint_t                        timed;
    ngx_queue_t                      *q;
    ngx_http_notify_redis_command_t  *command;

    timed = 0;
    first = 0;
    now = ngx_http_notify_redis_queue_clock();

    for (q = ngx_queue_head(&redis->pending);
         q != ngx_queue_sentinel(&redis->pending);
         q = ngx_queue_next(q))
    {
        command = ngx_queue_data(q, ngx_http_notify_redis_command_t, queue);

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
        return;
    }

    if (first > 0) {
        ngx_add_timer(ev, (ngx_msec_t) (first / 1000 + 1));
        return;
    }

    if (redis->peer.connection->read->posted
        && first > - (int64_t) redis->conf->timeout * 1000)
    {
        /* answers are here, waiting for their turn to be read */
        ngx_add_timer(ev, NGX_HTTP_NOTIFY_REDIS_GRACE);
        return;
    }

    ngx_http_notify_redis_fail(redis, NGX_HTTP_NOTIFY_REDIS_LOST, 0,
                               "%V did not answer in time", redis->peer.name);
}


void
ngx_http_notify_redis_queue_post(ngx_http_notify_redis_t *redis)
{
    /* not ngx_posted_events: who submits anew on a NULL would never end */

    ngx_post_event(&redis->post, &ngx_posted_next_events);
}


static void
ngx_http_notify_redis_queue_post_handler(ngx_event_t *ev)
{
    ngx_http_notify_redis_t *redis = ev->data;

    ngx_queue_t                      *q;
    ngx_http_notify_redis_command_t  *command;

    redis->busy++;

    if (redis->announced
        && redis->announced != ngx_http_notify_redis_generation(redis))
    {
        redis->announced = 0;
        ngx_http_notify_redis_queue_announce(redis, 0);
    }

    if (!redis->destroyed && redis->announced == 0
        && ngx_http_notify_redis_ready(redis))
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
        command = ngx_queue_data(q, ngx_http_notify_redis_command_t, queue);

        ngx_http_notify_redis_queue_answer(redis, command, NULL);
    }

    ngx_http_notify_redis_leave(redis);
}


static void
ngx_http_notify_redis_queue_announce(ngx_http_notify_redis_t *redis,
    ngx_uint_t up)
{
    ngx_uint_t                      i, n;
    ngx_http_notify_redis_watch_t  *watch;

    n = redis->watches.nelts;

    for (i = 0; i < n && !redis->destroyed; i++) {
        /* a handler may register another: the array may move */
        watch = (ngx_http_notify_redis_watch_t *) redis->watches.elts + i;
        watch->handler(redis, up, watch->data);
    }
}
