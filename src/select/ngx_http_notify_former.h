/*
 * What a subscription has selected before, as long as there are events from
 * then that it may not have got: the field "ID former" of cursor:<shard>.
 */

#ifndef _NGX_HTTP_NOTIFY_FORMER_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_FORMER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_command.h"
#include "ngx_http_notify_selector.h"


#define NGX_HTTP_NOTIFY_FORMER_WORD  " former"      /* after the id */


typedef struct ngx_http_notify_former_s  ngx_http_notify_former_t;


/* the name of that field; NGX_ERROR: memory, and there is none */
void ngx_http_notify_former_add_field(ngx_http_notify_command_t *command,
    const ngx_str_t *id);

/*
 * From the value of that field, oldest first, a line each: "<stream id>
 * <version> <json>", the last event for which it holds, and the document as
 * far as it selects.  NULL: there are none that could be read, or no memory.
 */
ngx_http_notify_former_t *ngx_http_notify_former_create(const ngx_str_t *text,
    ngx_log_t *log);
void ngx_http_notify_former_destroy(ngx_http_notify_former_t *former);

/* that of an event of that id; NULL: it is for the present document; `former`
 * may be NULL */
ngx_http_notify_selector_t *ngx_http_notify_former_find(
    const ngx_http_notify_former_t *former, const ngx_http_notify_id_t *id);

/* whether it has nothing to say of what is behind that id */
ngx_uint_t ngx_http_notify_former_passed(
    const ngx_http_notify_former_t *former, const ngx_http_notify_id_t *id);

/* Replaces what is there by what the text says. */
void ngx_http_notify_former_set(ngx_http_notify_former_t **former,
    const ngx_str_t *text, ngx_log_t *log);
/* Whether an event is for the subscription of that document: by the document
 * of the event's time. */
ngx_uint_t ngx_http_notify_former_wants(const ngx_http_notify_former_t *former,
    const ngx_http_notify_subscription_t *doc,
    ngx_http_notify_filter_t *filter, const ngx_http_notify_event_t *event);


#endif /* _NGX_HTTP_NOTIFY_FORMER_H_INCLUDED_ */
