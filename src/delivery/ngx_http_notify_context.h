/*
 * What a line of the error log is about, in names that the reader knows: the
 * public id of an event, a subscription, a channel, a tenant, a host.  Never a
 * secret, a path of a URL, or a payload.
 */

#ifndef _NGX_HTTP_NOTIFY_CONTEXT_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_CONTEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_id.h"


/* zeroed; those that are set are written: "..., channel: "shop", ..." */
typedef struct {
    const ngx_http_notify_id_t   *event;
    const ngx_str_t              *subscription;
    const ngx_str_t              *channel;
    const ngx_str_t              *tenant;   /* unless it is the default one */
    const ngx_str_t              *url;      /* its host and port */
} ngx_http_notify_context_t;


/* writes at most len bytes; returns their end */
u_char *ngx_http_notify_context_write(const ngx_http_notify_context_t *context,
    u_char *buf, size_t len);

/* The log that the line of this turn goes to: what `log` appends to it comes
 * first, then the context.  For one ngx_log_error(); the next call of this
 * function replaces it. */
ngx_log_t *ngx_http_notify_context_log(ngx_log_t *log,
    const ngx_http_notify_context_t *context);

/* an event's public id, for one "%V", until the next call */
ngx_str_t *ngx_http_notify_context_event(const ngx_http_notify_id_t *id);
/* of a URL; a slice of it, or of what has no scheme all up to a "/" */
ngx_str_t ngx_http_notify_context_host(const ngx_str_t *url);


#endif /* _NGX_HTTP_NOTIFY_CONTEXT_H_INCLUDED_ */
