/*
 * The keys and arguments of two scripts.  Keeps nothing, and must not know
 * what a delivery's state means.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "ngx_http_notify_deliveries.h"
#include "ngx_http_notify_script.h"


#define NGX_HTTP_NOTIFY_DELIVERIES_KEYS  10


typedef enum {
    NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL = 0,
    NGX_HTTP_NOTIFY_DELIVERIES_SHARD,
    NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION
} ngx_http_notify_deliveries_of_e;

typedef struct {
    const char                       *kind;
    ngx_http_notify_deliveries_of_e   of;
} ngx_http_notify_deliveries_key_t;


static ngx_int_t ngx_http_notify_deliveries_names(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    const ngx_http_notify_deliveries_key_t *list, ngx_str_t *names);


static const ngx_http_notify_deliveries_key_t
    ngx_http_notify_deliveries_read_keys[] =
{
    { "log",       NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL },
    { "retry",     NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION },
    { "tries",     NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION },
    { "dead",      NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION },
    { "gap",       NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION },
    { "attempts",  NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION },
    { "subs",      NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL },
    { "cursor",    NGX_HTTP_NOTIFY_DELIVERIES_SHARD },
    { "pos",       NGX_HTTP_NOTIFY_DELIVERIES_SHARD },
    { "attempted", NGX_HTTP_NOTIFY_DELIVERIES_SHARD },
    { NULL,        NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL }
};

static const ngx_http_notify_deliveries_key_t
    ngx_http_notify_deliveries_again_keys[] =
{
    { "subs",      NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL },
    { "retry",     NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION },
    { "tries",     NGX_HTTP_NOTIFY_DELIVERIES_SUBSCRIPTION },
    { "due",       NGX_HTTP_NOTIFY_DELIVERIES_SHARD },
    { "log",       NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL },
    { "subs:log",  NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL },
    { "subs:ver",  NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL },
    { NULL,        NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL }
};

static const char  *ngx_http_notify_deliveries_hows[] = {
    "one", "log", "retry", "dead"
};


ngx_int_t
ngx_http_notify_deliveries_read(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    ngx_http_notify_deliveries_how_e how, const ngx_http_notify_id_t *place,
    ngx_uint_t limit, ngx_uint_t attempts,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_str_t    names[NGX_HTTP_NOTIFY_DELIVERIES_KEYS], args[6];
    ngx_pool_t  *pool;
    u_char       id[NGX_HTTP_NOTIFY_ID_LEN], number[NGX_INT_T_LEN];
    u_char       hex[NGX_HTTP_NOTIFY_ID_LEN];

    pool = ngx_create_pool(2048, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_deliveries_names(pool, keys, subscription,
                                          ngx_http_notify_deliveries_read_keys,
                                          names);
    if (rc == NGX_OK) {
        args[0] = *subscription;

        args[1].data = (u_char *) ngx_http_notify_deliveries_hows[how];
        args[1].len = ngx_strlen(args[1].data);

        args[2].data = id;
        args[2].len = place ? ngx_http_notify_id_print(id, place) - id : 0;

        args[3].data = number;
        args[3].len = ngx_sprintf(number, "%ui", limit) - number;

        args[4].data = (u_char *) (attempts ? "1" : "0");
        args[4].len = 1;

        args[5].data = hex;
        args[5].len = place ? ngx_sprintf(hex, "%xL %xL", place->ms,
                                          place->seq) - hex
                            : 0;

        rc = ngx_http_notify_script_call(redis,
                                         &ngx_http_notify_script_deliveries,
                                         names, 10, args, 6, handler, data);
    }

    ngx_destroy_pool(pool);

    return rc;
}


ngx_int_t
ngx_http_notify_deliveries_again(ngx_http_notify_redis_t *redis,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    const ngx_http_notify_id_t *event, uint64_t now,
    ngx_http_notify_redis_handler_pt handler, void *data)
{
    ngx_int_t    rc;
    ngx_str_t    names[NGX_HTTP_NOTIFY_DELIVERIES_KEYS], args[3];
    ngx_pool_t  *pool;
    u_char       id[NGX_HTTP_NOTIFY_ID_LEN], time[NGX_INT64_LEN];

    pool = ngx_create_pool(2048, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_notify_deliveries_names(pool, keys, subscription,
                                         ngx_http_notify_deliveries_again_keys,
                                         names);
    if (rc == NGX_OK) {
        args[0] = *subscription;

        args[1].data = id;
        args[1].len = ngx_http_notify_id_print(id, event) - id;

        args[2].data = time;
        args[2].len = ngx_sprintf(time, "%uL", now) - time;

        rc = ngx_http_notify_script_call(redis,
                                         &ngx_http_notify_script_redeliver,
                                         names, 7, args, 3, handler, data);
    }

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_http_notify_deliveries_names(ngx_pool_t *pool,
    const ngx_http_notify_keys_t *keys, const ngx_str_t *subscription,
    const ngx_http_notify_deliveries_key_t *list, ngx_str_t *names)
{
    ngx_uint_t  i, bucket;

    bucket = ngx_http_notify_keys_shard_of(subscription);

    for (i = 0; list[i].kind; i++) {

        if (list[i].of == NGX_HTTP_NOTIFY_DELIVERIES_SHARD) {
            names[i] = ngx_http_notify_keys_shard(pool, keys, list[i].kind,
                                                  bucket);
        } else {
            names[i] = ngx_http_notify_keys_name(pool, keys, list[i].kind,
                           list[i].of == NGX_HTTP_NOTIFY_DELIVERIES_CHANNEL
                           ? NULL : subscription);
        }

        if (names[i].data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
