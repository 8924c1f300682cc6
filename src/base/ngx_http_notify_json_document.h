/*
 * A document as jansson has it, for the files of json that know jansson.
 */

#ifndef _NGX_HTTP_NOTIFY_JSON_DOCUMENT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_JSON_DOCUMENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <jansson.h>
#include "ngx_http_notify_json.h"


/* two levels for what is wrapped around a parsed document */
#define NGX_HTTP_NOTIFY_JSON_DOCUMENT_LEVELS                                  \
    (NGX_HTTP_NOTIFY_JSON_DOCUMENT_DEPTH + 2)

/*
 * A number that is not the canonical form of an int64 is a string of jansson:
 * this byte, which no UTF-8 has, and the number's text.
 */
#define NGX_HTTP_NOTIFY_JSON_WRITTEN  0xff

/* ngx_http_notify_json_t is never defined: a json_t under another name */

#define ngx_http_notify_json_in(json)   ((json_t *) (json))
#define ngx_http_notify_json_out(json)  ((ngx_http_notify_json_t *) (json))


static ngx_inline ngx_uint_t
ngx_http_notify_json_is_written(const json_t *json)
{
    return json_is_string(json)
           && (u_char) json_string_value(json)[0]
              == NGX_HTTP_NOTIFY_JSON_WRITTEN;
}


/* hands the creator's reference to the pool; NULL: memory, or no json */
ngx_http_notify_json_t *ngx_http_notify_json_own(ngx_pool_t *pool,
    json_t *json);

/* the text of a number, null-terminated, that of an integer in buf */
ngx_int_t ngx_http_notify_json_number(const json_t *json,
    u_char buf[NGX_INT64_LEN + 1], ngx_str_t *number);


#endif /* _NGX_HTTP_NOTIFY_JSON_DOCUMENT_H_INCLUDED_ */
