
/*
 * The next read begins after the turns of the feeds that were told, which may
 * wait again by then: so a read is ended for those only that come later.
 */

#include "ngx_http_notify_trunk_line.h"
#include "ngx_http_notify_reader.h"
#include "ngx_http_notify_sync_registry.h"
#include "ngx_http_notify_timer.h"


#define NGX_HTTP_NOTIFY_TRUNK_LINE_BLOCK    5000    /* ms */
#define NGX_HTTP_NOTIFY_TRUNK_LINE_RETRY    300     /* ms */
#define NGX_HTTP_NOTIFY_TRUNK_LINE_CLOSED   1000    /* ms, while keys are */
#define NGX_HTTP_NOTIFY_TRUNK_LINE_MISSES   8       /* 1, 2, 4, ... ms apart */
#define NGX_HTTP_NOTIFY_TRUNK_LINE_BYTES    (4 * NGX_HTTP_NOTIFY_READER_BYTES)


static void ngx_http_notify_trunk_line_setup(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static void ngx_http_notify_trunk_line_id(ngx_http_notify_resp_t *resp,
    void *data);
static ngx_uint_t ngx_http_notify_trunk_line_is_denied(
    const ngx_http_notify_resp_t *resp);
static void ngx_http_notify_trunk_line_state(ngx_http_notify_redis_t *redis,
    ngx_uint_t up, void *data);
static void ngx_http_notify_trunk_line_again(
    ngx_http_notify_trunk_line_t *line);
static void ngx_http_notify_trunk_line_post_handler(ngx_event_t *ev);
static void ngx_http_notify_trunk_line_retry_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_notify_trunk_line_is_open(ngx_queue_t *q);
static void ngx_http_notify_trunk_line_read(
    ngx_http_notify_trunk_line_t *line);
static void ngx_http_notify_trunk_line_streams(
    ngx_http_notify_command_t *command, ngx_queue_t *feeds);
static ngx_uint_t ngx_http_notify_trunk_line_count(
    ngx_http_notify_trunk_line_t *line);
static void ngx_http_notify_trunk_line_reply(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_trunk_line_error(
    ngx_http_notify_trunk_line_t *line, ngx_queue_t *told,
    ngx_http_notify_resp_t *resp);
static void ngx_http_notify_trunk_line_told(ngx_http_notify_trunk_line_t *line,
    ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *resp);
static void ngx_http_notify_trunk_line_tell(ngx_http_notify_trunk_line_t *line,
    ngx_queue_t *told, ngx_http_notify_resp_t *resp);
static ngx_http_notify_feed_t *ngx_http_notify_trunk_line_find(
    ngx_queue_t *told, ngx_http_notify_resp_t *stream);
static ngx_uint_t ngx_http_notify_trunk_line_is_of(
    const ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *stream);
static void ngx_http_notify_trunk_line_wake(
    ngx_http_notify_trunk_line_t *line);
static void ngx_http_notify_trunk_line_woken(ngx_http_notify_resp_t *resp,
    void *data);


void
ngx_http_notify_trunk_line_init(ngx_http_notify_trunk_line_t *line,
    ngx_log_t *log)
{
    line->ident = (ngx_socket_t) -1;

    ngx_queue_init(&line->asked);
    ngx_queue_init(&line->waiting);

    ngx_http_notify_timer_init(&line->post,
                               ngx_http_notify_trunk_line_post_handler, line,
                               log);
    ngx_http_notify_timer_idle(&line->retry,
                               ngx_http_notify_trunk_line_retry_handler, line,
                               log);
}


ngx_int_t
ngx_http_notify_trunk_line_open(ngx_http_notify_trunk_line_t *line)
{
    if (line->redis != NULL) {
        return NGX_OK;
    }

    line->redis = ngx_http_notify_redis_create((ngx_cycle_t *) ngx_cycle,
                                               line->conf, "tail",
                                               ngx_http_notify_trunk_line_state,
                                               line);
    if (line->redis == NULL) {
        return NGX_ERROR;
    }

    if (!line->conf->cluster) {
        ngx_http_notify_redis_on_setup(line->redis,
                                       ngx_http_notify_trunk_line_setup, line);
    }

    return NGX_OK;
}


void
ngx_http_notify_trunk_line_close(ngx_http_notify_trunk_line_t *line)
{
    if (line->wake != NULL) {
        ngx_http_notify_redis_cancel(line->wake);
    }

    if (line->redis != NULL) {
        ngx_http_notify_redis_destroy(line->redis);
    }

    if (line->post.posted) {
        ngx_delete_posted_event(&line->post);
    }

    ngx_http_notify_timer_stop(&line->retry);
}


static void
ngx_http_notify_trunk_line_setup(ngx_http_notify_redis_t *redis, ngx_uint_t up,
    void *data)
{
    ngx_http_notify_trunk_line_t *line = data;

    ngx_http_notify_command_t  *command;

    line->id = 0;
    line->refused = 0;

    if (line->own) {
        return;
    }

    command = ngx_http_notify_command_start(redis, "CLIENT",
                                            ngx_http_notify_trunk_line_id,
                                            line);
    ngx_http_notify_command_text(command, "ID");

    (void) ngx_http_notify_redis_send_setup(command);
}


static void
ngx_http_notify_trunk_line_id(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_trunk_line_t *line = data;

    if (resp == NULL) {
        return;
    }

    if (resp->type == NGX_HTTP_NOTIFY_RESP_INTEGER) {
        line->id = resp->integer;
    }

    line->refused = ngx_http_notify_trunk_line_is_denied(resp);
}


/* no right to it, or no such command; it may also be busy */

static ngx_uint_t
ngx_http_notify_trunk_line_is_denied(const ngx_http_notify_resp_t *resp)
{
    return ngx_http_notify_resp_is_error(resp, "NOPERM")
           || ngx_http_notify_resp_is_error(resp, "ERR");
}


static void
ngx_http_notify_trunk_line_state(ngx_http_notify_redis_t *redis, ngx_uint_t up,
    void *data)
{
    ngx_http_notify_trunk_line_t *line = data;

    if (!up) {

        if (line->command != NULL) {
            ngx_http_notify_redis_cancel(line->command);
            line->command = NULL;
        }

        ngx_http_notify_trunk_line_again(line);
        return;
    }

    ngx_post_event(&line->post, &ngx_posted_events);

    if (line->refused) {
        line->handlers->denied(line);
    }
}


/* the feeds of a read that has brought nothing are those of the next one */

static void
ngx_http_notify_trunk_line_again(ngx_http_notify_trunk_line_t *line)
{
    if (!ngx_queue_empty(&line->asked)) {
        ngx_queue_add(&line->waiting, &line->asked);
        ngx_queue_init(&line->asked);
    }
}


void
ngx_http_notify_trunk_line_wait(ngx_http_notify_trunk_line_t *line,
    ngx_http_notify_feed_t *feed)
{
    ngx_queue_remove(&feed->trunk_link);
    ngx_queue_insert_tail(&line->waiting, &feed->trunk_link);

    ngx_post_event(&line->post, &ngx_posted_events);
}


/* after the turns of those that were told, which may wait again by then */

static void
ngx_http_notify_trunk_line_post_handler(ngx_event_t *ev)
{
    ngx_queue_t                   *q;
    ngx_http_notify_trunk_line_t  *line;

    line = ev->data;

    if (line->command == NULL) {
        ngx_http_notify_trunk_line_read(line);
        return;
    }

    for (q = ngx_queue_head(&line->waiting);
         q != ngx_queue_sentinel(&line->waiting);
         q = ngx_queue_next(q))
    {
        if (ngx_http_notify_trunk_line_is_open(q)) {
            ngx_http_notify_trunk_line_wake(line);
            return;
        }
    }

    if (!ngx_queue_empty(&line->waiting)) {
        ngx_http_notify_timer_start(&line->retry,
                                    NGX_HTTP_NOTIFY_TRUNK_LINE_CLOSED);
    }
}


static void
ngx_http_notify_trunk_line_retry_handler(ngx_event_t *ev)
{
    ngx_http_notify_trunk_line_t  *line;

    line = ev->data;

    ngx_post_event(&line->post, &ngx_posted_events);
}


/* a command with a closed key is not sent at all */

static ngx_uint_t
ngx_http_notify_trunk_line_is_open(ngx_queue_t *q)
{
    ngx_http_notify_feed_t  *feed;

    feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

    return feed->channel->keys.open == NULL || *feed->channel->keys.open;
}


static void
ngx_http_notify_trunk_line_read(ngx_http_notify_trunk_line_t *line)
{
    ngx_queue_t                *q, *next;
    ngx_http_notify_command_t  *command;

    if (line->redis == NULL || !ngx_http_notify_redis_ready(line->redis)) {
        return;
    }

    for (q = ngx_queue_head(&line->waiting);
         q != ngx_queue_sentinel(&line->waiting);
         q = next)
    {
        next = ngx_queue_next(q);

        if (ngx_http_notify_trunk_line_is_open(q)) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&line->asked, q);
        }
    }

    if (!ngx_queue_empty(&line->waiting)) {
        ngx_http_notify_timer_start(&line->retry,
                                    NGX_HTTP_NOTIFY_TRUNK_LINE_CLOSED);
    }

    if (ngx_queue_empty(&line->asked)) {
        return;
    }

    line->count = ngx_http_notify_trunk_line_count(line);

    command = ngx_http_notify_command_start(line->redis, "XREAD",
                                            ngx_http_notify_trunk_line_reply,
                                            line);

    ngx_http_notify_command_timeout(command, NGX_HTTP_NOTIFY_TRUNK_LINE_BLOCK
                                             + line->conf->timeout);

    ngx_http_notify_command_text(command, "COUNT");
    ngx_http_notify_command_number(command, line->count);
    ngx_http_notify_command_text(command, "BLOCK");
    ngx_http_notify_command_number(command, NGX_HTTP_NOTIFY_TRUNK_LINE_BLOCK);
    ngx_http_notify_trunk_line_streams(command, &line->asked);

    if (ngx_http_notify_redis_send(command) == NGX_OK) {
        line->command = command;
        line->reads++;
        return;
    }

    ngx_http_notify_trunk_line_again(line);
    ngx_http_notify_timer_start(&line->retry,
                                NGX_HTTP_NOTIFY_TRUNK_LINE_RETRY);
}


static void
ngx_http_notify_trunk_line_streams(ngx_http_notify_command_t *command,
    ngx_queue_t *feeds)
{
    ngx_queue_t             *q;
    ngx_http_notify_feed_t  *feed;

    ngx_http_notify_command_text(command, "STREAMS");

    for (q = ngx_queue_head(feeds);
         q != ngx_queue_sentinel(feeds);
         q = ngx_queue_next(q))
    {
        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        ngx_http_notify_log_follow_keys(command, &feed->channel->keys,
                                        "subs:log");
    }

    for (q = ngx_queue_head(feeds);
         q != ngx_queue_sentinel(feeds);
         q = ngx_queue_next(q))
    {
        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        ngx_http_notify_log_follow_ids(command, &feed->position,
                                       &feed->changes);
    }
}


/* as many of each as all of them may bring at once */

static ngx_uint_t
ngx_http_notify_trunk_line_count(ngx_http_notify_trunk_line_t *line)
{
    size_t                   size;
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_http_notify_feed_t  *feed;

    size = 1;
    n = NGX_HTTP_NOTIFY_READER_COUNT;

    for (q = ngx_queue_head(&line->asked);
         q != ngx_queue_sentinel(&line->asked);
         q = ngx_queue_next(q))
    {
        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        size += feed->tail_size;
        n = ngx_min(n, ngx_http_notify_reader_count(feed));
    }

    return ngx_max(ngx_min(n, NGX_HTTP_NOTIFY_TRUNK_LINE_BYTES / size), 1);
}


static void
ngx_http_notify_trunk_line_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_trunk_line_t *line = data;

    ngx_queue_t  told;

    line->command = NULL;
    line->misses = 0;

    if (resp == NULL) {
        ngx_http_notify_trunk_line_again(line);
        ngx_http_notify_timer_start(&line->retry,
                                    NGX_HTTP_NOTIFY_TRUNK_LINE_RETRY);
        return;
    }

    ngx_queue_init(&told);

    if (!ngx_queue_empty(&line->asked)) {
        ngx_queue_add(&told, &line->asked);
        ngx_queue_init(&line->asked);
    }

    line->telling = 1;

    if (resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_http_notify_trunk_line_error(line, &told, resp);

    } else {
        ngx_http_notify_trunk_line_tell(line, &told, resp);
    }

    line->telling = 0;

    ngx_post_event(&line->post, &ngx_posted_events);

    line->handlers->done(line);
}


/* it does not say whose stream is the cause: each finds out by itself */

static void
ngx_http_notify_trunk_line_error(ngx_http_notify_trunk_line_t *line,
    ngx_queue_t *told, ngx_http_notify_resp_t *resp)
{
    ngx_queue_t             *q;
    ngx_http_notify_feed_t  *feed;

    if (ngx_queue_head(told) != ngx_queue_last(told)) {
        resp = NULL;
    }

    while (!ngx_queue_empty(told)) {
        q = ngx_queue_head(told);
        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        ngx_http_notify_trunk_line_told(line, feed, resp);
    }
}


static void
ngx_http_notify_trunk_line_told(ngx_http_notify_trunk_line_t *line,
    ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *resp)
{
    ngx_queue_remove(&feed->trunk_link);
    ngx_queue_init(&feed->trunk_link);

    feed->tail_asked = line->count;

    line->handlers->told(line, feed, resp);
}


static void
ngx_http_notify_trunk_line_tell(ngx_http_notify_trunk_line_t *line,
    ngx_queue_t *told, ngx_http_notify_resp_t *resp)
{
    ngx_uint_t               i, last;
    ngx_queue_t             *q;
    ngx_http_notify_feed_t  *feed;
    ngx_http_notify_resp_t   part;

    for (i = 0; i < resp->nelts; i = last) {
        last = i + 1;

        feed = ngx_http_notify_trunk_line_find(told, resp->elts[i]);
        if (feed == NULL) {
            continue;               /* it has left */
        }

        while (last < resp->nelts
               && ngx_http_notify_trunk_line_is_of(feed, resp->elts[last]))
        {
            last++;
        }

        part = *resp;
        part.elts = &resp->elts[i];
        part.nelts = last - i;

        ngx_http_notify_trunk_line_told(line, feed, &part);
    }

    while (!ngx_queue_empty(told)) {
        q = ngx_queue_head(told);
        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&line->waiting, q);

        ngx_http_notify_sync_registry_heard(feed->channel);
    }
}


/* streams come in the order of the read: the feed is the next one, mostly */

static ngx_http_notify_feed_t *
ngx_http_notify_trunk_line_find(ngx_queue_t *told,
    ngx_http_notify_resp_t *stream)
{
    ngx_queue_t             *q, *first;
    ngx_http_notify_feed_t  *feed;

    first = NULL;

    while (!ngx_queue_empty(told)) {
        q = ngx_queue_head(told);
        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        if (ngx_http_notify_trunk_line_is_of(feed, stream)) {
            return feed;
        }

        if (q == first) {
            break;
        }

        if (first == NULL) {
            first = q;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(told, q);
    }

    return NULL;
}


static ngx_uint_t
ngx_http_notify_trunk_line_is_of(const ngx_http_notify_feed_t *feed,
    ngx_http_notify_resp_t *stream)
{
    const ngx_str_t         *prefix;
    ngx_http_notify_resp_t  *name;

    name = ngx_http_notify_resp_at(stream, 0);
    prefix = &feed->channel->keys.prefix;

    return name != NULL && name->str.len > prefix->len
           && ngx_memcmp(name->str.data, prefix->data, prefix->len) == 0;
}


static void
ngx_http_notify_trunk_line_wake(ngx_http_notify_trunk_line_t *line)
{
    ngx_http_notify_command_t  *command;

    if (line->wake != NULL || line->id == 0) {
        return;
    }

    command = ngx_http_notify_command_start(line->commands, "CLIENT",
                                            ngx_http_notify_trunk_line_woken,
                                            line);
    ngx_http_notify_command_text(command, "UNBLOCK");
    ngx_http_notify_command_number(command, line->id);

    if (ngx_http_notify_redis_send(command) == NGX_OK) {
        line->wake = command;
        line->woken = line->reads;
        return;
    }

    ngx_http_notify_timer_start(&line->retry,
                                NGX_HTTP_NOTIFY_TRUNK_LINE_RETRY);
}


static void
ngx_http_notify_trunk_line_woken(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_trunk_line_t *line = data;

    line->wake = NULL;

    if (resp == NULL) {
        ngx_http_notify_timer_start(&line->retry,
                                    NGX_HTTP_NOTIFY_TRUNK_LINE_RETRY);
        return;
    }

    if (ngx_http_notify_trunk_line_is_denied(resp)) {
        line->handlers->denied(line);
        return;
    }

    if (ngx_queue_empty(&line->waiting)) {
        return;
    }

    if (line->woken != line->reads) {
        /* it was ended, and what waits now has come behind the next one */
        ngx_post_event(&line->post, &ngx_posted_events);
        return;
    }

    if (resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_http_notify_timer_start(&line->retry,
                                    NGX_HTTP_NOTIFY_TRUNK_LINE_RETRY);
        return;
    }

    if (resp->integer != 0) {
        return;
    }

    /* the read has not come to Redis yet, or it has another name there */

    if (line->misses == NGX_HTTP_NOTIFY_TRUNK_LINE_MISSES) {
        line->misses = 0;
        ngx_http_notify_redis_reset(line->redis, "its read cannot be ended");
        return;
    }

    ngx_http_notify_timer_start(&line->retry, (ngx_msec_t) 1 << line->misses);
    line->misses++;
}
