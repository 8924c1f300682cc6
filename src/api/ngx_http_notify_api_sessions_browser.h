/*
 * The subscription of a browser, as the member of a session.
 */

#ifndef _NGX_HTTP_NOTIFY_API_SESSIONS_BROWSER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_API_SESSIONS_BROWSER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_api.h"


/*
 * {"endpoint","keys"}: the text to keep.  Where the session names no provider,
 * *provider is the name of the one for browsers.  NGX_DECLINED: not as it must
 * be, and that has been noted.
 */
ngx_int_t ngx_http_notify_api_sessions_browser(ngx_http_notify_api_t *api,
    const ngx_http_notify_json_t *input, const ngx_http_notify_json_t *json,
    ngx_str_t *provider, ngx_str_t *value);

/* what a session's answer keeps, as it was given; NULL: it has none */
const ngx_str_t *ngx_http_notify_api_sessions_browser_kept(
    const ngx_http_notify_resp_t *resp);


#endif /* _NGX_HTTP_NOTIFY_API_SESSIONS_BROWSER_H_INCLUDED_ */
