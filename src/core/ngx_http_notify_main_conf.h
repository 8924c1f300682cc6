/*
 * The module's main configuration.  Read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_MAIN_CONF_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_MAIN_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
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
    ngx_array_t                   *parts;     /* the same, their partitions */
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


#endif /* _NGX_HTTP_NOTIFY_MAIN_CONF_H_INCLUDED_ */
