/*
 * Where a reader of deltas begins: what is kept of the log is asked first, a
 * place may be older, or newer.
 */

#include "ngx_http_notify_api_deltas.h"
#include "ngx_http_notify_log_state.h"


/* what a log that lost its end may have got behind a cursor since */
#define NGX_HTTP_NOTIFY_API_DELTAS_RESYNC  60000


static ngx_http_notify_redis_handler_t  ngx_http_notify_api_deltas_info;
static ngx_int_t ngx_http_notify_api_deltas_start(
    ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_log_state_t *state);
static void ngx_http_notify_api_deltas_gone(
    ngx_http_notify_api_deltas_t *deltas, const ngx_http_notify_id_t *id);


void
ngx_http_notify_api_deltas_begin(ngx_http_notify_api_deltas_t *deltas)
{
    ngx_http_notify_api_t      *api;

    api = deltas->api;

    ngx_http_notify_api_suspended_began(api,
        ngx_http_notify_log_state_ask(
            api->channel->redis, &api->channel->keys,
            ngx_http_notify_api_deltas_info,
            ngx_http_notify_api_suspended_begin(api)));
}


static void
ngx_http_notify_api_deltas_info(ngx_http_notify_resp_t *resp, void *data)
{
    ngx_http_notify_api_t         *api;
    ngx_http_notify_log_state_t    state;
    ngx_http_notify_api_deltas_t  *deltas;

    api = ngx_http_notify_api_suspended_resume(data);
    if (api == NULL) {
        return;
    }

    deltas = api->data;

    if (ngx_http_notify_log_state_parse(resp, &state) == NGX_ERROR) {
        if (ngx_http_notify_api_reply(api, resp, "api") == NGX_OK) {
            ngx_http_notify_api_failed(api);
        }

        return;
    }

    if (ngx_http_notify_api_deltas_start(deltas, &state) != NGX_OK) {
        return;
    }

    deltas->begun(deltas);
}


/*
 * Where to begin.  An event after the end of the log was there in a Redis that
 * had more: what was written since then may stand before it, so the reader goes
 * back by as much as clocks and replicas may differ.  A time may be ahead of
 * the log: the reader waits for it.
 */

static ngx_int_t
ngx_http_notify_api_deltas_start(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_log_state_t *state)
{
    ngx_http_notify_id_t  first;

    deltas->seen = state->last;

    if (!deltas->placed && !deltas->since) {

        if (state->length == 0) {
            deltas->from = state->last;
        }

        return NGX_OK;
    }

    if (ngx_http_notify_id_compare(&deltas->from, &state->last) > 0
        && !ngx_http_notify_id_is_time(&deltas->from))
    {
        deltas->resync = 1;

        deltas->from.ms -= ngx_min(deltas->from.ms,
                                   NGX_HTTP_NOTIFY_API_DELTAS_RESYNC);
        deltas->from.seq = 0;

        if (ngx_http_notify_id_compare(&deltas->from, &state->last) > 0) {
            deltas->from = state->last;
        }

        return NGX_OK;
    }

    if (deltas->placed
        && ngx_http_notify_log_state_lost(state, &deltas->from, &first))
    {
        ngx_http_notify_api_deltas_gone(deltas, &first);
        return NGX_ABORT;
    }

    return NGX_OK;
}


/* what a read from `from` on did not find up to `seen` is not there any more */

ngx_http_notify_id_t
ngx_http_notify_api_deltas_wait_at(const ngx_http_notify_api_deltas_t *deltas,
    ngx_http_notify_id_t *from)
{
    if (ngx_http_notify_id_compare(from, &deltas->seen) < 0) {
        *from = deltas->seen;
    }

    return ngx_http_notify_id_is_time(from) ? deltas->seen : *from;
}


static void
ngx_http_notify_api_deltas_gone(ngx_http_notify_api_deltas_t *deltas,
    const ngx_http_notify_id_t *id)
{
    u_char                  buf[NGX_HTTP_NOTIFY_ID_CURSOR_LEN];
    u_char                 *p;
    ngx_str_t               oldest;
    ngx_http_notify_api_t  *api;

    api = deltas->api;

    p = ngx_http_notify_id_cursor(buf, id, &api->tenant, deltas->hmac);
    if (p == NULL) {
        ngx_http_notify_api_failed(api);
        return;
    }

    oldest.data = buf;
    oldest.len = p - buf;

    ngx_http_notify_api_problem_extra(api, 410, "cursor_expired", "oldest",
                                      &oldest,
                                      "events behind the cursor are gone; "
                                      "\"oldest\" is the cursor of what is "
                                      "left");
}
