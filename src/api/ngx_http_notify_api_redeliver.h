/*
 * POST /redeliver: what its files share.
 */

#ifndef _NGX_HTTP_NOTIFY_API_REDELIVER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_REDELIVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_delivery_view.h"


/* deliveries of a request, and entries of the log, or of the dead ones of its
 * subscriptions, that it looks at */
#define NGX_HTTP_NOTIFY_API_REDELIVER_MAX            10000
#define NGX_HTTP_NOTIFY_API_REDELIVER_SCAN           200000
#define NGX_HTTP_NOTIFY_API_REDELIVER_SUBSCRIPTIONS  1000
#define NGX_HTTP_NOTIFY_API_REDELIVER_TYPES          100


typedef enum {
    NGX_HTTP_NOTIFY_API_REDELIVER_MISSED = 0,
    NGX_HTTP_NOTIFY_API_REDELIVER_DEAD,
    NGX_HTTP_NOTIFY_API_REDELIVER_ALL
} ngx_http_notify_api_redeliver_status_e;


typedef struct {
    ngx_http_notify_id_t                     event;
    const ngx_str_t                         *subscription;
} ngx_http_notify_api_redeliver_pair_t;


/* subscriptions that want the same events; none of them is looked through
 * before one of these is found */
typedef struct {
    ngx_uint_t                               nevents;
    ngx_str_t                               *events;
    ngx_array_t                              ids;   /* of ngx_str_t */
    ngx_uint_t                               taken; /* unsigned  taken:1; they
                                                       are among the ids */
} ngx_http_notify_api_redeliver_group_t;


typedef struct {
    ngx_http_notify_delivery_view_t          view;
    const ngx_str_t                         *id;
    ngx_uint_t                               nkept; /* rows, in the order of */
    ngx_http_notify_delivery_row_t          *kept;  /* events: due, or dead */
} ngx_http_notify_api_redeliver_view_t;


typedef struct {
    ngx_array_t                             *given; /* of ngx_str_t: ids, or
                                                       NULL: all there are */
    ngx_array_t                              types; /* of ngx_str_t; or empty:
                                                       any */
    ngx_http_notify_api_redeliver_status_e   status;
    ngx_http_notify_id_t                     since; /* inclusive, both */
    ngx_http_notify_id_t                     until;
    ngx_uint_t                               dry;   /* unsigned  dry:1; */

    ngx_http_notify_api_latest_t             latest;    /* of the span */
    ngx_array_t                              groups;    /* of _group_t */
    ngx_array_t                              logged;    /* of ngx_str_t: types
                                                           that were found */
    ngx_array_t                              ids;   /* of ngx_str_t: those that
                                                       are looked through */
    ngx_str_t                                after; /* a score, looked at */
    ngx_uint_t                               next;  /* of the ids */
    ngx_pool_t                              *pool;  /* of the views; NULL */
    ngx_array_t                              views; /* of _view_t: those whom
                                                       the log is read for */
    ngx_array_t                              events;    /* of _event_t *,
                                                           owned: a page */
    ngx_uint_t                               end;   /* unsigned  end:1; of the
                                                       log, with that page */
    ngx_array_t                              apart; /* of ngx_str_t: ids, each
                                                       looked through alone */
    ngx_http_notify_delivery_view_t          view;
    ngx_uint_t                               taken; /* unsigned  taken:1; */
    ngx_http_notify_id_t                     before;
    ngx_uint_t                               count;
    ngx_array_t                              pairs; /* those found, not dry */
    ngx_uint_t                               asked; /* of these */
    ngx_uint_t                               scanned;
    ngx_uint_t                               kept;  /* rows of the views */
    ngx_uint_t                               looks; /* events by views */
    void                                   (*done)(ngx_http_notify_api_t *api);
                                                    /* with the log */
    ngx_str_t                                id;
} ngx_http_notify_api_redeliver_t;


/* the body; NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_redeliver_input(ngx_http_notify_api_t *api,
    ngx_http_notify_api_redeliver_t *redeliver);

/*
 * A row that was looked at: counted, and kept unless it is a dry run, if it is
 * asked for.  NGX_ABORT: it is one too many; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_api_redeliver_found(ngx_http_notify_api_t *api,
    const ngx_http_notify_delivery_row_t *row, const ngx_str_t *subscription);
/* whether events of that type are asked for */
ngx_uint_t ngx_http_notify_api_redeliver_found_type(
    const ngx_http_notify_api_redeliver_t *redeliver, const ngx_str_t *type);
/*
 * Of the answer to _deliveries_read(): NGX_DECLINED: the subscription is passed
 * over; NGX_ABORT: an answer has been sent.
 */
ngx_int_t ngx_http_notify_api_redeliver_found_view(ngx_http_notify_api_t *api,
    ngx_http_notify_delivery_view_t *view, const ngx_http_notify_resp_t *resp,
    const ngx_str_t *id);
/* the answer where there are more than so many */
void ngx_http_notify_api_redeliver_found_many(ngx_http_notify_api_t *api,
    ngx_uint_t max);

/* One that may be looked through, if there are events for it; NGX_ERROR:
 * memory, of both. */
ngx_int_t ngx_http_notify_api_redeliver_group_add(ngx_http_notify_api_t *api,
    const ngx_http_notify_subscription_t *doc);
/* an event of that type was found: those that want it are */
ngx_int_t ngx_http_notify_api_redeliver_group_type(ngx_http_notify_api_t *api,
    ngx_str_t *type);

/*
 * All of redeliver->ids, by reading the log once for some of them at a time;
 * those of the groups become such ones when it is seen what the log has.
 * Those that get other tenants' events, too, are left in redeliver->apart.
 * Then redeliver->done().
 */
ngx_int_t ngx_http_notify_api_redeliver_log_init(ngx_http_notify_api_t *api);
void ngx_http_notify_api_redeliver_log(ngx_http_notify_api_t *api);


#endif /* _NGX_HTTP_NOTIFY_API_REDELIVER_H_INCLUDED_ */
