/*
 * The $notify_... variables of a delivery: which there are, and their values
 * for one context.  Values live as long as the context or the pool.  Knows
 * nothing of the templates that they stand in.
 */

#ifndef _NGX_HTTP_NOTIFY_VARIABLE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_VARIABLE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_payload.h"


/* absent: text.len is 0 */
typedef struct {
    ngx_str_t    text;
    ngx_str_t    whole;         /* the JSON text of it, where text is plain but
                                   was JSON, null included; or empty */
    ngx_uint_t   json;          /* unsigned  json:1; a JSON text, not plain */
} ngx_http_notify_value_t;

typedef struct ngx_http_notify_variable_s  ngx_http_notify_variable_t;


/*
 * By the name behind "$", "notify_event_id", or "notify_data.items.0" in
 * brackets; from the pool.  NULL: *reason is
 * a phrase, static or from the pool.
 */
ngx_http_notify_variable_t *ngx_http_notify_variable_find(ngx_pool_t *pool,
    const ngx_str_t *name, const char **reason);
/* NGX_ERROR: memory */
ngx_int_t ngx_http_notify_variable_value(ngx_pool_t *pool,
    const ngx_http_notify_variable_t *variable,
    const ngx_http_notify_payload_context_t *context,
    ngx_http_notify_value_t *value);

/* whether it is the same for every event of a subscription */
ngx_uint_t ngx_http_notify_variable_constant(
    const ngx_http_notify_variable_t *variable);
/* whether it is known when an event is published, before it is logged */
ngx_uint_t ngx_http_notify_variable_published(
    const ngx_http_notify_variable_t *variable);
/* whether it is of the event, and not of the call or the subscription */
ngx_uint_t ngx_http_notify_variable_eventful(
    const ngx_http_notify_variable_t *variable);
/* NAME of $notify_attribute_NAME or $notify_setting_NAME, else NULL */
const ngx_str_t *ngx_http_notify_variable_attribute_name(
    const ngx_http_notify_variable_t *variable);
const ngx_str_t *ngx_http_notify_variable_setting_name(
    const ngx_http_notify_variable_t *variable);
/* whether it is $notify_payload */
ngx_uint_t ngx_http_notify_variable_body(
    const ngx_http_notify_variable_t *variable);

/* the member of that name, however it is written; NGX_DECLINED: none */
ngx_int_t ngx_http_notify_variable_member(ngx_pool_t *pool,
    const ngx_http_notify_json_t *object, const ngx_str_t *name,
    ngx_http_notify_value_t *value);

/* what the session of an event keeps under a name; empty: nothing */
ngx_str_t ngx_http_notify_variable_session(
    const ngx_http_notify_event_t *event, const ngx_str_t *name);
/* the same with the name that it is kept under; NULL: nothing */
const ngx_keyval_t *ngx_http_notify_variable_session_kept(
    const ngx_http_notify_event_t *event, const ngx_str_t *name);
/* whether it is neither empty nor "0", "false", "off", "no" */
ngx_uint_t ngx_http_notify_variable_session_flag(
    const ngx_http_notify_event_t *event, const char *name);


#endif /* _NGX_HTTP_NOTIFY_VARIABLE_H_INCLUDED_ */
