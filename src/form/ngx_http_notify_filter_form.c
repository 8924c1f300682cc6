/*
 * Filters as clients give them, and what is wrong with them.
 */

#include "ngx_http_notify_filter_form.h"
#include "ngx_http_notify_memory.h"


static ngx_int_t ngx_http_notify_filter_form_refuse(ngx_pool_t *pool,
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    const ngx_str_t *pointer, const char *reason);


ngx_int_t
ngx_http_notify_filter_form(ngx_pool_t *pool,
    const ngx_http_notify_channel_t *channel,
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    const ngx_str_t *text, ngx_http_notify_filter_t **filter)
{
    ngx_str_t         pointer;
    ngx_uint_t        i, n;
    const char       *reason;
    const ngx_str_t  *attribute;

    reason = NULL;
    ngx_str_null(&pointer);

    *filter = ngx_http_notify_filter_compile_new(pool, text, &reason,
                                                 &pointer);
    if (*filter == NULL) {
        return reason ? ngx_http_notify_filter_form_refuse(pool, invalid, name,
                                                           &pointer, reason)
                      : NGX_ERROR;
    }

    for (i = 0; /* void */ ; i++) {
        n = i;

        attribute = ngx_http_notify_filter_attributes(*filter, &n);
        if (attribute == NULL) {
            return NGX_OK;
        }

        if (!ngx_http_notify_channel_attribute(channel, attribute)) {
            ngx_http_notify_invalid_add(invalid, name,
                                        "begins a path with \"%V\", which no "
                                        "event has", attribute);
            return NGX_DECLINED;
        }
    }
}


static ngx_int_t
ngx_http_notify_filter_form_refuse(ngx_pool_t *pool,
    ngx_http_notify_invalid_t *invalid, const ngx_str_t *name,
    const ngx_str_t *pointer, const char *reason)
{
    ngx_str_t  prefix;

    prefix = invalid->prefix;

    if (ngx_http_notify_memory_printf(pool, &invalid->prefix, "%V/%V%V",
                                      &prefix, name, pointer)
        != NGX_OK)
    {
        invalid->prefix = prefix;
        return NGX_ERROR;
    }

    ngx_http_notify_invalid_add(invalid, NULL, "%s", reason);

    invalid->prefix = prefix;

    return NGX_DECLINED;
}
