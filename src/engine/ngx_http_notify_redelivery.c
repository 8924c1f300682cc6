
/*
 * The memory of a redelivery.
 */

#include "ngx_http_notify_redelivery.h"


void
ngx_http_notify_redelivery_free(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_redelivery_t  *r;

    r = s->redelivery;

    if (r == NULL) {
        return;
    }

    s->redelivery = NULL;

    while (r->next < r->n) {
        ngx_http_notify_log_unref(r->page[r->next++]);
    }

    if (r->gaps != NULL) {
        ngx_free(r->gaps);
    }

    ngx_free(r);
}


void
ngx_http_notify_redelivery_restart(ngx_http_notify_subscriber_t *s)
{
    ngx_http_notify_redelivery_t  *r;

    r = s->redelivery;

    r->serial = ngx_http_notify_feed_number(s->lease->feed);
    r->reading = 0;
    r->ready = 0;
}


void
ngx_http_notify_redelivery_skipped(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *from)
{
    ngx_http_notify_redelivery_t  *r;

    r = s->redelivery;

    if (r == NULL
        || (r->ready
            && (r->all
                || ngx_http_notify_id_compare(from, &r->to) >= 0)))
    {
        return;
    }

    /* it may have passed that: the commit takes it back to there */

    ngx_http_notify_redelivery_restart(s);
}


void
ngx_http_notify_redelivery_erased(ngx_http_notify_subscriber_t *s,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t                     i, n;
    ngx_http_notify_redelivery_t  *r;

    r = s->redelivery;

    if (r == NULL) {
        return;
    }

    if (r->reading) {

        /* it may be in the page that is on its way */

        ngx_http_notify_redelivery_restart(s);
        return;
    }

    n = r->next;

    for (i = r->next; i < r->n; i++) {

        if (ngx_http_notify_id_compare(&r->page[i]->id, id) == 0) {
            ngx_http_notify_log_unref(r->page[i]);
            continue;
        }

        r->sure[n] = r->sure[i];
        r->page[n++] = r->page[i];
    }

    r->n = n;
}


ngx_uint_t
ngx_http_notify_redelivery_skips(const ngx_http_notify_redelivery_t *r,
    const ngx_http_notify_id_t *id)
{
    ngx_uint_t  i;

    for (i = 0; i < r->ngaps; i++) {
        if (ngx_http_notify_id_compare(id, &r->gaps[i].from) > 0
            && ngx_http_notify_id_compare(id, &r->gaps[i].to) <= 0)
        {
            return 1;
        }
    }

    return 0;
}
