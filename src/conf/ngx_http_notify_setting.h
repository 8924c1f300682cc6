/*
 * setting: a value of a whole channel that is changed while it runs, and what
 * the engine makes of it: the one target, how long to try.  Declarations are
 * read-only after start; values are in Redis (store/settings).
 */

#ifndef _NGX_HTTP_NOTIFY_SETTING_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SETTING_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_settings.h"
#include "ngx_http_notify_subscriptions.h"


#define NGX_HTTP_NOTIFY_SETTING_MAX      32     /* of a channel */
#define NGX_HTTP_NOTIFY_SETTING_FOREVER  ((uint64_t) -1)

/* the longest time of N units: 100 years */
#define NGX_HTTP_NOTIFY_SETTING_TIME_MAX                                      \
    ((uint64_t) 36500 * 86400 * 1000)


/* setting NAME [target] [unit=TIME] [secret] [optional] */
typedef struct {
    ngx_str_t      name;
    uint64_t       unit;        /* milliseconds; 0: not a number of them */
    ngx_uint_t     target;      /* unsigned  target:1; */
    ngx_uint_t     secret;      /* unsigned  secret:1; */
    ngx_uint_t     optional;    /* unsigned  optional:1; */
    u_char        *file;        /* where it stands */
    ngx_uint_t     line;
} ngx_http_notify_setting_t;


/* when the channel's profiles are known: what its target would be signed by */
char *ngx_http_notify_setting_init(ngx_conf_t *cf,
    const ngx_http_notify_channel_t *channel);

/* by its name, ASCII case ignored, or NULL */
const ngx_http_notify_setting_t *ngx_http_notify_setting_find(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *text);
/* the one with `target`, or NULL */
const ngx_http_notify_setting_t *ngx_http_notify_setting_target(
    const ngx_http_notify_channel_t *channel);

/* For a write: zeroed, then the names of all settings, those that are
 * mandatory, and of the target, in arrays from the pool; NGX_ERROR: memory. */
ngx_int_t ngx_http_notify_setting_names(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_settings_write_t *write);
/* To a partition from the first one of its channel. */
void ngx_http_notify_setting_copy(const ngx_http_notify_channel_t *part,
    ngx_http_notify_settings_copy_t *copy);

/*
 * For how long after the first attempt the settings let this subscription be
 * tried, in milliseconds: the least of those with `unit` that the subscription
 * of the target carries.  0: one attempt, FOREVER: they do not say.
 */
uint64_t ngx_http_notify_setting_until(
    const ngx_http_notify_channel_t *channel,
    const ngx_http_notify_subscription_t *subscription);


#endif /* _NGX_HTTP_NOTIFY_SETTING_H_INCLUDED_ */
