/*
 * What a subscription sets itself where its profile has it in `customize`: the
 * members of its document, checked when they are given, and what they become
 * when it is called.
 */

#ifndef _NGX_HTTP_NOTIFY_CUSTOM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CUSTOM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_backoff.h"
#include "ngx_http_notify_call.h"


/* "5s", or a number of seconds, to milliseconds from 1; NGX_DECLINED: none */
ngx_int_t ngx_http_notify_custom_time(const ngx_http_notify_json_t *value,
    uint64_t *ms);

/*
 * "raw", "cloudevents", "cloudevents binary", or a template, as JSON or as its
 * text: a copy of the profile's conf that makes such bodies.  attribute: is
 * there one of that name?  NULL: not asked.  NGX_DECLINED: *reason, from the
 * pool; NGX_ERROR: memory.
 */
typedef ngx_uint_t (*ngx_http_notify_custom_attribute_pt)(const void *data,
    const ngx_str_t *name);

ngx_int_t ngx_http_notify_custom_payload(ngx_pool_t *pool,
    const ngx_http_notify_payload_conf_t *base,
    const ngx_http_notify_json_t *value,
    ngx_http_notify_custom_attribute_pt attribute, const void *data,
    ngx_http_notify_payload_conf_t *payload, const char **reason);

/*
 * "batch": a number of events, {"events","wait","size"}, or false.  *batch is
 * kept within the bounds of the base, or those of the directive where that has
 * none.  NGX_DECLINED: *reason, from the pool, and *member, NULL: all of it.
 */
ngx_int_t ngx_http_notify_custom_batch(ngx_pool_t *pool,
    const ngx_http_notify_batch_conf_t *base,
    const ngx_http_notify_json_t *value, ngx_http_notify_batch_conf_t *batch,
    const char **member, const char **reason);

/* "payload" and "batch" of a document in the profile's conf, as they are used;
 * as _payload(); NGX_OK with *reason: what they are, or the profile has,
 * excludes a batch, which is left out */
ngx_int_t ngx_http_notify_custom_body(ngx_pool_t *pool,
    const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_json_t *document,
    ngx_http_notify_payload_conf_t *payload, const char **reason);

/* "retry": its steps in place of the profile's, whose jitter and end hold.
 * base: it has none; from its pool; NULL: memory */
const ngx_http_notify_backoff_t *ngx_http_notify_custom_retry(
    const ngx_http_notify_subscription_t *subscription,
    const ngx_http_notify_call_conf_t *conf,
    const ngx_http_notify_backoff_t *base);


#endif /* _NGX_HTTP_NOTIFY_CUSTOM_H_INCLUDED_ */
