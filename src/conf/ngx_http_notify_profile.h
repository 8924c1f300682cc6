/*
 * notify_profile: how deliveries are made, and when they are made again.
 * Read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_PROFILE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_PROFILE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_attempts_conf.h"
#include "ngx_http_notify_backoff.h"
#include "ngx_http_notify_bucket.h"
#include "ngx_http_notify_call.h"


/* breaker failures=N window=T cooldown=T [ignore=CODES] | off */
typedef struct {
    ngx_uint_t     failures;    /* 0: off */
    ngx_msec_t     window;
    ngx_msec_t     cooldown;
    ngx_array_t   *ignore;      /* of ngx_uint_t status codes, or NULL */
} ngx_http_notify_breaker_conf_t;


typedef struct {
    ngx_http_notify_call_conf_t      call;      /* first: see call.h */
    ngx_str_t                        name;
    ngx_http_notify_backoff_t        retry;     /* nsteps 0: off */
    ngx_http_notify_breaker_conf_t   breaker;
    ngx_http_notify_bucket_conf_t    rate;      /* rate 0: off */
    ngx_uint_t                       in_flight; /* at most */
    ngx_uint_t                       in_flight_auto;    /* auto: 1 */
    ngx_uint_t                       strict;    /* order strict: 1 */
    ngx_msec_t                       disable_after; /* 0: off */
    ngx_http_notify_template_t      *order;     /* order key=, or NULL */
    ngx_http_notify_attempts_conf_t  attempts;
    u_char                          *file;      /* where the block stands */
    ngx_uint_t                       line;
} ngx_http_notify_profile_t;


/* all fields unset, and the defaults of what a block did not set */
ngx_http_notify_profile_t *ngx_http_notify_profile_create(ngx_conf_t *cf,
    const ngx_str_t *name);
char *ngx_http_notify_profile_init(ngx_conf_t *cf,
    ngx_http_notify_profile_t *profile);
/* among ngx_http_notify_profile_t *; NULL: there is none of that name */
ngx_http_notify_profile_t *ngx_http_notify_profile_find(
    const ngx_array_t *profiles, const ngx_str_t *name);

/* the setter of `retry`; conf begins with a profile */
char *ngx_http_notify_profile_set_retry(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
/* for a directive N[r/s|r/m] [burst=N] | off, once; without a burst it is what
 * comes in one of so many parts of a second */
char *ngx_http_notify_profile_set_rate(ngx_conf_t *cf,
    ngx_http_notify_bucket_conf_t *rate, ngx_uint_t part);


#endif /* _NGX_HTTP_NOTIFY_PROFILE_H_INCLUDED_ */
