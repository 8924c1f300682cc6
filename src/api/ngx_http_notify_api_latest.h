/*
 * The log from its end, as lists show it: the latest events first, those of
 * the request's tenant, of a type and a span of time.
 */

#ifndef _NGX_HTTP_NOTIFY_API_LATEST_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_LATEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_id.h"


#define NGX_HTTP_NOTIFY_API_LATEST_BYTES  1048576   /* of entries at a time */
#define NGX_HTTP_NOTIFY_API_LATEST_LOOK   1000      /* entries at a time */
#define NGX_HTTP_NOTIFY_API_LATEST_SCAN   5000      /* of a request */


typedef struct {
    ngx_str_t              type;        /* or empty: any */
    ngx_http_notify_id_t   since;       /* inclusive, as is the next */
    ngx_http_notify_id_t   until;
    ngx_http_notify_id_t   before;      /* exclusive; if `placed` */
    ngx_uint_t             placed;      /* unsigned  placed:1; */

    ngx_str_t              link;        /* "&eventType=..." of these, escaped */
} ngx_http_notify_api_latest_t;


/* eventType=, since= and until=; NGX_ABORT: an answer has been sent */
ngx_int_t ngx_http_notify_api_latest_args(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest);
/* a time, or an event's id: a place in the log, the last one of a millisecond
 * with `last`; NGX_DECLINED: absent; NGX_ABORT: an answer has been sent */
ngx_int_t ngx_http_notify_api_latest_place(ngx_http_notify_api_t *api,
    const char *name, ngx_uint_t last, ngx_http_notify_id_t *id);
/* adds "&NAME=VALUE" to the link; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_api_latest_link(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest, const char *name,
    const ngx_str_t *value);
/* reads; the request is suspended.  Reply: [id or "", entry, ...], see
 * latest.lua */
void ngx_http_notify_api_latest_read(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_latest_t *latest, ngx_uint_t limit,
    ngx_http_notify_api_reply_pt handler);
/* "<URI?limit=N&before=PLACE...>; rel=next"; NGX_ABORT: 500 has been sent */
ngx_int_t ngx_http_notify_api_latest_next(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_latest_t *latest, ngx_uint_t limit,
    const ngx_str_t *place);


/* GET /events */
void ngx_http_notify_api_events_list(ngx_http_notify_api_t *api);
/* GET /deliveries */
void ngx_http_notify_api_deliveries_all(ngx_http_notify_api_t *api);


#endif /* _NGX_HTTP_NOTIFY_API_LATEST_H_INCLUDED_ */
