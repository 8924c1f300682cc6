/*
 * The settings of a channel are written to its first partition; who owns
 * another one copies them there when they have changed and were not brought.
 */

#ifndef _NGX_HTTP_NOTIFY_SETTINGS_FOLLOW_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SETTINGS_FOLLOW_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_feed.h"


/* nothing for a first partition */
void ngx_http_notify_settings_follow_init(ngx_http_notify_feed_t *feed);
void ngx_http_notify_settings_follow_exit(ngx_http_notify_feed_t *feed);


#endif /* _NGX_HTTP_NOTIFY_SETTINGS_FOLLOW_H_INCLUDED_ */
