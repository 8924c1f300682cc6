/*
 * Two trees of sync subscriptions.  Each calls with the limits of its profile
 * and a response limit of its own.
 */

#include "ngx_http_notify_selector.h"
#include "ngx_http_notify_custom_target.h"
#include "ngx_http_notify_sync_index.h"
#include "ngx_http_notify_limits.h"
#include "ngx_http_notify_text.h"


#define NGX_HTTP_NOTIFY_SYNC_INDEX_KEY    512


typedef struct ngx_http_notify_sync_index_event_s
    ngx_http_notify_sync_index_event_t;

/* those of one tenant and event, by entity type */
struct ngx_http_notify_sync_index_event_s {
    ngx_str_node_t                    node;     /* "<tenant>:<event>" */
    ngx_queue_t                       claims;
};

/* a profile's calls, with a limit of our own; the address stays what it is,
 * connections are kept by it */
typedef struct {
    ngx_queue_t                       queue;
    ngx_http_notify_profile_t        *profile;
    ngx_http_notify_call_conf_t       conf;
} ngx_http_notify_sync_index_conf_t;


static ngx_int_t ngx_http_notify_sync_index_add(
    ngx_http_notify_sync_index_t *index, ngx_http_notify_subscription_t *s);
static void ngx_http_notify_sync_index_target(
    ngx_http_notify_sync_index_t *index, ngx_http_notify_claim_t *claim);
static ngx_http_notify_call_conf_t *ngx_http_notify_sync_index_conf(
    ngx_http_notify_sync_index_t *index, ngx_http_notify_profile_t *profile);
static ngx_http_notify_sync_index_event_t *
    ngx_http_notify_sync_index_event(ngx_http_notify_sync_index_t *index,
    const ngx_str_t *tenant, const ngx_str_t *type, ngx_uint_t create);
static void ngx_http_notify_sync_index_remove(
    ngx_http_notify_sync_index_t *index, ngx_http_notify_claim_t *claim);
static void ngx_http_notify_sync_index_gone(void *data);


void
ngx_http_notify_sync_index_init(ngx_http_notify_sync_index_t *index,
    ngx_http_notify_channel_t *channel)
{
    index->channel = channel;
    index->serial = 0;

    ngx_rbtree_init(&index->ids, &index->ids_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&index->events, &index->events_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&index->confs);
}


void
ngx_http_notify_sync_index_free(ngx_http_notify_sync_index_t *index)
{
    ngx_queue_t        *q;
    ngx_rbtree_node_t  *node;

    while (index->ids.root != index->ids.sentinel) {
        node = ngx_rbtree_min(index->ids.root, index->ids.sentinel);
        ngx_http_notify_sync_index_remove(index,
                                          (ngx_http_notify_claim_t *) node);
    }

    while (!ngx_queue_empty(&index->confs)) {
        q = ngx_queue_head(&index->confs);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_http_notify_sync_index_conf_t,
                                queue));
    }
}


ngx_uint_t
ngx_http_notify_sync_index_any(ngx_http_notify_sync_index_t *index,
    const ngx_str_t *tenant, const ngx_str_t *type)
{
    return index->events.root != index->events.sentinel
           && ngx_http_notify_sync_index_event(index, tenant, type, 0)
              != NULL;
}


/* the one for its entity type before the one for all of them */

ngx_http_notify_claim_t *
ngx_http_notify_sync_index_find(ngx_http_notify_sync_index_t *index,
    const ngx_http_notify_event_t *event)
{
    ngx_queue_t                         *q;
    ngx_http_notify_claim_t             *claim, *found;
    ngx_http_notify_sync_index_event_t  *e;

    e = ngx_http_notify_sync_index_event(index, &event->tenant,
                                         &event->type, 0);
    if (e == NULL) {
        return NULL;
    }

    found = NULL;

    for (q = ngx_queue_head(&e->claims);
         q != ngx_queue_sentinel(&e->claims);
         q = ngx_queue_next(q))
    {
        claim = ngx_queue_data(q, ngx_http_notify_claim_t, link);

        if (claim->subscription->entity_type_id.len == 0) {
            found = claim;
            continue;
        }

        if (ngx_http_notify_text_equal(&event->entity_type_id,
                                     &claim->subscription->entity_type_id))
        {
            found = claim;
            break;
        }
    }

    return found && ngx_http_notify_selector_values(found->subscription,
                                                    found->filter, event)
           ? found : NULL;
}


/* a document as stored, "<version> <json>"; one that is no use is skipped */

ngx_int_t
ngx_http_notify_sync_index_put(ngx_http_notify_sync_index_t *index,
    ngx_str_t *id, const ngx_str_t *text, ngx_uint_t replace)
{
    u_char                          *p;
    ngx_http_notify_claim_t         *claim;
    ngx_http_notify_subscription_t  *s;

    claim = (ngx_http_notify_claim_t *)
                ngx_str_rbtree_lookup(&index->ids, id,
                                      ngx_crc32_short(id->data, id->len));

    if (claim) {
        p = ngx_strlchr(text->data, text->data + text->len, ' ');

        if (p
            && !replace
            && ngx_atoof(text->data, p - text->data)
               == (off_t) claim->subscription->version)
        {
            claim->serial = index->serial;
            return NGX_OK;
        }
    }

    s = ngx_http_notify_subscriptions_parse(&index->channel->keys, text,
                                            ngx_cycle->log);

    if (claim) {
        ngx_http_notify_sync_index_remove(index, claim);
    }

    if (s == NULL) {
        return NGX_OK;
    }

    if (s->mode == NGX_HTTP_NOTIFY_MODE_WEBHOOK
        || !ngx_http_notify_text_equal(&s->id, id))
    {
        ngx_destroy_pool(s->pool);
        return NGX_OK;
    }

    return ngx_http_notify_sync_index_add(index, s);
}


void
ngx_http_notify_sync_index_sweep(ngx_http_notify_sync_index_t *index)
{
    ngx_rbtree_node_t        *node, *next;
    ngx_http_notify_claim_t  *claim;

    if (index->ids.root == index->ids.sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(index->ids.root, index->ids.sentinel);
         node;
         node = next)
    {
        next = ngx_rbtree_next(&index->ids, node);
        claim = (ngx_http_notify_claim_t *) node;

        if (claim->serial != index->serial) {
            ngx_http_notify_sync_index_remove(index, claim);
        }
    }
}


static ngx_int_t
ngx_http_notify_sync_index_add(ngx_http_notify_sync_index_t *index,
    ngx_http_notify_subscription_t *s)
{
    ngx_http_notify_claim_t  *claim;

    claim = ngx_pcalloc(s->pool, sizeof(ngx_http_notify_claim_t));
    if (claim == NULL) {
        goto failed;
    }

    claim->subscription = s;
    claim->serial = index->serial;
    claim->node.str = s->id;
    claim->node.node.key = ngx_crc32_short(s->id.data, s->id.len);

    if (s->enabled) {
        claim->event = ngx_http_notify_sync_index_event(index, &s->tenant,
                                                    &s->events[0], 1);
        if (claim->event == NULL) {
            goto failed;
        }

        ngx_queue_insert_tail(&claim->event->claims, &claim->link);

        ngx_http_notify_sync_index_target(index, claim);
    }

    ngx_rbtree_insert(&index->ids, &claim->node.node);

    return NGX_OK;

failed:

    ngx_destroy_pool(s->pool);

    return NGX_ERROR;
}


static void
ngx_http_notify_sync_index_target(ngx_http_notify_sync_index_t *index,
    ngx_http_notify_claim_t *claim)
{
    ngx_str_t                        pointer;
    const char                      *reason;
    ngx_http_notify_share_t         *share;
    ngx_http_notify_profile_t       *profile;
    ngx_http_notify_subscription_t  *s;

    s = claim->subscription;

    if (s->unreadable) {
        claim->reason = s->unreadable;
        return;
    }

    if (s->filter.len) {
        reason = NULL;

        claim->filter = ngx_http_notify_filter_compile(s->pool, &s->filter,
                                                       &reason, &pointer);
        if (claim->filter == NULL) {
            claim->reason = "its filter cannot be used";
            return;
        }
    }

    profile = ngx_http_notify_channel_profile(index->channel, &s->profile);
    if (profile == NULL) {
        claim->reason = "its profile does not exist any more";
        return;
    }

    claim->reason = "no memory";

    claim->conf = ngx_http_notify_sync_index_conf(index, profile);
    if (claim->conf == NULL) {
        return;
    }

    reason = NULL;

    claim->target = ngx_http_notify_custom_target(claim->conf, s,
                                                  ngx_cycle->log, &reason);
    if (claim->target == NULL) {
        claim->reason = reason ? reason : claim->reason;
        return;
    }

    share = ngx_http_notify_limits_share(index->channel, &s->tenant);

    if (share) {
        ngx_http_notify_call_target_share(claim->target, share);
        ngx_http_notify_share_release(share);
    }
}


static ngx_http_notify_call_conf_t *
ngx_http_notify_sync_index_conf(ngx_http_notify_sync_index_t *index,
    ngx_http_notify_profile_t *profile)
{
    ngx_queue_t                        *q;
    ngx_http_notify_sync_index_conf_t  *conf;

    for (q = ngx_queue_head(&index->confs);
         q != ngx_queue_sentinel(&index->confs);
         q = ngx_queue_next(q))
    {
        conf = ngx_queue_data(q, ngx_http_notify_sync_index_conf_t, queue);

        if (conf->profile == profile) {
            return &conf->conf;
        }
    }

    conf = ngx_alloc(sizeof(ngx_http_notify_sync_index_conf_t),
                     ngx_cycle->log);
    if (conf == NULL) {
        return NULL;
    }

    conf->profile = profile;
    conf->conf = profile->call;
    conf->conf.payload.batch.max = 0;
    conf->conf.customize &= ~(ngx_uint_t) NGX_HTTP_NOTIFY_CUSTOM_BATCH;
    ngx_http_notify_batch_type(&conf->conf.payload);

    ngx_queue_insert_tail(&index->confs, &conf->queue);

    return &conf->conf;
}


/* an event's name has no colon, so that no two keys are the same */

static ngx_http_notify_sync_index_event_t *
ngx_http_notify_sync_index_event(ngx_http_notify_sync_index_t *index,
    const ngx_str_t *tenant, const ngx_str_t *type, ngx_uint_t create)
{
    u_char                              *p;
    uint32_t                             hash;
    ngx_str_t                            key;
    ngx_http_notify_sync_index_event_t  *event;
    u_char                               buf[NGX_HTTP_NOTIFY_SYNC_INDEX_KEY];

    key.len = tenant->len + 1 + type->len;
    key.data = buf;

    if (key.len > sizeof(buf)) {
        return NULL;
    }

    p = buf;

    if (tenant->len) {
        p = ngx_cpymem(p, tenant->data, tenant->len);
    }

    *p++ = ':';
    ngx_memcpy(p, type->data, type->len);

    hash = ngx_crc32_short(key.data, key.len);

    event = (ngx_http_notify_sync_index_event_t *)
                ngx_str_rbtree_lookup(&index->events, &key, hash);

    if (event || !create) {
        return event;
    }

    event = ngx_alloc(sizeof(ngx_http_notify_sync_index_event_t) + key.len,
                      ngx_cycle->log);
    if (event == NULL) {
        return NULL;
    }

    event->node.node.key = hash;
    event->node.str.len = key.len;
    event->node.str.data = (u_char *) &event[1];
    ngx_memcpy(event->node.str.data, key.data, key.len);

    ngx_queue_init(&event->claims);

    ngx_rbtree_insert(&index->events, &event->node.node);

    return event;
}


static void
ngx_http_notify_sync_index_remove(ngx_http_notify_sync_index_t *index,
    ngx_http_notify_claim_t *claim)
{
    ngx_pool_t                *pool;
    ngx_http_notify_target_t  *target;

    ngx_rbtree_delete(&index->ids, &claim->node.node);

    if (claim->event) {
        ngx_queue_remove(&claim->link);

        if (ngx_queue_empty(&claim->event->claims)) {
            ngx_rbtree_delete(&index->events, &claim->event->node.node);
            ngx_free(claim->event);
        }
    }

    /* the claim itself lives in that pool, for as long as calls last */

    pool = claim->subscription->pool;
    target = claim->target;

    if (target == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    ngx_http_notify_call_target_release(target,
                                        ngx_http_notify_sync_index_gone,
                                        pool);
}


static void
ngx_http_notify_sync_index_gone(void *data)
{
    ngx_destroy_pool(data);
}
