/*
 * What Redis hands back, from the bytes on: entries of the log, attempts, what
 * a log is, INFO, a cluster's slots, a sentinel's master, the reply that
 * deliveries are made of; and the ids of deliveries, which a client sends.
 */

#include "fuzz.h"
#include "ngx_http_notify_attempts.h"
#include "ngx_http_notify_channel.h"
#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_delivery_view.h"
#include "ngx_http_notify_log.h"
#include "ngx_http_notify_log_state.h"
#include "ngx_http_notify_redis_info.h"
#include "ngx_http_notify_redis_internal.h"


static void
fuzz_attempts(ngx_pool_t *pool, ngx_str_t *input)
{
    ngx_str_t                         heads;
    ngx_http_notify_attempt_t         attempt;
    ngx_http_notify_attempts_iter_t   it;

    heads = fuzz_cut(pool, input, '\t');

    ngx_http_notify_attempts_iter(&it, &heads, input);

    while (ngx_http_notify_attempts_next(&it, &attempt) == NGX_OK) {
        fuzz_check(attempt.error.len == 0
                   || fuzz_within(&attempt.error, &heads));
        fuzz_check(attempt.detail.len == 0
                   || fuzz_within(&attempt.detail, input));
        fuzz_check(attempt.response.len == 0
                   || fuzz_within(&attempt.response, input));
    }
}


static void
fuzz_entry(ngx_pool_t *pool, const ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_id_t        id;
    ngx_http_notify_redis_t     redis;
    ngx_http_notify_event_t    *event;
    ngx_http_notify_command_t  *command;

    event = ngx_http_notify_log_event(resp, pool->log);

    if (event == NULL) {
        return;
    }

    fuzz_check(ngx_http_notify_log_entry_id(resp, &id) == NGX_OK);
    fuzz_check(ngx_http_notify_id_compare(&id, &event->id) == 0);
    fuzz_check(event->type.len > 0);

    command = ngx_http_notify_command_start(&redis, "XADD", NULL, NULL);
    ngx_http_notify_log_write(command, event);
    fuzz_check(ngx_http_notify_command_close(command) == NGX_OK);
    fuzz_check(ngx_http_notify_command_strings(command)
               == 1 + ngx_http_notify_log_strings(event));
    ngx_http_notify_command_free(command);

    ngx_http_notify_log_unref(event);
}


static void
fuzz_deliveries(ngx_pool_t *pool, ngx_http_notify_resp_t *resp)
{
    ngx_str_t                         shown;
    ngx_uint_t                        i;
    ngx_http_notify_resp_t           *rows;
    ngx_http_notify_channel_t         channel;
    ngx_http_notify_json_error_t      error;
    ngx_http_notify_json_write_t      w;
    ngx_http_notify_delivery_row_t    row;
    ngx_http_notify_delivery_view_t   view;

    static ngx_array_t  profiles;

    ngx_memzero(&channel, sizeof(ngx_http_notify_channel_t));
    channel.profiles = &profiles;

    ngx_memzero(&view, sizeof(ngx_http_notify_delivery_view_t));
    view.pool = pool;
    view.channel = &channel;

    if (ngx_http_notify_delivery_view_take(&view, resp) != NGX_OK) {
        return;
    }

    rows = ngx_http_notify_resp_at(resp, NGX_HTTP_NOTIFY_DELIVERIES_ROWS);

    for (i = 0;
         rows && i + NGX_HTTP_NOTIFY_DELIVERIES_ROW <= rows->nelts;
         i += NGX_HTTP_NOTIFY_DELIVERIES_ROW)
    {
        if (ngx_http_notify_delivery_view_row(&view, &rows->elts[i], &row)
            != NGX_OK)
        {
            continue;
        }

        ngx_http_notify_json_write_init(&w, pool);
        ngx_http_notify_delivery_view_show(&view, &row, &w);
        fuzz_check(ngx_http_notify_json_write_done(&w, &shown) == NGX_OK);
        fuzz_check(ngx_http_notify_json_parse(pool, &shown, &error) != NULL);

        if (row.entry != NULL) {
            ngx_http_notify_log_unref(row.entry);
        }
    }
}


/* of a node of a cluster */

static void
fuzz_address(const ngx_http_notify_resp_t *resp)
{
    ngx_http_notify_redis_node_t  node;

    if (ngx_http_notify_redis_cluster_find(resp, 5461, &node) == NGX_OK) {
        fuzz_check(node.port >= 1 && node.port <= 65535);
        fuzz_check(node.address.len == 0 || node.address.data != NULL);
    }
}


static void
fuzz_reply(ngx_pool_t *pool, ngx_uint_t choice, const ngx_str_t *input)
{
    ngx_http_notify_id_t            first;
    ngx_http_notify_resp_t         *resp;
    ngx_http_notify_log_state_t     state;
    ngx_http_notify_resp_parser_t  *parser;

    parser = ngx_http_notify_resp_parser_create(pool->log);
    fuzz_check(parser != NULL);

    if (ngx_http_notify_resp_parser_feed(parser, input->data, input->len)
        == NGX_OK
        && ngx_http_notify_resp_parser_next(parser, &resp) == NGX_OK)
    {
        switch (choice) {

        case 0:
            fuzz_entry(pool, resp);
            break;

        case 1:
            fuzz_address(resp);
            break;

        case 2:
            if (ngx_http_notify_log_state_parse(resp, &state) == NGX_OK) {
                (void) ngx_http_notify_log_state_lost(&state, &state.first,
                                                      &first);
            }

            break;

        default:
            fuzz_deliveries(pool, resp);
        }

        ngx_http_notify_resp_free(resp);
    }

    ngx_http_notify_resp_parser_destroy(parser);
}


void
fuzz_one(ngx_pool_t *pool, ngx_uint_t choice, ngx_str_t *input)
{
    ngx_str_t                      subscription, id, again;
    ngx_http_notify_id_t           event, from, to;
    ngx_http_notify_redis_info_t   info;

    switch (choice % 8) {

    case 0:
        fuzz_attempts(pool, input);
        return;

    case 1:
        ngx_http_notify_redis_info_parse(input, &info);
        fuzz_check(info.version.len == 0 || fuzz_within(&info.version, input));
        fuzz_check(info.policy.len == 0 || fuzz_within(&info.policy, input));
        return;

    case 2:
        if (ngx_http_notify_delivery_view_parse(pool, input, &subscription,
                                                &event)
            == NGX_OK)
        {
            fuzz_check(ngx_http_notify_delivery_view_id(pool, &subscription,
                                                        &event, &id)
                       == NGX_OK);
            fuzz_check(ngx_http_notify_delivery_view_parse(pool, &id, &again,
                                                           &from)
                       == NGX_OK);
            fuzz_check(fuzz_same(&subscription, &again));
        }

        return;

    case 3:
        (void) ngx_http_notify_id_interval(input, &from, &to);
        return;

    default:
        fuzz_reply(pool, choice % 4, input);
    }
}
