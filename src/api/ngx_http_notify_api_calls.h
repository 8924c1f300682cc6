/*
 * What came of calls in spans of time: of a subscription, or of all of them
 * together.
 */

#ifndef _NGX_HTTP_NOTIFY_API_CALLS_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_CALLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_latencies.h"


typedef struct {
    const char                    *window;
    uint64_t                       span;    /* ms */
    ngx_uint_t                     n;
    ngx_uint_t                     ring;
    u_char                         field;
    uint64_t                       first;   /* number of a span */
    ngx_http_notify_latencies_t   *counts;  /* n */

    /* of all together: the score of the last one read, how many were */
    ngx_str_t                      after;
    ngx_uint_t                     looked;
} ngx_http_notify_api_calls_t;


/* by window=, with counts of nothing; NULL: an answer has been sent */
ngx_http_notify_api_calls_t *ngx_http_notify_api_calls_create(
    ngx_http_notify_api_t *api);
/* the fields of the spans, as arguments */
void ngx_http_notify_api_calls_fields(
    const ngx_http_notify_api_calls_t *calls,
    ngx_http_notify_command_t *command);
/* adds the value of the i-th field */
void ngx_http_notify_api_calls_add(ngx_http_notify_api_calls_t *calls,
    ngx_uint_t i, const ngx_http_notify_resp_t *resp);
/* the members window, series and total */
void ngx_http_notify_api_calls_show(const ngx_http_notify_api_calls_t *calls,
    ngx_http_notify_json_write_t *w);

/* GET /stats?window= */
void ngx_http_notify_api_calls_all(ngx_http_notify_api_t *api);


#endif /* _NGX_HTTP_NOTIFY_API_CALLS_H_INCLUDED_ */
