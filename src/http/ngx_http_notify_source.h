/*
 * From a request to an event: the channel, the event's name, its tenant and
 * the NAME=VALUE of notify_emit and notify_sync.  Read-only after start.
 */

#ifndef _NGX_HTTP_NOTIFY_SOURCE_H_INCLUDED_
#define _NGX_HTTP_NOTIFY_SOURCE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_event_form.h"


typedef struct {
    ngx_http_notify_channel_t   *channel;
    ngx_str_t                    event;     /* its canonical name, at last */
    ngx_http_complex_value_t    *tenant;    /* NULL: notify_tenant's */
    ngx_array_t                  params;
    ngx_str_t                    directive;
    u_char                      *file;
    ngx_uint_t                   line;
    unsigned                     optional:1;  /* the tenant: it may be empty */
} ngx_http_notify_source_t;


/*
 * While a directive is read: its name, its channel and event are taken from
 * the first three arguments.
 */
char *ngx_http_notify_source_create(ngx_conf_t *cf,
    ngx_http_notify_source_t *source);
/* tenant=, optional or NAME=; else a phrase that follows what is wrong */
char *ngx_http_notify_source_arg(ngx_conf_t *cf,
    ngx_http_notify_source_t *source, const ngx_str_t *name,
    ngx_str_t *value);
/* at the end of http {}: events and attributes by name; the event may be NULL
 * afterwards, where the channel takes any; an empty one is known later */
char *ngx_http_notify_source_init(ngx_conf_t *cf,
    ngx_http_notify_source_t *source,
    const ngx_http_notify_channel_event_t **event);

/* as ngx_http_notify_tenant() */
ngx_int_t ngx_http_notify_source_tenant(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source, ngx_str_t *tenant);
/* NGX_DECLINED: an if= that is there says no */
ngx_int_t ngx_http_notify_source_if(ngx_http_request_t *r,
    ngx_http_complex_value_t *condition);
/* a form with its `event`, its tenant and `invalid` set: name, time and hops;
 * and then the parameters, NGX_ERROR: memory */
void ngx_http_notify_source_form(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source,
    ngx_http_notify_event_form_t *form);
ngx_int_t ngx_http_notify_source_params(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source,
    ngx_http_notify_event_form_t *form);
/* for one ngx_log_error(): with the channel and the request's tenant */
ngx_log_t *ngx_http_notify_source_log(ngx_http_request_t *r,
    const ngx_http_notify_source_t *source);


#endif /* _NGX_HTTP_NOTIFY_SOURCE_H_INCLUDED_ */
