/*
 * Whether an event is one that a reader of the log wants.  Must not know who
 * reads, nor how.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_want.h"


#define ngx_http_notify_want_same(a, b)                                       \
    ((a)->len == (b)->len                                                     \
     && ((a)->len == 0 || ngx_memcmp((a)->data, (b)->data, (b)->len) == 0))


ngx_uint_t
ngx_http_notify_want_test(const ngx_http_notify_want_t *want,
    const ngx_http_notify_event_t *event)
{
    if (!ngx_http_notify_want_same(&event->tenant, &want->tenant)) {
        return 0;
    }

    if (want->event_type.len
        && !ngx_http_notify_want_same(&event->type, &want->event_type))
    {
        return 0;
    }

    if (want->entity_type.len
        && !ngx_http_notify_want_same(&event->entity_type_id,
                                      &want->entity_type))
    {
        return 0;
    }

    return want->selection == NULL
           || ngx_http_notify_selection_test(want->selection, event);
}
