/*
 * The values of variables that are members of a document.
 */

#include "ngx_http_notify_text.h"
#include "ngx_http_notify_variable.h"


ngx_int_t
ngx_http_notify_variable_member(ngx_pool_t *pool,
    const ngx_http_notify_json_t *object, const ngx_str_t *name,
    ngx_http_notify_value_t *value)
{
    void                          *cursor;
    ngx_str_t                      key;
    const ngx_http_notify_json_t  *member;

    cursor = NULL;

    for ( ;; ) {
        member = ngx_http_notify_json_member(object, &cursor, &key);

        if (member == NULL) {
            return NGX_DECLINED;
        }

        if (ngx_http_notify_text_same_name(&key, name)) {
            break;
        }
    }

    switch (ngx_http_notify_json_type(member)) {

    case NGX_HTTP_NOTIFY_JSON_STRING:
        value->text = ngx_http_notify_json_string(member);
        return NGX_OK;

    case NGX_HTTP_NOTIFY_JSON_NULL:
    case NGX_HTTP_NOTIFY_JSON_NONE:
        return NGX_OK;

    default:
        value->json = 1;
        return ngx_http_notify_json_dump(pool, member, 0, &value->text);
    }
}
