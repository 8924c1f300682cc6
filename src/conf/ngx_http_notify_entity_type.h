/*
 * entity_type: names for the numbers that calls carry, per object: 3 is an
 * Order where documents are meant.  Read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_ENTITY_TYPE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_ENTITY_TYPE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_channel.h"


/* entity_type OBJECT ID NAME [alias=NAME]... */
typedef struct {
    ngx_str_t      object;
    ngx_str_t      id;          /* canonical int64 */
    ngx_str_t      name;
    ngx_array_t   *aliases;     /* of ngx_str_t, or NULL */
} ngx_http_notify_entity_type_t;


/*
 * The number of a name or alias, ASCII case ignored, where the event's name,
 * or a subscription's pattern, tells the object ("*": any).  NGX_DECLINED: the
 * object has entity types and this is none of them; NGX_ABORT: it is several;
 * NGX_DONE: the object has none, so that nothing is known of names.
 */
ngx_int_t ngx_http_notify_entity_type_id(
    const ngx_http_notify_channel_t *channel, const ngx_str_t *event,
    const ngx_str_t *text, ngx_str_t *id);
/* whether it is one of the object of that event */
ngx_uint_t ngx_http_notify_entity_type_of(
    const ngx_http_notify_entity_type_t *type, const ngx_str_t *event);


#endif /* _NGX_HTTP_NOTIFY_ENTITY_TYPE_H_INCLUDED_ */
