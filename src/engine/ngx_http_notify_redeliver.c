
/*
 * Page by page: a page is read, delivered, and only then is the place moved,
 * so a worker that dies delivers at most one page twice.
 */

#include "ngx_http_notify_redeliver.h"
#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_dispatch.h"
#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_script.h"


#define NGX_HTTP_NOTIFY_REDELIVER_PAGE  64
/* what one page should not exceed by far */
#define NGX_HTTP_NOTIFY_REDELIVER_BYTES  (2 * 1024 * 1024)
#define NGX_HTTP_NOTIFY_REDELIVER_GAPS  1000


typedef struct {
    ngx_http_notify_id_t       from;
    ngx_http_notify_id_t       to;
} ngx_http_notify_redeliver_gap_t;


struct ngx_http_notify_redeliver_s {
    ngx_uint_t                      serial;     /* of this redelivery */
    ngx_http_notify_id_t            position;   /* settled up to here */
    ngx_http_notify_id_t            to;
    ngx_http_notify_id_t            last;       /* of the page */
    ngx_http_notify_event_t        *page[NGX_HTTP_NOTIFY_REDELIVER_PAGE];
    u_char                          sure[NGX_HTTP_NOTIFY_REDELIVER_PAGE];
    ngx_uint_t                      n;
    ngx_uint_t                      next;
    ngx_uint_t                      count;      /* entries to ask for */
    ngx_http_notify_redeliver_gap_t  *gaps;
    ngx_uint_t                      ngaps;
    ngx_http_notify_id_t            known;      /* where the last gap ends */
    unsigned                        all:1;
    unsigned                        reading:1;
    unsigned                        full:1;     /* the page was */
    unsigned                        ready:1;
};


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
static void ngx_http_notify_redeliver_place(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redeliver_former(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redeliver_gaps(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redeliver_read(ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_redeliver_page(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redeliver_dead(ngx_http_notify_resp_t *resp,
    void *data);
static void ngx_http_notify_redeliver_move(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place);
static ngx_uint_t ngx_http_notify_redeliver_skips(
    ngx_http_notify_redeliver_t *replay, const ngx_http_notify_id_t *id);
static ngx_uint_t ngx_http_notify_redeliver_given_up(
    ngx_http_notify_resp_t *dead, const ngx_http_notify_id_t *id);
static ngx_uint_t ngx_http_notify_redeliver_under_way(
    ngx_http_notify_subscriber_t *s);


void
ngx_http_notify_redeliver_load(ngx_http_notify_subscriber_t *s)
{
    ngx_str_t                          argv[6];
    ngx_pool_t                        *pool;
    ngx_http_notify_feed_t            *feed;
    ngx_http_notify_redeliver_request_t  *request;

    feed = s->lease->feed;

    ngx_http_notify_redeliver_free(s);

    s->redelivery = ngx_calloc(sizeof(ngx_http_notify_redeliver_t), feed->log);
    if (s->redelivery == NULL) {
        return;
    }

    s->redelivery->serial = ++feed->serial;
    s->redelivery->count = 1;

    if (!ngx_queue_empty(&s->operations)) {

        /* what was skipped may be among these: the commit that is due will
         * look again */

        ngx_http_notify_subscriber_touch(s);
        return;
    }

    pool = ngx_create_pool(512, feed->log);
    request = ngx_http_notify_redeliver_request(s);

    if (pool == NULL || request == NULL) {
        goto failed;
    }

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = ngx_http_notify_keys_name(pool, &feed->channel->keys, "replay",
                                        &s->node.str);
    ngx_str_set(&argv[2], "pos");
    ngx_str_set(&argv[3], "to");
    ngx_str_set(&argv[4], "all");
    ngx_str_set(&argv[5], "ver");

    if (argv[1].data != NULL
        && ngx_http_notify_redis_submit(feed->redis, argv, 6, 0,
                                        ngx_http_notify_redeliver_place,
                                        request)
           != NULL)
    {
        request->expected++;
    }

    ngx_str_set(&argv[0], "HGET");
    argv[1] = ngx_http_notify_former_field(pool, &s->node.str, &argv[2])
              == NGX_OK
              ? ngx_http_notify_keys_shard(pool, &feed->channel->keys,
                                           "cursor", s->lease->shard)
              : argv[2];

    if (request->expected && argv[1].data != NULL
        && ngx_http_notify_redis_submit(feed->redis, argv, 3, 0,
                                        ngx_http_notify_redeliver_former,
                                        request)
           != NULL)
    {
        request->expected++;
    }

    ngx_str_set(&argv[0], "LRANGE");
    argv[1] = ngx_http_notify_keys_name(pool, &feed->channel->keys, "gap",
                                        &s->node.str);
    ngx_str_set(&argv[2], "0");
    ngx_str_set(&argv[3], "-1");

    if (request->expected && argv[1].data != NULL
        && ngx_http_notify_redis_submit(feed->redis, argv, 4, 0,
                                        ngx_http_notify_redeliver_gaps, request)
           != NULL)
    {
        request->expected++;
    }

    if (request->expected) {
        s->redelivery->reading = 1;
        ngx_destroy_pool(pool);
        return;
    }

failed:

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    if (request != NULL) {
        ngx_free(request);
    }

    ngx_http_notify_redeliver_free(s);
}


void
ngx_http_notify_redeliver_free(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_redeliver_t  *replay;

    replay = s->redelivery;

    if (replay == NULL) {
        return;
    }

    s->redelivery = NULL;

    while (replay->next < replay->n) {
        ngx_http_notify_log_unref(replay->page[replay->next++]);
    }

    if (replay->gaps != NULL) {
        ngx_free(replay->gaps);
    }

    ngx_free(replay);
}


void
ngx_http_notify_redeliver_skipped(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from)
{
    ngx_http_notify_redeliver_t  *replay;

    replay = s->redelivery;

    if (replay == NULL
        || (replay->ready
            && (replay->all
                || ngx_http_notify_id_compare(from, &replay->to) >= 0)))
    {
        return;
    }

    /* it may have passed that: the commit takes it back to there */

    replay->serial = ++s->lease->feed->serial;
    replay->reading = 0;
    replay->ready = 0;
}


ngx_int_t
ngx_http_notify_redeliver_run(ngx_http_notify_subscriber_t *s)
{
    ngx_int_t                  rc;
    ngx_http_notify_event_t   *event;
    ngx_http_notify_redeliver_t  *replay;

    replay = s->redelivery;

    if (replay == NULL || replay->reading) {
        return NGX_DECLINED;
    }

    if (!replay->ready) {

        /* it could not be read yet */

        ngx_http_notify_redeliver_load(s);
        return NGX_DECLINED;
    }

    rc = ngx_http_notify_dispatch_held(s);

    if (!replay->ready || rc == NGX_DECLINED || (rc == NGX_DONE && s->nretry)
        || s->nretry >= NGX_HTTP_NOTIFY_SUBSCRIBER_RETRY
        || (s->profile != NULL && s->profile->strict
            && (s->nwindow || s->nretry)))
    {
        return NGX_DECLINED;
    }

    if (ngx_http_notify_presence_load(s, &replay->page[replay->next],
                                      replay->n - replay->next)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    while (replay->next < replay->n) {
        event = replay->page[replay->next];

        if (!replay->sure[replay->next]
            && !ngx_http_notify_subscriber_wants(s, event))
        {
            /* the subscription has changed since */

            replay->next++;
            ngx_http_notify_log_unref(event);
            continue;
        }

        if (ngx_http_notify_dispatch_start(s, event, 1, 0, 0, rc == NGX_DONE)
            != NGX_OK)
        {
            return NGX_AGAIN;
        }

        replay->next++;
        ngx_http_notify_log_unref(event);

        return NGX_OK;
    }

    if (ngx_http_notify_redeliver_under_way(s)) {
        return NGX_DECLINED;
    }

    if (replay->n) {
        ngx_http_notify_redeliver_move(s, &replay->last);
    }

    if (!replay->full
        || ngx_http_notify_id_compare(&replay->position, &replay->to) >= 0)
    {
        ngx_http_notify_redeliver_move(s, &replay->to);
        (void) ngx_http_notify_commit_replay(s, NULL);
        ngx_http_notify_redeliver_free(s);
        return NGX_DECLINED;
    }

    ngx_http_notify_redeliver_read(s);

    return NGX_DECLINED;
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


/* the subscriber whom an answer still concerns; the last one frees */

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

        s->redelivery->serial = ++s->lease->feed->serial;
        s->redelivery->reading = 0;
        s->redelivery->ready = 0;
        ngx_http_notify_dispatch_wake(s, 1000);

        return NULL;
    }

    return s;
}


static void
ngx_http_notify_redeliver_place(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_redeliver_t   *replay;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    replay = s->redelivery;

    if (resp->nelts < 4
        || ngx_http_notify_id_parse(&resp->elts[0]->str, &replay->position)
           != NGX_OK
        || ngx_http_notify_id_parse(&resp->elts[1]->str, &replay->to)
           != NGX_OK)
    {
        ngx_http_notify_redeliver_free(s);
        return;
    }

    replay->all = resp->elts[2]->str.len == 1
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
        ngx_http_notify_subscriber_former(s, &resp->str);
    }
}


static void
ngx_http_notify_redeliver_gaps(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_uint_t                     i, n;
    ngx_http_notify_redeliver_t   *replay;
    ngx_http_notify_subscriber_t  *s;
    ngx_http_notify_redeliver_gap_t  *gap;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    replay = s->redelivery;
    replay->reading = 0;
    replay->ready = 1;
    replay->full = 1;

    n = ngx_min(resp->nelts, NGX_HTTP_NOTIFY_REDELIVER_GAPS);

    if (n) {
        replay->gaps = ngx_alloc(n * sizeof(ngx_http_notify_redeliver_gap_t),
                                 s->lease->feed->log);
        if (replay->gaps == NULL) {
            ngx_http_notify_redeliver_free(s);
            return;
        }
    }

    for (i = 0; replay->gaps != NULL && i < n; i++) {
        gap = &replay->gaps[replay->ngaps];

        if (ngx_http_notify_id_interval(&resp->elts[i]->str, &gap->from,
                                        &gap->to)
            == NGX_OK)
        {
            if (ngx_http_notify_id_compare(&replay->known, &gap->to) < 0) {
                replay->known = gap->to;
            }

            replay->ngaps++;
        }
    }

    if (!replay->all) {

        /* what waits for another attempt has not been got either */

        s->release = 1;
        ngx_http_notify_subscriber_touch(s);
    }

    ngx_http_notify_redeliver_read(s);
}


static void
ngx_http_notify_redeliver_read(ngx_http_notify_subscriber_t *s)
{
    u_char                             from[NGX_INT64_LEN];
    ngx_str_t                          argv[7];
    ngx_pool_t                        *pool;
    ngx_http_notify_feed_t            *feed;
    ngx_http_notify_redeliver_t       *replay;
    ngx_http_notify_redeliver_request_t  *request;

    feed = s->lease->feed;
    replay = s->redelivery;

    pool = ngx_create_pool(512, feed->log);
    request = ngx_http_notify_redeliver_request(s);

    if (pool == NULL || request == NULL) {
        goto failed;
    }

    if (ngx_http_notify_log_range(feed->redis, &feed->channel->keys,
                                  &replay->position, 0, &replay->to,
                                  replay->count,
                                  ngx_http_notify_redeliver_page, request)
        == NULL)
    {
        goto failed;
    }

    request->expected = 1;
    replay->reading = 1;

    /* those given up from the page on, as many as a page can hold of them */

    ngx_str_set(&argv[0], "ZRANGEBYSCORE");
    argv[1] = ngx_http_notify_keys_name(pool, &feed->channel->keys, "dead",
                                        &s->node.str);
    argv[2].data = from;
    argv[2].len = ngx_sprintf(from, "%uL", replay->position.ms) - from;
    ngx_str_set(&argv[3], "+inf");
    ngx_str_set(&argv[4], "LIMIT");

    ngx_str_set(&argv[5], "0");
    ngx_str_set(&argv[6], "1000");

    if (argv[1].data != NULL
        && ngx_http_notify_redis_submit(feed->redis, argv, 7, 0,
                                        ngx_http_notify_redeliver_dead, request)
           != NULL)
    {
        request->expected++;
    }

    ngx_destroy_pool(pool);

    return;

failed:

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    if (request != NULL) {
        ngx_free(request);
    }

    ngx_http_notify_redeliver_free(s);
}


static void
ngx_http_notify_redeliver_page(ngx_http_notify_resp_t *resp, void *data)
{
    size_t                         size;
    ngx_uint_t                     i, n;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_redeliver_t   *replay;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    replay = s->redelivery;

    replay->n = 0;
    replay->next = 0;
    replay->full = resp->nelts >= replay->count;
    replay->last = replay->position;

    n = ngx_min(resp->nelts, replay->count);
    size = 1;

    for (i = 0; i < n; i++) {
        (void) ngx_http_notify_log_entry_id(resp->elts[i], &replay->last);

        event = ngx_http_notify_log_event(resp->elts[i], s->lease->feed->log);
        if (event != NULL) {
            size += event->size;
            replay->page[replay->n++] = event;
        }
    }

    /* few at first, more while they are small */

    n = NGX_HTTP_NOTIFY_REDELIVER_BYTES / (size / ngx_max(n, 1) + 1);
    n = ngx_min(n, 4 * replay->count);
    replay->count = ngx_max(ngx_min(n, NGX_HTTP_NOTIFY_REDELIVER_PAGE), 1);
}


static void
ngx_http_notify_redeliver_dead(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_uint_t                     i, n, sure;
    ngx_http_notify_event_t       *event;
    ngx_http_notify_redeliver_t   *replay;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_redeliver_answer(data, resp, 1);

    if (s == NULL) {
        return;
    }

    replay = s->redelivery;
    replay->reading = 0;

    for (i = 0, n = 0; i < replay->n; i++) {
        event = replay->page[i];

        sure = ngx_http_notify_redeliver_given_up(resp, &event->id);

        if (sure
            || ((replay->all
                 || ngx_http_notify_redeliver_skips(replay, &event->id))
                && ngx_http_notify_subscriber_wants(s, event)))
        {
            replay->sure[n] = sure;
            replay->page[n++] = event;

        } else {
            ngx_http_notify_log_unref(event);
        }
    }

    replay->n = n;

    if (n == 0) {
        ngx_http_notify_redeliver_move(s, &replay->last);
    }

    ngx_http_notify_dispatch_pump(s);
}


/* all is settled up to there; what was a gap is none any more */

static void
ngx_http_notify_redeliver_move(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *place)
{
    ngx_uint_t                     i;
    ngx_http_notify_redeliver_t   *replay;
    ngx_http_notify_redeliver_gap_t  *gap;

    replay = s->redelivery;

    if (ngx_http_notify_id_compare(&replay->position, place) >= 0) {
        return;
    }

    for (i = 0; i < replay->ngaps; i++) {
        gap = &replay->gaps[i];

        if (ngx_http_notify_id_compare(&gap->from, place) < 0
            && ngx_http_notify_id_compare(&gap->to, &replay->position) > 0)
        {
            (void) ngx_http_notify_commit_recovered(s, &replay->position,
                                                    place, &replay->known);
            break;
        }
    }

    replay->position = *place;
    (void) ngx_http_notify_commit_replay(s, &replay->position);
}


static ngx_uint_t
ngx_http_notify_redeliver_skips(ngx_http_notify_redeliver_t *replay,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t  i;

    for (i = 0; i < replay->ngaps; i++) {
        if (ngx_http_notify_id_compare(id, &replay->gaps[i].from) > 0
            && ngx_http_notify_id_compare(id, &replay->gaps[i].to) <= 0)
        {
            return 1;
        }
    }

    return 0;
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


static ngx_uint_t
ngx_http_notify_redeliver_under_way(ngx_http_notify_subscriber_t *s)
{
    ngx_queue_t                 *q;
    ngx_http_notify_delivery_t  *d;

    for (q = ngx_queue_head(&s->others);
         q != ngx_queue_sentinel(&s->others);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

        if (d->redelivered) {
            return 1;
        }
    }

    return 0;
}
