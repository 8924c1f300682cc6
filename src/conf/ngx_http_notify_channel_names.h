/*
 * The attributes and settings that profiles, providers and `unchanged` name:
 * whether some channel declares them.  Asked once, at the end of http {}.
 */

#ifndef _NGX_HTTP_NOTIFY_CHANNEL_NAMES_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CHANNEL_NAMES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Arrays of ngx_http_notify_channel_t *, _profile_t *, _provider_t * (or NULL).
 * A profile is held against the channels that list it, a provider against all
 * of them.  NGX_CONF_ERROR after logging the directive's file and line.
 */
char *ngx_http_notify_channel_names(ngx_conf_t *cf,
    const ngx_array_t *channels, const ngx_array_t *profiles,
    const ngx_array_t *providers);


#endif /* _NGX_HTTP_NOTIFY_CHANNEL_NAMES_H_INCLUDED_ */
