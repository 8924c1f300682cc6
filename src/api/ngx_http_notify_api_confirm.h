/*
 * The questions to endpoints whether they agree to be called, where a stored
 * subscription waits for the answer.
 */

#ifndef _NGX_HTTP_NOTIFY_API_CONFIRM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_CONFIRM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_channel.h"


/*
 * Asks the endpoint of a subscription, its text as in Redis; who waits (may be
 * NULL) is resumed when the answer has been written.  NGX_ERROR: it is not
 * asked, as was logged; NGX_DECLINED: it has agreed.
 */
ngx_int_t ngx_http_notify_api_confirm_text(ngx_http_notify_channel_t *channel,
    const ngx_str_t *id, const ngx_str_t *text, void *waiting);

/*
 * In a worker, from its start to its exit: the endpoints that have not answered
 * are asked again, where another worker has died with the question, too.
 */
ngx_int_t ngx_http_notify_api_confirm_again_init(ngx_cycle_t *cycle);
void ngx_http_notify_api_confirm_again_exit(void);


#endif /* _NGX_HTTP_NOTIFY_API_CONFIRM_H_INCLUDED_ */
