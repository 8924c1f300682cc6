
/*
 * A commit in flight keeps its command: when Redis refuses it (a full disk),
 * it is sent again unchanged, and meanwhile its shards run dry, since no more
 * than twice `in_flight` may be done and not committed.
 */

#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_commit_section.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_COMMIT_AGAIN     1000   /* ms, after an error */
#define NGX_HTTP_NOTIFY_COMMIT_STUCK     5000   /* ms, of a shard alone */


static ngx_http_notify_commit_t *ngx_http_notify_commit_lease(
    ngx_http_notify_commit_t *c, ngx_http_notify_lease_t *lease);
static void ngx_http_notify_commit_failed(ngx_http_notify_commit_t *c);
static void ngx_http_notify_commit_send(ngx_http_notify_commit_t *c);
static void ngx_http_notify_commit_again(ngx_event_t *ev);
static ngx_http_notify_redis_handler_t  ngx_http_notify_commit_reply;
static void ngx_http_notify_commit_fenced(ngx_http_notify_commit_t *c,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_commit_stuck(ngx_http_notify_commit_t *c,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_commit_acknowledge(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section);


void
ngx_http_notify_commit(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                 i;
    ngx_queue_t               *q, *next;
    ngx_http_notify_lease_t   *lease;
    ngx_http_notify_commit_t  *c;

    c = NULL;

    for (i = 0; i < NGX_HTTP_NOTIFY_METRICS_N; i++) {
        if (feed->counts[i]) {
            ngx_http_notify_metrics_add(feed->channel->metrics, i,
                                        feed->counts[i]);
            feed->counts[i] = 0;
        }
    }

    ngx_http_notify_share_flush();

    for (q = ngx_queue_head(&feed->dirty);
         q != ngx_queue_sentinel(&feed->dirty);
         q = next)
    {
        next = ngx_queue_next(q);
        lease = ngx_queue_data(q, ngx_http_notify_lease_t, dirty_link);

        if (lease->state >= NGX_HTTP_NOTIFY_LEASE_READ
            && lease->placed
            && !lease->broken
            && lease->commit == NULL)
        {
            c = ngx_http_notify_commit_lease(c, lease);
        }
    }

    if (c != NULL) {
        ngx_http_notify_commit_send(c);
    }
}


void
ngx_http_notify_commit_forget(ngx_http_notify_lease_t *lease)
{
    ngx_uint_t                         i, left;
    ngx_http_notify_commit_t          *c;
    ngx_http_notify_commit_section_t  *section;

    c = lease->commit;
    lease->commit = NULL;

    if (c == NULL) {
        return;
    }

    left = 0;
    section = c->sections.elts;

    for (i = 0; i < c->sections.nelts; i++) {

        if (section[i].lease == lease) {
            section[i].lease = NULL;
            ngx_http_notify_commit_section_void(c, &section[i]);
        }

        left |= (section[i].lease != NULL);
    }

    if (left || c->sent) {
        return;         /* freed by its reply */
    }

    ngx_http_notify_timer_stop(&c->again);

    ngx_http_notify_commit_section_free(c);
}


void
ngx_http_notify_commit_forget_subscriber(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                      i;
    ngx_http_notify_commit_t       *c;
    ngx_http_notify_subscriber_t  **ss;

    c = s->lease->commit;

    if (c == NULL) {
        return;
    }

    ss = c->subscribers.elts;

    for (i = 0; i < c->subscribers.nelts; i++) {
        if (ss[i] == s) {
            ss[i] = NULL;
        }
    }
}


void
ngx_http_notify_commit_positions(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                     i;
    ngx_queue_t                   *q;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_commit_t      *c;
    ngx_http_notify_subscriber_t  *s;

    c = NULL;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        lease = &feed->leases[i];

        if (lease->commit != NULL
            || lease->broken
            || lease->state != NGX_HTTP_NOTIFY_LEASE_JOINED
            || ngx_http_notify_id_compare(&lease->position, &lease->committed)
               == 0)
        {
            continue;
        }

        for (q = ngx_queue_head(&lease->subscribers);
             q != ngx_queue_sentinel(&lease->subscribers);
             q = ngx_queue_next(q))
        {
            s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

            if (s->stored && !s->queued && !s->nwindow && !s->behind
                && !s->gap)
            {
                ngx_http_notify_subscriber_touch(s);
            }
        }

        c = ngx_http_notify_commit_lease(c, lease);
    }

    if (c != NULL) {
        ngx_http_notify_commit_send(c);
    }
}


ngx_uint_t
ngx_http_notify_commit_pending(ngx_http_notify_lease_t *lease)
{
    return lease->commit != NULL || !ngx_queue_empty(&lease->dirty);
}


/* adds a section to the command, or to another when that one is full */

static ngx_http_notify_commit_t *
ngx_http_notify_commit_lease(ngx_http_notify_commit_t *c,
    ngx_http_notify_lease_t *lease)
{
    lease->urgent = 0;

    if (c != NULL && ngx_http_notify_commit_section_full(c, lease)) {
        ngx_http_notify_commit_send(c);
        c = NULL;
    }

    if (c == NULL) {
        c = ngx_http_notify_commit_section_start(lease->feed,
                                                 ngx_http_notify_commit_reply);

        if (c == NULL) {
            ngx_http_notify_lease_break(lease);
            return NULL;
        }
    }

    lease->commit = c;

    if (ngx_http_notify_commit_section_add(c, lease) != NGX_OK) {

        /* it may not be among the sections */

        lease->commit = NULL;
        ngx_http_notify_lease_break(lease);

        ngx_http_notify_commit_failed(c);
        return NULL;
    }

    return c;
}


/*
 * No memory, and some operations may be in the command that is lost: what is
 * in Redis is whole, so begin again from there.
 */

static void
ngx_http_notify_commit_failed(ngx_http_notify_commit_t *c)
{
    ngx_uint_t                         i;
    ngx_http_notify_lease_t           *lease;
    ngx_http_notify_commit_section_t  *section;

    ngx_log_error(NGX_LOG_ALERT, c->feed->log, 0,
                  "notify commit: no memory, %ui buckets are read again",
                  c->sections.nelts);

    section = c->sections.elts;

    for (i = 0; i < c->sections.nelts; i++) {
        lease = section[i].lease;

        lease->commit = NULL;
        ngx_http_notify_lease_break(lease);
    }

    ngx_http_notify_commit_section_free(c);
}


static void
ngx_http_notify_commit_send(ngx_http_notify_commit_t *c)
{
    ngx_http_notify_timer_idle(&c->again, ngx_http_notify_commit_again, c,
                               c->feed->log);

    if (ngx_http_notify_redis_send(c->command) != NGX_OK) {
        ngx_add_timer(&c->again, NGX_HTTP_NOTIFY_COMMIT_AGAIN);
        return;
    }

    c->sent = 1;
}


static void
ngx_http_notify_commit_again(ngx_event_t *ev)
{
    ngx_http_notify_commit_send(ev->data);
}


static void
ngx_http_notify_commit_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_commit_t  *c = data;

    ngx_uint_t                         i, left;
    ngx_http_notify_feed_t            *feed;
    ngx_http_notify_lease_t           *lease;
    ngx_http_notify_commit_section_t  *section;

    left = 0;
    feed = c->feed;
    section = c->sections.elts;

    for (i = 0; i < c->sections.nelts; i++) {
        left |= (section[i].lease != NULL);
    }

    if (left && (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY)) {

        /*
         * Without an answer the connection is lost, and so is all that was
         * loaded by it.  An error is logged, and a master that is one no more
         * is left.
         */

        if (resp != NULL) {
            (void) ngx_http_notify_script_verdict(feed->redis, resp,
                                                  "commit");
        }

        c->sent = 0;
        ngx_add_timer(&c->again, NGX_HTTP_NOTIFY_COMMIT_AGAIN);
        return;
    }

    /* as long as it counts as sent nothing frees it */

    if (left) {
        ngx_http_notify_commit_fenced(c, resp);
        ngx_http_notify_commit_stuck(c, resp);
    }

    left = 0;

    for (i = 0; i < c->sections.nelts; i++) {
        lease = section[i].lease;

        if (lease == NULL || lease->stuck) {
            continue;
        }

        lease->commit = NULL;

        ngx_http_notify_commit_acknowledge(c, &section[i]);

        if (!ngx_queue_empty(&lease->dirty)) {
            ngx_http_notify_feed_commit_soon(feed, lease->urgent);
        }

        section[i].lease = NULL;
        ngx_http_notify_commit_section_void(c, &section[i]);
    }

    for (i = 0; i < c->sections.nelts; i++) {
        left |= (section[i].lease != NULL);
    }

    if (left) {
        c->sent = 0;
        ngx_add_timer(&c->again, NGX_HTTP_NOTIFY_COMMIT_STUCK);
        return;
    }

    ngx_http_notify_commit_section_free(c);
}


/* the answer names the shards that the script has refused */

static void
ngx_http_notify_commit_fenced(ngx_http_notify_commit_t *c,
    ngx_http_notify_resp_t *resp)
{
    ngx_uint_t                         i, n;
    ngx_http_notify_lease_t           *lease;
    ngx_http_notify_commit_section_t  *section;

    section = c->sections.elts;

    for (n = 0; n < resp->nelts; n++) {

        for (i = 0; i < c->sections.nelts; i++) {
            lease = section[i].lease;

            if (lease == NULL
                || resp->elts[n]->type != NGX_HTTP_NOTIFY_RESP_INTEGER
                || (int64_t) lease->shard != resp->elts[n]->integer)
            {
                continue;
            }

            ngx_log_error(NGX_LOG_NOTICE, c->feed->log, 0,
                          "notify commit: bucket %ui of channel \"%V\" has "
                          "another owner", lease->shard,
                          &c->feed->channel->name);

            ngx_http_notify_metrics_add(c->feed->channel->metrics,
                                        NGX_HTTP_NOTIFY_METRICS_FENCED, 1);

            ngx_http_notify_commit_forget(lease);
            ngx_http_notify_lease_break(lease);
        }
    }
}


/*
 * And, as "shard why", those in which Redis has refused something: nothing
 * of them counts, and they are sent again, without the others.
 */

static void
ngx_http_notify_commit_stuck(ngx_http_notify_commit_t *c,
    ngx_http_notify_resp_t *resp)
{
    u_char                            *p;
    ngx_int_t                          bucket;
    ngx_str_t                         *text;
    ngx_uint_t                         i, n;
    ngx_http_notify_commit_section_t  *section;

    section = c->sections.elts;

    for (i = 0; i < c->sections.nelts; i++) {
        if (section[i].lease != NULL) {
            section[i].lease->stuck = 0;
        }
    }

    for (n = 0; n < resp->nelts; n++) {
        text = &resp->elts[n]->str;

        if (resp->elts[n]->type != NGX_HTTP_NOTIFY_RESP_STRING) {
            continue;
        }

        p = ngx_strlchr(text->data, text->data + text->len, ' ');
        bucket = (p != NULL) ? ngx_atoi(text->data, p - text->data)
                             : NGX_ERROR;

        for (i = 0; i < c->sections.nelts; i++) {

            if (section[i].lease == NULL
                || (ngx_int_t) section[i].lease->shard != bucket)
            {
                continue;
            }

            section[i].lease->stuck = 1;

            if (section[i].said) {
                continue;
            }

            section[i].said = 1;

            ngx_log_error(NGX_LOG_ERR, c->feed->log, 0,
                          "notify commit: bucket %i of channel \"%V\" is "
                          "held, as Redis refuses what is written: %*s",
                          bucket, &c->feed->channel->name,
                          (size_t) (text->data + text->len - p - 1), p + 1);

            ngx_http_notify_metrics_add(c->feed->channel->metrics,
                                        NGX_HTTP_NOTIFY_METRICS_STUCK, 1);
        }
    }
}


static void
ngx_http_notify_commit_acknowledge(ngx_http_notify_commit_t *c,
    ngx_http_notify_commit_section_t *section)
{
    ngx_uint_t                     i;
    ngx_http_notify_subscriber_t  *s, **ss;

    section->lease->committed = section->position;

    if (section->said) {
        ngx_log_error(NGX_LOG_NOTICE, c->feed->log, 0,
                      "notify commit: bucket %ui of channel \"%V\" goes on",
                      section->lease->shard, &c->feed->channel->name);
    }

    ss = c->subscribers.elts;

    for (i = section->first; i < section->last; i++) {
        s = ss[i];

        if (s == NULL) {
            continue;
        }

        s->unacked -= s->unacked_sent;
        s->unacked_sent = 0;

        ngx_http_notify_operation_settle(s);

        if (ngx_http_notify_subscriber_is_ending(s) && !s->dirty
            && (s->in_flight == 0
                || (s->state == NGX_HTTP_NOTIFY_SUBSCRIBER_RESTARTED
                    && (s->profile == NULL
                        || (!s->profile->strict
                            && s->profile->order == NULL)))))
        {
            ngx_http_notify_run_queue_finish(s);
            continue;
        }

        ngx_http_notify_run_queue_ready(s);
    }
}
