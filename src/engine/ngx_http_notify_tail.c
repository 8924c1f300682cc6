
/*
 * The tail reads on as long as a subscriber that follows it is hungry.  One
 * that is slower falls behind and reads alone, so the others do not wait for
 * it; when all are busy, reading on would only make all of them fall behind.
 */

#include "ngx_http_notify_tail.h"
#include "ngx_http_notify_load_change.h"
#include "ngx_http_notify_match.h"
#include "ngx_http_notify_queue.h"
#include "ngx_http_notify_range.h"
#include "ngx_http_notify_reader.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_sync_registry.h"
#include "ngx_http_notify_timer.h"
#include "ngx_http_notify_trunk.h"


#define NGX_HTTP_NOTIFY_TAIL_DELAY    10        /* ms, while some are full */
#define NGX_HTTP_NOTIFY_TAIL_CHANGES  50        /* ms, while all are */
#define NGX_HTTP_NOTIFY_TAIL_RETRY    300       /* ms, without memory */
#define NGX_HTTP_NOTIFY_TAIL_SHARE    64        /* entries, among commands */


static void ngx_http_notify_tail_stop(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_tail_timer_handler(ngx_event_t *ev);
static void ngx_http_notify_tail_submit(ngx_http_notify_feed_t *feed,
    ngx_uint_t log);
static ngx_uint_t ngx_http_notify_tail_is_alone(
    const ngx_http_notify_feed_t *feed);
static void ngx_http_notify_tail_wait(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_tail_ask(ngx_http_notify_feed_t *feed,
    ngx_uint_t log);
static void ngx_http_notify_tail_told(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_tail_reply(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_tail_answer(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_tail_segments(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_id_t *end);
static void ngx_http_notify_tail_segments_reply(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_tail_entries(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *entries);
static void ngx_http_notify_tail_move(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_id_t *id);
static void ngx_http_notify_tail_event(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, void *data);


ngx_int_t
ngx_http_notify_tail_init(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_timer_idle(&feed->tail_timer,
                               ngx_http_notify_tail_timer_handler, feed,
                               feed->log);

    ngx_http_notify_reader_init(feed);

    /* a worker has all of these, or few of many */

    return feed->channel->partitions > 1
               ? NGX_OK
               : ngx_http_notify_trunk_join(feed, ngx_http_notify_tail_told);
}


void
ngx_http_notify_tail_exit(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_tail_stop(feed);
    ngx_http_notify_trunk_leave(feed);

    ngx_http_notify_timer_stop(&feed->tail_timer);

    feed->positioned = 0;
    feed->anchored = 0;
    feed->position.ms = 0;
    feed->position.seq = 0;

    ngx_http_notify_page_clear(&feed->pages);
}


void
ngx_http_notify_tail_reset(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_tail_stop(feed);
    ngx_http_notify_trunk_reset(feed);
}


static void
ngx_http_notify_tail_stop(ngx_http_notify_feed_t *feed)
{
    if (feed->tail_command != NULL) {
        ngx_http_notify_redis_cancel(feed->tail_command);
        feed->tail_command = NULL;
    }

    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_IDLE;
}


ngx_uint_t
ngx_http_notify_tail_follows(const ngx_http_notify_feed_t *feed)
{
    return feed->tail_command != NULL || ngx_http_notify_trunk_is_read(feed);
}


void
ngx_http_notify_tail_read(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  following;

    if (feed->tail_state == NGX_HTTP_NOTIFY_FEED_TAIL_READS
        || !feed->positioned || feed->leaving || feed->trunk == NULL)
    {
        return;
    }

    following = feed->nsubscribers - feed->behind;

    if (feed->full && feed->full >= following) {

        /* all are busy: none goes on reading before one is hungry again */

        if (feed->tail_state == NGX_HTTP_NOTIFY_FEED_TAIL_IDLE) {
            feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_PAUSES;
            ngx_add_timer(&feed->tail_timer, NGX_HTTP_NOTIFY_TAIL_CHANGES);
        }

        return;
    }

    if (feed->full && feed->more
        && feed->tail_state == NGX_HTTP_NOTIFY_FEED_TAIL_IDLE)
    {

        /* some are: the others hardly wait, and these may keep up */

        feed->more = 0;
        ngx_add_timer(&feed->tail_timer, NGX_HTTP_NOTIFY_TAIL_DELAY);
        return;
    }

    if (feed->tail_timer.timer_set) {
        if (feed->tail_state == NGX_HTTP_NOTIFY_FEED_TAIL_IDLE) {
            return;
        }

        ngx_del_timer(&feed->tail_timer);
    }

    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_IDLE;

    ngx_http_notify_tail_submit(feed, 1);
}


static void
ngx_http_notify_tail_timer_handler(ngx_event_t *ev)
{
    ngx_http_notify_feed_t  *feed;

    feed = ev->data;

    if (feed->tail_state != NGX_HTTP_NOTIFY_FEED_TAIL_PAUSES) {
        feed->more = 0;
        ngx_http_notify_tail_read(feed);
        return;
    }

    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_IDLE;

    if (feed->positioned && !feed->leaving && feed->trunk != NULL) {

        /* subscriptions change also while all are busy */

        ngx_http_notify_tail_ask(feed, 0);
    }
}


static void
ngx_http_notify_tail_submit(ngx_http_notify_feed_t *feed, ngx_uint_t log)
{
    if (log && !ngx_http_notify_tail_is_alone(feed)) {
        ngx_http_notify_tail_wait(feed);

    } else {
        ngx_http_notify_tail_ask(feed, log);
    }
}


/*
 * Others that wait are not disturbed by one that has more to read, that may
 * spoil their read, or that comes while it is under way.
 */

static ngx_uint_t
ngx_http_notify_tail_is_alone(const ngx_http_notify_feed_t *feed)
{
    return ngx_http_notify_trunk_is_shared(feed)
           && (feed->more || feed->tail_failed
               || ngx_http_notify_trunk_is_taken(feed));
}


static void
ngx_http_notify_tail_wait(ngx_http_notify_feed_t *feed)
{
    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_READS;

    ngx_http_notify_trunk_wait(feed);
}


/* what is there already: the changes alone, or the log as well */

static void
ngx_http_notify_tail_ask(ngx_http_notify_feed_t *feed, ngx_uint_t log)
{
    ngx_http_notify_command_t  *command;

    feed->tail_log = log;
    feed->tail_asked = NGX_HTTP_NOTIFY_READER_COUNT;

    if (log) {
        /* commands wait behind it: a share, should they be larger than known */
        feed->tail_asked = ngx_min(ngx_http_notify_reader_count(feed),
                                   NGX_HTTP_NOTIFY_TAIL_SHARE);
    }

    command = ngx_http_notify_command_start(feed->redis, "XREAD",
                                            ngx_http_notify_tail_reply, feed);

    ngx_http_notify_command_text(command, "COUNT");
    ngx_http_notify_command_number(command, feed->tail_asked);

    if (log) {
        ngx_http_notify_log_follow(command, &feed->channel->keys, "subs:log",
                                   &feed->position, &feed->changes);

    } else {
        ngx_http_notify_command_text(command, "STREAMS");
        ngx_http_notify_command_key(command, &feed->channel->keys,
                                    "subs:log");
        ngx_http_notify_command_id(command, &feed->changes);
    }

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_add_timer(&feed->tail_timer, NGX_HTTP_NOTIFY_TAIL_RETRY);
        return;
    }

    feed->tail_command = command;
    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_READS;
}


static void
ngx_http_notify_tail_told(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *resp)
{
    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_IDLE;

    if (resp == NULL) {
        feed->tail_failed = 1;
        ngx_http_notify_tail_ask(feed, 1);
        return;
    }

    ngx_http_notify_tail_answer(feed, resp);
}


static void
ngx_http_notify_tail_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_feed_t  *feed = data;

    feed->tail_command = NULL;
    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_IDLE;

    if (resp == NULL) {
        ngx_http_notify_timer_start(&feed->tail_timer,
                                    NGX_HTTP_NOTIFY_TAIL_RETRY);
        return;
    }

    if (feed->tail_log && resp->type == NGX_HTTP_NOTIFY_RESP_NIL
        && !feed->leaving)
    {
        feed->more = 0;
        feed->tail_failed = 0;

        ngx_http_notify_sync_registry_heard(feed->channel);
        ngx_http_notify_tail_wait(feed);
        return;
    }

    ngx_http_notify_tail_answer(feed, resp);
}


static void
ngx_http_notify_tail_answer(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_log_followed_t  found;

    if (!feed->positioned) {
        return;
    }

    if (ngx_http_notify_reader_large(feed, resp, feed->tail_asked)) {
        ngx_http_notify_tail_read(feed);
        return;
    }

    if (resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_log_error(NGX_LOG_ERR, feed->log, 0,
                      "notify tail: the log of channel \"%V\" cannot be read: "
                      "\"%V\"", &feed->channel->name, &resp->str);
        feed->tail_failed = 1;
        ngx_add_timer(&feed->tail_timer, 1000);
        return;
    }

    feed->tail_failed = 0;
    feed->more = 0;

    ngx_http_notify_sync_registry_heard(feed->channel);

    ngx_http_notify_log_followed(resp, &feed->channel->keys, &found);

    /* the changes are first, all of them: what follows is for the changed */

    if (found.other != NULL) {
        ngx_http_notify_load_change(feed, found.other);

        if (found.other->nelts >= feed->tail_asked && !feed->leaving) {
            ngx_http_notify_tail_ask(feed, 0);
            return;
        }
    }

    if (found.packed) {
        ngx_http_notify_tail_segments(feed, &found.end);
        return;
    }

    if (found.log != NULL) {
        ngx_http_notify_tail_entries(feed, found.log);
    }

    /* the turn reads on, when it has started what may be started */

    ngx_http_notify_feed_post(feed);
}


/* what the tail would read next is in segments: no change is as old as that */

static void
ngx_http_notify_tail_segments(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_id_t *end)
{
    feed->packed = *end;

    if (feed->leaving || feed->trunk == NULL) {
        return;
    }

    feed->tail_command = ngx_http_notify_log_range(feed->redis,
                                         &feed->channel->keys,
                                         &feed->position, 0, end,
                                         feed->tail_asked,
                                         ngx_http_notify_tail_segments_reply,
                                         feed);

    if (feed->tail_command == NULL) {
        ngx_add_timer(&feed->tail_timer, NGX_HTTP_NOTIFY_TAIL_RETRY);
        return;
    }

    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_READS;
}


static void
ngx_http_notify_tail_segments_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_feed_t  *feed = data;

    feed->tail_command = NULL;
    feed->tail_state = NGX_HTTP_NOTIFY_FEED_TAIL_IDLE;

    if (resp == NULL) {
        ngx_http_notify_timer_start(&feed->tail_timer,
                                    NGX_HTTP_NOTIFY_TAIL_RETRY);
        return;
    }

    if (!feed->positioned) {
        return;
    }

    if (ngx_http_notify_reader_large(feed, resp, feed->tail_asked)) {
        ngx_http_notify_tail_read(feed);
        return;
    }

    if (ngx_http_notify_script_verdict(feed->redis, resp, "tail") != NGX_OK) {
        ngx_add_timer(&feed->tail_timer, 1000);
        return;
    }

    ngx_http_notify_tail_entries(feed, resp);

    if (resp->nelts < feed->tail_asked
        && ngx_http_notify_id_compare(&feed->position, &feed->packed) < 0)
    {
        ngx_http_notify_tail_move(feed, &feed->packed);
    }

    ngx_http_notify_feed_post(feed);
}


static void
ngx_http_notify_tail_entries(ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *entries)
{
    ngx_uint_t                i, n;
    ngx_http_notify_id_t      id;
    ngx_http_notify_page_t   *page;
    ngx_http_notify_event_t  *event;

    /* answers to a read that began before all was dropped and read anew */

    if (entries->nelts == 0
        || ngx_http_notify_log_entry_id(entries->elts[0], &id) != NGX_OK
        || ngx_http_notify_id_compare(&id, &feed->position) <= 0)
    {
        return;
    }

    /* of a read of one there may be others, which a common read brings, too */

    feed->more = entries->nelts >= feed->tail_asked && feed->tail_asked > 1;

    page = ngx_http_notify_page_create(entries->nelts, &feed->position,
                                       feed->log);

    for (i = 0; i < entries->nelts; i++) {
        event = ngx_http_notify_reader_parse(feed, entries->elts[i], &id);

        if (event == NULL) {
            continue;
        }

        n = ngx_http_notify_match_each(feed->match, event,
                                       ngx_http_notify_tail_event, NULL);
        ngx_http_notify_reader_tested(feed, n);

        if (page != NULL) {
            ngx_http_notify_page_add(page, event);

        } else {
            ngx_http_notify_log_unref(event);
        }
    }

    if (page != NULL) {
        page->to = id;
        ngx_http_notify_reader_keep(feed, page);
    }

    ngx_http_notify_tail_move(feed, &id);
}


static void
ngx_http_notify_tail_move(ngx_http_notify_feed_t *feed,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t                i;
    ngx_http_notify_lease_t  *lease;

    feed->position = *id;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        lease = &feed->leases[i];

        if (lease->state == NGX_HTTP_NOTIFY_LEASE_JOINED
            && ngx_http_notify_id_compare(&lease->position, id) < 0)
        {
            lease->position = *id;
        }
    }
}


static void
ngx_http_notify_tail_event(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, void *data)
{
    if (s->lease->state != NGX_HTTP_NOTIFY_LEASE_JOINED || s->behind
        || ngx_http_notify_subscriber_is_loading(s)
        || ngx_http_notify_id_compare(&event->id, &s->lease->position) <= 0)
    {
        return;
    }

    ngx_http_notify_queue_put(s, event);
    ngx_http_notify_run_queue_ready(s);
}


void
ngx_http_notify_tail_join(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                i, reads, found;
    ngx_http_notify_lease_t  *lease;

    reads = 0;
    found = 0;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_SCAN
            || feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_LOAD)
        {
            return;     /* the tail begins where the last of all stands */
        }

        if (feed->leases[i].state == NGX_HTTP_NOTIFY_LEASE_READ) {
            reads = 1;
        }
    }

    if (!reads
        || ngx_http_notify_trunk_join(feed, ngx_http_notify_tail_told)
           != NGX_OK)
    {
        return;
    }

    for (i = 0; !feed->positioned && i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        lease = &feed->leases[i];

        if (lease->state == NGX_HTTP_NOTIFY_LEASE_READ
            && (!found || ngx_http_notify_id_compare(&lease->position,
                                                     &feed->position)
                          < 0))
        {
            feed->position = lease->position;
            found = 1;
        }
    }

    feed->positioned = 1;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        lease = &feed->leases[i];

        if (lease->state != NGX_HTTP_NOTIFY_LEASE_READ) {
            continue;
        }

        if (ngx_http_notify_id_compare(&lease->position, &feed->position)
            >= 0)
        {
            lease->state = NGX_HTTP_NOTIFY_LEASE_JOINED;

        } else {
            ngx_http_notify_range_lease(lease);
        }
    }

    ngx_http_notify_feed_commit_soon(feed, 0);
    ngx_http_notify_tail_read(feed);
}
