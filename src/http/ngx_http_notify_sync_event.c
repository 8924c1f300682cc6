/*
 * The event that a request is asked about with: its parameters, its body.
 * Slices of the request's memory.  Must not know who is asked.
 */

#include "ngx_http_notify_body.h"
#include "ngx_http_notify_json.h"
#include "ngx_http_notify_metrics.h"
#include "ngx_http_notify_sync.h"


static ngx_int_t ngx_http_notify_sync_event_data(ngx_http_request_t *r,
    const ngx_http_notify_sync_conf_t *sync, ngx_str_t *data);


ngx_int_t
ngx_http_notify_sync_event(ngx_http_request_t *r,
    const ngx_http_notify_sync_conf_t *sync, const ngx_str_t *tenant,
    ngx_http_notify_event_t *event, ngx_http_notify_invalid_t *invalid)
{
    ngx_int_t                      rc;
    ngx_http_notify_event_form_t   form;

    ngx_memzero(invalid, sizeof(ngx_http_notify_invalid_t));
    ngx_memzero(&form, sizeof(ngx_http_notify_event_form_t));

    invalid->pool = r->pool;

    form.invalid = invalid;
    form.event = event;

    event->tenant = *tenant;

    ngx_http_notify_source_form(r, &sync->source, &form);

    if (ngx_http_notify_source_params(r, &sync->source, &form) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_sync_event_data(r, sync, &event->data);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_notify_event_form_end(&form);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_WARN,
                      ngx_http_notify_source_log(r, &sync->source), 0,
                      "notify sync: \"%V\" is not asked about, the event "
                      "would not be valid", &sync->source.event);
    }

    return rc;
}


/* JSON text; empty, and counted, where what there is cannot be sent */

static ngx_int_t
ngx_http_notify_sync_event_data(ngx_http_request_t *r,
    const ngx_http_notify_sync_conf_t *sync, ngx_str_t *data)
{
    ngx_int_t                      rc;
    ngx_str_t                      text;
    ngx_http_notify_json_error_t   error;

    ngx_str_null(data);

    if (sync->data == NULL) {

        rc = ngx_http_notify_body_here(r, sync->limit, &text);

        if (rc == NGX_ABORT) {
            return NGX_ABORT;
        }

        if (rc == NGX_DECLINED) {
            error.reason = "the request's body is longer than the limit";
            goto unread;
        }

    } else {
        rc = ngx_http_complex_value(r, sync->data, &text);
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (text.len == 0
        || ngx_http_notify_json_scan(&text, data, &error) == NGX_OK)
    {
        return NGX_OK;
    }

    /* what a variable says is text; a body that is not JSON is nothing */

    if (sync->data) {
        return ngx_http_notify_json_quote(r->pool, &text, data);
    }

unread:

    ngx_str_null(data);

    ngx_http_notify_metrics_add(sync->source.channel->metrics,
                                NGX_HTTP_NOTIFY_METRICS_UNREAD, 1);

    ngx_log_error(NGX_LOG_WARN,
                  ngx_http_notify_source_log(r, &sync->source), 0,
                  "notify sync: event \"%V\" has no data: %s",
                  &sync->source.event, error.reason);

    return NGX_OK;
}
