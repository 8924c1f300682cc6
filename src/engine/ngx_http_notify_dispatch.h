/*
 * Which calls to make now, and what their results mean.
 */

#ifndef _NGX_HTTP_NOTIFY_DISPATCH_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_DISPATCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_subscriber.h"


/*
 * Starts what may be started: events of the queue, what is due of the retry
 * set, a redelivery; asks for more of these where there may be more.  For the
 * feed's turn; all others say that the subscriber is ready.
 */
void ngx_http_notify_dispatch(ngx_http_notify_subscriber_t *s);


#endif /* _NGX_HTTP_NOTIFY_DISPATCH_H_INCLUDED_ */
