/*
 * notify_provider: where the events of a device's session go that names no
 * subscription of its own: one message, to one device, and never sent twice
 * but by FCM, which says what may be.
 * Read-only after start; what a worker knows of nodes is in node.c.
 */

#ifndef _NGX_HTTP_NOTIFY_PROVIDER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PROVIDER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_profile.h"
#include "ngx_http_notify_redis.h"


#define NGX_HTTP_NOTIFY_PROVIDER_HTTP     1
#define NGX_HTTP_NOTIFY_PROVIDER_WEBPUSH  2     /* each session's endpoint */
#define NGX_HTTP_NOTIFY_PROVIDER_FCM      3     /* one URL, HTTP v1 */

/* what a session is bound to by "provider-NAME", made by its registration */
#define NGX_HTTP_NOTIFY_PROVIDER_ID  "provider-"


/* an address that may be called, and the same with debug; [0] of a provider
 * is its url itself, where it has no group */
typedef struct {
    ngx_str_t                        name;      /* the address, as text */
    ngx_addr_t                      *addr;      /* NULL: by the URL */
    ngx_uint_t                       weight;
    ngx_uint_t                       max_fails;
    ngx_msec_t                       fail_timeout;
    ngx_uint_t                       backup;    /* unsigned  backup:1; */
    ngx_uint_t                       down;      /* unsigned  down:1; */
    ngx_http_notify_subscription_t   call[2];   /* [debug]; url and id only */
} ngx_http_notify_provider_node_t;

/* group UPSTREAM... */
typedef struct {
    ngx_str_t                        name;
    u_char                          *file;
    ngx_uint_t                       line;
    ngx_uint_t                       first;     /* of the provider's nodes */
    ngx_uint_t                       n;
} ngx_http_notify_provider_group_t;

typedef struct {
    ngx_http_notify_profile_t        profile;   /* first: see call.h */
    ngx_uint_t                       type;      /* of _PROVIDER_... */
    ngx_http_notify_call_conf_t      call[2][2];    /* [debug][payload] */
    ngx_str_t                        id;        /* of its subscription */
    ngx_str_t                        url[2];    /* [debug] */
    ngx_uint_t                       line[2];
    ngx_str_t                        message[2];
    ngx_flag_t                       payload;
    ngx_uint_t                       retry_line;    /* 0: has none */
    ngx_array_t                     *groups;    /* of _provider_group_t, or
                                                   NULL */
    ngx_array_t                     *nodes;     /* of _provider_node_t */
    ngx_uint_t                       index;     /* of its first node, in the
                                                   worker's */
} ngx_http_notify_provider_t;


ngx_http_notify_provider_t *ngx_http_notify_provider_create(ngx_conf_t *cf,
    const ngx_str_t *name);
/* the end of its block */
char *ngx_http_notify_provider_init(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider);
/* what its type needs, and has not; a part of _init() */
char *ngx_http_notify_provider_type(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider);
/* what a call of a session with these flags says; a part of _init(), and that
 * of the first two types, for the setter of `message`; NULL: it is logged */
ngx_http_notify_template_t *ngx_http_notify_provider_body(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider, ngx_uint_t debug,
    ngx_uint_t payload);
ngx_http_notify_template_t *ngx_http_notify_provider_message(ngx_conf_t *cf,
    const ngx_str_t *message, ngx_uint_t type, ngx_uint_t payload);
/* the end of http {}: all upstreams are known; nodes counts them up */
char *ngx_http_notify_provider_resolve(ngx_conf_t *cf,
    ngx_http_notify_provider_t *provider, ngx_uint_t *nodes);

/*
 * By name, of an array of ngx_http_notify_provider_t * (NULL: there is none).
 * An empty name: the one that is called "default", or the first.
 */
ngx_http_notify_provider_t *ngx_http_notify_provider_find(
    const ngx_array_t *providers, const ngx_str_t *name);
/* the one for browsers that name none: the default, if it is of that type, or
 * the first that is; NULL: there is none */
ngx_http_notify_provider_t *ngx_http_notify_provider_webpush(
    const ngx_array_t *providers);


#endif /* _NGX_HTTP_NOTIFY_PROVIDER_H_INCLUDED_ */
