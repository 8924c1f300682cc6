
/*
 * A section goes from what its subscribers have collected.  Redis applies all
 * of a section or, where the lease is another's, nothing of it.
 */

#include "ngx_http_notify_commit_section.h"
#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_health.h"
#include "ngx_http_notify_memory.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_tallies.h"
#include "ngx_http_notify_window.h"


#define NGX_HTTP_NOTIFY_COMMIT_FIELDS    500    /* a script */

#define NGX_HTTP_NOTIFY_COMMIT_SECTION_LAGGING   1
#define NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER   2
#define NGX_HTTP_NOTIFY_COMMIT_SECTION_PAUSED    3


static void ngx_http_notify_commit_section_head(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section);
static ngx_uint_t ngx_http_notify_commit_section_fields(
    ngx_http_notify_lease_t *lease);
static ngx_int_t ngx_http_notify_commit_section_subscriber(
    ngx_http_notify_commit_t *c, ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_commit_section_t *section);
static void ngx_http_notify_commit_section_attempts(
    ngx_http_notify_command_t *command, ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_commit_section_cursor(
    ngx_http_notify_command_t *command, ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *position);
static ngx_uint_t ngx_http_notify_commit_section_flags(
    const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *position, uint64_t *until);
static void ngx_http_notify_commit_section_write(
    ngx_http_notify_command_t *command, ngx_http_notify_operation_t *op);


ngx_http_notify_commit_t *
ngx_http_notify_commit_section_start(ngx_http_notify_feed_t *feed,
    ngx_http_notify_redis_handler_pt handler)
{
    ngx_pool_t                 *pool;
    ngx_http_notify_keys_t     *keys;
    ngx_http_notify_commit_t   *c;
    ngx_http_notify_command_t  *command;

    keys = &feed->channel->keys;

    c = ngx_http_notify_memory_pool(&pool, 1024,
                                    sizeof(ngx_http_notify_commit_t),
                                    feed->log);
    if (c == NULL) {
        return NULL;
    }

    c->pool = pool;
    c->feed = feed;

    if (ngx_array_init(&c->sections, pool, 8,
                       sizeof(ngx_http_notify_commit_section_t))
        != NGX_OK
        || ngx_array_init(&c->subscribers, pool, 8,
                          sizeof(ngx_http_notify_subscriber_t *))
           != NGX_OK)
    {
        goto failed;
    }

    command = ngx_http_notify_command_script(feed->redis,
                                             &ngx_http_notify_script_commit,
                                             handler, c);
    if (command == NULL) {
        goto failed;
    }

    c->command = command;

    ngx_http_notify_command_keep(command);

    ngx_http_notify_command_key(command, keys, "leases");
    ngx_http_notify_command_key(command, keys, "subs");

    ngx_http_notify_command_arg(command, &feed->owner);
    ngx_http_notify_command_number(command, ngx_http_notify_feed_now());
    ngx_http_notify_command_number(command,
                                   ngx_http_notify_feed_horizon(feed));

    return c;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


void
ngx_http_notify_commit_section_free(ngx_http_notify_commit_t *c)
{
    ngx_http_notify_command_free(c->command);
    ngx_destroy_pool(c->pool);
}


ngx_uint_t
ngx_http_notify_commit_section_full(ngx_http_notify_commit_t *c,
    ngx_http_notify_lease_t *lease)
{
    return c->sections.nelts
           && ngx_http_notify_command_args(c->command)
              + ngx_http_notify_commit_section_fields(lease)
              > NGX_HTTP_NOTIFY_COMMIT_FIELDS;
}


ngx_int_t
ngx_http_notify_commit_section_add(ngx_http_notify_commit_t *c,
    ngx_http_notify_lease_t *lease)
{
    ngx_queue_t                       *q;
    ngx_http_notify_subscriber_t      *s, **ss;
    ngx_http_notify_commit_section_t  *section;

    section = ngx_array_push(&c->sections);
    if (section == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(section, sizeof(ngx_http_notify_commit_section_t));

    section->lease = lease;
    section->first = c->subscribers.nelts;

    /*
     * A subscriber without a cursor stands where its shard stands, so the
     * shard may move only when all that are elsewhere are in the section.
     */

    section->position = (ngx_http_notify_command_args(c->command)
                         + ngx_http_notify_commit_section_fields(lease)
                         <= NGX_HTTP_NOTIFY_COMMIT_FIELDS)
                            ? lease->position : lease->committed;

    ngx_http_notify_commit_section_head(c, section);

    while (!ngx_queue_empty(&lease->dirty)
           && ngx_http_notify_command_args(c->command)
              < NGX_HTTP_NOTIFY_COMMIT_FIELDS)
    {
        q = ngx_queue_head(&lease->dirty);
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, dirty_link);

        ss = ngx_array_push(&c->subscribers);
        if (ss == NULL) {
            return NGX_ERROR;
        }

        *ss = s;

        if (ngx_http_notify_commit_section_subscriber(c, s, section)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_http_notify_subscriber_clean(s);
    }

    section->last = c->subscribers.nelts;

    return ngx_http_notify_command_failed(c->command) ? NGX_ERROR : NGX_OK;
}


void
ngx_http_notify_commit_section_void(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section)
{
    ngx_http_notify_command_void(c->command, section->epoch);
}


static void
ngx_http_notify_commit_section_head(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section)
{
    ngx_uint_t                  shard;
    ngx_http_notify_keys_t     *keys;
    ngx_http_notify_command_t  *command;

    command = c->command;
    keys = &c->feed->channel->keys;
    shard = section->lease->shard;

    ngx_http_notify_command_key_shard(command, keys, "pos", shard);
    ngx_http_notify_command_key_shard(command, keys, "cursor", shard);
    ngx_http_notify_command_key_shard(command, keys, "due", shard);
    ngx_http_notify_command_key_shard(command, keys, "replays", shard);
    ngx_http_notify_command_key_shard(command, keys, "attempted", shard);

    ngx_http_notify_command_text(command, "B");
    ngx_http_notify_command_number(command, shard);

    section->epoch = ngx_http_notify_command_args(command);

    ngx_http_notify_command_number(command, section->lease->epoch);
    ngx_http_notify_command_id(command, &section->position);
}


/* at most, as far as it matters */

static ngx_uint_t
ngx_http_notify_commit_section_fields(ngx_http_notify_lease_t *lease)
{
    ngx_uint_t                     n;
    ngx_queue_t                   *q, *op;
    ngx_http_notify_subscriber_t  *s;

    n = 4;

    for (q = ngx_queue_head(&lease->dirty);
         q != ngx_queue_sentinel(&lease->dirty)
         && n <= NGX_HTTP_NOTIFY_COMMIT_FIELDS;
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, dirty_link);

        n += 22;

        for (op = ngx_queue_head(&s->operations);
             op != ngx_queue_sentinel(&s->operations);
             op = ngx_queue_next(op))
        {
            n += 4;
        }
    }

    return n;
}


static ngx_int_t
ngx_http_notify_commit_section_subscriber(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_commit_section_t *section)
{
    ngx_str_t                    *id;
    ngx_queue_t                  *q;
    ngx_http_notify_keys_t       *keys;
    ngx_http_notify_command_t    *command;
    ngx_http_notify_operation_t  *op;

    id = &s->node.str;
    keys = &c->feed->channel->keys;
    command = c->command;

    ngx_http_notify_command_key_of(command, keys, "retry", id);
    ngx_http_notify_command_key_of(command, keys, "tries", id);
    ngx_http_notify_command_key_of(command, keys, "dead", id);
    ngx_http_notify_command_key_of(command, keys, "gap", id);
    ngx_http_notify_command_key_of(command, keys, "replay", id);
    ngx_http_notify_command_key_of(command, keys, "attempts", id);
    ngx_http_notify_command_key_of(command, keys, "stats", id);

    ngx_http_notify_command_text(command, "S");
    ngx_http_notify_command_arg(command, id);

    if (ngx_http_notify_operation_dropped(s) != NGX_OK) {
        return NGX_ERROR;
    }

    while (!ngx_queue_empty(&s->operations)) {
        q = ngx_queue_head(&s->operations);
        op = ngx_queue_data(q, ngx_http_notify_operation_t, queue);

        ngx_http_notify_commit_section_write(command, op);

        ngx_queue_remove(q);

        if (ngx_http_notify_operation_of_retries(op)) {
            ngx_queue_insert_tail(&s->sent, q);

        } else {
            ngx_free(op);
        }
    }

    ngx_http_notify_commit_section_attempts(command, s);
    ngx_http_notify_health_take(s, command);
    ngx_http_notify_tallies_take(s, command);

    s->unacked_sent = s->unacked;

    if (s->release) {
        s->release = 0;
        s->released = 1;

        ngx_http_notify_command_text(command, "n");
    }

    ngx_http_notify_commit_section_cursor(command, s, &section->position);

    return NGX_OK;
}


static void
ngx_http_notify_commit_section_attempts(ngx_http_notify_command_t *command,
    ngx_http_notify_subscriber_t *s)
{
    if (s->attempts == NULL || s->attempts->n == 0) {
        return;
    }

    ngx_http_notify_command_text(command, "a");
    ngx_http_notify_command_number(command, s->attempts->n);
    ngx_http_notify_command_number(command,
                                   s->profile ? s->profile->attempts.max
                                              : NGX_HTTP_NOTIFY_ATTEMPTS_MAX);
    ngx_http_notify_attempts_take(s, command);
}


static void
ngx_http_notify_commit_section_cursor(ngx_http_notify_command_t *command,
    ngx_http_notify_subscriber_t *s, const ngx_http_notify_id_t *position)
{
    uint64_t              until;
    ngx_uint_t            flags;
    const char           *reason;
    ngx_http_notify_id_t  id;

    id = ngx_http_notify_window_cursor(s);

    if (s->former != NULL && s->redelivery == NULL
        && ngx_http_notify_former_passed(s->former, &id))
    {
        ngx_http_notify_former_destroy(s->former);
        s->former = NULL;

        ngx_http_notify_command_text(command, "f");
        ngx_http_notify_command_id(command, &id);
    }

    flags = ngx_http_notify_commit_section_flags(s, position, &until);

    if (!ngx_http_notify_subscriber_is_ending(s) && !s->behind && flags == 0
        && ngx_http_notify_id_compare(&id, position) == 0)
    {
        if (s->stored) {
            s->stored = 0;

            ngx_http_notify_command_text(command, "x");
            ngx_http_notify_command_number(command, s->since);
        }

        return;
    }

    if (s->stored && flags == s->stored_flags
        && flags < NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER
        && ngx_http_notify_id_compare(&id, &s->stored_id) == 0)
    {
        return;
    }

    s->stored = 1;
    s->stored_id = id;
    s->stored_flags = flags;

    ngx_http_notify_command_text(command, "c");

    if (flags < NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER) {
        ngx_http_notify_command_printf(command, "%uL-%uL%s", id.ms, id.seq,
                                       flags ? " lagging" : "");

    } else {
        reason = (flags == NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER)
                 ? "breaker" : "retry_after";
        ngx_http_notify_command_printf(command, "%uL-%uL paused %uL %s",
                                       id.ms, id.seq, until, reason);
    }

    /* unless it has been enabled since, and so moved */

    ngx_http_notify_command_number(command, s->since);
}


/* what its cursor says besides the place */

static ngx_uint_t
ngx_http_notify_commit_section_flags(const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *position, uint64_t *until)
{
    *until = 0;

    if (ngx_http_notify_subscriber_is_ending(s)) {
        return 0;
    }

    if (s->breaker.state != NGX_HTTP_NOTIFY_BREAKER_CLOSED) {
        *until = s->breaker.until;
        return NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER;
    }

    if (s->paused) {
        *until = s->paused;
        return NGX_HTTP_NOTIFY_COMMIT_SECTION_PAUSED;
    }

    /* one that only waits for what it was changed to has nothing to read */

    return (s->full
            || (s->behind
                && ngx_http_notify_id_compare(&s->read, position) < 0))
           ? NGX_HTTP_NOTIFY_COMMIT_SECTION_LAGGING : 0;
}


static void
ngx_http_notify_commit_section_write(ngx_http_notify_command_t *command,
    ngx_http_notify_operation_t *op)
{
    ngx_http_notify_command_printf(command, "%c", op->code);

    if (op->code == 'P') {
        ngx_http_notify_command_printf(command, "%i", op->version);
        return;
    }

    ngx_http_notify_command_id(command, &op->id);

    switch (op->code) {

    case 'r':
        ngx_http_notify_command_number(command, op->due);

        if (op->line) {
            ngx_http_notify_command_printf(command, "%ui %uL %xi",
                                           op->attempts, op->first, op->line);

        } else {
            ngx_http_notify_command_printf(command, "%ui %uL", op->attempts,
                                           op->first);
        }

        return;

    case 'd':
        ngx_http_notify_command_number(command, op->id.ms);
        return;

    case 'k':
        ngx_http_notify_command_number(command, op->id.ms);
        ngx_http_notify_command_text(command, op->reason);
        return;

    case 'G':
        ngx_http_notify_command_id(command, &op->to);
        ngx_http_notify_command_id(command, &op->last);
        return;

    case 'g':
        ngx_http_notify_command_id(command, &op->to);
        return;

    default: /* 'p' */
        ngx_http_notify_command_printf(command, "%i", op->version);
    }
}
