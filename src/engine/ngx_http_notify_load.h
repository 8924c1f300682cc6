/*
 * What is being read of one lease or of one subscription.
 */

#ifndef _NGX_HTTP_NOTIFY_LOAD_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_LOAD_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_lease.h"
#include "ngx_http_notify_redis.h"
#include "ngx_http_notify_subscriptions.h"


/* the answers about one lease, or about one subscription, in order */

typedef struct {
    ngx_queue_t                       link;     /* in its lease, if by id */
    ngx_http_notify_feed_t           *feed;
    ngx_http_notify_lease_t          *lease;
    ngx_uint_t                        serial;
    ngx_uint_t                        expected; /* answers to come */
    ngx_uint_t                        failed;
    ngx_uint_t                        gone;     /* there is no document */
    ngx_uint_t                        older;    /* it was asked for again */
    ngx_uint_t                        open;     /* it has retries, or a
                                                   redelivery */
    ngx_http_notify_subscription_t   *doc;
    ngx_str_t                         id;
} ngx_http_notify_load_t;


/* without an id: of all of the lease; with one, those before it are void */
ngx_http_notify_load_t *ngx_http_notify_load_create(
    ngx_http_notify_lease_t *lease, const ngx_str_t *id);
/* that of an id whose answers are on their way; NULL: there is none */
ngx_http_notify_load_t *ngx_http_notify_load_find(
    ngx_http_notify_lease_t *lease, const ngx_str_t *id);
void ngx_http_notify_load_free(ngx_http_notify_load_t *load);

ngx_int_t ngx_http_notify_load_ask(ngx_http_notify_load_t *load,
    ngx_http_notify_command_t *command);

/*
 * Each answer passes here first: whether it still means something.  The
 * request is freed with its last answer.
 */
ngx_uint_t ngx_http_notify_load_void(
    ngx_http_notify_load_t *load, ngx_http_notify_resp_t *resp);

/* of an entry of the change log; empty if it is not there */
ngx_str_t ngx_http_notify_load_field(
    const ngx_http_notify_resp_t *entry, const char *name);


#endif /* _NGX_HTTP_NOTIFY_LOAD_H_INCLUDED_ */
