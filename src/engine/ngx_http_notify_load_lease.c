
/*
 * In one pipeline a lease: its position, cursors, redeliveries and due retries.
 */

#include "ngx_http_notify_load_lease.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_health.h"
#include "ngx_http_notify_lifecycle.h"
#include "ngx_http_notify_load.h"
#include "ngx_http_notify_redeliver.h"
#include "ngx_http_notify_retry.h"
#include "ngx_http_notify_run_queue.h"


static ngx_int_t ngx_http_notify_load_lease_ask(ngx_http_notify_load_t *load,
    const char *verb, const char *kind,
    ngx_http_notify_redis_handler_pt handler);
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_lease_position;
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_lease_cursors;
static ngx_http_notify_subscriber_t *ngx_http_notify_load_lease_loading(
    ngx_http_notify_lease_t *lease, const ngx_str_t *field, const char *word);
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_lease_replays;
static ngx_http_notify_redis_handler_t  ngx_http_notify_load_lease_due;
static void ngx_http_notify_load_lease_place(ngx_http_notify_lease_t *lease);


void
ngx_http_notify_load_lease(ngx_http_notify_lease_t *lease)
{
    ngx_http_notify_load_t     *load;
    ngx_http_notify_command_t  *command;

    load = ngx_http_notify_load_create(lease, NULL);
    if (load == NULL) {
        ngx_http_notify_lease_break(lease);
        return;
    }

    if (ngx_http_notify_load_lease_ask(load, "GET", "pos",
                                       ngx_http_notify_load_lease_position)
        != NGX_OK
        || ngx_http_notify_load_lease_ask(load, "HGETALL", "cursor",
                                          ngx_http_notify_load_lease_cursors)
           != NGX_OK
        || ngx_http_notify_load_lease_ask(load, "SMEMBERS", "replays",
                                          ngx_http_notify_load_lease_replays)
           != NGX_OK)
    {
        goto done;
    }

    command = ngx_http_notify_command_start(lease->feed->redis, "ZRANGE",
                                            ngx_http_notify_load_lease_due,
                                            load);

    ngx_http_notify_command_key_shard(command, &lease->feed->channel->keys,
                                      "due", lease->shard);
    ngx_http_notify_command_text(command, "0");
    ngx_http_notify_command_text(command, "-1");
    ngx_http_notify_command_text(command, "WITHSCORES");

    (void) ngx_http_notify_load_ask(load, command);

done:

    if (load->expected == 0) {
        ngx_http_notify_load_free(load);
        ngx_http_notify_lease_break(lease);
    }
}


/* all that a key of the lease holds */

static ngx_int_t
ngx_http_notify_load_lease_ask(ngx_http_notify_load_t *load, const char *verb,
    const char *kind, ngx_http_notify_redis_handler_pt handler)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_start(load->feed->redis, verb, handler,
                                            load);

    ngx_http_notify_command_key_shard(command, &load->feed->channel->keys,
                                      kind, load->lease->shard);

    return ngx_http_notify_load_ask(load, command);
}


static void
ngx_http_notify_load_lease_position(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    /* a shard that was never owned begins with the log; its subscriptions
     * have cursors of their own */

    load->lease->position.ms = 0;
    load->lease->position.seq = 0;

    load->lease->placed = resp->type == NGX_HTTP_NOTIFY_RESP_STRING
                          && ngx_http_notify_id_parse(&resp->str,
                                                      &load->lease->position)
                             == NGX_OK;
}


static void
ngx_http_notify_load_lease_cursors(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    u_char                        *p;
    ngx_str_t                      word;
    ngx_uint_t                     i, found;
    ngx_http_notify_id_t           id;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    lease = load->lease;
    found = lease->placed;

    for (i = 0; !lease->placed && i + 1 < resp->nelts; i += 2) {

        /* nothing before the first of the cursors is to be read */

        word = resp->elts[i + 1]->str;
        p = ngx_strlchr(word.data, word.data + word.len, ' ');

        if (p != NULL) {
            word.len = p - word.data;
        }

        if (ngx_http_notify_subscriber_find(lease->feed, &resp->elts[i]->str)
            != NULL
            && ngx_http_notify_id_parse(&word, &id) == NGX_OK
            && (!found
                || ngx_http_notify_id_compare(&id, &lease->position) < 0))
        {
            lease->position = id;
            found = 1;
        }
    }

    lease->placed = found;

    /* what belongs to a cursor, before it is placed */

    for (i = 0; i + 1 < resp->nelts; i += 2) {

        s = ngx_http_notify_load_lease_loading(lease, &resp->elts[i]->str,
                                               NGX_HTTP_NOTIFY_FORMER_WORD);
        if (s != NULL) {
            ngx_http_notify_former_set(&s->former, &resp->elts[i + 1]->str,
                                       s->lease->feed->log);
            continue;
        }

        s = ngx_http_notify_load_lease_loading(lease, &resp->elts[i]->str,
                                               NGX_HTTP_NOTIFY_HEALTH_WORD);
        if (s != NULL) {
            ngx_http_notify_health_set(s, &resp->elts[i + 1]->str);
        }
    }

    for (i = 0; i + 1 < resp->nelts; i += 2) {
        s = ngx_http_notify_subscriber_find(lease->feed, &resp->elts[i]->str);

        if (s != NULL && ngx_http_notify_subscriber_is_loading(s)) {
            ngx_http_notify_lifecycle_locate(s, &resp->elts[i + 1]->str);
        }
    }
}


/* the one of a field "<id><word>", where it is being loaded; or NULL */

static ngx_http_notify_subscriber_t *
ngx_http_notify_load_lease_loading(ngx_http_notify_lease_t *lease,
    const ngx_str_t *field, const char *word)
{
    size_t                         len;
    ngx_str_t                      id;
    ngx_http_notify_subscriber_t  *s;

    len = ngx_strlen(word);

    if (field->len <= len
        || ngx_memcmp(field->data + field->len - len, word, len) != 0)
    {
        return NULL;
    }

    id.data = field->data;
    id.len = field->len - len;

    s = ngx_http_notify_subscriber_find(lease->feed, &id);

    return s != NULL && ngx_http_notify_subscriber_is_loading(s) ? s : NULL;
}


static void
ngx_http_notify_load_lease_replays(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    ngx_uint_t                     i;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    for (i = 0; i < resp->nelts; i++) {
        s = ngx_http_notify_subscriber_find(load->feed, &resp->elts[i]->str);

        if (s != NULL) {
            ngx_http_notify_redeliver_load(s);
        }
    }
}


static void
ngx_http_notify_load_lease_due(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_load_t  *load = data;

    ngx_str_t                      none;
    ngx_int_t                      due;
    ngx_uint_t                     i;
    ngx_queue_t                   *q;
    ngx_http_notify_lease_t       *lease;
    ngx_http_notify_subscriber_t  *s;

    if (ngx_http_notify_load_void(load, resp)) {
        return;
    }

    lease = load->lease;

    ngx_http_notify_load_free(load);

    for (i = 0; i + 1 < resp->nelts; i += 2) {
        s = ngx_http_notify_subscriber_find(lease->feed, &resp->elts[i]->str);
        due = ngx_atoi(resp->elts[i + 1]->str.data,
                       resp->elts[i + 1]->str.len);

        if (s != NULL && due != NGX_ERROR) {
            ngx_http_notify_retry_expect(s, (uint64_t) due);
        }
    }

    ngx_str_null(&none);

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        if (ngx_http_notify_subscriber_is_loading(s)) {
            ngx_http_notify_lifecycle_locate(s, &none);
        }
    }

    ngx_http_notify_load_lease_place(lease);

    for (q = ngx_queue_head(&lease->subscribers);
         q != ngx_queue_sentinel(&lease->subscribers);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        if (s->asked) {
            s->asked = 0;
            ngx_http_notify_retry_expect(s, ngx_http_notify_feed_now());
            ngx_http_notify_redeliver_load(s);
        }

        ngx_http_notify_run_queue_ready(s);
    }
}


/* the turn lets it join the tail */

static void
ngx_http_notify_load_lease_place(ngx_http_notify_lease_t *lease)
{
    ngx_http_notify_feed_t  *feed;

    feed = lease->feed;

    if (!lease->placed) {
        lease->position = feed->end;
    }

    if (ngx_queue_empty(&lease->subscribers)
        && ngx_http_notify_id_compare(&lease->position, &feed->end) < 0)
    {
        lease->position = feed->end;
    }

    lease->placed = 1;
    lease->committed = lease->position;
    lease->state = NGX_HTTP_NOTIFY_LEASE_READ;

    ngx_http_notify_feed_join(feed);
}
