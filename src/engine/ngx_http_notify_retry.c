
/*
 * The retry set of a subscriber lives in Redis; here are only its size, the
 * time when it has to be looked at, and some of what is due.  What was settled
 * and is not yet committed still stands in the set: it is passed over.
 */

#include "ngx_http_notify_retry.h"
#include "ngx_http_notify_disable.h"
#include "ngx_http_notify_gate.h"
#include "ngx_http_notify_line.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_presence.h"
#include "ngx_http_notify_push.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_segment.h"
#include "ngx_http_notify_tenants.h"


/* an answer may come when the subscriber is gone: found again by its id */

typedef struct {
    ngx_http_notify_feed_t   *feed;
    ngx_uint_t                number;
    ngx_uint_t                probe;
    ngx_str_t                 id;
} ngx_http_notify_retry_request_t;

typedef struct {
    ngx_http_notify_id_t      id;
    ngx_uint_t                attempt;
    uint64_t                  first;
    ngx_uint_t                line;
} ngx_http_notify_retry_one_t;

#define NGX_HTTP_NOTIFY_RETRY_BATCH  16     /* events at most, */
#define NGX_HTTP_NOTIFY_RETRY_LINES  64     /* of as many lines */


/* what Redis says is due; while there is one, nothing is fetched */

typedef struct ngx_http_notify_retry_batch_s {
    ngx_uint_t                     n;
    ngx_uint_t                     next;    /* to start */
    ngx_http_notify_retry_one_t   *ones;
    ngx_http_notify_event_t       *events[1];   /* NULL: expired */
} ngx_http_notify_retry_batch_t;


static void ngx_http_notify_retry_dead(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result, const char *reason);
static void ngx_http_notify_retry_fetch(ngx_http_notify_subscriber_t *s,
    ngx_uint_t probe);
static void ngx_http_notify_retry_args(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command, ngx_uint_t probe);
static ngx_http_notify_redis_handler_t  ngx_http_notify_retry_handler;
static ngx_int_t ngx_http_notify_retry_read(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_resp_t *resp);
static ngx_int_t ngx_http_notify_retry_parse(ngx_http_notify_retry_one_t *one,
    const ngx_str_t *text, const ngx_str_t *tries);
static void ngx_http_notify_retry_close(ngx_http_notify_retry_batch_t *batch);


void
ngx_http_notify_retry_failed(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result)
{
    uint64_t                       now, delay, pause, wait;
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;
    now = ngx_http_notify_feed_now();

    if (s->provider == NULL) {
        ngx_log_error(NGX_LOG_INFO, ngx_http_notify_line(s, d->event, NULL), 0,
                      "notify retry: attempt %ui of event %V for "
                      "subscription \"%V\" failed: %s, status %ui",
                      d->attempt, ngx_http_notify_context_event(&d->id),
                      &s->node.str, result->error, result->status);
    }

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_BLOCKED) {
        ngx_http_notify_metrics_add(d->feed->channel->metrics,
                                    NGX_HTTP_NOTIFY_METRICS_BLOCKED, 1);
    }

    /*
     * The target of a channel cannot be given up; and a change of the
     * subscription since that call began may have mended it.
     */

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_GONE && !s->doc->internal
        && d->version == s->doc->version)
    {
        if (!ngx_http_notify_delivery_joined(d)) {
            ngx_http_notify_tenants_add(d->feed->channel->metrics,
                                        &s->doc->tenant,
                                        NGX_HTTP_NOTIFY_METRICS_GONE, 1);
            ngx_http_notify_disable(s, "gone");
            ngx_http_notify_ops_events_disabled(s, d->event, "gone");
        }

        ngx_http_notify_retry_dead(d, result, "gone");
        return;
    }

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_GONE && s->provider) {
        ngx_http_notify_retry_dead(d, result, "gone");
        return;
    }

    if (result->verdict == NGX_HTTP_NOTIFY_CALL_FATAL) {
        ngx_http_notify_retry_dead(d, result, "unsendable");
        return;
    }

    wait = 0;

    if (d->version >= s->moved) {
        wait = (uint64_t) ngx_http_notify_push_wait(s, result) * 1000;
    }

    if (result->retry_after > 0 && d->version >= s->moved) {
        pause = (uint64_t) ngx_http_notify_push_pause(s, result) * 1000;
        ngx_http_notify_gate_pause(s, ngx_max(s->paused, now + pause));
    }

    if (ngx_http_notify_delivery_again(d, now, &delay) != NGX_OK) {
        ngx_http_notify_retry_dead(d, result,
                                   s->retry && s->retry->nsteps
                                   ? "exhausted" : "failed");
        return;
    }

    delay = ngx_max(ngx_http_notify_delivery_delay(d, delay), wait);

    if (ngx_http_notify_operation_retry(s, &d->id, d->line, now + delay,
                                        d->attempt, d->first, d->retry)
        == NGX_OK
        && !d->retry)
    {
        s->nretry++;
    }
}


static void
ngx_http_notify_retry_dead(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result, const char *reason)
{
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    if (d->retry && s->nretry) {
        s->nretry--;
    }

    ngx_http_notify_operation_dead(s, &d->id, d->line, reason, d->retry);

    if (s->provider != NULL) {
        ngx_http_notify_push_failed(d, result);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, ngx_http_notify_line(s, d->event, NULL), 0,
                  "notify retry: event %V for subscription \"%V\" given up "
                  "after %ui attempts (%s): %s, status %ui",
                  ngx_http_notify_context_event(&d->id), &s->node.str,
                  d->attempt, reason, result->error, result->status);

    ngx_http_notify_tenants_add(d->feed->channel->metrics,
                                &s->doc->tenant,
                                NGX_HTTP_NOTIFY_METRICS_DEAD, 1);
    ngx_http_notify_ops_events_given_up(d, result, reason);
}


void
ngx_http_notify_retry_succeeded(ngx_http_notify_delivery_t *d)
{
    ngx_http_notify_subscriber_t  *s;

    s = d->subscriber;

    ngx_http_notify_operation_done(s, &d->id, d->line, d->retry);

    if (d->retry && s->nretry) {
        s->nretry--;
    }
}


void
ngx_http_notify_retry_expect(ngx_http_notify_subscriber_t *s, uint64_t due)
{
    s->nretry = 1;          /* at least; the first look will tell */
    s->due = s->due ? ngx_min(s->due, due) : due;
}


void
ngx_http_notify_retry_added(ngx_http_notify_subscriber_t *s)
{
    s->nretry++;
    ngx_http_notify_retry_again(s);
}


void
ngx_http_notify_retry_look(ngx_http_notify_subscriber_t *s)
{
    uint64_t                now;
    ngx_uint_t              known;
    ngx_http_notify_gate_e  gate;

    if (s->batch != NULL || s->fetching || (s->nretry == 0 && s->due == 0)) {
        return;
    }

    known = ngx_http_notify_order_known(s);

    now = ngx_http_notify_feed_now();
    gate = ngx_http_notify_gate(s);

    if (gate == NGX_HTTP_NOTIFY_GATE_PROBE && s->nretry) {
        ngx_http_notify_retry_fetch(s, 1);

    } else if (gate != NGX_HTTP_NOTIFY_GATE_SHUT && (s->due || !known)) {
        if (s->due <= now || !known) {
            ngx_http_notify_retry_fetch(s, 0);

        } else {
            ngx_http_notify_run_queue_wait_time(s, s->due - now);
        }
    }
}


static void
ngx_http_notify_retry_fetch(ngx_http_notify_subscriber_t *s, ngx_uint_t probe)
{
    ngx_http_notify_feed_t           *feed;
    ngx_http_notify_command_t        *command;
    ngx_http_notify_retry_request_t  *request;

    feed = s->lease->feed;

    if (ngx_http_notify_subscriber_is_paused(s)) {
        return;
    }

    request = ngx_alloc(sizeof(ngx_http_notify_retry_request_t)
                        + s->node.str.len, feed->log);
    if (request == NULL) {
        ngx_http_notify_run_queue_wait_time(s, 1000);
        return;
    }

    request->feed = feed;
    request->number = ngx_http_notify_feed_number(feed);
    request->probe = probe;
    request->id.len = s->node.str.len;
    request->id.data = (u_char *) request
                       + sizeof(ngx_http_notify_retry_request_t);
    ngx_memcpy(request->id.data, s->node.str.data, s->node.str.len);

    command = ngx_http_notify_command_script(feed->redis,
                                             &ngx_http_notify_script_due,
                                             ngx_http_notify_retry_handler,
                                             request);

    ngx_http_notify_command_filter(command, ngx_http_notify_segment_inflate);
    ngx_http_notify_command_key_of(command, &feed->channel->keys, "retry",
                                   &s->node.str);
    ngx_http_notify_command_key_of(command, &feed->channel->keys, "tries",
                                   &s->node.str);
    ngx_http_notify_command_key(command, &feed->channel->keys, "log");

    ngx_http_notify_retry_args(s, command, probe);

    if (ngx_http_notify_redis_send(command) != NGX_OK) {
        ngx_free(request);
        ngx_http_notify_run_queue_wait_time(s, 1000);
        return;
    }

    s->fetching = request->number;
    s->settled = 0;
    s->look = 0;
}


static void
ngx_http_notify_retry_args(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command, ngx_uint_t probe)
{
    ngx_int_t                    more;
    ngx_uint_t                   i, n, by_line;
    ngx_pool_t                  *pool;
    ngx_array_t                  ids;
    ngx_queue_t                 *q;
    ngx_http_notify_id_t        *id;
    ngx_http_notify_delivery_t  *d;

    if (probe) {
        ngx_http_notify_command_text(command, "oldest");

    } else {
        ngx_http_notify_command_number(command, ngx_http_notify_feed_now());
    }

    by_line = (s->profile != NULL && s->profile->order != NULL);

    n = by_line ? NGX_HTTP_NOTIFY_RETRY_LINES : NGX_HTTP_NOTIFY_RETRY_BATCH;
    n = ngx_min(s->limit, n);

    if (s->profile != NULL && s->profile->strict) {
        n = 1;
    }

    n = probe ? 1 : ngx_max(n, ngx_http_notify_subscriber_batch(s));

    ngx_http_notify_command_number(command, n);
    ngx_http_notify_command_text(command,
                                 !by_line ? ""
                                 : ngx_http_notify_order_known(s) ? "key"
                                                                  : "lines");

    /* in the set, too: what is under way, or settled and not yet committed */

    pool = ngx_create_pool(1024, s->lease->feed->log);
    if (pool == NULL) {
        ngx_http_notify_command_fail(command);
        return;
    }

    if (ngx_array_init(&ids, pool, 16, sizeof(ngx_http_notify_id_t)) != NGX_OK
        || ngx_http_notify_operation_open(s, &ids, &more) != NGX_OK)
    {
        ngx_http_notify_command_fail(command);
        ids.nelts = 0;
    }

    id = ids.elts;

    for (i = 0; i < ids.nelts; i++) {
        ngx_http_notify_command_id(command, &id[i]);
    }

    ngx_destroy_pool(pool);

    for (q = ngx_queue_head(&s->resends);
         q != ngx_queue_sentinel(&s->resends);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_http_notify_delivery_t, link);

        ngx_http_notify_command_id(command, &d->id);
    }

    if (by_line) {
        ngx_http_notify_order_args(s, command);
        ngx_http_notify_operation_lines(s, command);
    }
}


static void
ngx_http_notify_retry_handler(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_retry_request_t  *request = data;

    ngx_uint_t                     probe;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_subscriber_find(request->feed, &request->id);
    probe = request->probe;

    if (s != NULL && s->fetching != request->number) {
        s = NULL;
    }

    ngx_free(request);

    if (s == NULL) {
        return;
    }

    s->fetching = 0;

    if (ngx_http_notify_script_verdict(s->lease->feed->redis, resp, "retry")
        != NGX_OK
        || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY
        || resp->nelts < 3
        || ngx_http_notify_retry_read(s, resp) != NGX_OK)
    {
        ngx_http_notify_run_queue_wait_time(s, 1000);
        return;
    }

    if (s->look) {
        ngx_http_notify_retry_again(s);

    } else if (probe && s->batch == NULL && s->nretry) {

        /* all of them are under way: what comes of these will tell */

        return;
    }

    ngx_http_notify_run_queue_ready(s);
}


static ngx_int_t
ngx_http_notify_retry_read(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_resp_t *resp)
{
    size_t                          size;
    ngx_int_t                       rest, more;
    ngx_uint_t                      i, n;
    ngx_http_notify_resp_t         *entry;
    ngx_http_notify_retry_one_t    *one;
    ngx_http_notify_retry_batch_t  *batch;

    n = (resp->nelts - 3) / 3;

    size = sizeof(ngx_http_notify_retry_batch_t)
           + n * (sizeof(ngx_http_notify_event_t *)
                  + sizeof(ngx_http_notify_retry_one_t));

    batch = ngx_calloc(size, s->lease->feed->log);
    if (batch == NULL) {
        return NGX_ERROR;
    }

    batch->ones = (ngx_http_notify_retry_one_t *) &batch->events[n + 1];

    if (resp->elts[2]->type == NGX_HTTP_NOTIFY_RESP_ARRAY) {
        ngx_http_notify_order_load(s, resp->elts[2]);
    }

    for (i = 3; i + 2 < resp->nelts; i += 3) {
        one = &batch->ones[batch->n];

        if (ngx_http_notify_retry_parse(one, &resp->elts[i]->str,
                                        &resp->elts[i + 1]->str)
            != NGX_OK
            || ngx_http_notify_delivery_under_way(s, &one->id)
            || ngx_http_notify_operation_covers(s, &one->id))
        {
            continue;           /* since it was asked for */
        }

        entry = resp->elts[i + 2];

        if (entry->type == NGX_HTTP_NOTIFY_RESP_ARRAY) {
            batch->events[batch->n] = ngx_http_notify_log_event(entry,
                                                        s->lease->feed->log);
            if (batch->events[batch->n] == NULL) {
                ngx_http_notify_retry_close(batch);
                return NGX_ERROR;
            }
        }

        batch->n++;
    }

    (void) ngx_http_notify_operation_open(s, NULL, &more);

    more += resp->elts[0]->integer;
    s->nretry = ngx_max(more, 0);

    rest = ngx_atoi(resp->elts[1]->str.data, resp->elts[1]->str.len);
    s->due = (rest == NGX_ERROR) ? 0 : (uint64_t) rest;

    if (s->settled) {
        s->due = s->due ? ngx_min(s->due, s->settled) : s->settled;
    }

    if (batch->n) {
        s->batch = batch;

    } else {
        ngx_http_notify_retry_close(batch);
    }

    return NGX_OK;
}


/* of tries "count first", or "count first line" */

static ngx_int_t
ngx_http_notify_retry_parse(ngx_http_notify_retry_one_t *one,
    const ngx_str_t *text, const ngx_str_t *tries)
{
    u_char    *p, *line, *last;
    ngx_int_t  n;

    if (ngx_http_notify_id_parse(text, &one->id) != NGX_OK) {
        return NGX_DECLINED;
    }

    one->attempt = 1;

    last = tries->data + tries->len;
    p = ngx_strlchr(tries->data, last, ' ');

    if (p != NULL) {
        n = ngx_atoi(tries->data, p - tries->data);
        one->attempt = (n == NGX_ERROR) ? 1 : n + 1;

        p++;
        line = ngx_strlchr(p, last, ' ');

        n = ngx_atoi(p, (line ? line : last) - p);
        one->first = (n == NGX_ERROR) ? 0 : (uint64_t) n;

        n = line ? ngx_hextoi(line + 1, last - line - 1) : 0;
        one->line = (n == NGX_ERROR) ? 0 : (ngx_uint_t) n;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_retry_due(ngx_http_notify_subscriber_t *s)
{
    return s->batch != NULL
           || (s->due && s->due <= ngx_http_notify_feed_now());
}


ngx_int_t
ngx_http_notify_retry_next(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_retry_t *next)
{
    ngx_uint_t                      i, line;
    ngx_http_notify_id_t            id;
    ngx_http_notify_gate_e          gate;
    ngx_http_notify_retry_batch_t  *batch;

    while (s->batch != NULL) {

        gate = ngx_http_notify_gate(s);

        if (gate == NGX_HTTP_NOTIFY_GATE_SHUT) {

            /* what it waits for may take days */

            ngx_http_notify_retry_again(s);
            return NGX_DECLINED;
        }

        batch = s->batch;
        i = batch->next;

        if (ngx_http_notify_presence_load(s, &batch->events[i], batch->n - i)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        if (batch->events[i] != NULL
            && ngx_http_notify_push_admit_again(s, batch->events[i])
               == NGX_OK)
        {
            next->event = batch->events[i];
            next->attempt = batch->ones[i].attempt;
            next->first = batch->ones[i].first;
            next->line = batch->ones[i].line;
            next->probe = (gate == NGX_HTTP_NOTIFY_GATE_PROBE);

            return NGX_OK;
        }

        if (s->nretry) {
            s->nretry--;
        }

        id = batch->ones[i].id;
        line = batch->ones[i].line;

        if (batch->events[i] != NULL) {
            ngx_http_notify_operation_done(s, &id, line, 1);

        } else {
            ngx_http_notify_tenants_add(s->lease->feed->channel->metrics,
                                        &s->doc->tenant,
                                        NGX_HTTP_NOTIFY_METRICS_EXPIRED, 1);
            ngx_http_notify_operation_dead(s, &id, line, "expired", 1);
        }

        ngx_http_notify_operation_next(s, line, &id);
        ngx_http_notify_retry_forget(s, &id);
    }

    return NGX_DECLINED;
}


void
ngx_http_notify_retry_forget(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t                      i;
    ngx_http_notify_retry_batch_t  *batch;

    batch = s->batch;

    if (batch == NULL) {
        return;
    }

    for (i = batch->next; i < batch->n; i++) {

        if (ngx_http_notify_id_compare(&batch->ones[i].id, id) != 0) {
            continue;
        }

        if (batch->events[i] != NULL) {
            ngx_http_notify_log_unref(batch->events[i]);
        }

        /* the others keep their order */

        for ( /* void */ ; i > batch->next; i--) {
            batch->events[i] = batch->events[i - 1];
            batch->ones[i] = batch->ones[i - 1];
        }

        batch->next++;
        break;
    }

    if (batch->next == batch->n) {
        ngx_http_notify_retry_free(s);
        ngx_http_notify_retry_look(s);
    }
}


void
ngx_http_notify_retry_again(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_retry_free(s);

    /* an answer that is on its way may not have it */

    s->look = (s->fetching != 0);
    s->due = ngx_http_notify_feed_now();
}


void
ngx_http_notify_retry_free(ngx_http_notify_subscriber_t *s)
{
    if (s->batch != NULL) {
        ngx_http_notify_retry_close(s->batch);
        s->batch = NULL;
    }
}


static void
ngx_http_notify_retry_close(ngx_http_notify_retry_batch_t *batch)
{
    ngx_uint_t  i;

    for (i = batch->next; i < batch->n; i++) {
        if (batch->events[i]) {
            ngx_http_notify_log_unref(batch->events[i]);
        }
    }

    ngx_free(batch);
}
