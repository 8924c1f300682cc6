/*
 * From what a publisher says of an event to the event: members, names,
 * attributes.  Works on slices of the text: data stays as it was written.
 * Knows nothing of requests and Redis; shared by all that publish.
 */

#ifndef _NGX_HTTP_NOTIFY_EVENT_FORM_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_EVENT_FORM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_invalid.h"
#include "ngx_http_notify_log_publish.h"


#define NGX_HTTP_NOTIFY_EVENT_FORM_MEMBERS  64


/*
 * Zeroed, then the first four set by the caller.  The event's slices point
 * into the text that was given and into the pool.
 */
typedef struct {
    ngx_pool_t                        *pool;
    const ngx_http_notify_channel_t   *channel;
    ngx_http_notify_invalid_t         *invalid;
    ngx_http_notify_event_t           *event;

    ngx_uint_t                         shown;   /* unsigned  shown:1; it is one
                                                   that the API shows, or a
                                                   part: `id` is the event's,
                                                   and nothing is required */
    ngx_http_notify_log_flag_e         flag;    /* of the event, as declared */
    ngx_str_t                          twice;   /* see NGX_ABORT */

    ngx_str_t                          object_type;
    ngx_str_t                          event_type;
    ngx_str_t                          event_type_name;
    const ngx_http_notify_channel_event_t  *declared;   /* or NULL */
} ngx_http_notify_event_form_t;


/*
 * One scanned JSON object.  NGX_OK; NGX_DECLINED: form->invalid says what is
 * wrong; NGX_ABORT: the member form->twice is given twice, there or further
 * down (empty: its name is not known); NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_event_form(ngx_http_notify_event_form_t *form,
    const ngx_str_t *object);

/*
 * Member by member, for those who have no object; `value` is JSON text.
 * NGX_ERROR: memory.  _end resolves the event's name and checks what must be
 * there; its results are those of the above.
 */
ngx_int_t ngx_http_notify_event_form_set(ngx_http_notify_event_form_t *form,
    const ngx_str_t *name, const ngx_str_t *value);
ngx_int_t ngx_http_notify_event_form_end(ngx_http_notify_event_form_t *form);


#endif /* _NGX_HTTP_NOTIFY_EVENT_FORM_H_INCLUDED_ */
