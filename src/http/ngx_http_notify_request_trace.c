/*
 * From the headers traceparent and tracestate to an event.
 */

#include "ngx_http_notify_request_header.h"
#include "ngx_http_notify_request_trace.h"
#include "ngx_http_notify_text.h"
#include "ngx_http_notify_trace.h"


static ngx_int_t ngx_http_notify_request_trace_state(ngx_http_request_t *r,
    ngx_str_t *state);


ngx_int_t
ngx_http_notify_request_trace(ngx_http_request_t *r,
    ngx_http_notify_event_t *event)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    static const ngx_str_t  name = ngx_string("traceparent");

    r = r->main;

    if (ngx_http_notify_request_header(r, &name, &value) != 1) {
        return NGX_OK;
    }

    rc = ngx_http_notify_trace_parent(r->pool, &value, &event->traceparent);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    return ngx_http_notify_request_trace_state(r, &event->tracestate);
}


static ngx_int_t
ngx_http_notify_request_trace_state(ngx_http_request_t *r, ngx_str_t *state)
{
    size_t            len;
    u_char           *p;
    ngx_str_t         value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    static const ngx_str_t  name = ngx_string("tracestate");

    switch (ngx_http_notify_request_header(r, &name, &value)) {

    case 0:
        return NGX_OK;

    case 1:
        (void) ngx_http_notify_trace_state(&value, state);
        return NGX_OK;

    default:
        break;
    }

    /* several are one list */

    len = 0;
    p = NULL;

again:

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (!ngx_http_notify_text_equal_nocase(&header[i].key, &name)) {
                continue;
            }

            if (p == NULL) {
                len += header[i].value.len + 1;
                continue;
            }

            p = ngx_cpymem(p, header[i].value.data, header[i].value.len);
            *p++ = ',';
        }
    }

    if (p == NULL) {
        p = ngx_pnalloc(r->pool, len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = len;

        goto again;
    }

    (void) ngx_http_notify_trace_state(&value, state);

    return NGX_OK;
}
