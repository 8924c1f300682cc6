/*
 * notify_sync: what the directive says; shared by its setter and its handler.
 * Read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_SYNC_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SYNC_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_ask.h"
#include "ngx_http_notify_sync_result.h"
#include "ngx_http_notify_source.h"


/* one notify_sync */
typedef struct {
    ngx_http_notify_source_t     source;
    ngx_uint_t                   gate;      /* unsigned  gate:1; */
    ngx_int_t                    pass;      /* on_error */
    ngx_uint_t                   refused;
    ngx_msec_t                   timeout;
    size_t                       limit;
    ngx_http_complex_value_t    *data;      /* NULL: the request's body */
} ngx_http_notify_sync_conf_t;

typedef struct {
    ngx_array_t                  list;      /* of _conf_t *, all there are */
} ngx_http_notify_sync_main_conf_t;

typedef struct {
    ngx_http_notify_sync_conf_t *sync;      /* NULL: off */
} ngx_http_notify_sync_loc_conf_t;

typedef enum {
    NGX_HTTP_NOTIFY_SYNC_WAIT = 0,
    NGX_HTTP_NOTIFY_SYNC_PASS,      /* to the backend */
    NGX_HTTP_NOTIFY_SYNC_REPLY,     /* with what the subscriber said */
    NGX_HTTP_NOTIFY_SYNC_SENT
} ngx_http_notify_sync_state_e;

/* of one directive and one request */
typedef struct {
    ngx_http_request_t              *request;
    ngx_http_notify_sync_conf_t     *sync;
    ngx_http_notify_sync_state_e     state;
    ngx_uint_t                       status;    /* of the reply */
    ngx_uint_t                       asked;     /* ask.response is there */
    ngx_str_t                        tenant;
    ngx_http_notify_event_t          event;
    ngx_http_notify_ask_t            ask;
} ngx_http_notify_sync_ctx_t;


extern ngx_module_t  ngx_http_notify_sync_module;


char *ngx_http_notify_sync_conf_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
/* at the end of http {}: events and attributes by name */
char *ngx_http_notify_sync_conf_init(ngx_conf_t *cf,
    ngx_http_notify_sync_conf_t *sync);

/*
 * NGX_DECLINED: the request makes no event that the channel takes, `invalid`
 * says why; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_sync_event(ngx_http_request_t *r,
    const ngx_http_notify_sync_conf_t *sync, const ngx_str_t *tenant,
    ngx_http_notify_event_t *event, ngx_http_notify_invalid_t *invalid);

/* that of the directive; of any that was asked, where sync is NULL */
ngx_http_notify_sync_ctx_t *ngx_http_notify_sync_ctx(ngx_http_request_t *r,
    ngx_http_notify_sync_conf_t *sync);
/* the same, also after a redirect */
ngx_http_notify_sync_ctx_t *ngx_http_notify_sync_ctx_find(
    ngx_http_request_t *r, ngx_http_notify_sync_conf_t *sync);
/* NULL: memory */
ngx_http_notify_sync_ctx_t *ngx_http_notify_sync_ctx_create(
    ngx_http_request_t *r, ngx_http_notify_sync_conf_t *sync);

/* $notify_sync_..., for preconfiguration */
ngx_int_t ngx_http_notify_sync_variable_add(ngx_conf_t *cf);
/* what the subscriber of a main request said, or NULL */
const ngx_http_notify_sync_result_t *ngx_http_notify_sync_response(
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_NOTIFY_SYNC_H_INCLUDED_ */
