/*
 * POST /redeliver: what its files share.
 */

#ifndef _NGX_HTTP_NOTIFY_API_REDELIVER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_REDELIVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_delivery_view.h"


/* deliveries of a request, and events that it looks at */
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


typedef struct {
    ngx_array_t                             *given; /* of ngx_str_t: ids, or
                                                       NULL: all there are */
    ngx_array_t                              types; /* of ngx_str_t; or empty:
                                                       any */
    ngx_http_notify_api_redeliver_status_e   status;
    ngx_http_notify_id_t                     since; /* inclusive, both */
    ngx_http_notify_id_t                     until;
    ngx_uint_t                               dry;   /* unsigned  dry:1; */

    ngx_array_t                              ids;   /* of ngx_str_t */
    ngx_str_t                                after; /* a score, looked at */
    ngx_uint_t                               next;  /* of the ids */
    ngx_http_notify_delivery_view_t          view;
    ngx_uint_t                               taken; /* unsigned  taken:1; */
    ngx_http_notify_id_t                     before;
    ngx_uint_t                               count;
    ngx_array_t                              pairs; /* those found, not dry */
    ngx_uint_t                               asked; /* of these */
    ngx_uint_t                               scanned;
    ngx_str_t                                id;
} ngx_http_notify_api_redeliver_t;


/* the body; NGX_DECLINED: an answer has been sent */
ngx_int_t ngx_http_notify_api_redeliver_input(ngx_http_notify_api_t *api,
    ngx_http_notify_api_redeliver_t *redeliver);


#endif /* _NGX_HTTP_NOTIFY_API_REDELIVER_H_INCLUDED_ */
