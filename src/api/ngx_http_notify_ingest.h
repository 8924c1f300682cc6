/*
 * notify_ingest: the body of a webhook as an event's data.
 */

#ifndef _NGX_HTTP_NOTIFY_INGEST_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_INGEST_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* of a form; a document has no more of them either */
#define NGX_HTTP_NOTIFY_INGEST_FIELDS  1000


/*
 * A form as a JSON object: its fields as strings, one that is there several
 * times as an array of them.  NGX_DECLINED: it is not UTF-8, or too much;
 * NGX_ERROR: memory.
 */
ngx_int_t ngx_http_notify_ingest_object(ngx_pool_t *pool,
    const ngx_str_t *form, ngx_str_t *json);


#endif /* _NGX_HTTP_NOTIFY_INGEST_H_INCLUDED_ */
