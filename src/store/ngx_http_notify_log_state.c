/*
 * What there is of a log, and was.  Nothing is kept here.  Must not know what
 * a place is for.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_log_state.h"


ngx_http_notify_redis_command_t *
ngx_http_notify_log_state_ask(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_str_t                         argv[3];
    ngx_pool_t                       *pool;
    ngx_http_notify_redis_command_t  *command;

    pool = ngx_create_pool(512, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    command = NULL;

    ngx_str_set(&argv[0], "XINFO");
    ngx_str_set(&argv[1], "STREAM");
    argv[2] = ngx_http_notify_keys_name(pool, keys, "log", NULL);

    if (argv[2].data) {
        command = ngx_http_notify_redis_submit(redis, argv, 3, 0, handler,
                                               data);
    }

    ngx_destroy_pool(pool);

    return command;
}


ngx_int_t
ngx_http_notify_log_state_parse(const ngx_http_notify_resp_t *resp,
    ngx_http_notify_log_state_t *state)
{
    ngx_uint_t               i;
    ngx_http_notify_resp_t  *name, *value;

    ngx_memzero(state, sizeof(ngx_http_notify_log_state_t));

    /* "ERR no such key" */

    if (resp && ngx_http_notify_resp_is_error(resp, "ERR")) {
        return NGX_DECLINED;
    }

    if (resp == NULL || resp->type != NGX_HTTP_NOTIFY_RESP_ARRAY) {
        return NGX_ERROR;
    }

    for (i = 0; i + 1 < resp->nelts; i += 2) {
        name = resp->elts[i];
        value = resp->elts[i + 1];

        if (name->type != NGX_HTTP_NOTIFY_RESP_STRING) {
            continue;
        }

        if (ngx_strcmp(name->str.data, "length") == 0) {
            state->length = value->integer;

        } else if (ngx_strcmp(name->str.data, "entries-added") == 0) {
            state->added = value->integer;

        } else if (ngx_strcmp(name->str.data, "last-generated-id") == 0) {
            (void) ngx_http_notify_id_parse(&value->str, &state->last);

        } else if (ngx_strcmp(name->str.data, "max-deleted-entry-id") == 0) {
            (void) ngx_http_notify_id_parse(&value->str, &state->deleted);

        } else if (ngx_strcmp(name->str.data, "first-entry") == 0
                   && value->type == NGX_HTTP_NOTIFY_RESP_ARRAY)
        {
            (void) ngx_http_notify_log_entry_id(value, &state->first);
        }
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
