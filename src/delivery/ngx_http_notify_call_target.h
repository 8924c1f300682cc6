/*
 * What a subscription becomes when it is made ready to be called.  Lives until
 * it is released and the last call that uses it has ended.
 */

#ifndef _NGX_HTTP_NOTIFY_CALL_TARGET_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CALL_TARGET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_call.h"
#include "ngx_http_notify_host.h"


struct ngx_http_notify_target_s {
    ngx_pool_t                            *pool;
    const ngx_http_notify_call_conf_t     *conf;
    const ngx_http_notify_subscription_t  *subscription;
    const ngx_http_notify_payload_conf_t  *payload;   /* conf's, or its own, */
    struct ngx_http_notify_call_state_s   *state;     /* the same, */
    ngx_msec_t                             timeout;   /* and the same */
    ngx_str_t                              server_name;
    ngx_uint_t                             verify;
    ngx_http_notify_guard_url_t            url;
    ngx_http_notify_sign_keys_t           *keys;
    const char                            *keyless;   /* why keys is NULL */
    ngx_http_notify_host_t                *host;
    ngx_http_notify_share_t               *share;     /* or NULL */
    ngx_http_notify_token_source_t        *token;     /* or NULL */
    const ngx_http_notify_webpush_t       *push;      /* or NULL */
    ngx_str_t                              head;  /* up to Content-Length: */
    ngx_str_t                              line;  /* one more, or empty */
    ngx_str_t                              lines; /* if they are constant,
                                                     once they were made */
    ngx_uint_t                             constant;
    ngx_uint_t                             trace;     /* is passed on */
    ngx_uint_t                             calls;
    ngx_uint_t                             released;
    void                                 (*gone)(void *data);
    void                                  *data;
};


/* a call that counted itself in target->calls has ended */
void ngx_http_notify_call_target_unref(ngx_http_notify_target_t *target);


#endif /* _NGX_HTTP_NOTIFY_CALL_TARGET_H_INCLUDED_ */
