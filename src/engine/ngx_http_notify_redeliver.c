
/*
 * Page by page: a page is read, delivered, and only then is the place moved,
 * so a worker that dies delivers at most one page twice.
 */

#include "ngx_http_notify_redeliver.h"
#include "ngx_http_notify_delivery.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_gate.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_redelivery.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_script.h"


/* what one page should not exceed by far */
#define NGX_HTTP_NOTIFY_REDELIVER_BYTES  (2 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_REDELIVER_GAPS  1000


/* the answers to one pipeline, in order */

typedef struct {
    ngx_http_notify_feed_t         *feed;
    ngx_uint_t                      serial;
    ngx_uint_t                      expected;
    ngx_str_t                       id;
} ngx_http_notify_redeliver_request_t;


static ngx_http_notify_redeliver_request_t *ngx_http_notify_redeliver_request(
    ngx_http_notify_subscriber_t *s);
static ngx_http_notify_subscriber_t *ngx_http_notify_redeliver_answer(
    ngx_http_notify_redeliver_request_t *request, ngx_http_notify_resp_t *resp,
    ngx_uint_t array);
static ngx_http_notify_redis_handler_t  ngx_http_notify_redeliver_place;
static ngx_http_notify_redis_handler_t  ngx_http_notify_redeliver_former;
static ngx_http_notify_redis_handler_t  ngx_http_notify_redeliver_gaps;
static void ngx_http_notify_redeliver_turn(ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_redeliver_read(ngx_http_notify_subscriber_t *s);
static ngx_http_notify_redis_handler_t  ngx_http_notify_redeliver_page;
static void ngx_http_notify_redeliver_ask_dead(
    ngx_http_notify_subscriber_t *s);
static ngx_http_notify_redis_handler_t  ngx_http_notify_redeliver_dead;
static void ngx_http_notify_redeliver_move(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place);
static ngx_uint_t ngx_http_notify_redeliver_given_up(
    ngx_http_notify_resp_t *dead, const ngx_http_notify_id_t *id);


void
ngx_http_notify_redeliver_load(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t               *feed;
    ngx_http_notify_keys_t               *keys;
    ngx_http_notify_command_t            *command;
    ngx_http_notify_redeliver_request_t  *request;

    feed = s->lease->feed;

    ngx_http_notify_redelivery_free(s);

    s->redelivery = ngx_calloc(sizeof(ngx_http_notify_redelivery_t), feed->log);
    if (s->redelivery == NULL) {
        return;
    }

    s->redelivery->serial = ngx_http_notify_feed_number(feed);
    s->redelivery->count = 1;

    if (!ngx_queue_empty(&s->operations)) {

        /* what was skipped may be among these: the commit that is due will
         * look again */

        ngx_http_notify_subscriber_touch(s);
        return;
    }

    request = ngx_http_notify_redeliver_request(s);
    if (request == NULL) {
        ngx_http_notify_redelivery_free(s);
        return;
    }

    keys = &feed->channel->keys;

    command = ngx_http_notify_command_start(feed->redis, "HMGET",
                                            ngx_http_notify_redeliver_place,
                                            request);

    ngx_http_notify_command_key_of(command, keys, "replay", &s->node.str);
    ngx_http_notify_command_text(command, "pos");
    ngx_http_notify_command_text(command, "to");
    ngx_http_notify_command_text(command, "all");
    ngx_http_notify_command_text(command, "ver");

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_free(request);
        ngx_http_notify_redelivery_free(s);
        return;
    }

    request->expected = 1;
    s->redelivery->reading = 1;

    command = ngx_http_notify_command_start(feed->redis, "HGET",
                                            ngx_http_notify_redeliver_former,
                                            request);

    ngx_http_notify_command_key_shard(command, keys, "cursor",
                                      s->lease->shard);
    ngx_http_notify_former_add_field(command, &s->node.str);

    if (ngx_http_notify_redis_send(command) == NGX_OK) {
        request->expected++;
    }

    command = ngx_http_notify_command_start(feed->redis, "LRANGE",
                                            ngx_http_notify_redeliver_gaps,
                                            request);

    ngx_http_notify_command_key_of(command, keys, "gap", &s->node.str);
    ngx_http_notify_command_text(command, "0");
    ngx_http_notify_command_text(command, "-1");

    if (ngx_http_notify_redis_send(command) == NGX_OK) {
        request->expected++;
    }
}


ngx_int_t
ngx_http_notify_redeliver_next(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_event_t **event, ngx_uint_t *probe)
{
    ngx_http_notify_gate_e         gate;
    ngx_http_notify_redelivery_t  *r;

    r = s->redelivery;

    if (r == NULL || r->reading) {
        return NGX_DECLINED;
    }

    if (!r->ready) {

        /* it could not be read yet */

        ngx_http_notify_redeliver_load(s);
        return NGX_DECLINED;
    }

    gate = ngx_http_notify_gate(s);

    if (!r->ready || gate == NGX_HTTP_NOTIFY_GATE_SHUT
        || (gate == NGX_HTTP_NOTIFY_GATE_PROBE && s->nretry)
        || s->nretry >= NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY
        || (s->profile != NULL && s->profile->strict
            && (s->nwindow || s->nretry)))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_presence_load(s, &r->page[r->next], r->n - r->next)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    /* the subscription may have changed since the page was read */

    while (r->next < r->n
           && !r->sure[r->next]
           && !ngx_http_notify_former_wants(s->former, s->doc, s->filter,
                                            r->page[r->next]))
    {
        ngx_http_notify_log_unref(r->page[r->next++]);
    }

    if (r->next < r->n) {
        *event = r->page[r->next];
        *probe = (gate == NGX_HTTP_NOTIFY_GATE_PROBE);
        return NGX_OK;
    }

    if (!ngx_http_notify_delivery_redelivers(s)) {
        ngx_http_notify_redeliver_turn(s);
    }

    return NGX_DECLINED;
}


void
ngx_http_notify_redeliver_started(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_redelivery_t  *r;

    r = s->redelivery;

    ngx_http_notify_log_unref(r->page[r->next++]);
}


/* the page is settled: on to the next one, if there is one */

static void
ngx_http_notify_redeliver_turn(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_redelivery_t  *r;

    r = s->redelivery;

    if (r->n) {
        ngx_http_notify_redeliver_move(s, &r->last);
    }

    if (!r->full
        || ngx_http_notify_id_compare(&r->position, &r->to) >= 0)
    {
        ngx_http_notify_redeliver_move(s, &r->to);
        ngx_http_notify_operation_redelivery(s, NULL);
        ngx_http_notify_redelivery_free(s);
        return;
    }

    ngx_http_notify_redeliver_read(s);
}


static ngx_http_notify_redeliver_request_t *
ngx_http_notify_redeliver_request(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_redeliver_request_t  *request;

    request = ngx_calloc(sizeof(ngx_http_notify_redeliver_request_t)
                         + s->node.str.len, s->lease->feed->log);
    if (request == NULL) {
        return NULL;
    }

    request->feed = s->lease->feed;
    request->serial = s->redelivery->serial;
    request->id.len = s->node.str.len;
    request->id.data = (u_char *) request
                       + sizeof(ngx_http_notify_redeliver_request_t);
    ngx_memcpy(request->id.data, s->node.str.data, s->node.str.len);

    return request;
}


/* the subscriber that an answer still concerns; the last one frees */

static ngx_http_notify_subscriber_t *
ngx_http_notify_redeliver_answer(ngx_http_notify_redeliver_request_t *request,
    ngx_http_notify_resp_t *resp, ngx_uint_t array)
{
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_subscriber_find(request->feed, &request->id);

    if (s != NULL
        && (s->redelivery == NULL || s->redelivery->serial != request->serial))
    {
        s = NULL;
    }

    if (--request->expected == 0) {
        ngx_free(request);
    }

    if (s == NULL) {
        return NULL;
    }

    if (ngx_http_notify_script_verdict(s->lease->feed->redis, resp, "replay")
        != NGX_OK
        || (array && resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY))
    {
        /* what was asked for stands in Redis until it is done */

        ngx_http_notify_redelivery_restart(s);
        ngx_http_notify_run_queue_wait_time(s, 1000);

        return NULL;
    }

    return s;
}


static void
ngx_http_notify_redeliver_place(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redelivery_t  *r;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    r = s->redelivery;

    if (resp->nelts < 4
        || ngx_http_notify_id_parse(&resp->elts[0]->str, &r->position)
           != NGX_OK
        || ngx_http_notify_id_parse(&resp->elts[1]->str, &r->to)
           != NGX_OK)
    {
        ngx_http_notify_redelivery_free(s);
        return;
    }

    r->all = resp->elts[2]->str.len == 1
                  && resp->elts[2]->str.data[0] == '1';

    s->redelivered = ngx_atoi(resp->elts[3]->str.data, resp->elts[3]->str.len);
}


/* gaps may need it where the cursor does not */

static void
ngx_http_notify_redeliver_former(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_redeliver_answer(data, resp, 0);

    if (s != NULL) {
        ngx_http_notify_former_set(&s->former, &resp->str,
                                   s->lease->feed->log);
    }
}


static void
ngx_http_notify_redeliver_gaps(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_uint_t                         i, n;
    ngx_http_notify_redelivery_t      *r;
    ngx_http_notify_subscriber_t      *s;
    ngx_http_notify_redelivery_gap_t  *gap;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    r = s->redelivery;
    r->reading = 0;
    r->ready = 1;
    r->full = 1;

    n = ngx_min(resp->nelts, NGX_HTTP_NOTIFY_REDELIVER_GAPS);

    if (n) {
        r->gaps = ngx_alloc(n * sizeof(ngx_http_notify_redelivery_gap_t),
                                 s->lease->feed->log);
        if (r->gaps == NULL) {
            ngx_http_notify_redelivery_free(s);
            return;
        }
    }

    for (i = 0; r->gaps != NULL && i < n; i++) {
        gap = &r->gaps[r->ngaps];

        if (ngx_http_notify_id_interval(&resp->elts[i]->str, &gap->from,
                                        &gap->to)
            == NGX_OK)
        {
            if (ngx_http_notify_id_compare(&r->known, &gap->to) < 0) {
                r->known = gap->to;
            }

            r->ngaps++;
        }
    }

    if (!r->all) {

        /* what waits for another attempt has not been got either */

        ngx_http_notify_subscriber_release(s);
    }

    ngx_http_notify_redeliver_read(s);
}


static void
ngx_http_notify_redeliver_read(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t               *feed;
    ngx_http_notify_redelivery_t         *r;
    ngx_http_notify_redeliver_request_t  *request;

    feed = s->lease->feed;
    r = s->redelivery;

    request = ngx_http_notify_redeliver_request(s);
    if (request == NULL) {
        goto failed;
    }

    if (ngx_http_notify_log_range(feed->redis, &feed->channel->keys,
                                  &r->position, 0, &r->to,
                                  r->count,
                                  ngx_http_notify_redeliver_page, request)
        == NULL)
    {
        goto failed;
    }

    request->expected = 1;
    r->reading = 1;

    return;

failed:

    if (request != NULL) {
        ngx_free(request);
    }

    ngx_http_notify_redelivery_free(s);
}


static void
ngx_http_notify_redeliver_page(ngx_http_notify_resp_t *resp, void *data)
{
    size_t                         size;
    ngx_uint_t                     i, n;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_redelivery_t  *r;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    r = s->redelivery;

    r->n = 0;
    r->next = 0;
    r->full = resp->nelts >= r->count;
    r->last = r->position;

    n = ngx_min(resp->nelts, r->count);
    size = 1;

    for (i = 0; i < n; i++) {
        (void) ngx_http_notify_log_entry_id(resp->elts[i], &r->last);

        event = ngx_http_notify_log_event(resp->elts[i], s->lease->feed->log);
        if (event != NULL) {
            size += event->size;
            r->page[r->n++] = event;
        }
    }

    /* few at first, more while they are small */

    n = NGX_HTTP_NOTIFY_REDELIVER_BYTES / (size / ngx_max(n, 1) + 1);
    n = ngx_min(n, 4 * r->count);
    r->count = ngx_max(ngx_min(n, NGX_HTTP_NOTIFY_REDELIVERY_PAGE), 1);

    ngx_http_notify_redeliver_ask_dead(s);
}


/* those given up from the page on, as many as a page can hold of them */

static void
ngx_http_notify_redeliver_ask_dead(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t               *feed;
    ngx_http_notify_command_t            *command;
    ngx_http_notify_redeliver_request_t  *request;

    feed = s->lease->feed;

    request = ngx_http_notify_redeliver_request(s);

    if (request != NULL) {
        request->expected = 1;

        command = ngx_http_notify_command_start(feed->redis, "ZRANGEBYSCORE",
                                                ngx_http_notify_redeliver_dead,
                                                request);

        ngx_http_notify_command_key_of(command, &feed->channel->keys, "dead",
                                       &s->node.str);
        ngx_http_notify_command_number(command, s->redelivery->position.ms);
        ngx_http_notify_command_text(command, "+inf");
        ngx_http_notify_command_text(command, "LIMIT");
        ngx_http_notify_command_text(command, "0");
        ngx_http_notify_command_text(command, "1000");

        if (ngx_http_notify_redis_send(command) == NGX_OK) {
            return;
        }

        ngx_free(request);
    }

    ngx_http_notify_redelivery_restart(s);
    ngx_http_notify_run_queue_wait_time(s, 1000);
}


static void
ngx_http_notify_redeliver_dead(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_uint_t                     i, n, sure;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_redelivery_t  *r;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    r = s->redelivery;
    r->reading = 0;

    for (i = 0, n = 0; i < r->n; i++) {
        event = r->page[i];

        sure = ngx_http_notify_redeliver_given_up(resp, &event->id);

        if (sure
            || ((r->all
                 || ngx_http_notify_redelivery_skips(r, &event->id))
                && ngx_http_notify_former_wants(s->former, s->doc, s->filter,
                                                event)))
        {
            r->sure[n] = sure;
            r->page[n++] = event;

        } else {
            ngx_http_notify_log_unref(event);
        }
    }

    r->n = n;

    if (n == 0) {
        ngx_http_notify_redeliver_move(s, &r->last);
    }

    ngx_http_notify_run_queue_ready(s);
}


/* all is settled up to there; what was a gap is none any more */

static void
ngx_http_notify_redeliver_move(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place)
{
    ngx_uint_t                         i;
    ngx_http_notify_redelivery_t      *r;
    ngx_http_notify_redelivery_gap_t  *gap;

    r = s->redelivery;

    if (ngx_http_notify_id_compare(&r->position, place) >= 0) {
        return;
    }

    for (i = 0; i < r->ngaps; i++) {
        gap = &r->gaps[i];

        if (ngx_http_notify_id_compare(&gap->from, place) < 0
            && ngx_http_notify_id_compare(&gap->to, &r->position) > 0)
        {
            ngx_http_notify_operation_recovered(s, &r->position, place,
                                                &r->known);
            break;
        }
    }

    r->position = *place;
    ngx_http_notify_operation_redelivery(s, &r->position);
}


/* it was for this subscription, whatever that selects now */

static ngx_uint_t
ngx_http_notify_redeliver_given_up(ngx_http_notify_resp_t *dead,
    const ngx_http_notify_id_t *id)
{
    u_char      text[NGX_HTTP_NOTIFY_ID_LEN];
    size_t      len;
    ngx_uint_t  i;

    len = ngx_http_notify_id_print(text, id) - text;

    for (i = 0; i < dead->nelts; i++) {
        if (dead->elts[i]->str.len > len
            && dead->elts[i]->str.data[len] == ' '
            && ngx_memcmp(dead->elts[i]->str.data, text, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
