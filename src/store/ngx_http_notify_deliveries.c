/*
 * The keys and arguments of two scripts.  Keeps nothing, and must not know
 * what a delivery's state means.
 */

#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_script.h"
#include "ngx_http_notify_segment.h"


static const char  *ngx_http_notify_deliveries_hows[] = {
    "one", "log", "retry", "dead", "kept"
};


ngx_int_t
ngx_http_notify_deliveries_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    ngx_http_notify_deliveries_how_e how, const ngx_http_notify_id_t *place,
    ngx_uint_t limit, ngx_uint_t attempts,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_uint_t                  shard;
    ngx_http_notify_command_t  *command;

    shard = ngx_http_notify_keys_shard_of(subscription);

    command = ngx_http_notify_command_script(redis,
                                           &ngx_http_notify_script_deliveries,
                                           handler, data);

    ngx_http_notify_command_filter(command, ngx_http_notify_segment_inflate);
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key_of(command, keys, "retry", subscription);
    ngx_http_notify_command_key_of(command, keys, "tries", subscription);
    ngx_http_notify_command_key_of(command, keys, "dead", subscription);
    ngx_http_notify_command_key_of(command, keys, "gap", subscription);
    ngx_http_notify_command_key_of(command, keys, "attempts", subscription);
    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key_shard(command, keys, "cursor", shard);
    ngx_http_notify_command_key_shard(command, keys, "pos", shard);
    ngx_http_notify_command_key_shard(command, keys, "attempted", shard);

    ngx_http_notify_command_arg(command, subscription);
    ngx_http_notify_command_text(command, ngx_http_notify_deliveries_hows[how]);

    ngx_http_notify_command_id(command, place);
    ngx_http_notify_command_number(command, limit);
    ngx_http_notify_command_text(command, attempts ? "1" : "0");

    if (place) {
        ngx_http_notify_command_printf(command, "%xL %xL", place->ms,
                                       place->seq);
    } else {
        ngx_http_notify_command_text(command, "");
    }

    return ngx_http_notify_redis_send(command);
}


ngx_int_t
ngx_http_notify_deliveries_again(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    const ngx_http_notify_id_t *event, uint64_t now,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_http_notify_command_t  *command;

    command = ngx_http_notify_command_script(redis,
                                             &ngx_http_notify_script_redeliver,
                                             handler, data);

    ngx_http_notify_command_key(command, keys, "subs");
    ngx_http_notify_command_key_of(command, keys, "retry", subscription);
    ngx_http_notify_command_key_of(command, keys, "tries", subscription);
    ngx_http_notify_command_key_shard(command, keys, "due",
                                ngx_http_notify_keys_shard_of(subscription));
    ngx_http_notify_command_key(command, keys, "log");
    ngx_http_notify_command_key(command, keys, "subs:log");
    ngx_http_notify_command_key(command, keys, "subs:ver");

    ngx_http_notify_command_arg(command, subscription);
    ngx_http_notify_command_id(command, event);
    ngx_http_notify_command_number(command, now);

    return ngx_http_notify_redis_send(command);
}
