
/*
 * Feeds that nothing has come for in five seconds move to the second line, and
 * back with what comes.  Where Redis does not allow that a read is ended, each
 * feed gets a trunk of its own.
 */

#include "ngx_http_notify_trunk.h"
#include "ngx_http_notify_trunk_line.h"


#define NGX_HTTP_NOTIFY_TRUNK_REST  5000        /* ms without an event */
#define NGX_HTTP_NOTIFY_TRUNK_FEW   8           /* feeds that need no second
                                                   line */
#define NGX_HTTP_NOTIFY_TRUNK_MANY  1024        /* and the most of a trunk */


struct ngx_http_notify_trunk_s {
    ngx_queue_t                   queue;
    ngx_http_notify_trunk_pt      handler;
    ngx_http_notify_trunk_line_t  lines[2];     /* [1]: of feeds at rest */
    ngx_uint_t                    members;
    ngx_msec_t                    sorted;
    unsigned                      own:1;        /* one feed's alone */
};


static ngx_http_notify_trunk_t *ngx_http_notify_trunk_create(
    ngx_http_notify_feed_t *feed, ngx_http_notify_trunk_pt handler);
static void ngx_http_notify_trunk_free(ngx_http_notify_trunk_t *trunk);
static void ngx_http_notify_trunk_own(ngx_http_notify_feed_t *feed);
static void ngx_http_notify_trunk_told(ngx_http_notify_trunk_line_t *line,
    ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *resp);
static void ngx_http_notify_trunk_done(ngx_http_notify_trunk_line_t *line);
static void ngx_http_notify_trunk_sort(ngx_http_notify_trunk_t *trunk);
static void ngx_http_notify_trunk_deny(ngx_http_notify_trunk_line_t *line);


static const ngx_http_notify_trunk_line_handlers_t
    ngx_http_notify_trunk_handlers = { ngx_http_notify_trunk_told,
                                       ngx_http_notify_trunk_done,
                                       ngx_http_notify_trunk_deny };

static ngx_queue_t  ngx_http_notify_trunks;

/* Redis lets us end no read */
static ngx_uint_t   ngx_http_notify_trunk_denied;


ngx_int_t
ngx_http_notify_trunk_join(ngx_http_notify_feed_t *feed,
    ngx_http_notify_trunk_pt handler)
{
    ngx_queue_t              *q;
    ngx_http_notify_trunk_t  *trunk, *found;

    if (feed->trunk != NULL) {
        return NGX_OK;
    }

    if (ngx_http_notify_trunks.next == NULL) {
        ngx_queue_init(&ngx_http_notify_trunks);
    }

    found = NULL;

    for (q = ngx_queue_head(&ngx_http_notify_trunks);
         q != ngx_queue_sentinel(&ngx_http_notify_trunks)
         && !ngx_http_notify_trunk_denied;
         q = ngx_queue_next(q))
    {
        trunk = ngx_queue_data(q, ngx_http_notify_trunk_t, queue);

        if (trunk->lines[0].commands == feed->redis && !trunk->own
            && trunk->members < NGX_HTTP_NOTIFY_TRUNK_MANY)
        {
            found = trunk;
            break;
        }
    }

    if (found == NULL) {
        found = ngx_http_notify_trunk_create(feed, handler);

        if (found == NULL) {
            return NGX_ERROR;
        }
    }

    found->members++;

    feed->trunk = found;
    feed->trunk_rests = 0;
    feed->trunk_told = ngx_current_msec;
    ngx_queue_init(&feed->trunk_link);

    return NGX_OK;
}


void
ngx_http_notify_trunk_leave(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_trunk_t  *trunk;

    trunk = feed->trunk;

    if (trunk == NULL) {
        return;
    }

    ngx_queue_remove(&feed->trunk_link);
    feed->trunk = NULL;

    trunk->members--;

    if (trunk->members == 0
        && !trunk->lines[0].telling && !trunk->lines[1].telling)
    {
        ngx_http_notify_trunk_free(trunk);
    }
}


static ngx_http_notify_trunk_t *
ngx_http_notify_trunk_create(ngx_http_notify_feed_t *feed,
    ngx_http_notify_trunk_pt handler)
{
    ngx_uint_t                     i;
    ngx_http_notify_trunk_t       *trunk;
    ngx_http_notify_trunk_line_t  *line;

    trunk = ngx_calloc(sizeof(ngx_http_notify_trunk_t), feed->log);
    if (trunk == NULL) {
        return NULL;
    }

    trunk->handler = handler;
    trunk->sorted = ngx_current_msec;
    trunk->own = feed->channel->store->cluster || ngx_http_notify_trunk_denied;

    for (i = 0; i < 2; i++) {
        line = &trunk->lines[i];

        line->trunk = trunk;
        line->handlers = &ngx_http_notify_trunk_handlers;
        line->commands = feed->redis;
        line->conf = feed->channel->store;
        line->own = trunk->own;

        ngx_http_notify_trunk_line_init(line, feed->log);
    }

    if (ngx_http_notify_trunk_line_open(&trunk->lines[0]) != NGX_OK) {
        ngx_free(trunk);
        return NULL;
    }

    ngx_queue_insert_tail(&ngx_http_notify_trunks, &trunk->queue);

    return trunk;
}


static void
ngx_http_notify_trunk_free(ngx_http_notify_trunk_t *trunk)
{
    ngx_http_notify_trunk_line_close(&trunk->lines[0]);
    ngx_http_notify_trunk_line_close(&trunk->lines[1]);

    ngx_queue_remove(&trunk->queue);
    ngx_free(trunk);
}


/* while memory is short it stays where it is, and is told too late */

static void
ngx_http_notify_trunk_own(ngx_http_notify_feed_t *feed)
{
    ngx_http_notify_trunk_t  *trunk;

    trunk = ngx_http_notify_trunk_create(feed, feed->trunk->handler);

    if (trunk == NULL) {
        return;
    }

    ngx_http_notify_trunk_leave(feed);

    trunk->members = 1;

    feed->trunk = trunk;
    feed->trunk_rests = 0;
    ngx_queue_init(&feed->trunk_link);
}


void
ngx_http_notify_trunk_wait(ngx_http_notify_feed_t *feed)
{
    if (ngx_http_notify_trunk_denied && feed->trunk->members > 1) {
        ngx_http_notify_trunk_own(feed);
    }

    ngx_http_notify_trunk_line_wait(&feed->trunk->lines[feed->trunk_rests],
                                    feed);
}


void
ngx_http_notify_trunk_reset(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t                     i;
    ngx_http_notify_trunk_line_t  *line;

    if (feed->trunk == NULL) {
        return;
    }

    ngx_queue_remove(&feed->trunk_link);
    ngx_queue_init(&feed->trunk_link);

    for (i = 0; i < 2; i++) {
        line = &feed->trunk->lines[i];

        if (line->redis != NULL) {
            ngx_http_notify_redis_reset(line->redis, "to be read anew");
        }
    }
}


ngx_uint_t
ngx_http_notify_trunk_is_shared(const ngx_http_notify_feed_t *feed)
{
    return feed->trunk->members > 1;
}


ngx_uint_t
ngx_http_notify_trunk_is_taken(const ngx_http_notify_feed_t *feed)
{
    return feed->trunk->lines[feed->trunk_rests].command != NULL;
}


ngx_uint_t
ngx_http_notify_trunk_is_read(const ngx_http_notify_feed_t *feed)
{
    return feed->trunk != NULL && !ngx_queue_empty(&feed->trunk_link)
           && ngx_http_notify_trunk_is_taken(feed);
}


static void
ngx_http_notify_trunk_told(ngx_http_notify_trunk_line_t *line,
    ngx_http_notify_feed_t *feed, ngx_http_notify_resp_t *resp)
{
    feed->trunk_rests = 0;
    feed->trunk_told = ngx_current_msec;

    line->trunk->handler(feed, resp);
}


static void
ngx_http_notify_trunk_done(ngx_http_notify_trunk_line_t *line)
{
    if (line->trunk->members == 0) {
        ngx_http_notify_trunk_free(line->trunk);
        return;
    }

    ngx_http_notify_trunk_sort(line->trunk);
}


/* those that nothing comes for wait on the other line */

static void
ngx_http_notify_trunk_sort(ngx_http_notify_trunk_t *trunk)
{
    ngx_queue_t                   *q, *next;
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_trunk_line_t  *line, *rest;

    if (trunk->own || trunk->members <= NGX_HTTP_NOTIFY_TRUNK_FEW
        || ngx_current_msec - trunk->sorted < NGX_HTTP_NOTIFY_TRUNK_REST)
    {
        return;
    }

    line = &trunk->lines[0];
    rest = &trunk->lines[1];

    trunk->sorted = ngx_current_msec;

    for (q = ngx_queue_head(&line->waiting);
         q != ngx_queue_sentinel(&line->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        if (ngx_current_msec - feed->trunk_told < NGX_HTTP_NOTIFY_TRUNK_REST) {
            continue;
        }

        if (ngx_http_notify_trunk_line_open(rest) != NGX_OK
            || !ngx_http_notify_redis_ready(rest->redis))
        {
            return;                 /* the next time */
        }

        feed->trunk_rests = 1;
        ngx_http_notify_trunk_line_wait(rest, feed);
    }
}


static void
ngx_http_notify_trunk_deny(ngx_http_notify_trunk_line_t *line)
{
    ngx_uint_t                i;
    ngx_queue_t              *q, told;
    ngx_http_notify_feed_t   *feed;
    ngx_http_notify_trunk_t  *trunk;

    trunk = line->trunk;

    if (!ngx_http_notify_trunk_denied) {
        ngx_http_notify_trunk_denied = 1;

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "notify tail: Redis allows no CLIENT ID or CLIENT "
                      "UNBLOCK, so each channel has a connection of its own");
    }

    ngx_queue_init(&told);

    for (i = 0; i < 2; i++) {
        if (!ngx_queue_empty(&trunk->lines[i].waiting)) {
            ngx_queue_add(&told, &trunk->lines[i].waiting);
            ngx_queue_init(&trunk->lines[i].waiting);
        }
    }

    while (!ngx_queue_empty(&told)) {
        q = ngx_queue_head(&told);
        ngx_queue_remove(q);
        ngx_queue_init(q);

        feed = ngx_queue_data(q, ngx_http_notify_feed_t, trunk_link);

        ngx_http_notify_trunk_wait(feed);
    }
}
