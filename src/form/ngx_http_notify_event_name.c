/*
 * Names of events.
 */

#include "ngx_http_notify_event_name.h"
#include "ngx_http_notify_invalid.h"
#include "ngx_http_notify_memory.h"


ngx_int_t
ngx_http_notify_event_name(ngx_pool_t *pool, const ngx_str_t *object,
    const ngx_str_t *type, ngx_str_t *name)
{
    if (object->len == 0
        || (type->len > object->len
            && type->data[object->len] == '.'
            && ngx_strncasecmp(type->data, object->data, object->len) == 0))
    {
        *name = *type;
        return NGX_OK;
    }

    return ngx_http_notify_memory_printf(pool, name, "%V.%V", object, type);
}


ngx_str_t
ngx_http_notify_event_name_all(const ngx_http_notify_channel_t *channel,
    ngx_pool_t *pool)
{
    ngx_str_t                               text;
    ngx_uint_t                              i;
    const ngx_str_t                        *list;
    ngx_http_notify_invalid_names_t         names;
    const ngx_http_notify_channel_event_t  *event;

    ngx_str_null(&text);

    if (channel->events == NULL) {
        return text;
    }

    ngx_memzero(&names, sizeof(ngx_http_notify_invalid_names_t));

    event = channel->events->elts;

    for (i = 0; i < channel->events->nelts; i++) {
        ngx_http_notify_invalid_names_add(&names, &event[i].name);
    }

    list = ngx_http_notify_invalid_names_end(&names);

    text.data = ngx_pnalloc(pool, 2 + list->len);

    if (text.data) {
        text.len = ngx_sprintf(text.data, ": %V", list) - text.data;
    }

    return text;
}
