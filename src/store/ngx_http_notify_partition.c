/*
 * The field `partitions` of the hash `meta`.  The data of a version that did
 * not know it are those of one partition.  All but the first are frozen only
 * when the first has the same number: what a wrong configuration makes is
 * nothing.
 */

#include "ngx_http_notify_command.h"
#include "ngx_http_notify_partition.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_PARTITION_AGAIN  500    /* ms */


static ngx_http_notify_redis_handler_t  ngx_http_notify_partition_used;
static ngx_http_notify_redis_handler_t  ngx_http_notify_partition_known;
static void ngx_http_notify_partition_unknown(
    ngx_http_notify_partition_t *partition,
    const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_partition_is(
    ngx_http_notify_partition_t *partition, ngx_uint_t n);
static void ngx_http_notify_partition_freeze(
    ngx_http_notify_partition_t *partition);
static ngx_http_notify_redis_handler_t  ngx_http_notify_partition_frozen;
static ngx_http_notify_command_t *ngx_http_notify_partition_command(
    ngx_http_notify_partition_t *partition, const char *name,
    ngx_http_notify_redis_handler_pt handler);
static void ngx_http_notify_partition_send(
    ngx_http_notify_partition_t *partition,
    ngx_http_notify_command_t *command);
static void ngx_http_notify_partition_later(
    ngx_http_notify_partition_t *partition);
static void ngx_http_notify_partition_again(ngx_event_t *ev);


void
ngx_http_notify_partition_ask(ngx_http_notify_partition_t *partition)
{
    ngx_http_notify_command_t  *command;

    ngx_http_notify_partition_leave(partition);

    partition->waits = 0;

    command = ngx_http_notify_command_start(partition->redis, "EXISTS",
                                            ngx_http_notify_partition_used,
                                            partition);

    ngx_http_notify_command_key(command, &partition->keys, "log");
    ngx_http_notify_command_key(command, &partition->keys, "subs");

    ngx_http_notify_partition_send(partition, command);

    ngx_http_notify_partition_send(partition,
        ngx_http_notify_partition_command(partition, "HGET",
                                          ngx_http_notify_partition_known));
}


void
ngx_http_notify_partition_leave(ngx_http_notify_partition_t *partition)
{
    ngx_http_notify_timer_stop(&partition->again);
}


static void
ngx_http_notify_partition_used(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_partition_t *partition = data;

    partition->used = resp && resp->type == NGX_HTTP_NOTIFY_RESP_INTEGER
                      && resp->integer > 0;

    /* a slot that is moving, a cluster that is down */

    partition->unsure = resp && resp->type == NGX_HTTP_NOTIFY_RESP_ERROR
                        && !ngx_http_notify_resp_is_error(resp, "NOPERM");
}


static void
ngx_http_notify_partition_known(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_partition_t *partition = data;

    ngx_int_t  n;

    if (resp == NULL) {
        return;                 /* the next connection asks again */
    }

    if (resp->type == NGX_HTTP_NOTIFY_RESP_STRING) {
        n = ngx_atoi(resp->str.data, resp->str.len);

        if (n > 0) {
            ngx_http_notify_partition_is(partition, n);

        } else {
            ngx_http_notify_partition_unknown(partition, resp);
        }

        return;
    }

    if (resp->type != NGX_HTTP_NOTIFY_RESP_NIL || partition->unsure) {
        ngx_http_notify_partition_unknown(partition, resp);
        return;
    }

    if (partition->used && partition->n != 1) {
        ngx_http_notify_partition_is(partition, 1);
        return;
    }

    if (partition->first != partition && !partition->first->open) {
        partition->open = 0;
        partition->waits = 1;
        return;
    }

    ngx_http_notify_partition_freeze(partition);
}


/* what was known once is so still */

static void
ngx_http_notify_partition_unknown(ngx_http_notify_partition_t *partition,
    const ngx_http_notify_resp_t *resp)
{
    if (!partition->frozen) {

        /* a user without the right to ask is told so by what it does next */

        partition->open = ngx_http_notify_resp_is_error(resp, "NOPERM");
    }

    if (!partition->open) {
        ngx_http_notify_partition_later(partition);
    }
}


static void
ngx_http_notify_partition_is(ngx_http_notify_partition_t *partition,
    ngx_uint_t n)
{
    ngx_uint_t                    before;
    ngx_http_notify_partition_t  *next;

    before = partition->frozen;

    partition->frozen = n;
    partition->open = (n == partition->n);

    if (!partition->open) {

        if (before != n
            && (partition->first == partition || partition->first->open))
        {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                          "notify partitions: the data of channel \"%V\" in "
                          "Redis have \"partitions %ui\", the configuration "
                          "has \"partitions %ui\": the channel is closed "
                          "until they are the same", partition->channel, n,
                          partition->n);
        }

        ngx_http_notify_partition_later(partition);
        return;
    }

    if (partition->first != partition) {
        return;
    }

    for (next = partition->next; next; next = next->next) {
        if (!next->waits) {
            continue;
        }

        next->waits = 0;

        if (next->redis == partition->redis
            || ngx_http_notify_redis_ready(next->redis))
        {
            ngx_http_notify_partition_freeze(next);

        } else {
            ngx_http_notify_partition_later(next);
        }
    }
}


/* nobody has used it: it is open at once, and written meanwhile */

static void
ngx_http_notify_partition_freeze(ngx_http_notify_partition_t *partition)
{
    ngx_http_notify_command_t  *command;

    ngx_http_notify_partition_is(partition, partition->n);

    command = ngx_http_notify_partition_command(partition, "HSETNX",
                                            ngx_http_notify_partition_frozen);

    ngx_http_notify_command_number(command, partition->n);

    ngx_http_notify_partition_send(partition, command);
}


static void
ngx_http_notify_partition_frozen(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_partition_t *partition = data;

    if (resp && resp->type == NGX_HTTP_NOTIFY_RESP_INTEGER
        && resp->integer == 0)
    {
        /* somebody else has come first */

        ngx_http_notify_partition_send(partition,
            ngx_http_notify_partition_command(partition, "HGET",
                                              ngx_http_notify_partition_known));
    }
}


static ngx_http_notify_command_t *
ngx_http_notify_partition_command(ngx_http_notify_partition_t *partition,
    const char *name, ngx_http_notify_redis_handler_pt handler)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(partition->redis, name, handler,
                                            partition);

    ngx_http_notify_command_key(command, &partition->keys, "meta");
    ngx_http_notify_command_text(command, "partitions");

    return command;
}


/* what is not sent is asked again by the next connection */

static void
ngx_http_notify_partition_send(ngx_http_notify_partition_t *partition,
    ngx_http_notify_command_t *command)
{
    if (ngx_http_notify_redis_ready(partition->redis)) {
        (void) ngx_http_notify_redis_send(command);

    } else {
        (void) ngx_http_notify_redis_send_setup(command);
    }
}


/* its connection is not closed by what was answered */

static void
ngx_http_notify_partition_later(ngx_http_notify_partition_t *partition)
{
    ngx_http_notify_timer_idle(&partition->again,
                               ngx_http_notify_partition_again, partition,
                               ngx_cycle->log);

    ngx_add_timer(&partition->again, NGX_HTTP_NOTIFY_PARTITION_AGAIN);
}


static void
ngx_http_notify_partition_again(ngx_event_t *ev)
{
    ngx_http_notify_partition_t *partition = ev->data;

    if (ngx_http_notify_redis_ready(partition->redis)) {
        ngx_http_notify_partition_ask(partition);

    } else {
        ngx_http_notify_partition_later(partition);
    }
}


ngx_uint_t
ngx_http_notify_partition_differs(const ngx_http_notify_partition_t *partition)
{
    return partition->frozen == partition->n ? 0 : partition->frozen;
}
