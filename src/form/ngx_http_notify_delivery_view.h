/*
 * A delivery as clients see it: made of what Redis has of one subscription and
 * of events for it.  Knows nothing of requests; lives in the caller's pool.
 */

#ifndef _NGX_HTTP_NOTIFY_DELIVERY_VIEW_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DELIVERY_VIEW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_delivery_attempts.h"
#include "ngx_http_notify_former.h"
#include "ngx_http_notify_json_write.h"
#include "ngx_http_notify_resp.h"


/* "dlv_", that of a subscription, "_", that of an event */
#define NGX_HTTP_NOTIFY_DELIVERY_VIEW_ID  128


typedef enum {
    NGX_HTTP_NOTIFY_DELIVERY_NONE = 0,
    NGX_HTTP_NOTIFY_DELIVERY_SUCCEEDED,
    NGX_HTTP_NOTIFY_DELIVERY_PENDING,
    NGX_HTTP_NOTIFY_DELIVERY_RETRYING,
    NGX_HTTP_NOTIFY_DELIVERY_DEAD,
    NGX_HTTP_NOTIFY_DELIVERY_SKIPPED
} ngx_http_notify_delivery_status_e;


typedef struct {
    ngx_pool_t                         *pool;
    const ngx_http_notify_channel_t    *channel;
    ngx_uint_t                          whole;      /* with all attempts */
    const ngx_str_t                    *request;    /* JSON of it, to be shown;
                                                       or NULL */

    ngx_http_notify_selector_t         *selector;   /* by _take */
    ngx_http_notify_former_t           *former;     /* or NULL */
    ngx_http_notify_id_t                cursor;
    ngx_uint_t                          placed;     /* cursor is known */
    uint64_t                            paused;     /* until, epoch ms; or 0 */
    ngx_uint_t                          logged;     /* all attempts ever made
                                                       are in the log */
    ngx_array_t                         gaps;       /* of id pairs */
    ngx_http_notify_delivery_attempts_t attempts;
} ngx_http_notify_delivery_view_t;

/* one row of the reply */
typedef struct {
    ngx_http_notify_id_t                event;
    ngx_http_notify_event_t            *entry;      /* NULL: gone; owned */
    ngx_http_notify_delivery_status_e   status;
    uint64_t                            due;        /* epoch ms; 0: none */
    ngx_uint_t                          tries;
    ngx_str_t                           reason;     /* of DEAD, SKIPPED */
    ngx_uint_t                          concerns;   /* it is there and meant */
} ngx_http_notify_delivery_row_t;


/* the id; NULL: memory */
ngx_int_t ngx_http_notify_delivery_view_id(ngx_pool_t *pool,
    const ngx_str_t *subscription, const ngx_http_notify_id_t *event,
    ngx_str_t *id);
/* NGX_DECLINED: it is none; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_delivery_view_parse(ngx_pool_t *pool,
    const ngx_str_t *text, ngx_str_t *subscription,
    ngx_http_notify_id_t *event);

/* all but the rows; NGX_DECLINED: there is no such subscription */
ngx_int_t ngx_http_notify_delivery_view_take(
    ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_resp_t *resp);
/* NGX_OK, or NGX_ERROR: not a row.  The entry is to be given back. */
ngx_int_t ngx_http_notify_delivery_view_row(
    const ngx_http_notify_delivery_view_t *view,
    ngx_http_notify_resp_t **elts, ngx_http_notify_delivery_row_t *row);
/* The same of an event that the caller has: entry, due, tries and reason are
 * there, the rest is filled in. */
void ngx_http_notify_delivery_view_state(
    const ngx_http_notify_delivery_view_t *view,
    ngx_http_notify_delivery_row_t *row);
/* a view of one event: _take and the only _row */
ngx_int_t ngx_http_notify_delivery_view_one(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_resp_t *resp, ngx_http_notify_delivery_view_t *view,
    ngx_http_notify_delivery_row_t *row);
void ngx_http_notify_delivery_view_show(
    const ngx_http_notify_delivery_view_t *view,
    const ngx_http_notify_delivery_row_t *row,
    ngx_http_notify_json_write_t *w);

/* NGX_DECLINED: it is not the name of one */
ngx_int_t ngx_http_notify_delivery_view_status(const ngx_str_t *name,
    ngx_http_notify_delivery_status_e *status);


#endif /* _NGX_HTTP_NOTIFY_DELIVERY_VIEW_H_INCLUDED_ */
