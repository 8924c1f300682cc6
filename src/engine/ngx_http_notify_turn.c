
/*
 * Drops what is broken, lets what is loaded join the tail, runs subscribers,
 * commits, and reads on, in this order: a commit has what the run has come to,
 * and the tail is asked for more once the queues are as short as they get.
 */

#include "ngx_http_notify_turn.h"
#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_dispatch.h"
#include "ngx_http_notify_lifecycle.h"
#include "ngx_http_notify_load_change.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_tail.h"


#define NGX_HTTP_NOTIFY_TURN_RUNS  1024     /* subscribers, of one feed */


static void ngx_http_notify_turn_drop(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_turn_finish(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_turn_run(ngx_http_notify_feed_t *feed);


void
ngx_http_notify_turn(ngx_event_t *ev)
{
    ngx_http_notify_feed_t  *feed;

    feed = ev->data;

    feed->working = 1;

    if (feed->broken) {
        feed->broken = 0;
        ngx_http_notify_turn_drop(feed);
    }

    if (feed->joins) {
        feed->joins = 0;
        ngx_http_notify_tail_join(feed);
    }

    ngx_http_notify_turn_finish(feed);
    ngx_http_notify_turn_run(feed);

    if (feed->commits) {
        feed->commits = 0;
        ngx_http_notify_commit(feed);
    }

    ngx_http_notify_tail_read(feed);

    feed->working = 0;
}


static void
ngx_http_notify_turn_drop(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].broken) {
            ngx_http_notify_lifecycle_drop_lease(&feed->leases[i]);
        }
    }
}


/* a change may have come since: then the next commit tells again */

static void
ngx_http_notify_turn_finish(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_subscriber_t  *s;

    while ((s = ngx_http_notify_run_queue_finished(feed)) != NULL) {

        if (s->dirty) {
            continue;
        }

        if (s->state == NGX_HTTP_NOTIFY_SUBSCRIBER_RESTARTED) {
            ngx_http_notify_load_change_again(s);

        } else {
            ngx_http_notify_lifecycle_drop(s);
        }
    }
}


static void
ngx_http_notify_turn_run(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                     n;
    ngx_http_notify_subscriber_t  *s;

    ngx_http_notify_run_queue_begin(feed);

    for (n = 0; n < NGX_HTTP_NOTIFY_TURN_RUNS; n++) {

        s = ngx_http_notify_run_queue_next(feed);
        if (s == NULL) {
            break;
        }

        ngx_http_notify_dispatch(s);
    }

    ngx_http_notify_run_queue_end(feed);
}
