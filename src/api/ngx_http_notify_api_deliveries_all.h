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

typedef struct {
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
    ngx_array_t                        pairs;
    ngx_uint_t                         cut;     /* there were more of them */
    ngx_uint_t                         next;    /* of the pairs */
    ngx_uint_t                         looks;
    ngx_uint_t                         scanned;
    ngx_uint_t                         nrows;
    ngx_http_notify_json_write_t       rows;    /* an array */
} ngx_http_notify_api_deliveries_all_t;


/* the parameters; NGX_ABORT: an answer has been sent */
ngx_int_t ngx_http_notify_api_deliveries_all_args(ngx_http_notify_api_t *api);


#endif /* _NGX_HTTP_NOTIFY_API_DELIVERIES_ALL_H_INCLUDED_ */
