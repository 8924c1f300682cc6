/*
 * GET /deliveries: what its files share.
 */

#ifndef _NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_delivery_view.h"


/* a delivery, by its event and the place of its subscription */
typedef struct {
    ngx_http_notify_id_t               event;
    uint64_t                           score;
    ngx_str_t                          id;      /* of the subscription */
} ngx_http_notify_api_deliveries_pair_t;

#define NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_PAIRS   1000  /* kept of a page */


typedef struct {
    const ngx_http_notify_channel_t   *channel;
    ngx_http_notify_api_latest_t       latest;
    ngx_uint_t                         limit;
    ngx_http_notify_delivery_status_e  status;  /* NONE: any */
    ngx_str_t                          subscription;    /* or empty: any */
    uint64_t                           score;   /* of latest.before, looked at
                                                   up to it, if `within` */
    ngx_uint_t                         within;  /* unsigned  within:1; */

    ngx_array_t                        events;  /* of _event_t *, owned */
    ngx_uint_t                         end;     /* of the log */
    ngx_http_notify_id_t               stop;    /* else looked at up to it */
    ngx_str_t                          after;   /* a score, looked at */
    ngx_array_t                        asked;   /* of pairs without an event:
                                                   whose sets are read */
    ngx_uint_t                         more;    /* subscriptions, then */
    ngx_http_notify_id_t               floor;   /* below it, not all are */
    ngx_array_t                        pairs;
    ngx_uint_t                         cut;     /* there were more of them */
    ngx_uint_t                         next;    /* of the pairs */
    ngx_uint_t                         looks;
    ngx_uint_t                         scanned;
    ngx_uint_t                         nrows;
    ngx_http_notify_json_write_t       rows;    /* an array */
} ngx_http_notify_api_deliveries_all_t;


/* one that may be shown, if it is behind what has been looked at; NGX_ERROR:
 * memory */
ngx_int_t ngx_http_notify_api_deliveries_all_pairs_add(
    ngx_http_notify_api_t *api, const ngx_http_notify_id_t *event,
    uint64_t score, const ngx_str_t *id);
/* the latest event first, and of one event in the order of subscriptions; not
 * more than are kept */
void ngx_http_notify_api_deliveries_all_pairs_sort(
    ngx_http_notify_api_deliveries_all_t *list);

/* whether those of that status are in sets of their own, which are asked for
 * page by page of subscriptions: begun with the target, then each put */
ngx_uint_t ngx_http_notify_api_deliveries_all_kept(
    const ngx_http_notify_api_deliveries_all_t *list);
ngx_int_t ngx_http_notify_api_deliveries_all_kept_begin(
    ngx_http_notify_api_deliveries_all_t *list);
ngx_int_t ngx_http_notify_api_deliveries_all_kept_put(
    ngx_http_notify_api_t *api, uint64_t score, ngx_str_t *id);
void ngx_http_notify_api_deliveries_all_kept_ask(ngx_http_notify_api_t *api,
    ngx_http_notify_api_reply_pt handler);
/* the answer to that: more pairs; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_api_deliveries_all_kept_take(
    ngx_http_notify_api_t *api, const ngx_http_notify_resp_t *resp);

/* the parameters; NGX_ABORT: an answer has been sent */
ngx_int_t ngx_http_notify_api_deliveries_all_args(ngx_http_notify_api_t *api);


#endif /* _NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_H_INCLUDED_ */
