/*
 * What a client may say of the settings of a channel, and what it sees of
 * them: from input to changes, from stored values to output.  Knows nothing of
 * requests and Redis.
 */

#ifndef _NGX_HTTP_NOTIFY_SETTINGS_FORM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SETTINGS_FORM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_invalid.h"
#include "ngx_http_notify_json_write.h"
#include "ngx_http_notify_settings.h"


/* zeroed, then the first five set by the caller */
typedef struct {
    ngx_pool_t                        *pool;
    const ngx_http_notify_channel_t   *channel;
    ngx_http_notify_invalid_t         *invalid;
    ngx_uint_t                         scope;   /* not the root */
    ngx_uint_t                         replace; /* absent: unset; PUT */

    ngx_array_t                        changes; /* of _settings_change_t */
} ngx_http_notify_settings_form_t;


/* NGX_OK: form->changes is made of the input, an object; NGX_DECLINED:
 * form->invalid says what is wrong; NGX_ERROR: memory */
ngx_int_t ngx_http_notify_settings_form(ngx_http_notify_settings_form_t *form,
    const ngx_http_notify_json_t *input);

/*
 * What clients see: values (at the root, without the secret ones), the flags
 * of the scope, and as `effective` what holds there.  The texts are in the
 * order of ngx_http_notify_settings_read(): values of the settings, flags of
 * the events at the root, and at the scope; data NULL: not set.
 */
void ngx_http_notify_settings_form_show(ngx_http_notify_json_write_t *w,
    const ngx_http_notify_channel_t *channel, ngx_uint_t scope,
    const ngx_str_t *texts);


#endif /* _NGX_HTTP_NOTIFY_SETTINGS_FORM_H_INCLUDED_ */
