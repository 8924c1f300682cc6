/*
 * A listener is made for the first waiter and freed some seconds after the last
 * one has gone.  It begins where the first one has read up to, so no event is
 * lost between a reader's page and its wait.
 */

#include "ngx_http_notify_log_listener.h"
#include "ngx_http_notify_log_state.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_LOG_LISTENER_BLOCK  5000   /* ms */
#define NGX_HTTP_NOTIFY_LOG_LISTENER_LINGER  5000      /* ms, without waiters */
#define NGX_HTTP_NOTIFY_LOG_LISTENER_RETRY  1000      /* ms, after an error */
#define NGX_HTTP_NOTIFY_LOG_LISTENER_COUNT  256       /* entries a read */
#define NGX_HTTP_NOTIFY_LOG_LISTENER_BYTES   (2 * 1024 * 1024)


struct ngx_http_notify_log_listener_s {
    ngx_http_notify_log_listener_t    *next;
    const ngx_http_notify_channel_t   *channel;
    ngx_http_notify_redis_t           *redis;
    ngx_queue_t                        waiters;
    ngx_queue_t                        telling;
    ngx_http_notify_id_t               position;
    ngx_http_notify_id_t               packed;  /* the end of the segments that
                                                   it reads */
    size_t                             size;    /* an entry's, roughly */
    ngx_uint_t                         asked;   /* entries, by the read */
    ngx_event_t                        linger;
    ngx_event_t                        retry;
    unsigned                           reading:1;
    unsigned                           checked:1;   /* on this connection */
};


static ngx_http_notify_log_listener_t *ngx_http_notify_log_listener_get(
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_redis_conf_t *conf, const ngx_http_notify_id_t *from);
static void ngx_http_notify_log_listener_free(
    ngx_http_notify_log_listener_t *watch);
static void ngx_http_notify_log_listener_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static void ngx_http_notify_log_listener_next(
    ngx_http_notify_log_listener_t *watch);
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_listener_checked;
static ngx_int_t ngx_http_notify_log_listener_read(
    ngx_http_notify_log_listener_t *watch);
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_listener_reply;
static ngx_http_notify_redis_handler_t  ngx_http_notify_log_listener_segments;
static ngx_uint_t ngx_http_notify_log_listener_read_ok(
    ngx_http_notify_log_listener_t *watch, const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_log_listener_entries(
    ngx_http_notify_log_listener_t *watch,
    const ngx_http_notify_resp_t *entries);
static void ngx_http_notify_log_listener_tell(
    ngx_http_notify_log_listener_t *watch,
    const ngx_http_notify_log_listener_batch_t *batch);
static void ngx_http_notify_log_listener_tell_all(
    ngx_http_notify_log_listener_t *watch,
    ngx_http_notify_log_listener_why_e why);
static void ngx_http_notify_log_listener_retry_handler(ngx_event_t *ev);
static void ngx_http_notify_log_listener_linger_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_log_listener_sentry(void);
static void ngx_http_notify_log_listener_quit(ngx_event_t *ev);


static ngx_http_notify_log_listener_t  *ngx_http_notify_watches;

/* an idle "connection", which nginx closes when the worker is to end */
static ngx_connection_t  *ngx_http_notify_log_listener_idle;


ngx_int_t
ngx_http_notify_log_listener_join(ngx_http_notify_log_listener_waiter_t *waiter,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_redis_conf_t *conf, const ngx_http_notify_id_t *from,
    ngx_http_notify_id_t *seen)
{
    ngx_http_notify_log_listener_t  *watch;

    if (ngx_exiting) {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_log_listener_sentry() != NGX_OK) {
        return NGX_ERROR;
    }

    watch = ngx_http_notify_log_listener_get(channel, conf, from);
    if (watch == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_id_compare(from, &watch->position) < 0) {
        *seen = watch->position;
        return NGX_AGAIN;
    }

    ngx_http_notify_timer_stop(&watch->linger);

    waiter->watch = watch;
    ngx_queue_insert_tail(&watch->waiters, &waiter->queue);

    return NGX_OK;
}


void
ngx_http_notify_log_listener_leave(
    ngx_http_notify_log_listener_waiter_t *waiter)
{
    ngx_http_notify_log_listener_t  *watch;

    watch = waiter->watch;

    if (watch == NULL) {
        return;
    }

    waiter->watch = NULL;
    ngx_queue_remove(&waiter->queue);

    if (ngx_queue_empty(&watch->waiters) && ngx_queue_empty(&watch->telling)) {
        ngx_add_timer(&watch->linger, NGX_HTTP_NOTIFY_LOG_LISTENER_LINGER);
    }
}


void
ngx_http_notify_log_listener_exit(void)
{
    while (ngx_http_notify_watches) {
        ngx_http_notify_log_listener_free(ngx_http_notify_watches);
    }

    if (ngx_http_notify_log_listener_idle) {
        ngx_http_notify_log_listener_idle->fd = (ngx_socket_t) -1;
        ngx_free_connection(ngx_http_notify_log_listener_idle);
        ngx_http_notify_log_listener_idle = NULL;
    }
}


static ngx_http_notify_log_listener_t *
ngx_http_notify_log_listener_get(const ngx_http_notify_channel_t *channel,
    ngx_http_notify_redis_conf_t *conf, const ngx_http_notify_id_t *from)
{
    ngx_http_notify_log_listener_t  *watch;

    for (watch = ngx_http_notify_watches; watch; watch = watch->next) {
        if (watch->channel == channel) {
            return watch;
        }
    }

    watch = ngx_calloc(sizeof(ngx_http_notify_log_listener_t), ngx_cycle->log);
    if (watch == NULL) {
        return NULL;
    }

    watch->channel = channel;
    watch->position = *from;
    watch->size = NGX_HTTP_NOTIFY_LOG_LISTENER_BYTES / 16;

    ngx_queue_init(&watch->waiters);
    ngx_queue_init(&watch->telling);

    ngx_http_notify_timer_idle(&watch->linger,
                               ngx_http_notify_log_listener_linger_handler,
                               watch, ngx_cycle->log);

    ngx_http_notify_timer_idle(&watch->retry,
                               ngx_http_notify_log_listener_retry_handler,
                               watch, ngx_cycle->log);

    watch->redis = ngx_http_notify_redis_create((ngx_cycle_t *) ngx_cycle,
                                            conf, "watch",
                                            ngx_http_notify_log_listener_state,
                                            watch);
    if (watch->redis == NULL) {
        ngx_free(watch);
        return NULL;
    }

    watch->next = ngx_http_notify_watches;
    ngx_http_notify_watches = watch;

    return watch;
}


static void
ngx_http_notify_log_listener_free(ngx_http_notify_log_listener_t *watch)
{
    ngx_queue_t                            *q;
    ngx_http_notify_log_listener_t        **link;
    ngx_http_notify_log_listener_waiter_t  *waiter;

    /* a waiter that is left at the exit has no listener any more */

    while (!ngx_queue_empty(&watch->waiters)) {
        q = ngx_queue_head(&watch->waiters);
        waiter = ngx_queue_data(q, ngx_http_notify_log_listener_waiter_t,
                                queue);

        ngx_queue_remove(q);
        waiter->watch = NULL;
    }

    for (link = &ngx_http_notify_watches; *link != watch;
         link = &(*link)->next)
    {
        /* void */
    }

    *link = watch->next;

    ngx_http_notify_timer_stop(&watch->linger);

    ngx_http_notify_timer_stop(&watch->retry);

    ngx_http_notify_redis_destroy(watch->redis);
    ngx_free(watch);
}


static void
ngx_http_notify_log_listener_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data)
{
    ngx_http_notify_log_listener_t  *watch = data;

    watch->reading = 0;
    watch->checked = 0;

    if (up) {
        ngx_http_notify_log_listener_next(watch);
    }
}


/* another Redis, or one that was restored, may not have what was read */

static void
ngx_http_notify_log_listener_next(ngx_http_notify_log_listener_t *watch)
{
    ngx_int_t  rc;

    if (watch->reading || !ngx_http_notify_redis_ready(watch->redis)) {
        return;
    }

    if (watch->checked) {
        rc = ngx_http_notify_log_listener_read(watch);

    } else {
        rc = ngx_http_notify_log_state_ask(watch->redis,
                                           &watch->channel->keys,
                                           ngx_http_notify_log_listener_checked,
                                           watch);
    }

    if (rc == NGX_OK) {
        watch->reading = 1;
        return;
    }

    ngx_add_timer(&watch->retry, NGX_HTTP_NOTIFY_LOG_LISTENER_RETRY);
}


static void
ngx_http_notify_log_listener_checked(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_listener_t  *watch = data;

    ngx_http_notify_log_state_t  state;

    watch->reading = 0;

    if (resp == NULL) {
        return;                     /* the next connection goes on */
    }

    if (ngx_http_notify_log_state_parse(resp, &state) == NGX_ERROR) {
        (void) ngx_http_notify_script_verdict(watch->redis, resp, "watch");
        ngx_add_timer(&watch->retry, NGX_HTTP_NOTIFY_LOG_LISTENER_RETRY);
        return;
    }

    watch->checked = 1;

    if (ngx_http_notify_id_compare(&state.last, &watch->position) < 0) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "notify watch: the log of channel \"%V\" has lost its "
                      "end, its readers begin anew", &watch->channel->name);

        watch->position = state.last;
        ngx_http_notify_log_listener_tell_all(watch,
                                           NGX_HTTP_NOTIFY_LOG_LISTENER_RESET);
    }

    ngx_http_notify_log_listener_next(watch);
}


static ngx_int_t
ngx_http_notify_log_listener_read(ngx_http_notify_log_listener_t *watch)
{
    ngx_uint_t                  n;
    ngx_http_notify_command_t  *command;

    n = NGX_HTTP_NOTIFY_LOG_LISTENER_BYTES / ngx_max(watch->size, 1);
    n = ngx_max(ngx_min(n, NGX_HTTP_NOTIFY_LOG_LISTENER_COUNT), 1);
    watch->asked = n;

    command = ngx_http_notify_command_start(watch->redis, "XREAD",
                                           ngx_http_notify_log_listener_reply,
                                           watch);

    ngx_http_notify_command_timeout(command,
                                    NGX_HTTP_NOTIFY_LOG_LISTENER_BLOCK
                                    + watch->channel->store->timeout);

    ngx_http_notify_command_text(command, "COUNT");
    ngx_http_notify_command_number(command, n);
    ngx_http_notify_command_text(command, "BLOCK");
    ngx_http_notify_command_text(command, "5000");
    ngx_http_notify_log_follow(command, &watch->channel->keys, NULL,
                               &watch->position, NULL);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_log_listener_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_listener_t  *watch = data;

    ngx_http_notify_log_followed_t  found;

    if (!ngx_http_notify_log_listener_read_ok(watch, resp)) {
        return;
    }

    ngx_http_notify_log_followed(resp, &watch->channel->keys, &found);

    /* a worker that was stopped: what it has not read is in segments */

    if (found.packed) {
        watch->packed = found.end;

        if (ngx_http_notify_log_range(watch->redis, &watch->channel->keys,
                                      &watch->position, 0, &found.end,
                                      watch->asked,
                                      ngx_http_notify_log_listener_segments,
                                      watch)
            != NULL)
        {
            watch->reading = 1;
            return;
        }

        ngx_add_timer(&watch->retry, NGX_HTTP_NOTIFY_LOG_LISTENER_RETRY);
        return;
    }

    if (found.log) {
        ngx_http_notify_log_listener_entries(watch, found.log);
    }

    ngx_http_notify_log_listener_next(watch);
}


static void
ngx_http_notify_log_listener_segments(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_log_listener_t  *watch = data;

    ngx_uint_t  more;

    if (!ngx_http_notify_log_listener_read_ok(watch, resp)) {
        return;
    }

    more = resp->nelts >= watch->asked;

    if (resp->nelts) {
        ngx_http_notify_log_listener_entries(watch, resp);
    }

    if (!more
        && ngx_http_notify_id_compare(&watch->position, &watch->packed) < 0)
    {
        watch->position = watch->packed;
    }

    ngx_http_notify_log_listener_next(watch);
}


/* 0: there is nothing in it, and what has to follow does */

static ngx_uint_t
ngx_http_notify_log_listener_read_ok(ngx_http_notify_log_listener_t *watch,
    const ngx_http_notify_resp_t *resp)
{
    watch->reading = 0;

    if (resp == NULL) {
        return 0;                   /* the next connection goes on */
    }

    if (ngx_http_notify_resp_is_error(resp, NGX_HTTP_NOTIFY_RESP_LARGE)
        && watch->asked > 1)
    {
        watch->size = NGX_HTTP_NOTIFY_LOG_LISTENER_BYTES;
        ngx_http_notify_log_listener_next(watch);
        return 0;
    }

    if (ngx_http_notify_script_verdict(watch->redis, resp, "watch")
        != NGX_OK)
    {
        ngx_add_timer(&watch->retry, NGX_HTTP_NOTIFY_LOG_LISTENER_RETRY);
        return 0;
    }

    return 1;
}


static void
ngx_http_notify_log_listener_entries(ngx_http_notify_log_listener_t *watch,
    const ngx_http_notify_resp_t *entries)
{
    ngx_uint_t                            i;
    ngx_pool_t                           *pool;
    ngx_http_notify_event_t              *event;
    ngx_http_notify_log_listener_batch_t  batch;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return;                     /* and reads the same again */
    }

    ngx_memzero(&batch, sizeof(ngx_http_notify_log_listener_batch_t));

    batch.why = NGX_HTTP_NOTIFY_LOG_LISTENER_EVENTS;
    batch.pool = pool;
    batch.last = watch->position;
    batch.events = ngx_palloc(pool, entries->nelts
                                    * sizeof(ngx_http_notify_event_t *));
    batch.slots = ngx_pcalloc(pool, entries->nelts * sizeof(void *));

    if (batch.events == NULL || batch.slots == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    for (i = 0; i < entries->nelts; i++) {
        (void) ngx_http_notify_log_entry_id(entries->elts[i], &batch.last);

        event = ngx_queue_empty(&watch->waiters)
                    ? NULL
                    : ngx_http_notify_log_event(entries->elts[i],
                                                ngx_cycle->log);
        if (event) {
            batch.events[batch.n++] = event;
            watch->size = (watch->size * 7 + event->size) / 8;
        }
    }

    /* a waiter that joins while others are told must have read as much */

    watch->position = batch.last;

    ngx_http_notify_log_listener_tell(watch, &batch);

    for (i = 0; i < batch.n; i++) {
        ngx_http_notify_log_unref(batch.events[i]);
    }

    ngx_destroy_pool(pool);
}


/* a waiter may leave, and take others along */

static void
ngx_http_notify_log_listener_tell(ngx_http_notify_log_listener_t *watch,
    const ngx_http_notify_log_listener_batch_t *batch)
{
    ngx_queue_t                            *q;
    ngx_http_notify_log_listener_waiter_t  *waiter;

    if (ngx_queue_empty(&watch->waiters)) {
        return;
    }

    ngx_queue_add(&watch->telling, &watch->waiters);
    ngx_queue_init(&watch->waiters);

    while (!ngx_queue_empty(&watch->telling)) {
        q = ngx_queue_head(&watch->telling);
        waiter = ngx_queue_data(q, ngx_http_notify_log_listener_waiter_t,
                                queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&watch->waiters, q);

        waiter->handler(waiter, batch);
    }
}


static void
ngx_http_notify_log_listener_tell_all(ngx_http_notify_log_listener_t *watch,
    ngx_http_notify_log_listener_why_e why)
{
    ngx_http_notify_log_listener_batch_t  batch;

    ngx_memzero(&batch, sizeof(ngx_http_notify_log_listener_batch_t));

    batch.why = why;
    batch.last = watch->position;

    ngx_http_notify_log_listener_tell(watch, &batch);
}


static void
ngx_http_notify_log_listener_retry_handler(ngx_event_t *ev)
{
    ngx_http_notify_log_listener_next(ev->data);
}


static void
ngx_http_notify_log_listener_linger_handler(ngx_event_t *ev)
{
    ngx_http_notify_log_listener_free(ev->data);
}


/* see the engine's watcher, which is made for leases */

static ngx_int_t
ngx_http_notify_log_listener_sentry(void)
{
    ngx_connection_t  *c;

    if (ngx_http_notify_log_listener_idle) {
        return NGX_OK;
    }

    c = ngx_get_connection(0, ngx_cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    /* not -1, which nginx passes over; never a descriptor either */

    c->fd = (ngx_socket_t) -2;
    c->idle = 1;
    c->read->handler = ngx_http_notify_log_listener_quit;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;

    ngx_http_notify_log_listener_idle = c;

    return NGX_OK;
}


static void
ngx_http_notify_log_listener_quit(ngx_event_t *ev)
{
    ngx_connection_t                *c;
    ngx_http_notify_log_listener_t  *watch;

    c = ev->data;

    if (!c->close) {
        return;
    }

    c->fd = (ngx_socket_t) -1;
    ngx_free_connection(c);

    ngx_http_notify_log_listener_idle = NULL;

    for (watch = ngx_http_notify_watches; watch; watch = watch->next) {
        ngx_http_notify_log_listener_tell_all(watch,
                                            NGX_HTTP_NOTIFY_LOG_LISTENER_QUIT);
    }
}
