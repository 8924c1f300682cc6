
/*
 * Subscribers come with their documents and go when their lease goes, or when
 * they are deleted.  Their memory is their own; a document lives in a pool
 * that the last call made with it releases.
 */

#include "ngx_http_notify_lifecycle.h"
#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_commit.h"
#include "ngx_http_notify_custom.h"
#include "ngx_http_notify_custom_target.h"
#include "ngx_http_notify_delivery.h"
#include "ngx_http_notify_disable.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_gate.h"
#include "ngx_http_notify_health.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_line.h"
#include "ngx_http_notify_match.h"
#include "ngx_http_notify_operation.h"
#include "ngx_http_notify_ops_events.h"
#include "ngx_http_notify_order.h"
#include "ngx_http_notify_pace.h"
#include "ngx_http_notify_queue.h"
#include "ngx_http_notify_redelivery.h"
#include "ngx_http_notify_retry.h"
#include "ngx_http_notify_run_queue.h"
#include "ngx_http_notify_setting.h"
#include "ngx_http_notify_tallies.h"
#include "ngx_http_notify_text.h"


static ngx_int_t ngx_http_notify_lifecycle_update(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_subscription_t *doc,
    const ngx_str_t *place, ngx_uint_t follows);
static ngx_http_notify_subscriber_t *ngx_http_notify_lifecycle_create(
    ngx_http_notify_lease_t *lease, const ngx_str_t *id);
static void ngx_http_notify_lifecycle_move(ngx_http_notify_subscriber_t *s,
    uint64_t version);
static void ngx_http_notify_lifecycle_unmade(ngx_http_notify_lease_t *lease,
    const ngx_str_t *id);
static ngx_int_t ngx_http_notify_lifecycle_prepare(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_subscription_t *doc);
static void ngx_http_notify_lifecycle_limit(ngx_http_notify_subscriber_t *s);
static ngx_http_notify_profile_t *ngx_http_notify_lifecycle_profile(
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_lifecycle_unprepare(
    ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_lifecycle_gone(void *data);
static void ngx_http_notify_lifecycle_place(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *value);
static uint64_t ngx_http_notify_lifecycle_enabled(const ngx_str_t *place);
static void ngx_http_notify_lifecycle_restart(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_subscription_t *doc);
static void ngx_http_notify_lifecycle_stop(ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_lifecycle_hold(ngx_http_notify_subscriber_t *s);
static void ngx_http_notify_lifecycle_disable(
    ngx_http_notify_subscriber_t *s, ngx_http_notify_subscription_t *doc);


ngx_http_notify_subscriber_t *
ngx_http_notify_lifecycle_put(ngx_http_notify_lease_t *lease,
    ngx_http_notify_subscription_t *doc, const ngx_str_t *place)
{
    ngx_uint_t                     follows;
    ngx_http_notify_subscriber_t  *s;

    s = ngx_http_notify_subscriber_find(lease->feed, &doc->id);

    follows = doc->enabled && doc->mode == NGX_HTTP_NOTIFY_MODE_WEBHOOK;

    if (s != NULL) {
        if (ngx_http_notify_lifecycle_update(s, doc, place, follows)
            != NGX_OK)
        {
            return NULL;
        }

    } else if (!follows) {
        ngx_destroy_pool(doc->pool);
        return NULL;

    } else {
        s = ngx_http_notify_lifecycle_create(lease, &doc->id);

        if (s == NULL) {
            ngx_http_notify_lifecycle_unmade(lease, &doc->id);
            ngx_destroy_pool(doc->pool);
            return NULL;
        }
    }

    if (ngx_http_notify_lifecycle_prepare(s, doc) != NGX_OK) {
        ngx_http_notify_lifecycle_unmade(lease, &s->node.str);
        ngx_http_notify_lifecycle_drop(s);
        return NULL;
    }

    if (!ngx_http_notify_subscriber_is_loading(s) && s->unusable) {
        ngx_http_notify_lifecycle_hold(s);
    }

    return s;
}


/* NGX_DECLINED: the document is freed, the subscriber does not run with it */

static ngx_int_t
ngx_http_notify_lifecycle_update(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_subscription_t *doc, const ngx_str_t *place,
    ngx_uint_t follows)
{
    if (!ngx_http_notify_subscriber_is_loading(s) && place != NULL
        && ngx_http_notify_lifecycle_enabled(place) > s->since)
    {
        ngx_http_notify_lifecycle_restart(s, doc);
        return NGX_DECLINED;
    }

    if (s->doc->version >= doc->version) {
        ngx_destroy_pool(doc->pool);
        return NGX_DECLINED;
    }

    if (!follows && ngx_http_notify_subscriber_is_loading(s)) {

        /* where it stands is in Redis, and stays there */

        ngx_http_notify_lifecycle_drop(s);
        ngx_destroy_pool(doc->pool);
        return NGX_DECLINED;
    }

    if (!follows) {
        ngx_http_notify_lifecycle_disable(s, doc);
        return NGX_DECLINED;
    }

    if (ngx_http_notify_subscriber_is_ending(s)) {
        ngx_http_notify_lifecycle_restart(s, doc);
        return NGX_DECLINED;
    }

    if (s->giving_up) {

        /* it was changed before the engine disabled it: the change holds */

        s->giving_up = 0;
        ngx_http_notify_gate_pause(s, 0);
    }

    if (!ngx_http_notify_text_equal(&s->doc->url, &doc->url)) {
        ngx_http_notify_lifecycle_move(s, doc->version);
    }

    ngx_http_notify_lifecycle_unprepare(s);

    return NGX_OK;
}


static ngx_http_notify_subscriber_t *
ngx_http_notify_lifecycle_create(ngx_http_notify_lease_t *lease,
    const ngx_str_t *id)
{
    ngx_http_notify_feed_t        *feed;
    ngx_http_notify_subscriber_t  *s;

    feed = lease->feed;

    s = ngx_calloc(sizeof(ngx_http_notify_subscriber_t) + id->len, feed->log);
    if (s == NULL) {
        return NULL;
    }

    s->node.str.len = id->len;
    s->node.str.data = (u_char *) s + sizeof(ngx_http_notify_subscriber_t);
    ngx_memcpy(s->node.str.data, id->data, id->len);
    s->node.node.key = ngx_crc32_long(id->data, id->len);

    s->lease = lease;

    ngx_queue_init(&s->window);
    ngx_queue_init(&s->resends);
    ngx_queue_init(&s->operations);
    ngx_queue_init(&s->sent);

    ngx_rbtree_insert(&feed->subscribers, &s->node.node);
    ngx_queue_insert_tail(&lease->subscribers, &s->link);
    feed->nsubscribers++;

    return s;
}


/* what its former URL has asked for, or suffers from, is not the new one's */

static void
ngx_http_notify_lifecycle_move(ngx_http_notify_subscriber_t *s,
    uint64_t version)
{
    s->moved = version;

    /* the change has written a cursor, whether there was one or not */

    s->stored = 1;
    ngx_memzero(&s->stored_id, sizeof(ngx_http_notify_id_t));

    ngx_http_notify_gate_reset(s);
    ngx_http_notify_health_reset(s);
    ngx_http_notify_subscriber_release(s);
}


/* no memory: the shard is read again, as for all that is lost so */

static void
ngx_http_notify_lifecycle_unmade(ngx_http_notify_lease_t *lease,
    const ngx_str_t *id)
{
    ngx_log_error(NGX_LOG_ERR, lease->feed->log, 0,
                  "notify load: no memory for subscription \"%V\" of channel "
                  "\"%V\", it is read again", id,
                  &lease->feed->channel->name);

    ngx_http_notify_lease_break(lease);
}


/* the version that has enabled it again, as long as it stands there; or 0 */

static uint64_t
ngx_http_notify_lifecycle_enabled(const ngx_str_t *place)
{
    u_char    *p;
    ngx_int_t  version;

    static ngx_str_t  word = ngx_string(" enabled ");

    p = ngx_strnstr(place->data, (char *) word.data, place->len);
    if (p == NULL) {
        return 0;
    }

    p += word.len;

    version = ngx_atoi(p, place->data + place->len - p);

    return ngx_max(version, 0);
}


/* where the script has put it, when what it has done is in Redis */

static void
ngx_http_notify_lifecycle_restart(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_subscription_t *doc)
{
    if (ngx_http_notify_subscriber_is_ending(s)) {
        ngx_destroy_pool(doc->pool);

    } else {
        ngx_http_notify_lifecycle_disable(s, doc);
    }

    s->state = NGX_HTTP_NOTIFY_SUBSCRIBER_RESTARTED;

    ngx_http_notify_subscriber_touch(s);
    ngx_http_notify_feed_commit_soon(s->lease->feed, 1);
}


void
ngx_http_notify_lifecycle_change(ngx_http_notify_subscriber_t *s,
    uint64_t version)
{
    s->changed = ngx_max(s->changed, version);

    if (!ngx_http_notify_subscriber_is_loading(s)
        && s->changed > s->doc->version)
    {
        ngx_http_notify_lifecycle_stop(s);
    }
}


/* what follows its queue is not its to take now: it will read it by itself */

static void
ngx_http_notify_lifecycle_stop(ngx_http_notify_subscriber_t *s)
{
    if (!s->behind) {
        ngx_http_notify_subscriber_behind(s, 1,
                ngx_http_notify_id_compare(&s->lease->position, &s->start) < 0
                ? &s->start : &s->lease->position);
    }
}


/* nothing can be made of its document now: it stays where it stands */

static void
ngx_http_notify_lifecycle_hold(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_queue_clear(s);
    ngx_http_notify_lifecycle_stop(s);
    ngx_http_notify_subscriber_touch(s);

    if (s->doc->unreadable) {

        /* here, now; another configuration may have the key */

        ngx_log_error(NGX_LOG_ERR, ngx_http_notify_line(s, NULL, NULL), 0,
                      "notify subscriber: subscription \"%V\" waits: %s",
                      &s->node.str, s->reason);
        return;
    }

    if (s->profile == NULL) {

        /* another configuration may have it, or have it again */

        ngx_log_error(NGX_LOG_WARN, ngx_http_notify_line(s, NULL, NULL), 0,
                      "notify subscriber: subscription \"%V\" waits: its "
                      "profile \"%V\" is not configured",
                      &s->node.str, &s->doc->profile);

    } else {
        ngx_http_notify_disable(s, s->reason);
    }

    ngx_http_notify_ops_events_disabled(s, NULL, s->reason);
}


void
ngx_http_notify_lifecycle_locate(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *value)
{
    ngx_http_notify_lifecycle_place(s, value);

    s->since = ngx_max(s->doc->version,
                       ngx_http_notify_lifecycle_enabled(value));
    s->state = NGX_HTTP_NOTIFY_SUBSCRIBER_ACTIVE;

    if (s->unusable) {
        ngx_http_notify_lifecycle_hold(s);

    } else if (s->changed > s->doc->version || s->former != NULL) {
        ngx_http_notify_lifecycle_stop(s);
    }
}


static void
ngx_http_notify_lifecycle_place(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *value)
{
    u_char                   *p, *last;
    ngx_int_t                 until;
    ngx_str_t                 id;
    ngx_http_notify_lease_t  *lease;

    lease = s->lease;

    p = value->data;
    last = p + value->len;

    while (p < last && *p != ' ') {
        p++;
    }

    id.data = value->data;
    id.len = p - value->data;

    if (id.len == 0
        || ngx_http_notify_id_parse(&id, &s->start) != NGX_OK)
    {
        return;
    }

    s->stored = 1;
    s->stored_id = s->start;
    s->stored_flags = (ngx_uint_t) -1;      /* whatever: written again */

    if (ngx_http_notify_id_compare(&s->start, &lease->position) < 0) {
        ngx_http_notify_subscriber_behind(s, 1, &s->start);
    }

    if (last - p == 6 && ngx_strncmp(p, " clean", 6) == 0) {
        ngx_http_notify_lifecycle_move(s, 0);
        return;
    }

    if (last - p < 8 || ngx_strncmp(p, " paused ", 8) != 0) {
        return;
    }

    p += 8;

    id.data = p;
    while (p < last && *p != ' ') {
        p++;
    }

    until = ngx_atoi(id.data, p - id.data);
    if (until == NGX_ERROR) {
        return;
    }

    if (last - p == 8 && ngx_strncmp(p, " breaker", 8) == 0) {
        ngx_http_notify_gate_open_breaker(s, until);

    } else {
        ngx_http_notify_gate_pause(s, until);
    }
}


void
ngx_http_notify_lifecycle_drop(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_feed_t  *feed;

    feed = s->lease->feed;

    ngx_http_notify_run_queue_leave(s);
    ngx_http_notify_run_queue_cancel(s);

    ngx_http_notify_queue_clear(s);
    ngx_http_notify_delivery_discard(s);
    ngx_http_notify_operation_free(s);
    ngx_http_notify_commit_forget_subscriber(s);
    ngx_http_notify_subscriber_clean(s);
    ngx_http_notify_attempts_free(s);
    ngx_http_notify_tallies_free(s);
    ngx_http_notify_retry_free(s);
    ngx_http_notify_redelivery_free(s);
    ngx_http_notify_order_free(s);
    ngx_http_notify_lifecycle_unprepare(s);
    ngx_http_notify_share_release(s->share);
    ngx_http_notify_subscriber_uncount(s);

    if (s->ring != NULL) {
        ngx_free(s->ring);
    }

    if (s->former != NULL) {
        ngx_http_notify_former_destroy(s->former);
    }

    ngx_rbtree_delete(&feed->subscribers, &s->node.node);
    ngx_queue_remove(&s->link);
    feed->nsubscribers--;

    ngx_free(s);
}


void
ngx_http_notify_lifecycle_drop_lease(ngx_http_notify_lease_t *lease)
{
    ngx_queue_t                   *q;
    ngx_http_notify_subscriber_t  *s;

    while (!ngx_queue_empty(&lease->subscribers)) {
        q = ngx_queue_head(&lease->subscribers);
        s = ngx_queue_data(q, ngx_http_notify_subscriber_t, link);

        ngx_http_notify_lifecycle_drop(s);
    }

    ngx_http_notify_commit_forget(lease);
    ngx_http_notify_lease_reset(lease);
}


static ngx_int_t
ngx_http_notify_lifecycle_prepare(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_subscription_t *doc)
{
    ngx_str_t                   pointer;
    const char                 *reason;
    ngx_http_notify_feed_t     *feed;
    ngx_http_notify_profile_t  *profile;

    feed = s->lease->feed;

    s->doc = doc;
    s->target = NULL;
    s->filter = NULL;
    s->retry = NULL;
    s->reason = NULL;

    profile = ngx_http_notify_lifecycle_profile(s);

    s->profile = profile;
    s->until = ngx_http_notify_setting_until(feed->channel, doc);

    if (s->share == NULL) {
        s->share = ngx_http_notify_limits_share(feed->channel, &doc->tenant);
        if (s->share == NULL) {
            return NGX_ERROR;
        }
    }

    s->unusable = 0;

    if (doc->unreadable) {
        s->limit = 1;
        s->reason = doc->unreadable;
        s->unusable = 1;
        return NGX_OK;
    }

    if (profile == NULL) {
        s->limit = 1;
        s->reason = "profile";
        s->unusable = 1;
        return NGX_OK;
    }

    ngx_http_notify_lifecycle_limit(s);

    s->retry = ngx_http_notify_custom_retry(doc, &profile->call,
                                            &profile->retry);
    if (s->retry == NULL) {
        return NGX_ERROR;
    }

    if (doc->filter.len) {
        s->filter = ngx_http_notify_filter_compile(doc->pool, &doc->filter,
                                                   &reason, &pointer);
        if (s->filter == NULL && reason == NULL) {
            return NGX_ERROR;
        }

        if (s->filter == NULL) {
            s->reason = "filter";
            s->unusable = 1;
            return NGX_OK;
        }
    }

    if (s->provider == NULL) {
        s->target = ngx_http_notify_custom_target(&profile->call, doc,
                                                  feed->log, &s->reason);
        if (s->target == NULL && s->reason == NULL) {
            return NGX_ERROR;
        }

        if (s->target != NULL) {
            ngx_http_notify_call_target_share(s->target, s->share);
        }
    }

    return ngx_http_notify_match_add(feed->match, s);
}


/* what the profile allows, or less where the document says so */

static void
ngx_http_notify_lifecycle_limit(ngx_http_notify_subscriber_t *s)
{
    ngx_uint_t                       max;
    ngx_http_notify_profile_t       *profile;
    ngx_http_notify_subscription_t  *doc;

    doc = s->doc;
    profile = s->profile;

    max = profile->in_flight;

    if (doc->in_flight && doc->in_flight < max) {
        max = doc->in_flight;
    }

    if (profile->strict) {
        max = 1;
    }

    s->rate = profile->rate;

    if (doc->rate && (s->rate.rate == 0 || doc->rate < s->rate.rate)) {
        s->rate.rate = doc->rate;
        s->rate.burst = ngx_max(s->rate.burst, 1);
    }

    if (doc->allowed_rate
        && (s->rate.rate == 0 || doc->allowed_rate < s->rate.rate))
    {
        s->rate.rate = doc->allowed_rate;
        s->rate.burst = 1;
    }

    ngx_http_notify_pace_init(s, max, s->moved == doc->version);

    if (s->bucket.last == 0) {

        /* a former owner may just have spent a burst: it is saved up anew */

        ngx_http_notify_bucket_init(&s->bucket, &s->rate,
                                    s->lease->state
                                    == NGX_HTTP_NOTIFY_LEASE_JOINED
                                        ? s->rate.burst : 1);
    }
}


/* sets its provider; one that is not configured any more has a successor */

static ngx_http_notify_profile_t *
ngx_http_notify_lifecycle_profile(ngx_http_notify_subscriber_t *s)
{
    ngx_str_t                   none;
    ngx_http_notify_channel_t  *channel;

    channel = s->lease->feed->channel;

    s->provider = NULL;

    if (s->doc->provider.len == 0) {
        return ngx_http_notify_channel_profile(channel, &s->doc->profile);
    }

    s->provider = ngx_http_notify_provider_find(channel->providers,
                                                &s->doc->provider);
    if (s->provider == NULL) {
        ngx_str_null(&none);
        s->provider = ngx_http_notify_provider_find(channel->providers, &none);
    }

    return s->provider ? &s->provider->profile : NULL;
}


/* takes the subscriber out of the index and lets its document go */

static void
ngx_http_notify_lifecycle_unprepare(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_match_remove(s->lease->feed->match, s);

    if (s->target != NULL) {
        ngx_http_notify_call_target_release(s->target,
                                            ngx_http_notify_lifecycle_gone,
                                            s->doc->pool);
        s->target = NULL;

    } else if (s->doc != NULL) {
        ngx_destroy_pool(s->doc->pool);
    }

    s->doc = NULL;
    s->filter = NULL;
    s->retry = NULL;
}


static void
ngx_http_notify_lifecycle_gone(void *data)
{
    ngx_pool_t  *pool = data;

    ngx_destroy_pool(pool);
}


/*
 * Starts nothing more.  What its calls under way came to is committed, with the
 * cursor, which stays in Redis: what follows it is a gap until it is enabled.
 */

static void
ngx_http_notify_lifecycle_disable(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_subscription_t *doc)
{
    ngx_http_notify_queue_clear(s);
    ngx_http_notify_lifecycle_stop(s);

    s->state = NGX_HTTP_NOTIFY_SUBSCRIBER_DISABLED;

    ngx_http_notify_match_remove(s->lease->feed->match, s);

    /* the version is what tells a later change; the rest is not needed */

    s->doc->version = doc->version;
    ngx_destroy_pool(doc->pool);

    ngx_http_notify_subscriber_touch(s);
}
