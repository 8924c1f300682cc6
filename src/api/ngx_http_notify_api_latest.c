/*
 * What the lists over the log have in common: their parameters, the read of a
 * page from its end, the link to the next one.
 */

#include "ngx_http_notify_api_latest.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_segment.h"


static ngx_int_t ngx_http_notify_api_latest_type(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest);
static ngx_int_t ngx_http_notify_api_latest_span(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest, const char *name, ngx_uint_t last,
    ngx_http_notify_id_t *id);


ngx_int_t
ngx_http_notify_api_latest_args(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest)
{
    latest->until.ms = (uint64_t) -1;
    latest->until.seq = (uint64_t) -1;

    if (ngx_http_notify_api_latest_type(api, latest) != NGX_OK
        || ngx_http_notify_api_latest_span(api, latest, "since", 0,
                                           &latest->since)
           != NGX_OK
        || ngx_http_notify_api_latest_span(api, latest, "until", 1,
                                           &latest->until)
           != NGX_OK)
    {
        return NGX_ABORT;
    }

    if (ngx_http_notify_id_compare(&latest->until, &latest->since) < 0) {
        ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                    "invalid_parameter",
                                    "\"until\" is before \"since\"");
        return NGX_ABORT;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_latest_type(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_api_arg(api, "eventType", &value);

    if (rc == NGX_ABORT) {
        return NGX_ABORT;
    }

    if (rc == NGX_DECLINED || value.len == 0) {
        return NGX_OK;
    }

    if (ngx_http_notify_channel_event(api->channel, &value, &latest->type,
                                      NULL)
        != NGX_OK)
    {
        /* operators' events, or what was published under another catalogue */
        latest->type = value;
    }

    if (ngx_http_notify_api_latest_link(api, latest, "eventType", &value)
        != NGX_OK)
    {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_notify_api_latest_span(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest, const char *name, ngx_uint_t last,
    ngx_http_notify_id_t *id)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_api_latest_place(api, name, last, id);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ABORT;
    }

    (void) ngx_http_notify_api_arg(api, name, &value);

    if (ngx_http_notify_api_latest_link(api, latest, name, &value) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return NGX_ABORT;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_notify_api_latest_place(ngx_http_notify_api_t *api, const char *name,
    ngx_uint_t last, ngx_http_notify_id_t *id)
{
    uint64_t   ms;
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_notify_api_arg(api, name, &value);

    if (rc != NGX_OK || value.len == 0) {
        return rc == NGX_ABORT ? NGX_ABORT : NGX_DECLINED;
    }

    if (ngx_http_notify_id_event_parse(&value, id) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_http_notify_id_time_parse(&value, &ms) == NGX_OK) {
        id->ms = ms;
        id->seq = last ? (uint64_t) -1 : 0;
        return NGX_OK;
    }

    ngx_http_notify_api_problem(api, NGX_HTTP_BAD_REQUEST,
                                "invalid_parameter",
                                "\"%s\" must be an RFC 3339 time or the id of "
                                "an event", name);
    return NGX_ABORT;
}


ngx_int_t
ngx_http_notify_api_latest_link(ngx_http_notify_api_t *api,
    ngx_http_notify_api_latest_t *latest, const char *name,
    const ngx_str_t *value)
{
    u_char  *p;
    size_t   len;

    len = latest->link.len + ngx_strlen(name) + value->len + 2
          + 2 * ngx_escape_uri(NULL, value->data, value->len,
                               NGX_ESCAPE_URI_COMPONENT);

    p = ngx_pnalloc(api->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    len = ngx_sprintf(p, "%V&%s=", &latest->link, name) - p;
    len = (u_char *) ngx_escape_uri(p + len, value->data, value->len,
                                    NGX_ESCAPE_URI_COMPONENT)
          - p;

    latest->link.data = p;
    latest->link.len = len;

    return NGX_OK;
}


void
ngx_http_notify_api_latest_read(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_latest_t *latest, ngx_uint_t limit,
    ngx_http_notify_api_reply_pt handler)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_latest,
                                         handler);

    ngx_http_notify_command_filter(command, ngx_http_notify_segment_inflate);
    ngx_http_notify_command_key(command, &api->channel->keys, "log");

    if (latest->placed
        && ngx_http_notify_id_compare(&latest->before, &latest->until) <= 0)
    {
        ngx_http_notify_command_printf(command, "(%uL-%uL",
                                       latest->before.ms, latest->before.seq);
    } else {
        ngx_http_notify_command_id(command, &latest->until);
    }

    ngx_http_notify_command_id(command, &latest->since);
    ngx_http_notify_command_number(command, limit);
    ngx_http_notify_command_number(command, NGX_HTTP_NOTIFY_API_LATEST_BYTES);
    ngx_http_notify_command_number(command, NGX_HTTP_NOTIFY_API_LATEST_LOOK);
    ngx_http_notify_command_arg(command, &api->tenant);
    ngx_http_notify_command_arg(command, &latest->type);

    ngx_http_notify_api_command_send(api, command);
}


ngx_int_t
ngx_http_notify_api_latest_next(ngx_http_notify_api_t *api,
    const ngx_http_notify_api_latest_t *latest, ngx_uint_t limit,
    const ngx_str_t *place)
{
    static const ngx_str_t  none = ngx_null_string;

    return ngx_http_notify_api_next(api, &none, "", limit, "before", place,
                                    &latest->link);
}
