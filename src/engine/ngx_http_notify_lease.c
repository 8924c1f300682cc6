
/*
 * What changes at a lease besides its progress: whether it is dirty, broken,
 * or nothing at all.
 */

#include "ngx_http_notify_lease.h"


ngx_int_t
ngx_http_notify_lease_init(ngx_http_notify_feed_t *feed, ngx_pool_t *pool)
{
    ngx_uint_t                i;
    ngx_http_notify_lease_t  *lease;

    feed->leases = ngx_pcalloc(pool, NGX_HTTP_NOTIFY_KEYS_SHARDS
                                     * sizeof(ngx_http_notify_lease_t));
    if (feed->leases == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        lease = &feed->leases[i];

        lease->feed = feed;
        lease->shard = i;

        ngx_queue_init(&lease->subscribers);
        ngx_queue_init(&lease->dirty);
        ngx_queue_init(&lease->loads);
    }

    return NGX_OK;
}


void
ngx_http_notify_lease_touch(ngx_http_notify_lease_t *lease)
{
    if (!lease->listed) {
        lease->listed = 1;
        ngx_queue_insert_tail(&lease->feed->dirty, &lease->dirty_link);
    }
}


void
ngx_http_notify_lease_clean(ngx_http_notify_lease_t *lease)
{
    if (lease->listed) {
        lease->listed = 0;
        ngx_queue_remove(&lease->dirty_link);
    }
}


void
ngx_http_notify_lease_break(ngx_http_notify_lease_t *lease)
{
    lease->broken = 1;
    lease->feed->broken = 1;

    ngx_http_notify_feed_post(lease->feed);
}


void
ngx_http_notify_lease_break_all(ngx_http_notify_feed_t *feed)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_NOTIFY_KEYS_SHARDS; i++) {
        if (feed->leases[i].state != NGX_HTTP_NOTIFY_LEASE_NONE) {
            ngx_http_notify_lease_break(&feed->leases[i]);
        }
    }
}


void
ngx_http_notify_lease_reset(ngx_http_notify_lease_t *lease)
{
    ngx_http_notify_lease_clean(lease);

    lease->state = NGX_HTTP_NOTIFY_LEASE_NONE;
    lease->serial = ngx_http_notify_feed_number(lease->feed);
    lease->reading = 0;
    lease->placed = 0;
    lease->urgent = 0;
    lease->broken = 0;
    lease->stuck = 0;
    lease->back = 0;
    lease->active = 0;
}
