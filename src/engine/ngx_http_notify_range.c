
/*
 * A lease that is behind reads up to where the tail stands, a subscriber up to
 * its lease.  What one of them has read is kept for the others that come by
 * there later.
 */

#include "ngx_http_notify_range.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_match.h"
#include "ngx_http_notify_queue.h"
#include "ngx_http_notify_reader.h"
#include "ngx_http_notify_retention.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_script.h"


/* an answer may come when the subscriber is gone: found again by its id */

typedef struct {
    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_lease_t  *lease;
    ngx_uint_t                serial;
    ngx_http_notify_id_t      from;         /* where it stood, when asked, */
    ngx_http_notify_id_t      end;          /* and the tail */
    ngx_uint_t                count;
    ngx_uint_t                range;        /* number of a subscriber's */
    ngx_uint_t                segments;     /* unsigned  segments:1;  asked for,
                                               too */
    ngx_str_t                 id;           /* of a subscriber, or empty */
} ngx_http_notify_range_request_t;


static void ngx_http_notify_range_ask(ngx_http_notify_lease_t *lease,
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_range_page(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_page_t *page);
static void ngx_http_notify_range_caught_up(ngx_http_notify_subscriber_t *s);
static ngx_int_t ngx_http_notify_range_send(
    ngx_http_notify_range_request_t *request);
static ngx_http_notify_redis_handler_t  ngx_http_notify_range_read_reply;
static ngx_http_notify_redis_handler_t  ngx_http_notify_range_reply;
static void ngx_http_notify_range_lease_reply(ngx_http_notify_lease_t *lease,
    ngx_http_notify_resp_t *resp, ngx_http_notify_range_request_t *request);
static void ngx_http_notify_range_lease_event(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, void *data);
static void ngx_http_notify_range_subscriber_reply(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_resp_t *resp,
    ngx_http_notify_range_request_t *request);


ngx_int_t
ngx_http_notify_range_read(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t  *feed;
    ngx_http_notify_page_t  *page;

    feed = s->lease->feed;

    if (s->range == NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_OWN || feed->leaving
        || s->lease->state < NGX_HTTP_NOTIFY_LEASE_READ)
    {
        return NGX_AGAIN;
    }

    if (ngx_http_notify_id_compare(&s->read, &s->lease->position) >= 0) {

        /* what follows may yet be for a former document: its shard goes on */

        ngx_http_notify_range_caught_up(s);

        if (s->behind) {
            ngx_http_notify_run_queue_wait(s);
        }

        return NGX_AGAIN;
    }

    page = ngx_http_notify_page_find(&feed->pages, &s->read);

    /* while its shard is being fed the next event may be one of those */

    if (page != NULL
        && ngx_http_notify_id_compare(&s->read, &s->lease->position) < 0
        && s->read.ms >= ngx_http_notify_feed_horizon(feed))
    {
        ngx_http_notify_range_page(s, page);
        ngx_http_notify_range_caught_up(s);
        return NGX_OK;
    }

    /*
     * What another one has asked for may be what comes next here, too: that
     * one answer is waited for, and none after it.
     */

    if (feed->ranging
        && ngx_http_notify_id_compare(&feed->range_from, &s->read) <= 0
        && (s->range != NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_OTHER
            || s->awaited == feed->ranges))
    {
        s->range = NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_OTHER;
        s->awaited = feed->ranges;
        ngx_http_notify_run_queue_wait(s);
        return NGX_AGAIN;
    }

    ngx_http_notify_range_ask(s->lease, s);

    return NGX_AGAIN;
}


/*
 * What a page has for a subscriber that stands before it or in it, as far as
 * its shard is: beyond that the tail may not have seen that it has changed.
 */

static void
ngx_http_notify_range_page(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_page_t *page)
{
    ngx_uint_t                   i;
    ngx_http_notify_event_t     *event;
    const ngx_http_notify_id_t  *to;

    s->range = NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_NONE;

    for (i = 0; i < page->n; i++) {
        event = page->events[i];

        if (ngx_http_notify_id_compare(&event->id, &s->read) <= 0) {
            continue;
        }

        if (ngx_http_notify_id_compare(&event->id, &s->lease->position) > 0) {
            break;
        }

        s->read = event->id;

        if (ngx_http_notify_former_wants(s->former, s->doc, s->filter, event))
        {
            ngx_http_notify_queue_put(s, event);
        }

        if (ngx_http_notify_id_compare(&s->read, &event->id) < 0) {
            return;         /* the queue is full: this one is not in it */
        }
    }

    to = (ngx_http_notify_id_compare(&page->to, &s->lease->position) < 0)
         ? &page->to : &s->lease->position;

    if (ngx_http_notify_id_compare(&s->read, to) < 0) {
        s->read = *to;
    }
}


static void
ngx_http_notify_range_caught_up(ngx_http_notify_subscriber_t *s)
{
    if (ngx_http_notify_id_compare(&s->read, &s->lease->position) >= 0
        && (s->former == NULL
            || ngx_http_notify_former_passed(s->former, &s->read)))
    {
        /*
         * From there on its shard is fed; what it has read beyond that is not
         * to come again.
         */

        s->start = s->read;
        ngx_http_notify_subscriber_behind(s, 0, NULL);

        ngx_http_notify_feed_hungry(s->lease->feed);
    }

    ngx_http_notify_subscriber_touch(s);
}


void
ngx_http_notify_range_lease(ngx_http_notify_lease_t *lease)
{
    ngx_http_notify_range_ask(lease, NULL);
}


/* for a subscriber, or (NULL) for all of the lease that are not behind it */

static void
ngx_http_notify_range_ask(ngx_http_notify_lease_t *lease,
    ngx_http_notify_subscriber_t *s)
{
    size_t                            len;
    ngx_http_notify_feed_t           *feed;
    ngx_http_notify_range_request_t  *request;

    feed = lease->feed;

    if (s == NULL && lease->reading) {
        return;
    }

    len = s ? s->node.str.len : 0;

    request = ngx_alloc(sizeof(ngx_http_notify_range_request_t) + len,
                        feed->log);
    if (request == NULL) {
        goto failed;
    }

    request->feed = feed;
    request->lease = lease;
    request->serial = lease->serial;
    request->from = s ? s->read : lease->position;
    request->end = s ? lease->position : feed->position;
    request->count = ngx_http_notify_reader_count(feed);
    request->segments = 0;
    request->id.len = len;
    request->id.data = (u_char *) request
                       + sizeof(ngx_http_notify_range_request_t);

    if (s) {
        ngx_memcpy(request->id.data, s->node.str.data, len);
    }

    if (ngx_http_notify_range_send(request) != NGX_OK) {
        ngx_free(request);
        goto failed;
    }

    if (s) {
        s->range = NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_OWN;

        feed->ranging = 1;
        feed->range_from = request->from;
        request->range = ++feed->ranges;

    } else {
        lease->reading = 1;
    }

    return;

failed:

    if (s) {
        ngx_http_notify_run_queue_wait_time(s, 1000);
        return;
    }

    ngx_http_notify_lease_break(lease);
}


static ngx_int_t
ngx_http_notify_range_send(ngx_http_notify_range_request_t *request)
{
    ngx_http_notify_feed_t     *feed;
    ngx_http_notify_command_t  *command;

    static const ngx_http_notify_id_t  last = { (uint64_t) -1,
                                                (uint64_t) -1 };

    feed = request->feed;

    if (request->segments) {
        return ngx_http_notify_log_range(feed->redis, &feed->channel->keys,
                                         &request->from, 0, &last,
                                         request->count,
                                         ngx_http_notify_range_reply, request)
               != NULL ? NGX_OK : NGX_ERROR;
    }

    /* cheaper than a script, and says whether it was the right question */

    command = ngx_http_notify_command_start(feed->redis, "XREAD",
                                            ngx_http_notify_range_read_reply,
                                            request);

    ngx_http_notify_command_text(command, "COUNT");
    ngx_http_notify_command_number(command, request->count);
    ngx_http_notify_log_follow(command, &feed->channel->keys, NULL,
                               &request->from, NULL);

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_range_read_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_range_request_t  *request = data;

    ngx_http_notify_resp_t          none;
    ngx_http_notify_log_followed_t  found;

    if (resp == NULL || resp->type == NGX_HTTP_NOTIFY_RESP_ERROR) {
        ngx_http_notify_range_reply(resp, request);
        return;
    }

    ngx_http_notify_log_followed(resp, &request->feed->channel->keys, &found);

    if (found.packed) {
        request->segments = 1;

        if (ngx_http_notify_range_send(request) != NGX_OK) {
            ngx_http_notify_range_reply(NULL, request);
        }

        return;
    }

    if (found.log == NULL) {
        ngx_memzero(&none, sizeof(ngx_http_notify_resp_t));
        none.type = NGX_HTTP_NOTIFY_RESP_ARRAY;
        found.log = &none;
    }

    ngx_http_notify_range_reply(found.log, request);
}


static void
ngx_http_notify_range_reply(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_range_request_t  *request = data;

    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_subscriber_t  *s;

    lease = request->lease;

    if (lease->serial != request->serial) {
        goto done;
    }

    s = NULL;

    if (request->id.len) {
        s = ngx_http_notify_subscriber_find(request->feed, &request->id);

        if (s == NULL || s->range != NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_OWN) {
            goto done;
        }

        s->range = NGX_HTTP_NOTIFY_SUBSCRIBER_RANGE_NONE;

    } else {
        lease->reading = 0;
    }

    if (ngx_http_notify_reader_large(request->feed, resp, request->count)) {

        if (s != NULL) {
            ngx_http_notify_run_queue_wait_time(s, 1);

        } else {
            ngx_http_notify_range_lease(lease);
        }

        goto done;
    }

    if (ngx_http_notify_script_verdict(request->feed->redis, resp, "tail")
        != NGX_OK
        || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY)
    {
        if (s != NULL) {
            ngx_http_notify_run_queue_wait_time(s, 1000);

        } else {
            ngx_http_notify_lease_break(lease);
        }

        goto done;
    }

    if (s != NULL) {
        ngx_http_notify_range_subscriber_reply(s, resp, request);

    } else {
        ngx_http_notify_range_lease_reply(lease, resp, request);
    }

done:

    feed = request->feed;

    if (request->id.len && feed->ranges == request->range) {
        feed->ranging = 0;
    }

    ngx_free(request);

    ngx_http_notify_feed_post(feed);
}


static void
ngx_http_notify_range_lease_reply(ngx_http_notify_lease_t *lease,
    ngx_http_notify_resp_t *resp, ngx_http_notify_range_request_t *request)
{
    ngx_uint_t                     i;
    ngx_queue_t                   *q;
    ngx_http_notify_id_t           id;
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_subscriber_t  *s;

    feed = lease->feed;

    if (lease->state != NGX_HTTP_NOTIFY_LEASE_READ) {
        return;
    }

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        if (!s->behind) {
            ngx_http_notify_retention_overtaken(s, resp, &lease->position);
        }
    }

    for (i = 0; i < resp->nelts; i++) {
        event = ngx_http_notify_reader_parse(feed, resp->elts[i], &id);

        if (ngx_http_notify_id_compare(&id, &feed->position) > 0) {

            /* that is the tail's, with what changes before it */

            if (event != NULL) {
                ngx_http_notify_log_unref(event);
            }

            lease->position = feed->position;
            break;
        }

        if (event != NULL) {
            ngx_http_notify_match_each(feed->match, event,
                                       ngx_http_notify_range_lease_event,
                                       lease);
            ngx_http_notify_log_unref(event);
        }

        lease->position = id;
    }

    if (resp->nelts < request->count
        && ngx_http_notify_id_compare(&lease->position, &request->end) < 0)
    {
        lease->position = request->end;
    }

    if (ngx_http_notify_id_compare(&lease->position, &feed->position) >= 0) {
        lease->state = NGX_HTTP_NOTIFY_LEASE_JOINED;
        return;
    }

    ngx_http_notify_range_lease(lease);
}


static void
ngx_http_notify_range_lease_event(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event, void *data)
{
    if (s->lease != data || s->behind
        || ngx_http_notify_subscriber_is_loading(s))
    {
        return;
    }

    ngx_http_notify_queue_put(s, event);
    ngx_http_notify_run_queue_ready(s);
}


static void
ngx_http_notify_range_subscriber_reply(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_resp_t *resp, ngx_http_notify_range_request_t *request)
{
    ngx_uint_t                i;
    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_page_t   *page;
    ngx_http_notify_event_t  *event;

    feed = s->lease->feed;

    if (!s->behind || ngx_http_notify_subscriber_is_paused(s)) {
        return;
    }

    if (ngx_http_notify_id_compare(&s->read, &request->from) != 0) {

        /* its queue was given up meanwhile: it stands before these */

        ngx_http_notify_run_queue_ready(s);
        return;
    }

    page = ngx_http_notify_page_create(resp->nelts, &request->from, feed->log);
    if (page == NULL) {
        ngx_http_notify_run_queue_wait_time(s, 1000);
        return;
    }

    ngx_http_notify_retention_overtaken(s, resp, &s->read);

    for (i = 0; i < resp->nelts; i++) {
        event = ngx_http_notify_reader_parse(feed, resp->elts[i], &page->to);

        if (event != NULL) {
            ngx_http_notify_page_add(page, event);
        }
    }

    ngx_http_notify_range_page(s, page);

    if (resp->nelts < request->count
        && ngx_http_notify_id_compare(&s->read, &page->to) == 0
        && ngx_http_notify_id_compare(&s->read, &request->end) < 0)
    {
        s->read = request->end;
    }

    ngx_http_notify_reader_keep(feed, page);
    ngx_http_notify_range_caught_up(s);
    ngx_http_notify_run_queue_ready(s);
}
