/*
 * The module's main configuration, and the worker's connection to Redis that
 * the endpoints share.
 */

#ifndef _NGX_HTTP_NOTIFY_MODULE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_MODULE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_redis.h"
#include "ngx_http_notify_seal.h"


typedef struct {
    ngx_http_notify_redis_conf_t   redis;
    ngx_http_notify_seal_conf_t    seal;
    ngx_array_t                   *profiles;  /* ngx_http_notify_profile_t * */
    ngx_array_t                   *providers; /* ngx_http_notify_provider_t *,
                                                 or NULL */
    ngx_array_t                   *channels;  /* ngx_http_notify_channel_t * */
    size_t                         zone_size;
    ngx_str_t                      nonce;     /* of this configuration */
    ngx_uint_t                     used;      /* a channel, a profile, or any
                                                 directive of ours was given */
    ngx_uint_t                     commands;  /* who has no channel needs the
                                                 connection all the same */
    ngx_array_t                   *references;    /* to channels, by name, with
                                                     their lines; private */
    ngx_uint_t                     resolved;      /* http {} has been read */
    u_char                        *subscribable;  /* file and line of the first
                                                     notify_api that takes
                                                     URLs, or NULL */
    ngx_uint_t                     subscribable_line;
    ngx_shm_zone_t                *zone;
} ngx_http_notify_main_conf_t;


extern ngx_module_t  ngx_http_notify_module;


/*
 * For the setters of other modules: the channel by name, also one that is
 * declared further down in http {} (then resolved at the end, with the setter's
 * file and line in the error).  *channel is filled by then, before the
 * configurations of servers and locations are merged: it must stay where it is.
 */
char *ngx_http_notify_module_channel(ngx_conf_t *cf, const ngx_str_t *name,
    ngx_http_notify_channel_t **channel);


#endif /* _NGX_HTTP_NOTIFY_MODULE_H_INCLUDED_ */
