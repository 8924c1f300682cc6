/*
 * What a log holds, and what it has lost.  No state.  Does not know what a
 * place is for.
 */

#include "ngx_http_notify_log_state.h"
#include "ngx_http_notify_script.h"


ngx_int_t
ngx_http_notify_log_state_ask(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(redis,
                                             &ngx_http_notify_script_log_state,
                                             handler, data);

    ngx_http_notify_command_key(command, keys, "log");

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_log_state_parse(const ngx_http_notify_resp_t *resp,
    ngx_http_notify_log_state_t *state)
{
    ngx_uint_t  i;

    ngx_memzero(state, sizeof(ngx_http_notify_log_state_t));

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY) {
        return NGX_ERROR;
    }

    if (resp->nelts == 0) {
        return NGX_DECLINED;
    }

    if (resp->nelts != 5) {
        return NGX_ERROR;
    }

    for (i = 0; i < 2; i++) {
        if (resp->elts[i]->type != NGX_HTTP_NOTIFY_RESP_INTEGER
            || resp->elts[i]->integer < 0)
        {
            return NGX_ERROR;
        }
    }

    state->length = resp->elts[0]->integer;
    state->added = resp->elts[1]->integer;

    if (ngx_http_notify_id_parse(&resp->elts[2]->str, &state->last) != NGX_OK
        || ngx_http_notify_id_parse(&resp->elts[3]->str, &state->deleted)
           != NGX_OK
        || ngx_http_notify_id_parse(&resp->elts[4]->str, &state->first)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_notify_log_state_lost(const ngx_http_notify_log_state_t *state,
    const ngx_http_notify_id_t *place, ngx_http_notify_id_t *first)
{
    *first = state->first;

    /* an empty log goes on behind what it had */

    if (state->length == 0) {
        *first = ngx_http_notify_id_after(&state->last);
    }

    *first = ngx_http_notify_id_before(first);

    if (ngx_http_notify_id_compare(place, &state->last) >= 0
        || ngx_http_notify_id_compare(place, first) >= 0)
    {
        return 0;
    }

    if (state->deleted.ms || state->deleted.seq) {
        return ngx_http_notify_id_compare(&state->deleted, place) > 0;
    }

    return state->added > state->length;
}
