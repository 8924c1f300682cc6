/*
 * notify_session: device sessions from the traffic of a location.  What its
 * files and the filter of answers share.
 */

#ifndef _NGX_HTTP_NOTIFY_SESSION_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SESSION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_emit.h"
#include "ngx_http_notify_session_conns.h"


#define NGX_HTTP_NOTIFY_SESSION_VALUES  32
#define NGX_HTTP_NOTIFY_SESSION_BYTES   4096


/* NAME=VALUE: what is kept */
typedef struct {
    ngx_str_t                     name;
    ngx_http_complex_value_t     *value;
} ngx_http_notify_session_param_t;

/* a notify_session, read-only after start */
typedef struct {
    ngx_http_notify_channel_t    *channel;
    ngx_http_complex_value_t     *id;
    ngx_http_complex_value_t     *condition;
    ngx_http_complex_value_t     *tenant;       /* NULL: notify_tenant's */
    ngx_http_complex_value_t     *subscription;
    ngx_array_t                   params;       /* of _param_t */
    ngx_msec_t                    grace;
    ngx_msec_t                    lease;
    time_t                        ttl;          /* s; 0: not given */
    unsigned                      presence:1;
    unsigned                      commit:1;
    unsigned                      optional:1;   /* the tenant: it may be
                                                   empty */
} ngx_http_notify_session_conf_t;

typedef struct {
    ngx_uint_t                    used;
    ngx_uint_t                    presence;     /* somewhere */
} ngx_http_notify_session_main_conf_t;

typedef struct {
    ngx_http_notify_session_conf_t  *session;   /* or NULL */
} ngx_http_notify_session_loc_conf_t;

/* of a client's request */
typedef struct {
    ngx_http_notify_session_conn_t        *hold;
    ngx_str_t                      key;         /* of the hold */
    ngx_msec_t                     grace;
    ngx_uint_t                     registered;
} ngx_http_notify_session_ctx_t;


extern ngx_module_t  ngx_http_notify_session_module;


char *ngx_http_notify_session_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* whether there is any in the configuration, and here */
ngx_uint_t ngx_http_notify_session_used(ngx_conf_t *cf);
ngx_http_notify_session_conf_t *ngx_http_notify_session_here(
    ngx_http_request_t *r);
/* in front of what serves the location: who is known is connected */
ngx_int_t ngx_http_notify_session_handler(ngx_http_request_t *r);

typedef enum {
    NGX_HTTP_NOTIFY_SESSION_NONE = 0,
    NGX_HTTP_NOTIFY_SESSION_NOW,    /* by what is known with the header */
    NGX_HTTP_NOTIFY_SESSION_BODY    /* the body, too, if variables need it */
} ngx_http_notify_session_when_e;

/* the header of an answer: is the session to be registered, and when */
ngx_http_notify_session_when_e ngx_http_notify_session_answer(
    ngx_http_request_t *r);
/* that of the request; NULL: memory */
ngx_http_notify_session_ctx_t *ngx_http_notify_session_ctx(
    ngx_http_request_t *r);
/* NGX_DECLINED: there is no id, or it is none; NGX_ABORT: so it is with the
 * tenant; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_session_key(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, ngx_str_t *tenant, ngx_str_t *id,
    ngx_str_t *key);
/* the request is a connection of the session, or is none any more */
void ngx_http_notify_session_hold(ngx_http_request_t *r,
    ngx_http_notify_session_conf_t *session, const ngx_str_t *tenant,
    const ngx_str_t *key);
void ngx_http_notify_session_release(ngx_http_notify_session_ctx_t *ctx);

/* in session_register: when a worker starts and exits */
void ngx_http_notify_session_register_init(void);
void ngx_http_notify_session_register_exit(void);
/*
 * Registers it, once a request.  NGX_OK: nothing to wait for; NGX_AGAIN: one
 * more answer of Redis that emit->resume will be called behind, by `emit`,
 * which is NULL where nobody waits; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_session_register(ngx_http_request_t *r,
    ngx_http_notify_emit_ctx_t *emit);


#endif /* _NGX_HTTP_NOTIFY_SESSION_H_INCLUDED_ */
