/*
 * What a caller gives to the connection, and when it is sent: at once, when the
 * first connection is ready, or once more where a node of a cluster refused it
 * because its slot is moving.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */

#include "ngx_http_notify_redis_internal.h"


#define NGX_HTTP_NOTIFY_REDIS_SEND_COMMANDS  65536
#define NGX_HTTP_NOTIFY_REDIS_SEND_BYTES     (64 * 1024 * 1024)

/* of a slot that is moving, in ms: the next try, and the end of all tries */
#define NGX_HTTP_NOTIFY_REDIS_SEND_AGAIN     20
#define NGX_HTTP_NOTIFY_REDIS_SEND_MOVING    10000


static void ngx_http_notify_redis_send_open(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command);
static ngx_uint_t ngx_http_notify_redis_send_moving(
    const ngx_http_notify_redis_t *redis);
static void ngx_http_notify_redis_send_hold(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command);
static ngx_http_notify_command_t *ngx_http_notify_redis_send_next(
    ngx_http_notify_redis_t *redis);
static void ngx_http_notify_redis_send_lost(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command);


ngx_int_t
ngx_http_notify_redis_send(ngx_http_notify_command_t *command)
{
    ngx_http_notify_redis_t  *redis;

    if (command == NULL) {
        return NGX_ERROR;
    }

    redis = command->redis;

    if (ngx_http_notify_command_close(command) != NGX_OK
        || redis->destroyed
        || redis->ncommands >= NGX_HTTP_NOTIFY_REDIS_SEND_COMMANDS
        || redis->nbytes + ngx_http_notify_redis_queue_size(command)
           > NGX_HTTP_NOTIFY_REDIS_SEND_BYTES)
    {
        if (!command->kept) {
            ngx_http_notify_command_free(command);
        }

        return NGX_ERROR;
    }

    if (ngx_http_notify_redis_send_moving(redis)) {
        command->moving = redis->moving;
        ngx_http_notify_redis_send_hold(redis, command);

    } else if (redis->state == NGX_HTTP_NOTIFY_REDIS_READY) {
        ngx_http_notify_redis_send_open(redis, command);

    } else if (redis->generation == 0 && redis->failures == 0
               && !redis->stopped)
    {
        /* the worker has only just started: this is no time to refuse */

        redis->nbytes += ngx_http_notify_redis_queue_size(command);
        ngx_queue_insert_tail(&redis->early, &command->queue);

    } else {
        ngx_http_notify_redis_send_lost(redis, command);
    }

    redis->ncommands++;

    return NGX_OK;
}


void
ngx_http_notify_redis_cancel(ngx_http_notify_command_t *command)
{
    ngx_http_notify_redis_t  *redis;

    redis = command->redis;

    command->handler = NULL;
    command->kept = 0;

    if (!command->lost && !command->held) {
        /* its answer is still to be read */
        return;
    }

    if (command->held) {
        redis->nheld -= ngx_http_notify_redis_queue_size(command);
        redis->nbytes -= ngx_http_notify_redis_queue_size(command);
    }

    ngx_queue_remove(&command->queue);
    redis->ncommands--;
    ngx_http_notify_command_free(command);
}


ngx_int_t
ngx_http_notify_redis_send_setup(ngx_http_notify_command_t *command)
{
    if (command == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_command_close(command) != NGX_OK) {
        ngx_http_notify_command_free(command);
        return NGX_ERROR;
    }

    command->setup = 1;
    ngx_http_notify_redis_queue_put(command->redis, command);

    return NGX_OK;
}


void
ngx_http_notify_redis_send_early(ngx_http_notify_redis_t *redis)
{
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    redis->moving = 0;

    while (!ngx_queue_empty(&redis->early)) {
        q = ngx_queue_head(&redis->early);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

        redis->nbytes -= ngx_http_notify_redis_queue_size(command);
        ngx_http_notify_redis_send_open(redis, command);
    }
}


static void
ngx_http_notify_redis_send_open(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command)
{
    if (command->gate && !*command->gate) {
        ngx_http_notify_redis_send_lost(redis, command);

    } else {
        ngx_http_notify_redis_queue_put(redis, command);
    }
}


static ngx_uint_t
ngx_http_notify_redis_send_moving(const ngx_http_notify_redis_t *redis)
{
    return redis->moving && redis->moving > ngx_http_notify_redis_queue_clock();
}


ngx_int_t
ngx_http_notify_redis_send_again(ngx_http_notify_command_t *command,
    const ngx_http_notify_resp_t *resp)
{
    uint64_t                  now;
    ngx_uint_t                moved;
    ngx_http_notify_redis_t  *redis;

    redis = command->redis;

    moved = ngx_http_notify_resp_is_error(resp, "MOVED");

    if (!moved
        && !ngx_http_notify_resp_is_error(resp, "ASK")
        && !ngx_http_notify_resp_is_error(resp, "TRYAGAIN"))
    {
        return NGX_DECLINED;
    }

    now = ngx_http_notify_redis_queue_clock();

    if (command->moving == 0) {
        command->moving = now + NGX_HTTP_NOTIFY_REDIS_SEND_MOVING * 1000;
    }

    if (moved && redis->moving == 0) {
        redis->moving = command->moving;
    }

    if (command->setup || command->handler == NULL || command->moving <= now) {
        return NGX_DECLINED;
    }

    command->pos = command->head;
    ngx_http_notify_redis_send_hold(redis, command);

    return NGX_OK;
}


static void
ngx_http_notify_redis_send_hold(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command)
{
    size_t  size;

    size = ngx_http_notify_redis_queue_size(command);

    command->held = 1;
    redis->nheld += size;
    redis->nbytes += size;
    ngx_queue_insert_tail(&redis->held, &command->queue);

    if (!redis->again.timer_set) {
        ngx_add_timer(&redis->again, NGX_HTTP_NOTIFY_REDIS_SEND_AGAIN);
    }
}


/* the first one that is held, taken out; NULL: there is none */

static ngx_http_notify_command_t *
ngx_http_notify_redis_send_next(ngx_http_notify_redis_t *redis)
{
    size_t                      size;
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    if (ngx_queue_empty(&redis->held)) {
        return NULL;
    }

    q = ngx_queue_head(&redis->held);
    ngx_queue_remove(q);

    command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

    size = ngx_http_notify_redis_queue_size(command);

    command->held = 0;
    redis->nheld -= size;
    redis->nbytes -= size;

    return command;
}


/* all that is held is sent again, or its time is over */

void
ngx_http_notify_redis_send_handler(ngx_event_t *ev)
{
    ngx_http_notify_redis_t *redis = ev->data;

    uint64_t                    now;
    ngx_queue_t                *q;
    ngx_http_notify_command_t  *command;

    now = ngx_http_notify_redis_queue_clock();

    if (redis->state == NGX_HTTP_NOTIFY_REDIS_READY && redis->moving == 0) {

        while ((command = ngx_http_notify_redis_send_next(redis)) != NULL) {
            ngx_http_notify_redis_send_open(redis, command);
        }

        return;
    }

    /* in the order of their ends, or nearly: those behind wait a little more */

    while (!ngx_queue_empty(&redis->held)) {
        q = ngx_queue_head(&redis->held);
        command = ngx_queue_data(q, ngx_http_notify_command_t, queue);

        if (command->moving > now && !redis->stopped) {
            ngx_add_timer(&redis->again, NGX_HTTP_NOTIFY_REDIS_SEND_AGAIN);
            return;
        }

        (void) ngx_http_notify_redis_send_next(redis);
        ngx_http_notify_redis_send_lost(redis, command);
    }
}


static void
ngx_http_notify_redis_send_lost(ngx_http_notify_redis_t *redis,
    ngx_http_notify_command_t *command)
{
    command->lost = 1;
    ngx_queue_insert_tail(&redis->lost, &command->queue);
    ngx_http_notify_redis_queue_post(redis);
}
