/*
 * FCM, HTTP v1: what a message to a device is made of, and what an answer
 * means.  The token of the call is that of oauth2.  Knows nothing of sessions.
 */

#ifndef _NGX_HTTP_NOTIFY_FCM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FCM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* service_account, project, notification, android, data of a provider;
 * read-only after start.  Each text is a JSON template, or empty. */
typedef struct {
    ngx_str_t    project;
    ngx_str_t    url;               /* of the project, at Google's */
    ngx_str_t    notification;
    ngx_str_t    android;
    ngx_str_t    data;
    unsigned     account:1;         /* there is one */
} ngx_http_notify_fcm_conf_t;

typedef enum {
    NGX_HTTP_NOTIFY_FCM_RETRY = 0,  /* it may pass */
    NGX_HTTP_NOTIFY_FCM_DROP,       /* the same message fails again */
    NGX_HTTP_NOTIFY_FCM_GONE        /* the device's token is none any more */
} ngx_http_notify_fcm_e;

typedef struct {
    ngx_str_t              code;    /* null-terminated */
    ngx_http_notify_fcm_e  means;
    ngx_uint_t             own;     /* unsigned  own:1; it is said of the
                                       message or its device, and nothing of
                                       others */
} ngx_http_notify_fcm_error_t;


/* the JSON template of a body; message: what its notification says where there
 * is no text of one, or NULL; all: the event's data where there is no text */
ngx_int_t ngx_http_notify_fcm_template(ngx_pool_t *pool,
    const ngx_http_notify_fcm_conf_t *conf, const ngx_str_t *message,
    ngx_uint_t all, ngx_str_t *text);
/* A body that was made of it, its data as FCM takes it: an object of texts.
 * Other values are texts of their JSON, nulls are left out, and what is no
 * object is the member "data" of one. */
ngx_int_t ngx_http_notify_fcm_body(ngx_pool_t *pool, ngx_str_t *body);
/* of an answer other than 2xx, by its status and body; never NULL */
const ngx_http_notify_fcm_error_t *ngx_http_notify_fcm_error(ngx_pool_t *pool,
    ngx_uint_t status, const ngx_str_t *body);


#endif /* _NGX_HTTP_NOTIFY_FCM_H_INCLUDED_ */
