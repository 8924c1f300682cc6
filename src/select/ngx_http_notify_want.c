/*
 * Whether an event is one that a reader of the log wants.  Must not know who
 * reads, nor how.
 */

#include "ngx_http_notify_text.h"
#include "ngx_http_notify_want.h"


ngx_uint_t
ngx_http_notify_want_test(const ngx_http_notify_want_t *want,
    const ngx_http_notify_event_t *event)
{
    return ngx_http_notify_text_equal(&event->tenant, &want->tenant)
           && (want->event_type.len == 0
               || ngx_http_notify_text_equal(&event->type, &want->event_type))
           && (want->entity_type.len == 0
               || ngx_http_notify_text_equal(&event->entity_type_id,
                                             &want->entity_type))
           && (want->selector == NULL
               || ngx_http_notify_selector_test(want->selector, event));
}
