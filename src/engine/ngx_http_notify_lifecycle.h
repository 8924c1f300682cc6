/*
 * Subscribers come with their documents and go when their lease goes, or when
 * they are deleted.
 */

#ifndef _NGX_HTTP_NOTIFY_LIFECYCLE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LIFECYCLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/*
 * Takes over the document.  A subscriber of that id that runs goes on with the
 * new values (its next attempts use them); an older version changes nothing.
 * One that has been enabled again, whether or not this worker had noticed that
 * it was disabled, starts anew: the place, if known, tells (see locate).
 * NULL: memory, or not now, or an older version; the document is then freed.
 */
ngx_http_notify_subscriber_t *ngx_http_notify_lifecycle_put(
    ngx_http_notify_lease_t *lease, ngx_http_notify_subscription_t *doc,
    const ngx_str_t *place);

/*
 * Where it stands: the value of its field in cursor:<shard>, or an empty text
 * when it has none and so stands where its shard stands.
 */
void ngx_http_notify_lifecycle_locate(ngx_http_notify_subscriber_t *s,
    const ngx_str_t *value);

/*
 * Its document has changed, to this version at least: nothing is started with
 * the one that is here, and nothing that follows in the log is matched by it,
 * until the new one is put.
 */
void ngx_http_notify_lifecycle_change(ngx_http_notify_subscriber_t *s,
    uint64_t version);

/* Forgets it at once; calls under way end and are discarded. */
void ngx_http_notify_lifecycle_drop(ngx_http_notify_subscriber_t *s);
/* Forgets all of a lease, and the lease. */
void ngx_http_notify_lifecycle_drop_lease(ngx_http_notify_lease_t *lease);


#endif /* _NGX_HTTP_NOTIFY_LIFECYCLE_H_INCLUDED_ */
