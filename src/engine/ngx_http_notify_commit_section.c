
/*
 * A section goes from what its subscribers have collected.  Redis applies all
 * of a section or, where the lease is another's, nothing of it.
 */

#include "ngx_http_notify_commit_section.h"
#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_window.h"


#define NGX_HTTP_NOTIFY_COMMIT_FIELDS    500    /* a script */


#define NGX_HTTP_NOTIFY_COMMIT_SECTION_KEYS  6      /* a subscription's */

#define NGX_HTTP_NOTIFY_COMMIT_SECTION_LAGGING   1
#define NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER   2
#define NGX_HTTP_NOTIFY_COMMIT_SECTION_PAUSED    3


static ngx_int_t ngx_http_notify_commit_section_head(
    ngx_http_notify_commit_t *c, ngx_http_notify_commit_section_t *section);
static ngx_uint_t ngx_http_notify_commit_section_fields(
    ngx_http_notify_lease_t *lease);
static ngx_int_t ngx_http_notify_commit_section_subscriber(
    ngx_http_notify_commit_t *c, ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_commit_section_t *section);
static ngx_int_t ngx_http_notify_commit_section_attempts(
    ngx_http_notify_commit_t *c, ngx_http_notify_subscriber_t *s);
static ngx_int_t ngx_http_notify_commit_section_cursor(
    ngx_http_notify_commit_t *c, ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *position);
static ngx_uint_t ngx_http_notify_commit_section_flags(
    const ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *position, uint64_t *until);
static ngx_int_t ngx_http_notify_commit_section_write(
    ngx_http_notify_commit_t *c, ngx_http_notify_operation_t *op);
static ngx_int_t ngx_http_notify_commit_section_arg(
    ngx_http_notify_commit_t *c, const char *fmt, ...);

ngx_http_notify_commit_t *
ngx_http_notify_commit_section_start(ngx_http_notify_feed_t *feed)
{
    ngx_str_t                 *key;
    ngx_pool_t                *pool;
    ngx_http_notify_keys_t    *keys;
    ngx_http_notify_commit_t  *c;

    keys = &feed->channel->keys;

    pool = ngx_create_pool(8192, feed->log);
    if (pool == NULL) {
        return NULL;
    }

    c = ngx_pcalloc(pool, sizeof(ngx_http_notify_commit_t));
    if (c == NULL) {
        goto failed;
    }

    c->pool = pool;
    c->feed = feed;

    if (ngx_array_init(&c->keys, pool, 64, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&c->args, pool, 64, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&c->sections, pool, 8,
                          sizeof(ngx_http_notify_commit_section_t))
           != NGX_OK
        || ngx_array_init(&c->subscribers, pool, 8,
                          sizeof(ngx_http_notify_subscriber_t *))
           != NGX_OK)
    {
        goto failed;
    }

    key = ngx_array_push_n(&c->keys, 2);

    key[0] = ngx_http_notify_keys_name(pool, keys, "leases", NULL);
    key[1] = ngx_http_notify_keys_name(pool, keys, "subs", NULL);

    if (key[0].data == NULL
        || key[1].data == NULL
        || ngx_http_notify_commit_section_arg(c, "%V", &feed->owner) != NGX_OK
        || ngx_http_notify_commit_section_arg(c, "%uL",
                                      ngx_http_notify_feed_now())
           != NGX_OK
        || ngx_http_notify_commit_section_arg(c, "%uL",
                                      ngx_http_notify_feed_horizon(feed))
           != NGX_OK)
    {
        goto failed;
    }

    return c;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


ngx_uint_t
ngx_http_notify_commit_section_full(ngx_http_notify_commit_t *c,
    ngx_http_notify_lease_t *lease)
{
    return c->sections.nelts
           && c->args.nelts + ngx_http_notify_commit_section_fields(lease)
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

    section->position = (c->args.nelts
                         + ngx_http_notify_commit_section_fields(lease)
                         <= NGX_HTTP_NOTIFY_COMMIT_FIELDS)
                            ? lease->position : lease->committed;

    if (ngx_http_notify_commit_section_head(c, section) != NGX_OK) {
        return NGX_ERROR;
    }

    while (!ngx_queue_empty(&lease->dirty)
           && c->args.nelts < NGX_HTTP_NOTIFY_COMMIT_FIELDS)
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

    return NGX_OK;
}


void
ngx_http_notify_commit_section_void(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section)
{
    ngx_str_t  *args;

    args = c->args.elts;

    ngx_str_set(&args[section->epoch], "void");
}


static ngx_int_t
ngx_http_notify_commit_section_head(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section)
{
    ngx_str_t                *key;
    ngx_uint_t                i;
    ngx_http_notify_lease_t  *lease;

    static const char  *kinds[] = { "pos", "cursor", "due", "replays",
                                    "attempted" };

    lease = section->lease;

    key = ngx_array_push_n(&c->keys, sizeof(kinds) / sizeof(kinds[0]));
    if (key == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        key[i] = ngx_http_notify_keys_shard(c->pool, &c->feed->channel->keys,
                                            kinds[i], lease->shard);
        if (key[i].data == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_notify_commit_section_arg(c, "B") != NGX_OK
        || ngx_http_notify_commit_section_arg(c, "%ui", lease->shard)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    section->epoch = c->args.nelts;

    if (ngx_http_notify_commit_section_arg(c, "%uL", lease->epoch) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_notify_commit_section_arg(c, "%uL-%uL",
                                              section->position.ms,
                                              section->position.seq);
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

        n += 16;

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
    ngx_str_t                    *key;
    ngx_uint_t                    i;
    ngx_queue_t                  *q;
    ngx_http_notify_operation_t  *op;

    static const char  *kinds[] = { "retry", "tries", "dead", "gap", "replay",
                                    "attempts" };

    key = ngx_array_push_n(&c->keys, NGX_HTTP_NOTIFY_COMMIT_SECTION_KEYS);
    if (key == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_COMMIT_SECTION_KEYS; i++) {
        key[i] = ngx_http_notify_keys_name(c->pool,
                                       &c->feed->channel->keys,
                                       kinds[i], &s->node.str);
        if (key[i].data == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_notify_commit_section_arg(c, "S") != NGX_OK
        || ngx_http_notify_commit_section_arg(c, "%V", &s->node.str) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_notify_operation_dropped(s) != NGX_OK) {
        return NGX_ERROR;
    }

    while (!ngx_queue_empty(&s->operations)) {
        q = ngx_queue_head(&s->operations);
        op = ngx_queue_data(q, ngx_http_notify_operation_t, queue);

        if (ngx_http_notify_commit_section_write(c, op) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_queue_remove(q);

        if (op->code == 'r' || op->code == 'd' || op->code == 'k') {
            ngx_queue_insert_tail(&s->sent, q);

        } else {
            ngx_free(op);
        }
    }

    if (ngx_http_notify_commit_section_attempts(c, s) != NGX_OK) {
        return NGX_ERROR;
    }

    s->unacked_sent = s->unacked;

    if (s->release) {
        s->release = 0;
        s->released = 1;

        if (ngx_http_notify_commit_section_arg(c, "n") != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_notify_commit_section_cursor(c, s, &section->position);
}


static ngx_int_t
ngx_http_notify_commit_section_attempts(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s)
{
    ngx_str_t  *arg;
    ngx_uint_t  max;

    if (s->attempts == NULL || s->attempts->n == 0) {
        return NGX_OK;
    }

    max = s->profile ? s->profile->attempts.max : NGX_HTTP_NOTIFY_ATTEMPTS_MAX;

    if (ngx_http_notify_commit_section_arg(c, "a") != NGX_OK
        || ngx_http_notify_commit_section_arg(c, "%ui", s->attempts->n)
           != NGX_OK
        || ngx_http_notify_commit_section_arg(c, "%ui", max) != NGX_OK)
    {
        return NGX_ERROR;
    }

    arg = ngx_array_push_n(&c->args, 2);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_notify_attempts_take(s, c->pool, &arg[0], &arg[1])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_commit_section_cursor(ngx_http_notify_commit_t *c,
    ngx_http_notify_subscriber_t *s, const ngx_http_notify_id_t *position)
{
    uint64_t              until;
    ngx_int_t             rc;
    ngx_uint_t            flags;
    const char           *reason;
    ngx_http_notify_id_t  id;

    id = ngx_http_notify_window_cursor(s);

    if (s->former != NULL && s->redelivery == NULL
        && ngx_http_notify_former_passed(s->former, &id))
    {
        ngx_http_notify_former_destroy(s->former);
        s->former = NULL;

        if (ngx_http_notify_commit_section_arg(c, "f") != NGX_OK
            || ngx_http_notify_commit_section_arg(c, "%uL-%uL", id.ms, id.seq)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    flags = ngx_http_notify_commit_section_flags(s, position, &until);

    if (!ngx_http_notify_subscriber_is_ending(s) && !s->behind && flags == 0
        && ngx_http_notify_id_compare(&id, position) == 0)
    {
        if (!s->stored) {
            return NGX_OK;
        }

        s->stored = 0;

        if (ngx_http_notify_commit_section_arg(c, "x") != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_commit_section_arg(c, "%uL", s->since);
    }

    if (s->stored && flags == s->stored_flags
        && flags < NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER
        && ngx_http_notify_id_compare(&id, &s->stored_id) == 0)
    {
        return NGX_OK;
    }

    s->stored = 1;
    s->stored_id = id;
    s->stored_flags = flags;

    if (ngx_http_notify_commit_section_arg(c, "c") != NGX_OK) {
        return NGX_ERROR;
    }

    if (flags < NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER) {
        rc = ngx_http_notify_commit_section_arg(c, "%uL-%uL%s", id.ms, id.seq,
                                                flags ? " lagging" : "");

    } else {
        reason = (flags == NGX_HTTP_NOTIFY_COMMIT_SECTION_BREAKER)
                 ? "breaker" : "retry_after";
        rc = ngx_http_notify_commit_section_arg(c, "%uL-%uL paused %uL %s",
                                                id.ms, id.seq, until, reason);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    /* unless it has been enabled since, and so moved */

    return ngx_http_notify_commit_section_arg(c, "%uL", s->since);
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


static ngx_int_t
ngx_http_notify_commit_section_write(ngx_http_notify_commit_t *c,
    ngx_http_notify_operation_t *op)
{
    if (ngx_http_notify_commit_section_arg(c, "%c", op->code) != NGX_OK) {
        return NGX_ERROR;
    }

    if (op->code == 'P') {
        return ngx_http_notify_commit_section_arg(c, "%i", op->version);
    }

    if (ngx_http_notify_commit_section_arg(c, "%uL-%uL", op->id.ms, op->id.seq)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (op->code) {

    case 'r':
        if (ngx_http_notify_commit_section_arg(c, "%uL", op->due) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_commit_section_arg(c, "%ui %uL", op->attempts,
                                          op->first);

    case 'd':
        return ngx_http_notify_commit_section_arg(c, "%uL", op->id.ms);

    case 'k':
        if (ngx_http_notify_commit_section_arg(c, "%uL", op->id.ms) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_notify_commit_section_arg(c, "%s", op->reason);

    case 'G':
        if (ngx_http_notify_commit_section_arg(c, "%uL-%uL", op->to.ms,
                                               op->to.seq)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_notify_commit_section_arg(c, "%uL-%uL", op->last.ms,
                                          op->last.seq);

    case 'g':
        return ngx_http_notify_commit_section_arg(c, "%uL-%uL", op->to.ms,
                                          op->to.seq);

    default: /* 'p' */
        return ngx_http_notify_commit_section_arg(c, "%i", op->version);
    }
}


static ngx_int_t
ngx_http_notify_commit_section_arg(ngx_http_notify_commit_t *c,
    const char *fmt, ...)
{
    u_char      buf[512], *p;
    va_list     args;
    ngx_str_t  *arg;

    arg = ngx_array_push(&c->args);
    if (arg == NULL) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args);
    va_end(args);

    arg->len = p - buf;
    arg->data = ngx_pnalloc(c->pool, arg->len);
    if (arg->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(arg->data, buf, arg->len);

    return NGX_OK;
}
