
/*
 * One question for all the sessions of a turn, however many subscribers and
 * events there are.  A question keeps its events; an answer that does not come
 * is asked for again.
 */

#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_sessions.h"
#include "ngx_http_notify_timer.h"
#include "ngx_http_notify_variable.h"


#define NGX_HTTP_NOTIFY_PRESENCE_MAX    256     /* sessions in a question */
#define NGX_HTTP_NOTIFY_PRESENCE_AGAIN  300     /* ms */


typedef enum {
    NGX_HTTP_NOTIFY_PRESENCE_UNKNOWN = 0,
    NGX_HTTP_NOTIFY_PRESENCE_ASKED,
    NGX_HTTP_NOTIFY_PRESENCE_AWAY,
    NGX_HTTP_NOTIFY_PRESENCE_CONNECTED,
    NGX_HTTP_NOTIFY_PRESENCE_UNWANTED       /* its own, not asked for */
} ngx_http_notify_presence_e;

typedef struct ngx_http_notify_presence_s {
    ngx_queue_t               link;         /* in feed->questions */
    ngx_http_notify_feed_t   *feed;
    ngx_uint_t                n;
    ngx_http_notify_event_t  *events[NGX_HTTP_NOTIFY_PRESENCE_MAX];
} ngx_http_notify_presence_t;


static ngx_int_t ngx_http_notify_presence_add(ngx_http_notify_feed_t *feed,
    ngx_http_notify_event_t *event);
static void ngx_http_notify_presence_ask(ngx_event_t *ev);
static ngx_int_t ngx_http_notify_presence_submit(
    ngx_http_notify_presence_t *question);
static ngx_http_notify_redis_handler_t  ngx_http_notify_presence_answer;
static ngx_int_t ngx_http_notify_presence_judge(
    ngx_http_notify_feed_t *feed, ngx_http_notify_event_t *event,
    const ngx_http_notify_resp_t *entry);
static void ngx_http_notify_presence_close(
    ngx_http_notify_presence_t *question);


ngx_int_t
ngx_http_notify_presence_init(ngx_http_notify_feed_t *feed)
{
    ngx_queue_init(&feed->questions);

    ngx_http_notify_timer_init(&feed->ask_event, ngx_http_notify_presence_ask,
                               feed, feed->log);

    return NGX_OK;
}


/* the connection is gone by now: no answer comes any more */

void
ngx_http_notify_presence_exit(ngx_http_notify_feed_t *feed)
{
    if (feed->questions.next == NULL) {
        return;
    }

    if (feed->ask_event.posted) {
        ngx_delete_posted_event(&feed->ask_event);
    }

    while (!ngx_queue_empty(&feed->questions)) {
        ngx_http_notify_presence_close(
            ngx_queue_data(ngx_queue_head(&feed->questions),
                           ngx_http_notify_presence_t, link));
    }
}


ngx_int_t
ngx_http_notify_presence(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t *event)
{
    ngx_uint_t                i;
    ngx_http_notify_event_t  *next;

    switch (event->presence) {

    case NGX_HTTP_NOTIFY_PRESENCE_AWAY:
        return (event->bound == 0
                || event->bound == ngx_murmur_hash2(s->node.str.data,
                                                    s->node.str.len))
               ? NGX_OK : NGX_DECLINED;

    case NGX_HTTP_NOTIFY_PRESENCE_CONNECTED:
    case NGX_HTTP_NOTIFY_PRESENCE_UNWANTED:
        return NGX_DECLINED;

    case NGX_HTTP_NOTIFY_PRESENCE_UNKNOWN:

        for (i = 0; i < s->queued; i++) {
            next = s->ring[(s->ring_head + i) % s->ring_size];

            if (next->session_id.len
                && next->presence == NGX_HTTP_NOTIFY_PRESENCE_UNKNOWN
                && ngx_http_notify_presence_add(s->lease->feed, next)
                   != NGX_OK)
            {
                break;
            }
        }

        break;

    default: /* NGX_HTTP_NOTIFY_PRESENCE_ASKED */
        break;
    }

    ngx_http_notify_run_queue_wait(s);

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_notify_presence_load(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t **events, ngx_uint_t n)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = NGX_OK;

    for (i = 0; i < n; i++) {

        if (events[i] == NULL || events[i]->session_id.len == 0
            || events[i]->presence > NGX_HTTP_NOTIFY_PRESENCE_ASKED)
        {
            continue;
        }

        rc = NGX_AGAIN;

        if (events[i]->presence == NGX_HTTP_NOTIFY_PRESENCE_UNKNOWN
            && ngx_http_notify_presence_add(s->lease->feed, events[i])
               != NGX_OK)
        {
            break;
        }
    }

    if (rc == NGX_AGAIN) {
        ngx_http_notify_run_queue_wait(s);
    }

    return rc;
}


static ngx_int_t
ngx_http_notify_presence_add(ngx_http_notify_feed_t *feed,
    ngx_http_notify_event_t *event)
{
    ngx_http_notify_presence_t  *question;

    question = feed->asking;

    if (question != NULL && question->n == NGX_HTTP_NOTIFY_PRESENCE_MAX) {
        ngx_http_notify_presence_ask(&feed->ask_event);
        question = NULL;
    }

    if (question == NULL) {
        question = ngx_alloc(sizeof(ngx_http_notify_presence_t), feed->log);
        if (question == NULL) {
            ngx_http_notify_feed_post_later(feed,
                                            NGX_HTTP_NOTIFY_PRESENCE_AGAIN);
            return NGX_ERROR;
        }

        question->feed = feed;
        question->n = 0;

        ngx_queue_insert_tail(&feed->questions, &question->link);
        feed->asking = question;
    }

    ngx_http_notify_log_ref(event);
    event->presence = NGX_HTTP_NOTIFY_PRESENCE_ASKED;
    question->events[question->n++] = event;

    if (!feed->ask_event.posted) {
        ngx_post_event(&feed->ask_event, &ngx_posted_events);
    }

    return NGX_OK;
}


static void
ngx_http_notify_presence_ask(ngx_event_t *ev)
{
    ngx_uint_t                   i;
    ngx_http_notify_feed_t      *feed;
    ngx_http_notify_presence_t  *question;

    feed = ev->data;
    question = feed->asking;
    feed->asking = NULL;

    if (question == NULL
        || ngx_http_notify_presence_submit(question) == NGX_OK)
    {
        return;
    }

    for (i = 0; i < question->n; i++) {
        question->events[i]->presence = NGX_HTTP_NOTIFY_PRESENCE_UNKNOWN;
    }

    ngx_http_notify_presence_close(question);
    ngx_http_notify_feed_post_later(feed,
                                    NGX_HTTP_NOTIFY_PRESENCE_AGAIN);
}


static ngx_int_t
ngx_http_notify_presence_submit(ngx_http_notify_presence_t *question)
{
    ngx_uint_t                  i;
    ngx_http_notify_event_t    *event;
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(question->feed->redis,
                                             &ngx_http_notify_script_presence,
                                             ngx_http_notify_presence_answer,
                                             question);

    for (i = 0; i < question->n; i++) {
        event = question->events[i];

        ngx_http_notify_sessions_add_key(command,
                                         &question->feed->channel->keys,
                                         &event->tenant, &event->session_id);
    }

    return ngx_http_notify_redis_send(command);
}


static void
ngx_http_notify_presence_answer(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_presence_t  *question = data;

    ngx_uint_t                i, failed;
    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_event_t  *event;

    feed = question->feed;
    failed = ngx_http_notify_script_verdict(feed->redis, resp, "presence")
             != NGX_OK;

    for (i = 0; i < question->n; i++) {
        event = question->events[i];

        if (failed
            || ngx_http_notify_presence_judge(feed, event,
                                              ngx_http_notify_resp_at(resp, i))
               != NGX_OK)
        {
            event->presence = NGX_HTTP_NOTIFY_PRESENCE_UNKNOWN;
            failed = 1;
        }
    }

    ngx_http_notify_presence_close(question);

    if (failed) {
        ngx_http_notify_feed_post_later(feed,
                                        NGX_HTTP_NOTIFY_PRESENCE_AGAIN);
        return;
    }

    ngx_http_notify_feed_post(feed);
}


static ngx_int_t
ngx_http_notify_presence_judge(ngx_http_notify_feed_t *feed,
    ngx_http_notify_event_t *event, const ngx_http_notify_resp_t *entry)
{
    ngx_str_t                               name, *bound;
    const ngx_http_notify_channel_event_t  *type;

    if (entry == NULL
        || ngx_http_notify_sessions_keep(event, entry, feed->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    bound = &entry->elts[1]->str;

    event->presence = entry->elts[0]->integer
                          ? NGX_HTTP_NOTIFY_PRESENCE_CONNECTED
                          : NGX_HTTP_NOTIFY_PRESENCE_AWAY;
    event->bound = bound->len ? ngx_murmur_hash2(bound->data, bound->len) : 0;

    if (ngx_http_notify_channel_event(feed->channel, &event->type, &name,
                                      &type)
        == NGX_OK
        && type != NULL && type->own
        && !ngx_http_notify_variable_session_flag(event, "own"))
    {
        event->presence = NGX_HTTP_NOTIFY_PRESENCE_UNWANTED;
    }

    return NGX_OK;
}


static void
ngx_http_notify_presence_close(ngx_http_notify_presence_t *question)
{
    ngx_uint_t  i;

    for (i = 0; i < question->n; i++) {
        ngx_http_notify_log_unref(question->events[i]);
    }

    if (question->feed->asking == question) {
        question->feed->asking = NULL;
    }

    ngx_queue_remove(&question->link);
    ngx_free(question);
}
