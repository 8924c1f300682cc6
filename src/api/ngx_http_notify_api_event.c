/*
 * One event of the log: by its id, which is its place, or by the uid that its
 * publisher gave it.
 */

#include "ngx_http_notify_api_deliveries.h"
#include "ngx_http_notify_api_erase.h"
#include "ngx_http_notify_id.h"
#include "ngx_http_notify_known.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_payload.h"
#include "ngx_http_notify_script.h"


static void ngx_http_notify_api_event_range(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *id, ngx_http_notify_api_reply_pt handler);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_event_by_id;
static void ngx_http_notify_api_event_key(ngx_http_notify_api_t *api);
static ngx_http_notify_api_reply_t  ngx_http_notify_api_event_found;
static ngx_http_notify_api_reply_t  ngx_http_notify_api_event_by_uid;
static void ngx_http_notify_api_event_none(ngx_http_notify_api_t *api);
static ngx_int_t ngx_http_notify_api_event_show(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp);


void
ngx_http_notify_api_event(ngx_http_notify_api_t *api)
{
    ngx_http_notify_id_t  id;

    if (ngx_http_notify_id_event_parse(&api->segments[0], &id) == NGX_OK) {
        ngx_http_notify_api_event_range(api, &id,
                                        ngx_http_notify_api_event_by_id);
        return;
    }

    ngx_http_notify_api_event_key(api);
}


static void
ngx_http_notify_api_event_range(ngx_http_notify_api_t *api,
    const ngx_http_notify_id_t *id, ngx_http_notify_api_reply_pt handler)
{
    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_log_range(
            api->channel->redis, &api->channel->keys, id, 1, id, 1,
            ngx_http_notify_api_asked, ngx_http_notify_api_ask(api, handler))
        != NULL ? NGX_OK : NGX_ERROR);
}


/* what looks like an id of ours may be a publisher's uid after all */

static void
ngx_http_notify_api_event_by_id(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_id_t  id;

    if (ngx_http_notify_api_event_show(api, resp) == NGX_OK) {
        return;
    }

    if (api->method == NGX_HTTP_DELETE && resp->nelts == 0
        && ngx_http_notify_id_event_parse(&api->segments[0], &id) == NGX_OK)
    {
        ngx_http_notify_api_erase(api, &id, NULL);
        return;
    }

    ngx_http_notify_api_event_key(api);
}


static void
ngx_http_notify_api_event_key(ngx_http_notify_api_t *api)
{
    ngx_str_t                   parts[2], name, known;
    ngx_http_notify_command_t  *command;
    u_char                      digest[32];
    u_char                      buf[NGX_HTTP_NOTIFY_KNOWN_NAME];

    parts[0] = api->tenant;
    parts[1] = api->segments[0];

    name.data = digest;
    name.len = sizeof(digest);

    if (ngx_http_notify_id_digest(parts, 2, digest) != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return;
    }

    ngx_http_notify_known_name(&name, NGX_HTTP_NOTIFY_KNOWN_EVENT, buf);

    known.data = buf;
    known.len = sizeof(buf);

    command = ngx_http_notify_api_script(api, &ngx_http_notify_script_known,
                                         ngx_http_notify_api_event_found);

    ngx_http_notify_command_key(command, &api->channel->keys, "log");
    ngx_http_notify_command_key_of(command, &api->channel->keys, "id", &name);
    ngx_http_notify_command_arg(command, &known);

    ngx_http_notify_api_command_send(api, command);
}


static void
ngx_http_notify_api_event_found(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_id_t  *id;

    if (resp->type != NGX_HTTP_NOTIFY_RESP_STRING) {
        ngx_http_notify_api_event_none(api);
        return;
    }

    id = ngx_palloc(api->request->pool, sizeof(ngx_http_notify_id_t));
    if (id == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    if (ngx_http_notify_id_parse(&resp->str, id) != NGX_OK) {
        ngx_http_notify_api_event_none(api);
        return;
    }

    api->data = id;

    ngx_http_notify_api_event_range(api, id, ngx_http_notify_api_event_by_uid);
}


static void
ngx_http_notify_api_event_by_uid(ngx_http_notify_api_t *api,
    ngx_http_notify_resp_t *resp)
{
    if (ngx_http_notify_api_event_show(api, resp) == NGX_OK) {
        return;
    }

    if (api->method == NGX_HTTP_DELETE && resp->nelts == 0) {
        ngx_http_notify_api_erase(api, api->data, NULL);
        return;
    }

    ngx_http_notify_api_event_none(api);
}


static void
ngx_http_notify_api_event_none(ngx_http_notify_api_t *api)
{
    ngx_http_notify_api_problem(api, NGX_HTTP_NOT_FOUND, "not_found",
                                "there is no such event (any more)");
}


/* NGX_DECLINED: no event of this tenant, nothing has been sent */

static ngx_int_t
ngx_http_notify_api_event_show(ngx_http_notify_api_t *api,
    const ngx_http_notify_resp_t *resp)
{
    ngx_int_t                 rc;
    ngx_str_t                 json;
    ngx_http_notify_resp_t   *entry;
    ngx_http_notify_event_t  *event;

    entry = ngx_http_notify_resp_at(resp, 0);
    if (entry == NULL) {
        return NGX_DECLINED;
    }

    event = ngx_http_notify_log_event(entry,
                                      api->request->connection->log);
    if (event == NULL) {
        return NGX_DECLINED;
    }

    if (!ngx_http_notify_api_owns(api, &event->tenant)) {
        ngx_http_notify_log_unref(event);
        return NGX_DECLINED;
    }

    if (api->nsegments == 2) {
        ngx_http_notify_api_deliveries_event(api, event);
        return NGX_OK;
    }

    if (api->method == NGX_HTTP_DELETE) {
        ngx_http_notify_api_erase(api, &event->id, event);
        return NGX_OK;
    }

    rc = ngx_http_notify_payload_call(api->request->pool, event, 1, &json);

    ngx_http_notify_log_unref(event);

    if (rc != NGX_OK) {
        ngx_http_notify_api_failed(api);
        return NGX_OK;
    }

    ngx_http_notify_api_send(api, NGX_HTTP_OK, &json);

    return NGX_OK;
}
