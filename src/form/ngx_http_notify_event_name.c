/*
 * Names of events.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_event_name.h"


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

    name->len = object->len + 1 + type->len;
    name->data = ngx_pnalloc(pool, name->len);

    if (name->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(name->data, "%V.%V", object, type);

    return NGX_OK;
}
