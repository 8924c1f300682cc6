/*
 * What came of a subscriber's calls, counted for its statistics: written with
 * its commits, at most once a second.
 */

#ifndef _NGX_HTTP_NOTIFY_TALLIES_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_TALLIES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_delivery.h"


/* A call has ended.  Without memory it is not counted. */
void ngx_http_notify_tallies_add(ngx_http_notify_delivery_t *d,
    const ngx_http_notify_call_result_t *result);
/* What is due is written with the next commit. */
void ngx_http_notify_tallies_look(ngx_http_notify_subscriber_t *s);
/* What is due is added to the commit. */
void ngx_http_notify_tallies_take(ngx_http_notify_subscriber_t *s,
    ngx_http_notify_command_t *command);
void ngx_http_notify_tallies_free(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_TALLIES_H_INCLUDED_ */
