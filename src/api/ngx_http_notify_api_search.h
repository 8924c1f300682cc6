/*
 * What a list of subscriptions is searched by: a text, and the states.
 */

#ifndef _NGX_HTTP_NOTIFY_API_SEARCH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_SEARCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_subscription_form.h"


typedef struct {
    ngx_str_t                      text;    /* in lower case, or empty */
    ngx_uint_t                     plain;   /* unsigned  plain:1; the text is
                                               in JSON as it is */
    ngx_uint_t                     states;  /* bits, 0: any */
    ngx_http_notify_api_latest_t   link;    /* its link is empty where nothing
                                               is searched for */
} ngx_http_notify_api_search_t;


/* search= and status=; NGX_ABORT: an answer has been sent */
ngx_int_t ngx_http_notify_api_search_args(ngx_http_notify_api_t *api,
    ngx_http_notify_api_search_t *search);
/* 0: by its stored text, or its health, it is not one of them, and need not be
 * parsed: the document of what is shown is not looked at */
ngx_uint_t ngx_http_notify_api_search_may(
    const ngx_http_notify_api_search_t *search, const ngx_str_t *stored,
    const ngx_http_notify_subscription_shown_t *shown);
ngx_uint_t ngx_http_notify_api_search_wants(
    const ngx_http_notify_api_search_t *search,
    const ngx_http_notify_subscription_shown_t *shown);


#endif /* _NGX_HTTP_NOTIFY_API_SEARCH_H_INCLUDED_ */
